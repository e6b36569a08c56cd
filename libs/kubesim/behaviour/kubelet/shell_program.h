// The inside of shell.h: what a script is compiled to, and what its commands see. For shell_*.cc
// only.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/kubesim/behaviour/kubelet/shell.h"

namespace opsmesh::kubesim {

/// Longest value of a variable and content of a file that is kept, in bytes.
inline constexpr size_t kMaxShellText = 256 << 10;
/// Most files that a container's commands keep.
inline constexpr size_t kMaxShellFiles = 256;
/// Most variables that a script sets, and ports that it listens on.
inline constexpr size_t kMaxShellVariables = 1024, kMaxShellPorts = 64;

struct ShellRedirect {
  int fd = 1;
  enum class Kind { kWrite, kAppend, kRead, kDuplicate, kHere } kind = Kind::kWrite;
  std::string target;  // a raw word, or the text of a here document
};

/// Words are kept raw, quotes included: they are expanded when the command runs.
struct ShellCommand {
  std::vector<std::string> assignments, words;
  std::vector<ShellRedirect> redirects;
};

struct ShellInstruction {
  enum class Op {
    kRun,
    kJump,
    kJumpIfFalse,
    kJumpIfTrue,
    kNot,
    kForBegin,
    kForNext,
    kSucceed,
    kCase
  };
  Op op = Op::kRun;
  std::vector<ShellCommand> stages;  // kRun: a pipeline
  bool background = false;
  bool tested = false;  // its failure is asked for: `set -e` does not apply
  size_t target = 0;
  std::string name;                // of a loop's variable, or the word of a case
  std::vector<std::string> words;  // of a loop, or the patterns of a case
};

struct ShellProgram {
  std::vector<ShellInstruction> code;
};

/// What one command does to its shell.
/// Counts how deep this thread is in something that calls itself.
class Level {
 public:
  explicit Level(int* depth) : depth_(depth) { ++*depth_; }
  ~Level() { --*depth_; }
  Level(const Level&) = delete;
  Level& operator=(const Level&) = delete;

 private:
  int* const depth_;
};

struct ShellContext {
  ShellState& state;
  const World& world;
  absl::Duration delay;  // time the command takes
  bool exits = false;    // the script ends with the command's status
  bool becomes_server =
      false;  // the image's own server, or one of a command, runs in the foreground for ever
  std::string errors = {};  // of substitutions in its words
};

/// The expansion of a raw word: variables, $(…), $((…)), quotes; unquoted results are split at
/// blanks.
std::vector<std::string> ExpandWord(const std::string& raw, ShellContext& context);
std::string ExpandText(const std::string& raw, ShellContext& context);
/// Sets a variable; nothing happens when there are kMaxShellVariables others.
void SetVariable(ShellState& state, const std::string& name, std::string value);
int64_t EvaluateArithmetic(std::string_view text, const ShellState& state);

/// Runs a command by name; returns its status.
int RunShellCommand(const std::vector<std::string>& argv, const std::string& input,
                    std::string* out, std::string* err, ShellContext& context);
/// `[`'s judgement.
int EvaluateTest(const std::vector<std::string>& argv, const ShellState& state, std::string* err);
bool MatchesPattern(std::string_view pattern, std::string_view text);
/// "5", "0.5", "2m", "infinity".
bool ParseSleep(const std::string& text, absl::Duration* duration);
/// Bytes of "200M", "1G", "512k".
int64_t ParseBytes(const std::string& text);

}  // namespace opsmesh::kubesim
