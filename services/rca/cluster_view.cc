#include "services/rca/cluster_view.h"

#include <string_view>
#include <utility>

#include "fmt/format.h"
#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "libs/clients/mesh.h"
#include "nlohmann/json.hpp"
#include "opsmesh/k8s/v1/k8s_service.grpc.pb.h"

namespace opsmesh::rca {
namespace {

using k8s::v1::K8sService;
using nlohmann::json;

constexpr char kTimeline[] = "get_resource_events_timeline";
constexpr absl::Duration kPatience = absl::Seconds(3);
constexpr size_t kMaxEvents = 20;

// Reasons that tell of a change somebody made, not of its consequences.
bool IsChange(std::string_view reason) {
  return reason == "ScalingReplicaSet" || reason == "SuccessfulRescale" ||
         reason == "DeploymentRollback";
}

std::string Text(const json& event, const char* key) {
  const auto found = event.find(key);
  return found != event.end() && found->is_string() ? found->get<std::string>() : "";
}

class MeshClusterView final : public ClusterView {
 public:
  explicit MeshClusterView(clients::Client<K8sService> k8s) : k8s_(std::move(k8s)) {}

  absl::StatusOr<std::vector<ClusterEvent>> Events(const base::Context& ctx,
                                                   const type::v1::Scope& scope,
                                                   const std::string& service, absl::Time from,
                                                   absl::Time to) override {
    k8s::v1::CallToolRequest request;
    request.set_name(kTimeline);
    json arguments = {{"resource_type", "deployment"}, {"resource_name", service}};
    if (scope.has_namespace_()) arguments["namespace"] = scope.namespace_();
    request.mutable_arguments()->set_raw(
        arguments.dump(-1, ' ', false, json::error_handler_t::replace));
    *request.mutable_context() = scope;
    OPSMESH_ASSIGN_OR_RETURN(
        const k8s::v1::CallToolResponse response,
        k8s_.Call(ctx.WithTimeout(kPatience), &K8sService::Stub::CallTool, request));
    const json result = json::parse(response.result().raw(), nullptr, false);
    std::vector<ClusterEvent> events;
    const auto list = result.is_object() ? result.find("events") : result.end();
    if (!result.is_object() || list == result.end() || !list->is_array()) return events;
    for (const json& entry : *list) {
      if (!entry.is_object() || events.size() == kMaxEvents) continue;
      absl::Time time;
      std::string problem;
      if (!absl::ParseTime(absl::RFC3339_full, Text(entry, "first_seen"), &time, &problem))
        continue;
      if (time < from || time > to) continue;
      events.push_back(Event(entry, scope, service, time));
    }
    return events;
  }

 private:
  static ClusterEvent Event(const json& entry, const type::v1::Scope& scope,
                            const std::string& service, absl::Time time) {
    ClusterEvent event;
    event.time = time;
    event.service = service;
    event.change = IsChange(Text(entry, "reason"));
    event.object.set_kind("Deployment");
    event.object.set_group("apps");
    event.object.set_namespace_(scope.namespace_());
    event.object.set_name(service);
    const std::string at = absl::FormatTime("%H:%M:%S", time, absl::UTCTimeZone());
    event.statement.set_en(fmt::format("At {} UTC Kubernetes reported {} of {}: {}.", at,
                                       Text(entry, "reason"), Text(entry, "object"),
                                       Text(entry, "message")));
    event.statement.set_zh(fmt::format("{} UTC,Kubernetes 报告 {} 的 {}:{}。", at,
                                       Text(entry, "object"), Text(entry, "reason"),
                                       Text(entry, "message")));
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
