#include "services/predict/plan_text.h"

#include <algorithm>
#include <utility>

#include "absl/time/time.h"
#include "fmt/format.h"
#include "services/predict/replica_rules.h"

namespace opsmesh::predict {
namespace {

struct TermWords {
  std::string_view term, en, zh;
};
constexpr TermWords kTerms[] = {
    {"forecast", "the forecast decides", "由预测决定"},
    {"reactive", "the load of this moment decides", "由当前负载决定"},
    {"least", "the least allowed decides", "由允许的下限决定"},
    {"most", "the most allowed decides, and more would be needed",
     "由允许的上限决定，实际需要更多"},
    {"stabilisation", "it is held before scaling down", "缩容前保持稳定"},
    {"rate_limit", "it cannot grow faster", "受扩容速度限制"},
};

std::string Clock(const google::protobuf::Timestamp& time) {
  return absl::FormatTime("%m-%d %H:%M", absl::FromUnixSeconds(time.seconds()),
                          absl::UTCTimeZone());
}

void Outlook(const v1::PlanReplicasResponse& plan, std::string& en, std::string& zh) {
  const auto& steps = plan.steps();
  if (steps.size() < 2) return;
  const auto [low, high] =
      std::minmax_element(steps.begin(), steps.end(),
                          [](const auto& a, const auto& b) { return a.replicas() < b.replicas(); });
  if (low->replicas() == high->replicas()) return;
  en += fmt::format(" Ahead: between {} (from {} UTC) and {} (from {} UTC).", low->replicas(),
                    Clock(low->start_time()), high->replicas(), Clock(high->start_time()));
  zh += fmt::format("展望：最少 {} 个（{} UTC 起），最多 {} 个（{} UTC 起）。", low->replicas(),
                    Clock(low->start_time()), high->replicas(), Clock(high->start_time()));
}

const v1::ReplayOutcome* Named(const v1::ReplayReplicasResponse& replay, std::string_view name) {
  for (const v1::ReplayOutcome& outcome : replay.outcomes()) {
    if (outcome.name() == name) return &outcome;
  }
  return nullptr;
}

std::string Minutes(double minutes) {
  return minutes >= 10 || minutes == 0 ? fmt::format("{:.0f}", minutes)
                                       : fmt::format("{:.2g}", minutes);
}

std::string MinutesInEnglish(double minutes) {
  const std::string number = Minutes(minutes);
  return number + (number == "1" ? " minute" : " minutes");
}

}  // namespace

std::string_view TermInEnglish(std::string_view term) {
  for (const TermWords& words : kTerms) {
    if (words.term == term) return words.en;
  }
  return term;
}

std::string_view TermInChinese(std::string_view term) {
  for (const TermWords& words : kTerms) {
    if (words.term == term) return words.zh;
  }
  return term;
}

type::v1::Text PlanSummary(const v1::PlanReplicasResponse& plan,
                           const analytics::ReplicaRules& rules, std::string_view autoscaler) {
  const v1::ReplicaStep& first = plan.steps(0);
  const bool many = first.replicas() != 1;
  std::string en =
      fmt::format("From {} UTC: {} replica{}; {} ({:.4g} requests/s expected, {:.4g} planned for",
                  Clock(first.start_time()), first.replicas(), many ? "s" : "",
                  TermInEnglish(first.decided_by()), first.predicted_qps(), first.planned_qps());
  en += fmt::format("; {:.4g} now need {}).", plan.current_qps(), plan.reactive_replicas());
  std::string zh = fmt::format(
      "{} UTC 起：{} 个副本；{}（预计 {:.4g} 次请求/秒，按 {:.4g} 规划；当前 {:.4g} 需要 {} 个）。",
      Clock(first.start_time()), first.replicas(), TermInChinese(first.decided_by()),
      first.predicted_qps(), first.planned_qps(), plan.current_qps(), plan.reactive_replicas());
  if (plan.has_current_replicas()) {
    en += fmt::format(" There are {} now.", plan.current_replicas());
    zh += fmt::format("目前有 {} 个。", plan.current_replicas());
  }
  Outlook(plan, en, zh);
  en +=
      fmt::format(" One pod serves {:.4g} requests/s ({}), used to {:.0f} %.", plan.capacity_qps(),
                  SourceInEnglish(plan.capacity_source()), 100 * rules.target_utilization);
  zh +=
      fmt::format("每个 pod 承载 {:.4g} 次请求/秒（{}），目标利用率 {:.0f}%。", plan.capacity_qps(),
                  SourceInChinese(plan.capacity_source()), 100 * rules.target_utilization);
  if (!autoscaler.empty()) {
    en += fmt::format(
        " The autoscaler {} rules it now: raise its minReplicas ahead of need instead of scaling "
        "beside it.",
        autoscaler);
    zh += fmt::format(
        "该工作负载现由 HPA {} 管理：请提前调整其 minReplicas，而不是在旁边另行扩缩容。",
        autoscaler);
  }
  type::v1::Text text;
  text.set_en(std::move(en));
  text.set_zh(std::move(zh));
  return text;
}

type::v1::Text ReplaySummary(const v1::ReplayReplicasResponse& replay,
                             const analytics::ReplicaRules& rules, bool forecast) {
  const v1::ReplayOutcome& plan = *Named(replay, "plan");
  std::string en, zh;
  for (const v1::ReplayOutcome& outcome : replay.outcomes()) {
    if (outcome.name().rfind("hpa ", 0) != 0) continue;
    const std::string target = outcome.name().substr(4);
    en += fmt::format(
        "With a HorizontalPodAutoscaler at {} you would have had {} of saturation "
        "(pods {:.2f} x the least possible, cost {:.2f}). ",
        target, MinutesInEnglish(outcome.saturated_minutes()), outcome.pods_over_oracle(),
        outcome.cost());
    zh += fmt::format(
        "若用 {} 目标的 HPA，会有 {} 分钟饱和（pod 数为最少所需的 {:.2f} 倍，成本 {:.2f}）；",
        target, Minutes(outcome.saturated_minutes()), outcome.pods_over_oracle(), outcome.cost());
  }
  en += fmt::format("With the plan: {} (pods {:.2f} x, cost {:.2f} at {:g}:1).",
                    MinutesInEnglish(plan.saturated_minutes()), plan.pods_over_oracle(),
                    plan.cost(), rules.shortage_cost);
  zh += fmt::format("按规划：{} 分钟（{:.2f} 倍，成本 {:.2f}，缺/余为 {:g}:1）。",
                    Minutes(plan.saturated_minutes()), plan.pods_over_oracle(), plan.cost(),
                    rules.shortage_cost);
  en += fmt::format(" {} steps of {:g} s; one pod serves {:.4g} requests/s ({}).",
                    replay.step_count(), replay.step_seconds(), replay.capacity_qps(),
                    SourceInEnglish(replay.capacity_source()));
  zh += fmt::format("共 {} 步，每步 {:g} 秒；每个 pod 承载 {:.4g} 次请求/秒（{}）。",
                    replay.step_count(), replay.step_seconds(), replay.capacity_qps(),
                    SourceInChinese(replay.capacity_source()));
  if (!forecast) {
    en += " Too little history lay before it for a forecast: the plan only followed the load.";
    zh += "之前的历史不足以预测：规划只是跟随负载。";
  }
  type::v1::Text text;
  text.set_en(std::move(en));
  text.set_zh(std::move(zh));
  return text;
}

}  // namespace opsmesh::predict
