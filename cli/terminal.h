// The terminal: answers on stdout, notes on stderr, colours only where a person looks, and Ctrl-C.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "absl/status/status.h"
#include "cli/ask.h"
#include "libs/base/context.h"

namespace opsmesh::cli {

/// Colours are used when the stream is a terminal and neither NO_COLOR nor --no-color says
/// otherwise.
bool UseColor(int fd, bool forbidden);

/// Writes an answer to stdout and notes to stderr. One thread.
class Terminal final : public Output {
 public:
  explicit Terminal(bool no_color = false) : color_(UseColor(2, no_color)) {}
  void Answer(std::string_view text) override;
  void Note(std::string_view line) override;

 private:
  const bool color_;
  bool mid_line_ = false;         // the answer's last line is not ended
  bool note_broke_line_ = false;  // a note ended it, where both can be seen
};

/// Language of the person at the terminal: "zh-Hans", "zh-Hant" or "en", from LC_ALL, LC_MESSAGES,
/// LANG.
std::string TerminalLanguage();
/// `zh` or `en` by TerminalLanguage(), in the right script.
std::string Say(std::string_view zh, std::string_view en);

/// Ctrl-C for a whole command. Made before the first other thread, so that all threads leave SIGINT
/// to it. While a piece of work is watched, the first Ctrl-C cancels it and the second ends the
/// program; otherwise Ctrl-C makes prompt_fd() readable when there is a prompt, and ends the
/// program with 130 when there is none.
class Interrupts {
 public:
  Interrupts();
  ~Interrupts();
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;

  void Watch(std::shared_ptr<base::CancelState> work);
  void Unwatch() { Watch(nullptr); }
  /// From now on there is a prompt. Readable after a Ctrl-C; read 8 bytes to clear it.
  int prompt_fd();

 private:
  void Run();

  std::mutex mutex_;
  std::shared_ptr<base::CancelState> work_;
  bool prompts_ = false;
  int signal_fd_ = -1;
  int stop_fd_ = -1;
  int prompt_fd_ = -1;
  std::thread thread_;
};

}  // namespace opsmesh::cli
