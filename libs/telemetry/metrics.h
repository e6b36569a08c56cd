// Counters, gauges and histograms in the Prometheus text format. No global registry: a Registry is
// handed in.
//
// Labels are bounded: a family keeps at most `max_series` label sets; further ones are counted
// under the value "other" in every label, so that no input can grow the registry. Never label by
// ids, names from a cluster, or text of a user.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace opsmesh::telemetry {

/// A metric that only rises. Lives as long as its Registry. Thread-safe.
class Counter {
 public:
  virtual ~Counter() = default;
  /// `by` >= 0; negative values are ignored.
  virtual void Increment(double by = 1) = 0;
  virtual double Value() const = 0;
};

/// A metric that rises and falls. Lives as long as its Registry. Thread-safe.
class Gauge {
 public:
  virtual ~Gauge() = default;
  virtual void Set(double value) = 0;
  virtual void Add(double by) = 0;
  virtual double Value() const = 0;
};

/// Counts observations in buckets. Lives as long as its Registry. Thread-safe.
class Histogram {
 public:
  virtual ~Histogram() = default;
  /// In the unit of the name (seconds, bytes).
  virtual void Observe(double value) = 0;
};

/// Name, meaning and labels of a family. `name` is "opsmesh_..." with its unit, `help` one
/// sentence.
struct MetricOptions {
  std::string name;
  std::string help;
  std::vector<std::string> labels = {};
  size_t max_series = 200;
  /// Histograms only: rising upper bounds; +Inf is implied. Empty = 1 ms to 120 s.
  std::vector<double> buckets = {};
};

/// A metric with labels. `With` takes the label values in the order of MetricOptions::labels and
/// finds or makes the series; keep the reference where it is used often. Thread-safe.
template <typename Metric>
class Family {
 public:
  virtual ~Family() = default;
  virtual Metric& With(const std::vector<std::string_view>& label_values) = 0;
  /// The series of a family without labels.
  Metric& Get() { return With({}); }
};

/// Holds the metrics of one process. Thread-safe. Asking twice for the same name gives the same
/// family; the first one's options hold (a different kind under the same name ends the process at
/// start: a bug of ours).
class Registry {
 public:
  Registry();
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;
  ~Registry();

  Family<Counter>& AddCounter(const MetricOptions& options);
  Family<Gauge>& AddGauge(const MetricOptions& options);
  Family<Histogram>& AddHistogram(const MetricOptions& options);

  /// The text exposition format 0.0.4, families ordered by name.
  std::string Text() const;
  /// One line a family, sorted by name: "opsmesh_shed_total counter reason,service". What the
  /// golden file pins.
  std::vector<std::string> Describe() const;
  /// Series of all families together: what a test bounds.
  size_t SeriesCount() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace opsmesh::telemetry
