// Rules about nodes and namespaces.
#include "services/k8s/clean_text.h"
#include "services/k8s/finding.h"
#include "services/k8s/pod_causes.h"

namespace opsmesh::k8s {
namespace {

Finding NodeFinding(std::string code, Severity severity, const kube::Object& object, size_t pods) {
  Finding f;
  f.code = std::move(code);
  f.severity = severity;
  f.object = RefOf(object);
  f.With("pods", std::to_string(pods));
  return f;
}

void LookAtReadiness(Findings& findings, const kube::Object& object, const kube::Node& node,
                     size_t pods) {
  const kube::Condition* ready = kube::FindCondition(node.conditions, "Ready");
  if (ready && ready->status == "True") return;
  Finding f = NodeFinding("NODE_NOT_READY", Severity::kCritical, object, pods);
  const bool silent = ready && ready->status == "Unknown";
  f.summary = Say("节点 {0} 未就绪，上面有 {1} 个 Pod。",
                  "Node {0} is not ready; {1} pods are on it.", object.name(), pods);
  if (!ready) {
    f.cause = {"它没有上报 Ready 状态：可能刚加入集群。",
               "It reports no Ready condition: it may have just joined."};
  } else if (silent) {
    f.cause = {"kubelet 停止上报心跳：节点关机、网络中断，或 kubelet 停止。",
               "Its kubelet stopped reporting: the node is down, cut off, or the kubelet stopped."};
  } else {
    f.cause = Say("kubelet 上报：{0} {1}", "Its kubelet reports: {0} {1}", ready->reason,
                  Quoted(ready->message));
    f.untrusted = true;
  }
  f.next_step = {"检查该节点的主机、网络和 kubelet 日志。",
                 "Check the machine, its network and the kubelet's log."};
  if (ready)
    f.With("reason", std::string(ready->reason))
        .With("since", base::Rfc3339(ready->last_transition));
  findings.Add(std::move(f));
}

void LookAtPressure(Findings& findings, const kube::Object& object, const kube::Node& node,
                    size_t pods) {
  struct Kind {
    const char* type;
    Severity severity;
    Text what;
    Text step;
  };
  static const std::vector<Kind> kKinds = {
      {"MemoryPressure",
       Severity::kWarning,
       {"内存紧张", "is short of memory"},
       {"减少节点上的 Pod，或设置合适的 requests/limits。",
        "Move pods away, or set fitting requests and limits."}},
      {"DiskPressure",
       Severity::kWarning,
       {"磁盘紧张", "is short of disk space"},
       {"清理镜像和日志，或扩大磁盘。", "Clean up images and logs, or enlarge the disk."}},
      {"PIDPressure",
       Severity::kWarning,
       {"进程数紧张", "is short of process ids"},
       {"找出产生大量进程的 Pod。", "Find the pod that makes so many processes."}},
      {"NetworkUnavailable",
       Severity::kCritical,
       {"网络不可用", "has no network"},
       {"检查节点的网络插件（CNI）。", "Check the node's network plugin (CNI)."}},
  };
  for (const Kind& kind : kKinds) {
    const kube::Condition* condition = kube::FindCondition(node.conditions, kind.type);
    if (!condition || condition->status != "True") continue;
    Finding f = NodeFinding(
        std::string(kind.type) == "NetworkUnavailable" ? "NODE_NETWORK" : "NODE_PRESSURE",
        kind.severity, object, pods);
    f.summary = Say("节点 {0} {1}（{2}）。", "Node {0} {3} ({2}).", object.name(), kind.what.zh,
                    kind.type, kind.what.en);
    f.cause = condition->message.empty() ? Say("{0}", "{0}", condition->reason)
                                         : Say("{0}", "{0}", Quoted(condition->message));
    f.next_step = kind.step;
    f.untrusted = !condition->message.empty();
    findings.Add(std::move(f.With("condition", kind.type)));
  }
}

void LookAtNode(Findings& findings, const kube::Object& object, const kube::Node& node) {
  const size_t pods = findings.picture().All("pods").OnNode(object.name()).size();
  LookAtReadiness(findings, object, node, pods);
  LookAtPressure(findings, object, node, pods);
  if (node.unschedulable) {
    Finding f = NodeFinding("NODE_CORDONED", Severity::kInfo, object, pods);
    f.summary = Say("节点 {0} 被设为不可调度。", "Node {0} is cordoned.", object.name());
    f.cause = {"有人执行了 cordon 或 drain，通常是维护。",
               "Somebody cordoned or drained it, usually for maintenance."};
    f.next_step = {"维护结束后执行 uncordon。", "Uncordon it when the maintenance is over."};
    findings.Add(std::move(f));
  }
}

}  // namespace

void DiagnoseNodes(Findings& findings) {
  Picture& picture = findings.picture();
  // A question about one namespace concerns the nodes that its pods are on.
  std::set<std::string_view> used;
  if (!picture.ns().empty()) {
    ForEach<kube::Pod>(picture.In("pods"), [&](const kube::Object&, const kube::Pod& pod) {
      used.insert(pod.spec.node_name);
    });
  }
  ForEach<kube::Node>(picture.In("nodes"), [&](const kube::Object& object, const kube::Node& node) {
    if (picture.ns().empty() || used.count(object.name())) LookAtNode(findings, object, node);
  });
}

void DiagnoseNamespaces(Findings& findings) {
  Picture& picture = findings.picture();
  ForEach<kube::Namespace>(picture.In("namespaces"), [&](const kube::Object& object,
                                                         const kube::Namespace& ns) {
    if (!picture.ns().empty() && object.name() != picture.ns()) return;
    if (!object.meta().terminating() || picture.now() - object.meta().deleted < absl::Minutes(5))
      return;
    Finding f;
    f.code = "NAMESPACE_STUCK";
    f.severity = Severity::kWarning;
    f.object = RefOf(object);
    f.summary =
        Say("命名空间 {0} 停在删除中已 {1}。", "Namespace {0} has been stuck in deletion for {1}.",
            object.name(), HumanSpan(picture.now() - object.meta().deleted));
    f.cause = {"其中的对象还有 finalizer，或某个 API 组没有响应。",
               "Objects in it still have finalizers, or an API group does not answer."};
    for (const kube::Condition& condition : ns.conditions) {
      if (condition.status != "True" || condition.message.empty()) continue;
      f.cause = Say("{0}：{1}", "{0}: {1}", condition.type, Quoted(condition.message));
      f.untrusted = true;
      break;
    }
    f.next_step = {"列出其中剩余的对象，检查它们的 finalizer 和对应的控制器。",
                   "List what is left in it, and check its finalizers and their controllers."};
    findings.Add(std::move(f));
  });
}

}  // namespace opsmesh::k8s
