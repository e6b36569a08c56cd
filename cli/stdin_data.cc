#include "cli/stdin_data.h"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "libs/base/error.h"
#include "libs/base/json.h"
#include "libs/base/strings.h"
#include "nlohmann/json.hpp"

namespace opsmesh::cli {
namespace {

using nlohmann::json;

// What is looked at of more than the limit; the rest is dropped unread.
constexpr size_t kMostRead = 64 << 20;

std::string Size(size_t bytes) { return fmt::format("{} KiB", bytes >> 10); }

void DropBooks(json& object) {
  const auto metadata = object.find("metadata");
  if (metadata == object.end() || !metadata->is_object()) return;
  metadata->erase("managedFields");
  const auto annotations = metadata->find("annotations");
  if (annotations != metadata->end() && annotations->is_object())
    annotations->erase("kubectl.kubernetes.io/last-applied-configuration");
}

// The list again, with as many of its objects as fit.
std::optional<StdinData> FitList(std::string_view text, size_t max_bytes) {
  absl::StatusOr<json> list = base::ParseJson(text, {.max_bytes = kMostRead});
  if (!list.ok() || !list->is_object()) return std::nullopt;
  const auto items = list->find("items");
  if (items == list->end() || !items->is_array()) return std::nullopt;
  json objects = std::move(*items);
  *items = json::array();
  size_t size = base::DumpJson(*list).size();
  for (json& object : objects) {
    if (object.is_object()) DropBooks(object);
    size += base::DumpJson(object).size() + 1;
    if (size > max_bytes) break;
    items->push_back(std::move(object));
  }
  if (items->empty()) return std::nullopt;
  StdinData data{base::DumpJson(*list), ""};
  if (items->size() < objects.size()) {
    data.left_out = fmt::format(
        "Only the first {} of {} objects on standard input fit into {}; name a namespace or use a "
        "selector to hand over others.",
        items->size(), objects.size(), Size(max_bytes));
  }
  return data;
}

}  // namespace

StdinData FitData(std::string text, size_t max_bytes) {
  if (text.size() <= max_bytes) return {std::move(text), ""};
  if (base::Trim(text).starts_with('{')) {
    if (auto list = FitList(base::Trim(text), max_bytes)) return *std::move(list);
  }
  return {std::string(base::Utf8Prefix(text, max_bytes)),
          fmt::format("Only the first {} of standard input are handed over.", Size(max_bytes))};
}

absl::StatusOr<StdinData> ReadStdin(int fd, size_t max_bytes, absl::Duration patience) {
  std::string bytes;
  struct stat info {};
  if (fstat(fd, &info) != 0 || !(S_ISFIFO(info.st_mode) || S_ISREG(info.st_mode)))
    return StdinData{};
  std::array<char, 65536> buffer{};
  while (true) {
    pollfd waiting{.fd = fd, .events = POLLIN, .revents = 0};
    const int ready = poll(&waiting, 1, static_cast<int>(absl::ToInt64Milliseconds(patience)));
    if (ready < 0 && errno == EINTR) continue;
    if (ready == 0) {
      return base::DeadlineExceeded("STDIN_SILENT",
                                    "Standard input is a pipe and nothing comes out of it.")
          .Hint("Use --no-stdin (or < /dev/null) when there is no data to hand over.");
    }
    const ssize_t count = read(fd, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    // The rest is read and dropped, so that the program on the left is not killed by a broken pipe.
    if (bytes.size() < std::max(kMostRead, max_bytes))
      bytes.append(buffer.data(), static_cast<size_t>(count));
  }
  return FitData(base::SanitizeUtf8(bytes), max_bytes);
}

}  // namespace opsmesh::cli
