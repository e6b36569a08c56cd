#include "libs/prometheus/selector_chunks.h"

#include <map>
#include <set>
#include <string_view>

#include "fmt/format.h"
#include "libs/prometheus/query.h"
#include "libs/prometheus/series_query.h"

namespace opsmesh::prometheus {
namespace {

using Group = std::vector<const RangeSeries*>;

double Samples(const RangeSeries& counted) {
  return counted.values.empty() ? 0 : counted.values.front();
}

std::string Label(const RangeSeries& series, const std::string& label) {
  const auto found = series.labels.find(label);
  return found == series.labels.end() ? "" : found->second;
}

// The label that tells most series apart cuts best; "" when none tells any apart.
std::string BestLabel(const Group& group) {
  std::map<std::string, std::set<std::string_view>> values;
  for (const RangeSeries* series : group) {
    for (const auto& [label, value] : series->labels) values[label].insert(value);
  }
  std::string best;
  size_t most = 0;
  for (const auto& [label, seen] : values) {
    // Series that lack the label are a value of their own.
    const size_t different = seen.size();
    if (label != "__name__" && different > most) {
      most = different;
      best = label;
    }
  }
  if (most > 1) return best;
  for (const RangeSeries* series : group) {
    for (const auto& [label, seen] : values) {
      if (label != "__name__" && !series->labels.contains(label)) return label;
    }
  }
  return "";
}

void Cut(const std::string& selector, const Group& group, double most, int depth,
         std::vector<std::string>& chunks) {
  double total = 0;
  for (const RangeSeries* series : group) total += Samples(*series);
  const std::string best = total > most && depth < 8 ? BestLabel(group) : "";
  if (best.empty()) {
    chunks.push_back(selector);
    return;
  }
  std::map<std::string, Group> by_value;
  for (const RangeSeries* series : group) by_value[Label(*series, best)].push_back(series);
  std::string alternatives;
  double held = 0;
  const auto flush = [&] {
    if (!alternatives.empty()) {
      chunks.push_back(
          WithMatcher(selector, fmt::format("{}=~{}", best, QuoteString(alternatives))));
    }
    alternatives.clear();
    held = 0;
  };
  for (const auto& [value, members] : by_value) {
    double samples = 0;
    for (const RangeSeries* series : members) samples += Samples(*series);
    if (samples > most || value.empty()) {
      Cut(WithMatcher(selector, fmt::format("{}={}", best, QuoteString(value))), members, most,
          depth + 1, chunks);
      continue;
    }
    if (held + samples > most) flush();
    alternatives += (alternatives.empty() ? "" : "|") + QuoteRegex(value);
    held += samples;
  }
  flush();
}

}  // namespace

std::vector<std::string> SelectorChunks(const std::string& selector,
                                        const std::vector<RangeSeries>& counts,
                                        double most_samples) {
  Group all;
  all.reserve(counts.size());
  for (const RangeSeries& series : counts) all.push_back(&series);
  std::vector<std::string> chunks;
  Cut(selector, all, most_samples, 0, chunks);
  return chunks;
}

}  // namespace opsmesh::prometheus
