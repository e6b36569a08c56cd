// The EndpointSlices of a Service: endpoints that should stay keep their slice, new ones fill it
// up.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "libs/kubesim/behaviour/controllers/service_endpoint.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

constexpr const char* kManagedBy = "endpointslice.kubernetes.io/managed-by";
constexpr const char* kController = "endpointslice-controller.k8s.io";

// Ports of slices have a name, be it an empty one; those of Endpoints leave it out then.
Json SlicePorts(const Json& ports) {
  if (ports.empty()) return Json();
  Json named = ports;
  for (Json& port : named) {
    if (!port.contains("name")) port["name"] = "";
  }
  return named;
}

Json EndpointPorts(const Json& slice_ports) {
  Json ports = slice_ports.is_array() ? slice_ports : Json::array();
  for (Json& port : ports) {
    if (TextAt(port, "name").empty()) port.erase("name");
  }
  return ports;
}

}  // namespace

struct EndpointsController::Slice {
  std::string name, uid;  // empty: it is to be made
  Json endpoints = Json::array();
  std::string ports;                   // as text: what slices are grouped by
  Json port_list;                      // as it stands in the slice
  std::shared_ptr<const Json> before;  // as it is in the cluster
};

// What should be, by ports, then by pod; and how the slices that are there take it up.
class EndpointsController::SlicePlan {
 public:
  void Want(const Json& ports, const std::string& pod_uid, Json endpoint) {
    const std::string key = ports.dump();
    ports_of_[key] = SlicePorts(ports);
    wanted_[key][pod_uid] = std::move(endpoint);
  }

  std::vector<Slice> Fill(std::vector<Slice> slices) {
    if (wanted_.empty()) {  // one empty slice shows that there is nothing
      wanted_["null"];
      ports_of_["null"] = Json();
    }
    for (Slice& slice : slices) Keep(slice);
    for (auto& [ports, group] : wanted_) Distribute(ports, group, slices);
    for (Slice& slice : slices) {
      const auto found = ports_of_.find(slice.ports);
      if (found != ports_of_.end()) slice.port_list = found->second;
    }
    return slices;
  }

 private:
  using Group = std::map<std::string, Json>;  // endpoints by the pod's uid

  // A slice keeps the endpoints that should stay.
  void Keep(Slice& slice) {
    const Json& present = ListAt(*slice.before, {"endpoints"});
    auto group = wanted_.find(slice.ports);
    if (group == wanted_.end() && present.empty()) {
      group = wanted_.begin();  // an empty slice serves any ports
      slice.ports = group->first;
    }
    if (group == wanted_.end()) return;
    for (const Json& endpoint : present) {
      const auto stays = group->second.find(TextAt(endpoint, {"targetRef", "uid"}));
      if (stays == group->second.end()) continue;
      slice.endpoints.push_back(std::move(stays->second));
      group->second.erase(stays);
    }
  }

  static void FillUp(Group& group, Slice& slice) {
    while (!group.empty() && slice.endpoints.size() < kPerSlice) {
      slice.endpoints.push_back(std::move(group.begin()->second));
      group.erase(group.begin());
    }
  }

  void Distribute(const std::string& ports, Group& group, std::vector<Slice>& slices) const {
    bool any = false;
    for (Slice& slice : slices) {
      if (slice.ports != ports) continue;
      any = true;
      FillUp(group, slice);
    }
    bool needed = !any && wanted_.size() == 1;
    while (!group.empty() || needed) {
      Slice slice;
      slice.ports = ports;
      FillUp(group, slice);
      slices.push_back(std::move(slice));
      needed = false;
    }
  }

  std::map<std::string, Group> wanted_;
  std::map<std::string, Json> ports_of_;
};

Json EndpointsController::SliceEndpoint(const Endpoint& endpoint, bool publish) {
  Json one = {{"addresses", {endpoint.pod->ip}},
              {"conditions",
               {{"ready", publish || endpoint.ready},
                {"serving", endpoint.serving},
                {"terminating", endpoint.terminating}}},
              {"targetRef",
               {{"kind", "Pod"},
                {"namespace", endpoint.pod->object->ns},
                {"name", endpoint.pod->name()},
                {"uid", endpoint.pod->object->uid}}}};
  if (!endpoint.hostname.empty()) one["hostname"] = endpoint.hostname;
  if (endpoint.pod->node.empty()) return one;
  one["nodeName"] = endpoint.pod->node;
  if (const ObjectPtr node = nodes_.Get("", endpoint.pod->node)) {
    for (const auto& [key, value] : node->labels) {
      if (key == "topology.kubernetes.io/zone") one["zone"] = value;
    }
  }
  return one;
}

std::vector<EndpointsController::Slice> EndpointsController::SlicesOf(const Object& service) {
  std::vector<Slice> slices;
  for (const ObjectPtr& object :
       slices_by_label_.Find(fmt::format("{}/{}={}", service.ns, kServiceName, service.name))) {
    const auto json = engine_.Parsed(object);
    const std::string manager = TextAt(At(*json, {"metadata", "labels"}), kManagedBy);
    if (manager != kController || BeingDeleted(*json)) continue;
    Slice slice;
    slice.name = object->name;
    slice.uid = object->uid;
    slice.ports = EndpointPorts(At(*json, "ports")).dump();
    slice.before = json;
    slices.push_back(std::move(slice));
  }
  return slices;
}

bool EndpointsController::CreateSlice(const ObjectPtr& service, const Slice& slice,
                                      const Json& labels, absl::Time trigger) {
  Json object = {
      {"metadata",
       {{"namespace", service->ns},
        {"generateName", service->name + "-"},
        {"labels", labels},
        {"generation", 1},
        {"annotations", {{kTrigger, base::Rfc3339(trigger)}}},
        {"ownerReferences", Json::array({ControllerReference(services_.type(), *service)})}}},
      {"addressType", "IPv4"},
      {"endpoints", slice.endpoints},
      {"ports", slice.port_list}};
  return engine_.client().Put(slices_.type(), std::move(object)).ok();
}

bool EndpointsController::UpdateSlice(const ObjectPtr& service, const Slice& slice,
                                      const Json& labels, absl::Time trigger) {
  const auto right = [&](const Json& object) {
    return At(object, "endpoints") == slice.endpoints && At(object, "ports") == slice.port_list &&
           At(object, {"metadata", "labels"}) == labels;
  };
  // What was seen is what is there, unless somebody wrote just now: then its echo comes by here.
  if (right(*slice.before)) return true;
  auto written = engine_.client().Change(
      slices_.type(), service->ns, slice.name,
      [&](Json& object) {
        if (right(object)) return false;
        object["endpoints"] = slice.endpoints;
        object["ports"] = slice.port_list;
        object["metadata"]["labels"] = labels;
        object["metadata"]["generation"] = IntAt(object, {"metadata", "generation"}, 1) + 1;
        object["metadata"]["annotations"][kTrigger] = base::Rfc3339(trigger);
        return true;
      },
      slice.uid);
  return written.ok() || written.status().code == 404;
}

bool EndpointsController::WriteSlices(const ObjectPtr& service, const Json& content,
                                      const std::vector<Endpoint>& endpoints, absl::Time trigger) {
  const bool publish = BoolAt(content, {"spec", "publishNotReadyAddresses"});
  SlicePlan plan;
  for (const Endpoint& endpoint : endpoints)
    plan.Want(endpoint.ports, endpoint.pod->object->uid, SliceEndpoint(endpoint, publish));
  const std::vector<Slice> slices = plan.Fill(SlicesOf(*service));
  Json labels = At(content, {"metadata", "labels"});
  if (!labels.is_object()) labels = Json::object();
  labels[kServiceName] = service->name;
  labels[kManagedBy] = kController;
  if (TextAt(content, {"spec", "clusterIP"}) == "None")
    labels["service.kubernetes.io/headless"] = "";
  size_t kept = slices.size();
  bool good = true;
  for (const Slice& slice : slices) {
    if (slice.endpoints.empty() && kept > 1) {  // one empty slice shows that there is nothing
      --kept;
      if (!slice.name.empty())
        (void)engine_.client().Delete(slices_.type(), service->ns, slice.name, Json::object(),
                                      slice.uid);
    } else if (slice.name.empty()) {
      good &= CreateSlice(service, slice, labels, trigger);
    } else {
      good &= UpdateSlice(service, slice, labels, trigger);
    }
  }
  return good;
}

}  // namespace opsmesh::kubesim
