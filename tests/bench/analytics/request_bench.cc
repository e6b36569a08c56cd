#include "tests/bench/analytics/request_bench.h"

#include <cmath>
#include <cstdlib>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "libs/analytics/detect/random.h"
#include "libs/base/context.h"
#include "libs/http_client/http_client.h"
#include "libs/prometheus/probe.h"
#include "services/rca/correlate_series.h"
#include "services/rca/detect_anomalies.h"
#include "services/rca/metric_source.h"
#include "services/rca/root_cause.h"

namespace opsmesh::bench {
namespace {

constexpr double kStart = 1.7e9;
constexpr size_t kPerService = 5;

double Noise(analytics::SplitMix64& random) {
  return random.Uniform() + random.Uniform() + random.Uniform() - 1.5;
}

// Services in a tree, five metrics each; at a random time one of them gets slow and hot, and all
// that call it, directly or not, get slow with it.
rca::v1::AnalyzeRootCauseRequest Incident(size_t metrics, size_t points, uint64_t seed) {
  static constexpr const char* kMetrics[kPerService] = {"latency_mean", "requests", "errors", "cpu",
                                                        "memory"};
  analytics::SplitMix64 random(seed);
  const size_t services = metrics / kPerService;
  const size_t onset = points / 2 + random.Below(points / 4), culprit = random.Below(services);
  std::vector<bool> slow(services, false);
  for (size_t s = culprit;; s = (s - 1) / 3) {
    slow[s] = true;
    if (s == 0) break;
  }
  rca::v1::AnalyzeRootCauseRequest request;
  for (size_t s = 0; s < services; ++s) {
    if (s > 0) {
      rca::v1::CallEdge& edge = *request.add_edges();
      edge.set_caller(fmt::format("service-{}", (s - 1) / 3));
      edge.set_callee(fmt::format("service-{}", s));
    }
    for (size_t m = 0; m < kPerService; ++m) {
      rca::v1::ServiceSeries& series = *request.add_series();
      series.set_service(fmt::format("service-{}", s));
      series.set_metric(kMetrics[m]);
      const bool hit = (m == 0 && slow[s]) || (m == 3 && s == culprit);
      for (size_t i = 0; i < points; ++i) {
        series.add_times(kStart + 60 * static_cast<double>(i));
        series.add_values(100 + 10 * Noise(random) + 10 * std::sin(static_cast<double>(i) / 200) +
                          (hit && i >= onset ? 80 : 0));
      }
    }
  }
  request.mutable_target()->set_service("service-0");
  request.mutable_target()->set_metric("latency_mean");
  return request;
}

rca::v1::DetectAnomaliesRequest Waves(size_t count, size_t points, const char* mode) {
  analytics::SplitMix64 random(7);
  rca::v1::DetectAnomaliesRequest request;
  request.set_mode(mode);
  for (size_t k = 0; k < count; ++k) {
    rca::v1::NamedSeries& series = *request.add_series();
    series.set_name(fmt::format("series-{}", k));
    for (size_t i = 0; i < points; ++i) {
      series.add_times(kStart + 60 * static_cast<double>(i));
      series.add_values(100 + 20 * std::sin(2 * M_PI * static_cast<double>(i) / 1440) +
                        10 * Noise(random) + (random.Uniform() > 0.995 ? 60 : 0));
    }
  }
  return request;
}

rca::v1::CorrelateSeriesRequest Many(size_t count, size_t points) {
  analytics::SplitMix64 random(11);
  rca::v1::CorrelateSeriesRequest request;
  std::vector<double> shared(points + 10);
  for (double& v : shared) v = Noise(random);
  for (size_t k = 0; k < count; ++k) {
    type::v1::TimeSeries& series = *request.add_series();
    series.set_metric(fmt::format("metric-{}", k));
    for (size_t i = 0; i < points; ++i) {
      series.add_times(kStart + 60 * static_cast<double>(i));
      series.add_values((k % 10 == 0 ? 3 * shared[i + k % 7] : 0) + Noise(random));
    }
  }
  return request;
}

// A benchmark of requests that fail would be a fine thing.
template <typename Response>
double Checked(const absl::StatusOr<Response>& response, double figure) {
  if (response.ok()) return figure;
  std::fprintf(stderr, "%s\n", std::string(response.status().message()).c_str());
  std::exit(3);
}

}  // namespace

void TimeRequests(const Clock& clock) {
  const auto client = http_client::Client::Create({});
  const rca::MetricSource source(*client, prometheus::Settings());
  const base::Context ctx = base::Context::Background();
  if (!clock.Wanted("request: ")) return;
  for (const char* mode : {"BATCH", "STREAMING"}) {
    const auto waves = Waves(200, 1440, mode);
    for (const size_t threads : {1, 2}) {
      clock.Best(
          fmt::format("request: anomalies of 200 series, {}, {} thread{}", mode, threads,
                      threads > 1 ? "s" : "")
              .c_str(),
          [&] {
            return Checked(rca::DetectAnomalies(ctx, waves, source, {.threads = threads}), 0);
          },
          static_cast<double>(threads));
    }
  }
  std::vector<rca::v1::AnalyzeRootCauseRequest> incidents;
  if (clock.Wanted("request: root cause, 300 metrics x 120 points, p99")) {
    for (uint64_t seed = 1; seed <= 100; ++seed) incidents.push_back(Incident(300, 120, seed));
  }
  clock.Quantile(
      "request: root cause, 300 metrics x 120 points, p99", 0.99, incidents.size(),
      [&](size_t i) { Checked(rca::AnalyzeRootCause(ctx, incidents[i], source, nullptr, {}), 0); });
  clock.Best("request: root cause, 1000 metrics x 1440 points",
             [&, request = Incident(1000, 1440, 1)] {
               return Checked(rca::AnalyzeRootCause(ctx, request, source, nullptr, {}), 0);
             });
  clock.Best(
      "request: lagged correlation, 1000 series x 1440, 2 threads",
      [&, request = Many(1000, 1440)] { return Checked(rca::CorrelateSeries(ctx, request, 2), 0); },
      2);
}

}  // namespace opsmesh::bench
