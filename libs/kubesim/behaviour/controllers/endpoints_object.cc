// The Endpoints object of a Service: addresses grouped by the ports they share.
#include <algorithm>
#include <utility>
#include <vector>

#include "libs/kubesim/behaviour/controllers/service_endpoint.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

constexpr size_t kMostInEndpoints = 1000;  // the slices show the others
constexpr const char* kOverCapacity = "endpoints.kubernetes.io/over-capacity";

bool Headless(const Json& service) { return TextAt(service, {"spec", "clusterIP"}) == "None"; }

bool PublishesUnready(const Json& service) {
  return BoolAt(service, {"spec", "publishNotReadyAddresses"});
}

Json AddressOf(const PodView& pod, const std::string& hostname) {
  Json address = {{"ip", pod.ip},
                  {"nodeName", pod.node},
                  {"targetRef",
                   {{"kind", "Pod"},
                    {"namespace", pod.object->ns},
                    {"name", pod.name()},
                    {"uid", pod.object->uid}}}};
  if (!hostname.empty()) address["hostname"] = hostname;
  return address;
}

using ByPort = std::vector<std::pair<Json, Json>>;  // the port, its {addresses, notReadyAddresses}

Json& PlaceOf(ByPort& by_port, const Json& port) {
  for (auto& [known, subset] : by_port) {
    if (known == port) return subset;
  }
  return by_port.emplace_back(port, Json::object()).second;
}

// Ports with the same addresses share a subset.
Json SubsetsOf(ByPort by_port) {
  std::vector<Json> subsets;
  for (auto& [port, addresses] : by_port) {
    Json subset = std::move(addresses);
    auto same = std::find_if(subsets.begin(), subsets.end(), [&](const Json& known) {
      return At(known, "addresses") == At(subset, "addresses") &&
             At(known, "notReadyAddresses") == At(subset, "notReadyAddresses") &&
             known.contains("ports") == port.is_object();
    });
    if (same == subsets.end()) same = subsets.insert(subsets.end(), std::move(subset));
    if (port.is_object()) (*same)["ports"].push_back(port);
  }
  Json list = Json::array();
  for (Json& subset : subsets) list.push_back(std::move(subset));
  return list;
}

// What an Endpoints object should say.
struct Wanted {
  Json subsets;
  Json labels;
  bool truncated = false;

  bool Labelled() const { return labels.is_object() && !labels.empty(); }

  bool Is(const Json& object) const {
    const Json& metadata = At(object, "metadata");
    return ListAt(object, {"subsets"}) == subsets &&
           (Labelled() ? At(metadata, "labels") == labels : At(metadata, "labels").empty()) &&
           At(metadata, {"annotations", kOverCapacity}).is_string() == truncated;
  }

  void Write(Json& object) const {
    if (subsets.empty())
      object.erase("subsets");
    else
      object["subsets"] = subsets;
    Json& metadata = object["metadata"];
    if (Labelled())
      metadata["labels"] = labels;
    else
      metadata.erase("labels");
    if (truncated)
      metadata["annotations"][kOverCapacity] = "truncated";
    else if (At(metadata, {"annotations", kOverCapacity}).is_string())
      metadata["annotations"].erase(kOverCapacity);
  }
};

}  // namespace

std::vector<const EndpointsController::Endpoint*> EndpointsController::ShownInEndpoints(
    const Json& content, const std::vector<Endpoint>& endpoints, bool* truncated) const {
  const bool without_ports = Headless(content) && ListAt(content, {"spec", "ports"}).empty();
  std::vector<const Endpoint*> shown;
  for (const Endpoint& endpoint : endpoints) {
    if (endpoint.terminating && !PublishesUnready(content)) continue;
    if (endpoint.ports.empty() && !without_ports) continue;
    shown.push_back(&endpoint);
  }
  *truncated = shown.size() > kMostInEndpoints;
  if (*truncated) {
    std::stable_partition(shown.begin(), shown.end(),
                          [](const Endpoint* one) { return one->serving; });
    shown.resize(kMostInEndpoints);
  }
  std::stable_sort(shown.begin(), shown.end(),
                   [](const Endpoint* x, const Endpoint* y) { return x->pod->ip < y->pod->ip; });
  return shown;
}

bool EndpointsController::WriteEndpoints(const ObjectPtr& service, const Json& content,
                                         const std::vector<Endpoint>& endpoints,
                                         absl::Time trigger) {
  Wanted wanted;
  ByPort by_port;
  for (const Endpoint* endpoint : ShownInEndpoints(content, endpoints, &wanted.truncated)) {
    const Json address = AddressOf(*endpoint->pod, endpoint->hostname);
    const bool ready = endpoint->pod->ready || PublishesUnready(content);
    const char* member = ready ? "addresses" : "notReadyAddresses";
    if (endpoint->ports.empty()) PlaceOf(by_port, Json())[member].push_back(address);
    for (const Json& port : endpoint->ports) PlaceOf(by_port, port)[member].push_back(address);
  }
  wanted.subsets = SubsetsOf(std::move(by_port));
  wanted.labels = At(content, {"metadata", "labels"});
  if (Headless(content)) wanted.labels["service.kubernetes.io/headless"] = "";
  const auto fill = [&](Json& object) {
    if (wanted.Is(object)) return false;
    wanted.Write(object);
    object["metadata"]["annotations"][kTrigger] = base::Rfc3339(trigger);
    return true;
  };
  const ResourceType& type = endpoints_.type();
  if (const ObjectPtr present = engine_.store().Get(type, service->ns, service->name)) {
    if (wanted.Is(*engine_.Parsed(present))) return true;
    auto written = engine_.client().Change(type, service->ns, service->name, fill);
    return written.ok() || written.status().code == 404;
  }
  Json object = {{"metadata", {{"name", service->name}, {"namespace", service->ns}}}};
  fill(object);
  object["metadata"]["annotations"][kTrigger] = base::Rfc3339(trigger);
  auto made = engine_.client().Create(type, std::move(object));
  return made.ok() || made.status().reason == "Forbidden";
}

}  // namespace opsmesh::kubesim
