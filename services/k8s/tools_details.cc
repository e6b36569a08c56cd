// Details of one object under the names of the documents.
#include <fmt/format.h>

#include "libs/base/error.h"
#include "services/k8s/describe.h"
#include "services/k8s/finding.h"
#include "services/k8s/json_writer.h"
#include "services/k8s/listing.h"
#include "services/k8s/params.h"
#include "services/k8s/read_object.h"
#include "services/k8s/text_table.h"
#include "services/k8s/tool_registry.h"

namespace opsmesh::k8s {
namespace {

absl::StatusOr<ToolResult> ResourceHealth(const ToolCall& call) {
  const Arguments& args = call.arguments;
  OPSMESH_ASSIGN_OR_RETURN(const kube::ResourceType type,
                           call.cluster.Resolve(call.ctx, args.String("resource_type")));
  Picture picture(call.cluster.Picture(call.ctx), type.namespaced ? NamespaceForOne(call) : "",
                  call.now);
  OPSMESH_ASSIGN_OR_RETURN(
      const kube::ObjectPtr object,
      ReadObject(call, picture, type, picture.ns(), args.String("resource_name")));
  const std::vector<Finding> findings = FindingsAbout(picture, *object);
  const HealthWord health = HealthOf(picture, *object, findings);
  ToolResult out = AnswerFindings(findings, picture, 20);
  JsonWriter json;
  json.BeginObject()
      .Field("kind", type.kind)
      .OptionalField("namespace", object->ns())
      .Field("name", object->name());
  json.Field("health", health.state).Key("diagnosis").Raw(out.json).EndObject();
  out.json = json.Take();
  Text text = health.text;
  if (!findings.empty()) text = text + Text{"\n\n", "\n\n"} + out.text;
  out.text = std::move(text);
  out.AddFact("health", health.state);
  return out;
}

// Everything of a namespace: how many of each kind, and the workloads by name.
absl::StatusOr<ToolResult> AllResources(const ToolCall& call) {
  Picture picture(call.cluster.Picture(call.ctx), NamespaceOf(call), call.now);
  OPSMESH_RETURN_IF_ERROR(picture.CheckNamespace());
  OPSMESH_RETURN_IF_ERROR(picture.CheckReadable("pods"));
  static constexpr const char* kKinds[] = {"deployments",
                                           "statefulsets",
                                           "daemonsets",
                                           "replicasets",
                                           "jobs",
                                           "cronjobs",
                                           "pods",
                                           "services",
                                           "ingresses",
                                           "configmaps",
                                           "secrets",
                                           "persistentvolumeclaims",
                                           "horizontalpodautoscalers",
                                           "poddisruptionbudgets",
                                           "networkpolicies",
                                           "resourcequotas",
                                           "serviceaccounts"};
  constexpr size_t kNames = 50;
  ToolResult out;
  JsonWriter json;
  TextTable table({"KIND", "COUNT", "NAMES"});
  json.BeginObject().NullableField("namespace", picture.ns());
  json.Key("resources").BeginArray();
  int64_t total = 0;
  for (const char* plural : kKinds) {
    const auto objects = picture.In(plural);
    if (!picture.Readable(plural)) continue;
    const auto count = static_cast<int64_t>(objects.size());
    total += count;
    json.BeginObject()
        .Field("kind", TypeOf(plural).kind)
        .Field("resource", plural)
        .Field("count", count)
        .Key("names")
        .BeginArray();
    std::string names;
    for (size_t i = 0; i < objects.size() && i < kNames; ++i) {
      const std::string name =
          picture.ns().empty() ? objects[i]->meta().full_name() : std::string(objects[i]->name());
      json.Value(name);
      if (i < 8) names += (i ? ", " : "") + name;
    }
    if (objects.size() > 8) names += fmt::format(", … (+{})", objects.size() - 8);
    json.EndArray().Field("truncated", objects.size() > kNames).EndObject();
    out.truncated = out.truncated || objects.size() > kNames;
    if (count > 0) table.AddRow({TypeOf(plural).kind, std::to_string(count), names});
    out.AddFact(fmt::format("{}.total", plural), count);
  }
  json.EndArray().Field("total", total).EndObject();
  out.json = json.Take();
  const Text place = PlaceOf(TypeOf("pods"), picture.ns());
  out.text = Say("{0}共有 {2} 个对象。\n\n", "{2} objects {1}.\n\n", place.zh, place.en, total);
  out.text.AppendBoth(table.Render());
  out.ledger = picture.ledger();
  return out;
}

}  // namespace

void AddDetailTools(ToolRegistry& r) {
  ToolGroup cluster(r, "cluster");
  ToolGroup resources(r, "resources");
  cluster.Live(
      "describe_kubernetes_resource",
      {"描述一个对象：状态、容器、Pod、问题和事件",
       "Describes one object: state, containers, pods, problems and events"},
      {KindParam(),
       NameParam("name", {"对象名称", "Name of the object"}, true, ParamFormat::kObjectName),
       OneNamespaceParam()},
      [](const ToolCall& call) {
        return DescribeTool(call, call.arguments.String("resource_type"), NamespaceForOne(call),
                            call.arguments.String("name"));
      },
      {"k8s-describe-resource"});
  resources.Live("get_deployment_details", {"一个 Deployment 的详情", "Details of one deployment"},
                 {NamespaceParam(true),
                  NameParam("deployment_name", {"Deployment 名称", "Name of the deployment"})},
                 [](const ToolCall& call) {
                   return DescribeTool(call, "deployments", NamespaceForOne(call),
                                       call.arguments.String("deployment_name"));
                 },
                 {"k8s-describe-deployment"});
  resources.Live("get_pod_details", {"一个 Pod 的详情", "Details of one pod"},
                 {NamespaceParam(true), NameParam("pod_name", {"Pod 名称", "Name of the pod"})},
                 [](const ToolCall& call) {
                   return DescribeTool(call, "pods", NamespaceForOne(call),
                                       call.arguments.String("pod_name"));
                 },
                 {"k8s-describe-pod"});
  resources.Live("get_resource_health",
                 {"一个对象是否健康，不健康时为什么", "Whether one object is healthy, and why not"},
                 {NamespaceParam(true), KindParam(),
                  NameParam("resource_name", {"对象名称", "Name of the object"}, true,
                            ParamFormat::kObjectName)},
                 ResourceHealth);
  resources.Cached("list_all_resources",
                   {"一个命名空间里的全部对象：每类的数量和名称",
                    "Everything in a namespace: counts and names by kind"},
                   {NamespaceParam(true)}, AllResources);
}

}  // namespace opsmesh::k8s
