// Group "resources": lists of the usual kinds under the names of the documents, YAML and logs.
#include <fmt/format.h>

#include "libs/base/error.h"
#include "services/k8s/listing.h"
#include "services/k8s/params.h"
#include "services/k8s/pod_logs.h"
#include "services/k8s/read_object.h"
#include "services/k8s/tool_registry.h"

namespace opsmesh::k8s {
namespace {

ToolHandler ListHandler(std::string plural) {
  return [plural = std::move(plural)](const ToolCall& call) -> absl::StatusOr<ToolResult> {
    OPSMESH_ASSIGN_OR_RETURN(const Query query, QueryFrom(call, TypeOf(plural)));
    return ListCached(call, query, NamespaceOf(call));
  };
}

// D4's "..._all_namespaces": whatever the scope says.
ToolHandler ListEverywhere(std::string plural) {
  return [plural = std::move(plural)](const ToolCall& call) -> absl::StatusOr<ToolResult> {
    OPSMESH_ASSIGN_OR_RETURN(const Query query, QueryFrom(call, TypeOf(plural)));
    return ListCached(call, query, "");
  };
}

std::vector<Param> ListParams(std::vector<Param> first, bool with_status) {
  first.push_back(LabelSelectorParam());
  if (with_status) first.push_back(StatusParam());
  first.push_back(LimitParam());
  first.push_back(CursorParam());
  return first;
}

std::vector<Param> EventParams(std::vector<Param> first) {
  first.push_back(
      ChoiceParam("type", {"只要此类事件", "Only events of this type"}, {"Normal", "Warning"}));
  first.push_back(TextParam("reason", {"只要此原因，例如 FailedScheduling",
                                       "Only this reason, for instance FailedScheduling"}));
  first.push_back(NameParam("object_name",
                            {"只要关于此对象的事件", "Only events about the object of this name"},
                            false, ParamFormat::kObjectName));
  first.push_back(TextParam(
      "since",
      {"只要最近这段时间内的事件，例如 15m", "Only events of the last time, for instance 15m"},
      ParamFormat::kDuration));
  first.push_back(LimitParam());
  first.push_back(CursorParam());
  return first;
}

void AddListsOfKinds(ToolGroup& group) {
  group.Cached("get_kubernetes_namespaces",
               {"列出命名空间及其状态", "Lists the namespaces and their state"},
               ListParams({}, true), ListHandler("namespaces"), {"k8s-get-namespaces"});
  group.Cached(
      "list_kubernetes_pods",
      {"列出 Pod：就绪、状态、重启次数、节点，附总数",
       "Lists pods with readiness, status, restarts, node, and totals"},
      ListParams({NamespaceParam(), TextParam("node", {"只要此节点上的", "Only those on this node"},
                                              ParamFormat::kName)},
                 true),
      ListHandler("pods"), {"k8s-get-pods"});
  group.Cached("list_kubernetes_nodes",
               {"列出节点：状态、角色、版本", "Lists nodes with status, roles and version"},
               ListParams({}, true), ListHandler("nodes"), {"k8s-get-nodes"});
  group.Cached("list_kubernetes_deployments",
               {"列出 Deployment 及其副本", "Lists deployments and their replicas"},
               ListParams({NamespaceParam()}, false), ListHandler("deployments"),
               {"k8s-get-deployments"});
  group.Cached("list_kubernetes_services",
               {"列出服务：类型、地址、端口", "Lists services with type, addresses and ports"},
               ListParams({NamespaceParam()}, false), ListHandler("services"),
               {"k8s-get-services"});
  group.Cached("list_kubernetes_events", {"列出事件，最新的在前", "Lists events, newest first"},
               EventParams({NamespaceParam()}), ListHandler("events"), {"k8s-get-events"});
}

void AddListsOfANamespace(ToolGroup& group) {
  const auto in = [&](const char* name, const char* plural, Text description, bool status) {
    group.Cached(name, std::move(description), ListParams({NamespaceParam(true)}, status),
                 ListHandler(plural));
  };
  group.Cached("list_namespaces", {"列出所有命名空间", "Lists all namespaces"},
               ListParams({}, true), ListHandler("namespaces"));
  in("list_pods_from_namespace", "pods",
     {"列出一个命名空间的 Pod", "Lists the pods of a namespace"}, true);
  in("list_deployments_from_namespace", "deployments",
     {"列出一个命名空间的 Deployment", "Lists the deployments of a namespace"}, false);
  in("list_services_from_namespace", "services",
     {"列出一个命名空间的服务", "Lists the services of a namespace"}, false);
  in("list_secrets_from_namespace", "secrets",
     {"列出一个命名空间的 Secret：只有名称、类型和键名，从不含值",
      "Lists the Secrets of a namespace: names, types and key names, never values"},
     false);
  in("list_daemonsets_from_namespace", "daemonsets",
     {"列出一个命名空间的 DaemonSet", "Lists the DaemonSets of a namespace"}, false);
  in("list_configmaps_from_namespace", "configmaps",
     {"列出一个命名空间的 ConfigMap 及其键名",
      "Lists the ConfigMaps of a namespace and their keys"},
     false);
  group.Cached("list_deployments_all_namespaces",
               {"列出所有命名空间的 Deployment", "Lists the deployments of all namespaces"},
               ListParams({}, false), ListEverywhere("deployments"));
  group.Cached("list_pods_all_namespaces",
               {"列出所有命名空间的 Pod", "Lists the pods of all namespaces"}, ListParams({}, true),
               ListEverywhere("pods"));
  group.Cached(
      "get_events",
      {"列出一个命名空间的事件，最新的在前", "Lists the events of a namespace, newest first"},
      EventParams({NamespaceParam(true)}), ListHandler("events"));
  group.Cached(
      "get_events_all_namespaces",
      {"列出所有命名空间的事件，最新的在前", "Lists the events of all namespaces, newest first"},
      EventParams({}), ListEverywhere("events"));
}

std::vector<Param> LogParams(int64_t default_lines) {
  return {
      OneNamespaceParam(),
      NameParam("pod_name", {"Pod 名称", "Name of the pod"}),
      NameParam("container",
                {"容器名；只有一个容器时可省略", "Container; may be left out when there is one"},
                false, ParamFormat::kContainer),
      IntParam("tail_lines", {"最后多少行", "Last lines"}, 1, 2000, std::to_string(default_lines)),
      IntParam("head_lines", {"最前多少行，代替 tail_lines", "First lines, instead of tail_lines"},
               1, 2000, ""),
      BoolParam("previous", {"上一次运行（重启之前）的日志", "The run before the last restart"},
                false),
      TextParam("since", {"只要最近这段时间的，例如 10m", "Only the last time, for instance 10m"},
                ParamFormat::kDuration),
      TextParam("contains", {"只要含有此文字的行（不分大小写）",
                             "Only lines with this text, case-insensitive"}),
      BoolParam("timestamps", {"每行带时间", "Each line with its time"}, false)};
}

void AddReads(ToolGroup& group) {
  for (const auto& [name, lines, alias] :
       {std::tuple{"get_kubernetes_pod_logs", 100, "k8s-get-pod-logs"},
        std::tuple{"get_pod_logs", 50, "k8s-get-logs"}}) {
    group.Live(
        name, {"读取 Pod 的日志（最后或最前若干行）", "Reads a pod's log, its last or first lines"},
        LogParams(lines),
        [n = static_cast<int64_t>(lines)](const ToolCall& call) { return ReadPodLogs(call, n); },
        {alias});
  }
  group.Live("get_kubernetes_resource_yaml",
             {"以 YAML 显示一个对象（Secret 的值除外）",
              "Shows one object as YAML, values of Secrets left out"},
             {KindParam(),
              NameParam("name", {"对象名称", "Name of the object"}, true, ParamFormat::kObjectName),
              OneNamespaceParam()},
             ReadYaml, {"k8s-get-yaml"});
}

}  // namespace

void AddResourceTools(ToolRegistry& r) {
  ToolGroup group(r, "resources");
  AddListsOfKinds(group);
  AddListsOfANamespace(group);
  AddReads(group);
}

}  // namespace opsmesh::k8s
