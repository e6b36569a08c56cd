// Commands that ask the cluster, serve, or burn what they are told to.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "libs/base/strings.h"
#include "libs/kubesim/behaviour/kubelet/shell_tools.h"

namespace opsmesh::kubesim {
namespace {

// host, port and path of "http://web.shop:8080/x".
void SplitUrl(std::string url, std::string* host, int* port, std::string* path) {
  *port = url.starts_with("https://") ? 443 : 80;
  if (const size_t scheme = url.find("://"); scheme != std::string::npos) url.erase(0, scheme + 3);
  const size_t slash = std::min(url.find('/'), url.size());
  *path = slash == url.size() ? "/" : url.substr(slash);
  *host = url.substr(0, slash);
  if (const size_t colon = host->rfind(':'); colon != std::string::npos) {
    *port = static_cast<int>(std::strtol(host->c_str() + colon + 1, nullptr, 10));
    host->resize(colon);
  }
}

// What a call of curl or wget asks for.
struct FetchOptions {
  std::string url, format, file;  // `format` is curl's -w; `file` takes the page, "-" = shown
  bool curl = false, fail = false, quiet = false, head = false, both = false, spider = false;
};

FetchOptions ReadFetch(const Argv& argv) {
  FetchOptions options;
  options.curl = argv[0] == "curl";
  options.fail = !options.curl;
  options.file = options.curl ? "-" : "";
  for (size_t i = 1; i < argv.size(); ++i) {
    const std::string& one = argv[i];
    const std::string next = i + 1 < argv.size() ? argv[i + 1] : "";
    if (one == "-w" || one == "--write-out") options.format = next;
    if (options.curl ? one == "-o" || one == "--output" : one == "-O") options.file = next;
    const bool takes_value = one == "-o" || one == "-T" || one == "-t" || one == "-H" ||
                             one == "--max-time" || one == "-m" || one == "--connect-timeout" ||
                             one == "-X" || one == "-d" || one == "--retry" || one == "-w" ||
                             one == "--write-out" || one == "--output" || one == "-u" ||
                             one == "-A" || one == "--data" || one == "--header" ||
                             one == "--request" || (!options.curl && one == "-O");
    if (takes_value) {
      ++i;
    } else if (one.starts_with("--")) {
      options.fail = options.fail || (options.curl && one == "--fail");
      options.head = options.head || (options.curl && one == "--head");
      options.both = options.both || one == "--include";
      options.quiet = options.quiet || one == "--silent" || one == "--quiet";
      options.spider = options.spider || one == "--spider";
      if (one == "--output-document=-") options.file = "-";
    } else if (one.starts_with("-")) {
      const auto has = [&one](char letter) { return one.find(letter) != std::string::npos; };
      options.quiet = options.quiet || has(options.curl ? 's' : 'q');
      options.fail = options.fail || (options.curl && has('f'));
      options.head = options.head || (options.curl && has('I'));
      options.both = options.both || (options.curl && has('i'));
      if (!options.curl && has('O') && one.ends_with("-")) options.file = "-";  // -qO-
      if (one.ends_with(options.curl ? 'o' : 'O')) {  // -qO -, -so /dev/null
        options.file = next;
        ++i;
      }
    } else {
      options.url = one;
    }
  }
  return options;
}

void ShowPage(const FetchOptions& options, const std::string& host, int port,
              const std::string& path, int status, std::string* out, std::string* err,
              ShellContext& context) {
  World::Page page = context.world.Read(host, port, path, context.state.ns);
  if (page.type.empty()) page = {fmt::format("HTTP {}\n", status), "text/plain"};
  const std::string head =
      fmt::format("HTTP/1.1 {}{}\r\nContent-Type: {}\r\nContent-Length: {}\r\n\r\n", status,
                  status == 200   ? " OK"
                  : status == 404 ? " Not Found"
                                  : "",
                  page.type, page.text.size());
  std::string text = options.head ? head : options.both ? head + page.text : page.text;
  if (options.spider) text.clear();
  if (options.file == "-") {
    *out += text;
  } else if (options.file != "/dev/null") {
    std::string file = options.file;
    if (file.empty()) file = BaseName(path).empty() ? "index.html" : BaseName(path);
    if (!options.spider &&
        !KeepFile(context.state, AbsolutePath(context.state, file), std::move(text))) {
      *err += fmt::format("{}: can't open '{}': No space left on device\n",
                          options.curl ? "curl" : "wget", file);
      return;
    }
    if (!options.quiet && !options.curl && !options.spider)
      *err += fmt::format("saving to '{0}'\n'{0}' saved\n", file);
  }
  std::string format = base::ReplaceAll(options.format, "%{http_code}", std::to_string(status));
  format = base::ReplaceAll(format, "%{response_code}", std::to_string(status));
  *out += base::ReplaceAll(format, "\\n", "\n");
}

}  // namespace

int Fetch(const Argv& argv, std::string* out, std::string* err, ShellContext& context) {
  const FetchOptions options = ReadFetch(argv);
  const bool curl = options.curl;
  const std::string& url = options.url;
  std::string host, path;
  int port = 80, status = 0;
  SplitUrl(url, &host, &port, &path);
  switch (context.world.Connect(host, port, path, context.state.ns, &status)) {
    case World::Reach::kNoSuchHost:
      *err += curl ? fmt::format("curl: (6) Could not resolve host: {}\n", host)
                   : fmt::format("wget: bad address '{}'\n", host);
      context.delay += absl::Milliseconds(20);
      return curl ? 6 : 1;
    case World::Reach::kRefused:
      *err +=
          curl ? fmt::format(
                     "curl: (7) Failed to connect to {} port {} after 1 ms: Couldn't connect to "
                     "server\n",
                     host, port)
               : fmt::format("wget: can't connect to remote host ({}): Connection refused\n", host);
      return curl ? 7 : 1;
    case World::Reach::kTimeout:
      context.delay += absl::Seconds(5);
      *err += curl ? fmt::format(
                         "curl: (28) Failed to connect to {} port {} after 5000 ms: Timeout was "
                         "reached\n",
                         host, port)
                   : "wget: download timed out\n";
      return curl ? 28 : 1;
    case World::Reach::kOpen:
      break;
  }
  if (status == 0) {
    *err += curl ? "curl: (52) Empty reply from server\n" : "wget: error getting response\n";
    return curl ? 52 : 1;
  }
  if (status >= 400 && options.fail) {
    *err += curl ? fmt::format("curl: (22) The requested URL returned error: {}\n", status)
                 : fmt::format("wget: server returned error: HTTP/1.1 {} \n", status);
    return curl ? 22 : 1;
  }
  ShowPage(options, host, port, path, status, out, err, context);
  return 0;
}

int Resolve(const Argv& argv, std::string* out, std::string* err, ShellContext& context) {
  std::string host;
  for (size_t i = 1; i < argv.size(); ++i) {
    if (argv[i].starts_with("-") || argv[i].starts_with("+") || argv[i] == "hosts" ||
        argv[i] == "ahosts")
      continue;
    host = argv[i];
    break;
  }
  context.delay += absl::Milliseconds(10);
  if (context.world.Resolves(host, context.state.ns)) {
    *out += argv[0] == "nslookup"
                ? fmt::format("Server:\t\t10.96.0.10\nAddress:\t10.96.0.10:53\n\nName:\t{}\n", host)
                : fmt::format("10.96.0.1  {}\n", host);
    return 0;
  }
  if (argv[0] == "nslookup") {
    *out += fmt::format(
        "Server:\t\t10.96.0.10\nAddress:\t10.96.0.10:53\n\n** server can't find {}: NXDOMAIN\n\n",
        host);
  } else if (argv[0] == "ping") {
    *err += fmt::format("ping: bad address '{}'\n", host);
  }
  return argv[0] == "getent" ? 2 : 1;
}

// nc -z host port, nc -l -p port.
int Netcat(const Argv& argv, std::string* err, ShellContext& context) {
  bool listens = false;
  std::vector<std::string> words;
  for (size_t i = 1; i < argv.size(); ++i) {
    if (argv[i].starts_with("-")) {
      listens = listens || argv[i].find('l') != std::string::npos;
      if (argv[i] == "-w" || argv[i] == "-e" || argv[i] == "-c" || argv[i] == "-s") ++i;
    } else {
      words.push_back(argv[i]);
    }
  }
  if (words.empty()) return 1;
  const int port = static_cast<int>(std::strtol(words.back().c_str(), nullptr, 10));
  if (listens) {
    Listen(context.state, {port, Listener::Protocol::kTcp, {}, 404});
    context.becomes_server = true;
    return 0;
  }
  int status = 0;
  const auto reach = context.world.Connect(words[0], port, "/", context.state.ns, &status);
  if (reach == World::Reach::kTimeout) context.delay += absl::Seconds(3);
  if (reach == World::Reach::kNoSuchHost) *err += fmt::format("nc: bad address '{}'\n", words[0]);
  if (reach == World::Reach::kRefused)
    *err += fmt::format("nc: {} ({}:{}): Connection refused\n", words[0], words[0], port);
  return reach == World::Reach::kOpen ? 0 : 1;
}

int PortOption(const Argv& argv, int otherwise, std::initializer_list<const char*> names) {
  for (size_t i = 1; i + 1 < argv.size(); ++i) {
    for (const char* name : names) {
      if (argv[i] != name) continue;
      const std::string& value = argv[i + 1];
      return static_cast<int>(std::strtol(
          value.c_str() + (value.rfind(':') == std::string::npos ? 0 : value.rfind(':') + 1),
          nullptr, 10));
    }
  }
  return otherwise;
}

void Listen(ShellState& state, Listener listener) {
  const bool taken = std::any_of(state.listeners.begin(), state.listeners.end(),
                                 [&](const Listener& one) { return one.port == listener.port; });
  if (!taken && state.listeners.size() < kMaxShellPorts)
    state.listeners.push_back(std::move(listener));
}

void ServeHttp(int port, bool any_page, ShellContext& context) {
  Listen(
      context.state,
      {port, Listener::Protocol::kHttp, {{"/", 200}, {"/index.html", 200}}, any_page ? 200 : 404});
  context.becomes_server = true;
}

int Stress(const Argv& argv, std::string* out, ShellContext& context) {
  int64_t workers = 1, bytes = 256 << 20, cpu = 0;
  absl::Duration timeout = absl::InfiniteDuration();
  for (size_t i = 1; i + 1 < argv.size(); ++i) {
    const std::string& next = argv[i + 1];
    if (argv[i] == "--vm" || argv[i] == "-m") workers = std::strtoll(next.c_str(), nullptr, 10);
    if (argv[i] == "--vm-bytes") bytes = ParseBytes(next);
    if (argv[i] == "--cpu" || argv[i] == "-c") cpu = std::strtoll(next.c_str(), nullptr, 10);
    if (argv[i] == "--timeout" || argv[i] == "-t") ParseSleep(next, &timeout);
  }
  const bool has_vm = std::find_if(argv.begin(), argv.end(), [](const std::string& one) {
                        return one == "--vm" || one == "-m" || one == "--vm-bytes";
                      }) != argv.end();
  if (has_vm) context.state.memory = std::max(context.state.memory, workers * bytes);
  context.state.milli_cpu = std::max<int64_t>(cpu * 1000, has_vm ? 1000 : 1);
  *out += fmt::format("stress: info: [1] dispatching hogs: {} cpu, 0 io, {} vm, 0 hdd\n", cpu,
                      has_vm ? workers : 0);
  context.delay = timeout;
  return 0;
}

}  // namespace opsmesh::kubesim
