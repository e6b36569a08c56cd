#include <algorithm>

#include <fmt/format.h>

#include "services/k8s/field_tables.h"

namespace opsmesh::k8s {
namespace {

using kube::Endpoints;
using kube::EndpointSlice;
using kube::Ingress;
using kube::NetworkPolicy;
using kube::Service;

void AppendItem(std::string& out, std::string_view item) {
  out += fmt::format("{}{}", out.empty() ? "" : ",", item);
}

std::string ServicePorts(const Service& service) {
  std::string out;
  for (const kube::ServicePort& port : service.ports) {
    const std::string_view protocol = port.protocol.empty() ? "TCP" : port.protocol;
    AppendItem(out, port.node_port ? fmt::format("{}:{}/{}", port.port, port.node_port, protocol)
                                   : fmt::format("{}/{}", port.port, protocol));
  }
  return out;
}

std::string ExternalIp(const Service& service) {
  std::string out;
  for (const kube::Str ip : service.ingress) AppendItem(out, ip);
  for (const kube::Str ip : service.external_ips) AppendItem(out, ip);
  if (!service.external_name.empty()) AppendItem(out, service.external_name);
  if (out.empty() && service.type == "LoadBalancer") return "<pending>";
  return out;
}

template <typename T>
std::string Addresses(const T& endpoints) {
  std::string out;
  size_t shown = 0;
  const size_t ready = std::count_if(endpoints.addresses.begin(), endpoints.addresses.end(),
                                     [](const auto& a) { return a.ready; });
  for (const kube::EndpointAddress& address : endpoints.addresses) {
    if (!address.ready || shown == 3) continue;
    ++shown;
    const bool one_port = endpoints.ports.size() == 1;
    AppendItem(out, one_port ? fmt::format("{}:{}", address.ip, endpoints.ports[0].port)
                             : std::string(address.ip));
  }
  if (ready > shown) out += fmt::format(" + {} more", ready - shown);
  return out;
}

template <typename T>
size_t ReadyCount(const T& endpoints) {
  return std::count_if(endpoints.addresses.begin(), endpoints.addresses.end(),
                       [](const auto& a) { return a.ready; });
}

std::string Hosts(const Ingress& ingress) {
  std::vector<kube::Str> seen;
  std::string out;
  for (const kube::IngressPath& path : ingress.paths) {
    if (std::find(seen.begin(), seen.end(), path.host) != seen.end()) continue;
    seen.push_back(path.host);
    AppendItem(out, path.host.empty() ? "*" : path.host);
  }
  return out;
}

std::string Backends(const Ingress& ingress) {
  std::string out;
  for (const kube::IngressPath& p : ingress.paths) {
    AppendItem(out, fmt::format(
                        "{}{} -> {}:{}", p.host.empty() ? "*" : p.host, p.path, p.service,
                        p.port.number ? std::to_string(*p.port.number) : std::string(p.port.name)));
  }
  return out;
}

}  // namespace

void AddNetworkFields(std::map<std::string, std::vector<Field>, std::less<>>& tables) {
  tables["services"] = {
      TextField<Service>("type", "TYPE", [](const Service& s) { return s.type; }),
      TextField<Service>("cluster_ip", "CLUSTER-IP", [](const Service& s) { return s.cluster_ip; }),
      TextField<Service>("external_ip", "EXTERNAL-IP", ExternalIp),
      TextField<Service>("ports", "PORT(S)", ServicePorts),
      AgeField(),
      TextField<Service>("selector", "SELECTOR",
                         [](const Service& s) { return JoinLabels(s.selector); }),
  };
  tables["endpoints"] = {
      TextField<Endpoints>("endpoints", "ENDPOINTS", Addresses<Endpoints>),
      AgeField(),
      CountField<Endpoints>("ready_addresses", "", ReadyCount<Endpoints>),
      CountField<Endpoints>("addresses", "", [](const Endpoints& e) { return e.addresses.size(); }),
  };
  tables["endpointslices"] = {
      TextField<EndpointSlice>("service", "SERVICE",
                               [](const EndpointSlice& e) { return e.service; }),
      TextField<EndpointSlice>("endpoints", "ENDPOINTS", Addresses<EndpointSlice>),
      AgeField(),
      CountField<EndpointSlice>("ready_addresses", "", ReadyCount<EndpointSlice>),
      CountField<EndpointSlice>("addresses", "",
                                [](const EndpointSlice& e) { return e.addresses.size(); }),
  };
  tables["ingresses"] = {
      TextField<Ingress>("class", "CLASS", [](const Ingress& i) { return i.ingress_class; }),
      TextField<Ingress>("hosts", "HOSTS", Hosts),
      TextField<Ingress>("address", "ADDRESS",
                         [](const Ingress& i) {
                           std::string out;
                           for (const kube::Str a : i.addresses) AppendItem(out, a);
                           return out;
                         }),
      TextField<Ingress>("ports", "PORTS",
                         [](const Ingress& i) { return i.tls.empty() ? "80" : "80, 443"; }),
      AgeField(),
      TextField<Ingress>("backends", "", Backends),
  };
  tables["networkpolicies"] = {
      TextField<NetworkPolicy>("pod_selector", "POD-SELECTOR",
                               [](const NetworkPolicy& n) { return ShowSelector(n.pods); }),
      AgeField(),
      BoolField<NetworkPolicy>("ingress", "",
                               [](const NetworkPolicy& n) { return n.ingress_applies; }),
      BoolField<NetworkPolicy>("egress", "",
                               [](const NetworkPolicy& n) { return n.egress_applies; }),
  };
}

}  // namespace opsmesh::k8s
