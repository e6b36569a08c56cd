#include "libs/kubesim/behaviour/controllers/endpoints.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "libs/kubesim/objects/defaults.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

constexpr size_t kPerSlice = 100;
constexpr size_t kMostInEndpoints = 1000;  // the slices show the others
constexpr const char* kOverCapacity = "endpoints.kubernetes.io/over-capacity";
// Changes of many pods at once make one write.
constexpr absl::Duration kBatch = absl::Milliseconds(100);
constexpr const char* kTrigger = "endpoints.kubernetes.io/last-change-trigger-time";
constexpr const char* kServiceName = "kubernetes.io/service-name";
constexpr const char* kManagedBy = "endpointslice.kubernetes.io/managed-by";
constexpr const char* kController = "endpointslice-controller.k8s.io";

LabelSelector SelectorOf(const Json& service) {
  if (TextAt(service, {"spec", "type"}) == "ExternalName") return LabelSelector();
  return LabelSelector::FromMap(At(service, {"spec", "selector"}));
}

// The container port that a Service's port means in this pod; 0 when a name is not found.
int64_t TargetPort(const Json& pod, const Json& port) {
  const Json& target = At(port, "targetPort");
  if (target.is_number() && target != 0) return target.get<int64_t>();
  const std::string name = Scalar(target);
  if (target.is_null() || target == 0 || name.empty()) return IntAt(port, "port");
  const std::string protocol = TextAt(port, "protocol");
  auto find = [&](const Json& container) -> int64_t {
    for (const Json& one : ListAt(container, {"ports"})) {
      if (TextAt(one, "name") == name &&
          (TextAt(one, "protocol").empty() || TextAt(one, "protocol") == protocol))
        return IntAt(one, "containerPort");
    }
    return 0;
  };
  for (const Json& container : ListAt(pod, {"spec", "containers"})) {
    if (int64_t found = find(container)) return found;
  }
  for (const Json& container : ListAt(pod, {"spec", "initContainers"})) {  // sidecars
    if (TextAt(container, "restartPolicy") != "Always") continue;
    if (int64_t found = find(container)) return found;
  }
  return 0;
}

Json PortsOf(const Json& service, const Json& pod) {
  Json ports = Json::array();
  for (const Json& port : ListAt(service, {"spec", "ports"})) {
    const int64_t number = TargetPort(pod, port);
    if (number == 0) continue;
    Json one = {{"port", number},
                {"protocol", TextAt(port, "protocol").empty() ? "TCP" : TextAt(port, "protocol")}};
    for (const char* member : {"name", "appProtocol"}) {
      if (!TextAt(port, member).empty()) one[member] = TextAt(port, member);
    }
    ports.push_back(std::move(one));
  }
  return ports;
}

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

// The parts of a pod's change that its endpoints show.
bool Matters(const Seen& seen) {
  if (!seen.before || !seen.now || seen.before->labels != seen.now->labels) return true;
  auto differs = [&](std::initializer_list<const char*> path) {
    return At(seen.before_json, path) != At(seen.now_json, path);
  };
  return differs({"status", "podIP"}) || differs({"status", "phase"}) ||
         differs({"spec", "nodeName"}) || differs({"metadata", "deletionTimestamp"}) ||
         TextAt(ConditionOf(At(seen.before_json, "status"), "Ready"), "status") !=
             TextAt(ConditionOf(At(seen.now_json, "status"), "Ready"), "status");
}

}  // namespace

struct EndpointsController::Endpoint {
  const PodView* pod = nullptr;
  Json ports;  // [{name, port, protocol}], resolved for this pod
  bool ready = false;
  bool serving = false;
  bool terminating = false;
  std::string hostname;
};

EndpointsController::EndpointsController(Engine& engine, Pods& pods)
    : engine_(engine),
      pods_(pods),
      services_(engine.InformerOf("", "services")),
      endpoints_(engine.InformerOf("", "endpoints")),
      slices_(engine.InformerOf("discovery.k8s.io", "endpointslices")),
      nodes_(engine.InformerOf("", "nodes")),
      slices_by_label_(slices_.ByLabel()),
      selectors_(services_, SelectorOf),
      queue_(engine.AddQueue("endpoints", [this](const std::string& key) { return Sync(key); })) {
  services_.OnChange(
      [this](const Seen& seen) { queue_.Add(KeyOf(seen.any().ns, seen.any().name)); });
  pods_.informer().OnChange([this](const Seen& seen) {
    if (!Matters(seen)) return;
    for (const ObjectPtr& pod : {seen.before, seen.now}) {
      if (!pod) continue;
      for (const std::string& name : selectors_.Matching(pod->ns, pod->labels))
        AddLater(KeyOf(pod->ns, name));
    }
  });
  // Somebody else's edit or deletion is put right.
  endpoints_.OnChange([this](const Seen& seen) {
    if (seen.before) AddLater(KeyOf(seen.any().ns, seen.any().name));
  });
  slices_.OnChange([this](const Seen& seen) {
    const std::string service = TextAt(At(seen.any_json(), {"metadata", "labels"}), kServiceName);
    if (seen.before && !service.empty()) AddLater(KeyOf(seen.any().ns, service));
  });
}

// Many addresses gather their changes for longer: all of them are looked at for each write.
void EndpointsController::AddLater(const std::string& key) {
  auto known = sizes_.find(key);
  const size_t hundreds = known == sizes_.end() ? 1 : known->second / kPerSlice;
  queue_.AddAfter(key, kBatch * static_cast<int64_t>(std::clamp<size_t>(hundreds, 1, 10)));
}

std::vector<EndpointsController::Endpoint> EndpointsController::Collect(const ObjectPtr& service,
                                                                        const Json& content) {
  std::vector<Endpoint> endpoints;
  // Only a port's name means something else in each pod.
  bool by_number = true;
  for (const Json& port : ListAt(content, {"spec", "ports"}))
    by_number &= !At(port, "targetPort").is_string();
  Json same_for_all = by_number ? PortsOf(content, Json()) : Json();
  for (const PodView* pod :
       pods_.Selected(service->ns, SelectorOf(content), At(content, {"spec", "selector"}))) {
    if (pod->ip.empty() || pod->finished()) continue;
    if (!by_number) same_for_all = PortsOf(content, *engine_.Parsed(pod->object));
    Endpoint endpoint{pod, same_for_all, pod->ready && !pod->deleted, pod->ready, pod->deleted, ""};
    if (pod->subdomain == service->name) endpoint.hostname = pod->hostname;
    endpoints.push_back(std::move(endpoint));
  }
  return endpoints;
}

Next EndpointsController::Sync(const std::string& key) {
  const auto [ns, name] = SplitKey(key);
  const ObjectPtr service = services_.Get(ns, name);
  if (!service) {
    sizes_.erase(key);
    Forget(ns, name);
    return Next::Done();
  }
  const auto content = engine_.Parsed(service);
  // Without a selector somebody else writes the addresses.
  if (TextAt(*content, {"spec", "type"}) == "ExternalName" ||
      !At(*content, {"spec", "selector"}).is_object() || At(*content, {"spec", "selector"}).empty())
    return Next::Done();
  const std::vector<Endpoint> endpoints = Collect(service, *content);
  sizes_[key] = endpoints.size();
  absl::Time trigger = TimeAt(*content, {"metadata", "creationTimestamp"}, engine_.Now());
  for (const Endpoint& endpoint : endpoints) {
    if (endpoint.pod->ready) trigger = std::max(trigger, endpoint.pod->ready_since);
  }
  const bool legacy = WriteEndpoints(service, *content, endpoints, trigger);
  const bool slices = WriteSlices(service, *content, endpoints, trigger);
  return legacy && slices ? Next::Done() : Next::Retry();
}

void EndpointsController::Forget(std::string_view ns, std::string_view name) {
  if (const ObjectPtr old = endpoints_.Get(ns, name)) {
    // A Service's Endpoints go with it; those of nobody stay.
    if (TextAt(At(*engine_.Parsed(old), {"metadata", "annotations"}), kTrigger).empty()) return;
    (void)engine_.client().Delete(endpoints_.type(), ns, name, Json::object(), old->uid);
  }
}

bool EndpointsController::WriteEndpoints(const ObjectPtr& service, const Json& content,
                                         const std::vector<Endpoint>& endpoints,
                                         absl::Time trigger) {
  const bool publish = BoolAt(content, {"spec", "publishNotReadyAddresses"});
  const bool headless = TextAt(content, {"spec", "clusterIP"}) == "None";
  std::vector<const Endpoint*> shown;
  for (const Endpoint& endpoint : endpoints) {
    if (endpoint.terminating && !publish) continue;
    if (endpoint.ports.empty() && !(headless && ListAt(content, {"spec", "ports"}).empty()))
      continue;
    shown.push_back(&endpoint);
  }
  const bool truncated = shown.size() > kMostInEndpoints;
  if (truncated) {
    std::stable_partition(shown.begin(), shown.end(),
                          [](const Endpoint* one) { return one->serving; });
    shown.resize(kMostInEndpoints);
  }
  std::stable_sort(shown.begin(), shown.end(),
                   [](const Endpoint* x, const Endpoint* y) { return x->pod->ip < y->pod->ip; });
  // Each port has its addresses; ports with the same addresses share a subset.
  std::vector<std::pair<Json, Json>> by_port;  // the port, its {addresses, notReadyAddresses}
  auto place_of = [&](const Json& port) -> Json& {
    for (auto& [known, subset] : by_port) {
      if (known == port) return subset;
    }
    return by_port.emplace_back(port, Json::object()).second;
  };
  for (const Endpoint* one : shown) {
    const Endpoint& endpoint = *one;
    Json address = {{"ip", endpoint.pod->ip},
                    {"nodeName", endpoint.pod->node},
                    {"targetRef",
                     {{"kind", "Pod"},
                      {"namespace", service->ns},
                      {"name", endpoint.pod->name()},
                      {"uid", endpoint.pod->object->uid}}}};
    if (!endpoint.hostname.empty()) address["hostname"] = endpoint.hostname;
    const char* member = endpoint.pod->ready || publish ? "addresses" : "notReadyAddresses";
    if (endpoint.ports.empty()) place_of(Json())[member].push_back(address);
    for (const Json& port : endpoint.ports) place_of(port)[member].push_back(address);
  }
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
  Json labels = At(content, {"metadata", "labels"});
  if (headless) labels["service.kubernetes.io/headless"] = "";
  const ResourceType& type = endpoints_.type();
  const bool labelled = labels.is_object() && !labels.empty();
  auto right = [&](const Json& object) {
    const Json& metadata = At(object, "metadata");
    return ListAt(object, {"subsets"}) == list &&
           (labelled ? At(metadata, "labels") == labels : At(metadata, "labels").empty()) &&
           At(metadata, {"annotations", kOverCapacity}).is_string() == truncated;
  };
  auto fill = [&](Json& object) {
    if (right(object)) return false;
    if (list.empty())
      object.erase("subsets");
    else
      object["subsets"] = list;
    Json& metadata = object["metadata"];
    if (labelled)
      metadata["labels"] = labels;
    else
      metadata.erase("labels");
    if (truncated)
      metadata["annotations"][kOverCapacity] = "truncated";
    else if (At(metadata, {"annotations", kOverCapacity}).is_string())
      metadata["annotations"].erase(kOverCapacity);
    metadata["annotations"][kTrigger] = base::Rfc3339(trigger);
    return true;
  };
  if (const ObjectPtr present = engine_.store().Get(type, service->ns, service->name)) {
    if (right(*engine_.Parsed(present))) return true;
    auto written = engine_.client().Change(type, service->ns, service->name, fill);
    return written.ok() || written.status().code == 404;
  }
  Json object = {{"metadata", {{"name", service->name}, {"namespace", service->ns}}}};
  fill(object);
  object["metadata"]["annotations"][kTrigger] = base::Rfc3339(trigger);
  auto made = engine_.client().Create(type, std::move(object));
  return made.ok() || made.status().reason == "Forbidden";
}

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

bool EndpointsController::WriteSlices(const ObjectPtr& service, const Json& content,
                                      const std::vector<Endpoint>& endpoints, absl::Time trigger) {
  const bool publish = BoolAt(content, {"spec", "publishNotReadyAddresses"});
  // What should be, by ports, then by pod.
  std::map<std::string, std::map<std::string, Json>> wanted;
  std::map<std::string, Json> ports_of;
  for (const Endpoint& endpoint : endpoints) {
    const std::string ports = endpoint.ports.dump();
    ports_of[ports] = SlicePorts(endpoint.ports);
    wanted[ports][endpoint.pod->object->uid] = SliceEndpoint(endpoint, publish);
  }
  if (wanted.empty()) {
    wanted["null"];
    ports_of["null"] = Json();
  }
  // Slices that are there keep the endpoints that should stay.
  struct Slice {
    std::string name, uid;
    Json endpoints = Json::array();
    std::string ports;
    std::shared_ptr<const Json> before;
  };
  std::vector<Slice> slices;
  for (const ObjectPtr& object :
       slices_by_label_.Find(fmt::format("{}/{}={}", service->ns, kServiceName, service->name))) {
    const auto json = engine_.Parsed(object);
    const std::string manager = TextAt(At(*json, {"metadata", "labels"}), kManagedBy);
    if (manager != kController || BeingDeleted(*json)) continue;
    Slice slice{object->name, object->uid, Json::array(), EndpointPorts(At(*json, "ports")).dump(),
                json};
    auto group = wanted.find(slice.ports);
    if (group == wanted.end() && !wanted.empty() && ListAt(*json, {"endpoints"}).empty()) {
      group = wanted.begin();  // an empty slice serves any ports
      slice.ports = group->first;
    }
    if (group != wanted.end()) {
      for (const Json& endpoint : ListAt(*json, {"endpoints"})) {
        auto stays = group->second.find(TextAt(endpoint, {"targetRef", "uid"}));
        if (stays == group->second.end()) continue;
        slice.endpoints.push_back(std::move(stays->second));
        group->second.erase(stays);
      }
    }
    slices.push_back(std::move(slice));
  }
  for (auto& [ports, group] : wanted) {
    for (Slice& slice : slices) {
      if (slice.ports != ports) continue;
      while (!group.empty() && slice.endpoints.size() < kPerSlice) {
        slice.endpoints.push_back(std::move(group.begin()->second));
        group.erase(group.begin());
      }
    }
    const bool none =
        std::none_of(slices.begin(), slices.end(),
                     [&ports = ports](const Slice& slice) { return slice.ports == ports; });
    while (!group.empty() ||
           (none && wanted.size() == 1 && (slices.empty() || slices.back().ports != ports))) {
      Slice slice{"", "", Json::array(), ports, nullptr};
      while (!group.empty() && slice.endpoints.size() < kPerSlice) {
        slice.endpoints.push_back(std::move(group.begin()->second));
        group.erase(group.begin());
      }
      slices.push_back(std::move(slice));
    }
  }
  Json labels = At(content, {"metadata", "labels"});
  if (!labels.is_object()) labels = Json::object();
  labels[kServiceName] = service->name;
  labels[kManagedBy] = kController;
  if (TextAt(content, {"spec", "clusterIP"}) == "None")
    labels["service.kubernetes.io/headless"] = "";
  const ResourceType& type = slices_.type();
  size_t kept = slices.size();
  bool good = true;
  for (const Slice& slice : slices) {
    if (slice.endpoints.empty() && kept > 1) {  // one empty slice shows that there is nothing
      --kept;
      if (!slice.name.empty())
        (void)engine_.client().Delete(type, service->ns, slice.name, Json::object(), slice.uid);
      continue;
    }
    const Json ports = ports_of.contains(slice.ports) ? ports_of[slice.ports] : Json();
    if (slice.name.empty()) {
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
          {"ports", ports}};
      good &= engine_.client().Put(type, std::move(object)).ok();
      continue;
    }
    auto right = [&](const Json& object) {
      return At(object, "endpoints") == slice.endpoints && At(object, "ports") == ports &&
             At(object, {"metadata", "labels"}) == labels;
    };
    // What was seen is what is there, unless somebody wrote just now: then its echo comes by here.
    if (slice.before && right(*slice.before)) continue;
    auto written = engine_.client().Change(
        type, service->ns, slice.name,
        [&](Json& object) {
          if (right(object)) return false;
          object["endpoints"] = slice.endpoints;
          object["ports"] = ports;
          object["metadata"]["labels"] = labels;
          object["metadata"]["generation"] = IntAt(object, {"metadata", "generation"}, 1) + 1;
          object["metadata"]["annotations"][kTrigger] = base::Rfc3339(trigger);
          return true;
        },
        slice.uid);
    good &= written.ok() || written.status().code == 404;
  }
  return good;
}

}  // namespace opsmesh::kubesim
