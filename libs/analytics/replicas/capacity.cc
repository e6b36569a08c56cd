#include "libs/analytics/replicas/capacity.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "fmt/format.h"
#include "libs/analytics/order_statistics.h"
#include "libs/base/error.h"

namespace opsmesh::analytics {
namespace {

constexpr size_t kLeastSamples = 20;
constexpr size_t kMostSamples = 600;  // pairs grow with the square
constexpr double kLeastSpread = 0.1;  // of the load, by its median
constexpr double kLeastExplained = 0.25;
constexpr double kPodsAtPeak = 12;

struct Sample {
  double qps, cores;
};

std::vector<Sample> Usable(std::span<const double> qps, std::span<const double> cores) {
  std::vector<Sample> all;
  for (size_t i = 0; i < std::min(qps.size(), cores.size()); ++i) {
    if (std::isfinite(qps[i]) && std::isfinite(cores[i]) && qps[i] >= 0 && cores[i] >= 0) {
      all.push_back({qps[i], cores[i]});
    }
  }
  std::vector<Sample> some;
  const size_t stride = (all.size() + kMostSamples - 1) / kMostSamples;
  for (size_t i = 0; i < all.size(); i += std::max<size_t>(1, stride)) some.push_back(all[i]);
  return some;
}

absl::Status Unmeasured(std::string_view why) {
  return base::FailedPrecondition("USAGE",
                                  fmt::format("The capacity of a pod cannot be measured: {}", why))
      .Hint("Give capacity_qps, or set predict.capacity_qps.");
}

double SlopeOf(const std::vector<Sample>& samples, double least_distance) {
  std::vector<double> slopes;
  for (size_t i = 0; i < samples.size(); ++i) {
    for (size_t j = i + 1; j < samples.size(); ++j) {
      const double distance = samples[j].qps - samples[i].qps;
      if (std::abs(distance) >= least_distance) {
        slopes.push_back((samples[j].cores - samples[i].cores) / distance);
      }
    }
  }
  return Median(slopes);
}

}  // namespace

absl::StatusOr<MeasuredCapacity> MeasureCapacity(std::span<const double> qps,
                                                 std::span<const double> cores,
                                                 double cores_per_pod) {
  const std::vector<Sample> samples = Usable(qps, cores);
  if (samples.size() < kLeastSamples) {
    return Unmeasured(
        fmt::format("there are {} samples of load and processor use at the same time; it takes {}.",
                    samples.size(), kLeastSamples));
  }
  std::vector<double> loads, uses;
  for (const Sample& s : samples) {
    loads.push_back(s.qps);
    uses.push_back(s.cores);
  }
  const double typical = Median(loads);
  std::vector<double> sorted = loads;
  const double spread = Quantile(sorted, 0.95) - Quantile(sorted, 0.05);
  if (!(spread > kLeastSpread * typical) || typical <= 0) {
    return Unmeasured("the load of a pod hardly varies.");
  }
  MeasuredCapacity measured{.sample_count = samples.size()};
  measured.cores_per_qps = SlopeOf(samples, spread / 20);
  std::vector<double> rest;
  for (const Sample& s : samples) rest.push_back(s.cores - measured.cores_per_qps * s.qps);
  measured.idle_cores = std::max(0.0, Median(rest));
  const double use_deviation = MedianAbsoluteDeviation(uses, Median(uses));
  const double rest_deviation = MedianAbsoluteDeviation(rest, Median(rest));
  measured.explained =
      use_deviation > 0 ? std::clamp(1 - rest_deviation / use_deviation, 0.0, 1.0) : 0;
  if (!(measured.cores_per_qps > 0) || measured.explained < kLeastExplained) {
    return Unmeasured("the processor use of the pods does not follow their load.");
  }
  if (!(cores_per_pod > measured.idle_cores)) {
    return Unmeasured(fmt::format("a pod uses {:.3g} cores without load and may use {:.3g}.",
                                  measured.idle_cores, cores_per_pod));
  }
  measured.qps = (cores_per_pod - measured.idle_cores) / measured.cores_per_qps;
  return measured;
}

double CapacityOfHistory(std::span<const double> load) {
  if (load.empty()) return 0;
  std::vector<double> values(load.begin(), load.end());
  return std::max(0.0, Quantile(values, 0.999)) / kPodsAtPeak;
}

}  // namespace opsmesh::analytics
