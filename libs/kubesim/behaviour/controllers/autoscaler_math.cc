// After pkg/controller/podautoscaler/{replica_calculator,horizontal}.go of Kubernetes 1.32.
#include "libs/kubesim/behaviour/controllers/autoscaler_math.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

constexpr int64_t kDownWindow = 300;  // seconds, without behavior

int64_t Ceil(long double value) { return static_cast<int64_t>(std::ceil(value - 1e-9L)); }

// The steps common to both targets. `ratio_of`: the ratio of a set of usages; `fill`: what a pod
// without metrics is taken to use when the others ask for fewer.
Proposal Propose(const MetricPods& pods, int64_t current, double tolerance,
                 const std::function<double(const std::map<std::string, long double>&)>& ratio_of,
                 const std::function<long double(const std::string&)>& fill) {
  Proposal proposal{current, 0, 0};
  const double ratio = ratio_of(pods.usage);
  const bool unready_matter = !pods.unready.empty() && ratio > 1;
  if (!unready_matter && pods.missing.empty()) {
    if (std::abs(1 - ratio) > tolerance)
      proposal.replicas =
          Ceil(static_cast<long double>(ratio) * static_cast<long double>(pods.ready));
    return proposal;
  }
  std::map<std::string, long double> all = pods.usage;
  if (ratio < 1) {
    for (const std::string& name : pods.missing) all[name] = fill(name);
  } else if (ratio > 1) {
    for (const std::string& name : pods.missing) all[name] = 0;
  }
  if (unready_matter) {
    for (const std::string& name : pods.unready) all[name] = 0;
  }
  const double again = ratio_of(all);
  if (std::abs(1 - again) <= tolerance || (ratio < 1 && again > 1) || (ratio > 1 && again < 1))
    return proposal;
  const int64_t replicas =
      Ceil(static_cast<long double>(again) * static_cast<long double>(all.size()));
  // What was assumed must not turn the direction.
  if ((again < 1 && replicas > current) || (again > 1 && replicas < current)) return proposal;
  proposal.replicas = replicas;
  return proposal;
}

struct Rules {
  int64_t window = 0;  // seconds of stabilization
  std::string select = "Max";
  Json policies;
};

Rules RulesOf(const Json& spec, bool up) {
  const Json& given = At(spec, {"behavior", up ? "scaleUp" : "scaleDown"});
  Rules rules;
  rules.window = IntAt(given, "stabilizationWindowSeconds", up ? 0 : kDownWindow);
  if (!TextAt(given, "selectPolicy").empty()) rules.select = TextAt(given, "selectPolicy");
  rules.policies = ListAt(given, {"policies"});
  if (rules.policies.empty()) {
    const Json all = {{"type", "Percent"}, {"value", 100}, {"periodSeconds", 15}};
    rules.policies =
        up ? Json::array({{{"type", "Pods"}, {"value", 4}, {"periodSeconds", 15}}, all})
           : Json::array({all});
  }
  return rules;
}

int64_t Within(const std::vector<ScalingMemory::Change>& changes, int64_t seconds, absl::Time now) {
  int64_t total = 0;
  for (const auto& change : changes) {
    if (change.time > now - absl::Seconds(seconds)) total += change.replicas;
  }
  return total;
}

// How many replicas the policies allow now.
int64_t UpLimit(const Rules& rules, int64_t current, const ScalingMemory& memory, absl::Time now) {
  if (rules.select == "Disabled") return current;
  const bool least = rules.select == "Min";
  int64_t limit = least ? std::numeric_limits<int64_t>::max() : std::numeric_limits<int64_t>::min();
  for (const Json& policy : rules.policies) {
    const int64_t period = IntAt(policy, "periodSeconds", 15), value = IntAt(policy, "value");
    const int64_t start =
        current - Within(memory.ups, period, now) + Within(memory.downs, period, now);
    const int64_t one =
        TextAt(policy, "type") == "Pods"
            ? start + value
            : Ceil(static_cast<long double>(start) * (1 + static_cast<long double>(value) / 100));
    limit = least ? std::min(limit, one) : std::max(limit, one);
  }
  return limit;
}

int64_t DownLimit(const Rules& rules, int64_t current, const ScalingMemory& memory,
                  absl::Time now) {
  if (rules.select == "Disabled") return current;
  const bool least = rules.select == "Min";
  int64_t limit = least ? std::numeric_limits<int64_t>::min() : std::numeric_limits<int64_t>::max();
  for (const Json& policy : rules.policies) {
    const int64_t period = IntAt(policy, "periodSeconds", 15), value = IntAt(policy, "value");
    const int64_t start =
        current - Within(memory.ups, period, now) + Within(memory.downs, period, now);
    const int64_t one = TextAt(policy, "type") == "Pods"
                            ? start - value
                            : static_cast<int64_t>(static_cast<long double>(start) *
                                                   (1 - static_cast<long double>(value) / 100));
    limit = least ? std::max(limit, one) : std::min(limit, one);
  }
  return limit;
}

int64_t Stabilize(const Rules& up, const Rules& down, int64_t current, int64_t desired,
                  ScalingMemory& memory, absl::Time now, Limited& out) {
  int64_t up_value = desired, down_value = desired;
  for (const auto& past : memory.recommendations) {
    if (past.time > now - absl::Seconds(up.window)) up_value = std::min(up_value, past.replicas);
    if (past.time > now - absl::Seconds(down.window))
      down_value = std::max(down_value, past.replicas);
  }
  const absl::Time oldest = now - absl::Seconds(std::max(up.window, down.window));
  std::erase_if(memory.recommendations, [&](const auto& past) { return past.time <= oldest; });
  memory.recommendations.push_back({now, desired});
  int64_t stable = current;
  if (stable < up_value) stable = up_value;
  if (stable > down_value) stable = down_value;
  if (stable == desired) {
    out.able_reason = "ReadyForNewScale";
    out.able_message = "recommended size matches current size";
  } else if (desired > stable) {
    out.able_reason = "ScaleUpStabilized";
    out.able_message =
        "recent recommendations were lower than current one, applying the lowest recent "
        "recommendation";
  } else {
    out.able_reason = "ScaleDownStabilized";
    out.able_message =
        "recent recommendations were higher than current one, applying the highest recent "
        "recommendation";
  }
  return stable;
}

}  // namespace

Proposal ByUtilization(const MetricPods& pods, int64_t target, int64_t current, double tolerance) {
  auto utilization = [&](const std::map<std::string, long double>& usage) {
    long double used = 0, requested = 0;
    for (const auto& [name, amount] : usage) {
      auto request = pods.requests.find(name);
      if (request == pods.requests.end()) continue;
      used += amount;
      requested += request->second;
    }
    return requested <= 0 ? 0 : static_cast<int64_t>(used * 100 / requested);
  };
  auto ratio = [&](const std::map<std::string, long double>& usage) {
    return static_cast<double>(utilization(usage)) / static_cast<double>(target);
  };
  auto fill = [&](const std::string& name) -> long double {
    auto request = pods.requests.find(name);
    return request == pods.requests.end()
               ? 0
               : request->second * static_cast<long double>(std::max<int64_t>(100, target)) / 100;
  };
  Proposal proposal = Propose(pods, current, tolerance, ratio, fill);
  proposal.utilization = utilization(pods.usage);
  for (const auto& [name, amount] : pods.usage)
    proposal.average += amount / static_cast<long double>(pods.usage.size());
  return proposal;
}

Proposal ByAverage(const MetricPods& pods, long double target, int64_t current, double tolerance) {
  auto average = [](const std::map<std::string, long double>& usage) {
    long double total = 0;
    for (const auto& [name, amount] : usage) total += amount;
    return usage.empty() ? 0 : total / static_cast<long double>(usage.size());
  };
  auto ratio = [&](const std::map<std::string, long double>& usage) {
    return static_cast<double>(average(usage) / target);
  };
  Proposal proposal =
      Propose(pods, current, tolerance, ratio, [&](const std::string&) { return target; });
  proposal.average = average(pods.usage);
  return proposal;
}

Limited Limit(const Json& spec, int64_t current, int64_t desired, ScalingMemory& memory,
              absl::Time now) {
  Limited out;
  const int64_t least = IntAt(spec, "minReplicas", 1), most = IntAt(spec, "maxReplicas", 1);
  const Rules up = RulesOf(spec, true), down = RulesOf(spec, false);
  const bool behaved = At(spec, "behavior").is_object();
  int64_t stable = Stabilize(up, down, current, desired, memory, now, out);
  auto limit = [&](const char* reason, const char* message) {
    out.limited = true;
    out.limited_reason = reason;
    out.limited_message = message;
  };
  if (stable > current) {
    // Without behavior: twice as many, or four.
    int64_t allowed = behaved ? std::max(current, UpLimit(up, current, memory, now))
                              : std::max<int64_t>(2 * current, 4);
    if (allowed < most && stable > allowed) {
      stable = allowed;
      limit("ScaleUpLimit",
            "the desired replica count is increasing faster than the maximum scale rate");
    } else if (stable > most) {
      stable = most;
      limit("TooManyReplicas", "the desired replica count is more than the maximum replica count");
    }
  } else if (stable < current) {
    const int64_t allowed = behaved ? std::min(current, DownLimit(down, current, memory, now)) : 0;
    if (allowed > least && stable < allowed) {
      stable = allowed;
      limit("ScaleDownLimit",
            "the desired replica count is decreasing faster than the maximum scale rate");
    } else if (stable < least) {
      stable = least;
      limit("TooFewReplicas", "the desired replica count is less than the minimum replica count");
    }
  } else if (stable < least) {
    stable = least;
    limit("TooFewReplicas", "the desired replica count is less than the minimum replica count");
  } else if (stable > most) {
    stable = most;
    limit("TooManyReplicas", "the desired replica count is more than the maximum replica count");
  }
  if (!out.limited && desired < least && stable == least)
    limit("TooFewReplicas", "the desired replica count is less than the minimum replica count");
  if (!out.limited && desired > most && stable == most)
    limit("TooManyReplicas", "the desired replica count is more than the maximum replica count");
  if (!out.limited) {
    out.limited_reason = "DesiredWithinRange";
    out.limited_message = "the desired count is within the acceptable range";
  }
  out.replicas = stable;
  return out;
}

}  // namespace opsmesh::kubesim
