// Group "optimization", probes: missing, too eager, on a port nobody declares, failing now.
#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "libs/base/error.h"
#include "services/k8s/finding.h"
#include "services/k8s/json_writer.h"
#include "services/k8s/listing.h"
#include "services/k8s/params.h"
#include "services/k8s/pod_causes.h"
#include "services/k8s/say.h"
#include "services/k8s/text_table.h"
#include "services/k8s/tool_registry.h"
#include "services/k8s/workload_scene.h"

namespace opsmesh::k8s {
namespace {

int64_t Seconds(int64_t value, int64_t fallback) { return value > 0 ? value : fallback; }

void JudgeProbe(const Workload& w, const kube::Container& c, const kube::Probe& probe,
                const Text& word, std::vector<Finding>* out) {
  const auto say = [&](const char* code, Severity severity, Text summary, Text cause, Text next) {
    out->push_back(About(w, code, severity, std::move(summary), std::move(cause), std::move(next)));
  };
  const int64_t period = Seconds(probe.period_seconds, 10),
                timeout = Seconds(probe.timeout_seconds, 1),
                failures = Seconds(probe.failure_threshold, 3);
  if (timeout > period) {
    say("PROBE_TIMEOUT_ABOVE_PERIOD", Severity::kWarning,
        Say("容器 {0} 的{1}超时 {3} 秒，比周期 {4} 秒长。",
            "container {0}: its {2} times out after {3} s, longer than its period of {4} s.",
            c.name, word.zh, word.en, timeout, period),
        {"探测会互相重叠，判断变慢。", "Checks overlap and judge late."},
        {"让 timeoutSeconds 小于 periodSeconds。", "Keep timeoutSeconds below periodSeconds."});
  }
  if (period < 3) {
    say("PROBE_TOO_FREQUENT", Severity::kWarning,
        Say("容器 {0} 的{1}每 {3} 秒一次。", "container {0}: its {2} runs every {3} s.", c.name,
            word.zh, word.en, period),
        {"频繁的探针增加负担，也容易误判。", "Frequent checks are a load and misjudge."},
        {"把 periodSeconds 调到 10 左右。", "Raise periodSeconds to about 10."});
  }
  if (probe.port.number || !probe.port.name.empty()) {
    bool declared = c.ports.empty() && probe.port.number.has_value();
    for (const kube::ContainerPort& port : c.ports)
      declared = declared || (probe.port.number ? port.port == *probe.port.number
                                                : port.name == probe.port.name);
    if (!declared) {
      const std::string shown =
          probe.port.number ? std::to_string(*probe.port.number) : std::string(probe.port.name);
      say("PROBE_PORT_UNDECLARED", probe.port.number ? Severity::kInfo : Severity::kCritical,
          Say("容器 {0} 的{1}用端口 {3}，容器没有声明它。",
              "container {0}: its {2} uses port {3}, which the container does not declare.", c.name,
              word.zh, word.en, shown),
          {"端口名不存在时探针必然失败；数字端口则可能写错。",
           "A name that is not declared always fails; a number may be a mistake."},
          {"改成容器声明的端口。", "Use a port that the container declares."});
    }
  }
  if (word.en == "liveness probe" && failures == 1) {
    say("LIVENESS_WITHOUT_PATIENCE", Severity::kWarning,
        Say("容器 {0} 的存活探针失败 1 次就重启。",
            "container {0} is restarted after 1 failed liveness check.", c.name),
        {"一次抖动就会重启。", "One hiccup restarts it."},
        {"把 failureThreshold 调到 3 以上。", "Raise failureThreshold to 3 or more."});
  }
  if (word.en == "liveness probe" && c.startup.kind == kube::Probe::Kind::kNone &&
      probe.initial_delay_seconds + period * failures < 15) {
    say("LIVENESS_TOO_EARLY", Severity::kWarning,
        Say("容器 {0} 启动后 {1} 秒内必须通过存活探针，且没有 startupProbe。",
            "container {0} must pass its liveness probe within {1} s of its start, and has no "
            "startupProbe.",
            c.name, probe.initial_delay_seconds + period * failures),
        {"启动慢一点就会被反复重启。", "A slow start is killed again and again."},
        {"加 startupProbe，或调大 initialDelaySeconds。",
         "Add a startupProbe, or raise initialDelaySeconds."});
  }
}

bool LacksReadiness(const Workload& w, const kube::Container& c) {
  return c.readiness.kind == kube::Probe::Kind::kNone && w.kind != "DaemonSet";
}

void WriteProbes(const Workload& w, const kube::Container& c, TextTable& table, JsonWriter& json) {
  const auto shown = [](const kube::Probe& probe) {
    return probe.kind == kube::Probe::Kind::kNone ? std::string("-") : DescribeProbe(probe);
  };
  table.AddRow({w.full_name(), std::string(c.name), shown(c.readiness), shown(c.liveness),
                shown(c.startup)});
  json.BeginObject()
      .Field("kind", w.kind)
      .Field("namespace", w.object->ns())
      .Field("name", w.object->name())
      .Field("container", c.name);
  json.Field("readiness", shown(c.readiness))
      .Field("liveness", shown(c.liveness))
      .Field("startup", shown(c.startup))
      .EndObject();
}

void JudgeProbes(const Workload& w, const kube::Container& c, std::vector<Finding>* findings) {
  if (LacksReadiness(w, c)) {
    findings->push_back(
        About(w, "NO_READINESS_PROBE", Severity::kWarning,
              Say("容器 {0} 没有就绪探针。", "container {0} has no readiness probe.", c.name),
              {"流量会打到还没准备好的容器。", "Traffic reaches it before it is ready."},
              {"加一个 readinessProbe。", "Add a readinessProbe."}));
  }
  const std::pair<const kube::Probe*, Text> probes[] = {
      {&c.readiness, {"就绪探针", "readiness probe"}},
      {&c.liveness, {"存活探针", "liveness probe"}},
      {&c.startup, {"启动探针", "startup probe"}}};
  for (const auto& [probe, word] : probes) {
    if (probe->kind != kube::Probe::Kind::kNone) JudgeProbe(w, c, *probe, word, findings);
  }
}

// What the kubelet says of probes that fail; one pod shows what the others do.
void FindFailing(Picture& picture, const Workload& w, std::vector<Finding>* findings) {
  for (const char* word : {"Readiness", "Liveness", "Startup"}) {
    for (const kube::ObjectPtr& pod : w.pods) {
      const auto event = ProbeEvent(picture, *pod, word);
      if (!event) continue;
      findings->push_back(
          About(w, "PROBE_FAILING", Severity::kCritical,
                Say("Pod {0} 的 {1} 探针失败过 {2} 次。", "pod {0} failed its {1} probe {2} times.",
                    pod->name(), word, event->count),
                Say("kubelet 说：{0}。", "The kubelet says: {0}.", Quoted(event->message)),
                {"核对路径和端口，并看容器日志。",
                 "Check path and port, and read the container's log."}));
      findings->back().untrusted = true;
      break;
    }
  }
}

absl::StatusOr<ToolResult> ValidateProbes(const ToolCall& call) {
  OPSMESH_ASSIGN_OR_RETURN(WorkloadScene scene, WorkloadSceneOf(call));
  std::vector<Finding> findings;
  TextTable table({"WORKLOAD", "CONTAINER", "READINESS", "LIVENESS", "STARTUP"});
  JsonWriter json;
  json.BeginObject().Key("items").BeginArray();
  int64_t containers = 0, without = 0;
  for (const Workload& w : scene.workloads) {
    for (const kube::Container& c : w.pod_template->spec.containers) {
      ++containers;
      WriteProbes(w, c, table, json);
      without += LacksReadiness(w, c);
      JudgeProbes(w, c, &findings);
    }
    FindFailing(scene.picture, w, &findings);
  }
  std::stable_sort(findings.begin(), findings.end(),
                   [](const Finding& a, const Finding& b) { return a.severity > b.severity; });
  ToolResult out = AnswerFindings(findings, scene.picture,
                                  static_cast<size_t>(call.arguments.Integer("limit", 100)));
  json.EndArray().Key("diagnosis").Raw(out.json).EndObject();
  out.json = json.Take();
  Text head = Say("{0} 个容器，{1} 个没有就绪探针。\n\n",
                  "{0} containers, {1} without a readiness probe.\n\n", containers, without);
  head.AppendBoth(table.Render() + "\n");
  out.text = head + out.text;
  out.AddFact("containers.total", containers);
  out.AddFact("containers.without_readiness_probe", without);
  return out;
}

}  // namespace

void AddProbeTools(ToolRegistry& r) {
  ToolGroup group(r, "optimization");
  group.Cached("validate_probe_configuration",
               {"检查探针：缺失、太频繁、端口写错、正在失败",
                "Validates probes: missing, too frequent, wrong ports, failing now"},
               {NamespaceParam(), WorkloadFilterParam(), LimitParam()}, ValidateProbes);
}

}  // namespace opsmesh::k8s
