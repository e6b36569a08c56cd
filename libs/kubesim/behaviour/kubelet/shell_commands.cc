// The commands scripts may use.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdlib>
#include <set>

#include "libs/base/strings.h"
#include "libs/kubesim/behaviour/kubelet/shell_program.h"

namespace opsmesh::kubesim {
namespace {

using Argv = std::vector<std::string>;

const std::set<std::string, std::less<>>& CommonTools() {
  static const auto* tools = new std::set<std::string, std::less<>>{
      "[",        "[[",     "awk",       "base64",   "basename", "cat",      "chgrp",    "chmod",
      "chown",    "clear",  "cp",        "cut",      "date",     "dd",       "df",       "diff",
      "dirname",  "du",     "echo",      "env",      "expr",     "false",    "find",     "free",
      "getent",   "grep",   "egrep",     "gunzip",   "gzip",     "head",     "hostname", "id",
      "install",  "kill",   "killall",   "ln",       "ls",       "md5sum",   "mkdir",    "mkfifo",
      "mknod",    "mktemp", "mount",     "mv",       "nproc",    "od",       "pgrep",    "pidof",
      "printenv", "printf", "ps",        "pwd",      "readlink", "realpath", "rm",       "rmdir",
      "sed",      "seq",    "sha256sum", "sleep",    "sort",     "split",    "stat",     "stty",
      "sync",     "tac",    "tail",      "tar",      "tee",      "test",     "time",     "timeout",
      "top",      "touch",  "tr",        "true",     "tty",      "uname",    "uniq",     "uptime",
      "wc",       "which",  "whoami",    "xargs",    "yes",      "cmp",      "flock",    "nice",
      "nohup",    "setsid", "tini",      "dumb-init"};
  return *tools;
}
const std::set<std::string, std::less<>>& NetTools() {
  static const auto* tools = new std::set<std::string, std::less<>>{
      "nslookup", "ping", "wget",  "nc",       "netstat", "telnet",
      "httpd",    "vi",   "watch", "ifconfig", "ip",      "traceroute"};
  return *tools;
}
const std::set<std::string, std::less<>>& Builtins() {
  static const auto* builtins = new std::set<std::string, std::less<>>{
      ":",        ".",       "source", "exec",     "exit",    "export", "set",   "unset",
      "cd",       "shift",   "trap",   "wait",     "read",    "eval",   "umask", "ulimit",
      "local",    "return",  "break",  "continue", "command", "type",   "hash",  "alias",
      "readonly", "declare", "shopt",  "times",    "let"};
  return *builtins;
}

std::string BaseName(std::string_view path) {
  return std::string(path.substr(path.rfind('/') + 1));
}

std::vector<std::string> SplitLines(const std::string& text) {
  std::vector<std::string> lines;
  size_t from = 0;
  while (from < text.size()) {
    const size_t end = std::min(text.find('\n', from), text.size());
    lines.push_back(text.substr(from, end - from));
    from = end + 1;
  }
  return lines;
}

std::string Unescape(const std::string& text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    switch (text[++i]) {
      case 'n':
        out += '\n';
        break;
      case 't':
        out += '\t';
        break;
      case 'r':
        out += '\r';
        break;
      case '0':
      case 'e':
        out += '\033';
        break;
      case '\\':
        out += '\\';
        break;
      default:
        out += '\\';
        out += text[i];
    }
  }
  return out;
}

int Echo(const Argv& argv, const ShellState& state, std::string* out) {
  size_t first = 1;
  bool newline = true, escapes = !state.is_bash;
  for (; first < argv.size() && argv[first].size() > 1 && argv[first][0] == '-' &&
         argv[first].find_first_not_of("neE", 1) == std::string::npos;
       ++first) {
    newline = newline && argv[first].find('n') == std::string::npos;
    escapes = escapes || argv[first].find('e') != std::string::npos;
  }
  const std::string text =
      base::Join(Argv(argv.begin() + static_cast<ptrdiff_t>(first), argv.end()), " ");
  *out += (escapes ? Unescape(text) : text) + (newline ? "\n" : "");
  return 0;
}

int Printf(const Argv& argv, std::string* out) {
  if (argv.size() < 2) return 2;
  const std::string format = Unescape(argv[1]);
  size_t next = 2;
  do {
    for (size_t i = 0; i < format.size(); ++i) {
      if (format[i] != '%' || i + 1 == format.size()) {
        *out += format[i];
        continue;
      }
      size_t end = i + 1;
      while (end < format.size() && !std::isalpha(static_cast<unsigned char>(format[end])) &&
             format[end] != '%')
        ++end;
      const std::string value = next < argv.size() ? argv[next] : "";
      const char kind = end < format.size() ? format[end] : 's';
      if (kind == '%') {
        *out += '%';
      } else {
        ++next;
        *out += kind == 'd' || kind == 'i'
                    ? std::to_string(std::strtoll(value.c_str(), nullptr, 10))
                    : value;
      }
      i = end;
    }
  } while (next > 2 && next < argv.size());
  return 0;
}

// A file that is there: written by the script, mounted, or one every image has.
const std::string* FindFile(const ShellState& state, const std::string& path) {
  if (auto it = state.files.find(path); it != state.files.end()) return &it->second;
  static const auto* always = new std::map<std::string, std::string>{
      {"/etc/hostname", "localhost\n"},
      {"/etc/hosts", "127.0.0.1\tlocalhost\n"},
      {"/etc/passwd", "root:x:0:0:root:/root:/bin/sh\n"},
      {"/dev/null", ""},
      {"/etc/resolv.conf",
       "search default.svc.cluster.local svc.cluster.local cluster.local\nnameserver "
       "10.96.0.10\noptions ndots:5\n"},
      {"/etc/os-release", "ID=linux\n"},
      {"/var/run/secrets/kubernetes.io/serviceaccount/namespace", "default"},
      {"/proc/1/cmdline", ""}};
  if (state.removed.contains(path)) return nullptr;
  auto it = always->find(path);
  return it == always->end() ? nullptr : &it->second;
}

bool IsDirectory(const ShellState& state, std::string path) {
  static const auto* always = new std::set<std::string>{
      "/",          "/tmp",           "/etc", "/var", "/usr", "/bin",     "/home",    "/root",
      "/opt",       "/proc",          "/dev", "/sys", "/run", "/var/run", "/var/log", "/usr/bin",
      "/usr/local", "/usr/local/bin", "/srv", "/mnt", "/lib", "/."};
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  if (always->contains(path)) return true;
  const std::string prefix = path + "/";
  auto it = state.files.lower_bound(prefix);
  return it != state.files.end() && it->first.starts_with(prefix);
}

int Cat(const Argv& argv, const std::string& input, std::string* out, std::string* err,
        ShellContext& context) {
  bool any = false;
  int status = 0;
  for (size_t i = 1; i < argv.size(); ++i) {
    if (argv[i].starts_with("-") && argv[i] != "-") continue;
    any = true;
    if (argv[i] == "-") {
      *out += input;
      continue;
    }
    if (argv[i] == "/dev/zero") {
      context.state.memory = INT64_MAX / 4;
      context.delay = absl::InfiniteDuration();
      continue;
    }
    const std::string* file = FindFile(context.state, argv[i]);
    if (file != nullptr) {
      *out += *file;
      continue;
    }
    const bool busy = !context.state.tools || !context.state.tools->bash;
    *err += busy ? fmt::format("cat: can't open '{}': No such file or directory\n", argv[i])
                 : fmt::format("cat: {}: No such file or directory\n", argv[i]);
    status = 1;
  }
  if (!any) *out += input;
  return status;
}

int Tail(const Argv& argv, const std::string& input, std::string* out, std::string* err,
         ShellContext& context) {
  bool follow = false;
  size_t count = 10;
  std::string text = input, path;
  for (size_t i = 1; i < argv.size(); ++i) {
    if (argv[i] == "-f" || argv[i] == "-F" || argv[i] == "-nf")
      follow = true;
    else if (argv[i] == "-n" && i + 1 < argv.size())
      count = static_cast<size_t>(std::strtoul(argv[++i].c_str(), nullptr, 10));
    else if (argv[i].size() > 1 && argv[i][0] == '-' &&
             std::isdigit(static_cast<unsigned char>(argv[i][1])))
      count = static_cast<size_t>(std::strtoul(argv[i].c_str() + 1, nullptr, 10));
    else if (argv[i].starts_with("-n"))
      count = static_cast<size_t>(std::strtoul(argv[i].c_str() + 2, nullptr, 10));
    else if (!argv[i].starts_with("-"))
      path = argv[i];
  }
  if (path == "/dev/zero") {  // the classic way to eat all memory
    context.state.memory = INT64_MAX / 4;
    context.delay = absl::InfiniteDuration();
    return 0;
  }
  if (!path.empty()) {
    const std::string* file = FindFile(context.state, path);
    if (file == nullptr) {
      *err += fmt::format("tail: can't open '{}': No such file or directory\n", path);
      if (!follow) return 1;
    } else {
      text = *file;
    }
  }
  if (follow) context.delay = absl::InfiniteDuration();
  const auto lines = SplitLines(text);
  for (size_t i = argv[0] == "head" ? 0 : lines.size() - std::min(count, lines.size());
       i < lines.size(); ++i) {
    if (argv[0] == "head" && i >= count) break;
    *out += lines[i] + "\n";
  }
  return 0;
}

int Grep(const Argv& argv, const std::string& input, std::string* out, std::string* err,
         ShellContext& context) {
  std::string flags, pattern, text = input;
  bool have_pattern = false;
  for (size_t i = 1; i < argv.size(); ++i) {
    if (argv[i].starts_with("-") && argv[i].size() > 1) {
      flags += argv[i].substr(1);
      continue;
    }
    if (!have_pattern) {
      pattern = argv[i];
      have_pattern = true;
      continue;
    }
    const std::string* file = FindFile(context.state, argv[i]);
    if (file == nullptr) {
      *err += fmt::format("grep: {}: No such file or directory\n", argv[i]);
      return 2;
    }
    text = *file;
  }
  int count = 0;
  for (const std::string& line : SplitLines(text)) {
    const bool hit = line.find(pattern) != std::string::npos;
    if (hit == (flags.find('v') != std::string::npos)) continue;
    ++count;
    if (flags.find('q') == std::string::npos && flags.find('c') == std::string::npos)
      *out += line + "\n";
  }
  if (flags.find('c') != std::string::npos) *out += std::to_string(count) + "\n";
  return count > 0 ? 0 : 1;
}

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

int Fetch(const Argv& argv, std::string* out, std::string* err, ShellContext& context) {
  const bool curl = argv[0] == "curl";
  std::string url;
  bool fail = !curl, quiet = false;
  for (size_t i = 1; i < argv.size(); ++i) {
    const std::string& one = argv[i];
    if (one == "-O" || one == "-o" || one == "-T" || one == "-t" || one == "-H" ||
        one == "--max-time" || one == "-m" || one == "--connect-timeout" || one == "-X" ||
        one == "-d" || one == "--retry" || one == "-w") {
      if (!(curl && one == "-O")) ++i;
    } else if (one.starts_with("-")) {
      quiet = quiet || one.find('s') != std::string::npos || one.find('q') != std::string::npos;
      fail = fail ||
             (curl && (one == "--fail" || (one[1] != '-' && one.find('f') != std::string::npos)));
    } else {
      url = one;
    }
  }
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
  if (status >= 400 && fail) {
    *err += curl ? fmt::format("curl: (22) The requested URL returned error: {}\n", status)
                 : fmt::format("wget: server returned error: HTTP/1.1 {} \n", status);
    return curl ? 22 : 1;
  }
  if (!quiet || curl) *out += fmt::format("HTTP {}\n", status);
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
    if (argv[i] == "-c" || argv[i] == "-e" || argv[i] == "-r") code = argv[i + 1];
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
  if (code.empty()) {  // a program of the image: it runs
    context.state.serves_image = true;
    context.becomes_server = argv.size() > 1;
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

int Sleep(const Argv& argv, std::string* err, ShellContext& context) {
  if (argv.size() < 2) {
    *err += "sleep: missing operand\n";
    return 1;
  }
  for (size_t i = 1; i < argv.size(); ++i) {
    absl::Duration time;
    if (!ParseSleep(argv[i], &time)) {
      *err += fmt::format("sleep: invalid number '{}'\n", argv[i]);
      return 1;
    }
    context.delay += time;
  }
  return 0;
}

int Nested(const Argv& argv, size_t script_at, std::string* out, ShellContext& context) {
  const auto program = CompileShell(argv[script_at]);
  if (!program) return 2;
  ShellState inner =
      MakeShell(program, context.state.variables, context.state.tools, context.state.now);
  inner.files = context.state.files;
  inner.removed = context.state.removed;
  inner.ns = context.state.ns;
  inner.positional.assign(argv.begin() + static_cast<ptrdiff_t>(script_at) + 1, argv.end());
  if (inner.positional.empty()) inner.positional = {argv[0]};
  std::vector<LogLine> lines;
  RunShell(&inner, context.state.now + absl::Hours(24), context.world, &lines);
  for (const LogLine& line : lines) *out += line.text + "\n";
  context.state.files = inner.files;
  context.state.removed = inner.removed;
  if (!inner.over)
    context.delay = absl::InfiniteDuration();
  else
    context.delay += inner.now - context.state.now;
  return inner.status;
}

int Builtin(const Argv& argv, const std::string& input, std::string* out, std::string* err,
            ShellContext& context, bool* known) {
  ShellState& state = context.state;
  const std::string& name = argv[0];
  *known = true;
  if (name == ":" || name == "true") return 0;
  if (name == "false") return 1;
  if (name == "exit" || name == "return") {
    context.exits = true;
    return argv.size() > 1 ? static_cast<int>(std::strtol(argv[1].c_str(), nullptr, 10)) & 255
                           : state.status;
  }
  if (name == "exec") {
    if (argv.size() < 2) return 0;
    context.exits = true;
    return RunShellCommand(Argv(argv.begin() + 1, argv.end()), input, out, err, context);
  }
  if (name == "eval" || name == "command" || name == "nohup" || name == "time" ||
      name == "setsid" || name == "tini" || name == "dumb-init") {
    size_t first = 1;
    while (first < argv.size() && argv[first].starts_with("-")) ++first;
    if (name == "command" && argv.size() > 2 && argv[1] == "-v") {
      const bool there = CommandExists(argv[2], *state.tools);
      if (there) *out += "/bin/" + argv[2] + "\n";
      return there ? 0 : 127;
    }
    if (first >= argv.size()) return 0;
    if (name != "eval")
      return RunShellCommand(Argv(argv.begin() + static_cast<ptrdiff_t>(first), argv.end()), input,
                             out, err, context);
    return Nested({"sh", "-c", base::Join(Argv(argv.begin() + 1, argv.end()), " ")}, 2, out,
                  context);
  }
  if (name == "export" || name == "local" || name == "readonly" || name == "declare") {
    for (size_t i = 1; i < argv.size(); ++i) {
      if (const size_t equals = argv[i].find('='); equals != std::string::npos)
        state.variables[argv[i].substr(0, equals)] = argv[i].substr(equals + 1);
    }
    return 0;
  }
  if (name == "let") {
    if (argv.size() > 1) EvaluateArithmetic(argv[1], state);
    return 0;
  }
  if (name == "unset") {
    for (size_t i = 1; i < argv.size(); ++i) state.variables.erase(argv[i]);
    return 0;
  }
  if (name == "set") {
    for (size_t i = 1; i < argv.size(); ++i) {
      if (argv[i].size() < 2 || (argv[i][0] != '-' && argv[i][0] != '+')) continue;
      const bool on = argv[i][0] == '-';
      if (argv[i].find('e') != std::string::npos && argv[i] != "-o") state.errexit = on;
      if (argv[i].find('x') != std::string::npos) state.xtrace = on;
    }
    return 0;
  }
  if (name == "trap") {
    if (argv.size() < 3) return 0;
    for (size_t i = 2; i < argv.size(); ++i) {
      const std::string signal = argv[i].starts_with("SIG") ? argv[i].substr(3) : argv[i];
      if (signal == "TERM" || signal == "15" || signal == "EXIT" || signal == "0")
        state.on_term = argv[1] == "-" ? std::nullopt : std::optional(argv[1]);
    }
    return 0;
  }
  if (name == "wait") {
    absl::Time last = state.now;
    for (absl::Time job : state.jobs) last = std::max(last, job);
    state.jobs.clear();
    context.delay = last - state.now;
    return 0;
  }
  if (name == "read") {
    const auto lines = SplitLines(input);
    if (lines.empty()) {
      context.delay = absl::ZeroDuration();
      return 1;
    }
    if (argv.size() > 1) state.variables[argv.back()] = lines[0];
    return 0;
  }
  if (name == "test" || name == "[" || name == "[[") return EvaluateTest(argv, state, err);
  if (name == "cd" || name == "shift" || name == "umask" || name == "ulimit" || name == "hash" ||
      name == "alias" || name == "shopt" || name == "break" || name == "continue" ||
      name == "times")
    return 0;
  if (name == "." || name == "source") {
    const std::string* file = argv.size() > 1 ? FindFile(state, argv[1]) : nullptr;
    if (file != nullptr) return Nested({"sh", "-c", *file}, 2, out, context);
    *err += fmt::format("{}: .: {}: not found\n", state.shell_name, argv.size() > 1 ? argv[1] : "");
    return 2;
  }
  if (name == "type") return argv.size() > 1 && CommandExists(argv[1], *state.tools) ? 0 : 127;
  *known = false;
  return 0;
}

int FileCommand(const Argv& argv, const std::string& name, const std::string& input,
                std::string* out, std::string* err, ShellContext& context, bool* known) {
  ShellState& state = context.state;
  *known = true;
  Argv paths;
  for (size_t i = 1; i < argv.size(); ++i) {
    if (!argv[i].starts_with("-")) paths.push_back(argv[i]);
  }
  if (name == "touch") {
    for (const std::string& path : paths) {
      state.files.try_emplace(path);
      state.removed.erase(path);
    }
    return 0;
  }
  if (name == "rm") {
    int status = 0;
    const bool force =
        argv.size() > 1 && argv[1].starts_with("-") && argv[1].find('f') != std::string::npos;
    for (const std::string& path : paths) {
      bool any = FindFile(state, path) != nullptr;
      std::erase_if(state.files, [&](const auto& file) {
        const bool gone = file.first == path || file.first.starts_with(path + "/") ||
                          MatchesPattern(path, file.first);
        any = any || gone;
        return gone;
      });
      state.removed.insert(path);
      if (any || force) continue;
      *err += fmt::format("rm: can't remove '{}': No such file or directory\n", path);
      status = 1;
    }
    return status;
  }
  if (name == "mkdir") {
    for (const std::string& path : paths) state.files.try_emplace(path + "/.");
    return 0;
  }
  if ((name == "cp" || name == "mv" || name == "ln") && paths.size() >= 2) {
    const std::string* file = FindFile(state, paths[0]);
    if (file == nullptr && !IsDirectory(state, paths[0])) {
      *err += fmt::format("{}: can't stat '{}': No such file or directory\n", name, paths[0]);
      return 1;
    }
    if (file != nullptr) state.files[paths[1]] = *file;
    if (name == "mv") state.files.erase(paths[0]);
    return 0;
  }
  if (name == "ls" || name == "stat") {
    int status = 0;
    for (const std::string& path : paths) {
      if (FindFile(state, path) != nullptr)
        *out += path + "\n";
      else if (!IsDirectory(state, path)) {
        *err += fmt::format("ls: {}: No such file or directory\n", path);
        status = 1;
      }
    }
    return status;
  }
  if (name == "tee") {
    for (const std::string& path : paths) {
      if (state.files.size() < 256) state.files[path] = input;
    }
    *out += input;
    return 0;
  }
  *known = false;
  return 0;
}

int TextCommand(const Argv& argv, const std::string& name, const std::string& input,
                std::string* out, ShellContext& context, bool* known) {
  ShellState& state = context.state;
  *known = true;
  if (name == "date") {
    const bool seconds = argv.size() > 1 && argv[1] == "+%s";
    *out += seconds ? std::to_string(absl::ToUnixSeconds(state.now)) + "\n"
            : argv.size() > 1 && argv.back().starts_with("+")
                ? absl::FormatTime(argv.back().substr(1), state.now, absl::UTCTimeZone()) + "\n"
                : absl::FormatTime("%a %b %e %H:%M:%S UTC %Y\n", state.now, absl::UTCTimeZone());
    return 0;
  }
  if (name == "hostname") {
    *out += state.variables["HOSTNAME"] + "\n";
    return 0;
  }
  if (name == "whoami") {
    *out += "root\n";
    return 0;
  }
  if (name == "id") {
    *out += "uid=0(root) gid=0(root) groups=0(root)\n";
    return 0;
  }
  if (name == "uname") {
    *out += "Linux\n";
    return 0;
  }
  if (name == "pwd") {
    *out += "/\n";
    return 0;
  }
  if (name == "nproc") {
    *out += "2\n";
    return 0;
  }
  if (name == "env" || name == "printenv") {
    if (argv.size() > 1 && name == "printenv") {
      auto it = state.variables.find(argv[1]);
      if (it == state.variables.end()) return 1;
      *out += it->second + "\n";
      return 0;
    }
    if (argv.size() > 1) {
      size_t first = 1;
      while (first < argv.size() && argv[first].find('=') != std::string::npos) ++first;
      std::string err;
      if (first < argv.size())
        return RunShellCommand(Argv(argv.begin() + static_cast<ptrdiff_t>(first), argv.end()),
                               input, out, &err, context);
    }
    for (const auto& [key, value] : state.variables) *out += key + "=" + value + "\n";
    return 0;
  }
  if (name == "seq") {
    const int64_t first = argv.size() > 2 ? std::strtoll(argv[1].c_str(), nullptr, 10) : 1;
    const int64_t step =
        argv.size() > 3 ? std::max<int64_t>(1, std::strtoll(argv[2].c_str(), nullptr, 10)) : 1;
    const int64_t last = argv.size() > 1 ? std::strtoll(argv.back().c_str(), nullptr, 10) : 0;
    for (int64_t i = first; i <= last && i - first < 100'000; i += step)
      *out += std::to_string(i) + "\n";
    return 0;
  }
  if (name == "wc") {
    *out += std::to_string(argv.size() > 1 && argv[1] == "-l"
                               ? static_cast<int64_t>(std::count(input.begin(), input.end(), '\n'))
                               : static_cast<int64_t>(input.size())) +
            "\n";
    return 0;
  }
  if (name == "expr" && argv.size() > 1) {
    const int64_t value =
        EvaluateArithmetic(base::Join(Argv(argv.begin() + 1, argv.end()), " "), state);
    *out += std::to_string(value) + "\n";
    return value == 0;
  }
  *known = false;
  return 0;
}

}  // namespace

bool CommandExists(std::string_view command, const ImageProfile& profile) {
  const std::string name = BaseName(command);
  const bool absolute = command.find('/') != std::string_view::npos;
  if (std::find(profile.binaries.begin(), profile.binaries.end(), std::string(command)) !=
      profile.binaries.end())
    return true;
  if (!absolute || command.starts_with("/bin/") || command.starts_with("/usr/") ||
      command.starts_with("/sbin/")) {
    if (std::any_of(profile.binaries.begin(), profile.binaries.end(),
                    [&](const std::string& one) { return BaseName(one) == name; }))
      return true;
    if (name == "sh" || name == "ash") return profile.shell;
    if (name == "bash") return profile.bash;
    if (profile.shell && (CommonTools().contains(name) || (!absolute && Builtins().contains(name))))
      return true;
    if (profile.shell && NetTools().contains(name))
      return !profile.bash || profile.any_command;  // busybox has them, Debian's images do not
    static const auto* interpreters = new std::map<std::string, std::set<std::string>>{
        {"python", {"python", "python3", "pip", "pip3"}},
        {"curlimages/curl", {"curl"}},
        {"alpine", {"apk"}},
        {"bash", {"apt-get", "apt", "perl", "dpkg"}},
        {"nginx", {"curl", "apt-get"}},
        {"polinux/stress", {"stress", "stress-ng"}},
        {"httpd", {"perl"}}};
    auto it = interpreters->find(profile.family);
    if (it != interpreters->end() && it->second.contains(name)) return true;
    if (profile.family == "alpine" && name == "curl") return true;
  }
  return profile.any_command;
}

bool CommonShellTool(std::string_view command) {
  const std::string name = BaseName(command);
  return CommonTools().contains(name) || NetTools().contains(name) || Builtins().contains(name) ||
         name == "sh" || name == "bash" || name == "ash" || name == "curl";
}

bool ParseSleep(const std::string& text, absl::Duration* duration) {
  if (text == "infinity" || text == "inf") {
    *duration = absl::InfiniteDuration();
    return true;
  }
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (end == text.c_str() || value < 0 || !std::isfinite(value)) return false;
  const std::string_view unit(end);
  const double scale = unit == "m" ? 60 : unit == "h" ? 3600 : unit == "d" ? 86400 : 1;
  if (!unit.empty() && unit != "s" && scale == 1) return false;
  *duration = std::min(absl::Seconds(value * scale), absl::Hours(24 * 36500));
  return true;
}

int64_t ParseBytes(const std::string& text) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  switch (end == nullptr ? 0 : std::toupper(static_cast<unsigned char>(*end))) {
    case 'K':
      return static_cast<int64_t>(value * 1024);
    case 'M':
      return static_cast<int64_t>(value * (1 << 20));
    case 'G':
      return static_cast<int64_t>(value * (1 << 30));
    default:
      return static_cast<int64_t>(value);
  }
}

int RunShellCommand(const Argv& argv, const std::string& input, std::string* out, std::string* err,
                    ShellContext& context) {
  ShellState& state = context.state;
  const std::string name = BaseName(argv[0]);
  bool known = false;
  int status = Builtin(argv, input, out, err, context, &known);
  if (known) return status;
  if (!CommandExists(argv[0], *state.tools)) {
    if (argv[0].find('/') != std::string::npos)
      *err += fmt::format("{}: {}: not found\n", state.shell_name, argv[0]);
    else
      *err += state.is_bash ? fmt::format("bash: line 1: {}: command not found\n", argv[0])
                            : fmt::format("{}: {}: not found\n", state.shell_name, argv[0]);
    return 127;
  }
  if (name == "echo") return Echo(argv, state, out);
  if (name == "printf") return Printf(argv, out);
  if (name == "sleep") return Sleep(argv, err, context);
  if (name == "cat") return Cat(argv, input, out, err, context);
  if (name == "tail" || name == "head") return Tail(argv, input, out, err, context);
  if (name == "grep" || name == "egrep") return Grep(argv, input, out, err, context);
  if (name == "wget" || name == "curl") return Fetch(argv, out, err, context);
  if (name == "nslookup" || name == "getent" || name == "dig" || name == "ping")
    return Resolve(argv, out, err, context);
  if (name == "nc" || name == "netcat") return Netcat(argv, err, context);
  if (name == "stress" || name == "stress-ng") return Stress(argv, out, context);
  if (name == "sh" || name == "bash" || name == "ash") {
    for (size_t i = 1; i + 1 < argv.size(); ++i) {
      if (argv[i].starts_with("-") && argv[i].find('c') != std::string::npos)
        return Nested(argv, i + 1, out, context);
    }
    return 0;
  }
  if (name == "timeout" && argv.size() > 2) {
    absl::Duration limit;
    ParseSleep(argv[1], &limit);
    status = RunShellCommand(Argv(argv.begin() + 2, argv.end()), input, out, err, context);
    if (context.delay <= limit) return status;
    context.delay = limit;
    return 124;
  }
  if (name == "yes") {
    state.milli_cpu = 1000;
    context.delay = absl::InfiniteDuration();
    return 0;
  }
  if (name == "dd") {
    int64_t block = 512;
    for (const std::string& one : argv) {
      if (one.starts_with("bs=")) block = ParseBytes(one.substr(3));
    }
    state.memory = std::max(state.memory, block);
    const bool counted = std::any_of(
        argv.begin(), argv.end(), [](const std::string& one) { return one.starts_with("count="); });
    context.delay = counted ? absl::Milliseconds(200) : absl::InfiniteDuration();
    state.milli_cpu = 900;
    return 0;
  }
  if (name == "kill") {
    const bool self = argv.size() > 1 && (argv.back() == "1" || argv.back() == "$$");
    if (self && argv[1] == "-9")
      return 0;  // a process cannot kill itself as the first of its namespace
    return 0;
  }
  if (name == "httpd" && state.tools->family != "httpd") {
    ServeHttp(PortOption(argv, 80, {"-p"}), false, context);
    if (std::find(argv.begin(), argv.end(), "-f") == argv.end() &&
        std::none_of(argv.begin(), argv.end(), [](const std::string& one) {
          return one.size() > 1 && one[0] == '-' && one.find('f') != std::string::npos;
        })) {
      context.becomes_server = false;  // it goes to the background
    }
    return 0;
  }
  if (name.starts_with("python") || name == "node" || name == "ruby" || name == "php" ||
      name == "perl")
    return Interpreter(argv, out, err, context);
  status = FileCommand(argv, name, input, out, err, context, &known);
  if (known) return status;
  status = TextCommand(argv, name, input, out, context, &known);
  if (known) return status;
  const auto& binaries = state.tools->binaries;
  const bool server =
      !binaries.empty() && (binaries[0] == argv[0] || BaseName(binaries[0]) == name ||
                            (name == "docker-entrypoint.sh" && argv.size() > 1) ||
                            name == "mysqld" || name == "mariadbd");
  if (server ||
      (state.tools->any_command && !CommonTools().contains(name) && !NetTools().contains(name))) {
    if (std::any_of(argv.begin() + 1, argv.end(), [](const std::string& one) {
          return one == "--version" || one == "-v" || one == "-V" || one == "--help" || one == "-t";
        }))
      return 0;
    state.serves_image = true;
    context.becomes_server = true;
    return 0;
  }
  *out += CommonTools().contains(name) ? input : "";  // sort, tr, sed …: what comes in goes out
  context.delay += absl::Milliseconds(5);
  return 0;
}

}  // namespace opsmesh::kubesim
