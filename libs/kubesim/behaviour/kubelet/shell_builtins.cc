// What the shell does itself, and what runs another command.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libs/base/strings.h"
#include "libs/kubesim/behaviour/kubelet/shell_tools.h"

namespace opsmesh::kubesim {
namespace {

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

// The rest of the words as a command of its own.
int RunRest(const ShellCall& call, size_t first) {
  constexpr int kMaxBehind = 32;
  static thread_local int depth = 0;
  if (first >= call.argv.size()) return 0;
  const Level level(&depth);
  if (depth > kMaxBehind) {
    *call.err += call.context.state.shell_name + ": Argument list too long\n";
    return 126;
  }
  return RunShellCommand(Argv(call.argv.begin() + static_cast<ptrdiff_t>(first), call.argv.end()),
                         call.input, call.out, call.err, call.context);
}

int Exit(const ShellCall& call) {
  call.context.exits = call.context.state.left = true;
  return call.argv.size() > 1
             ? static_cast<int>(std::strtol(call.argv[1].c_str(), nullptr, 10)) & 255
             : call.context.state.status;
}

int Exec(const ShellCall& call) {
  if (call.argv.size() < 2) return 0;
  call.context.exits = true;
  return RunRest(call, 1);
}

int Eval(const ShellCall& call) {
  if (call.argv.size() < 2) return 0;
  const std::string script = base::Join(Argv(call.argv.begin() + 1, call.argv.end()), " ");
  return RunNestedShell({"sh", "-c", script}, 2, call.input, call.out, call.context);
}

// nohup, time, tini …: the command behind their flags.
int RunBehindFlags(const ShellCall& call) {
  size_t first = 1;
  while (first < call.argv.size() && call.argv[first].starts_with("-")) ++first;
  return RunRest(call, first);
}

int CommandBuiltin(const ShellCall& call) {
  if (call.argv.size() <= 2 || call.argv[1] != "-v") return RunBehindFlags(call);
  if (!CommandExists(call.argv[2], *call.context.state.tools)) return 127;
  *call.out += "/bin/" + call.argv[2] + "\n";
  return 0;
}

int Export(const ShellCall& call) {
  for (size_t i = 1; i < call.argv.size(); ++i) {
    const std::string& word = call.argv[i];
    if (const size_t equals = word.find('='); equals != std::string::npos)
      SetVariable(call.context.state, word.substr(0, equals), word.substr(equals + 1));
  }
  return 0;
}

int Let(const ShellCall& call) {
  if (call.argv.size() > 1) EvaluateArithmetic(call.argv[1], call.context.state);
  return 0;
}

int Unset(const ShellCall& call) {
  for (size_t i = 1; i < call.argv.size(); ++i) call.context.state.variables.erase(call.argv[i]);
  return 0;
}

int Set(const ShellCall& call) {
  ShellState& state = call.context.state;
  for (size_t i = 1; i < call.argv.size(); ++i) {
    const std::string& word = call.argv[i];
    if (word.size() < 2 || (word[0] != '-' && word[0] != '+')) continue;
    const bool on = word[0] == '-';
    if (word.find('e') != std::string::npos && word != "-o") state.errexit = on;
    if (word.find('x') != std::string::npos) state.xtrace = on;
  }
  return 0;
}

int Trap(const ShellCall& call) {
  const Argv& argv = call.argv;
  if (argv.size() < 3) return 0;
  for (size_t i = 2; i < argv.size(); ++i) {
    const std::string signal = argv[i].starts_with("SIG") ? argv[i].substr(3) : argv[i];
    if (signal == "TERM" || signal == "15" || signal == "EXIT" || signal == "0")
      call.context.state.on_term = argv[1] == "-" ? std::nullopt : std::optional(argv[1]);
  }
  return 0;
}

int Wait(const ShellCall& call) {
  ShellState& state = call.context.state;
  absl::Time last = state.now;
  for (const absl::Time job : state.jobs) last = std::max(last, job);
  state.jobs.clear();
  call.context.delay = last - state.now;
  return 0;
}

int Read(const ShellCall& call) {
  const auto lines = SplitLines(call.input);
  if (lines.empty()) {
    call.context.delay = absl::ZeroDuration();
    return 1;
  }
  if (call.argv.size() > 1) SetVariable(call.context.state, call.argv.back(), lines[0]);
  return 0;
}

int Test(const ShellCall& call) { return EvaluateTest(call.argv, call.context.state, call.err); }

int ChangeDirectory(const ShellCall& call) {
  ShellState& state = call.context.state;
  std::string to = call.argv.size() > 1 ? call.argv[1] : "/root";
  if (to == "~") to = "/root";
  if (to == "-") to = state.variables["OLDPWD"];
  const std::string path = AbsolutePath(state, to);
  if (state.raw && !IsDirectory(state, path)) {
    *call.err +=
        fmt::format("{}: cd: can't cd to {}: No such file or directory\n", state.shell_name, to);
    return 2;
  }
  state.variables["OLDPWD"] = std::exchange(state.directory, path);
  return 0;
}

// fallocate and truncate: a file of that size.
int SetSize(const ShellCall& call) {
  ShellState& state = call.context.state;
  for (size_t i = 1; i + 2 < call.argv.size(); ++i) {
    if (call.argv[i] != "-l" && call.argv[i] != "-s") continue;
    if (KeepSize(state, call.argv.back(), ParseBytes(call.argv[i + 1]))) continue;
    *call.err += fmt::format("{}: {}: {}\n", call.argv[0], call.argv.back(), kNoSpace);
    return 1;
  }
  return 0;
}

int Source(const ShellCall& call) {
  const std::string path = call.argv.size() > 1 ? call.argv[1] : "";
  const std::optional<std::string> file =
      path.empty() ? std::nullopt : FindFile(call.context.state, path);
  if (file) return RunNestedShell({"sh", "-c", *file}, 2, call.input, call.out, call.context);
  *call.err += fmt::format("{}: .: {}: not found\n", call.context.state.shell_name, path);
  return 2;
}

int Type(const ShellCall& call) {
  return call.argv.size() > 1 && CommandExists(call.argv[1], *call.context.state.tools) ? 0 : 127;
}

int Succeed(const ShellCall&) { return 0; }
int Fail(const ShellCall&) { return 1; }

using Builtin = int (*)(const ShellCall&);

const std::map<std::string, Builtin, std::less<>>& Table() {
  static const auto* table =
      new std::map<std::string, Builtin, std::less<>>{{":", Succeed},
                                                      {"true", Succeed},
                                                      {"false", Fail},
                                                      {"exit", Exit},
                                                      {"return", Exit},
                                                      {"exec", Exec},
                                                      {"eval", Eval},
                                                      {"command", CommandBuiltin},
                                                      {"nohup", RunBehindFlags},
                                                      {"time", RunBehindFlags},
                                                      {"setsid", RunBehindFlags},
                                                      {"tini", RunBehindFlags},
                                                      {"dumb-init", RunBehindFlags},
                                                      {"export", Export},
                                                      {"local", Export},
                                                      {"readonly", Export},
                                                      {"declare", Export},
                                                      {"let", Let},
                                                      {"unset", Unset},
                                                      {"set", Set},
                                                      {"trap", Trap},
                                                      {"wait", Wait},
                                                      {"read", Read},
                                                      {"test", Test},
                                                      {"[", Test},
                                                      {"[[", Test},
                                                      {"cd", ChangeDirectory},
                                                      {"fallocate", SetSize},
                                                      {"truncate", SetSize},
                                                      {".", Source},
                                                      {"source", Source},
                                                      {"type", Type},
                                                      {"shift", Succeed},
                                                      {"umask", Succeed},
                                                      {"ulimit", Succeed},
                                                      {"hash", Succeed},
                                                      {"alias", Succeed},
                                                      {"shopt", Succeed},
                                                      {"break", Succeed},
                                                      {"continue", Succeed},
                                                      {"times", Succeed}};
  return *table;
}

}  // namespace

int RunNestedShell(const Argv& argv, size_t script_at, const std::string& input, std::string* out,
                   ShellContext& context) {
  const auto program = CompileShell(argv[script_at]);
  if (!program) {
    if (context.state.raw) context.errors += "sh: syntax error\n";
    return 2;
  }
  ShellState inner =
      MakeShell(program, context.state.variables, context.state.tools, context.state.now);
  inner.files = context.state.files;
  inner.removed = context.state.removed;
  inner.ns = context.state.ns;
  inner.sizes = context.state.sizes;
  inner.memory_limit = context.state.memory_limit;
  inner.mounts = context.state.mounts;
  inner.directory = context.state.directory;
  inner.raw = inner.keeps_errors = context.state.raw;
  inner.input = input.empty() ? context.state.input : input;
  inner.may_ask = context.state.may_ask && input.empty();
  // A shell puts the last command in its own place: no child is made for it.
  inner.child = context.state.child || context.state.pc < context.state.program->code.size();
  inner.positional.assign(argv.begin() + static_cast<ptrdiff_t>(script_at) + 1, argv.end());
  if (inner.positional.empty()) inner.positional = {argv[0]};
  std::vector<LogLine> lines;
  inner.horizon = context.state.horizon;
  RunShell(&inner, std::min(context.state.now + absl::Hours(24), inner.horizon), context.world,
           &lines);
  for (const LogLine& line : lines) *out += line.text + "\n";
  *out += inner.written;
  context.errors += inner.errors;
  if (inner.wants_input) {
    context.state.wants_input = context.exits = true;
    return 0;
  }
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

std::optional<int> RunBuiltin(const ShellCall& call) {
  const auto found = Table().find(call.argv[0]);
  if (found == Table().end()) return std::nullopt;
  return found->second(call);
}

}  // namespace opsmesh::kubesim
