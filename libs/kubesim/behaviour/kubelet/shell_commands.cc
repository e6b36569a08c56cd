// The commands scripts may use: which there are, and who runs them.
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

const std::set<std::string, std::less<>>& CommonTools() {
  static const auto* tools = new std::set<std::string, std::less<>>{
      "[",         "[[",       "awk",       "base64", "basename", "cat",      "chgrp",    "chmod",
      "chown",     "clear",    "cp",        "cut",    "date",     "dd",       "df",       "diff",
      "dirname",   "du",       "echo",      "env",    "expr",     "false",    "find",     "free",
      "getent",    "grep",     "egrep",     "gunzip", "gzip",     "head",     "hostname", "id",
      "install",   "kill",     "killall",   "ln",     "ls",       "md5sum",   "mkdir",    "mkfifo",
      "mknod",     "mktemp",   "mount",     "mv",     "nproc",    "od",       "pgrep",    "pidof",
      "printenv",  "printf",   "ps",        "pwd",    "readlink", "realpath", "rm",       "rmdir",
      "sed",       "seq",      "sha256sum", "sleep",  "sort",     "split",    "stat",     "stty",
      "sync",      "tac",      "tail",      "tar",    "tee",      "test",     "time",     "timeout",
      "top",       "touch",    "tr",        "true",   "tty",      "uname",    "uniq",     "uptime",
      "wc",        "which",    "whoami",    "xargs",  "yes",      "cmp",      "flock",    "nice",
      "fallocate", "truncate", "nohup",     "setsid", "tini",     "dumb-init"};
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

// What a shell says of a command that a signal has ended.
std::string DeathOf(int status) {
  switch (status - 128) {
    case 9:
      return "Killed";
    case 11:
      return "Segmentation fault";
    case 15:
      return "Terminated";
    default:
      return "";
  }
}

int SignalNumber(std::string name) {
  if (name.starts_with("SIG")) name.erase(0, 3);
  static const auto* signals = new std::map<std::string, int>{
      {"HUP", 1},   {"INT", 2},   {"QUIT", 3},  {"ABRT", 6},  {"KILL", 9}, {"USR1", 10},
      {"SEGV", 11}, {"USR2", 12}, {"PIPE", 13}, {"ALRM", 14}, {"TERM", 15}};
  if (auto it = signals->find(name); it != signals->end()) return it->second;
  return static_cast<int>(std::strtol(name.c_str(), nullptr, 10));
}

// kill: only of itself ("$$" is 1 everywhere here), which does nothing to the first process of a
// container and ends any other.
int KillCommand(const Argv& argv, std::string* err, ShellContext& context) {
  int signal = 15;
  std::string target;
  for (size_t i = 1; i < argv.size(); ++i) {
    if (argv[i] == "-s" && i + 1 < argv.size())
      signal = SignalNumber(argv[++i]);
    else if (argv[i].starts_with("-") && argv[i].size() > 1)
      signal = SignalNumber(argv[i].substr(1));
    else
      target = argv[i];
  }
  if (!target.empty() && target.find_first_not_of("0123456789") != std::string::npos) {
    *err += fmt::format("{}: invalid number '{}'\n", context.state.shell_name, target);
    return 1;
  }
  if (target != "1" || !context.state.child || signal <= 0) return 0;
  context.exits = true;
  return 128 + signal;
}

int Nested(const Argv& argv, size_t script_at, std::string* out, ShellContext& context) {
  const auto program = CompileShell(argv[script_at]);
  if (!program) return 2;
  ShellState inner =
      MakeShell(program, context.state.variables, context.state.tools, context.state.now);
  inner.files = context.state.files;
  inner.removed = context.state.removed;
  inner.ns = context.state.ns;
  inner.sizes = context.state.sizes;
  inner.memory_limit = context.state.memory_limit;
  inner.mounts = context.state.mounts;
  inner.directory = context.state.directory;
  // A shell puts the last command in its own place: no child is made for it.
  inner.child = context.state.child || context.state.pc < context.state.program->code.size();
  inner.positional.assign(argv.begin() + static_cast<ptrdiff_t>(script_at) + 1, argv.end());
  if (inner.positional.empty()) inner.positional = {argv[0]};
  std::vector<LogLine> lines;
  RunShell(&inner, context.state.now + absl::Hours(24), context.world, &lines);
  for (const LogLine& line : lines) *out += line.text + "\n";
  context.state.files = inner.files;
  context.state.removed = inner.removed;
  context.state.sizes = inner.sizes;
  context.state.memory = std::max(context.state.memory, inner.memory);
  if (const std::string died = DeathOf(inner.status); inner.child && !died.empty())
    *out += died + "\n";
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
  if (name == "cd") {
    const std::string to = argv.size() > 1 ? argv[1] : "/root";
    state.directory = to.starts_with("/")      ? to
                      : state.directory == "/" ? "/" + to
                                               : state.directory + "/" + to;
    return 0;
  }
  if (name == "fallocate" || name == "truncate") {
    for (size_t i = 1; i + 2 < argv.size(); ++i) {
      if (argv[i] != "-l" && argv[i] != "-s") continue;
      state.files.try_emplace(argv.back());
      state.sizes[argv.back()] = ParseBytes(argv[i + 1]);
    }
    return 0;
  }
  if (name == "shift" || name == "umask" || name == "ulimit" || name == "hash" || name == "alias" ||
      name == "shopt" || name == "break" || name == "continue" || name == "times")
    return 0;
  if (name == "." || name == "source") {
    const std::optional<std::string> file =
        argv.size() > 1 ? FindFile(state, argv[1]) : std::nullopt;
    if (file) return Nested({"sh", "-c", *file}, 2, out, context);
    *err += fmt::format("{}: .: {}: not found\n", state.shell_name, argv.size() > 1 ? argv[1] : "");
    return 2;
  }
  if (name == "type") return argv.size() > 1 && CommandExists(argv[1], *state.tools) ? 0 : 127;
  *known = false;
  return 0;
}

}  // namespace

std::string BaseName(std::string_view path) {
  return std::string(path.substr(path.rfind('/') + 1));
}

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
  if (IsPlainFileOrDirectory(argv[0])) {
    *err += fmt::format("{}: {}: Permission denied\n", state.shell_name, argv[0]);
    return 126;
  }
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
    int64_t block = 512, count = 0;
    std::string target;
    for (const std::string& one : argv) {
      if (one.starts_with("bs=")) block = ParseBytes(one.substr(3));
      if (one.starts_with("count=")) count = ParseBytes(one.substr(6));
      if (one.starts_with("of=") && one != "of=/dev/null") target = one.substr(3);
    }
    if (!target.empty() && IsReadOnly(state, target)) {
      *err += fmt::format("dd: can't open '{}': Read-only file system\n", target);
      return 1;
    }
    state.memory = std::max(state.memory, block);
    if (state.memory_limit > 0 && block > state.memory_limit) {
      context.exits = true;  // killed before it says a word
      return 137;
    }
    if (!target.empty()) {
      state.files.try_emplace(target);
      state.sizes[target] = block * count;
    }
    if (count > 0) *err += fmt::format("{0}+0 records in\n{0}+0 records out\n", count);
    const bool counted = std::any_of(
        argv.begin(), argv.end(), [](const std::string& one) { return one.starts_with("count="); });
    context.delay = counted ? absl::Milliseconds(200) : absl::InfiniteDuration();
    state.milli_cpu = 900;
    return 0;
  }
  if (name == "kill") return KillCommand(argv, err, context);
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
  if ((name == "npm" || name == "yarn") && argv.size() > 1 && state.tools->bare_language &&
      (argv[1] == "start" || argv[1] == "run"))
    return Interpreter({name, "package.json"}, out, err, context);
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
