// Kinds that few people write by hand: endpoint slices, runtime classes.
#include <fmt/format.h>

#include <set>

#include "libs/base/strings.h"
#include "libs/kubesim/objects/validate_pod.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

// -- discovery.k8s.io --

void SliceAddress(Causes& causes, const std::string& type, const std::string& address,
                  const std::string& at) {
  const bool six = address.find(':') != std::string::npos;
  if (type == "IPv4" || type == "IPv6") {
    if (!ValidIp(address) || six != (type == "IPv6"))
      InvalidText(causes, at, address, fmt::format("must be a valid {} address", type));
    ValidateUsualIp(causes, address, at);
  }
  if (type != "FQDN") return;
  if (address.empty()) return Required(causes, at);
  const std::string name = address.ends_with('.') ? address.substr(0, address.size() - 1) : address;
  if (const Faults faults = SubdomainFault(name); !faults.empty())
    InvalidText(causes, at, name, faults);
  else if (name.find('.') == std::string::npos)
    InvalidText(causes, at, name,
                "should be a domain with at least two segments separated by dots");
}

void SliceEndpoint(Causes& causes, const Json& endpoint, const std::string& type,
                   const std::string& at) {
  const Json& addresses = ListAt(endpoint, {"addresses"});
  if (addresses.empty()) Required(causes, at + ".addresses", "must contain at least 1 address");
  if (addresses.size() > 100) TooMany(causes, at + ".addresses", addresses.size(), 100);
  for (size_t n = 0; n < addresses.size(); ++n)
    SliceAddress(causes, type, Scalar(addresses[n]), fmt::format("{}.addresses[{}]", at, n));
  if (const Json& node = At(endpoint, "nodeName"); node.is_string())
    InvalidText(causes, at + ".nodeName", Scalar(node), SubdomainFault(Scalar(node)));
  ValidateLabels(causes, At(endpoint, "deprecatedTopology"), at + ".deprecatedTopology");
  if (const Json& host = At(endpoint, "hostname"); host.is_string())
    InvalidText(causes, at + ".hostname", Scalar(host), LabelFault(Scalar(host)));
  const Json& zones = ListAt(endpoint, {"hints", "forZones"});
  const std::string hints = at + ".hints.forZones";
  if (zones.size() > 8) return TooMany(causes, hints, zones.size(), 8);
  std::set<std::string> names;
  for (size_t n = 0; n < zones.size(); ++n) {
    const std::string name = TextAt(zones[n], "name"), here = fmt::format("{}[{}].name", hints, n);
    if (!names.insert(name).second) Duplicate(causes, here, GoQuoted(name));
    InvalidText(causes, here, name, LabelValueFault(name));
  }
}

void ValidateSlice(Causes& causes, const Json& object, const Json& before) {
  const std::string type = TextAt(object, "addressType");
  OneOfNeeded(causes, "addressType", type, {"FQDN", "IPv4", "IPv6"});
  const Json& endpoints = ListAt(object, {"endpoints"});
  if (endpoints.size() > 1000) TooMany(causes, "endpoints", endpoints.size(), 1000);
  for (size_t i = 0; i < endpoints.size() && endpoints.size() <= 1000; ++i)
    SliceEndpoint(causes, endpoints[i], type, fmt::format("endpoints[{}]", i));
  const Json& ports = ListAt(object, {"ports"});
  std::set<std::string> names;
  for (size_t i = 0; i < ports.size(); ++i) {
    const std::string at = fmt::format("ports[{}]", i), name = TextAt(ports[i], "name");
    if (!name.empty()) InvalidText(causes, at + ".name", name, LabelFault(name));
    if (!names.insert(name).second) Duplicate(causes, at + ".name", GoQuoted(name));
    if (const Json& protocol = At(ports[i], "protocol"); protocol.is_null())
      Required(causes, at + ".protocol");
    else
      OneOf(causes, at + ".protocol", Scalar(protocol), {"SCTP", "TCP", "UDP"});
    if (const Json& protocol = At(ports[i], "appProtocol"); protocol.is_string())
      InvalidText(causes, at + ".appProtocol", Scalar(protocol), QualifiedFault(Scalar(protocol)));
  }
  if (before.is_object() && TextAt(before, "addressType") != type)
    Immutable(causes, "addressType", GoQuoted(type));
}

void ValidateRuntimeClass(Causes& causes, const Json& object) {
  if (const Json& fixed = At(object, {"overhead", "podFixed"}); fixed.is_object())
    ValidateResources(causes, {{"limits", fixed}}, "overhead");
  const Json& scheduling = At(object, "scheduling");
  ValidateLabels(causes, At(scheduling, "nodeSelector"), "scheduling.nodeSelector");
  ValidateTolerations(causes, scheduling, "scheduling.tolerations");
  const Json& tolerations = ListAt(scheduling, {"tolerations"});
  std::set<std::string> seen;
  for (size_t i = 0; i < tolerations.size(); ++i) {
    Json key = tolerations[i];
    key.erase("tolerationSeconds");
    if (!seen.insert(key.dump()).second)
      Duplicate(causes, fmt::format("scheduling.tolerations[{}]", i), "core.Toleration{...}");
  }
}

}  // namespace

void ValidateRareKind(Causes& causes, const ResourceType& type, const Json& object,
                      const Json& before) {
  const std::string& key = type.storage_key;
  if (key == "discovery.k8s.io/endpointslices") ValidateSlice(causes, object, before);
  if (key == "admissionregistration.k8s.io/mutatingwebhookconfigurations")
    ValidateWebhooks(causes, object, true);
  if (key == "admissionregistration.k8s.io/validatingwebhookconfigurations")
    ValidateWebhooks(causes, object, false);
  if (key == "/events") ValidateEvent(causes, type, object, before);
  if (key == "node.k8s.io/runtimeclasses") ValidateRuntimeClass(causes, object);
}

}  // namespace opsmesh::kubesim
