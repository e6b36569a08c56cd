// Why no node takes a pod: the scheduler's sentence taken apart, with what would help.
#include "services/k8s/pod_causes.h"

#include <algorithm>

#include "libs/base/strings.h"
#include "libs/kube/quantity.h"
#include "services/k8s/clean_text.h"
#include "services/k8s/fields.h"

namespace opsmesh::k8s {

using kube::Pod;

std::string SchedulingMessage(Picture& picture, const kube::Object& object,
                              const kube::Condition* scheduled) {
  if (scheduled && scheduled->status == "False" && !scheduled->message.empty())
    return std::string(scheduled->message);
  const auto event = LastWarning(picture, object, {"FailedScheduling"});
  return event ? event->message : "";
}

namespace {

// The largest amount of a resource that is free on one schedulable node, by requests.
std::optional<double> LargestFree(Picture& picture, std::string_view resource) {
  std::optional<double> best;
  ForEach<kube::Node>(picture.All("nodes").objects(),
                      [&](const kube::Object& object, const kube::Node& node) {
                        const auto allocatable = kube::Amount(node.allocatable, resource);
                        if (!allocatable || node.unschedulable || !node.ready()) return;
                        double used = 0;
                        ForEach<Pod>(picture.All("pods").OnNode(object.name()),
                                     [&](const kube::Object&, const Pod& pod) {
                                       if (pod.phase != "Succeeded" && pod.phase != "Failed")
                                         used += PodAmount(pod.spec, resource, false);
                                     });
                        const double free = std::max(0.0, *allocatable - used);
                        if (!best || free > *best) best = free;
                      });
  return best;
}

struct Obstacle {
  std::string_view word;  // in the scheduler's message
  Text cause;
  Text next_step;
};

const std::vector<Obstacle>& Obstacles() {
  static const auto* const list = new std::vector<Obstacle>{
      {"untolerated taint",
       {"节点带有 Pod 不容忍的污点", "nodes have taints that the pod does not tolerate"},
       {"给 Pod 加 tolerations，或去掉节点的污点。",
        "Add tolerations to the pod, or remove the taints."}},
      {"had taint",
       {"节点带有 Pod 不容忍的污点", "nodes have taints that the pod does not tolerate"},
       {"给 Pod 加 tolerations，或去掉节点的污点。",
        "Add tolerations to the pod, or remove the taints."}},
      {"node affinity/selector",
       {"没有节点符合 nodeSelector 或节点亲和性",
        "no node matches its nodeSelector or node affinity"},
       {"核对 nodeSelector/亲和性与节点标签。",
        "Compare nodeSelector and affinity with the labels of the nodes."}},
      {"anti-affinity",
       {"Pod 反亲和性排除了节点", "pod anti-affinity rules the nodes out"},
       {"增加节点，或放宽反亲和性。", "Add nodes, or relax the anti-affinity."}},
      {"topology spread",
       {"拓扑分布约束无法满足", "its topology spread constraints cannot be met"},
       {"放宽 topologySpreadConstraints，或在缺少的区域加节点。",
        "Relax topologySpreadConstraints, or add nodes where they are missing."}},
      {"unbound immediate PersistentVolumeClaims",
       {"它的 PVC 还没有绑定", "its PersistentVolumeClaims are not bound"},
       {"检查 PVC 和存储类。", "Check the claims and their storage class."}},
      {"persistentvolumeclaim",
       {"它要的 PVC 不存在或不可用",
        "a PersistentVolumeClaim it needs does not exist or cannot be used"},
       {"创建该 PVC，或改正名称。", "Create the claim, or correct its name."}},
      {"volume node affinity conflict",
       {"卷所在的区域没有可用节点", "no node is in the zone of its volume"},
       {"在卷所在的区域加节点。", "Add a node in the zone of the volume."}},
      {"were unschedulable",
       {"节点被设为不可调度（cordon）", "nodes are cordoned"},
       {"维护结束后 uncordon 节点。", "Uncordon the nodes when the maintenance is over."}},
      {"free ports",
       {"需要的 hostPort 已被占用", "the hostPort it needs is taken"},
       {"改用别的 hostPort，或不用 hostPort。", "Use another hostPort, or none."}},
      {"Too many pods",
       {"节点的 Pod 数已满", "nodes hold as many pods as they may"},
       {"增加节点。", "Add nodes."}},
  };
  return *list;
}

}  // namespace

CrashCause CauseOfUnschedulable(Picture& picture, const kube::Object&, const Pod& pod,
                                std::string_view message) {
  CrashCause out;
  Text causes, steps;
  const auto add = [&](const Text& cause, const Text& step) {
    if (causes.en.find(cause.en) != std::string::npos) return;
    causes.zh += (causes.zh.empty() ? "" : "；") + cause.zh;
    causes.en += (causes.en.empty() ? "" : "; ") + cause.en;
    if (steps.en.find(step.en) == std::string::npos) {
      steps.zh += step.zh;
      steps.en += (steps.en.empty() ? "" : " ") + step.en;
    }
  };
  for (const auto& [resource, zh, cpu] :
       {std::tuple{"cpu", "CPU", true}, std::tuple{"memory", "内存", false}}) {
    if (message.find(fmt::format("Insufficient {}", resource)) == std::string_view::npos) continue;
    const double wanted = PodAmount(pod.spec, resource, false);
    const std::optional<double> free = LargestFree(picture, resource);
    const std::string want = cpu ? kube::FormatCpu(wanted) : kube::FormatBytes(wanted);
    const std::string most = free ? cpu ? kube::FormatCpu(*free) : kube::FormatBytes(*free) : "?";
    out.evidence.push_back({fmt::format("{}_requested", resource), want, {}});
    if (free) out.evidence.push_back({fmt::format("{}_largest_free", resource), most, {}});
    add(Say("{0}不足：需要 {1}，最空的节点只剩 {2}",
            "not enough {3}: it requests {1}, the emptiest node has {2} left", zh, want, most,
            resource),
        {"减小 requests，或增加节点。", "Lower its requests, or add nodes."});
  }
  const size_t other = message.find("Insufficient ");
  if (other != std::string_view::npos && causes.en.empty()) {
    std::string_view what = message.substr(other + 13);
    what = what.substr(0, what.find_first_of(",. "));
    add(Say("{0} 不足", "not enough {0}", CleanText(what, 64)),
        {"减小 requests，或增加有此资源的节点。",
         "Lower its requests, or add nodes that have it."});
  }
  for (const Obstacle& o : Obstacles()) {
    if (message.find(o.word) != std::string_view::npos) add(o.cause, o.next_step);
  }
  if (message.empty()) {
    add({"调度器没有给出说明；调度器可能没有运行，或 schedulerName 写错",
         "the scheduler says nothing; it may not run, or schedulerName is wrong"},
        {"检查 kube-scheduler 和 schedulerName。", "Check kube-scheduler and schedulerName."});
  } else {
    out.untrusted = true;
    out.evidence.push_back({"message", CleanText(message, 400), {}});
    if (causes.en.empty())
      add(Say("{0}", "{0}", Quoted(message)),
          {"按调度器的说明处理。", "Do what the scheduler's message asks for."});
  }
  out.cause = Say("{0}。", "{1}.", causes.zh, causes.en);
  if (!out.cause.en.empty() && out.cause.en[0] >= 'a' && out.cause.en[0] <= 'z')
    out.cause.en[0] = static_cast<char>(out.cause.en[0] - 32);
  out.next_step = std::move(steps);
  return out;
}

}  // namespace opsmesh::k8s
