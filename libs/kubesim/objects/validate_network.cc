// Services, endpoints, ingresses and network policies: what a real server refuses.
#include <arpa/inet.h>
#include <fmt/format.h>

#include <set>

#include "libs/base/strings.h"
#include "libs/kubesim/objects/validate_pod.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

void Address(Causes& causes, const Json& address, const std::string& at) {
  const std::string ip = TextAt(address, "ip"), host = TextAt(address, "hostname");
  if (!ValidIp(ip))
    InvalidText(causes, at + ".ip", ip,
                "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)");
  if (!host.empty()) InvalidText(causes, at + ".hostname", host, LabelFault(host));
  if (const Json& node = At(address, "nodeName"); node.is_string())
    InvalidText(causes, at + ".nodeName", Scalar(node), SubdomainFault(Scalar(node)));
  ValidateUsualIp(causes, ip, at + ".ip");
}

void EndpointPort(Causes& causes, const Json& port, bool named, const std::string& at) {
  const std::string name = TextAt(port, "name");
  if (named && name.empty())
    Required(causes, at + ".name");
  else if (!name.empty())
    InvalidText(causes, at + ".name", name, LabelFault(name));
  ValidatePortNumber(causes, at + ".port", IntAt(port, "port"));
  OneOfNeeded(causes, at + ".protocol", TextAt(port, "protocol"), {"SCTP", "TCP", "UDP"});
  if (const Json& protocol = At(port, "appProtocol"); protocol.is_string())
    InvalidText(causes, at + ".appProtocol", Scalar(protocol), QualifiedFault(Scalar(protocol)));
}

void ValidateEndpoints(Causes& causes, const Json& object) {
  const Json& subsets = ListAt(object, {"subsets"});
  for (size_t s = 0; s < subsets.size(); ++s) {
    const std::string at = fmt::format("subsets[{}]", s);
    if (ListAt(subsets[s], {"addresses"}).empty() &&
        ListAt(subsets[s], {"notReadyAddresses"}).empty())
      Required(causes, at, "must specify `addresses` or `notReadyAddresses`");
    for (const char* list : {"addresses", "notReadyAddresses"}) {
      const Json& addresses = ListAt(subsets[s], {list});
      for (size_t i = 0; i < addresses.size(); ++i)
        Address(causes, addresses[i], fmt::format("{}.{}[{}]", at, list, i));
    }
    const Json& ports = ListAt(subsets[s], {"ports"});
    for (size_t i = 0; i < ports.size(); ++i)
      EndpointPort(causes, ports[i], ports.size() > 1, fmt::format("{}.ports[{}]", at, i));
  }
}

// What is named by group, kind and name.
void TypedReference(Causes& causes, const Json& reference, const std::string& at) {
  if (const Json& group = At(reference, "apiGroup"); group.is_string())
    InvalidText(causes, at + ".apiGroup", Scalar(group), SubdomainFault(Scalar(group)));
  for (const char* member : {"kind", "name"})
    NeededSegment(causes, fmt::format("{}.{}", at, member), TextAt(reference, member),
                  fmt::format("{} is required", member));
}

void ValidateBackend(Causes& causes, const Json& backend, const std::string& at) {
  const Json& service = At(backend, "service");
  const bool resource = At(backend, "resource").is_object();
  if (!service.is_object() && resource) {
    TypedReference(causes, backend["resource"], at + ".resource");
  } else if (service.is_object() && resource) {
    InvalidText(causes, at, "", "cannot set both resource and service backends");
  } else if (service.is_object()) {
    const std::string name = TextAt(service, "name");
    if (name.empty()) {
      Required(causes, at + ".service.name");
    } else if (auto fault = Label1035Fault(name); !fault.empty()) {
      InvalidText(causes, at + ".service.name", name, fault);
    }
    const std::string port_name = TextAt(service, {"port", "name"});
    const int64_t number = IntAt(service, {"port", "number"});
    if (!port_name.empty() && number != 0) {
      InvalidText(causes, at, "", "cannot set both port name & port number");
    } else if (port_name.empty() && number == 0) {
      Required(causes, at, "port name or number is required");
    } else if (!port_name.empty()) {
      InvalidText(causes, at + ".service.port.name", port_name, PortNameFault(port_name));
    } else {
      ValidatePortNumber(causes, at + ".service.port.number", number);
    }
  } else {
    InvalidText(causes, at, "", "resource or service backend is required");
  }
}

Faults HostFault(const std::string& host) {
  return host.find('*') == std::string::npos ? SubdomainFault(host) : WildcardFault(host);
}

void PathOf(Causes& causes, const std::string& path, const std::string& type,
            const std::string& at) {
  OneOf(causes, at + ".pathType", type, {"Exact", "ImplementationSpecific", "Prefix"});
  const bool strict = type == "Exact" || type == "Prefix";
  if (!strict && type != "ImplementationSpecific") return;
  if ((strict || !path.empty()) && !path.starts_with("/"))
    InvalidText(causes, at + ".path", path, "must be an absolute path");
  if (!strict) return;
  for (const char* part : {"//", "/./", "/../", "%2f", "%2F"}) {
    if (path.find(part) != std::string::npos)
      InvalidText(causes, at + ".path", path, fmt::format("must not contain '{}'", part));
  }
  for (const char* end : {"/..", "/."}) {
    if (path.ends_with(end))
      InvalidText(causes, at + ".path", path, fmt::format("cannot end with '{}'", end));
  }
}

void CertificatesOf(Causes& causes, const Json& spec) {
  const Json& tls = ListAt(spec, {"tls"});
  for (size_t i = 0; i < tls.size(); ++i) {
    const std::string at = fmt::format("spec.tls[{}]", i), secret = TextAt(tls[i], "secretName");
    const Json& hosts = ListAt(tls[i], {"hosts"});
    for (size_t n = 0; n < hosts.size(); ++n)
      InvalidText(causes, fmt::format("{}.hosts[{}]", at, n), Scalar(hosts[n]),
                  HostFault(Scalar(hosts[n])));
    if (!secret.empty()) InvalidText(causes, at + ".secretName", secret, SubdomainFault(secret));
  }
}

void ValidateIngress(Causes& causes, const Json& object) {
  const Json& spec = At(object, "spec");
  const Json& rules = ListAt(spec, {"rules"});
  const Json& fallback = At(spec, "defaultBackend");
  if (rules.empty() && !fallback.is_object())
    Invalid(causes, "spec", "[]networking.IngressRule(nil)",
            "either `defaultBackend` or `rules` must be specified");
  if (fallback.is_object()) ValidateBackend(causes, fallback, "spec.defaultBackend");
  for (size_t r = 0; r < rules.size(); ++r) {
    const std::string at = fmt::format("spec.rules[{}]", r), host = TextAt(rules[r], "host");
    if (ValidIp(host))
      InvalidText(causes, at + ".host", host, "must be a DNS name, not an IP address");
    if (!host.empty()) InvalidText(causes, at + ".host", host, HostFault(host));
    const Json& http = At(rules[r], "http");
    const Json& paths = ListAt(http, {"paths"});
    if (http.is_object() && paths.empty()) Required(causes, at + ".http.paths");
    for (size_t p = 0; p < paths.size(); ++p) {
      const std::string here = fmt::format("{}.http.paths[{}]", at, p),
                        path = TextAt(paths[p], "path"), type = TextAt(paths[p], "pathType");
      if (At(paths[p], "pathType").is_null()) {
        Required(causes, here + ".pathType", "pathType must be specified");
        continue;
      }
      PathOf(causes, path, type, here);
      ValidateBackend(causes, At(paths[p], "backend"), here + ".backend");
    }
  }
  CertificatesOf(causes, spec);
  if (const Json& name = At(spec, "ingressClassName"); name.is_string())
    InvalidText(causes, "spec.ingressClassName", Scalar(name), SubdomainFault(Scalar(name)));
}

// The first `bits` bits of both addresses are the same; false for different families.
bool SamePrefix(const std::string& one, const std::string& other, int bits) {
  for (int family : {AF_INET, AF_INET6}) {
    unsigned char a[16] = {}, b[16] = {};
    if (inet_pton(family, one.c_str(), a) != 1 || inet_pton(family, other.c_str(), b) != 1)
      continue;
    for (int bit = 0; bit < bits; ++bit) {
      if (((a[bit / 8] ^ b[bit / 8]) >> (7 - bit % 8)) & 1) return false;
    }
    return true;
  }
  return false;
}

// What a block leaves out lies within it, and is smaller.
void ValidateExceptions(Causes& causes, const Json& block, const std::string& cidr,
                        const std::string& at) {
  const size_t slash = cidr.find('/');
  const int bits = std::stoi(cidr.substr(slash + 1));
  const Json& list = ListAt(block, {"except"});
  for (size_t i = 0; i < list.size(); ++i) {
    const std::string one = Scalar(list[i]), here = fmt::format("{}.except[{}]", at, i);
    if (!ValidCidr(one)) {
      InvalidText(causes, here, one,
                  "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)");
      continue;
    }
    const size_t cut = one.find('/');
    if (!SamePrefix(cidr.substr(0, slash), one.substr(0, cut), bits) ||
        std::stoi(one.substr(cut + 1)) <= bits)
      InvalidText(causes, here, one, "must be a strict subset of `cidr`");
  }
}

void PolicyPort(Causes& causes, const Json& given, const std::string& at) {
  const Json& port = At(given, "port");
  const Json& end = At(given, "endPort");
  if (const Json& protocol = At(given, "protocol"); !protocol.is_null())
    OneOf(causes, at + ".protocol", Scalar(protocol), {"TCP", "UDP", "SCTP"});
  const bool until = end.is_number_integer();
  auto refuse = [&](const Json& value, const char* why) {
    if (until) InvalidNumber(causes, at + ".endPort", value.get<int64_t>(), why);
  };
  if (port.is_null()) return refuse(end, "may not be specified when `port` is not specified");
  if (port.is_string()) {
    refuse(end, "may not be specified when `port` is non-numeric");
    return ValidatePortOrName(causes, at + ".port", port);
  }
  ValidatePortOrName(causes, at + ".port", port);
  if (!until) return;
  if (end < port) refuse(port, "must be greater than or equal to `port`");
  ValidatePortNumber(causes, at + ".endPort", end.get<int64_t>());
}

void ValidatePeers(Causes& causes, const Json& rule, const char* side, const std::string& at) {
  const Json& ports = ListAt(rule, {"ports"});
  for (size_t i = 0; i < ports.size(); ++i)
    PolicyPort(causes, ports[i], fmt::format("{}.ports[{}]", at, i));
  const Json& peers = ListAt(rule, {side});
  for (size_t i = 0; i < peers.size(); ++i) {
    const std::string here = fmt::format("{}.{}[{}]", at, side, i);
    const Json& block = At(peers[i], "ipBlock");
    const bool selects =
        At(peers[i], "podSelector").is_object() || At(peers[i], "namespaceSelector").is_object();
    ValidateSelectorShape(causes, At(peers[i], "podSelector"), here + ".podSelector");
    ValidateSelectorShape(causes, At(peers[i], "namespaceSelector"), here + ".namespaceSelector");
    if (block.is_object()) {
      const std::string cidr = TextAt(block, "cidr");
      if (cidr.empty()) {
        Required(causes, here + ".ipBlock.cidr");
      } else if (!ValidCidr(cidr)) {
        InvalidText(causes, here + ".ipBlock.cidr", cidr,
                    "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)");
      } else {
        ValidateExceptions(causes, block, cidr, here + ".ipBlock");
      }
    }
    if (!selects && !block.is_object()) Required(causes, here, "must specify a peer");
    if (selects && block.is_object())
      Forbidden(causes, here, "may not specify both ipBlock and another peer");
  }
}

void ValidatePolicy(Causes& causes, const Json& object) {
  const Json& spec = At(object, "spec");
  ValidateSelectorShape(causes, At(spec, "podSelector"), "spec.podSelector");
  const Json& ingress = ListAt(spec, {"ingress"});
  for (size_t i = 0; i < ingress.size(); ++i)
    ValidatePeers(causes, ingress[i], "from", fmt::format("spec.ingress[{}]", i));
  const Json& egress = ListAt(spec, {"egress"});
  for (size_t i = 0; i < egress.size(); ++i)
    ValidatePeers(causes, egress[i], "to", fmt::format("spec.egress[{}]", i));
  const Json& types = ListAt(spec, {"policyTypes"});
  if (types.size() > 2)
    return Invalid(causes, "spec.policyTypes", GoTexts(types, "networking.PolicyType"),
                   "may not specify more than two policyTypes");
  for (size_t i = 0; i < types.size(); ++i)
    OneOf(causes, fmt::format("spec.policyTypes[{}]", i), Scalar(types[i]), {"Ingress", "Egress"});
}

void Parameters(Causes& causes, const Json& spec) {
  const Json& given = At(spec, "parameters");
  if (!given.is_object()) return;
  const std::string at = "spec.parameters";
  TypedReference(causes, given, at);
  const Json& scope = At(given, "scope");
  const Json& space = At(given, "namespace");
  if (scope.is_null()) return Required(causes, at + ".scope");
  OneOf(causes, at + ".scope", Scalar(scope), {"Cluster", "Namespace"});
  if (scope == "Namespace" && space.is_null())
    Required(causes, at + ".namespace", "`parameters.scope` is set to 'Namespace'");
  else if (scope == "Namespace")
    InvalidText(causes, at + ".namespace", Scalar(space), LabelFault(Scalar(space)));
  if (scope == "Cluster" && !space.is_null())
    Forbidden(causes, at + ".namespace", "`parameters.scope` is set to 'Cluster'");
}

void ValidateIngressClass(Causes& causes, const Json& object, const Json& before) {
  const Json& spec = At(object, "spec");
  const std::string controller = TextAt(spec, "controller"), at = "spec.controller";
  if (before.is_object() && TextAt(before, {"spec", "controller"}) != controller)
    Immutable(causes, at, GoQuoted(controller));
  if (controller.size() > 250) TooLong(causes, at, 250);
  ValidateDomainPath(causes, at, controller);
  Parameters(causes, spec);
}

}  // namespace

bool ValidateNetworkKind(Causes& causes, const ResourceType& type, const Json& object,
                         const Json& before) {
  const std::string& key = type.storage_key;
  if (key == "/services") {
    ValidateService(causes, object, before);
  } else if (key == "/endpoints") {
    ValidateEndpoints(causes, object);
  } else if (key == "networking.k8s.io/ingresses") {
    ValidateIngress(causes, object);
  } else if (key == "networking.k8s.io/networkpolicies") {
    ValidatePolicy(causes, object);
  } else if (key == "networking.k8s.io/ingressclasses") {
    ValidateIngressClass(causes, object, before);
  } else {
    return false;
  }
  return true;
}

}  // namespace opsmesh::kubesim
