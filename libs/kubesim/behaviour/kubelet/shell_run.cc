// Running compiled scripts: instructions, pipelines, redirections.
#include <algorithm>
#include <set>
#include <utility>

#include "libs/base/strings.h"
#include "libs/kubesim/behaviour/kubelet/shell_program.h"
#include "libs/kubesim/behaviour/kubelet/shell_tools.h"

namespace opsmesh::kubesim {
namespace {

constexpr int kStepsAtOnce = 1000;  // a loop that never sleeps yields then
constexpr absl::Duration kSpin = absl::Seconds(1),
                         kLongestSpin = absl::Minutes(1);  // and goes on after this, doubling
constexpr int kMaxShells = 20;                             // in one another
constexpr int kStepsWithin = 50'000;  // of all those within a step of the outermost
constexpr absl::Duration kShortest = absl::Milliseconds(1);  // a wait that is one
constexpr size_t kMaxJobs = 1000;
constexpr size_t kMaxErrors = 4096, kMaxWritten = 8 << 20;

void Emit(const std::string& text, ShellState& state, std::string* partial,
          std::vector<LogLine>* lines) {
  if (state.raw) {
    if (state.written.size() < kMaxWritten) state.written += text;
    return;
  }
  *partial += text;
  size_t from = 0;
  for (size_t end; (end = partial->find('\n', from)) != std::string::npos; from = end + 1)
    lines->push_back({state.now, partial->substr(from, end - from)});
  partial->erase(0, from);
  if (partial->size() > kMaxShellText) partial->clear();
}

struct Output {
  std::string out, err;
};

void WriteFile(ShellState& state, const std::string& name, const std::string& text, bool append) {
  const std::string path = AbsolutePath(state, name);
  if (path == "/dev/null" || (state.files.size() >= kMaxShellFiles && !state.files.contains(path)))
    return;
  std::string& file = state.files[path];
  if (!append) file.clear();
  if (file.size() + text.size() <= kMaxShellText) file += text;
  state.removed.erase(path);
  if (!append) state.sizes.erase(path);
}

bool IsStream(const std::string& path) {
  return path == "/dev/stdout" || path == "/dev/stderr" || path == "/proc/1/fd/1" ||
         path == "/proc/1/fd/2" || path == "/dev/tty" || path == "/dev/console";
}

// Where the output of one stage goes. What remains in `*output` flows on.
void Redirect(const ShellCommand& command, ShellContext& context, Output* output) {
  using Kind = ShellRedirect::Kind;
  for (const ShellRedirect& redirect : command.redirects) {
    if (redirect.kind == Kind::kRead || redirect.kind == Kind::kHere) continue;
    const std::string target = ExpandText(redirect.target, context);
    if (redirect.kind == Kind::kDuplicate) {
      if (redirect.fd == 2 && target == "1") {
        output->out += output->err;
        output->err.clear();
      }
      if (redirect.fd == 1 && target == "2") {
        output->err += output->out;
        output->out.clear();
      }
      continue;
    }
    if (IsStream(target)) continue;
    std::string* stream = redirect.fd == 2 ? &output->err : &output->out;
    if (redirect.fd == 3) {
      output->out += output->err;
      output->err.clear();
    }
    if (IsReadOnly(context.state, target)) {
      stream->clear();
      output->err +=
          context.state.shell_name + ": can't create " + target + ": Read-only file system\n";
      context.state.status = 1;
      continue;
    }
    WriteFile(context.state, target, *stream, redirect.kind == Kind::kAppend);
    stream->clear();
  }
}

// Whether a command without a redirection reads what the shell itself is given.
bool ReadsInput(const std::vector<std::string>& argv) {
  const std::string name = BaseName(argv[0]);
  if (name == "tar") return ReadsArchive(argv);
  if (name == "sh" || name == "bash" || name == "ash") return argv.size() == 1 || argv[1] == "-s";
  if (name == "tr" || name == "tee" || name == "read" || name == "xargs") return true;
  size_t operands = 0;
  bool dash = false;
  for (size_t i = 1; i < argv.size(); ++i) {
    dash = dash || argv[i] == "-";
    operands += !argv[i].starts_with("-");
  }
  static const auto* none =
      new std::set<std::string>{"cat",    "wc",     "sort", "uniq",      "head", "tail",
                                "base64", "md5sum", "od",   "sha256sum", "tac",  "gunzip"};
  static const auto* one = new std::set<std::string>{"grep", "egrep", "sed", "awk", "cut"};
  return (none->contains(name) && (operands == 0 || dash)) ||
         (one->contains(name) && operands <= 1);
}

// Of the first command of a pipeline: what is left of the shell's own input.
std::string OwnInput(const std::vector<std::string>& argv, ShellState& state) {
  if (argv.empty() || (!state.may_ask && state.input.empty()) || !ReadsInput(argv)) return "";
  if (state.may_ask) {
    state.wants_input = true;
    return "";
  }
  if (argv[0] != "read") return std::exchange(state.input, {});
  const size_t end = std::min(state.input.find('\n'), state.input.size());
  const std::string line = state.input.substr(0, end);
  state.input.erase(0, end + 1);
  return line;
}

std::string InputOf(const ShellCommand& command, const std::string& piped, ShellContext& context) {
  for (const ShellRedirect& redirect : command.redirects) {
    if (redirect.kind == ShellRedirect::Kind::kHere)
      return ExpandText("\"" + base::ReplaceAll(redirect.target, "\"", "\\\"") + "\"", context);
    if (redirect.kind != ShellRedirect::Kind::kRead) continue;
    return FindFile(context.state, ExpandText(redirect.target, context)).value_or("");
  }
  return piped;
}

void RunPipeline(const ShellInstruction& instruction, ShellContext& context, std::string* partial,
                 std::vector<LogLine>* lines) {
  ShellState& state = context.state;
  std::string piped;
  for (size_t i = 0; i < instruction.stages.size(); ++i) {
    const ShellCommand& command = instruction.stages[i];
    std::vector<std::string> argv;
    for (const std::string& word : command.words) {
      for (std::string& field : ExpandWord(word, context)) argv.push_back(std::move(field));
    }
    if (argv.empty()) state.status = 0;
    for (const std::string& assignment : command.assignments) {
      const size_t equals = assignment.find('=');
      SetVariable(state, assignment.substr(0, equals),
                  ExpandText(assignment.substr(equals + 1), context));
    }
    Output output;
    if (!argv.empty()) {
      if (state.xtrace) Emit("+ " + base::Join(argv, " ") + "\n", state, partial, lines);
      const bool redirected = std::any_of(
          command.redirects.begin(), command.redirects.end(), [](const ShellRedirect& one) {
            return one.kind == ShellRedirect::Kind::kRead || one.kind == ShellRedirect::Kind::kHere;
          });
      if (i == 0 && !redirected) piped = OwnInput(argv, state);
      if (state.wants_input) {
        context.exits = true;
        return;
      }
      state.status = RunShellCommand(argv, InputOf(command, piped, context), &output.out,
                                     &output.err, context);
    }
    output.err.insert(0, std::exchange(context.errors, {}));
    Redirect(command, context, &output);
    if (!state.keeps_errors) {
      Emit(output.err, state, partial, lines);
    } else if (state.errors.size() < kMaxErrors) {
      state.errors += output.err;
    }
    piped = std::move(output.out);
  }
  Emit(piped, state, partial, lines);
}

void RunInstruction(const ShellInstruction& instruction, ShellContext& context,
                    std::string* partial, std::vector<LogLine>* lines) {
  using Op = ShellInstruction::Op;
  ShellState& state = context.state;
  const size_t here = state.pc++;
  switch (instruction.op) {
    case Op::kJump:
      state.pc = instruction.target;
      break;
    case Op::kJumpIfFalse:
      if (state.status != 0) state.pc = instruction.target;
      break;
    case Op::kJumpIfTrue:
      if (state.status == 0) state.pc = instruction.target;
      break;
    case Op::kNot:
      state.status = state.status == 0;
      break;
    case Op::kSucceed:
      state.status = 0;
      break;
    case Op::kForBegin: {
      ShellState::Loop loop;
      for (const std::string& word : instruction.words) {
        for (std::string& field : ExpandWord(word, context)) loop.items.push_back(std::move(field));
      }
      state.loops[instruction.target] = std::move(loop);
      break;
    }
    case Op::kForNext: {
      ShellState::Loop& loop = state.loops[here];
      if (loop.next >= loop.items.size())
        state.pc = instruction.target;
      else
        SetVariable(state, instruction.name, loop.items[loop.next++]);
      break;
    }
    case Op::kCase: {
      const std::string subject = ExpandText(instruction.name, context);
      bool matched = false;
      for (const std::string& pattern : instruction.words)
        matched = matched || MatchesPattern(ExpandText(pattern, context), subject);
      if (!matched) state.pc = instruction.target;
      break;
    }
    case Op::kRun:
      RunPipeline(instruction, context, partial, lines);
      if (instruction.background) {
        if (state.jobs.size() >= kMaxJobs) state.jobs.erase(state.jobs.begin());
        state.jobs.push_back(context.becomes_server ? absl::InfiniteFuture()
                                                    : state.now + context.delay);
        state.status = 0;
        context.delay = absl::ZeroDuration();
        context.exits = context.becomes_server = false;
      } else if (state.errexit && !instruction.tested && state.status != 0) {
        context.exits = true;
      }
      break;
  }
}

}  // namespace

ShellState MakeShell(std::shared_ptr<const ShellProgram> program,
                     const std::map<std::string, std::string>& env, ImageProfilePtr tools,
                     absl::Time now) {
  ShellState state;
  state.program = std::move(program);
  state.variables = env;
  state.variables.try_emplace("HOME", "/root");
  state.variables.try_emplace("PATH",
                              "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
  state.tools = std::move(tools);
  state.now = now;
  return state;
}

void RunShell(ShellState* state, absl::Time until, const World& world,
              std::vector<LogLine>* lines) {
  static thread_local int depth = 0;
  static thread_local int left = 0;  // of kStepsWithin
  const Level level(&depth);
  if (depth > kMaxShells) {
    state->errors += state->shell_name + ": too many levels of shells\n";
    state->status = 2;
    state->over = true;
    return;
  }
  const bool outermost = depth == 1;
  if (outermost) left = kStepsWithin;
  std::string partial;
  int steps = 0;
  while (!state->over) {
    if (outermost && state->horizon == absl::InfiniteFuture())
      left = kStepsWithin;
    else if (--left < 0)
      break;
    if (state->wakes > until) break;
    state->now = std::max(state->now, state->wakes);
    if (state->now > until) break;
    state->wakes = absl::InfinitePast();
    if (state->pc >= state->program->code.size()) {
      state->over = true;
      break;
    }
    ShellContext context{*state, world, absl::ZeroDuration()};
    RunInstruction(state->program->code[state->pc], context, &partial, lines);
    if (context.becomes_server) {
      state->wakes = absl::InfiniteFuture();
    } else if (context.delay > absl::ZeroDuration()) {
      state->wakes = context.delay == absl::InfiniteDuration()
                         ? absl::InfiniteFuture()
                         : state->now + std::max(context.delay, kShortest);
    }
    if (context.exits) {
      // `exec sleep 5` ends after its time.
      if (state->wakes > state->now)
        state->pc = state->program->code.size();
      else
        state->over = true;
    }
    if (state->wakes > state->now) {
      steps = 0;
      state->spins = 0;
    } else if (++steps >= kStepsAtOnce) {
      state->wakes =
          state->now + std::min(kSpin * (1 << std::min(state->spins++, 10)), kLongestSpin);
      state->milli_cpu = std::max<int64_t>(state->milli_cpu, 1000);
      steps = 0;
    }
  }
  if (!partial.empty()) lines->push_back({state->now, partial});
}

}  // namespace opsmesh::kubesim
