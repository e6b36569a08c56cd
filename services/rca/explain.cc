#include "services/rca/explain.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <string_view>
#include <utility>

#include "fmt/format.h"

namespace opsmesh::rca {
namespace {

using analytics::CauseInput;
using analytics::CauseKind;
using analytics::CauseResult;
using analytics::MetricFinding;
using analytics::MetricRole;
using analytics::ServiceCause;

// Deviations, in spreads, from which on a metric is spoken of.
constexpr double kWorthSaying = 2;

type::v1::Text Both(std::string en, std::string zh) {
  type::v1::Text text;
  text.set_en(std::move(en));
  text.set_zh(std::move(zh));
  return text;
}

std::string Number(double value) {
  const double size = std::abs(value);
  return size >= 1e4 && size < 1e9 ? fmt::format("{:.0f}", value) : fmt::format("{:.4g}", value);
}
// Of a metric that never moved before, any change is without measure.
constexpr double kMeasurable = 100;
std::string Spreads(double spreads) {
  return spreads < kMeasurable ? Number(spreads) : fmt::format("more than {}", kMeasurable);
}
std::string ZhSpreads(double spreads) {
  return spreads < kMeasurable ? Number(spreads) + " 倍" : fmt::format("{} 倍以上", kMeasurable);
}

int Percent(double share) {
  return static_cast<int>(std::lround(100 * std::clamp(share, -9.99, 9.99)));
}

std::string_view ZhRole(MetricRole role) {
  switch (role) {
    case MetricRole::kLatency:
      return "延迟";
    case MetricRole::kRequests:
      return "请求量";
    case MetricRole::kAvailability:
      return "可用性";
    case MetricRole::kErrors:
      return "错误";
    case MetricRole::kProcessor:
      return "CPU";
    case MetricRole::kMemory:
      return "内存";
    case MetricRole::kDisk:
      return "磁盘";
    case MetricRole::kNetwork:
      return "网络";
    case MetricRole::kOther:
      return "指标";
  }
  return "指标";
}

std::string Target(const CauseResult& result) {
  return result.target_metric.empty()
             ? result.target_service
             : fmt::format("{} {}", result.target_service, result.target_metric);
}

// Callees of the service, for "what it calls": at most three names.
std::string Callees(const CauseInput& input, const std::string& service) {
  std::set<std::string> names;
  for (const auto& [caller, callee] : input.edges) {
    if (caller == service && callee != service) names.insert(callee);
  }
  std::string text;
  size_t shown = 0;
  for (const std::string& name : names) {
    if (++shown > 3) break;
    text += (text.empty() ? "" : ", ") + name;
  }
  return names.size() > 3 ? fmt::format("{}, … ({})", text, names.size()) : text;
}

type::v1::Text OwnShare(const CauseInput& input, const CauseResult& result,
                        const ServiceCause& cause) {
  const std::string callees = Callees(input, cause.service);
  if (cause.share <= 0.02 && cause.contribution > 0.02) {
    return Both(
        fmt::format("{} changed too, but what it calls ({}) explains its part of the change of {}.",
                    cause.service, callees, Target(result)),
        fmt::format("{} 也有变化,但其在 {} 变化中的部分可由其下游({})解释。", cause.service,
                    Target(result), callees));
  }
  if (cause.share <= 0.02) {
    return Both(fmt::format("{} has no part in the change of {}.", cause.service, Target(result)),
                fmt::format("{} 与 {} 的变化无关。", cause.service, Target(result)));
  }
  return callees.empty()
             ? Both(fmt::format("{} accounts for {} % of the change of {} and calls nothing that "
                                "could explain it.",
                                cause.service, Percent(cause.share), Target(result)),
                    fmt::format("{} 承担了 {} 变化的 {}%,且没有可以解释它的下游调用。",
                                cause.service, Target(result), Percent(cause.share)))
             : Both(fmt::format("{} accounts for {} % of the change of {} after what it calls ({}) "
                                "is taken off.",
                                cause.service, Percent(cause.share), Target(result), callees),
                    fmt::format("扣除下游({})的部分后,{} 仍承担了 {} 变化的 {}%。", callees,
                                cause.service, Target(result), Percent(cause.share)));
}

// Spreads (as a logarithm) below which calls are called as fast as usual.
constexpr double kSlow = 1.0986;

type::v1::Text Calls(const CauseInput& input, const ServiceCause& cause) {
  const std::string in = Number(std::expm1(cause.calls_in));
  const std::string out = Number(std::expm1(cause.calls_out));
  const std::string callees = Callees(input, cause.service);
  if (cause.calls_in >= kSlow && cause.calls_out < kSlow) {
    return callees.empty()
               ? Both(fmt::format("Calls to {} slowed down by {} times their usual spread on "
                                  "average, and it calls nothing that could hand this on.",
                                  cause.service, in),
                      fmt::format("调用 {} 的请求平均变慢了通常波动的 {} 倍,且它没有可以传导延迟的"
                                  "下游调用。",
                                  cause.service, in))
               : Both(fmt::format("Calls to {} slowed down by {} times their usual spread on "
                                  "average, while those it makes ({}) are as fast as usual.",
                                  cause.service, in, callees),
                      fmt::format("调用 {} 的请求平均变慢了通常波动的 {} 倍,而它对下游({})的"
                                  "调用与平时一样快。",
                                  cause.service, in, callees));
  }
  if (cause.calls_in < kSlow) {
    return Both(fmt::format("Calls that {} makes slowed down by {} times their usual spread on "
                            "average; no slower calls to it were measured.",
                            cause.service, out),
                fmt::format("{} 发出的请求平均变慢了通常波动的 {} 倍;没有测到对它的调用变慢。",
                            cause.service, out));
  }
  return Both(fmt::format("Calls to {} slowed down by {} times their usual spread on average, and "
                          "the calls it makes by {}: the fault sits where calls in and out are "
                          "slow.",
                          cause.service, in, out),
              fmt::format("调用 {} 的请求平均变慢了通常波动的 {} 倍,它发出的请求变慢了 {} 倍:进出都"
                          "变慢之处即故障所在。",
                          cause.service, in, out));
}

type::v1::Text Untraced(const CauseResult& result, const ServiceCause& cause) {
  return Both(
      fmt::format("The change of {0} is as large as {1} % of that of {2}, and {3} % of what it is "
                  "now is new; who calls whom is not known, so this is a guess.",
                  cause.service, Percent(cause.share), Target(result), Percent(cause.contribution)),
      fmt::format("{0} 的变化相当于 {2} 变化的 {1}%,且其当前值的 {3}% 是新增的;调用关系未知,因此"
                  "这是推测。",
                  cause.service, Percent(cause.share), Target(result),
                  Percent(cause.contribution)));
}

}  // namespace

type::v1::Text Move(const CauseInput& input, const MetricFinding& finding) {
  const analytics::ServiceMetric& s = input.series[finding.series];
  const analytics::Deviation& d = finding.deviation;
  return Both(fmt::format("{} of {} went from {} to {}, {} times its usual spread.", s.metric,
                          s.service, Number(d.before), Number(d.after), Spreads(std::abs(d.z))),
              fmt::format("{} 的 {}({})从 {} 变为 {},是其通常波动的 {}。", s.service, s.metric,
                          ZhRole(finding.role), Number(d.before), Number(d.after),
                          ZhSpreads(std::abs(d.z))));
}

std::vector<type::v1::Text> Steps(const CauseInput& input, const CauseResult& result, size_t rank) {
  const ServiceCause& cause = result.ranked[rank];
  std::vector<type::v1::Text> steps;
  if (cause.kind == CauseKind::kOwnShare) steps.push_back(OwnShare(input, result, cause));
  if (cause.kind == CauseKind::kUntraced && cause.share > 0)
    steps.push_back(Untraced(result, cause));
  if (cause.kind == CauseKind::kCalls) steps.push_back(Calls(input, cause));
  size_t said = 0;
  for (const MetricFinding& finding : cause.findings) {
    if (std::abs(finding.deviation.z) < kWorthSaying || said == 3) break;
    steps.push_back(Move(input, finding));
    ++said;
  }
  if (cause.kind == CauseKind::kResource && cause.calls_in > 0.7) {
    steps.push_back(
        Both(fmt::format("Calls to {} are slow as well, which follows from it.", cause.service),
             fmt::format("对 {} 的调用也随之变慢。", cause.service)));
  }
  if (steps.empty()) {
    steps.push_back(
        cause.findings.empty()
            ? Both(fmt::format("There is too little data about {} to judge it.", cause.service),
                   fmt::format("关于 {} 的数据不足,无法判断。", cause.service))
            : Both(fmt::format("No metric of {} left its usual range.", cause.service),
                   fmt::format("{} 的所有指标都在通常范围内。", cause.service)));
  }
  return steps;
}

type::v1::Text Summary(const CauseInput& input, const CauseResult& result, size_t rank) {
  return Steps(input, result, rank).front();
}

namespace {

// What speaks most for a cause, in words, and by how many spreads.
struct Strength {
  std::string en, zh;
  double spreads = 0;
  bool symptom = false;
};

Strength StrengthOf(const CauseInput& input, const ServiceCause& cause) {
  if (cause.kind == CauseKind::kCalls || cause.findings.empty()) {
    return {"calls of " + cause.service, cause.service + " 的调用",
            std::expm1(std::min(cause.raw, 20.0)), false};
  }
  const MetricFinding& finding = cause.findings.front();
  const std::string& metric = input.series[finding.series].metric;
  return {fmt::format("{} of {}", metric, cause.service),
          fmt::format("{} 的 {}", cause.service, metric), std::abs(finding.deviation.z),
          !IsResource(finding.role) && finding.role != MetricRole::kOther};
}

}  // namespace

type::v1::Text RunnerUp(const CauseInput& input, const CauseResult& result, size_t rank) {
  const ServiceCause& winner = result.ranked[rank];
  const ServiceCause& next = result.ranked[rank + 1];
  if (next.kind == CauseKind::kOwnShare && winner.kind == CauseKind::kOwnShare) {
    return Both(
        fmt::format("{} lost: its own part is {} %, against {} % of {}.", next.service,
                    Percent(std::max(0.0, next.share)), Percent(winner.share), winner.service),
        fmt::format("{} 落选:其自身部分为 {}%,而 {} 为 {}%。", next.service,
                    Percent(std::max(0.0, next.share)), winner.service, Percent(winner.share)));
  }
  if (winner.kind == CauseKind::kUntraced && next.kind == CauseKind::kUntraced) {
    return Both(
        fmt::format(
            "{} lost: as large as {} % of the change and {} % new, against {} % and {} % of "
            "{}.",
            next.service, Percent(next.share), Percent(next.contribution), Percent(winner.share),
            Percent(winner.contribution), winner.service),
        fmt::format("{} 落选:相当于变化的 {}%、新增 {}%,而 {} 为 {}% 与 {}%。", next.service,
                    Percent(next.share), Percent(next.contribution), winner.service,
                    Percent(winner.share), Percent(winner.contribution)));
  }
  if (winner.kind == CauseKind::kOwnShare || winner.kind == CauseKind::kUntraced) {
    return Both(
        fmt::format("{} lost: nothing measured ties it to the change of {}.", next.service,
                    Target(result)),
        fmt::format("{} 落选:没有数据表明它与 {} 的变化有关。", next.service, Target(result)));
  }
  const bool quiet = std::none_of(next.findings.begin(), next.findings.end(), [](const auto& f) {
    return std::abs(f.deviation.z) >= kWorthSaying;
  });
  if (next.kind == CauseKind::kQuiet && quiet) {
    return Both(fmt::format("{} lost: no metric of it left its usual range.", next.service),
                fmt::format("{} 落选:其指标都在通常范围内。", next.service));
  }
  const Strength lead = StrengthOf(input, winner), other = StrengthOf(input, next);
  // A latency that is larger in spreads still lost against a resource: it counts less.
  const bool handed_on = other.symptom && !lead.symptom;
  std::string en = fmt::format("{} lost: {} moved by {} spreads, against {} of {}", next.service,
                               other.en, Spreads(other.spreads), Spreads(lead.spreads), lead.en);
  std::string zh = fmt::format("{} 落选:{} 偏离 {},而 {} 偏离 {}", next.service, other.zh,
                               ZhSpreads(other.spreads), lead.zh, ZhSpreads(lead.spreads));
  if (std::min(lead.spreads, other.spreads) >= kMeasurable && lead.spreads > other.spreads) {
    en = fmt::format("{} lost: {} moved too, but {} times less than {}", next.service, other.en,
                     Number(lead.spreads / other.spreads), lead.en);
    zh = fmt::format("{} 落选:{} 也有偏离,但 {} 的偏离是它的 {} 倍", next.service, other.zh,
                     lead.zh, Number(lead.spreads / other.spreads));
  }
  if (handed_on) {
    en += "; what a service waits for may be handed on by others and counts less";
    zh += ";等待类指标可能由其他服务传导而来,权重较低";
  }
  return Both(en + ".", zh + "。");
}

type::v1::Text NextStep(const ServiceCause& cause) {
  const MetricRole role = cause.findings.empty() ? MetricRole::kOther : cause.findings[0].role;
  switch (cause.kind) {
    case CauseKind::kCalls:
      return Both(
          fmt::format("Look at {} and its network: its logs, its pods' node, network policies, DNS "
                      "and connection errors.",
                      cause.service),
          fmt::format("检查 {} 及其网络:日志、Pod 所在节点、网络策略、DNS 与连接错误。",
                      cause.service));
    case CauseKind::kOwnShare:
    case CauseKind::kUntraced:
      return Both(
          fmt::format("Look at the last change of {}, its logs since the onset, and its limits.",
                      cause.service),
          fmt::format("检查 {} 最近的变更、故障开始以来的日志以及资源限制。", cause.service));
    default:
      break;
  }
  if (role == MetricRole::kProcessor) {
    return Both(
        fmt::format("Look at CPU limits and throttling of {} and at what else runs on its node.",
                    cause.service),
        fmt::format("检查 {} 的 CPU 限制与节流,以及同节点上的其他负载。", cause.service));
  }
  if (role == MetricRole::kMemory) {
    return Both(fmt::format("Look at memory limits, restarts and OOM kills of {}.", cause.service),
                fmt::format("检查 {} 的内存限制、重启与 OOM 记录。", cause.service));
  }
  return Both(fmt::format("Look at events, logs and the last change of {}.", cause.service),
              fmt::format("检查 {} 的事件、日志与最近的变更。", cause.service));
}

const std::string& Pick(const type::v1::Text& text, text::Language language) {
  return text::IsChinese(language) ? text.zh() : text.en();
}

}  // namespace opsmesh::rca
