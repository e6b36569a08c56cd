// Services, endpoints, ingresses and network policies: what a real server refuses.
#include <fmt/format.h>

#include <set>

#include "libs/base/strings.h"
#include "libs/kubesim/objects/causes.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

void ValidateTargetPort(Causes& causes, const Json& port, const std::string& field) {
  if (port.is_string()) {
    const std::string name = Scalar(port);
    for (char c : name) {
      if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-') continue;
      InvalidText(causes, field, name,
                  "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
      return;
    }
    if (name.size() > 15) InvalidText(causes, field, name, "must be no more than 15 characters");
  } else if (port.is_number_integer() && (port.get<int64_t>() < 1 || port.get<int64_t>() > 65535)) {
    InvalidNumber(causes, field, port.get<int64_t>(), "must be between 1 and 65535, inclusive");
  }
}

void ValidateServicePorts(Causes& causes, const Json& spec, const std::string& type) {
  const Json& ports = ListAt(spec, {"ports"});
  const bool headless = TextAt(spec, "clusterIP") == "None";
  if (ports.empty() && !headless && type != "ExternalName") Required(causes, "spec.ports");
  std::set<std::string> names;
  std::set<std::pair<int64_t, std::string>> seen;
  for (size_t i = 0; i < ports.size(); ++i) {
    const std::string at = fmt::format("spec.ports[{}]", i);
    const std::string name = TextAt(ports[i], "name"), protocol = TextAt(ports[i], "protocol");
    if (name.empty()) {
      if (ports.size() > 1) Required(causes, at + ".name");
    } else if (auto fault = LabelFault(name); !fault.empty()) {
      InvalidText(causes, at + ".name", name, fault);
    } else if (!names.insert(name).second) {
      Duplicate(causes, at + ".name", "\"" + name + "\"");
    }
    const int64_t number = IntAt(ports[i], "port");
    if (number < 1 || number > 65535)
      InvalidNumber(causes, at + ".port", number, "must be between 1 and 65535, inclusive");
    OneOf(causes, at + ".protocol", protocol, {"SCTP", "TCP", "UDP"});
    ValidateTargetPort(causes, At(ports[i], "targetPort"), at + ".targetPort");
    if (type == "ClusterIP" && IntAt(ports[i], "nodePort") != 0)
      Forbidden(causes, at + ".nodePort", "may not be used when `type` is 'ClusterIP'");
  }
  for (size_t i = 0; i < ports.size(); ++i) {
    if (!seen.emplace(IntAt(ports[i], "port"), TextAt(ports[i], "protocol")).second) {
      Duplicate(
          causes, fmt::format("spec.ports[{}]", i),
          fmt::format(
              "core.ServicePort{{Name:\"\", Protocol:\"{}\", AppProtocol:(*string)(nil), Port:{}, "
              "TargetPort:intstr.IntOrString{{Type:0, IntVal:0, StrVal:\"\"}}, NodePort:0}}",
              TextAt(ports[i], "protocol"), IntAt(ports[i], "port")));
    }
  }
}

void ValidateService(Causes& causes, const Json& object, const Json& before) {
  const Json& spec = At(object, "spec");
  const std::string type = TextAt(spec, "type"), ip = TextAt(spec, "clusterIP");
  if (type == "ExternalName") {
    const std::string name = TextAt(spec, "externalName");
    if (!ip.empty())
      Forbidden(causes, "spec.clusterIPs", "may not be set when `type` is 'ExternalName'");
    if (name.empty()) {
      Required(causes, "spec.externalName");
    } else if (auto fault = SubdomainFault(name.ends_with('.')
                                               ? std::string_view(name).substr(0, name.size() - 1)
                                               : std::string_view(name));
               !fault.empty()) {
      InvalidText(causes, "spec.externalName", name, fault);
    }
  }
  if ((type == "NodePort" || type == "LoadBalancer") && ip == "None")
    InvalidText(causes, "spec.clusterIPs[0]", ip,
                "may not be set to 'None' for " + type + " services");
  ValidateServicePorts(causes, spec, type);
  ValidateLabels(causes, At(spec, "selector"), "spec.selector");
  OneOf(causes, "spec.sessionAffinity", TextAt(spec, "sessionAffinity"), {"ClientIP", "None"});
  if (!ip.empty() && ip != "None" && !ValidIp(ip))
    InvalidText(causes, "spec.clusterIPs[0]", ip,
                "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)");
  const Json& outside = ListAt(spec, {"externalIPs"});
  for (size_t i = 0; i < outside.size(); ++i) {
    if (!ValidIp(Scalar(outside[i])))
      InvalidText(causes, fmt::format("spec.externalIPs[{}]", i), Scalar(outside[i]),
                  "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)");
  }
  OneOf(causes, "spec.type", type, {"ClusterIP", "ExternalName", "LoadBalancer", "NodePort"});
  const std::string old_ip = TextAt(before, {"spec", "clusterIP"}),
                    old_type = TextAt(before, {"spec", "type"});
  if (old_ip.empty() || type == "ExternalName" || old_type == "ExternalName") return;
  if (ip.empty()) {
    Invalid(causes, "spec.clusterIPs[0]", "[]string(nil)", "primary clusterIP can not be unset");
  } else if (ip != old_ip) {
    Invalid(causes, "spec.clusterIPs[0]", fmt::format("[]string{{\"{}\"}}", ip),
            "may not change once set");
  }
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
      for (size_t i = 0; i < addresses.size(); ++i) {
        const std::string ip = TextAt(addresses[i], "ip");
        if (!ValidIp(ip))
          InvalidText(causes, fmt::format("{}.{}[{}].ip", at, list, i), ip,
                      "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)");
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
      const std::string_view plain = std::string_view(host).substr(host.starts_with("*.") ? 2 : 0);
      if (ValidIp(host)) {
        InvalidText(causes, at + ".host", host, "must be a DNS name, not an IP address");
      } else if (auto fault = SubdomainFault(plain); !fault.empty()) {
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

void ValidatePeers(Causes& causes, const Json& rule, const char* side, const std::string& at) {
  const Json& ports = ListAt(rule, {"ports"});
  for (size_t i = 0; i < ports.size(); ++i) {
    OneOf(causes, fmt::format("{}.ports[{}].protocol", at, i), TextAt(ports[i], "protocol"),
          {"SCTP", "TCP", "UDP"});
    ValidateTargetPort(causes, At(ports[i], "port"), fmt::format("{}.ports[{}].port", at, i));
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
    OneOf(causes, fmt::format("spec.policyTypes[{}]", i), Scalar(types[i]), {"Egress", "Ingress"});
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
