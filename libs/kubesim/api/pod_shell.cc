#include "libs/kubesim/api/pod_shell.h"

#include <fmt/format.h>

#include <utility>

#include "libs/base/strings.h"

namespace opsmesh::kubesim {
namespace {

constexpr size_t kMaxLine = 64 << 10, kMaxHistory = 100;
constexpr char kInterrupt = 3, kEndOfFile = 4, kBell = 8, kClear = 12, kKill = 21, kEscape = 27;
constexpr int kInterrupted = 130;
constexpr std::string_view kErase = "\b \b";

}  // namespace

std::string ForTerminal(std::string_view text) {
  return base::ReplaceAll(std::string(text), "\n", "\r\n");
}

void LineEditor::Type(std::string_view bytes) {
  for (char c : bytes) Key(c);
}

void LineEditor::Key(char c) {
  if (!escape_.empty()) return Escape(c);
  switch (c) {
    case kEscape:
      escape_ = c;
      return;
    case '\r':
    case '\n': {
      events_.echo("\r\n");
      if (!line_.empty() && history_.size() < kMaxHistory) history_.push_back(line_);
      shown_ = history_.size();
      events_.line(std::exchange(line_, {}));
      return;
    }
    case '\x7f':
    case kBell:
      if (line_.empty()) return;
      while (line_.size() > 1 && (static_cast<unsigned char>(line_.back()) & 0xc0) == 0x80)
        line_.pop_back();  // the rest of a character of several bytes
      line_.pop_back();
      events_.echo(kErase);
      return;
    case kKill:
      Replace("");
      return;
    case kInterrupt:
      events_.echo("^C\r\n");
      line_.clear();
      events_.interrupted();
      return;
    case kEndOfFile:
      if (line_.empty()) events_.ended();
      return;
    case kClear:
      events_.echo("\x1b[H\x1b[2J");
      events_.echo(line_);
      return;
    default:
      if (static_cast<unsigned char>(c) < 0x20 || line_.size() >= kMaxLine) return;
      line_ += c;
      events_.echo({&c, 1});
  }
}

// "ESC [ A": up, "ESC [ B": down; other keys do nothing.
void LineEditor::Escape(char c) {
  escape_ += c;
  if (escape_.size() == 2 && (c == '[' || c == 'O')) return;
  const bool ends = c >= '@' && c <= '~';
  if (!ends && escape_.size() < 16) return;
  escape_.clear();
  if (c == 'A' && shown_ > 0) {
    Replace(history_[--shown_]);
  } else if (c == 'B' && shown_ < history_.size()) {
    ++shown_;
    Replace(shown_ < history_.size() ? history_[shown_] : "");
  }
}

void LineEditor::Replace(const std::string& line) {
  for (size_t i = 0; i < line_.size(); ++i) events_.echo(kErase);
  line_ = line;
  events_.echo(line_);
}

PodShell::PodShell(PodCommand shell, const RunInPod& run, bool terminal, bool bash, Output output)
    : shell_(std::move(shell)),
      run_(run),
      terminal_(terminal),
      bash_(bash),
      output_(std::move(output)),
      editor_({[this](std::string_view text) { output_.out(text); },
               [this](std::string line) { Line(line); },
               [this] {
                 unfinished_.clear();
                 shell_.memory->status = kInterrupted;
                 Prompt();
               },
               [this] { EndOfInput(); }}) {}

void PodShell::Begin() {
  shell_.argv = {""};
  const CommandResult result = run_(shell_);  // learns the environment and the working directory
  if (result.end == CommandResult::End::kNotRunning) return Leave(kInterrupted);
  Prompt();
}

void PodShell::Prompt() {
  if (!terminal_ || over_) return;
  const ShellMemory& memory = *shell_.memory;
  const bool continues = !unfinished_.empty();
  output_.out(continues                ? "> "
              : bash_ && memory.debian ? fmt::format("root@{}:{}# ", shell_.pod, memory.directory)
              : bash_                  ? "bash-5.2# "
              : memory.debian          ? "# "
                                       : fmt::format("{} # ", memory.directory));
}

void PodShell::Type(std::string_view bytes) {
  if (over_) return;
  if (terminal_) return editor_.Type(bytes);
  partial_.append(bytes);
  for (size_t end; !over_ && (end = partial_.find('\n')) != std::string::npos;) {
    const std::string line = partial_.substr(0, end);
    partial_.erase(0, end + 1);
    Line(line);
  }
  if (partial_.size() > kMaxLine) Leave(2);
}

void PodShell::EndOfInput() {
  if (over_) return;
  if (!partial_.empty()) Line(std::exchange(partial_, {}));
  if (over_) return;
  if (!unfinished_.empty()) {
    Say("sh: syntax error: unexpected end of file\n", true);
    return Leave(2);
  }
  if (terminal_) Say(bash_ ? "exit\n" : "\n", false);
  Leave(shell_.memory->status);
}

void PodShell::Line(const std::string& line) {
  const std::string whole = unfinished_ + (base::Trim(line) == "logout" ? "exit" : line);
  if (base::Trim(whole).empty()) return Prompt();
  shell_.argv = {whole};
  const CommandResult result = run_(shell_);
  const bool gives_up = base::Trim(line).empty() || whole.size() > kMaxLine;
  if (result.end == CommandResult::End::kUnreadable && !gives_up) {
    unfinished_ = whole + "\n";
    return Prompt();
  }
  unfinished_.clear();
  Show(result);
  if (result.left) return Leave(result.code);
  Prompt();
}

void PodShell::Show(const CommandResult& result) {
  using End = CommandResult::End;
  switch (result.end) {
    case End::kNotRunning:
      return Leave(137);
    case End::kUnreadable:
      shell_.memory->status = 2;
      return Say("sh: syntax error\n", true);
    case End::kNeverEnds:
      Say(result.output, false);
      shell_.memory->status = kInterrupted;
      return Say("(it would go on; the simulator ends it here)\n", true);
    default:
      Say(result.output, false);
      Say(result.errors, true);
  }
}

void PodShell::Say(std::string_view text, bool error) {
  if (text.empty()) return;
  if (terminal_) return output_.out(ForTerminal(text));
  (error ? output_.err : output_.out)(text);
}

void PodShell::Leave(int code) {
  if (over_) return;
  over_ = true;
  output_.over(code);
}

}  // namespace opsmesh::kubesim
