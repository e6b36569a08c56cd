// What the API server sends: lists and watch lines, read piece by piece so that one bad object does
// not spoil the rest.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "libs/http_client/wiping.h"
#include "libs/kube/client.h"

namespace opsmesh::kube {

struct ListPage {
  std::string kind;  // "PodList"
  std::vector<ObjectPtr> items;
  std::vector<Unparseable> unparseable;
  std::string resource_version;
  std::string continue_token;
  std::optional<int64_t> remaining;
};

/// Reads one page, appending to `page->items`. INVALID_ARGUMENT (MALFORMED_JSON ...) when it is no
/// JSON or not a list: nothing of it can be trusted then.
absl::Status ParseList(std::string_view body, const ResourceType& type, ListPage* page,
                       ObjectPacker* packer = nullptr);

/// One line of a watch.
struct WatchLine {
  enum class Kind {
    kEvent,        // `event` is whole
    kUnparseable,  // an event about an object that cannot be read; event.resource_version when it
                   // was readable
    kError,        // ERROR event; `error_json` is its object
    kUnknownType,  // a type of the future: nothing to do
    kMalformed,    // not JSON, or half of it
  };
  Kind kind = Kind::kMalformed;
  WatchEvent event;
  Unparseable unparseable;
  std::string error_json;
};
WatchLine ParseWatchLine(std::string_view line, const ResourceType& type,
                         ObjectPacker* packer = nullptr);

/// Cuts a stream into lines. A line longer than `max_bytes` is an error. With `wipe` what it holds
/// of a line is overwritten after use.
class LineSplitter {
 public:
  explicit LineSplitter(size_t max_bytes, bool wipe = false) : max_bytes_(max_bytes), wipe_(wipe) {}
  ~LineSplitter() {
    if (wipe_) http_client::Wipe(&pending_);
  }
  /// Calls `on_line` for each whole line, without its end; stops at the first status that is not
  /// OK.
  template <typename F>
  absl::Status Feed(std::string_view piece, F on_line) {
    while (!piece.empty()) {
      const size_t end = piece.find('\n');
      if (end == std::string_view::npos) {
        if (pending_.size() + piece.size() > max_bytes_) return TooLong();
        Keep(piece);
        return absl::OkStatus();
      }
      std::string_view line = piece.substr(0, end);
      if (!pending_.empty()) {
        if (pending_.size() + line.size() > max_bytes_) return TooLong();
        Keep(line);
        line = pending_;
      }
      const absl::Status status = on_line(line);
      if (wipe_) {
        http_client::Wipe(&pending_);
      } else {
        pending_.clear();
      }
      if (!status.ok()) return status;
      piece.remove_prefix(end + 1);
    }
    return absl::OkStatus();
  }
  bool has_rest() const { return !pending_.empty(); }

 private:
  absl::Status TooLong() const;
  void Keep(std::string_view piece) {
    if (wipe_) {
      http_client::AppendWiping(piece, &pending_);
    } else {
      pending_.append(piece);
    }
  }
  const size_t max_bytes_;
  const bool wipe_;
  std::string pending_;
};

}  // namespace opsmesh::kube
