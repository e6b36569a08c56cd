// After pkg/controller/endpointslicemirroring of Kubernetes 1.32.
#include "libs/kubesim/behaviour/controllers/endpoint_mirror.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

constexpr size_t kMostInSubset = 1000;
constexpr const char* kServiceName = "kubernetes.io/service-name";
constexpr const char* kManagedBy = "endpointslice.kubernetes.io/managed-by";
constexpr const char* kController = "endpointslicemirroring-controller.k8s.io";
constexpr const char* kSkip = "endpointslice.kubernetes.io/skip-mirror";
constexpr const char* kLeader = "control-plane.alpha.kubernetes.io/leader";

Json EndpointOf(const Json& address, bool ready) {
  Json endpoint = {{"addresses", {TextAt(address, "ip")}}, {"conditions", {{"ready", ready}}}};
  for (const char* member : {"hostname", "nodeName", "targetRef"}) {
    if (!At(address, member).is_null()) endpoint[member] = At(address, member);
  }
  return endpoint;
}

Json NamedPorts(const Json& ports) {
  Json named = Json::array();
  for (Json port : ports) {
    if (!port.contains("name")) port["name"] = "";
    named.push_back(std::move(port));
  }
  return named.empty() ? Json() : named;
}

}  // namespace

EndpointMirrorController::EndpointMirrorController(Engine& engine)
    : engine_(engine),
      endpoints_(engine.InformerOf("", "endpoints")),
      services_(engine.InformerOf("", "services")),
      slices_(engine.InformerOf("discovery.k8s.io", "endpointslices")),
      slices_by_label_(slices_.ByLabel()),
      queue_(engine.AddQueue("endpoint-mirror",
                             [this](const std::string& key) { return Sync(key); })) {
  for (Informer* informer : {&endpoints_, &services_}) {
    informer->OnChange(
        [this](const Seen& seen) { queue_.Add(KeyOf(seen.any().ns, seen.any().name)); });
  }
  slices_.OnChange([this](const Seen& seen) {
    const Json& labels = At(seen.any_json(), {"metadata", "labels"});
    if (seen.before && TextAt(labels, kManagedBy) == kController)
      queue_.Add(KeyOf(seen.any().ns, TextAt(labels, kServiceName)));
  });
}

bool EndpointMirrorController::Mirrored(std::string_view ns, std::string_view name) {
  const ObjectPtr service = services_.Get(ns, name), object = endpoints_.Get(ns, name);
  if (!service || !object) return false;
  const Json& selector = At(*engine_.Parsed(service), {"spec", "selector"});
  if (selector.is_object() && !selector.empty()) return false;
  const auto content = engine_.Parsed(object);
  return TextAt(At(*content, {"metadata", "labels"}), kSkip) != "true" &&
         At(*content, {"metadata", "annotations", kLeader}).is_null();
}

std::vector<Json> EndpointMirrorController::Wanted(const Object& endpoints, const Json& content) {
  std::map<std::string, Json> by_ports;
  for (const Json& subset : ListAt(content, {"subsets"})) {
    const Json ports = NamedPorts(ListAt(subset, {"ports"}));
    Json& slice = by_ports[ports.dump()];
    slice["ports"] = ports;
    if (!slice.contains("endpoints")) slice["endpoints"] = Json::array();
    size_t taken = 0;
    for (const char* member : {"addresses", "notReadyAddresses"}) {
      for (const Json& address : ListAt(subset, {member})) {
        if (taken++ >= kMostInSubset) break;
        slice["endpoints"].push_back(EndpointOf(address, std::string_view(member) == "addresses"));
      }
    }
  }
  Json labels = At(content, {"metadata", "labels"});
  if (!labels.is_object()) labels = Json::object();
  labels[kServiceName] = endpoints.name;
  labels[kManagedBy] = kController;
  Json annotations = At(content, {"metadata", "annotations"});
  if (annotations.is_object()) {
    annotations.erase("endpoints.kubernetes.io/last-change-trigger-time");
    annotations.erase("kubectl.kubernetes.io/last-applied-configuration");
  }
  std::vector<Json> wanted;
  for (auto& [ports, slice] : by_ports) {
    if (slice["endpoints"].empty()) continue;
    slice["addressType"] =
        TextAt(slice["endpoints"][0], "addresses").find(':') == std::string::npos ? "IPv4" : "IPv6";
    slice["metadata"] = {
        {"namespace", endpoints.ns},
        {"generateName", endpoints.name + "-"},
        {"generation", 1},
        {"labels", labels},
        {"ownerReferences", Json::array({ControllerReference(endpoints_.type(), endpoints)})}};
    if (annotations.is_object() && !annotations.empty())
      slice["metadata"]["annotations"] = annotations;
    wanted.push_back(std::move(slice));
  }
  return wanted;
}

Next EndpointMirrorController::Sync(const std::string& key) {
  const auto [ns, name] = SplitKey(key);
  std::vector<Json> wanted;
  if (Mirrored(ns, name)) {
    const ObjectPtr object = endpoints_.Get(ns, name);
    wanted = Wanted(*object, *engine_.Parsed(object));
  }
  bool good = true;
  const ResourceType& type = slices_.type();
  const ObjectSet present = slices_by_label_.Find(fmt::format("{}/{}={}", ns, kServiceName, name));
  for (const ObjectPtr& slice : present) {
    const auto content = engine_.Parsed(slice);
    if (TextAt(At(*content, {"metadata", "labels"}), kManagedBy) != kController ||
        BeingDeleted(*content))
      continue;
    // One that has these ports takes the rest over; failing that any does.
    auto same = std::find_if(wanted.begin(), wanted.end(), [&](const Json& one) {
      return At(one, "ports") == At(*content, "ports");
    });
    if (same == wanted.end() && !wanted.empty()) same = wanted.begin();
    if (same == wanted.end()) {
      auto refused = engine_.client().Delete(type, ns, slice->name, Json::object(), slice->uid);
      good &= !refused || refused->code == 404;
      continue;
    }
    auto written = engine_.client().Change(
        type, ns, slice->name,
        [&](Json& object) {
          const Json before = object;
          object["endpoints"] = At(*same, "endpoints");
          object["ports"] = At(*same, "ports");
          object["metadata"]["labels"] = At(*same, {"metadata", "labels"});
          if (object == before) return false;
          object["metadata"]["generation"] = IntAt(object, {"metadata", "generation"}, 1) + 1;
          return true;
        },
        slice->uid);
    good &= written.ok() || written.status().code == 404;
    wanted.erase(same);
  }
  for (Json& slice : wanted) good &= engine_.client().Put(type, std::move(slice)).ok();
  return good ? Next::Done() : Next::Retry();
}

}  // namespace opsmesh::kubesim
