// Kinds that few people write by hand: endpoint slices, webhooks, CSI objects, events of the newer
// group, classes.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "libs/base/strings.h"
#include "libs/kubesim/objects/causes.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

std::string GoTexts(const Json& list) {
  std::string text;
  for (const Json& item : list)
    text += fmt::format("{}\"{}\"", text.empty() ? "" : ", ", Scalar(item));
  return "[]string{" + text + "}";
}

void Subdomain(Causes& causes, const std::string& field, const std::string& value) {
  if (auto fault = SubdomainFault(value); !fault.empty()) InvalidText(causes, field, value, fault);
}

// -- discovery.k8s.io --

void ValidateSlice(Causes& causes, const Json& object, const Json& before) {
  const std::string type = TextAt(object, "addressType");
  const Json& endpoints = ListAt(object, {"endpoints"});
  for (size_t i = 0; i < endpoints.size(); ++i) {
    const std::string at = fmt::format("endpoints[{}]", i);
    const Json& addresses = ListAt(endpoints[i], {"addresses"});
    if (addresses.empty()) Required(causes, at + ".addresses", "must contain at least 1 address");
    for (size_t n = 0; n < addresses.size(); ++n) {
      const std::string address = Scalar(addresses[n]),
                        here = fmt::format("{}.addresses[{}]", at, n);
      const bool six = address.find(':') != std::string::npos;
      if (type == "IPv4" && (!ValidIp(address) || six))
        InvalidText(causes, here, address, "must be a valid IPv4 address");
      if (type == "IPv6" && (!ValidIp(address) || !six))
        InvalidText(causes, here, address, "must be a valid IPv6 address");
      if (type == "FQDN" && address.find('.') == std::string::npos)
        InvalidText(causes, here, address,
                    "should be a domain with at least two segments separated by dots");
      if (ValidIp(address) && (address.starts_with("127.") || address == "::1"))
        InvalidText(causes, here, address,
                    "may not be in the loopback range (127.0.0.0/8, ::1/128)");
    }
    if (const std::string name = TextAt(endpoints[i], "hostname"); !name.empty()) {
      if (auto fault = LabelFault(name); !fault.empty())
        InvalidText(causes, at + ".hostname", name, fault);
    }
  }
  const Json& ports = ListAt(object, {"ports"});
  std::set<std::string> names;
  for (size_t i = 0; i < ports.size(); ++i) {
    const std::string at = fmt::format("ports[{}]", i), name = TextAt(ports[i], "name");
    if (!names.insert(name).second) Duplicate(causes, at + ".name", "\"" + name + "\"");
    if (!name.empty()) {
      if (auto fault = LabelFault(name); !fault.empty())
        InvalidText(causes, at + ".name", name, fault);
    }
    OneOf(causes, at + ".protocol", TextAt(ports[i], "protocol"), {"SCTP", "TCP", "UDP"});
  }
  if (type.empty())
    Required(causes, "addressType");
  else
    OneOf(causes, "addressType", type, {"FQDN", "IPv4", "IPv6"});
  if (before.is_object() && TextAt(before, "addressType") != type)
    Immutable(causes, "addressType", "\"" + type + "\"");
}

// -- storage.k8s.io --

void ValidateAttachment(Causes& causes, const Json& object, const Json& before) {
  const Json& spec = At(object, "spec");
  const std::string attacher = TextAt(spec, "attacher");
  if (attacher.empty()) Required(causes, "spec.attacher");
  Subdomain(causes, "spec.attacher", base::AsciiLower(attacher));
  const bool named = !TextAt(spec, {"source", "persistentVolumeName"}).empty(),
             inlined = At(spec, {"source", "inlineVolumeSpec"}).is_object();
  if (!named && !inlined)
    Required(causes, "spec.source",
             "must specify exactly one of inlineVolumeSpec and persistentVolumeName");
  if (named && inlined)
    Forbidden(causes, "spec.source",
              "must specify exactly one of inlineVolumeSpec and persistentVolumeName");
  Subdomain(causes, "spec.nodeName", TextAt(spec, "nodeName"));
  if (before.is_object() && At(before, "spec") != spec)
    Immutable(causes, "spec", "storage.VolumeAttachmentSpec{...}");
}

void ValidateCsiNode(Causes& causes, const Json& object, const Json& before) {
  const Json& drivers = ListAt(object, {"spec", "drivers"});
  std::set<std::string> names;
  for (size_t i = 0; i < drivers.size(); ++i) {
    const std::string at = fmt::format("spec.drivers[{}]", i), name = TextAt(drivers[i], "name");
    if (name.empty()) Required(causes, at + ".name");
    Subdomain(causes, at + ".name", base::AsciiLower(name));
    if (TextAt(drivers[i], "nodeID").empty()) Required(causes, at + ".nodeID");
    if (!names.insert(name).second) Duplicate(causes, at + ".name", "\"" + name + "\"");
    const Json& keys = ListAt(drivers[i], {"topologyKeys"});
    for (const Json& key : keys) {
      if (auto fault = QualifiedFault(Scalar(key)); !fault.empty())
        InvalidText(causes, at, Scalar(key), fault);
    }
  }
  for (const Json& old : ListAt(before, {"spec", "drivers"})) {
    for (const Json& driver : drivers) {
      if (TextAt(driver, "name") == TextAt(old, "name") &&
          (driver.value("nodeID", "") != old.value("nodeID", "") ||
           ListAt(driver, {"topologyKeys"}) != ListAt(old, {"topologyKeys"}))) {
        Immutable(causes, "CSINodeDriver", "storage.CSINodeDriver{...}");
      }
    }
  }
}

void ValidateCsiDriver(Causes& causes, const Json& object, const Json& before) {
  const std::string name = TextAt(object, {"metadata", "name"});
  if (name.size() > 63) TooLong(causes, "metadata.name", 63);
  for (const Json& mode : ListAt(object, {"spec", "volumeLifecycleModes"}))
    OneOf(causes, "spec.volumeLifecycleModes", Scalar(mode), {"Persistent", "Ephemeral"});
  if (const std::string policy = TextAt(object, {"spec", "fsGroupPolicy"}); !policy.empty())
    OneOf(causes, "spec.fsGroupPolicy", policy, {"File", "None", "ReadWriteOnceWithFSType"});
  if (before.is_object() &&
      At(before, {"spec", "attachRequired"}) != At(object, {"spec", "attachRequired"}))
    Immutable(causes, "spec.attachedRequired", At(object, {"spec", "attachRequired"}).dump());
}

void ValidateStorageClass(Causes& causes, const Json& object) {
  if (At(object, "parameters").is_object() && object["parameters"].contains(""))
    InvalidText(causes, "parameters", "", "field can not be empty.");
  const Json& topologies = ListAt(object, {"allowedTopologies"});
  for (size_t i = 0; i < topologies.size(); ++i) {
    const Json& terms = ListAt(topologies[i], {"matchLabelExpressions"});
    for (size_t n = 0; n < terms.size(); ++n) {
      const std::string at = fmt::format("allowedTopologies[{}].matchLabelExpressions[{}]", i, n);
      if (ListAt(terms[n], {"values"}).empty()) Required(causes, at + ".values");
      if (auto fault = QualifiedFault(TextAt(terms[n], "key")); !fault.empty())
        InvalidText(causes, at + ".key", TextAt(terms[n], "key"), fault);
    }
  }
}

// -- admissionregistration.k8s.io --

void ValidateHookConfig(Causes& causes, const Json& config, const std::string& at) {
  const std::string url = TextAt(config, "url");
  const bool has_url = At(config, "url").is_string(),
             has_service = At(config, "service").is_object();
  if (has_url == has_service)
    return Required(causes, at, "exactly one of url or service is required");
  if (has_service) {
    if (TextAt(config, {"service", "name"}).empty())
      Required(causes, at + ".service.name", "service name is required");
    if (TextAt(config, {"service", "namespace"}).empty())
      Required(causes, at + ".service.namespace", "service namespace is required");
    return;
  }
  constexpr const char* kForm = "; desired format: https://host[/path]";
  const std::string scheme = url.substr(0, url.find("://"));
  if (scheme != "https")
    InvalidText(causes, at + ".url", scheme == url ? "" : scheme,
                fmt::format("'https' is the only allowed URL scheme{}", kForm));
  if (url.find('?') != std::string::npos)
    InvalidText(causes, at + ".url", url.substr(url.find('?') + 1),
                fmt::format("query parameters are not permitted in the URL{}", kForm));
}

void ValidateHookRules(Causes& causes, const Json& rules, const std::string& at) {
  for (size_t i = 0; i < rules.size(); ++i) {
    const std::string here = fmt::format("{}.rules[{}]", at, i);
    auto list = [&](const char* member, const char* words) {
      const Json& values = ListAt(rules[i], {member});
      if (values.empty()) Required(causes, fmt::format("{}.{}", here, member));
      bool star = false;
      for (const Json& value : values) star = star || value == "*";
      if (star && values.size() > 1)
        Invalid(causes, fmt::format("{}.{}", here, member), GoTexts(values),
                fmt::format("if '*' is present, must not specify other {}", words));
    };
    const Json& operations = ListAt(rules[i], {"operations"});
    if (operations.empty()) Required(causes, here + ".operations");
    for (size_t n = 0; n < operations.size(); ++n)
      OneOf(causes, fmt::format("{}.operations[{}]", here, n), Scalar(operations[n]),
            {"*", "CONNECT", "CREATE", "DELETE", "UPDATE"});
    list("apiGroups", "API groups");
    list("apiVersions", "API versions");
    if (ListAt(rules[i], {"resources"}).empty()) Required(causes, here + ".resources");
    if (const std::string scope = TextAt(rules[i], "scope"); !scope.empty())
      OneOf(causes, here + ".scope", scope, {"*", "Cluster", "Namespaced"});
  }
}

void ValidateHooks(Causes& causes, const Json& object, bool mutating) {
  const Json& hooks = ListAt(object, {"webhooks"});
  std::set<std::string> names;
  for (size_t i = 0; i < hooks.size(); ++i) {
    const Json& hook = hooks[i];
    const std::string at = fmt::format("webhooks[{}]", i), name = TextAt(hook, "name");
    if (name.empty()) {
      Required(causes, at + ".name");
    } else if (auto fault = SubdomainFault(name); !fault.empty()) {
      InvalidText(causes, at + ".name", name, fault);
    } else if (std::count(name.begin(), name.end(), '.') < 2) {
      InvalidText(causes, at + ".name", name,
                  "should be a domain with at least three segments separated by dots");
    }
    ValidateHookRules(causes, ListAt(hook, {"rules"}), at);
    OneOf(causes, at + ".failurePolicy", TextAt(hook, "failurePolicy"), {"Fail", "Ignore"});
    OneOf(causes, at + ".matchPolicy", TextAt(hook, "matchPolicy"), {"Equivalent", "Exact"});
    if (const std::string effects = TextAt(hook, "sideEffects"); effects.empty())
      Required(causes, at + ".sideEffects", "must specify one of None, NoneOnDryRun");
    else
      OneOf(causes, at + ".sideEffects", effects, {"None", "NoneOnDryRun"});
    if (const Json& seconds = At(hook, "timeoutSeconds");
        seconds.is_number_integer() && (seconds < 1 || seconds > 30)) {
      InvalidNumber(causes, at + ".timeoutSeconds", seconds.get<int64_t>(),
                    "the timeout value must be between 1 and 30 seconds");
    }
    for (const char* selector : {"namespaceSelector", "objectSelector"})
      ValidateSelectorShape(causes, At(hook, selector), fmt::format("{}.{}", at, selector));
    ValidateHookConfig(causes, At(hook, "clientConfig"), at + ".clientConfig");
    if (mutating)
      OneOf(causes, at + ".reinvocationPolicy", TextAt(hook, "reinvocationPolicy"),
            {"IfNeeded", "Never"});
    const Json& versions = ListAt(hook, {"admissionReviewVersions"});
    bool known = false;
    for (const Json& version : versions) known = known || version == "v1" || version == "v1beta1";
    if (versions.empty())
      Required(causes, at + ".admissionReviewVersions", "must specify one of v1, v1beta1");
    else if (!known)
      Invalid(causes, at + ".admissionReviewVersions", GoTexts(versions),
              "must include at least one of v1, v1beta1");
    if (!name.empty() && !names.insert(name).second)
      Duplicate(causes, at + ".name", "\"" + name + "\"");
  }
}

// -- events.k8s.io: what its clients must say; the members are named as they are kept --

void ValidateNewEvent(Causes& causes, const Json& object) {
  auto text = [&](const char* member) { return TextAt(object, member); };
  if (!At(object, "eventTime").is_string()) Required(causes, "eventTime");
  if (At(object, "series").is_object()) {
    if (IntAt(object, {"series", "count"}) < 2)
      InvalidText(causes, "series.count", "", "should be at least 2");
    if (!At(object, {"series", "lastObservedTime"}).is_string())
      Required(causes, "series.lastObservedTime");
  }
  const std::string controller = text("reportingComponent"), instance = text("reportingInstance");
  if (controller.empty()) Required(causes, "reportingController");
  if (auto fault = QualifiedFault(controller); !fault.empty())
    InvalidText(causes, "reportingController", controller, fault);
  if (instance.empty()) Required(causes, "reportingInstance");
  if (instance.size() > 128)
    InvalidText(causes, "reportingInstance", "", "can have at most 128 characters");
  for (const char* member : {"action", "reason"}) {
    if (text(member).empty()) Required(causes, member);
    if (text(member).size() > 128)
      InvalidText(causes, member, "", "can have at most 128 characters");
  }
  if (text("message").size() > 1024)
    InvalidText(causes, "message", "", "can have at most 1024 characters");
  if (const std::string type = text("type"); type != "Normal" && type != "Warning")
    InvalidText(causes, "type", "", "has invalid value: " + type);
}

void ValidateRuntimeClass(Causes& causes, const Json& object) {
  static const std::set<std::string_view> standard = {"cpu", "memory", "ephemeral-storage"};
  if (const Json& fixed = At(object, {"overhead", "podFixed"}); fixed.is_object()) {
    for (const auto& [name, value] : fixed.items()) {
      if (standard.contains(name) || name.find('/') != std::string::npos ||
          name.starts_with("hugepages-"))
        continue;
      InvalidText(causes, fmt::format("overhead.limits[{}]", name), name,
                  "must be a standard resource type or fully qualified");
      InvalidText(causes, fmt::format("overhead.limits[{}]", name), name,
                  "must be a standard resource for containers");
    }
  }
  ValidateLabels(causes, At(object, {"scheduling", "nodeSelector"}), "scheduling.nodeSelector");
}

}  // namespace

void ValidateRareKind(Causes& causes, const ResourceType& type, const Json& object,
                      const Json& before) {
  const std::string& key = type.storage_key;
  if (key == "discovery.k8s.io/endpointslices") ValidateSlice(causes, object, before);
  if (key == "storage.k8s.io/volumeattachments") ValidateAttachment(causes, object, before);
  if (key == "storage.k8s.io/csinodes") ValidateCsiNode(causes, object, before);
  if (key == "storage.k8s.io/csidrivers") ValidateCsiDriver(causes, object, before);
  if (key == "storage.k8s.io/storageclasses") ValidateStorageClass(causes, object);
  if (key == "admissionregistration.k8s.io/mutatingwebhookconfigurations")
    ValidateHooks(causes, object, true);
  if (key == "admissionregistration.k8s.io/validatingwebhookconfigurations")
    ValidateHooks(causes, object, false);
  if (key == "/events" && type.group == "events.k8s.io" && !before.is_object())
    ValidateNewEvent(causes, object);
  if (key == "node.k8s.io/runtimeclasses") ValidateRuntimeClass(causes, object);
  if (key == "networking.k8s.io/ingressclasses" && At(object, {"spec", "parameters"}).is_object()) {
    for (const char* member : {"kind", "name"}) {
      if (TextAt(object, {"spec", "parameters", member}).empty())
        Required(causes, fmt::format("spec.parameters.{}", member),
                 fmt::format("{} is required", member));
    }
  }
  if (key == "rbac.authorization.k8s.io/clusterroles" &&
      At(object, "aggregationRule").is_object() &&
      ListAt(object, {"aggregationRule", "clusterRoleSelectors"}).empty()) {
    Required(causes, "aggregationRule.clusterRoleSelectors",
             "at least one clusterRoleSelector required if aggregationRule is non-nil");
  }
}

}  // namespace opsmesh::kubesim
