#include <fmt/format.h>

#include <set>

#include "libs/kubesim/api/printers.h"
#include "libs/kubesim/api/printers_internal.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim::printers {
namespace {

std::string LoadBalancerAddress(const Json& object) {
  std::string text;
  for (const Json& ingress : ListAt(object, {"status", "loadBalancer", "ingress"})) {
    std::string address = TextAt(ingress, "ip");
    if (address.empty()) address = TextAt(ingress, "hostname");
    if (!text.empty()) text += ",";
    text += address;
  }
  return text;
}

std::string JoinTexts(const Json& list) {
  std::string text;
  for (const Json& item : list) {
    if (!text.empty()) text += ",";
    text += Scalar(item);
  }
  return text;
}

std::string ExternalAddress(const Json& service) {
  const std::string type = TextAt(service, {"spec", "type"});
  if (type == "ExternalName") return TextAt(service, {"spec", "externalName"});
  std::string extra = JoinTexts(ListAt(service, {"spec", "externalIPs"}));
  if (type != "LoadBalancer") return OrNone(extra);
  std::string address = LoadBalancerAddress(service);
  if (!address.empty() && !extra.empty()) address += ",";
  address += extra;
  return address.empty() ? "<pending>" : address;
}

std::string ServicePorts(const Json& service) {
  std::string text;
  for (const Json& port : ListAt(service, {"spec", "ports"})) {
    if (!text.empty()) text += ",";
    text += std::to_string(IntAt(port, "port"));
    if (int64_t node_port = IntAt(port, "nodePort"); node_port > 0)
      text += fmt::format(":{}", node_port);
    const std::string protocol = TextAt(port, "protocol");
    text += "/" + (protocol.empty() ? "TCP" : protocol);
  }
  return OrNone(text);
}

}  // namespace

Cells Service(const Json& o, absl::Time now) {
  std::string type = TextAt(o, {"spec", "type"});
  return {type.empty() ? "ClusterIP" : type,
          OrNone(TextAt(o, {"spec", "clusterIP"})),
          ExternalAddress(o),
          ServicePorts(o),
          AgeOf(o, now),
          MapText(At(o, {"spec", "selector"}))};
}

Cells Endpoints(const Json& o, absl::Time now) {
  std::vector<std::string> list;
  for (const Json& subset : ListAt(o, {"subsets"})) {
    const Json& ports = ListAt(subset, {"ports"});
    for (const Json& address : ListAt(subset, {"addresses"})) {
      if (ports.empty()) list.push_back(TextAt(address, "ip"));
      for (const Json& port : ports)
        list.push_back(fmt::format("{}:{}", TextAt(address, "ip"), IntAt(port, "port")));
    }
  }
  std::string text;
  for (size_t i = 0; i < list.size() && i < 3; ++i) text += (i > 0 ? "," : "") + list[i];
  if (list.size() > 3) text += fmt::format(" + {} more...", list.size() - 3);
  return {OrNone(text), AgeOf(o, now)};
}

Cells EndpointSlice(const Json& o, absl::Time now) {
  std::string ports;
  const Json& port_list = ListAt(o, {"ports"});
  for (size_t i = 0; i < port_list.size() && i < 3; ++i) {
    const std::string number = Scalar(At(port_list[i], "port"));
    ports += (i > 0 ? "," : "") + (number.empty() ? "*" : number);
  }
  if (port_list.size() > 3) ports += fmt::format(" + {} more...", port_list.size() - 3);
  std::vector<std::string> addresses;
  for (const Json& endpoint : ListAt(o, {"endpoints"})) {
    for (const Json& address : ListAt(endpoint, {"addresses"}))
      addresses.push_back(Scalar(address));
  }
  std::string text;
  for (size_t i = 0; i < addresses.size() && i < 3; ++i) text += (i > 0 ? "," : "") + addresses[i];
  if (addresses.size() > 3) text += fmt::format(" + {} more...", addresses.size() - 3);
  auto unset = [](std::string s) { return s.empty() ? std::string("<unset>") : s; };
  return {TextAt(o, "addressType"), unset(ports), unset(text), AgeOf(o, now)};
}

Cells Ingress(const Json& o, absl::Time now) {
  std::string hosts;
  for (const Json& rule : ListAt(o, {"spec", "rules"})) {
    const std::string host = TextAt(rule, "host");
    if (host.empty()) continue;
    if (!hosts.empty()) hosts += ",";
    hosts += host;
  }
  return {OrNone(TextAt(o, {"spec", "ingressClassName"})), hosts.empty() ? "*" : hosts,
          LoadBalancerAddress(o), ListAt(o, {"spec", "tls"}).empty() ? "80" : "80, 443",
          AgeOf(o, now)};
}

}  // namespace opsmesh::kubesim::printers
