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

void ValidateEndpoints(Causes& causes, const Json& object) {
  const Json& subsets = ListAt(object, {"subsets"});
  for (size_t s = 0; s < subsets.size(); ++s) {
    const std::string at = fmt::format("subsets[{}]", s);
    if (ListAt(subsets[s], {"addresses"}).empty() &&
        ListAt(subsets[s], {"notReadyAddresses"}).empty())
      Required(causes, at, "must specify `addresses` or `notReadyAddresses`");
    for (const char* list : {"addresses", "notReadyAddresses"}) {
      const Json& addresses = ListAt(subsets[s], {list});
      for (size_t i = 0; i < addresses.size(); ++i) {
        const std::string ip = TextAt(addresses[i], "ip");
        if (ValidIp(ip)) continue;
        // Judged as an address and as one that is not special.
        const std::string field = fmt::format("{}.{}[{}].ip", at, list, i);
        InvalidText(causes, field, ip,
                    "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)");
        InvalidText(causes, field, ip, "must be a valid IP address");
      }
    }
    const Json& ports = ListAt(subsets[s], {"ports"});
    for (size_t i = 0; i < ports.size(); ++i) {
      const int64_t number = IntAt(ports[i], "port");
      if (number < 1 || number > 65535)
        InvalidNumber(causes, fmt::format("{}.ports[{}].port", at, i), number,
                      "must be between 1 and 65535, inclusive");
      OneOf(causes, fmt::format("{}.ports[{}].protocol", at, i), TextAt(ports[i], "protocol"),
            {"SCTP", "TCP", "UDP"});
      if (ports.size() > 1 && TextAt(ports[i], "name").empty())
        Required(causes, fmt::format("{}.ports[{}].name", at, i));
    }
  }
}

void ValidateBackend(Causes& causes, const Json& backend, const std::string& at) {
  const Json& service = At(backend, "service");
  const bool resource = At(backend, "resource").is_object();
  if (service.is_object() && resource) {
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
    if (!port_name.empty() && number > 0) {
      InvalidText(causes, at, "", "cannot set both port name & port number");
    } else if (port_name.empty() && number == 0) {
      Required(causes, at, "port name or number is required");
    } else if (port_name.empty() && (number < 1 || number > 65535)) {
      InvalidNumber(causes, at + ".service.port.number", number,
                    "must be between 1 and 65535, inclusive");
    }
  } else if (!resource) {
    InvalidText(causes, at, "", "resource or service backend is required");
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
    if (!host.empty()) {
      if (ValidIp(host)) {
        InvalidText(causes, at + ".host", host, "must be a DNS name, not an IP address");
      } else if (auto fault = host.starts_with("*.") ? WildcardFault(host) : SubdomainFault(host);
                 !fault.empty()) {
        InvalidText(causes, at + ".host", host, fault);
      }
    }
    const Json& http = At(rules[r], "http");
    const Json& paths = ListAt(http, {"paths"});
    if (http.is_object() && paths.empty()) Required(causes, at + ".http.paths");
    for (size_t p = 0; p < paths.size(); ++p) {
      const std::string here = fmt::format("{}.http.paths[{}]", at, p),
                        path = TextAt(paths[p], "path"), type = TextAt(paths[p], "pathType");
      if (type.empty()) {
        Required(causes, here + ".pathType", "pathType must be specified");
      } else {
        OneOf(causes, here + ".pathType", type, {"Exact", "ImplementationSpecific", "Prefix"});
        const bool strict = type == "Exact" || type == "Prefix";
        if ((strict || !path.empty()) && !path.starts_with("/") &&
            (strict || type == "ImplementationSpecific"))
          InvalidText(causes, here + ".path", path, "must be an absolute path");
        for (const char* part : {"//", "/./", "/../", "%2f", "%2F"}) {
          if (strict && path.find(part) != std::string::npos)
            InvalidText(causes, here + ".path", path, fmt::format("must not contain '{}'", part));
        }
      }
      ValidateBackend(causes, At(paths[p], "backend"), here + ".backend");
    }
  }
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

void ValidatePeers(Causes& causes, const Json& rule, const char* side, const std::string& at) {
  const Json& ports = ListAt(rule, {"ports"});
  for (size_t i = 0; i < ports.size(); ++i) {
    OneOf(causes, fmt::format("{}.ports[{}].protocol", at, i), TextAt(ports[i], "protocol"),
          {"TCP", "UDP", "SCTP"});
    const Json& port = At(ports[i], "port");
    const Json& end = At(ports[i], "endPort");
    const std::string here = fmt::format("{}.ports[{}]", at, i);
    if (!port.is_null()) ValidatePortOrName(causes, here + ".port", port);
    if (end.is_null()) continue;
    if (port.is_null())
      Required(causes, here + ".port", "must be specified when `endPort` is specified");
    else if (port.is_string())
      Invalid(causes, here + ".endPort", end.dump(),
              "may not be specified when `port` is non-numeric");
    else if (end < port)
      InvalidNumber(causes, here + ".endPort", end.get<int64_t>(),
                    "must be greater than or equal to `port`");
    else if (end > 65535)
      InvalidNumber(causes, here + ".endPort", end.get<int64_t>(),
                    "must be between 1 and 65535, inclusive");
  }
  const Json& peers = ListAt(rule, {side});
  for (size_t i = 0; i < peers.size(); ++i) {
    const std::string here = fmt::format("{}.{}[{}]", at, side, i);
    const Json& block = At(peers[i], "ipBlock");
    const bool selects =
        At(peers[i], "podSelector").is_object() || At(peers[i], "namespaceSelector").is_object();
    if (!selects && !block.is_object()) Required(causes, here, "must specify a peer");
    if (selects && block.is_object())
      Forbidden(causes, here, "may not specify both ipBlock and another peer");
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
  for (size_t i = 0; i < types.size(); ++i)
    OneOf(causes, fmt::format("spec.policyTypes[{}]", i), Scalar(types[i]), {"Ingress", "Egress"});
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
    const std::string controller = TextAt(object, {"spec", "controller"});
    const size_t slash = controller.find('/');
    if (controller.empty()) {
      Required(causes, "spec.controller");
    } else if (slash == std::string::npos || slash == 0 || slash + 1 == controller.size() ||
               !SubdomainFault(controller.substr(0, slash)).empty()) {
      InvalidText(causes, "spec.controller", controller,
                  "must be a domain-prefixed path (such as \"acme.io/foo\")");
    }
    if (before.is_object() && TextAt(before, {"spec", "controller"}) != controller)
      Immutable(causes, "spec.controller", "\"" + controller + "\"");
  } else {
    return false;
  }
  return true;
}

}  // namespace opsmesh::kubesim
