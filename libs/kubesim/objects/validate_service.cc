// Services: what a real server refuses, in its order.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "libs/base/strings.h"
#include "libs/kubesim/objects/validate_pod.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

constexpr const char* kIp = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
constexpr const char* kCidr = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";
constexpr const char* kBalancerOnly = "may only be used when `type` is 'LoadBalancer'";

std::string GoTexts(const Json& list) {
  std::string texts;
  for (const Json& one : list)
    texts += fmt::format("{}\"{}\"", texts.empty() ? "" : ", ", Scalar(one));
  return "[]string{" + texts + "}";
}

void OneOfGiven(Causes& causes, const Json& spec, const char* member,
                std::initializer_list<const char*> allowed) {
  if (!At(spec, member).is_null())
    OneOf(causes, fmt::format("spec.{}", member), TextAt(spec, member), allowed);
}

void External(Causes& causes, const Json& spec) {
  if (!ListAt(spec, {"clusterIPs"}).empty() || !TextAt(spec, "clusterIP").empty())
    Forbidden(causes, "spec.clusterIPs", "may not be set for ExternalName services");
  if (!ListAt(spec, {"ipFamilies"}).empty())
    Forbidden(causes, "spec.ipFamilies", "may not be set for ExternalName services");
  if (!At(spec, "ipFamilyPolicy").is_null())
    Forbidden(causes, "spec.ipFamilyPolicy", "may not be set for ExternalName services");
  std::string name = TextAt(spec, "externalName");
  if (name.ends_with('.')) name.pop_back();
  if (name.empty())
    Required(causes, "spec.externalName");
  else
    InvalidText(causes, "spec.externalName", name, SubdomainFault(name));
}

void Ports(Causes& causes, const Json& ports) {
  std::set<std::string> names;
  for (size_t i = 0; i < ports.size(); ++i) {
    const std::string at = fmt::format("spec.ports[{}]", i), name = TextAt(ports[i], "name");
    if (name.empty()) {
      if (ports.size() > 1) Required(causes, at + ".name");
    } else {
      InvalidText(causes, at + ".name", name, LabelFault(name));
      if (!names.insert(name).second) Duplicate(causes, at + ".name", "\"" + name + "\"");
    }
    const int64_t number = IntAt(ports[i], "port");
    if (number < 1 || number > 65535)
      InvalidNumber(causes, at + ".port", number, "must be between 1 and 65535, inclusive");
    OneOf(causes, at + ".protocol", TextAt(ports[i], "protocol"), {"SCTP", "TCP", "UDP"});
    ValidatePortOrName(causes, at + ".targetPort", At(ports[i], "targetPort"));
    if (const Json& protocol = At(ports[i], "appProtocol"); protocol.is_string())
      InvalidText(causes, at + ".appProtocol", Scalar(protocol), QualifiedFault(Scalar(protocol)));
  }
}

void RepeatedPorts(Causes& causes, const Json& ports) {
  std::set<std::string> node_ports, own;
  for (size_t i = 0; i < ports.size(); ++i) {
    const int64_t port = IntAt(ports[i], "nodePort");
    if (port != 0 &&
        !node_ports.insert(fmt::format("{}/{}", TextAt(ports[i], "protocol"), port)).second)
      Duplicate(causes, fmt::format("spec.ports[{}].nodePort", i), std::to_string(port));
  }
  for (size_t i = 0; i < ports.size(); ++i) {
    const std::string protocol = TextAt(ports[i], "protocol");
    const int64_t port = IntAt(ports[i], "port");
    if (own.insert(fmt::format("{}/{}", protocol, port)).second) continue;
    Duplicate(
        causes, fmt::format("spec.ports[{}]", i),
        fmt::format(
            "core.ServicePort{{Name:\"\", Protocol:\"{}\", AppProtocol:(*string)(nil), Port:{}, "
            "TargetPort:intstr.IntOrString{{Type:0, IntVal:0, StrVal:\"\"}}, NodePort:0}}",
            protocol, port));
  }
}

void Addresses(Causes& causes, const Json& spec) {
  if (TextAt(spec, "type") == "ExternalName") return;
  const std::string ip = TextAt(spec, "clusterIP");
  const Json& ips = ListAt(spec, {"clusterIPs"});
  if (!ips.empty() && ip.empty())
    Invalid(causes, "spec.clusterIPs", GoTexts(ips),
            "must be empty when `clusterIP` is not specified");
  else if (!ips.empty() && Scalar(ips[0]) != ip)
    Invalid(causes, "spec.clusterIPs", GoTexts(ips), "first value must match `clusterIP`");
  const Json& families = ListAt(spec, {"ipFamilies"});
  for (size_t i = 0; i < families.size(); ++i) {
    OneOf(causes, fmt::format("spec.ipFamilies[{}]", i), Scalar(families[i]), {"IPv4", "IPv6"});
    if (std::count(families.begin(), families.end(), families[i]) > 1 && i > 0)
      Duplicate(causes, fmt::format("spec.ipFamilies[{}]", i), "\"" + Scalar(families[i]) + "\"");
  }
  OneOfGiven(causes, spec, "ipFamilyPolicy",
             {"PreferDualStack", "RequireDualStack", "SingleStack"});
  for (size_t i = 0; i < ips.size(); ++i) {
    if (Scalar(ips[i]) == "None") {
      if (ips.size() > 1)
        InvalidText(causes, fmt::format("spec.clusterIPs[{}]", i), "None",
                    "'None' must be the first and only value");
    } else if (!ValidIp(Scalar(ips[i]))) {
      InvalidText(causes, fmt::format("spec.clusterIPs[{}]", i), Scalar(ips[i]), kIp);
    }
  }
  if (ips.empty() && !ip.empty() && ip != "None" && !ValidIp(ip))
    InvalidText(causes, "spec.clusterIPs[0]", ip, kIp);
}

void Affinity(Causes& causes, const Json& spec) {
  const std::string word = TextAt(spec, "sessionAffinity");
  OneOf(causes, "spec.sessionAffinity", word, {"ClientIP", "None"});
  const Json& seconds = At(spec, {"sessionAffinityConfig", "clientIP", "timeoutSeconds"});
  if (word == "ClientIP" && seconds.is_number_integer() && (seconds <= 0 || seconds > 86400)) {
    InvalidNumber(causes, "spec.sessionAffinityConfig.clientIP.timeoutSeconds",
                  seconds.get<int64_t>(), "must be greater than 0 and less than 86400");
  }
}

void Balancer(Causes& causes, const Json& spec, const std::string& type) {
  const bool balancer = type == "LoadBalancer";
  const Json& ranges = ListAt(spec, {"loadBalancerSourceRanges"});
  const std::string at = "spec.LoadBalancerSourceRanges";  // the server's own spelling
  if (!ranges.empty() && !balancer) Forbidden(causes, at, kBalancerOnly);
  for (size_t i = 0; i < ranges.size(); ++i) {
    const std::string range(base::Trim(Scalar(ranges[i])));
    if (!ValidCidr(range)) InvalidText(causes, fmt::format("{}[{}]", at, i), range, kCidr);
  }
  if (!balancer && !At(spec, "allocateLoadBalancerNodePorts").is_null())
    Forbidden(causes, "spec.allocateLoadBalancerNodePorts", kBalancerOnly);
  if (const Json& name = At(spec, "loadBalancerClass"); !name.is_null()) {
    if (!balancer)
      Forbidden(causes, "spec.loadBalancerClass", kBalancerOnly);
    else
      InvalidText(causes, "spec.loadBalancerClass", Scalar(name), QualifiedFault(Scalar(name)));
  }
}

void Traffic(Causes& causes, const Json& spec, const std::string& type) {
  const std::string policy = TextAt(spec, "externalTrafficPolicy");
  const bool outside = type == "NodePort" || type == "LoadBalancer" ||
                       (type == "ClusterIP" && !ListAt(spec, {"externalIPs"}).empty());
  if (!policy.empty() && !outside)
    InvalidText(causes, "spec.externalTrafficPolicy", policy,
                "may only be set for externally-accessible services");
  else if (!policy.empty())
    OneOf(causes, "spec.externalTrafficPolicy", policy, {"Cluster", "Local"});
  const int64_t port = IntAt(spec, "healthCheckNodePort");
  if (port != 0 && !(type == "LoadBalancer" && policy == "Local"))
    InvalidNumber(causes, "spec.healthCheckNodePort", port,
                  "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is "
                  "'Local'");
  else if (port < 0 || port > 65535)
    InvalidNumber(causes, "spec.healthCheckNodePort", port,
                  "must be between 1 and 65535, inclusive");
  OneOfGiven(causes, spec, "internalTrafficPolicy", {"Cluster", "Local"});
  OneOfGiven(causes, spec, "trafficDistribution", {"PreferClose"});
}

}  // namespace

void ValidateService(Causes& causes, const Json& object, const Json& before) {
  const Json& spec = At(object, "spec");
  const Json& ports = ListAt(spec, {"ports"});
  const std::string type = TextAt(spec, "type"), ip = TextAt(spec, "clusterIP");
  if (ports.empty() && ip != "None" && type != "ExternalName") Required(causes, "spec.ports");
  if ((type == "NodePort" || type == "LoadBalancer") && ip == "None")
    InvalidText(causes, "spec.clusterIPs[0]", ip,
                "may not be set to 'None' for " + type + " services");
  if (type == "ExternalName") External(causes, spec);
  Ports(causes, ports);
  ValidateLabels(causes, At(spec, "selector"), "spec.selector");
  Affinity(causes, spec);
  Addresses(causes, spec);
  const Json& outside = ListAt(spec, {"externalIPs"});
  for (size_t i = 0; i < outside.size(); ++i) {
    if (!ValidIp(Scalar(outside[i])))
      InvalidText(causes, fmt::format("spec.externalIPs[{}]", i), Scalar(outside[i]), kIp);
  }
  OneOf(causes, "spec.type", type, {"ClusterIP", "ExternalName", "LoadBalancer", "NodePort"});
  for (size_t i = 0; type == "ClusterIP" && i < ports.size(); ++i) {
    if (IntAt(ports[i], "nodePort") != 0)
      Forbidden(causes, fmt::format("spec.ports[{}].nodePort", i),
                "may not be used when `type` is 'ClusterIP'");
  }
  RepeatedPorts(causes, ports);
  Balancer(causes, spec, type);
  Traffic(causes, spec, type);
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

}  // namespace opsmesh::kubesim
