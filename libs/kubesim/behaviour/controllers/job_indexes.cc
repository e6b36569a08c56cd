#include "libs/kubesim/behaviour/controllers/job_indexes.h"

#include <algorithm>
#include <charconv>

#include "libs/base/strings.h"

namespace opsmesh::kubesim {
namespace {
constexpr size_t kMost = 1'000'000;  // a status written by hand must not eat the memory
}  // namespace

std::set<int64_t> ParseIndexes(std::string_view text, int64_t limit) {
  std::set<int64_t> indexes;
  for (std::string_view part : base::Split(text, ',')) {
    int64_t first = -1, last = -1;
    const char* end = part.data() + part.size();
    auto [stop, error] = std::from_chars(part.data(), end, first);
    if (error != std::errc() || first < 0) continue;
    last = first;
    if (stop != end && *stop == '-') std::from_chars(stop + 1, end, last);
    last = std::min(last, limit - 1);
    for (int64_t i = first; i <= last && indexes.size() < kMost; ++i) indexes.insert(i);
  }
  return indexes;
}

std::string FormatIndexes(const std::set<int64_t>& indexes) {
  std::string text;
  for (auto it = indexes.begin(); it != indexes.end();) {
    const int64_t first = *it;
    int64_t last = first;
    while (++it != indexes.end() && *it == last + 1) last = *it;
    if (!text.empty()) text += ',';
    text += std::to_string(first);
    if (last > first) text += (last == first + 1 ? "," : "-") + std::to_string(last);
  }
  return text;
}

}  // namespace opsmesh::kubesim
