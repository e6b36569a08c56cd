#include "libs/analytics/cause/call_delays.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "libs/analytics/cause/metric_role.h"
#include "libs/analytics/cause/sample_order.h"
#include "libs/analytics/order_statistics.h"

namespace opsmesh::analytics {
namespace {

// "a>b.what" -> (a, b); nothing for other names.
std::optional<std::pair<std::string, std::string>> CallOf(const std::string& metric,
                                                          std::string* what) {
  const size_t arrow = metric.find('>');
  if (arrow == std::string::npos || arrow == 0) return std::nullopt;
  // The measure stands after the last dot: names of services may have dots.
  const size_t dot = metric.rfind('.');
  if (dot == std::string::npos || dot < arrow + 2) return std::nullopt;
  *what = metric.substr(dot + 1);
  return std::pair(metric.substr(0, arrow), metric.substr(arrow + 1, dot - arrow - 1));
}

std::vector<double> FiniteOf(std::span<const double> values) {
  std::vector<double> finite;
  for (const double v : values) {
    if (std::isfinite(v)) finite.push_back(v);
  }
  return finite;
}

}  // namespace

void CallDelays::Add(const ServiceMetric& series, double judged_from) {
  std::string what;
  const auto call = CallOf(series.metric, &what);
  if (!call || what.rfind("dst", 0) == 0 || RoleOf(what) != MetricRole::kLatency) return;
  const size_t split = OnsetIndex(series.times, judged_from);
  const std::span<const double> values(series.values);
  std::vector<double> before = FiniteOf(values.first(split));
  std::vector<double> after = FiniteOf(values.subspan(split));
  const double median = Quantile(before, 0.5);
  const double quartiles = Quantile(before, 0.75) - Quantile(before, 0.25);
  const double slower = Median(after) - median;
  const double deviation =
      std::log1p(std::max(0.0, slower / (quartiles + 0.05 * std::abs(median) + 1e-6)));
  in[call->second].push_back(deviation);
  out[call->first].push_back(deviation);
}

}  // namespace opsmesh::analytics
