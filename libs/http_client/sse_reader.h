// Server-sent events as they arrive, whatever pieces the network cuts them into.
//
// Follows the parsing rules of https://html.spec.whatwg.org/multipage/server-sent-events.html: LF,
// CRLF or CR end a line, a byte order mark is skipped, lines of data are joined by "\n", comments
// and unknown fields are ignored.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"

namespace opsmesh::http_client {

/// Cuts a stream of bytes into events. Used by one thread.
class SseReader {
 public:
  /// `event` is the event's type, "" when the stream names none. An error ends the reading.
  using OnEvent = std::function<absl::Status(std::string_view event, std::string_view data)>;

  explicit SseReader(OnEvent on_event, size_t max_event_bytes = 1 << 20)
      : on_event_(std::move(on_event)), max_event_bytes_(max_event_bytes) {}

  /// Takes the next bytes. What the callback returned when that was an error; RESOURCE_EXHAUSTED
  /// (EVENT_TOO_LARGE) for an event above the limit.
  absl::Status Feed(std::string_view bytes);
  /// The stream is over: hands over an event that lacks its empty line. The standard drops it;
  /// servers that forget the last empty line are common, so whoever listens judges whether the data
  /// is whole.
  absl::Status Finish();

 private:
  absl::Status Line(std::string_view line);
  absl::Status Dispatch();

  const OnEvent on_event_;
  const size_t max_event_bytes_;
  std::string line_;
  std::string data_;
  std::string event_;
  bool has_data_ = false;
  bool at_start_ = true;
  bool after_cr_ = false;
};

}  // namespace opsmesh::http_client
