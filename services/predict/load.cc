#include "services/predict/load.h"

#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "libs/base/error.h"

namespace opsmesh::predict {
namespace {

constexpr absl::Duration kWindow = absl::Hours(14 * 24);

void ReplaceAll(std::string& text, std::string_view what, std::string_view by) {
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size())) {
    text.replace(at, what.size(), by);
  }
}

// "a.b" as a regular expression inside a string of PromQL.
std::string Escaped(const std::string& name) {
  std::string escaped = name;
  ReplaceAll(escaped, ".", "\\\\.");
  return escaped;
}

// The series' value nearest to each time, NaN where none is within `reach` seconds.
std::vector<double> ValuesAt(const analytics::LoadHistory& at, const analytics::Series& series) {
  std::vector<double> values(at.values.size(), std::numeric_limits<double>::quiet_NaN());
  size_t next = 0;
  for (size_t i = 0; i < values.size() && !series.times.empty(); ++i) {
    const double time = at.TimeOf(i);
    while (next + 1 < series.times.size() &&
           std::abs(series.times[next + 1] - time) <= std::abs(series.times[next] - time)) {
      ++next;
    }
    if (std::abs(series.times[next] - time) <= at.step / 2) values[i] = series.values[next];
  }
  return values;
}

}  // namespace

std::string ForWorkload(std::string_view query, const v1::Workload& workload) {
  // Inside ="…" a dot needs no escape; the value must then be as it is.
  std::string text(query);
  for (const auto& [key, name] :
       {std::pair<std::string, std::string>{"{namespace}", workload.namespace_()},
        std::pair<std::string, std::string>{"{name}", workload.name()}}) {
    ReplaceAll(text, "=~\"" + key, "=~\"" + Escaped(name));
    ReplaceAll(text, key, name);
  }
  return text;
}

v1::PrometheusHistory LoadQuery(const PredictConfig& config, const v1::Workload* workload,
                                absl::Time end, int64_t step_seconds) {
  v1::PrometheusHistory query;
  query.set_query(workload == nullptr ? config.qps_query
                                      : ForWorkload(config.workload_qps_query, *workload));
  query.set_step_seconds(step_seconds);
  query.mutable_end_time()->set_seconds(absl::ToUnixSeconds(end));
  query.mutable_start_time()->set_seconds(absl::ToUnixSeconds(end - kWindow));
  return query;
}

absl::StatusOr<Load> OnGrid(Forecasting::Sourced sourced, double step_seconds) {
  Load load;
  OPSMESH_ASSIGN_OR_RETURN(load.grid,
                           analytics::forecast::Regularise(sourced.series, step_seconds));
  load.sourced = std::move(sourced);
  if (load.sourced.ledger.checked_size() > 0) {
    type::v1::LedgerEntry& entry = *load.sourced.ledger.mutable_checked(0);
    entry.set_shown_count(static_cast<int64_t>(load.grid.sample_count));
    entry.set_total_count(static_cast<int64_t>(load.grid.sample_count + load.grid.missing_count));
  }
  return load;
}

absl::StatusOr<analytics::MeasuredCapacity> CapacityFromUse(const Load& load,
                                                            const analytics::Series& cores,
                                                            const analytics::Series& replicas,
                                                            std::optional<int> pods,
                                                            double cores_per_pod) {
  const analytics::LoadHistory history = load.history();
  std::vector<double> used = ValuesAt(history, cores);
  std::vector<double> served = ValuesAt(history, replicas);
  std::vector<double> qps(history.values.begin(), history.values.end());
  for (size_t i = 0; i < qps.size(); ++i) {
    double count = served[i];
    if (replicas.times.empty() && pods) count = *pods;
    // Without a pod there is nothing to learn; NaN is left out.
    if (!(count >= 1)) count = std::numeric_limits<double>::quiet_NaN();
    qps[i] /= count;
    used[i] /= count;
  }
  return analytics::MeasureCapacity(qps, used, cores_per_pod);
}

void NotChecked(type::v1::Ledger& ledger, std::string_view source, std::string_view subject,
                std::string_view reason) {
  type::v1::LedgerEntry& entry = *ledger.add_not_checked();
  entry.set_source(std::string(source));
  entry.set_subject(std::string(subject));
  entry.set_reason(std::string(reason));
}

}  // namespace opsmesh::predict
