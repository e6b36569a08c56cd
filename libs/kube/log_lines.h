// A container's output as lines that can be shown: bounded, well-formed UTF-8, no terminal escapes.
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <string_view>

#include "libs/kube/client.h"

namespace opsmesh::kube {

/// Cleans one line: ill-formed UTF-8 and control characters become U+FFFD, terminal escapes and a
/// final CR go away. `replaced` counts the bytes that were replaced.
std::string CleanLogLine(std::string_view raw, size_t* replaced);

/// Feeds bytes, yields clean lines. Holds at most one line of `max_line_bytes` (and a few bytes).
class LogLines {
 public:
  LogLines(size_t max_line_bytes, std::function<bool(std::string line)> on_line)
      : max_line_bytes_(max_line_bytes), on_line_(std::move(on_line)) {}
  /// False when `on_line` returned false.
  bool Feed(std::string_view piece);
  /// The last line, when it has no end.
  bool Finish();
  size_t bytes_read() const { return bytes_read_; }
  size_t cut_lines() const { return cut_lines_; }
  size_t replaced_bytes() const { return replaced_bytes_; }

 private:
  bool Emit();
  const size_t max_line_bytes_;
  const std::function<bool(std::string)> on_line_;
  std::string pending_;
  bool overflow_ = false;  // the rest of this line is passed over
  size_t bytes_read_ = 0;
  size_t cut_lines_ = 0;
  size_t replaced_bytes_ = 0;
};

/// Keeps the last lines within both bounds.
class LogTail {
 public:
  LogTail(size_t max_lines, size_t max_bytes) : max_lines_(max_lines), max_bytes_(max_bytes) {}
  void Add(std::string line);
  std::vector<std::string> Take() {
    return {std::make_move_iterator(lines_.begin()), std::make_move_iterator(lines_.end())};
  }
  bool dropped() const { return dropped_; }

 private:
  const size_t max_lines_;
  const size_t max_bytes_;
  std::deque<std::string> lines_;
  size_t bytes_ = 0;
  bool dropped_ = false;
};

}  // namespace opsmesh::kube
