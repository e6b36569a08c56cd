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
constexpr const char* kRangesNote = "service.beta.kubernetes.io/load-balancer-source-ranges";
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

bool IsAddress(const Json& ip) { return ValidIp(Scalar(ip)); }
bool IsOfSix(const Json& ip) { return Scalar(ip).find(':') != std::string::npos; }

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
    if (i == 0 && Scalar(ips[i]) == "None") {
      if (ips.size() > 1)
        Invalid(causes, "spec.clusterIPs", GoTexts(ips), "'None' must be the first and only value");
    } else if (!ValidIp(Scalar(ips[i]))) {
      InvalidText(causes, fmt::format("spec.clusterIPs[{}]", i), Scalar(ips[i]), kIp);
    }
  }
  if (ips.size() > 2)
    Invalid(causes, "spec.clusterIPs", GoTexts(ips), "may only hold up to 2 values");
  if (ips.size() > 1 && std::all_of(ips.begin(), ips.end(), IsAddress)) {
    const auto six = std::count_if(ips.begin(), ips.end(), IsOfSix);
    if (ips.size() > 2 || six != 1)
      Invalid(causes, "spec.clusterIPs", GoTexts(ips),
              "may specify no more than one IP for each IP family");
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

// The older way to say which clients a balancer serves.
void NotedRanges(Causes& causes, const Json& noted, bool balancer) {
  if (!noted.is_string()) return;
  const std::string at = fmt::format("metadata.annotations[{}]", kRangesNote);
  if (!balancer) Forbidden(causes, at, kBalancerOnly);
  const std::string all(base::Trim(Scalar(noted)));
  if (all.empty()) return;
  for (std::string_view part : base::Split(all, ',')) {
    const std::string range(base::Trim(part));
    if (!ValidCidr(range)) InvalidText(causes, at, range, kCidr);
  }
}

void Balancer(Causes& causes, const Json& spec, const Json& noted, const std::string& type,
              bool update) {
  const bool balancer = type == "LoadBalancer";
  const Json& ranges = ListAt(spec, {"loadBalancerSourceRanges"});
  const std::string at = "spec.LoadBalancerSourceRanges";  // the server's own spelling
  if (!ranges.empty() && !balancer) Forbidden(causes, at, kBalancerOnly);
  for (size_t i = 0; i < ranges.size(); ++i) {
    const std::string range(base::Trim(Scalar(ranges[i])));
    if (!ValidCidr(range)) InvalidText(causes, fmt::format("{}[{}]", at, i), range, kCidr);
  }
  if (ranges.empty()) NotedRanges(causes, noted, balancer);
  if (!balancer && !At(spec, "allocateLoadBalancerNodePorts").is_null())
    Forbidden(causes, "spec.allocateLoadBalancerNodePorts", kBalancerOnly);
  if (const Json& name = At(spec, "loadBalancerClass"); !name.is_null()) {
    if (!balancer) Forbidden(causes, "spec.loadBalancerClass", kBalancerOnly);
    if (!balancer && update)  // an update is also told as the change it is
      Forbidden(causes, "spec.loadBalancerClass", kBalancerOnly);
    if (balancer)
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

// One wish under two names.
void Hints(Causes& causes, const Json& annotations) {
  constexpr const char *kOld = "service.kubernetes.io/topology-aware-hints",
                       *kNew = "service.kubernetes.io/topology-mode";
  const Json &old = At(annotations, kOld), &now = At(annotations, kNew);
  if (old.is_string() && now.is_string() && old != now)
    InvalidText(causes, fmt::format("metadata.annotations[{}]", kNew), Scalar(now),
                fmt::format("must match annotations[{}] when both are specified", kOld));
}

// What a balancer keeps as long as it is one.
void Unchanged(Causes& causes, const Json& now, const Json& then) {
  if (TextAt(now, "type") != "LoadBalancer" || TextAt(then, "type") != "LoadBalancer") return;
  const Json& name = At(now, "loadBalancerClass");
  if (name != At(then, "loadBalancerClass"))
    Invalid(causes, "spec.loadBalancerClass", GoQuoted(name.is_string() ? Scalar(name) : "null"),
            "may not change once set");
  const bool checked = TextAt(now, "externalTrafficPolicy") == "Local" &&
                       TextAt(then, "externalTrafficPolicy") == "Local";
  if (checked && At(now, "healthCheckNodePort") != At(then, "healthCheckNodePort"))
    Forbidden(causes, "spec.healthCheckNodePort", "field is immutable");
}

// The simulated cluster has addresses of one family; told when all else is well.
void OneFamily(Causes& causes, const Json& spec) {
  if (!causes.empty() || TextAt(spec, "type") == "ExternalName") return;
  const Json& families = ListAt(spec, {"ipFamilies"});
  const std::string ip = TextAt(spec, "clusterIP");
  if (ip == "None" && At(spec, "selector").empty()) return;  // of both, wherever it is
  if (!families.empty() && families.front() == "IPv6" && ip.find('.') != std::string::npos)
    InvalidText(causes, "spec.clusterIPs[0]", ip,
                "expected an IPv6 value as indicated by `ipFamilies[0]`");
  for (size_t i = 0; causes.empty() && i < families.size(); ++i) {
    if (families[i] == "IPv6")
      InvalidText(causes, fmt::format("spec.ipFamilies[{}]", i), "IPv6",
                  "not configured on this cluster");
  }
  if (causes.empty() && TextAt(spec, "ipFamilyPolicy") == "RequireDualStack")
    InvalidText(causes, "spec.ipFamilyPolicy", "RequireDualStack",
                "this cluster is not configured for dual-stack services");
}

}  // namespace

void ValidateService(Causes& causes, const Json& object, const Json& before) {
  const Json& spec = At(object, "spec");
  const Json& ports = ListAt(spec, {"ports"});
  const std::string type = TextAt(spec, "type"), ip = TextAt(spec, "clusterIP");
  Hints(causes, At(object, {"metadata", "annotations"}));
  if (ports.empty() && ip != "None" && type != "ExternalName") Required(causes, "spec.ports");
  constexpr int64_t kKubelet = 10250;
  for (size_t i = 0; type == "LoadBalancer" && i < ports.size(); ++i) {
    if (IntAt(ports[i], "port") == kKubelet)
      InvalidNumber(causes, fmt::format("spec.ports[{}]", i), kKubelet,
                    "may not expose port 10250 externally since it is used by kubelet");
  }
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
    const std::string at = fmt::format("spec.externalIPs[{}]", i);
    if (ValidIp(Scalar(outside[i])))
      ValidateUsualIp(causes, Scalar(outside[i]), at);
    else
      InvalidText(causes, at, Scalar(outside[i]), kIp);
  }
  OneOf(causes, "spec.type", type, {"ClusterIP", "ExternalName", "LoadBalancer", "NodePort"});
  for (size_t i = 0; type == "ClusterIP" && i < ports.size(); ++i) {
    if (IntAt(ports[i], "nodePort") != 0)
      Forbidden(causes, fmt::format("spec.ports[{}].nodePort", i),
                "may not be used when `type` is 'ClusterIP'");
  }
  RepeatedPorts(causes, ports);
  Balancer(causes, spec, At(object, {"metadata", "annotations", kRangesNote}), type,
           before.is_object());
  Traffic(causes, spec, type);
  Unchanged(causes, spec, At(before, "spec"));
  OneFamily(causes, spec);
  const std::string old_ip = TextAt(before, {"spec", "clusterIP"}),
                    old_type = TextAt(before, {"spec", "type"});
  if (old_ip.empty() || type == "ExternalName" || old_type == "ExternalName") return;
  if (ip.empty()) {
    Invalid(causes, "spec.clusterIPs[0]", "[]string(nil)", "primary clusterIP can not be unset");
  } else if (ip != old_ip && (ip == "None" || ValidIp(ip))) {
    Invalid(causes, "spec.clusterIPs[0]", fmt::format("[]string{{\"{}\"}}", ip),
            "may not change once set");
  }
}

}  // namespace opsmesh::kubesim
