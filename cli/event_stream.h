// Server-sent events as they come in, whatever the pieces they are cut into.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace opsmesh::cli {

/// Collects lines and calls back with the data of each event. Comments, other fields, CRLF and a last event without its
/// empty line are handled as the standard says. One thread; an event above 1 MiB is RESOURCE_EXHAUSTED (EVENT_TOO_LARGE).
class EventStream {
 public:
  using OnData = std::function<absl::Status(std::string_view data)>;
  explicit EventStream(OnData on_data) : on_data_(std::move(on_data)) {}

  /// Takes the next bytes; returns what the callback returned when that was an error.
  absl::Status Feed(std::string_view bytes);

 private:
  absl::Status Line(std::string_view line);

  OnData on_data_;
  std::string line_;
  std::string data_;
  bool has_data_ = false;
};

}  // namespace opsmesh::cli
