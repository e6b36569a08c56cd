#include "libs/kubesim/prometheus/metrics.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "libs/kubesim/prometheus/model.h"
#include "libs/kubesim/prometheus/steps.h"

namespace opsmesh::kubesim::prometheus {
namespace {

constexpr int64_t kFine = 15'000;
constexpr int64_t kCoarse = 60'000;
constexpr int64_t kFineFor = 6 * 3600'000LL;
constexpr int64_t kHistory = 14 * 86400'000LL;

int64_t Millis(double seconds) {
  if (!(std::fabs(seconds) < 9e12)) return seconds > 0 ? INT64_MAX / 2 : INT64_MIN / 2;
  return static_cast<int64_t>(std::ceil(seconds * 1000));
}

/// A function read at the moments of the scrapes.
class Scraped : public promql::Series {
 public:
  Scraped(std::shared_ptr<const Model> model, promql::Labels labels, int64_t now, int64_t phase,
          int64_t start, int64_t end, ValueAt value, bool markers)
      : model_(std::move(model)),
        labels_(std::move(labels)),
        now_(now),
        phase_(phase),
        start_(start),
        end_(end),
        value_(std::move(value)),
        markers_(markers) {}

  const promql::Labels& labels() const override { return labels_; }

  void Read(int64_t from, int64_t to, std::vector<promql::Point>* out) const override {
    from = std::max({from, start_, now_ - kHistory});
    to = std::min(to, now_);
    if (end_ < INT64_MAX / 4) to = std::min(to, end_ + 2 * kCoarse);  // a marker behind its end
    // Where it was before the first moment asked for: it may have ended just now.
    bool there = Alive(Previous(from));
    for (int64_t t = Next(from - 1); t <= to; t = Next(t)) {
      const double v = t > end_ ? kNaN : value_(static_cast<double>(t) / 1000);
      if (!std::isnan(v)) {
        out->push_back({t, v});
      } else if (there && markers_) {
        out->push_back({t, promql::StaleMarker()});
      }
      there = !std::isnan(v);
    }
  }

 private:
  bool Alive(int64_t t) const {
    return t >= start_ && t <= end_ && t >= now_ - kHistory &&
           !std::isnan(value_(static_cast<double>(t) / 1000));
  }
  int64_t FineFrom() const { return (now_ - kFineFor) / kCoarse * kCoarse; }
  /// The first scrape after t.
  int64_t Next(int64_t t) const {
    if (t + 1 >= FineFrom()) return (t - phase_ + kFine) / kFine * kFine + phase_;
    const int64_t next = (t - phase_ + kCoarse) / kCoarse * kCoarse + phase_;
    return next < FineFrom() ? next : Next(FineFrom() - 1);
  }
  /// The last scrape before t.
  int64_t Previous(int64_t t) const {
    const int64_t step = t > FineFrom() ? kFine : kCoarse;
    return (t - 1 - phase_) / step * step + phase_;
  }

  const std::shared_ptr<const Model> model_;
  const promql::Labels labels_;
  const int64_t now_;
  const int64_t phase_;  // of its target's scrapes in a minute
  const int64_t start_;
  const int64_t end_;
  const ValueAt value_;
  const bool markers_;
};

/// Keeps the series that match.
class Collector : public Sink {
 public:
  Collector(std::shared_ptr<const Model> model, const std::vector<promql::Matcher>& matchers,
            int64_t now, int64_t from, int64_t to, uint64_t seed, bool markers)
      : model_(std::move(model)),
        matchers_(matchers),
        now_(now),
        from_(from),
        to_(to),
        seed_(seed),
        markers_(markers) {}

  bool Wants(const std::string& metric) override {
    const auto known = wanted_.find(metric);
    if (known != wanted_.end()) return known->second;
    const bool wanted =
        std::all_of(matchers_.begin(), matchers_.end(), [&](const promql::Matcher& matcher) {
          return matcher.name != promql::kMetricName || matcher.Matches(metric);
        });
    return wanted_[metric] = wanted;
  }

  void Add(const std::string& metric, promql::Labels labels, const std::string& target,
           double start, double end, ValueAt value) override {
    if (!Wants(metric)) return;
    const int64_t first = Millis(start);
    const int64_t last = Millis(end);
    if (first > to_ || last + 2 * kCoarse < from_) return;
    labels.emplace_back(promql::kMetricName, metric);
    labels = promql::MakeLabels(std::move(labels));
    if (!promql::MatchesAll(matchers_, labels)) return;
    const auto phase =
        static_cast<int64_t>(Chance(target, seed_ + 90) * static_cast<double>(kFine));
    found_.push_back(std::make_shared<Scraped>(model_, std::move(labels), now_, phase, first, last,
                                               std::move(value), markers_));
  }

  std::vector<promql::SeriesPtr> Take() {
    std::sort(found_.begin(), found_.end(),
              [](const auto& a, const auto& b) { return a->labels() < b->labels(); });
    // Two objects of one name, one after the other, would be one series to Prometheus; the later
    // one stands for both.
    const auto same = [](const auto& a, const auto& b) { return a->labels() == b->labels(); };
    found_.erase(std::unique(found_.begin(), found_.end(), same), found_.end());
    return std::move(found_);
  }

 private:
  const std::shared_ptr<const Model> model_;
  const std::vector<promql::Matcher>& matchers_;
  const int64_t now_;
  const int64_t from_;
  const int64_t to_;
  const uint64_t seed_;
  const bool markers_;
  std::unordered_map<std::string, bool> wanted_;
  std::vector<promql::SeriesPtr> found_;
};

/// Learns the names of all metrics.
class Names : public Sink {
 public:
  bool Wants(const std::string& metric) override {
    MetricInfo& info = all[metric];
    if (info.type.empty()) {
      const bool counts = metric.ends_with("_total") || metric == "kubelet_evictions";
      info.type = counts ? "counter" : "gauge";
      info.help = "Simulated: metric of the demo cluster.";
    }
    return false;
  }
  void Add(const std::string&, promql::Labels, const std::string&, double, double,
           ValueAt) override {}
  std::map<std::string, MetricInfo> all;
};

}  // namespace

Metrics::Metrics(const Store& store, const base::Clock& clock, uint64_t seed, bool stale_markers,
                 DisturbanceSource disturbances)
    : clock_(clock),
      seed_(seed),
      stale_markers_(stale_markers),
      history_(store, clock, seed, std::move(disturbances)) {}
Metrics::~Metrics() = default;

std::shared_ptr<const Model> Metrics::Current() const {
  const std::lock_guard lock(mutex_);
  auto picture = history_.Refresh();
  if (model_ == nullptr || &model_->picture() != picture.get())
    model_ = std::make_shared<const Model>(std::move(picture), seed_);
  return model_;
}

void Metrics::Refresh() const { history_.Refresh(); }

std::vector<promql::SeriesPtr> Metrics::Select(const std::vector<promql::Matcher>& matchers,
                                               int64_t from, int64_t to) const {
  const std::shared_ptr<const Model> model = Current();
  Collector collector(model, matchers, absl::ToUnixMillis(clock_.Now()), from, to, seed_,
                      stale_markers_);
  model->Describe(collector);
  return collector.Take();
}

std::map<std::string, MetricInfo> Metrics::Metadata() const {
  Names names;
  Current()->Describe(names);
  for (auto at = names.all.begin(); at != names.all.end();) {
    if (!at->first.ends_with("_bucket")) {
      ++at;
      continue;
    }
    const std::string base = at->first.substr(0, at->first.size() - 7);
    names.all.erase(base + "_sum");
    names.all.erase(base + "_count");
    names.all[base] = {"histogram", at->second.help};
    at = names.all.erase(at);
  }
  return names.all;
}

}  // namespace opsmesh::kubesim::prometheus
