#include "libs/kubesim/api/service_addresses.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <set>

#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

constexpr const char* kServiceRange = "10.96.0.0/12";
constexpr int64_t kFirstNodePort = 30000, kLastNodePort = 32767;

bool InServiceRange(const std::string& ip) {
  unsigned first = 0, second = 0, rest = 0;
  return std::sscanf(ip.c_str(), "%u.%u.%u", &first, &second, &rest) == 3 && first == 10 &&
         second >= 96 && second < 112;
}

std::string TypeOf(const Json& service) { return TextAt(service, {"spec", "type"}); }

bool NeedsClusterIp(const Json& service) { return TypeOf(service) != "ExternalName"; }

bool HasPortsOutside(const Json& service) {
  const std::string type = TypeOf(service);
  return type == "NodePort" || type == "LoadBalancer";
}

// A balancer may be told to do without node ports.
bool AllocatesNodePorts(const Json& service) {
  return TypeOf(service) == "NodePort" ||
         (TypeOf(service) == "LoadBalancer" &&
          BoolAt(service, {"spec", "allocateLoadBalancerNodePorts"}, true));
}

bool IsReachedFromOutside(const Json& service) {
  return HasPortsOutside(service) ||
         (TypeOf(service) == "ClusterIP" && !ListAt(service, {"spec", "externalIPs"}).empty());
}

bool NeedsHealthCheck(const Json& service) {
  return TypeOf(service) == "LoadBalancer" &&
         TextAt(service, {"spec", "externalTrafficPolicy"}) == "Local";
}

std::set<int64_t> NodePortsOf(const Json& service) {
  std::set<int64_t> ports;
  for (const Json& port : ListAt(service, {"spec", "ports"})) {
    if (const int64_t number = IntAt(port, "nodePort"); number != 0) ports.insert(number);
  }
  return ports;
}

// The node ports of a cluster's Services, and which of them are given out meanwhile.
class NodePorts {
 public:
  NodePorts(const Cluster& cluster, bool dry_run) : cluster_(cluster), dry_run_(dry_run) {
    for (const ObjectPtr& object :
         cluster.store.List(MustFind(cluster.store, "", "v1", "services")).objects) {
      const Json service = object->Parse();
      used_.merge(NodePortsOf(service));
      if (const int64_t check = IntAt(service, {"spec", "healthCheckNodePort"}); check != 0)
        used_.insert(check);
    }
  }

  /// Why a port cannot be had; "" takes it.
  std::string Take(int64_t port) {
    if (!dry_run_ && (port < kFirstNodePort || port > kLastNodePort))
      return fmt::format(
          "provided port is not in the valid range. The range of valid ports is {}-{}",
          kFirstNodePort, kLastNodePort);
    return used_.insert(port).second ? "" : "provided port is already allocated";
  }

  /// 0 when none is left.
  int64_t TakeAny() {
    constexpr int64_t kAll = kLastNodePort - kFirstNodePort + 1;
    const auto start = static_cast<int64_t>(cluster_.store.ids().Random() % kAll);
    for (int64_t i = 0; i < kAll; ++i) {
      const int64_t port = kFirstNodePort + (start + i) % kAll;
      if (used_.insert(port).second) return port;
    }
    return 0;
  }

 private:
  const Cluster& cluster_;
  const bool dry_run_;
  std::set<int64_t> used_;
};

ApiStatus RefusedPort(const Json& service, size_t index, int64_t port, const std::string& why) {
  return InvalidStatus("", "Service", TextAt(service, {"metadata", "name"}),
                       {{"FieldValueInvalid", fmt::format("Invalid value: {}: {}", port, why),
                         fmt::format("spec.ports[{}].nodePort", index)}});
}

ApiStatus InternalError(const std::string& why) {
  ApiStatus status = InternalStatus("Internal error occurred: " + why);
  status.reason = "InternalError";
  status.has_details = true;
  status.causes.push_back({"", why, ""});
  return status;
}

ApiStatus NoPortLeft() { return InternalError("failed to allocate a nodePort: range is full"); }

// Ports of one number share a node port when a Service is made: UDP and TCP of one server.
MaybeStatus GiveNewPorts(NodePorts& free, Json& service) {
  std::map<int64_t, int64_t> given, chosen;  // node ports by port: those of this Service, and which
  Json& ports = service["spec"]["ports"];    // its writer chose, the first of each
  for (const Json& port : ports) {
    if (const int64_t asked = IntAt(port, "nodePort"); asked != 0)
      chosen.try_emplace(IntAt(port, "port"), asked);
  }
  for (size_t i = 0; i < ports.size(); ++i) {
    if (!ports[i].is_object()) continue;
    const int64_t asked = IntAt(ports[i], "nodePort"), number = IntAt(ports[i], "port");
    if (asked == 0 && !AllocatesNodePorts(service)) continue;
    int64_t& shared = given[number];
    if (shared == 0) {
      if (const auto found = chosen.find(number); found != chosen.end()) shared = found->second;
      if (shared != 0) {
        if (const std::string why = free.Take(shared); !why.empty())
          return RefusedPort(service, i, shared, why);
      } else {
        shared = free.TakeAny();
        if (shared == 0) return NoPortLeft();
      }
      ports[i]["nodePort"] = shared;
    } else if (asked == 0) {
      ports[i]["nodePort"] = shared;
    } else if (asked != shared) {
      if (const std::string why = free.Take(asked); !why.empty())
        return RefusedPort(service, i, asked, why);
    }
  }
  return std::nullopt;
}

MaybeStatus GiveChangedPorts(NodePorts& free, Json& service, const Json& before) {
  std::set<int64_t> own = NodePortsOf(before);
  std::set<std::string> seen;
  Json& ports = service["spec"]["ports"];
  for (size_t i = 0; i < ports.size(); ++i) {
    if (!ports[i].is_object()) continue;
    int64_t port = IntAt(ports[i], "nodePort");
    if (port == 0 && !AllocatesNodePorts(service)) continue;
    if (port == 0) {
      port = free.TakeAny();
      if (port == 0) return NoPortLeft();
      ports[i]["nodePort"] = port;
    } else if (!own.contains(port)) {
      if (const std::string why = free.Take(port); !why.empty())
        return RefusedPort(service, i, port, why);
      own.insert(port);
    }
    const std::string named = fmt::format("{} {}", TextAt(ports[i], "protocol"), port);
    if (!seen.insert(named).second)
      return InternalStatus(fmt::format("duplicate nodePort: {{{}}}", named));
  }
  return std::nullopt;
}

MaybeStatus GivePorts(const Cluster& cluster, Json& service, const Json& before, bool dry_run) {
  const bool outside = HasPortsOutside(service) && At(service, {"spec", "ports"}).is_array();
  const bool check = NeedsHealthCheck(service) && !NeedsHealthCheck(before);
  if (!outside && !check) return std::nullopt;
  NodePorts free(cluster, dry_run);
  if (outside) {
    auto refused =
        before.is_object() ? GiveChangedPorts(free, service, before) : GiveNewPorts(free, service);
    if (refused) return refused;
  }
  if (!check) return std::nullopt;
  const int64_t asked = IntAt(service, {"spec", "healthCheckNodePort"});
  if (asked == 0) {
    service["spec"]["healthCheckNodePort"] = free.TakeAny();
  } else if (const std::string why = free.Take(asked); !why.empty()) {
    return InternalError(
        fmt::format("failed to allocate requested HealthCheck NodePort {}: {}", asked, why));
  }
  return std::nullopt;
}

std::string FreeAddress(const Cluster& cluster) {
  std::set<std::string> used;
  for (const ObjectPtr& object :
       cluster.store.List(MustFind(cluster.store, "", "v1", "services")).objects) {
    used.insert(TextAt(object->Parse(), {"spec", "clusterIP"}));
  }
  std::string ip;
  do {
    const uint64_t bits = cluster.store.ids().Random();
    ip = fmt::format(  // of kServiceRange
        "10.{}.{}.{}", 96 + bits % 16, (bits >> 8) % 256, 1 + (bits >> 16) % 254);
  } while (used.contains(ip));
  return ip;
}

// Who is nobody's address and chooses no pods may be of both families, whatever the cluster is.
void FillFamilies(Json& spec) {
  const bool free = TextAt(spec, "clusterIP") == "None" && At(spec, "selector").empty();
  if (At(spec, "ipFamilyPolicy").is_null())
    spec["ipFamilyPolicy"] = free ? "RequireDualStack" : "SingleStack";
  if (ListAt(spec, {"ipFamilies"}).empty())
    spec["ipFamilies"] = {TextAt(spec, "clusterIP").find(':') == std::string::npos ? "IPv4"
                                                                                   : "IPv6"};
  if (free && TextAt(spec, "ipFamilyPolicy") != "SingleStack" && spec["ipFamilies"].size() < 2)
    spec["ipFamilies"].push_back(spec["ipFamilies"][0] == "IPv4" ? "IPv6" : "IPv4");
}

// Node ports are kept by the port's name, where no other port took them.
void KeepNodePorts(const Json& before, Json& ports) {
  std::set<int64_t> used;
  for (const Json& port : ports) used.insert(IntAt(port, "nodePort"));
  std::map<std::string, int64_t> kept;  // of ports of one name the last counts
  for (const Json& old : ListAt(before, {"spec", "ports"})) {
    const int64_t number = IntAt(old, "nodePort");
    if (number != 0 && !used.contains(number)) kept[TextAt(old, "name")] = number;
  }
  for (Json& port : ports) {
    if (!port.is_object() || IntAt(port, "nodePort") != 0) continue;
    if (const auto old = kept.find(TextAt(port, "name")); old != kept.end())
      port["nodePort"] = old->second;
  }
}

// Whoever writes one of clusterIP and clusterIPs means both.
void AlignAddresses(const Json& before, Json& spec) {
  const std::string ip = TextAt(spec, "clusterIP"), old = TextAt(before, {"spec", "clusterIP"});
  if (ip == old || At(spec, "clusterIPs") != At(before, {"spec", "clusterIPs"}) ||
      ListAt(spec, {"clusterIPs"}).empty())
    return;
  if (ip.empty())
    spec.erase("clusterIPs");
  else
    spec["clusterIPs"][0] = ip;
}

void DropNodePorts(const Json& before, Json& service) {
  const std::set<int64_t> old = NodePortsOf(before), now = NodePortsOf(service);
  if (!std::includes(old.begin(), old.end(), now.begin(), now.end())) return;
  if (!At(service, {"spec", "ports"}).is_array()) return;
  for (Json& port : service["spec"]["ports"]) {
    if (port.is_object()) port.erase("nodePort");
  }
}

// What a Service had only because of its type goes with the type, unless the writer changed it.
void DropWithType(const Json& before, Json& service) {
  Json& spec = service["spec"];
  auto drop = [&](std::initializer_list<const char*> members) {
    const bool same = std::all_of(members.begin(), members.end(), [&](const char* member) {
      return At(spec, member) == At(before, {"spec", member});
    });
    if (!same) return;
    for (const char* member : members) spec.erase(member);
  };
  if (NeedsClusterIp(before) && !NeedsClusterIp(service)) {
    drop({"clusterIP", "clusterIPs"});
    drop({"ipFamilies"});
    drop({"ipFamilyPolicy"});
  }
  if (HasPortsOutside(before) && !HasPortsOutside(service)) DropNodePorts(before, service);
  if (NeedsHealthCheck(before) && !NeedsHealthCheck(service)) drop({"healthCheckNodePort"});
  if (TypeOf(before) == "LoadBalancer" && TypeOf(service) != "LoadBalancer") {
    drop({"allocateLoadBalancerNodePorts"});
    drop({"loadBalancerClass"});
  }
  if (IsReachedFromOutside(before) && !IsReachedFromOutside(service))
    drop({"externalTrafficPolicy"});
  if (TypeOf(service) != "LoadBalancer" && service.contains("status"))
    service["status"]["loadBalancer"] = Json::object();
}

}  // namespace

void KeepAllocated(const Json& before, Json& service) {
  if (service["spec"].is_null()) service["spec"] = Json::object();
  if (!service["spec"].is_object()) return;
  Json& spec = service["spec"];
  if (TextAt(spec, "type").empty()) spec["type"] = "ClusterIP";
  if (NeedsClusterIp(service) && NeedsClusterIp(before)) {
    AlignAddresses(before, spec);
    for (const char* member : {"clusterIP", "ipFamilies", "ipFamilyPolicy"}) {
      const Json& old = At(before, {"spec", member});
      if (At(spec, member).empty() && !old.is_null()) spec[member] = old;
    }
    const bool same = TextAt(spec, "clusterIP") == TextAt(before, {"spec", "clusterIP"});
    if (ListAt(spec, {"clusterIPs"}).empty() && !TextAt(spec, "clusterIP").empty())
      spec["clusterIPs"] =
          same ? At(before, {"spec", "clusterIPs"}) : Json::array({spec["clusterIP"]});
  }
  if (AllocatesNodePorts(before) && AllocatesNodePorts(service) && At(spec, "ports").is_array())
    KeepNodePorts(before, spec["ports"]);
  if (NeedsHealthCheck(before) && NeedsHealthCheck(service) &&
      IntAt(spec, "healthCheckNodePort") == 0 &&
      IntAt(before, {"spec", "healthCheckNodePort"}) != 0)
    spec["healthCheckNodePort"] = before["spec"]["healthCheckNodePort"];
  DropWithType(before, service);
}

MaybeStatus Allocate(const Cluster& cluster, Json& service, const Json& before, bool dry_run) {
  if (!service["spec"].is_object()) return std::nullopt;
  Json& spec = service["spec"];
  if (!NeedsClusterIp(service)) {
    // Kept of it in a real store, never shown. Another word than the two is left to be refused.
    const std::string policy = TextAt(spec, "internalTrafficPolicy");
    if (policy == "Cluster" || policy == "Local") spec.erase("internalTrafficPolicy");
    return std::nullopt;
  }
  std::string ip = TextAt(spec, "clusterIP");
  const Json& families = ListAt(spec, {"ipFamilies"});
  const bool other = std::find(families.begin(), families.end(), "IPv6") != families.end();
  if (ip.empty() && (other || !ListAt(spec, {"clusterIPs"}).empty()))
    return std::nullopt;  // will be refused
  if (ip.empty()) {
    ip = FreeAddress(cluster);
    spec["clusterIP"] = ip;
  }
  if (!spec.contains("clusterIPs")) spec["clusterIPs"] = {ip};
  FillFamilies(spec);
  return GivePorts(cluster, service, before, dry_run);
}

MaybeStatus CheckClusterAddress(const Cluster& cluster, const Call& call, const Json& service,
                                const Json& before) {
  const std::string ip = TextAt(service, {"spec", "clusterIP"}),
                    name = TextAt(service, {"metadata", "name"});
  if (ip.empty() || ip == "None" || ip.find(':') != std::string::npos ||
      ip == TextAt(before, {"spec", "clusterIP"}))
    return std::nullopt;
  std::string why;
  if (!InServiceRange(ip)) {
    why =
        fmt::format("the provided IP ({}) is not in the valid range. The range of valid IPs is {}",
                    ip, kServiceRange);
  }
  for (const ObjectPtr& other :
       cluster.store.List(MustFind(cluster.store, "", "v1", "services")).objects) {
    if ((other->name != name || other->ns != call.info.ns) &&
        TextAt(other->Parse(), {"spec", "clusterIP"}) == ip)
      why = "provided IP is already allocated";
  }
  if (why.empty()) return std::nullopt;
  return InvalidStatus("", "Service", name,
                       {{"FieldValueInvalid",
                         fmt::format("Invalid value: []string{{\"{0}\"}}: failed to allocate IP "
                                     "{0}: {1}",
                                     ip, why),
                         "spec.clusterIPs"}});
}

}  // namespace opsmesh::kubesim
