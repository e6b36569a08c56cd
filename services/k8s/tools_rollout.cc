// Group "remediation", the reading half: revisions, room for more replicas, progress of a change.
#include <algorithm>
#include <cmath>
#include <map>

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
#include "services/k8s/text_table.h"
#include "services/k8s/tool_registry.h"

namespace opsmesh::k8s {
namespace {

struct Target {
  Picture picture;
  kube::ObjectPtr object;
  const kube::Deployment* deployment = nullptr;
};

absl::StatusOr<Target> DeploymentOf(const ToolCall& call) {
  Target out{Picture(call.cluster.Picture(call.ctx), NamespaceForOne(call), call.now), nullptr,
             nullptr};
  OPSMESH_RETURN_IF_ERROR(out.picture.CheckReadable("deployments"));
  const std::string name = call.arguments.String("deployment_name");
  OPSMESH_RETURN_IF_ERROR(CheckExists(out.picture, TypeOf("deployments"), out.picture.ns(), name));
  out.object = out.picture.All("deployments").Find(out.picture.ns(), name);
  out.deployment = out.object->As<kube::Deployment>();
  return out;
}

absl::StatusOr<ToolResult> History(const ToolCall& call) {
  OPSMESH_ASSIGN_OR_RETURN(Target t, DeploymentOf(call));
  OPSMESH_RETURN_IF_ERROR(t.picture.CheckReadable("replicasets"));
  const std::vector<Revision> revisions = RevisionsOf(t.picture, *t.object);
  ToolResult out;
  JsonWriter json;
  TextTable table({"REVISION", "CURRENT", "REPLICASET", "IMAGES", "READY", "AGE", "CHANGE CAUSE"});
  json.BeginObject()
      .Field("deployment", t.object->meta().full_name())
      .Field("total", static_cast<int64_t>(revisions.size()))
      .Key("revisions")
      .BeginArray();
  for (const Revision& r : revisions) {
    table.AddRow({std::to_string(r.number), r.current ? "*" : "", r.replica_set, r.images,
                  fmt::format("{}/{}", r.ready, r.replicas), HumanAge(call.now - r.created),
                  r.change_cause});
    json.BeginObject()
        .Field("revision", r.number)
        .Field("current", r.current)
        .Field("replica_set", r.replica_set)
        .Field("images", r.images);
    json.Field("replicas", r.replicas)
        .Field("ready", r.ready)
        .Field("created", base::Rfc3339(r.created))
        .OptionalField("change_cause", r.change_cause)
        .EndObject();
  }
  json.EndArray().EndObject();
  out.json = json.Take();
  out.text = Say("Deployment {0} 有 {1} 个版本，当前是版本 {2}。\n\n",
                 "Deployment {0} has {1} revision{3}, the current one is {2}.\n\n",
                 t.object->meta().full_name(), revisions.size(),
                 revisions.empty() ? 0 : revisions[0].number, revisions.size() == 1 ? "" : "s");
  out.text.AppendBoth(table.Render());
  out.AddFact("revisions.total", static_cast<int64_t>(revisions.size()));
  out.untrusted = true;  // change causes are annotations
  out.ledger = t.picture.ledger();
  return out;
}

absl::StatusOr<ToolResult> Compare(const ToolCall& call) {
  OPSMESH_ASSIGN_OR_RETURN(Target t, DeploymentOf(call));
  const std::vector<Revision> revisions = RevisionsOf(t.picture, *t.object);
  const auto pick = [&](const char* name, size_t fallback) -> absl::StatusOr<const Revision*> {
    const int64_t asked = call.arguments.Integer(name, 0);
    for (size_t i = 0; i < revisions.size(); ++i) {
      if (asked > 0 ? revisions[i].number == asked : i == fallback) return &revisions[i];
    }
    return base::NotFound("REVISION_NOT_FOUND",
                          asked > 0 ? fmt::format("Deployment {} has no revision {}.",
                                                  t.object->meta().full_name(), asked)
                                    : fmt::format("Deployment {} has fewer than two revisions.",
                                                  t.object->meta().full_name()))
        .Hint("get_deployment_revision_history lists them.");
  };
  OPSMESH_ASSIGN_OR_RETURN(const Revision* to, pick("to_revision", 0));
  OPSMESH_ASSIGN_OR_RETURN(const Revision* from, pick("from_revision", 1));
  const auto* a = from->object->As<kube::ReplicaSet>();
  const auto* b = to->object->As<kube::ReplicaSet>();
  const std::vector<std::string> changes = TemplateChanges(a->pod_template, b->pod_template);
  ToolResult out;
  JsonWriter json;
  json.BeginObject()
      .Field("deployment", t.object->meta().full_name())
      .Field("from", from->number)
      .Field("to", to->number)
      .StringArray("changes", changes)
      .EndObject();
  out.json = json.Take();
  out.text = changes.empty()
                 ? Say("版本 {0} 和 {1} 的模板没有看到差别。",
                       "No difference was seen between the templates of revisions {0} and {1}.",
                       from->number, to->number)
                 : Say("从版本 {0} 到 {1} 有 {2} 处变化：\n",
                       "From revision {0} to {1} there are {2} changes:\n", from->number,
                       to->number, changes.size());
  for (const std::string& change : changes) out.text.AppendBoth("- " + change + "\n");
  out.AddFact("changes.total", static_cast<int64_t>(changes.size()));
  out.untrusted = true;
  out.ledger = t.picture.ledger();
  out.ledger.NotChecked("templates",
                        "values of environment variables, volumes and security settings",
                        "values are not shown, volumes and security settings are not compared");
  return out;
}

// Pods with these requests that fit on a node, by requests and the number of pods.
int64_t FitsOn(const NodeLoad& load, double cpu, double memory) {
  if (!load.schedulable) return 0;
  auto fit = static_cast<double>(std::max<int64_t>(0, load.pods_allocatable - load.pods));
  if (cpu > 0)
    fit = std::min(fit, std::floor((load.cpu_allocatable - load.cpu_requested) / cpu + 1e-9));
  if (memory > 0)
    fit = std::min(fit,
                   std::floor((load.memory_allocatable - load.memory_requested) / memory + 1e-9));
  return static_cast<int64_t>(std::max(0.0, fit));
}

// What fits on all nodes together; one row and one entry a node.
int64_t ListRoom(Picture& picture, double cpu, double memory, TextTable* table, JsonWriter* json) {
  int64_t room = 0;
  for (const NodeLoad& load : NodeLoads(picture)) {
    const int64_t pods = FitsOn(load, cpu, memory);
    room += pods;
    table->AddRow(
        {load.name, load.status,
         kube::FormatCpu(std::max(0.0, load.cpu_allocatable - load.cpu_requested)),
         kube::FormatBytes(std::max(0.0, load.memory_allocatable - load.memory_requested)),
         std::to_string(load.pods_allocatable - load.pods), std::to_string(pods)});
    json->BeginObject().Field("name", load.name).Field("fits", pods).EndObject();
  }
  return room;
}

absl::StatusOr<ToolResult> ScalingCapacity(const ToolCall& call) {
  OPSMESH_ASSIGN_OR_RETURN(Target t, DeploymentOf(call));
  OPSMESH_RETURN_IF_ERROR(t.picture.CheckReadable("nodes"));
  const int64_t added = call.arguments.Integer("more", -1),
                asked = call.arguments.Integer("replicas", -1);
  if ((added < 0) == (asked < 0)) {
    return base::InvalidArgument("replicas", "TOOL_ARGUMENTS", "Give either `replicas` or `more`.")
        .Hint("replicas is the number wanted in all, more how many are added to those there are.");
  }
  const int64_t wanted = asked >= 0 ? asked : t.deployment->replicas + added;
  const int64_t more = std::max<int64_t>(0, wanted - t.deployment->replicas);
  const double cpu = PodAmount(t.deployment->pod_template.spec, "cpu", false),
               memory = PodAmount(t.deployment->pod_template.spec, "memory", false);
  ToolResult out;
  JsonWriter json;
  TextTable table({"NODE", "STATUS", "FREE CPU", "FREE MEMORY", "FREE PODS", "FITS"});
  json.BeginObject()
      .Field("deployment", t.object->meta().full_name())
      .Field("replicas_now", t.deployment->replicas)
      .Field("replicas_wanted", wanted);
  json.Field("cpu_per_pod", cpu).Field("memory_per_pod", memory).Key("nodes").BeginArray();
  const int64_t room = ListRoom(t.picture, cpu, memory, &table, &json);
  json.EndArray().Field("room", room).Field("enough", room >= more).EndObject();
  out.json = json.Take();
  out.text =
      room >= more
          ? Say("{0} 扩到 {1} 个副本放得下：还需 {2} 个，按 requests 可再放 {3} 个。\n\n",
                "{0} can be scaled to {1}: {2} more are needed, by requests {3} fit.\n\n",
                t.object->meta().full_name(), wanted, more, room)
          : Say("{0} 扩到 {1} 个副本放不下：还需 {2} 个，按 requests 只能再放 {3} 个。\n\n",
                "{0} cannot be scaled to {1}: {2} more are needed, by requests only {3} fit.\n\n",
                t.object->meta().full_name(), wanted, more, room);
  out.text.AppendBoth(table.Render());
  if (cpu == 0 && memory == 0)
    out.text += Text{
        "\n它没有设置 requests，调度器不会拒绝，但节点可能过载。",
        "\nIt sets no requests: the scheduler would not refuse it, but nodes may be overloaded."};
  out.AddFact("room", room);
  out.AddFact("needed", more);
  out.ledger = t.picture.ledger();
  out.ledger.NotChecked("scheduler rules", "taints, affinity, topology spread, quotas, ports",
                        "only room by requests and pod counts was computed");
  return out;
}

absl::StatusOr<ToolResult> Progress(const ToolCall& call) {
  OPSMESH_ASSIGN_OR_RETURN(Target t, DeploymentOf(call));
  const kube::Deployment& d = *t.deployment;
  const kube::Condition* progressing = kube::FindCondition(d.conditions, "Progressing");
  const bool failed = progressing && progressing->status == "False" &&
                      progressing->reason == "ProgressDeadlineExceeded";
  const bool done = d.observed_generation >= t.object->meta().generation &&
                    d.updated_replicas >= d.replicas && d.current_replicas == d.updated_replicas &&
                    d.available_replicas >= d.replicas;
  const std::string state = failed     ? "failed"
                            : d.paused ? "paused"
                            : done     ? "complete"
                                       : "progressing";
  ToolResult out;
  JsonWriter json;
  json.BeginObject()
      .Field("deployment", t.object->meta().full_name())
      .Field("state", state)
      .Field("replicas", d.replicas)
      .Field("updated", d.updated_replicas);
  json.Field("ready", d.ready_replicas).Field("available", d.available_replicas).EndObject();
  out.json = json.Take();
  static const std::map<std::string, std::string> kZh = {{"failed", "失败（超过进度期限）"},
                                                         {"paused", "已暂停"},
                                                         {"complete", "完成"},
                                                         {"progressing", "进行中"}};
  out.text = Say("Deployment {0}：{1}。期望 {3}，已更新 {4}，就绪 {5}，可用 {6}。",
                 "Deployment {0}: {2}. Wanted {3}, updated {4}, ready {5}, available {6}.",
                 t.object->meta().full_name(), kZh.at(state), state, d.replicas, d.updated_replicas,
                 d.ready_replicas, d.available_replicas);
  out.AddFact("state", state);
  out.AddFact("available", d.available_replicas);
  out.ledger = t.picture.ledger();
  return out;
}

// Asks again until the pod is ready, is gone, or the time is over; which of them is the answer, not
// an error.
absl::StatusOr<ToolResult> WaitReady(const ToolCall& call) {
  const std::string ns = NamespaceForOne(call), name = call.arguments.String("pod_name");
  const absl::Duration limit = absl::Seconds(call.arguments.Integer("timeout", 60));
  const absl::Duration begin = call.ctx.clock().Steady();
  // The caller's deadline leaves room for the answer.
  const absl::Duration most = std::min(limit, call.ctx.Remaining() - absl::Seconds(1));
  ToolResult out;
  for (;;) {
    Picture picture(call.cluster.Picture(call.ctx), ns, call.now);
    OPSMESH_RETURN_IF_ERROR(picture.CheckReadable("pods"));
    OPSMESH_RETURN_IF_ERROR(CheckExists(picture, TypeOf("pods"), ns, name));
    const kube::ObjectPtr object = picture.All("pods").Find(ns, name);
    const auto* pod = object->As<kube::Pod>();
    const bool ready =
        pod && kube::ConditionTrue(pod->conditions, "Ready") && !object->meta().terminating();
    const absl::Duration waited = call.ctx.clock().Steady() - begin;
    if (ready || waited >= most) {
      JsonWriter json;
      json.BeginObject()
          .Field("namespace", ns)
          .Field("pod", name)
          .Field("ready", ready)
          .Field("status", pod ? pod->status : "");
      json.Field("waited_seconds", absl::ToDoubleSeconds(waited)).EndObject();
      out.json = json.Take();
      out.text = ready ? Say("Pod {0}/{1} 已就绪，等了 {2:.1f} 秒。",
                             "Pod {0}/{1} is ready after {2:.1f} s.", ns, name,
                             absl::ToDoubleSeconds(waited))
                       : Say("等了 {2:.1f} 秒，Pod {0}/{1} 仍未就绪，状态 {3}。",
                             "Pod {0}/{1} is not ready after {2:.1f} s; its status is {3}.", ns,
                             name, absl::ToDoubleSeconds(waited), pod ? pod->status : "?");
      out.AddFact("ready", ready ? "true" : "false");
      out.ledger = picture.ledger();
      return out;
    }
    OPSMESH_RETURN_IF_ERROR(call.ctx.Sleep(std::min(absl::Milliseconds(500), most - waited)));
  }
}

}  // namespace

void AddRolloutTools(ToolRegistry& r) {
  ToolGroup group(r, "remediation");
  const Param name = NameParam("deployment_name", {"Deployment 名称", "Name of the deployment"});
  group.Live("get_deployment_revision_history",
             {"Deployment 的发布历史", "Revisions of a deployment"}, {OneNamespaceParam(), name},
             History);
  group.Live("compare_deployment_revisions",
             {"比较 Deployment 的两个版本，默认上一个和当前",
              "Compares two revisions of a deployment, by default the one before and the current"},
             {OneNamespaceParam(), name,
              IntParam("from_revision", {"从哪个版本", "From this revision"}, 1, 1000000, ""),
              IntParam("to_revision", {"到哪个版本", "To this revision"}, 1, 1000000, "")},
             Compare);
  group.Live("check_scaling_capacity",
             {"扩容后集群放得下吗：按 requests 精确计算",
              "Whether more replicas fit, computed by requests"},
             {OneNamespaceParam(), name,
              IntParam("replicas", {"目标副本数", "Replicas wanted in all"}, 0, 10000, ""),
              IntParam("more",
                       {"再加多少个，代替 replicas", "How many more than now, instead of replicas"},
                       0, 10000, "")},
             ScalingCapacity);
  group.Live("monitor_scaling_progress",
             {"伸缩或发布进行到哪里", "How far a scaling or a rollout is"},
             {OneNamespaceParam(), name}, Progress);
  group.Live("wait_for_pod_ready", {"等待 Pod 就绪", "Waits until a pod is ready"},
             {OneNamespaceParam(), NameParam("pod_name", {"Pod 名称", "Name of the pod"}),
              IntParam("timeout", {"最多等多少秒", "Seconds to wait at most"}, 1, 300, "60")},
             WaitReady);
}

}  // namespace opsmesh::k8s
