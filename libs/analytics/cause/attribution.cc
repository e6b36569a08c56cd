#include "libs/analytics/cause/attribution.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "fmt/format.h"
#include "libs/analytics/cause/call_delays.h"
#include "libs/analytics/cause/call_graph.h"
#include "libs/analytics/cause/common_onset.h"
#include "libs/analytics/cause/sample_order.h"

namespace opsmesh::analytics {
namespace {

// Weight of the plain deviation beside the attributed share: a tie-break.
constexpr double kTieBreak = 0.02;
// The same where nobody knows who calls whom.
constexpr double kGuessTieBreak = 0.002;
constexpr double kUnattributed = 1e-6;
// What a service makes others wait for is often handed on; what it burns itself is not.
constexpr double kSymptom = 0.6;
// Calls to a service say more about it than calls it makes.
constexpr double kCallsIn = 0.6;
// log(1 + z) below which a metric is called usual.
constexpr double kUsual = 1.0986;  // z = 2
constexpr size_t kMaxFindings = 5;
// What fills memory burns processor time to do so (allocation, reclaim, collection); what burns
// processor time does not fill memory. So of two like deviations the memory's is named first, when
// it is beyond doubt.
constexpr double kMemoryFirst = 1.15;
constexpr double kBeyondDoubt = 3;  // log(1 + z)
// Share of the target's worst deviation from which on a sample is called troubled.
constexpr double kTroubled = 0.3;

struct Judged {
  size_t series;
  MetricRole role;
  Deviation deviation;
};

size_t CountFinite(const std::vector<double>& values) {
  return static_cast<size_t>(
      std::count_if(values.begin(), values.end(), [](double v) { return std::isfinite(v); }));
}

class Ranking {
 public:
  explicit Ranking(const CauseInput& input) : input_(input) {}

  CauseResult Run() {
    for (const ServiceMetric& s : input_.series) {
      if (s.service != kEdgeService && s.service != kIndicatorService) services_.insert(s.service);
    }
    ChooseTarget();
    SettleOnset();
    if (result_.onset_time) JudgeAll();
    for (const auto& [caller, callee] : input_.edges) {
      if (caller != callee) callees_[caller].insert(callee);
    }
    Attribute();
    MeasureCalls();
    Place();
    return std::move(result_);
  }

 private:
  void ChooseTarget() {
    result_.target_service = input_.target_service;
    result_.target_metric = input_.target_metric;
  }

  void SettleOnset() {
    if (input_.onset_time) {
      result_.onset_time = input_.onset_time;
      result_.onset_given = true;
      judged_from_ = *input_.onset_time;
    } else if (const auto onset = FindCommonOnset(input_)) {
      result_.onset_time = onset->time;
      result_.onset_uncertainty = onset->uncertainty;
      judged_from_ = onset->judged_from;
    }
  }

  void JudgeAll() {
    std::vector<double> scratch;
    for (size_t i = 0; i < input_.series.size(); ++i) {
      const ServiceMetric& s = input_.series[i];
      const size_t split = OnsetIndex(s.times, judged_from_);
      const std::span<const double> values(s.values);
      const Deviation d =
          RobustDeviation(values.first(split), values.subspan(split), scratch, s.noise);
      if (d.before_count < kMinBefore || d.after_count < kMinAfter) {
        result_.skipped.push_back(
            {i, CountFinite(s.values),
             fmt::format("insufficient data: {} usable points before the onset and {} after it, {} "
                         "and {} are needed",
                         d.before_count, d.after_count, kMinBefore, kMinAfter)});
        continue;
      }
      judged_.push_back({i, RoleOf(s.metric), d});
      result_.deviations.push_back({i, judged_.back().role, d});
    }
    for (const Judged& j : judged_) {
      const ServiceMetric& s = input_.series[j.series];
      if (services_.count(s.service) == 0) continue;
      of_service_[s.service].push_back(&j);
    }
    for (auto& [service, list] : of_service_) {
      std::stable_sort(list.begin(), list.end(),
                       [](const Judged* a, const Judged* b) { return Named(*a) > Named(*b); });
    }
  }

  static double Weighted(const Judged& j) {
    return (IsResource(j.role) || j.role == MetricRole::kOther ? 1 : kSymptom) * j.deviation.score;
  }

  // Order in which a service's metrics are named.
  static double Named(const Judged& j) {
    const bool memory = j.role == MetricRole::kMemory && j.deviation.score >= kBeyondDoubt;
    return (memory ? kMemoryFirst : 1) * Weighted(j);
  }

  // The metric whose change is attributed: of the target's role, a mean before a percentile, of as
  // many services as can be.
  std::string AttributedMetric(MetricRole role) const {
    std::map<std::string, size_t> spread;
    for (const Judged& j : judged_) {
      const ServiceMetric& s = input_.series[j.series];
      if (services_.count(s.service) != 0 && j.role == role) ++spread[s.metric];
    }
    std::string best;
    double best_value = 0;
    for (const auto& [metric, count] : spread) {
      const double value = static_cast<double>(count) * (IsMean(metric) ? 4 : 1) *
                           (metric == result_.target_metric ? 1.5 : 1);
      if (value > best_value) {
        best_value = value;
        best = metric;
      }
    }
    return best;
  }

  // Samples since the onset in which the target itself is in trouble: trouble that comes and goes
  // says most in these.
  std::map<double, bool> TroubledTimes(MetricRole role) const {
    std::map<double, bool> troubled;
    for (const Judged& j : judged_) {
      const ServiceMetric& s = input_.series[j.series];
      if (!IsTarget(input_, s) || j.role != role || !Rising(s.times)) continue;
      const double sign = role == MetricRole::kAvailability ? -1 : 1;
      const size_t split = OnsetIndex(s.times, judged_from_);
      double worst = 0;
      for (size_t i = split; i < s.values.size(); ++i) {
        if (std::isfinite(s.values[i]))
          worst = std::max(worst, sign * (s.values[i] - j.deviation.before));
      }
      for (size_t i = split; i < s.values.size(); ++i) {
        if (!std::isfinite(s.values[i])) continue;
        troubled[s.times[i]] = sign * (s.values[i] - j.deviation.before) >= kTroubled * worst;
      }
      return troubled;
    }
    return troubled;
  }

  struct Parts {
    double troubled = 0;          // mean of the samples in which the target is in trouble
    std::optional<double> quiet;  // mean of the others since the onset
  };

  Parts Split(const ServiceMetric& s, const std::map<double, bool>& troubled) const {
    double sum[2] = {0, 0};
    size_t count[2] = {0, 0};
    for (size_t i = OnsetIndex(s.times, judged_from_); i < s.values.size(); ++i) {
      if (!std::isfinite(s.values[i])) continue;
      const auto state = troubled.find(s.times[i]);
      const size_t part = state == troubled.end() || state->second ? 1 : 0;
      sum[part] += s.values[i];
      ++count[part];
    }
    Parts parts;
    if (count[0] > 0) parts.quiet = sum[0] / static_cast<double>(count[0]);
    parts.troubled =
        count[1] > 0 ? sum[1] / static_cast<double>(count[1]) : parts.quiet.value_or(0);
    return parts;
  }

  // Own part of the target's change, service by service.
  void Attribute() {
    if (input_.target_service.empty()) return;
    const MetricRole role = RoleOf(result_.target_metric);
    if (role != MetricRole::kLatency && role != MetricRole::kAvailability &&
        role != MetricRole::kErrors)
      return;
    const std::string metric = AttributedMetric(role);
    const std::map<double, bool> troubled = TroubledTimes(role);
    std::map<std::string, double> requests;
    std::map<std::string, double> change;
    std::map<std::string, double> newly;  // part of its present latency, or failures, that is new
    for (const Judged& j : judged_) {
      const ServiceMetric& s = input_.series[j.series];
      const Parts parts = Split(s, troubled);
      if (j.role == MetricRole::kRequests) requests.emplace(s.service, parts.troubled);
      if (s.metric != metric || services_.count(s.service) == 0) continue;
      // The usual level is that before the onset, or that of the quiet samples since, whichever
      // explains more.
      const double before = j.deviation.before;
      const double delta = role == MetricRole::kAvailability
                               ? std::min(before, parts.quiet.value_or(before)) - parts.troubled
                               : parts.troubled - std::max(before, parts.quiet.value_or(before));
      change[s.service] = std::max(0.0, delta);
      newly[s.service] = role == MetricRole::kAvailability
                             ? std::max(0.0, delta) / std::max(std::abs(before), 1e-12)
                             : std::max(0.0, delta) / std::max(std::abs(parts.troubled), 1e-12);
    }
    // One service alone attributes nothing.
    if (change.size() < 2) return;
    double largest = 0;
    for (auto& [service, c] : change) {
      if (const auto r = requests.find(service); r != requests.end()) c *= r->second;
      largest = std::max(largest, c);
    }
    if (largest <= 0) return;
    for (const auto& [service, c] : change) contribution_[service] = c / largest;
    if (callees_.empty()) return Guess(change, newly);
    share_ = OwnShares(result_.target_service, callees_, change, requests);
  }

  // Nobody knows who calls whom: what explains the target's change and changed most against what it
  // was is nearest to where the change arose. What waits for it carries the same change on top of
  // more of its own time; what failed less often passed most requests by.
  void Guess(const std::map<std::string, double>& change,
             const std::map<std::string, double>& newly) {
    const auto target = change.find(result_.target_service);
    if (target == change.end() || target->second <= 0) return;
    for (const auto& [service, c] : change)
      guess_[service] = {std::min(1.0, c / target->second), newly.at(service)};
  }

  void MeasureCalls() {
    CallDelays delays;
    for (const Judged& j : judged_) {
      const ServiceMetric& s = input_.series[j.series];
      if (s.service == kEdgeService) delays.Add(s, judged_from_);
    }
    const auto mean = [](const std::vector<double>& v) {
      double sum = 0;
      for (const double x : v) sum += x;
      return v.empty() ? 0 : sum / static_cast<double>(v.size());
    };
    for (const auto& [service, v] : delays.in) calls_in_[service] = mean(v);
    for (const auto& [service, v] : delays.out) calls_out_[service] = mean(v);
    for (const auto* calls : {&calls_in_, &calls_out_}) {
      for (const auto& [service, delay] : *calls) services_.insert(service);
    }
  }

  double Calls(const std::string& service) const {
    const auto in = calls_in_.find(service);
    const auto out = calls_out_.find(service);
    const double incoming = in == calls_in_.end() ? 0 : in->second;
    const double outgoing = out == calls_out_.end() ? incoming : out->second;
    return kCallsIn * incoming + (1 - kCallsIn) * outgoing;
  }

  void Place() {
    for (const std::string& service : services_) result_.ranked.push_back(CauseOf(service));
    std::stable_sort(result_.ranked.begin(), result_.ranked.end(),
                     [](const ServiceCause& a, const ServiceCause& b) { return a.raw > b.raw; });
    if (result_.ranked.empty()) return;
    const double top = result_.ranked.front().raw;
    const bool by_change = !share_.empty() || !guess_.empty();
    const double sure = 1 - std::exp(-std::max(0.0, by_change ? 3 * top : top));
    for (ServiceCause& cause : result_.ranked) cause.score = sure * std::exp(cause.raw - top);
  }

  ServiceCause CauseOf(const std::string& service) const {
    ServiceCause cause;
    cause.service = service;
    double deviation = 0, resource = 0;
    if (const auto list = of_service_.find(service); list != of_service_.end()) {
      for (const Judged* j : list->second) {
        deviation = std::max(deviation, Weighted(*j));
        if (IsResource(j->role)) resource = std::max(resource, j->deviation.score);
        if (cause.findings.size() < kMaxFindings)
          cause.findings.push_back({j->series, j->role, j->deviation});
      }
    }
    const bool mesh = !calls_in_.empty() || !calls_out_.empty();
    if (!share_.empty()) {
      WeighShare(deviation, cause);
    } else if (!guess_.empty() && !mesh) {
      WeighGuess(deviation, cause);
    } else if (mesh) {
      WeighCalls(resource, cause);
    } else {
      cause.kind = CauseKind::kDeviation;
      cause.raw = deviation;
    }
    if (deviation < kUsual && cause.raw < kUsual && cause.share <= 0)
      cause.kind = CauseKind::kQuiet;
    return cause;
  }

  void WeighShare(double deviation, ServiceCause& cause) const {
    const auto own = share_.find(cause.service);
    if (own == share_.end()) {
      cause.kind = CauseKind::kDeviation;
      cause.raw = kUnattributed * deviation;
      return;
    }
    cause.kind = CauseKind::kOwnShare;
    cause.share = own->second;
    if (const auto c = contribution_.find(cause.service); c != contribution_.end())
      cause.contribution = c->second;
    cause.raw = own->second + kTieBreak * deviation;
  }

  void WeighGuess(double deviation, ServiceCause& cause) const {
    cause.kind = CauseKind::kDeviation;
    if (const auto guess = guess_.find(cause.service); guess != guess_.end()) {
      cause.kind = CauseKind::kUntraced;
      cause.share = guess->second.first;
      cause.contribution = guess->second.second;
    }
    cause.raw = cause.share * cause.contribution + kGuessTieBreak * deviation;
  }

  void WeighCalls(double resource, ServiceCause& cause) const {
    const double calls = Calls(cause.service);
    const auto in = calls_in_.find(cause.service);
    const auto out = calls_out_.find(cause.service);
    cause.calls_in = in == calls_in_.end() ? 0 : in->second;
    cause.calls_out = out == calls_out_.end() ? 0 : out->second;
    cause.kind = calls > resource ? CauseKind::kCalls : CauseKind::kResource;
    cause.raw = std::max(resource, calls);
  }

  const CauseInput& input_;
  CauseResult result_;
  double judged_from_ = 0;
  std::set<std::string> services_;
  std::vector<Judged> judged_;
  std::map<std::string, std::vector<const Judged*>> of_service_;
  CallGraph callees_;
  std::map<std::string, double> share_;
  std::map<std::string, double> contribution_;
  // Without knowing the calls: what each could explain, and how much of its own is new.
  std::map<std::string, std::pair<double, double>> guess_;
  std::map<std::string, double> calls_in_;
  std::map<std::string, double> calls_out_;
};

}  // namespace

CauseResult RankCauses(const CauseInput& input) { return Ranking(input).Run(); }

}  // namespace opsmesh::analytics
