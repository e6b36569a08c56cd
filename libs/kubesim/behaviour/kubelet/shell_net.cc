// Commands that ask the cluster, serve, burn what they are told to, or interpret a program given as
// text.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdlib>
#include <map>
#include <set>

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

// Digits of pi by the spigot of Rabinowitz and Wagon (1995), "3." and digits - 1 behind it.
std::string Pi(int digits) {
  const int size = digits * 10 / 3 + 2;
  std::vector<int> boxes(static_cast<size_t>(size), 2);
  std::string text;
  int nines = 0, held = 0;
  for (int i = 0; i <= digits + 8; ++i) {
    int carry = 0;
    for (int j = size - 1; j > 0; --j) {
      const int value = 10 * boxes[static_cast<size_t>(j)] + carry * (j + 1);
      boxes[static_cast<size_t>(j)] = value % (2 * j + 1);
      carry = value / (2 * j + 1);
    }
    const int value = 10 * boxes[0] + carry;
    boxes[0] = value % 10;
    const int next = value / 10;
    if (next == 9) {
      ++nines;
      continue;
    }
    const bool over = next == 10;
    if (i > 0) text += static_cast<char>('0' + held + (over ? 1 : 0));
    text.append(static_cast<size_t>(nines), over ? '0' : '9');
    nines = 0;
    held = over ? 0 : next;
  }
  text.resize(std::min(text.size(), static_cast<size_t>(digits)));
  return text.substr(0, 1) + "." + text.substr(1);
}

// A script of the user's that nothing brings into an image of a bare language: 0 when it is there,
// or may be.
int MissingProgram(const Argv& argv, std::string* err, ShellContext& context) {
  const ShellState& state = context.state;
  if (!state.tools || !state.tools->bare_language) return 0;
  std::string file;
  for (size_t i = 1; i < argv.size() && file.empty(); ++i) {
    if (argv[i] == "-m") return 0;  // a module
    if (!argv[i].starts_with("-")) file = argv[i];
  }
  if (file.empty() || FindFile(state, file)) return 0;
  for (std::string folder = file; folder.find('/') != std::string::npos;) {
    folder.resize(folder.rfind('/'));
    if (!folder.empty() && state.files.contains(folder + "/."))
      return 0;  // a mounted volume may hold it
  }
  const std::string absolute = file.starts_with("/") ? file : "/" + file;
  if (!file.starts_with("/") &&
      std::any_of(state.files.begin(), state.files.end(), [](const auto& one) {
        return one.first.ends_with("/.") && one.first != "/." &&
               !one.first.starts_with("/var/run/secrets/");
      }))
    return 0;  // below the working directory, which may be a volume
  const std::string name = BaseName(argv[0]);
  if (name == "npm" || name == "yarn") {
    *err +=
        "npm error code ENOENT\nnpm error syscall open\nnpm error path /package.json\nnpm error "
        "errno -2\nnpm error enoent "
        "Could not read package.json: Error: ENOENT: no such file or directory, open "
        "'/package.json'\n";
    return 254;
  }
  if (name == "node") {
    *err += fmt::format(
        "node:internal/modules/cjs/loader:1228\n  throw err;\n  ^\n\nError: Cannot find module "
        "'{}'\n"
        "    at Module._resolveFilename (node:internal/modules/cjs/loader:1225:15) {{\n"
        "  code: 'MODULE_NOT_FOUND',\n  requireStack: []\n}}\n",
        absolute);
    return 1;
  }
  if (name.starts_with("python")) {
    *err += fmt::format("{}: can't open file '/{}': [Errno 2] No such file or directory\n", name,
                        absolute);
    return 2;
  }
  if (name == "php") {
    *err += fmt::format("Could not open input file: {}\n", file);
    return 1;
  }
  *err += fmt::format("{}: No such file or directory -- {} (LoadError)\n", name, file);
  return name == "perl" ? 2 : 1;
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
    if (!options.spider) context.state.files[AbsolutePath(context.state, file)] = text;
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
    context.state.listeners.push_back({port, Listener::Protocol::kTcp, {}, 404});
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

void ServeHttp(int port, bool any_page, ShellContext& context) {
  context.state.listeners.push_back(
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

// Programs given as text to an interpreter: what can be read off them.
int Interpreter(const Argv& argv, std::string* out, std::string* err, ShellContext& context) {
  std::string code;
  for (size_t i = 1; i + 1 < argv.size(); ++i) {
    const bool letters = argv[i].size() > 1 && argv[i][0] == '-' && argv[i][1] != '-';
    if (letters && (argv[i] == "-c" || argv[i] == "-r" || argv[i].back() == 'e'))
      code = argv[i + 1];
    if (argv[i] == "-m" && (argv[i + 1] == "http.server" || argv[i + 1] == "SimpleHTTPServer")) {
      const std::string last = argv.back();
      const int port = std::isdigit(static_cast<unsigned char>(last[0]))
                           ? static_cast<int>(std::strtol(last.c_str(), nullptr, 10))
                           : 8000;
      *out += fmt::format("Serving HTTP on 0.0.0.0 port {} (http://0.0.0.0:{}/) ...\n", port, port);
      context.state.listeners.push_back({port, Listener::Protocol::kHttp, {{"/", 200}}, 404});
      context.becomes_server = true;
      return 0;
    }
  }
  if (code.empty()) {
    if (const int status = MissingProgram(argv, err, context); status != 0) return status;
    context.state.serves_image = true;  // a program of the image, or a mounted one: it runs
    context.becomes_server = argv.size() > 1;
    return 0;
  }
  if (const size_t at = code.find("bpi("); at != std::string::npos) {  // perl -Mbignum=bpi
    const int digits = static_cast<int>(std::strtol(code.c_str() + at + 4, nullptr, 10));
    *out += Pi(std::clamp(digits, 1, 5000)) + "\n";
    context.state.milli_cpu = 950;
    context.delay += absl::Seconds(6);
    return 0;
  }
  auto argument = [&](const char* call) -> std::string {
    const size_t at = code.find(call);
    if (at == std::string::npos) return "";
    const size_t open = at + std::string_view(call).size();
    return code.substr(open, code.find(')', open) - open);
  };
  for (const char* call : {"print(", "console.log(", "puts ", "echo "}) {
    std::string text = argument(call);
    if (text.size() >= 2 && (text.front() == '"' || text.front() == '\'') &&
        text.back() == text.front())
      *out += text.substr(1, text.size() - 2) + "\n";
  }
  if (const std::string seconds = argument("sleep("); !seconds.empty()) {
    absl::Duration time;
    if (ParseSleep(seconds, &time)) context.delay += time;
  }
  if (code.find("while True") != std::string::npos ||
      code.find("setInterval") != std::string::npos ||
      code.find("while(true)") != std::string::npos) {
    context.delay = absl::InfiniteDuration();
    return 0;
  }
  for (const char* call : {"sys.exit(", "process.exit(", "os._exit(", "exit("}) {
    const std::string value = argument(call);
    if (code.find(call) != std::string::npos)
      return static_cast<int>(std::strtol(value.c_str(), nullptr, 10)) & 255;
  }
  if (code.find("raise ") != std::string::npos || code.find("throw ") != std::string::npos) {
    *err += "Traceback (most recent call last):\n  File \"<string>\", line 1, in <module>\n" +
            code.substr(code.find("raise") == std::string::npos ? 0 : code.find("raise") + 6) +
            "\n";
    return 1;
  }
  return 0;
}

}  // namespace opsmesh::kubesim
