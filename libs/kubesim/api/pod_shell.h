// A shell that somebody types into: lines, and at a terminal the editing of lines, prompts and an
// echo.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "libs/kubesim/api/pod_exec.h"

namespace opsmesh::kubesim {

/// A terminal begins a new line at its left edge.
std::string ForTerminal(std::string_view text);

/// Turns what is typed into lines as a terminal does: echo, backspace, Ctrl-U, Ctrl-C, Ctrl-D,
/// arrows up and down. Not thread-safe.
class LineEditor {
 public:
  struct Events {
    std::function<void(std::string_view)> echo;
    std::function<void(std::string line)> line;
    std::function<void()> interrupted, ended;  // Ctrl-C; Ctrl-D on an empty line
  };
  explicit LineEditor(Events events) : events_(std::move(events)) {}
  void Type(std::string_view bytes);

 private:
  void Key(char c);
  void Escape(char c);
  void Replace(const std::string& line);

  const Events events_;
  std::string line_, escape_;
  std::vector<std::string> history_;
  size_t shown_ = 0;  // of the history; its size = the new line
};

/// Not thread-safe.
class PodShell {
 public:
  struct Output {
    std::function<void(std::string_view)> out, err;
    std::function<void(int code)> over;  // once
  };
  /// `shell` holds where it runs, and its memory. Calls no function of `output` yet.
  PodShell(PodCommand shell, const RunInPod& run, bool terminal, bool bash, Output output);

  void Begin();  // the first prompt
  void Type(std::string_view bytes);
  void EndOfInput();

 private:
  void Line(const std::string& line);
  void Show(const CommandResult& result);
  void Say(std::string_view text, bool error);
  void Prompt();
  void Leave(int code);

  PodCommand shell_;
  const RunInPod run_;
  const bool terminal_, bash_;
  const Output output_;
  LineEditor editor_;
  std::string partial_;     // without a terminal: a line that is not complete
  std::string unfinished_;  // lines of a command that goes on
  bool over_ = false;
};

}  // namespace opsmesh::kubesim
