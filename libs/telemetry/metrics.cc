#include "libs/telemetry/metrics.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <mutex>
#include <shared_mutex>

#include "prometheus/counter.h"
#include "prometheus/family.h"
#include "prometheus/gauge.h"
#include "prometheus/histogram.h"
#include "prometheus/registry.h"
#include "prometheus/text_serializer.h"

namespace opsmesh::telemetry {
namespace {

constexpr char kOverflow[] = "other";

const std::vector<double>& DefaultBuckets() {
  static const std::vector<double> buckets = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
                                              0.5,   1,      2.5,   5,    10,    30,   60,  120};
  return buckets;
}

class PrometheusCounter final : public Counter {
 public:
  explicit PrometheusCounter(prometheus::Counter& metric) : metric_(metric) {}
  void Increment(double by) override {
    if (by > 0) metric_.Increment(by);
  }
  double Value() const override { return metric_.Value(); }

 private:
  prometheus::Counter& metric_;
};

class PrometheusGauge final : public Gauge {
 public:
  explicit PrometheusGauge(prometheus::Gauge& metric) : metric_(metric) {}
  void Set(double value) override { metric_.Set(value); }
  void Add(double by) override { metric_.Increment(by); }
  double Value() const override { return metric_.Value(); }

 private:
  prometheus::Gauge& metric_;
};

class PrometheusHistogram final : public Histogram {
 public:
  explicit PrometheusHistogram(prometheus::Histogram& metric) : metric_(metric) {}
  void Observe(double value) override { metric_.Observe(value); }

 private:
  prometheus::Histogram& metric_;
};

// Shared by the three kinds: finds a series by its label values, or makes it, or falls back to the
// overflow series.
template <typename Metric>
class BoundedFamily final : public Family<Metric> {
 public:
  using Make = std::function<std::unique_ptr<Metric>(const prometheus::Labels&)>;
  BoundedFamily(MetricOptions options, Make make)
      : options_(std::move(options)), make_(std::move(make)) {}

  Metric& With(const std::vector<std::string_view>& values) override {
    {
      const std::shared_lock lock(mutex_);
      if (const auto it = series_.find(values); it != series_.end()) return *it->second;
    }
    const std::lock_guard lock(mutex_);
    if (const auto it = series_.find(values); it != series_.end()) return *it->second;
    if (values.size() == options_.labels.size() && series_.size() + 1 < options_.max_series)
      return Insert(values);
    // Also where the caller gave the wrong number of values: a wrong series is better than a crash.
    const std::vector<std::string_view> overflow(options_.labels.size(), kOverflow);
    if (const auto it = series_.find(overflow); it != series_.end()) return *it->second;
    return Insert(overflow);
  }
  size_t size() const {
    const std::shared_lock lock(mutex_);
    return series_.size();
  }

 private:
  struct Less {
    using is_transparent = void;
    template <typename A, typename B>
    bool operator()(const A& a, const B& b) const {
      return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end());
    }
  };
  Metric& Insert(const std::vector<std::string_view>& values) {
    prometheus::Labels labels;
    for (size_t i = 0; i < values.size(); ++i)
      labels.emplace(options_.labels[i], std::string(values[i]));
    std::vector<std::string> key(values.begin(), values.end());
    return *series_.emplace(std::move(key), make_(labels)).first->second;
  }

  const MetricOptions options_;
  const Make make_;
  mutable std::shared_mutex mutex_;
  std::map<std::vector<std::string>, std::unique_ptr<Metric>, Less> series_;
};

[[noreturn]] void DieOfConflict(const std::string& name) {
  std::fprintf(stderr, "opsmesh: metric '%s' is registered twice with different kinds\n",
               name.c_str());
  std::abort();
}

}  // namespace

struct Registry::Impl {
  struct Entry {
    char kind;
    std::vector<std::string> labels;
    std::shared_ptr<void> family;
    std::function<size_t()> size;
  };

  template <typename Metric>
  Family<Metric>& Add(char kind, const MetricOptions& options,
                      const typename BoundedFamily<Metric>::Make& make) {
    const std::lock_guard lock(mutex);
    if (const auto it = entries.find(options.name); it != entries.end()) {
      if (it->second.kind != kind) DieOfConflict(options.name);
      // Other labels are a bug of ours too, but a wrong series ("other") is no reason to stop a
      // mesh.
      if (it->second.labels != options.labels) {
        std::fprintf(stderr, "opsmesh: metric '%s' is registered twice with different labels\n",
                     options.name.c_str());
      }
      return *static_cast<BoundedFamily<Metric>*>(it->second.family.get());
    }
    auto family = std::make_shared<BoundedFamily<Metric>>(options, make);
    auto& reference = *family;
    entries[options.name] = {kind, options.labels, family,
                             [&reference] { return reference.size(); }};
    return reference;
  }

  mutable std::mutex mutex;
  prometheus::Registry registry;
  std::map<std::string, Entry> entries;
};

Registry::Registry() : impl_(std::make_unique<Impl>()) {}
Registry::~Registry() = default;

Family<Counter>& Registry::AddCounter(const MetricOptions& options) {
  return impl_->Add<Counter>('c', options, [this, options](const prometheus::Labels& labels) {
    auto& family =
        prometheus::BuildCounter().Name(options.name).Help(options.help).Register(impl_->registry);
    return std::make_unique<PrometheusCounter>(family.Add(labels));
  });
}

Family<Gauge>& Registry::AddGauge(const MetricOptions& options) {
  return impl_->Add<Gauge>('g', options, [this, options](const prometheus::Labels& labels) {
    auto& family =
        prometheus::BuildGauge().Name(options.name).Help(options.help).Register(impl_->registry);
    return std::make_unique<PrometheusGauge>(family.Add(labels));
  });
}

Family<Histogram>& Registry::AddHistogram(const MetricOptions& options) {
  return impl_->Add<Histogram>('h', options, [this, options](const prometheus::Labels& labels) {
    auto& family = prometheus::BuildHistogram()
                       .Name(options.name)
                       .Help(options.help)
                       .Register(impl_->registry);
    return std::make_unique<PrometheusHistogram>(
        family.Add(labels, options.buckets.empty() ? DefaultBuckets() : options.buckets));
  });
}

std::string Registry::Text() const {
  auto families = impl_->registry.Collect();
  std::sort(families.begin(), families.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  return prometheus::TextSerializer().Serialize(families);
}

std::vector<std::string> Registry::Describe() const {
  const std::lock_guard lock(impl_->mutex);
  std::vector<std::string> lines;
  for (const auto& [name, entry] : impl_->entries) {
    std::vector<std::string> labels = entry.labels;
    std::sort(labels.begin(), labels.end());
    std::string line = name + (entry.kind == 'c'   ? " counter"
                               : entry.kind == 'g' ? " gauge"
                                                   : " histogram");
    for (size_t i = 0; i < labels.size(); ++i) line += (i == 0 ? " " : ",") + labels[i];
    lines.push_back(std::move(line));
  }
  return lines;
}

size_t Registry::SeriesCount() const {
  const std::lock_guard lock(impl_->mutex);
  size_t count = 0;
  for (const auto& [name, entry] : impl_->entries) count += entry.size();
  return count;
}

}  // namespace opsmesh::telemetry
