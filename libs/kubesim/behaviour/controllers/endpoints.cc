#include "libs/kubesim/behaviour/controllers/endpoints.h"

#include <algorithm>

#include "libs/kubesim/behaviour/controllers/service_endpoint.h"
#include "libs/kubesim/objects/defaults.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

// Changes of many pods at once make one write.
constexpr absl::Duration kBatch = absl::Milliseconds(100);

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
  // Endpoints that somebody deletes come again, an edit stays until something else changes; slices
  // are put right at once.
  endpoints_.OnChange([this](const Seen& seen) {
    if (!seen.now) AddLater(KeyOf(seen.any().ns, seen.any().name));
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

}  // namespace opsmesh::kubesim
