#include "libs/analytics/cause/attribution.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <set>

#include "fmt/format.h"
#include "libs/analytics/cause/onset.h"
#include "libs/analytics/order_statistics.h"

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
// Samples before an onset that was found which are judged with what follows it.
constexpr size_t kEarlier = 3;
// Share of the target's worst deviation from which on a sample is called troubled.
constexpr double kTroubled = 0.3;
constexpr size_t kGridLimit = 4096;
// Services in a row that may be unmeasured on the way to a measured one.
constexpr size_t kMostUnmeasured = 64;

struct Judged {
  size_t series;
  MetricRole role;
  Deviation deviation;
};

bool Rising(const std::vector<double>& times) {
  for (size_t i = 1; i < times.size(); ++i) {
    if (times[i] < times[i - 1]) return false;
  }
  return true;
}

// Position of the first sample at or after the onset. Stamps that do not rise (figures put together
// from two periods) are no clock: then the sample whose stamp is nearest to the onset begins the
// trouble.
size_t OnsetIndex(const std::vector<double>& times, double onset) {
  if (Rising(times)) {
    return static_cast<size_t>(std::lower_bound(times.begin(), times.end(), onset) - times.begin());
  }
  size_t best = 0;
  for (size_t i = 1; i < times.size(); ++i) {
    if (std::abs(times[i] - onset) < std::abs(times[best] - onset)) best = i;
  }
  return best;
}

size_t CountFinite(const std::vector<double>& values) {
  return static_cast<size_t>(
      std::count_if(values.begin(), values.end(), [](double v) { return std::isfinite(v); }));
}

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

  bool IsTarget(const ServiceMetric& s) const {
    if (!input_.target_service.empty()) {
      return s.service == input_.target_service &&
             (input_.target_metric.empty() || s.metric == input_.target_metric);
    }
    return s.service == kIndicatorService;
  }

  // All series on the grid of the longest one, by position when lengths agree, else by time.
  void SettleOnset() {
    if (input_.onset_time) {
      result_.onset_time = input_.onset_time;
      result_.onset_given = true;
      judged_from_ = *input_.onset_time;
      return;
    }
    const ServiceMetric* longest = nullptr;
    for (const ServiceMetric& s : input_.series) {
      if (longest == nullptr || s.times.size() > longest->times.size()) longest = &s;
    }
    if (longest == nullptr || longest->times.empty()) return;
    const std::vector<double>& grid = longest->times;
    const size_t n = std::min(grid.size(), kGridLimit);
    const size_t stride = (grid.size() + n - 1) / n;
    const size_t columns = (grid.size() + stride - 1) / stride;
    std::vector<double> block(input_.series.size() * columns, std::nan(""));
    std::vector<double> weights(input_.series.size(), 0);
    size_t targets = 0;
    for (const ServiceMetric& s : input_.series) targets += IsTarget(s);
    const double others = static_cast<double>(input_.series.size() - targets);
    const bool clock = Rising(grid);
    for (size_t r = 0; r < input_.series.size(); ++r) {
      const ServiceMetric& s = input_.series[r];
      weights[r] = IsTarget(s) ? std::max(1.0, others) / static_cast<double>(targets) : 1;
      if (s.times.size() == grid.size() || !clock) {
        for (size_t i = 0; i < std::min(grid.size(), s.values.size()); i += stride)
          block[r * columns + i / stride] = s.values[i];
        continue;
      }
      size_t at = 0;
      for (size_t i = 0; i < s.times.size(); ++i) {
        while (at + 1 < grid.size() && grid[at] < s.times[i]) ++at;
        block[r * columns + at / stride] = s.values[i];
      }
    }
    const auto onset = FindOnset({block, input_.series.size(), columns, weights});
    if (!onset) return;
    const size_t index = std::min(onset->column * stride, grid.size() - 1);
    result_.onset_time = grid[index];
    const double step = grid.size() > 1 ? std::abs(grid.back() - grid.front()) /
                                              static_cast<double>(grid.size() - 1)
                                        : 0;
    result_.onset_uncertainty =
        static_cast<double>(std::max<size_t>(1, onset->uncertainty) * stride) * step;
    // Attribution tells quiet samples from troubled ones by itself, so an onset found too late
    // costs more than one too early.
    const size_t earlier = input_.target_service.empty() ? 0 : kEarlier * stride;
    judged_from_ = grid[index - std::min(index, earlier)];
  }

  void JudgeAll() {
    std::vector<double> scratch;
    for (size_t i = 0; i < input_.series.size(); ++i) {
      const ServiceMetric& s = input_.series[i];
      const size_t split = OnsetIndex(s.times, judged_from_);
      const std::span<const double> values(s.values);
      const Deviation d = RobustDeviation(values.first(split), values.subspan(split), scratch);
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
      if (!IsTarget(s) || j.role != role || !Rising(s.times)) continue;
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
    Flow(change, requests);
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

  // The target's change, handed down its calls: a service passes on to its callees what they
  // changed, at most what it was handed itself (what runs aside of the request cannot have slowed
  // it), and keeps the rest as its own.
  void Flow(const std::map<std::string, double>& change,
            const std::map<std::string, double>& requests) {
    const auto start = change.find(result_.target_service);
    if (start == change.end() || start->second <= 0) return;
    std::map<std::string, double> callers;  // requests of all callers of a service
    const auto load = [&](const std::string& service) {
      const auto found = requests.find(service);
      return found == requests.end() ? 1.0 : std::max(found->second, 1e-9);
    };
    for (const auto& [caller, list] : callees_) {
      for (const std::string& callee : list) callers[callee] += load(caller);
    }
    // What a service would pass on to its callers: its own change; of one that is not measured what
    // its callees pass on to it, so that a gap in the measurements does not cut the path.
    std::map<std::string, double> wants = change;
    const auto part_of = [&](const std::string& caller, const std::string& callee) {
      return load(caller) / std::max(callers[callee], 1e-9);
    };
    const std::function<double(const std::string&, size_t)> want = [&](const std::string& service,
                                                                       size_t behind) {
      const auto [at, unknown] = wants.emplace(service, 0);
      if (!unknown || behind > kMostUnmeasured) return at->second;
      double sum = 0;  // a cycle of services that are not measured wants nothing
      if (const auto list = callees_.find(service); list != callees_.end()) {
        for (const std::string& callee : list->second)
          sum += want(callee, behind + 1) * part_of(service, callee);
      }
      return wants[service] = sum;
    };
    std::map<std::string, double> handed = {{start->first, start->second}};
    for (const std::string& service : DownstreamOrder(start->first)) {
      const double mine = handed[service];
      double wanted = 0;
      std::vector<std::pair<std::string, double>> parts;
      if (const auto list = callees_.find(service); list != callees_.end()) {
        for (const std::string& callee : list->second) {
          if (settled_.count(callee) != 0) continue;
          parts.emplace_back(callee, want(callee, 0) * part_of(service, callee));
          wanted += parts.back().second;
        }
      }
      const double scale = wanted > mine ? mine / wanted : 1;
      for (const auto& [callee, part] : parts) handed[callee] += part * scale;
      share_[service] = (mine - wanted * scale) / start->second;
      settled_.insert(service);
    }
  }

  // What the target reaches, callers before callees; calls that close a cycle are left out.
  std::vector<std::string> DownstreamOrder(const std::string& target) const {
    std::vector<std::string> order;
    std::set<std::string> seen = {target};
    std::vector<std::pair<std::string, bool>> stack = {{target, false}};
    while (!stack.empty()) {
      auto [service, done] = stack.back();
      stack.pop_back();
      if (done) {
        order.push_back(service);
        continue;
      }
      stack.emplace_back(service, true);
      const auto list = callees_.find(service);
      if (list == callees_.end()) continue;
      for (const std::string& callee : list->second) {
        if (seen.insert(callee).second) stack.emplace_back(callee, false);
      }
    }
    std::reverse(order.begin(), order.end());
    return order;
  }

  // Where a mesh measures each call as its caller sees it: how much slower the calls to and from
  // each service got.
  void MeasureCalls() {
    std::map<std::string, std::vector<double>> in, out;
    for (const Judged& j : judged_) {
      const ServiceMetric& s = input_.series[j.series];
      if (s.service != kEdgeService) continue;
      std::string what;
      const auto call = CallOf(s.metric, &what);
      // The callee's own view leaves the network out: the caller's view is the one that shows it.
      if (!call || what.rfind("dst", 0) == 0 || RoleOf(what) != MetricRole::kLatency) continue;
      std::vector<double> values;
      const size_t split = OnsetIndex(s.times, judged_from_);
      for (size_t i = 0; i < split; ++i) {
        if (std::isfinite(s.values[i])) values.push_back(s.values[i]);
      }
      const double median = Quantile(values, 0.5);
      const double quartiles = Quantile(values, 0.75) - Quantile(values, 0.25);
      values.clear();
      for (size_t i = split; i < s.values.size(); ++i) {
        if (std::isfinite(s.values[i])) values.push_back(s.values[i]);
      }
      const double slower = Median(values) - median;
      const double z =
          std::log1p(std::max(0.0, slower / (quartiles + 0.05 * std::abs(median) + 1e-6)));
      in[call->second].push_back(z);
      out[call->first].push_back(z);
      services_.insert(call->first);
      services_.insert(call->second);
    }
    const auto mean = [](const std::vector<double>& v) {
      double sum = 0;
      for (const double x : v) sum += x;
      return v.empty() ? 0 : sum / static_cast<double>(v.size());
    };
    for (const auto& [service, v] : in) calls_in_[service] = mean(v);
    for (const auto& [service, v] : out) calls_out_[service] = mean(v);
  }

  double Calls(const std::string& service) const {
    const auto in = calls_in_.find(service);
    const auto out = calls_out_.find(service);
    const double incoming = in == calls_in_.end() ? 0 : in->second;
    const double outgoing = out == calls_out_.end() ? incoming : out->second;
    return kCallsIn * incoming + (1 - kCallsIn) * outgoing;
  }

  void Place() {
    const bool attributed = !share_.empty();
    const bool mesh = !calls_in_.empty() || !calls_out_.empty();
    for (const std::string& service : services_) {
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
      if (attributed) {
        const auto own = share_.find(service);
        cause.kind = own == share_.end() ? CauseKind::kDeviation : CauseKind::kOwnShare;
        if (own != share_.end()) {
          cause.share = own->second;
          if (const auto c = contribution_.find(service); c != contribution_.end())
            cause.contribution = c->second;
        }
        cause.raw =
            own == share_.end() ? kUnattributed * deviation : own->second + kTieBreak * deviation;
      } else if (const auto guess = guess_.find(service); !guess_.empty() && !mesh) {
        cause.kind = guess == guess_.end() ? CauseKind::kDeviation : CauseKind::kUntraced;
        if (guess != guess_.end()) {
          cause.share = guess->second.first;
          cause.contribution = guess->second.second;
        }
        cause.raw = cause.share * cause.contribution + kGuessTieBreak * deviation;
      } else if (mesh) {
        const double calls = Calls(service);
        const auto in = calls_in_.find(service);
        const auto out = calls_out_.find(service);
        cause.calls_in = in == calls_in_.end() ? 0 : in->second;
        cause.calls_out = out == calls_out_.end() ? 0 : out->second;
        cause.kind = calls > resource ? CauseKind::kCalls : CauseKind::kResource;
        cause.raw = std::max(resource, calls);
      } else {
        cause.kind = CauseKind::kDeviation;
        cause.raw = deviation;
      }
      if (deviation < kUsual && cause.raw < kUsual && cause.share <= 0)
        cause.kind = CauseKind::kQuiet;
      result_.ranked.push_back(std::move(cause));
    }
    std::stable_sort(result_.ranked.begin(), result_.ranked.end(),
                     [](const ServiceCause& a, const ServiceCause& b) { return a.raw > b.raw; });
    if (result_.ranked.empty()) return;
    const double top = result_.ranked.front().raw;
    const double sure = 1 - std::exp(-std::max(0.0, attributed || !guess_.empty() ? 3 * top : top));
    for (ServiceCause& cause : result_.ranked) cause.score = sure * std::exp(cause.raw - top);
  }

  const CauseInput& input_;
  CauseResult result_;
  double judged_from_ = 0;
  std::set<std::string> services_;
  std::vector<Judged> judged_;
  std::map<std::string, std::vector<const Judged*>> of_service_;
  std::map<std::string, std::set<std::string>> callees_;
  std::map<std::string, double> share_;
  std::map<std::string, double> contribution_;
  // Without knowing the calls: what each could explain, and how much of its own is new.
  std::map<std::string, std::pair<double, double>> guess_;
  std::set<std::string> settled_;
  std::map<std::string, double> calls_in_;
  std::map<std::string, double> calls_out_;
};

}  // namespace

CauseResult RankCauses(const CauseInput& input) { return Ranking(input).Run(); }

}  // namespace opsmesh::analytics
