// Tools that change the cluster. Until the action gate is built each answers UNIMPLEMENTED with the
// plan that it would put before the gate, computed from the live objects; nothing is sent.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "libs/kube/quantity.h"
#include "services/k8s/capacity.h"
#include "services/k8s/describe.h"
#include "services/k8s/fields.h"
#include "services/k8s/json_writer.h"
#include "services/k8s/listing.h"
#include "services/k8s/params.h"
#include "services/k8s/read_object.h"
#include "services/k8s/revisions.h"
#include "services/k8s/say.h"
#include "services/k8s/tool_registry.h"

namespace opsmesh::k8s {
namespace {

// The typed change, as opsmesh.k8s.v1.Action would carry it.
struct Plan {
  std::string verb;
  ObjectRef object;
  std::string subresource;
  std::string body;
  Text text;
  std::vector<Text> warnings;
};

absl::Status Propose(const Plan& plan) {
  Text text = plan.text;
  for (const Text& warning : plan.warnings)
    text += Text{" 注意：" + warning.zh, " Note: " + warning.en};
  JsonWriter action;
  action.BeginObject().Field("verb", plan.verb).Key("object").BeginObject();
  action.Field("kind", plan.object.kind)
      .Field("group", plan.object.group)
      .Field("namespace", plan.object.name_space);
  action.Field("name", plan.object.name)
      .OptionalField("resource_version", plan.object.resource_version)
      .EndObject();
  action.OptionalField("subresource", plan.subresource);
  if (!plan.body.empty()) action.Key("body").Raw(plan.body);
  action.EndObject();
  return base::Unimplemented("ACTION_GATE_NOT_BUILT",
                             fmt::format("Nothing was changed: changes wait for the action gate, "
                                         "which this version does not have. "
                                         "The plan would be: {}",
                                         text.en))
      .Hint("Apply the change with kubectl if you agree with the plan.")
      .With("plan_en", text.en)
      .With("plan_zh", text.zh)
      .With("action", action.Take());
}

// The object a change is about; without a namespace the only one of that name in the cluster.
absl::StatusOr<kube::ObjectPtr> Target(const ToolCall& call, Picture& picture,
                                       const kube::ResourceType& type, std::string_view name) {
  const std::string asked = call.arguments.String("namespace", call.scope_namespace);
  OPSMESH_RETURN_IF_ERROR(picture.CheckReadable(type.plural, asked == "*" ? "" : asked));
  if (!type.namespaced || (!asked.empty() && asked != "*")) {
    OPSMESH_RETURN_IF_ERROR(CheckExists(picture, type, asked, name));
    return picture.All(type.plural).Find(type.namespaced ? asked : "", name);
  }
  std::vector<kube::ObjectPtr> found;
  for (const kube::ObjectPtr& object : picture.All(type.plural).objects()) {
    if (object->name() == name) found.push_back(object);
  }
  if (found.size() == 1) return found[0];
  if (found.empty()) {
    OPSMESH_RETURN_IF_ERROR(CheckExists(picture, type, call.cluster.default_namespace(), name));
  }
  std::string where;
  for (const kube::ObjectPtr& object : found)
    where += fmt::format("{}'{}'", where.empty() ? "" : ", ", object->ns());
  return base::InvalidArgument(
             "arguments.namespace", "AMBIGUOUS_NAME",
             fmt::format("There are {} {} called '{}'.", found.size(), type.plural, name))
      .Hint(fmt::format("Say which namespace: {}.", where))
      .With("namespaces", where);
}

const kube::PodSpec* TemplateOf(const kube::Object& object) {
  if (const auto* d = object.As<kube::Deployment>()) return &d->pod_template.spec;
  if (const auto* s = object.As<kube::StatefulSet>()) return &s->pod_template.spec;
  return nullptr;
}

// How many more pods of this size fit by requests; taints and affinity are not considered.
int64_t Room(Picture& picture, const kube::PodSpec& spec, int64_t wanted) {
  const double cpu = PodAmount(spec, "cpu", false), memory = PodAmount(spec, "memory", false);
  int64_t room = 0;
  for (const NodeLoad& load : NodeLoads(picture)) {
    if (!load.schedulable) continue;
    double fit = static_cast<double>(std::max<int64_t>(0, load.pods_allocatable - load.pods));
    if (cpu > 0)
      fit = std::min(fit, std::floor((load.cpu_allocatable - load.cpu_requested) / cpu + 1e-9));
    if (memory > 0)
      fit = std::min(fit,
                     std::floor((load.memory_allocatable - load.memory_requested) / memory + 1e-9));
    room += static_cast<int64_t>(std::max(0.0, fit));
    if (room >= wanted) break;
  }
  return room;
}

absl::StatusOr<ToolResult> ScalePlan(const ToolCall& call) {
  const std::string kind = call.arguments.String("resource_type", "Deployment");
  const std::string name = call.arguments.String("deployment_name");
  const int64_t wanted = call.arguments.Integer("replicas", 0);
  Picture picture(call.cluster.Picture(call.ctx), "", call.now);
  const kube::ResourceType& type = TypeOf(kind == "StatefulSet" ? "statefulsets" : "deployments");
  OPSMESH_ASSIGN_OR_RETURN(const kube::ObjectPtr object, Target(call, picture, type, name));
  const auto* deployment = object->As<kube::Deployment>();
  const auto* stateful = object->As<kube::StatefulSet>();
  const int64_t now = deployment ? deployment->replicas : stateful ? stateful->replicas : 0;
  const int64_t ready = deployment ? deployment->ready_replicas
                        : stateful ? stateful->ready_replicas
                                   : 0;
  Plan plan;
  plan.verb = "scale";
  plan.object = RefOf(*object);
  plan.subresource = "scale";
  plan.body = fmt::format("{{\"spec\":{{\"replicas\":{}}}}}", wanted);
  plan.text = now == wanted
                  ? Say("{0} {1} 已经是 {2} 个副本（{3} 个就绪），无需更改。",
                        "{0} {1} has {2} replicas already ({3} ready); nothing to change.",
                        type.kind, object->meta().full_name(), now, ready)
                  : Say("把 {0} {1} 从 {2} 个副本（{3} 个就绪）调整为 {4} 个；可随时调回 {2}。",
                        "scale {0} {1} from {2} replicas ({3} ready) to {4}; it can be undone by "
                        "scaling back to {2}.",
                        type.kind, object->meta().full_name(), now, ready, wanted);
  ForEach<kube::HorizontalPodAutoscaler>(
      picture.All("horizontalpodautoscalers").InNamespace(object->ns()),
      [&](const kube::Object& o, const kube::HorizontalPodAutoscaler& hpa) {
        if (hpa.target.kind != type.kind || hpa.target.name != object->name()) return;
        plan.warnings.push_back(
            Say("HPA {0}（{1}–{2} 个）管理它的副本数，会把它改回去；应改 HPA 的范围。",
                "HPA {0} ({1} to {2}) manages its replicas and would change them back; change its "
                "range instead.",
                o.name(), hpa.min_replicas, hpa.max_replicas));
      });
  const kube::PodSpec* spec = TemplateOf(*object);
  // Room is what the pods of all namespaces leave of the nodes.
  const bool room_is_known =
      picture.Readable("nodes", "") && picture.All("pods").status().Covers("");
  if (spec && wanted > now && !room_is_known) {
    plan.warnings.push_back({"按当前用户的权限，无法核对集群是否放得下。",
                             "whether the cluster has room for them cannot be checked with the "
                             "rights of this user."});
  } else if (spec && wanted > now) {
    const int64_t room = Room(picture, *spec, wanted - now);
    if (room < wanted - now) {
      plan.warnings.push_back(Say("按 requests 计算，集群只能再放下 {0} 个，需要 {1} 个。",
                                  "by requests the cluster has room for {0} more, {1} are needed.",
                                  room, wanted - now));
    }
  }
  if (wanted == 0)
    plan.warnings.push_back({"缩到 0 会停止服务。", "scaling to zero stops the service."});
  return Propose(plan);
}

absl::StatusOr<ToolResult> RestartPlan(const ToolCall& call) {
  Picture picture(call.cluster.Picture(call.ctx), "", call.now);
  OPSMESH_ASSIGN_OR_RETURN(const kube::ObjectPtr object, Target(call, picture, TypeOf("pods"),
                                                                call.arguments.String("pod_name")));
  const kube::Pod* pod = object->As<kube::Pod>();
  const ObjectRef workload = WorkloadOf(picture, *object);
  Plan plan;
  plan.verb = "delete";
  plan.object = RefOf(*object);
  if (workload.kind == "Pod") {
    plan.text = Say("删除 Pod {0}（状态 {1}）。", "delete pod {0} (status {1}).",
                    object->meta().full_name(), pod ? pod->status : "?");
    plan.warnings.push_back(
        {"它没有控制器，删除后不会重建。", "it has no controller and would not come back."});
  } else {
    plan.text = Say("删除 Pod {0}（状态 {1}，重启 {2} 次），由 {3} {4} 重建。",
                    "delete pod {0} (status {1}, {2} restarts); {3} {4} replaces it.",
                    object->meta().full_name(), pod ? pod->status : "?", pod ? pod->restarts : 0,
                    workload.kind, workload.name);
  }
  ForEach<kube::PodDisruptionBudget>(
      picture.All("poddisruptionbudgets").InNamespace(object->ns()),
      [&](const kube::Object& o, const kube::PodDisruptionBudget& budget) {
        if (!budget.selector.Matches(object->meta().labels) || budget.disruptions_allowed > 0)
          return;
        plan.warnings.push_back(Say("PodDisruptionBudget {0} 现在不允许中断。",
                                    "PodDisruptionBudget {0} allows no disruption now.", o.name()));
      });
  return Propose(plan);
}

absl::StatusOr<ToolResult> DeletePlan(const ToolCall& call) {
  OPSMESH_ASSIGN_OR_RETURN(const kube::ResourceType type,
                           call.cluster.Resolve(call.ctx, call.arguments.String("resource_type")));
  Picture picture(call.cluster.Picture(call.ctx), type.namespaced ? NamespaceForOne(call) : "",
                  call.now);
  OPSMESH_ASSIGN_OR_RETURN(
      const kube::ObjectPtr object,
      ReadObject(call, picture, type, picture.ns(), call.arguments.String("name")));
  Plan plan;
  plan.verb = "delete";
  plan.object = RefOf(*object);
  const size_t pods = PodsOf(picture, *object).size();
  plan.text = Say("优雅删除 {0}{1}。", "delete {0} gracefully{2}.", Display(plan.object),
                  pods ? fmt::format("，连同 {} 个 Pod", pods) : "",
                  pods ? fmt::format(", with {} pods", pods) : "");
  if (const auto* claim = object->As<kube::PersistentVolumeClaim>()) {
    plan.warnings.push_back(Say("其中的数据（卷 {0}）可能随之删除。",
                                "its data (volume {0}) may go with it.", claim->volume_name));
  }
  if (type.plural == "namespaces")
    plan.warnings.push_back({"其中的全部对象都会被删除。", "every object in it would be deleted."});
  return Propose(plan);
}

absl::StatusOr<ToolResult> RollbackPlan(const ToolCall& call) {
  Picture picture(call.cluster.Picture(call.ctx), "", call.now);
  OPSMESH_ASSIGN_OR_RETURN(
      const kube::ObjectPtr object,
      Target(call, picture, TypeOf("deployments"), call.arguments.String("deployment_name")));
  const std::vector<Revision> revisions = RevisionsOf(picture, *object);
  const int64_t asked = call.arguments.Integer("revision", 0);
  const auto found = std::find_if(revisions.begin(), revisions.end(), [&](const Revision& r) {
    return asked > 0 ? r.number == asked : !r.current;
  });
  const auto* deployment = object->As<kube::Deployment>();
  if (found == revisions.end() || !deployment) {
    std::string known;
    for (const Revision& r : revisions)
      known += fmt::format("{}{}", known.empty() ? "" : ", ", r.number);
    return base::NotFound("REVISION_NOT_FOUND",
                          asked > 0
                              ? fmt::format("Deployment {} has no revision {}.",
                                            object->meta().full_name(), asked)
                              : fmt::format("Deployment {} has no revision before the current one.",
                                            object->meta().full_name()))
        .Hint(known.empty() ? "It has no revisions that can be rolled back to."
                            : fmt::format("Its revisions are {}.", known));
  }
  if (deployment->paused) {
    return base::FailedPrecondition("ROLLOUT_PAUSED", fmt::format("Deployment {} is paused.",
                                                                  object->meta().full_name()))
        .Hint("Resume its rollout first.");
  }
  const auto* set = found->object->As<kube::ReplicaSet>();
  const std::vector<std::string> changes =
      TemplateChanges(deployment->pod_template, set->pod_template);
  Plan plan;
  plan.verb = "patch";
  plan.object = RefOf(*object);
  plan.text = Say("把 Deployment {0} 从版本 {1} 回滚到版本 {2}（{3}）。",
                  "roll Deployment {0} back from revision {1} to revision {2} ({4}).",
                  object->meta().full_name(), revisions[0].number, found->number,
                  changes.empty() ? "模板相同" : base::Join(changes, "；"),
                  changes.empty() ? "the templates are equal" : base::Join(changes, "; "));
  return Propose(plan);
}

Param WhereParam() {
  Param p = OneNamespaceParam();
  p.description = {
      "命名空间；省略则用会话的命名空间，没有则取全集群唯一的同名对象",
      "Namespace; absent = the conversation's, else the only object of that name in the cluster"};
  return p;
}

}  // namespace

void AddWriteTools(ToolRegistry& r) {
  ToolGroup group(r, "remediation");
  group.Planned(
      "scale_deployment",
      {"调整 Deployment 或 StatefulSet 的副本数（目前只给出方案）",
       "Scales a Deployment or StatefulSet (for now it only shows the plan)"},
      {WhereParam(), NameParam("deployment_name", {"工作负载名称", "Name of the workload"}),
       IntParam("replicas", {"目标副本数", "Replicas wanted"}, 0, 10000, "", true),
       ChoiceParam("resource_type", {"类型，默认 Deployment", "Kind, Deployment by default"},
                   {"Deployment", "StatefulSet"})},
      ScalePlan, Risk::kMedium, {"k8s-scale-deployment"});
  group.Planned(
      "restart_pod",
      {"重启 Pod：删除后由控制器重建（目前只给出方案）",
       "Restarts a pod: deletes it so that its controller makes a new one (for now it only "
       "shows the plan)"},
      {WhereParam(), NameParam("pod_name", {"Pod 名称", "Name of the pod"})}, RestartPlan,
      Risk::kMedium, {"k8s-restart-pod"});
  group.Planned(
      "delete_kubernetes_resource",
      {"优雅删除一个对象（目前只给出方案）",
       "Deletes one object gracefully (for now it only shows the plan)"},
      {KindParam(),
       NameParam("name", {"对象名称", "Name of the object"}, true, ParamFormat::kObjectName),
       OneNamespaceParam(),
       IntParam("grace_period_seconds", {"宽限秒数", "Grace period in seconds"}, 0, 3600, "")},
      DeletePlan, Risk::kHigh, {"k8s-delete-resource"});
  group.Planned(
      "rollback_deployment",
      {"回滚 Deployment（目前只给出方案）",
       "Rolls a deployment back (for now it only shows the plan)"},
      {WhereParam(), NameParam("deployment_name", {"Deployment 名称", "Name of the deployment"}),
       IntParam("revision", {"版本号，省略为上一个", "Revision; the one before when absent"}, 1,
                1000000, "")},
      RollbackPlan, Risk::kMedium, {"k8s-rollback-deployment"});
}

}  // namespace opsmesh::k8s
