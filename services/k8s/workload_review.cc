#include "services/k8s/workload_review.h"

#include <algorithm>

#include "libs/base/error.h"
#include "services/k8s/listing.h"
#include "services/k8s/read_object.h"

namespace opsmesh::k8s {
namespace {

class Review {
 public:
  Review(const kube::Object& object, std::vector<Finding>& out) : object_(object), out_(out) {}

  void Say(std::string code, Severity severity, Text summary, Text cause, Text next,
           std::string container = "") {
    Finding f;
    f.code = std::move(code);
    f.severity = severity;
    f.object = RefOf(object_);
    f.summary = k8s::Say("Deployment {0}：{1}", "Deployment {0}: {2}", object_.meta().full_name(),
                         summary.zh, summary.en);
    f.cause = std::move(cause);
    f.next_step = std::move(next);
    if (!container.empty()) f.With("container", std::move(container));
    out_.push_back(std::move(f));
  }

 private:
  const kube::Object& object_;
  std::vector<Finding>& out_;
};

bool Latest(std::string_view image) {
  if (image.find('@') != std::string_view::npos) return false;
  const size_t slash = image.rfind('/');
  const size_t colon = image.rfind(':');
  return colon == std::string_view::npos || (slash != std::string_view::npos && colon < slash) ||
         image.substr(colon) == ":latest";
}

void ReviewContainer(const kube::Container& c, Review& review) {
  const std::string name(c.name);
  if (c.readiness.kind == kube::Probe::Kind::kNone) {
    review.Say("NO_READINESS_PROBE", Severity::kWarning,
               k8s::Say("容器 {0} 没有就绪探针。", "container {0} has no readiness probe.", name),
               {"发布和启动时，流量会打到还没准备好的容器。",
                "During rollouts and starts traffic reaches it before it is ready."},
               {"加一个 readinessProbe。", "Add a readinessProbe."}, name);
  }
  if (c.liveness.kind != kube::Probe::Kind::kNone && c.liveness.period_seconds > 0 &&
      c.liveness.period_seconds < 3) {
    review.Say("PROBE_TOO_FREQUENT", Severity::kInfo,
               k8s::Say("容器 {0} 的存活探针每 {1} 秒一次。",
                        "container {0} is probed every {1} s.", name, c.liveness.period_seconds),
               {"过于频繁的探针增加负担，也容易误杀。",
                "Such frequent probes are a load and kill by mistake."},
               {"把 periodSeconds 调大到 10 左右。", "Raise periodSeconds to about 10."}, name);
  }
  if (!kube::Amount(c.requests, "cpu") && !kube::Amount(c.requests, "memory") &&
      !kube::Amount(c.limits, "cpu") && !kube::Amount(c.limits, "memory")) {
    review.Say("NO_REQUESTS", Severity::kWarning,
               k8s::Say("容器 {0} 没有设置 requests。", "container {0} sets no requests.", name),
               {"调度器不知道它要多少资源，节点紧张时最先被驱逐，HPA 也无法工作。",
                "The scheduler does not know what it needs, it is evicted first, and autoscaling "
                "by utilisation cannot work."},
               {"设置 requests.cpu 和 requests.memory。", "Set requests.cpu and requests.memory."},
               name);
  }
  const auto request = kube::Amount(c.requests, "memory"), limit = kube::Amount(c.limits, "memory");
  if (!limit) {
    review.Say("NO_MEMORY_LIMIT", Severity::kInfo,
               k8s::Say("容器 {0} 没有内存上限。", "container {0} has no memory limit.", name),
               {"内存泄漏会拖垮整个节点。", "A leak would take the whole node down."},
               {"设置 limits.memory。", "Set limits.memory."}, name);
  } else if (request && *request > 0 && *limit / *request > 4) {
    review.Say("LIMITS_UNBALANCED", Severity::kInfo,
               k8s::Say("容器 {0} 的内存上限是 requests 的 {1:.0f} 倍。",
                        "container {0}: its memory limit is {1:.0f} times its request.", name,
                        *limit / *request),
               {"节点可能被超额承诺。", "Nodes may be overcommitted."},
               {"让 requests 接近平常的用量。", "Bring the request near its usual use."}, name);
  }
  if (Latest(c.image)) {
    review.Say("IMAGE_LATEST", Severity::kWarning,
               k8s::Say("容器 {0} 的镜像 {1} 没有固定版本。",
                        "container {0}: image {1} has no fixed version.", name, c.image),
               {"重启可能换成别的版本，回滚也无从谈起。",
                "A restart may bring another version, and there is nothing to roll back to."},
               {"使用明确的标签或摘要。", "Use a tag that says the version, or a digest."}, name);
  }
  if (c.privileged == true) {
    review.Say("PRIVILEGED", Severity::kWarning,
               k8s::Say("容器 {0} 以特权运行。", "container {0} runs privileged.", name),
               {"它可以控制整个节点。", "It can control the whole node."},
               {"去掉 privileged，只加需要的 capabilities。",
                "Drop privileged and add only the capabilities it needs."},
               name);
  }
}

}  // namespace

std::vector<Finding> ReviewDeployment(Picture& picture, const kube::Object& object,
                                      const kube::Deployment& d) {
  std::vector<Finding> out;
  if (d.replicas == 0) return out;
  Review review(object, out);
  for (const kube::Container& c : d.pod_template.spec.containers) ReviewContainer(c, review);
  if (d.replicas == 1) {
    review.Say("SINGLE_REPLICA", Severity::kInfo, {"只有 1 个副本。", "it has 1 replica."},
               {"重启或节点维护时服务中断。", "A restart or node maintenance interrupts it."},
               {"若应用允许，用 2 个以上副本并加 PodDisruptionBudget。",
                "If the application allows it, run 2 or more with a PodDisruptionBudget."});
  } else {
    bool budget = false;
    ForEach<kube::PodDisruptionBudget>(picture.All("poddisruptionbudgets").InNamespace(object.ns()),
                                       [&](const auto&, const kube::PodDisruptionBudget& b) {
                                         budget =
                                             budget || b.selector.Matches(d.pod_template.labels);
                                       });
    if (!budget && picture.Readable("poddisruptionbudgets")) {
      review.Say("NO_DISRUPTION_BUDGET", Severity::kInfo,
                 {"没有 PodDisruptionBudget。", "it has no PodDisruptionBudget."},
                 {"节点维护可能同时中断所有副本。", "Maintenance may take all replicas at once."},
                 {"加一个 PodDisruptionBudget。", "Add a PodDisruptionBudget."});
    }
  }
  if (d.paused) {
    review.Say(
        "ROLLOUT_PAUSED", Severity::kWarning, {"发布已暂停。", "its rollout is paused."},
        {"模板的改动不会生效。", "Changes to its template have no effect."},
        {"确认后恢复：kubectl rollout resume。", "Resume it when ready: kubectl rollout resume."});
  }
  return out;
}

absl::StatusOr<ToolResult> ReviewDeployments(const ToolCall& call) {
  const std::string only = call.arguments.String("deployment_name");
  Picture picture(call.cluster.Picture(call.ctx),
                  only.empty() ? NamespaceOf(call) : NamespaceForOne(call), call.now);
  OPSMESH_RETURN_IF_ERROR(picture.CheckReadable("deployments"));
  OPSMESH_RETURN_IF_ERROR(picture.CheckNamespace());
  if (!only.empty())
    OPSMESH_RETURN_IF_ERROR(CheckExists(picture, TypeOf("deployments"), picture.ns(), only));
  std::vector<Finding> findings;
  int64_t reviewed = 0;
  ForEach<kube::Deployment>(picture.In("deployments"),
                            [&](const kube::Object& object, const kube::Deployment& d) {
                              if (!only.empty() && object.name() != only) return;
                              ++reviewed;
                              for (Finding& f : ReviewDeployment(picture, object, d))
                                findings.push_back(std::move(f));
                            });
  std::stable_sort(findings.begin(), findings.end(),
                   [](const Finding& a, const Finding& b) { return a.severity > b.severity; });
  ToolResult out =
      AnswerFindings(findings, picture, static_cast<size_t>(call.arguments.Integer("limit", 100)));
  out.text = Say("检查了 {0} 个 Deployment 的配置。",
                 "The configuration of {0} deployment{1} was reviewed. ", reviewed,
                 reviewed == 1 ? "" : "s") +
             out.text;
  out.AddFact("deployments.reviewed", reviewed);
  return out;
}

}  // namespace opsmesh::k8s
