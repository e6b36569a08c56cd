// The commands scripts may use: who runs them.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdlib>
#include <map>
#include <optional>
#include <string>

#include "libs/kubesim/behaviour/kubelet/shell_tools.h"

namespace opsmesh::kubesim {
namespace {

int Sleep(const ShellCall& call) {
  if (call.argv.size() < 2) {
    *call.err += "sleep: missing operand\n";
    return 1;
  }
  for (size_t i = 1; i < call.argv.size(); ++i) {
    absl::Duration time;
    if (!ParseSleep(call.argv[i], &time)) {
      *call.err += fmt::format("sleep: invalid number '{}'\n", call.argv[i]);
      return 1;
    }
    call.context.delay += time;
  }
  return 0;
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
int Kill(const ShellCall& call) {
  int signal = 15;
  std::string target;
  for (size_t i = 1; i < call.argv.size(); ++i) {
    if (call.argv[i] == "-s" && i + 1 < call.argv.size())
      signal = SignalNumber(call.argv[++i]);
    else if (call.argv[i].starts_with("-") && call.argv[i].size() > 1)
      signal = SignalNumber(call.argv[i].substr(1));
    else
      target = call.argv[i];
  }
  if (!target.empty() && target.find_first_not_of("0123456789") != std::string::npos) {
    *call.err += fmt::format("{}: invalid number '{}'\n", call.context.state.shell_name, target);
    return 1;
  }
  if (target != "1" || !call.context.state.child || signal <= 0) return 0;
  call.context.exits = true;
  return 128 + signal;
}

int Shell(const ShellCall& call) {
  for (size_t i = 1; i + 1 < call.argv.size(); ++i) {
    if (call.argv[i].starts_with("-") && call.argv[i].find('c') != std::string::npos)
      return RunNestedShell(call.argv, i + 1, call.input, call.out, call.context);
  }
  const Argv& argv = call.argv;
  if ((argv.size() == 1 || argv[1] == "-s" || argv[1] == "-") && !call.input.empty())
    return RunNestedShell({argv[0], "-c", call.input}, 2, "", call.out, call.context);
  const ShellState& state = call.context.state;
  const std::optional<std::string> file =
      argv.size() > 1 && state.raw ? FindFile(state, argv[1]) : std::nullopt;
  if (file) return RunNestedShell({argv[0], "-c", *file}, 2, call.input, call.out, call.context);
  return 0;
}

int Timeout(const ShellCall& call) {
  absl::Duration limit;
  ParseSleep(call.argv[1], &limit);
  const int status = RunShellCommand(Argv(call.argv.begin() + 2, call.argv.end()), call.input,
                                     call.out, call.err, call.context);
  if (call.context.delay <= limit) return status;
  call.context.delay = limit;
  return 124;
}

int Yes(const ShellCall& call) {
  call.context.state.milli_cpu = 1000;
  call.context.delay = absl::InfiniteDuration();
  return 0;
}

int CopyBlocks(const ShellCall& call) {
  ShellState& state = call.context.state;
  int64_t block = 512, count = 0;
  std::string target;
  for (const std::string& one : call.argv) {
    if (one.starts_with("bs=")) block = ParseBytes(one.substr(3));
    if (one.starts_with("count=")) count = ParseBytes(one.substr(6));
    if (one.starts_with("of=") && one != "of=/dev/null") target = one.substr(3);
  }
  if (!target.empty() && IsReadOnly(state, target)) {
    *call.err += fmt::format("dd: can't open '{}': Read-only file system\n", target);
    return 1;
  }
  state.memory = std::max(state.memory, block);
  if (state.memory_limit > 0 && block > state.memory_limit) {
    call.context.exits = true;  // killed before it says a word
    return 137;
  }
  if (!target.empty() && !KeepSize(state, target, block * count)) {
    *call.err += fmt::format("dd: can't open '{}': {}\n", target, kNoSpace);
    return 1;
  }
  if (count > 0) *call.err += fmt::format("{0}+0 records in\n{0}+0 records out\n", count);
  const bool counted = std::any_of(call.argv.begin(), call.argv.end(), [](const std::string& one) {
    return one.starts_with("count=");
  });
  call.context.delay = counted ? absl::Milliseconds(200) : absl::InfiniteDuration();
  state.milli_cpu = 900;
  return 0;
}

// busybox's own: in the background unless told otherwise.
int ServePages(const ShellCall& call) {
  const Argv& argv = call.argv;
  ServeHttp(PortOption(argv, 80, {"-p"}), false, call.context);
  const bool foreground = std::any_of(argv.begin(), argv.end(), [](const std::string& one) {
    return one.size() > 1 && one[0] == '-' && one.find('f') != std::string::npos;
  });
  if (!foreground) call.context.becomes_server = false;
  return 0;
}

using Command = int (*)(const ShellCall&);

const std::map<std::string, Command>& Table() {
  static const auto* table = [] {
    const Command echo = [](const ShellCall& c) { return Echo(c.argv, c.context.state, c.out); };
    const Command print = [](const ShellCall& c) { return Printf(c.argv, c.out); };
    const Command cat = [](const ShellCall& c) {
      return Cat(c.argv, c.input, c.out, c.err, c.context);
    };
    const Command tail = [](const ShellCall& c) {
      return Tail(c.argv, c.input, c.out, c.err, c.context);
    };
    const Command grep = [](const ShellCall& c) {
      return Grep(c.argv, c.input, c.out, c.err, c.context);
    };
    const Command fetch = [](const ShellCall& c) { return Fetch(c.argv, c.out, c.err, c.context); };
    const Command resolve = [](const ShellCall& c) {
      return Resolve(c.argv, c.out, c.err, c.context);
    };
    const Command tar = [](const ShellCall& c) {
      return Tar(c.argv, c.input, c.out, c.err, c.context);
    };
    const Command netcat = [](const ShellCall& c) { return Netcat(c.argv, c.err, c.context); };
    const Command stress = [](const ShellCall& c) { return Stress(c.argv, c.out, c.context); };
    return new std::map<std::string, Command>{
        {"echo", echo},     {"printf", print},     {"sleep", Sleep},      {"cat", cat},
        {"tail", tail},     {"head", tail},        {"grep", grep},        {"egrep", grep},
        {"wget", fetch},    {"curl", fetch},       {"nslookup", resolve}, {"getent", resolve},
        {"dig", resolve},   {"ping", resolve},     {"nc", netcat},        {"netcat", netcat},
        {"stress", stress}, {"stress-ng", stress}, {"sh", Shell},         {"bash", Shell},
        {"ash", Shell},     {"yes", Yes},          {"dd", CopyBlocks},    {"kill", Kill},
        {"tar", tar}};
  }();
  return *table;
}

// Commands that are what they are only in some images, or with some words.
std::optional<int> RunByCircumstance(const ShellCall& call, const std::string& name) {
  const Argv& argv = call.argv;
  const ImageProfile& tools = *call.context.state.tools;
  if (name == "timeout" && argv.size() > 2) return Timeout(call);
  if (name == "httpd" && tools.family != "httpd") return ServePages(call);
  if ((name == "npm" || name == "yarn") && argv.size() > 1 && tools.bare_language &&
      (argv[1] == "start" || argv[1] == "run"))
    return Interpreter({name, "package.json"}, call.out, call.err, call.context);
  if (name.starts_with("python") || name == "node" || name == "ruby" || name == "php" ||
      name == "perl")
    return Interpreter(argv, call.out, call.err, call.context);
  return std::nullopt;
}

// Whether the command is what the image is for.
bool IsImageServer(const Argv& argv, const std::string& name, const ImageProfile& tools) {
  const auto& binaries = tools.binaries;
  if (!binaries.empty() && (binaries[0] == argv[0] || BaseName(binaries[0]) == name ||
                            (name == "docker-entrypoint.sh" && argv.size() > 1) ||
                            name == "mysqld" || name == "mariadbd"))
    return true;
  return tools.any_command && !IsSystemTool(name);
}

int RunImageServer(const ShellCall& call) {
  if (std::any_of(call.argv.begin() + 1, call.argv.end(), [](const std::string& one) {
        return one == "--version" || one == "-v" || one == "-V" || one == "--help" || one == "-t";
      }))
    return 0;
  call.context.state.serves_image = true;
  call.context.becomes_server = true;
  return 0;
}

int NotFound(const ShellCall& call) {
  const std::string& name = call.argv[0];
  const ShellState& state = call.context.state;
  *call.err += state.is_bash && name.find('/') == std::string::npos
                   ? fmt::format("bash: line 1: {}: command not found\n", name)
                   : fmt::format("{}: {}: not found\n", state.shell_name, name);
  return 127;
}

}  // namespace

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
  const ShellCall call{argv, input, out, err, context};
  if (const auto status = RunBuiltin(call)) return *status;
  ShellState& state = context.state;
  if (IsPlainFileOrDirectory(argv[0])) {
    *err += fmt::format("{}: {}: Permission denied\n", state.shell_name, argv[0]);
    return 126;
  }
  if (!CommandExists(argv[0], *state.tools)) return NotFound(call);
  const std::string name = BaseName(argv[0]);
  if (const auto found = Table().find(name); found != Table().end()) return found->second(call);
  if (const auto status = RunByCircumstance(call, name)) return *status;
  if (const auto status = FileCommand(call, name)) return *status;
  if (const auto status = TextCommand(call, name)) return *status;
  if (IsImageServer(argv, name, *state.tools)) return RunImageServer(call);
  *out += PassesInputOn(name) ? input : "";  // sort, tr, sed …: what comes in goes out
  context.delay += absl::Milliseconds(5);
  return 0;
}

}  // namespace opsmesh::kubesim
