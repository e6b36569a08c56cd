#include "cli/event_stream.h"

#include "libs/base/error.h"

namespace opsmesh::cli {

constexpr size_t kMaxEventBytes = 1 << 20;

absl::Status EventStream::Feed(std::string_view bytes) {
  while (!bytes.empty()) {
    const size_t end = bytes.find('\n');
    line_ += bytes.substr(0, end);
    if (line_.size() + data_.size() > kMaxEventBytes) {
      return base::ResourceExhausted("EVENT_TOO_LARGE", "The server sent an event above 1 MiB.")
          .Hint("Is this an OpsMesh server? Check --server.");
    }
    if (end == std::string_view::npos) return absl::OkStatus();
    bytes.remove_prefix(end + 1);
    if (!line_.empty() && line_.back() == '\r') line_.pop_back();
    const absl::Status status = Line(line_);
    line_.clear();
    OPSMESH_RETURN_IF_ERROR(status);
  }
  return absl::OkStatus();
}

absl::Status EventStream::Line(std::string_view line) {
  if (line.empty()) {
    if (!has_data_) return absl::OkStatus();
    const std::string data = std::move(data_);
    data_.clear();
    has_data_ = false;
    return on_data_(data);
  }
  if (line.rfind("data:", 0) != 0) return absl::OkStatus();  // a comment, or a field nobody here needs
  line.remove_prefix(5);
  if (!line.empty() && line.front() == ' ') line.remove_prefix(1);
  if (has_data_) data_ += '\n';
  data_ += line;
  has_data_ = true;
  return absl::OkStatus();
}

}  // namespace opsmesh::cli
