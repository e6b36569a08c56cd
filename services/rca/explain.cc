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

std::string Number(double value) { return fmt::format("{:.4g}", value); }
// Of a metric that never moved before, any change is without measure.
constexpr double kMeasurable = 100;
std::string Spreads(double spreads) {
  return spreads < kMeasurable ? Number(spreads) : fmt::format("more than {}", kMeasurable);
}
std::string ZhSpreads(double spreads) {
  return spreads < kMeasurable ? Number(spreads) : fmt::format("{} 以上", kMeasurable);
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

type::v1::Text Calls(const ServiceCause& cause) {
  return Both(fmt::format("Calls to {0} slowed down by {1} times their usual spread on average, "
                          "and the calls it makes by {2}: "
                          "the fault sits where calls in and out are slow.",
                          cause.service, Number(std::expm1(cause.calls_in)),
                          Number(std::expm1(cause.calls_out))),
              fmt::format("调用 {0} 的请求平均变慢了通常波动的 {1} 倍,它发出的请求变慢了 {2} "
                          "倍:进出都变慢之处即故障所在。",
                          cause.service, Number(std::expm1(cause.calls_in)),
                          Number(std::expm1(cause.calls_out))));
}

}  // namespace

type::v1::Text Move(const CauseInput& input, const MetricFinding& finding) {
  const analytics::ServiceMetric& s = input.series[finding.series];
  const analytics::Deviation& d = finding.deviation;
  return Both(fmt::format("{} of {} went from {} to {}, {} times its usual spread.", s.metric,
                          s.service, Number(d.before), Number(d.after), Spreads(std::abs(d.z))),
              fmt::format("{} 的 {}({})从 {} 变为 {},是其通常波动的 {} 倍。", s.service, s.metric,
                          ZhRole(finding.role), Number(d.before), Number(d.after),
                          ZhSpreads(std::abs(d.z))));
}

std::vector<type::v1::Text> Steps(const CauseInput& input, const CauseResult& result, size_t rank) {
  const ServiceCause& cause = result.ranked[rank];
  std::vector<type::v1::Text> steps;
  if (cause.kind == CauseKind::kOwnShare) steps.push_back(OwnShare(input, result, cause));
  if (cause.kind == CauseKind::kCalls) steps.push_back(Calls(cause));
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
  if (winner.kind == CauseKind::kOwnShare) {
    return Both(
        fmt::format("{} lost: nothing measured ties it to the change of {}.", next.service,
                    Target(result)),
        fmt::format("{} 落选:没有数据表明它与 {} 的变化有关。", next.service, Target(result)));
  }
  const double lead = std::expm1(std::min(winner.raw, 20.0)),
               other = std::expm1(std::min(next.raw, 20.0));
  if (next.kind == CauseKind::kQuiet) {
    return Both(fmt::format("{} lost: no metric of it left its usual range.", next.service),
                fmt::format("{} 落选:其指标都在通常范围内。", next.service));
  }
  std::string_view en = "what deviates is its own load", zh = "偏离的是其自身资源";
  if (next.kind == CauseKind::kCalls) en = "its calls are slow", zh = "其调用变慢";
  if (next.kind == CauseKind::kDeviation && !next.findings.empty() &&
      !IsResource(next.findings[0].role)) {
    en = "what deviates may be handed on by others";
    zh = "其偏离可能由其他服务传导而来";
  }
  (void)input;
  return Both(fmt::format("{} lost: {}, by {} spreads against {} of {}.", next.service, en,
                          Spreads(other), Spreads(lead), winner.service),
              fmt::format("{} 落选:{},偏离 {} 倍,而 {} 为 {} 倍。", next.service, zh,
                          ZhSpreads(other), winner.service, ZhSpreads(lead)));
}

type::v1::Text NextStep(const ServiceCause& cause) {
  const MetricRole role = cause.findings.empty() ? MetricRole::kOther : cause.findings[0].role;
  switch (cause.kind) {
    case CauseKind::kCalls:
      return Both(
          fmt::format("Look at the network of {}: its pods' node, network policies, DNS and "
                      "connection errors.",
                      cause.service),
          fmt::format("检查 {} 的网络:Pod 所在节点、网络策略、DNS 与连接错误。", cause.service));
    case CauseKind::kOwnShare:
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
