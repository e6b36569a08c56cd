#include "libs/http_client/sse_reader.h"

#include <algorithm>

#include "libs/base/error.h"

namespace opsmesh::http_client {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

}  // namespace

absl::Status SseReader::Feed(std::string_view bytes) {
  while (!bytes.empty()) {
    if (after_cr_) {
      after_cr_ = false;
      if (bytes.front() == '\n') {
        bytes.remove_prefix(1);
        continue;
      }
    }
    const size_t end = bytes.find_first_of("\r\n");
    const size_t taken = std::min(end, bytes.size());
    if (line_.size() + data_.size() + taken > max_event_bytes_) {
      return base::ResourceExhausted("EVENT_TOO_LARGE",
                                     "The stream holds an event above the size limit.");
    }
    line_ += bytes.substr(0, taken);
    if (end == std::string_view::npos) return absl::OkStatus();
    after_cr_ = bytes[end] == '\r';
    bytes.remove_prefix(end + 1);
    const std::string line = std::exchange(line_, {});
    OPSMESH_RETURN_IF_ERROR(Line(line));
  }
  return absl::OkStatus();
}

absl::Status SseReader::Finish() {
  if (!line_.empty()) {
    const std::string line = std::exchange(line_, {});
    OPSMESH_RETURN_IF_ERROR(Line(line));
  }
  return Dispatch();
}

absl::Status SseReader::Line(std::string_view line) {
  if (std::exchange(at_start_, false) && line.starts_with(kByteOrderMark))
    line.remove_prefix(kByteOrderMark.size());
  if (line.empty()) return Dispatch();
  const size_t colon = line.find(':');
  const std::string_view field = line.substr(0, colon);
  std::string_view value =
      colon == std::string_view::npos ? std::string_view() : line.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (field == "event") {
    event_ = value;
  } else if (field == "data") {
    if (std::exchange(has_data_, true)) data_ += '\n';
    data_ += value;
  }
  return absl::OkStatus();
}

absl::Status SseReader::Dispatch() {
  const std::string event = std::exchange(event_, {});
  if (!std::exchange(has_data_, false)) return absl::OkStatus();
  const std::string data = std::exchange(data_, {});
  return on_event_(event, data);
}

}  // namespace opsmesh::http_client
