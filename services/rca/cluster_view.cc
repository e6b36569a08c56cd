#include "services/rca/cluster_view.h"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "fmt/format.h"
#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "libs/clients/mesh.h"
#include "nlohmann/json.hpp"
#include "opsmesh/k8s/v1/k8s_service.grpc.pb.h"
#include "services/rca/call_hints.h"

namespace opsmesh::rca {
namespace {

using k8s::v1::K8sService;
using nlohmann::json;

constexpr absl::Duration kPatience = absl::Seconds(3);
constexpr size_t kMaxEvents = 20;
// Workloads whose specification is read for hints at what they call.
constexpr size_t kMaxWorkloads = 100;
constexpr int kPage = 1000;
constexpr const char* kWorkloadKinds[] = {"Deployment", "StatefulSet", "DaemonSet"};

// Reasons that tell of a change somebody made, not of its consequences.
bool IsChange(std::string_view reason) {
  return reason == "ScalingReplicaSet" || reason == "SuccessfulRescale" ||
         reason == "DeploymentRollback";
}

// What follows from every start of a pod says nothing about a cause.
bool IsRoutine(std::string_view type, std::string_view reason) {
  if (type != "Normal") return false;
  for (const char* routine : {"Scheduled", "Pulling", "Pulled", "Created", "Started",
                              "SuccessfulCreate", "SuccessfulDelete"}) {
    if (reason == routine) return true;
  }
  return false;
}

std::string Text(const json& event, const char* key) {
  const auto found = event.find(key);
  return found != event.end() && found->is_string() ? found->get<std::string>() : "";
}

std::optional<absl::Time> Time(const json& event, const char* key) {
  absl::Time time;
  std::string problem;
  if (!absl::ParseTime(absl::RFC3339_full, Text(event, key), &time, &problem)) return std::nullopt;
  return time;
}

const json& List(const json& object, const char* key) {
  static const json kNone = json::array();
  if (!object.is_object()) return kNone;
  const auto found = object.find(key);
  return found != object.end() && found->is_array() ? *found : kNone;
}

std::string Clock(absl::Time time) {
  return absl::FormatTime("%H:%M:%S", time, absl::UTCTimeZone());
}

class MeshClusterView final : public ClusterView {
 public:
  explicit MeshClusterView(clients::Client<K8sService> k8s) : k8s_(std::move(k8s)) {}

  absl::StatusOr<std::string> Learn(const base::Context& ctx, const type::v1::Scope& scope,
                                    Topology& topology) override {
    const base::Context within = ctx.WithTimeout(kPatience);
    OPSMESH_ASSIGN_OR_RETURN(
        const json pods, Tool(within, scope, "list_kubernetes_pods", json::object(), std::nullopt));
    size_t placed = 0;
    for (const json& pod : List(pods, "items")) {
      // "Deployment/cart"
      const std::string workload = Text(pod, "workload");
      const size_t slash = workload.find('/');
      const std::string ns = Text(pod, "namespace");
      PodPlace place{.node = Text(pod, "node"), .workload = {}};
      if (slash != std::string::npos)
        place.workload = {workload.substr(0, slash), ns, workload.substr(slash + 1)};
      topology.AddPod(ns, Text(pod, "name"), std::move(place));
      ++placed;
    }
    const absl::StatusOr<size_t> calls = LearnCalls(within, scope, topology);
    return fmt::format("{} pods and {} calls", placed, calls.ok() ? *calls : 0);
  }

  absl::StatusOr<std::vector<ClusterEvent>> Events(const base::Context& ctx,
                                                   const type::v1::Scope& scope,
                                                   const CauseObject& object, absl::Time from,
                                                   absl::Time to) override {
    const base::Context within = ctx.WithTimeout(kPatience);
    OPSMESH_ASSIGN_OR_RETURN(
        const json result,
        Tool(within, scope, "get_resource_events_timeline",
             {{"resource_type", object.kind}, {"resource_name", object.name}}, object.ns));
    std::vector<ClusterEvent> events;
    std::set<std::pair<std::string, std::string>> told;
    for (const json& entry : List(result, "events")) {
      const std::optional<absl::Time> time = Time(entry, "first_seen");
      const std::string reason = Text(entry, "reason");
      if (!time || *time < from || *time > to || events.size() == kMaxEvents ||
          IsRoutine(Text(entry, "type"), reason))
        continue;
      // Ten pods of one workload with the same fate are told once.
      if (told.emplace(reason, Text(entry, "message")).second)
        events.push_back(Event(entry, object, *time));
    }
    if (object.kind == "Deployment") RollOuts(within, scope, object, from, to, events);
    std::stable_sort(events.begin(), events.end(),
                     [](const auto& a, const auto& b) { return a.time < b.time; });
    return events;
  }

 private:
  absl::StatusOr<json> Tool(const base::Context& ctx, const type::v1::Scope& scope,
                            const char* name, json arguments,
                            const std::optional<std::string>& ns) {
    k8s::v1::CallToolRequest request;
    request.set_name(name);
    if (ns && !ns->empty()) arguments["namespace"] = *ns;
    request.mutable_arguments()->set_raw(
        arguments.dump(-1, ' ', false, json::error_handler_t::replace));
    if (scope.has_cluster()) request.mutable_context()->set_cluster(scope.cluster());
    OPSMESH_ASSIGN_OR_RETURN(const k8s::v1::CallToolResponse response,
                             k8s_.Call(ctx, &K8sService::Stub::CallTool, request));
    return json::parse(response.result().raw(), nullptr, false);
  }

  absl::StatusOr<std::vector<CauseObject>> Objects(const base::Context& ctx,
                                                   const type::v1::Scope& scope, const char* kind) {
    k8s::v1::ListObjectsRequest request;
    request.set_kind(kind);
    request.set_page_size(kPage);
    if (scope.has_cluster()) request.set_cluster(scope.cluster());
    OPSMESH_ASSIGN_OR_RETURN(const k8s::v1::ListObjectsResponse response,
                             k8s_.Call(ctx, &K8sService::Stub::ListObjects, request));
    std::vector<CauseObject> objects;
    for (const k8s::v1::ObjectSummary& object : response.objects())
      objects.push_back({kind, object.namespace_(), object.name()});
    return objects;
  }

  absl::StatusOr<size_t> LearnCalls(const base::Context& ctx, const type::v1::Scope& scope,
                                    Topology& topology) {
    OPSMESH_ASSIGN_OR_RETURN(const std::vector<CauseObject> list, Objects(ctx, scope, "Service"));
    ServiceNames services;
    for (const CauseObject& service : list) services.emplace(service.ns, service.name);
    size_t calls = 0, read = 0;
    for (const char* kind : kWorkloadKinds) {
      OPSMESH_ASSIGN_OR_RETURN(const std::vector<CauseObject> workloads, Objects(ctx, scope, kind));
      for (const CauseObject& workload : workloads) {
        if (workload.ns == "kube-system" || ++read > kMaxWorkloads) continue;
        k8s::v1::GetObjectRequest request;
        request.set_kind(workload.kind);
        request.set_name(workload.name);
        request.set_namespace_(workload.ns);
        if (scope.has_cluster()) request.set_cluster(scope.cluster());
        const auto response = k8s_.Call(ctx, &K8sService::Stub::GetObject, request);
        OPSMESH_RETURN_IF_ERROR(ctx.Check());
        if (!response.ok()) continue;
        for (const auto& [ns, name] : CallHints(response->object().raw(), workload.ns, services)) {
          topology.AddCall(workload, ns, name);
          ++calls;
        }
      }
    }
    return calls;
  }

  // Events are kept for an hour; the revisions of a Deployment tell of older changes.
  void RollOuts(const base::Context& ctx, const type::v1::Scope& scope, const CauseObject& object,
                absl::Time from, absl::Time to, std::vector<ClusterEvent>& events) {
    const auto history = Tool(ctx, scope, "get_deployment_revision_history",
                              {{"deployment_name", object.name}}, object.ns);
    if (!history.ok()) return;
    for (const json& revision : List(*history, "revisions")) {
      const std::optional<absl::Time> time = Time(revision, "created");
      if (!time || *time < from || *time > to) continue;
      const std::string cause = Text(revision, "change_cause"), images = Text(revision, "images");
      const auto found = revision.find("revision");
      const int64_t number =
          found != revision.end() && found->is_number_integer() ? found->get<int64_t>() : 0;
      ClusterEvent event{.time = *time, .object = RefOf(object), .statement = {}, .change = true};
      event.statement.set_en(fmt::format("At {} UTC revision {} of {} was rolled out ({}{}{}).",
                                         Clock(*time), number, object.name, cause,
                                         cause.empty() ? "" : "; ", images));
      event.statement.set_zh(fmt::format("{} UTC,{} 发布了版本 {}({}{}{})。", Clock(*time),
                                         object.name, number, cause, cause.empty() ? "" : ";",
                                         images));
      events.push_back(std::move(event));
    }
  }

  static ClusterEvent Event(const json& entry, const CauseObject& object, absl::Time time) {
    ClusterEvent event{.time = time, .object = RefOf(object), .statement = {}, .change = false};
    event.change = IsChange(Text(entry, "reason"));
    std::string message = Text(entry, "message");
    while (!message.empty() && (message.back() == '.' || message.back() == '\n'))
      message.pop_back();
    message = std::string(base::Utf8Prefix(message, 300));
    event.statement.set_en(fmt::format("At {} UTC Kubernetes reported {} of {}: {}.", Clock(time),
                                       Text(entry, "reason"), Text(entry, "object"), message));
    event.statement.set_zh(fmt::format("{} UTC,Kubernetes 报告 {} 的 {}:{}。", Clock(time),
                                       Text(entry, "object"), Text(entry, "reason"), message));
    return event;
  }

  const clients::Client<K8sService> k8s_;
};

}  // namespace

std::unique_ptr<ClusterView> MakeClusterView(const rpc::ChannelSource& channels,
                                             base::IdSource& ids) {
  auto k8s = clients::Mesh(channels, ids).For<K8sService>();
  if (!k8s.ok()) return nullptr;
  return std::make_unique<MeshClusterView>(*std::move(k8s));
}

}  // namespace opsmesh::rca
