#include "libs/kubesim/objects/validation.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <regex>
#include <set>

#include "libs/base/strings.h"
#include "libs/kubesim/objects/defaults.h"
#include "libs/kubesim/store/json_path.h"
#include "libs/kubesim/store/selectors.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

using Causes = std::vector<Cause>;

void Required(Causes& causes, std::string field, std::string_view why = "") {
  causes.push_back({"FieldValueRequired", why.empty() ? "Required value" : fmt::format("Required value: {}", why), std::move(field)});
}
void Invalid(Causes& causes, std::string field, const std::string& value, std::string_view why) {
  causes.push_back({"FieldValueInvalid", fmt::format("Invalid value: {}: {}", value, why), std::move(field)});
}
void NotSupported(Causes& causes, std::string field, const std::string& value, std::string_view supported) {
  causes.push_back({"FieldValueNotSupported", fmt::format("Unsupported value: \"{}\": supported values: {}", value, supported), std::move(field)});
}

bool LabelWord(std::string_view text, size_t max) {
  if (text.empty() || text.size() > max) return false;
  auto good = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  if (!good(text.front()) || !good(text.back())) return false;
  return std::all_of(text.begin(), text.end(), [&](char c) { return good(c) || c == '-'; });
}

bool Subdomain(std::string_view text) {
  if (text.size() > 253) return false;
  for (std::string_view part : base::Split(text, '.')) {
    if (!LabelWord(part, 253)) return false;
  }
  return !text.empty();
}

constexpr const char* kSubdomainWhy =
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an "
    "alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
constexpr const char* kLabelWhy =
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric "
    "character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
constexpr const char* kService1035Why =
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an "
    "alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";

std::string GoMap(const Json& map) {
  std::string text = "map[string]string{";
  bool first = true;
  if (map.is_object()) {
    for (const auto& [key, value] : map.items()) {
      text += fmt::format("{}\"{}\":\"{}\"", first ? "" : ", ", key, Scalar(value));
      first = false;
    }
  }
  return text + "}";
}

void ValidateLabels(Causes& causes, const Json& labels, const std::string& field) {
  if (!labels.is_object()) return;
  static const std::regex value_shape("(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?");
  for (const auto& [key, value] : labels.items()) {
    const size_t slash = key.find('/');
    const std::string name = slash == std::string::npos ? key : key.substr(slash + 1);
    static const std::regex name_shape("([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]");
    if (name.empty() || name.size() > 63 || !std::regex_match(name, name_shape)) {
      Invalid(causes, field, "\"" + key + "\"", "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')");
    }
    const std::string text = Scalar(value);
    if (text.size() > 63) {
      Invalid(causes, field, "\"" + text + "\"", "must be no more than 63 bytes");
    } else if (!std::regex_match(text, value_shape)) {
      Invalid(causes, field, "\"" + text + "\"", "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')");
    }
  }
}

void ValidateResources(Causes& causes, const Json& resources, const std::string& field) {
  for (const char* side : {"limits", "requests"}) {
    const Json& map = At(resources, side);
    if (!map.is_object()) continue;
    for (const auto& [name, value] : map.items()) {
      const auto amount = ParseQuantity(value);
      const std::string path = fmt::format("{}.{}[{}]", field, side, name);
      if (amount && *amount < 0) Invalid(causes, path, "\"" + Scalar(value) + "\"", "must be greater than or equal to 0");
    }
  }
  const Json& requests = At(resources, "requests");
  if (!requests.is_object()) return;
  for (const auto& [name, value] : requests.items()) {
    const auto request = ParseQuantity(value);
    const auto limit = ParseQuantity(At(resources, {"limits", name.c_str()}));
    if (request && limit && *request > *limit) {
      Invalid(causes, field + ".requests", "\"" + Scalar(value) + "\"", fmt::format("must be less than or equal to {} limit of {}", name, Scalar(At(resources, {"limits", name.c_str()}))));
    }
  }
}

void ValidateContainers(Causes& causes, const Json& spec, const std::string& field) {
  const Json& containers = ListAt(spec, {"containers"});
  if (containers.empty()) Required(causes, field + ".containers");
  std::set<std::string> names;
  std::set<std::string> volumes;
  for (const Json& volume : ListAt(spec, {"volumes"})) volumes.insert(TextAt(volume, "name"));
  for (const char* list : {"initContainers", "containers"}) {
    const Json& items = ListAt(spec, {list});
    for (size_t i = 0; i < items.size(); ++i) {
      const Json& container = items[i];
      const std::string at = fmt::format("{}.{}[{}]", field, list, i);
      const std::string name = TextAt(container, "name");
      if (name.empty()) {
        Required(causes, at + ".name");
      } else if (!LabelWord(name, 63)) {
        Invalid(causes, at + ".name", "\"" + name + "\"", kLabelWhy);
      } else if (!names.insert(name).second) {
        causes.push_back({"FieldValueDuplicate", fmt::format("Duplicate value: \"{}\"", name), at + ".name"});
      }
      if (TextAt(container, "image").empty()) Required(causes, at + ".image");
      const Json& ports = ListAt(container, {"ports"});
      for (size_t p = 0; p < ports.size(); ++p) {
        const std::string port_at = fmt::format("{}.ports[{}].containerPort", at, p);
        if (!At(ports[p], "containerPort").is_number()) {
          Required(causes, port_at);
        } else if (int64_t port = IntAt(ports[p], "containerPort"); port < 1 || port > 65535) {
          Invalid(causes, port_at, std::to_string(port), "must be between 1 and 65535, inclusive");
        }
      }
      const Json& mounts = ListAt(container, {"volumeMounts"});
      for (size_t m = 0; m < mounts.size(); ++m) {
        const std::string volume = TextAt(mounts[m], "name");
        if (!volumes.contains(volume)) {
          causes.push_back({"FieldValueNotFound", fmt::format("Not found: \"{}\"", volume), fmt::format("{}.volumeMounts[{}].name", at, m)});
        }
      }
      ValidateResources(causes, At(container, "resources"), at + ".resources");
      const std::string pull = TextAt(container, "imagePullPolicy");
      if (pull != "Always" && pull != "IfNotPresent" && pull != "Never") {
        NotSupported(causes, at + ".imagePullPolicy", pull, "\"Always\", \"IfNotPresent\", \"Never\"");
      }
    }
  }
}

void ValidatePodSpec(Causes& causes, const Json& spec, const std::string& field, std::string_view policies) {
  ValidateContainers(causes, spec, field);
  const std::string policy = TextAt(spec, "restartPolicy");
  if (policies.find("\"" + policy + "\"") == std::string_view::npos) NotSupported(causes, field + ".restartPolicy", policy, policies);
}

// The selector and the labels of the template it must match.
void ValidateSelector(Causes& causes, const Json& spec, const Json& before) {
  const Json& selector = At(spec, "selector");
  const Json& labels = At(spec, {"template", "metadata", "labels"});
  if (!selector.is_object()) {
    Required(causes, "spec.selector");
  } else if (At(selector, "matchLabels").empty() && ListAt(selector, {"matchExpressions"}).empty()) {
    Invalid(causes, "spec.selector", "v1.LabelSelector{MatchLabels:map[string]string(nil), MatchExpressions:[]v1.LabelSelectorRequirement(nil)}", "empty selector is invalid for deployment");
  }
  if (selector.is_object() && !LabelSelector::FromObject(selector).Matches(labels)) {
    Invalid(causes, "spec.template.metadata.labels", GoMap(labels), "`selector` does not match template `labels`");
  }
  ValidateLabels(causes, labels, "spec.template.labels");
  (void)before;
}

void ImmutableSelector(Causes& causes, const Json& spec, const Json& before) {
  if (!before.is_object() || At(before, {"spec", "selector"}) == At(spec, "selector")) return;
  Invalid(causes, "spec.selector",
          fmt::format("v1.LabelSelector{{MatchLabels:{}, MatchExpressions:[]v1.LabelSelectorRequirement(nil)}}", GoMap(At(spec, {"selector", "matchLabels"}))),
          "field is immutable");
}

void NonNegative(Causes& causes, const Json& spec, const char* member) {
  if (const Json& value = At(spec, member); value.is_number() && value.get<int64_t>() < 0) {
    Invalid(causes, fmt::format("spec.{}", member), value.dump(), "must be greater than or equal to 0");
  }
}

void ValidateWorkload(Causes& causes, const ResourceType& type, const Json& object, const Json& before) {
  const Json& spec = At(object, "spec");
  for (const char* member : {"replicas", "minReadySeconds", "revisionHistoryLimit"}) NonNegative(causes, spec, member);
  ValidateSelector(causes, spec, before);
  ValidatePodSpec(causes, At(spec, {"template", "spec"}), "spec.template.spec", "\"Always\"");
  if (type.kind == "Deployment") {
    const std::string strategy = TextAt(spec, {"strategy", "type"});
    if (strategy != "Recreate" && strategy != "RollingUpdate") NotSupported(causes, "spec.strategy.type", strategy, "\"Recreate\", \"RollingUpdate\"");
    if (strategy == "Recreate" && At(spec, {"strategy", "rollingUpdate"}).is_object()) {
      causes.push_back({"FieldValueForbidden", "Forbidden: may not be specified when strategy `type` is 'Recreate'", "spec.strategy.rollingUpdate"});
    }
  }
  ImmutableSelector(causes, spec, before);
  if (type.kind == "StatefulSet" && before.is_object()) {
    Json now = spec, then = At(before, "spec");
    for (const char* member : {"replicas", "ordinals", "template", "updateStrategy", "revisionHistoryLimit", "persistentVolumeClaimRetentionPolicy", "minReadySeconds", "selector"}) {
      now.erase(member);
      then.erase(member);
    }
    if (now != then) {
      causes.push_back({"FieldValueForbidden", "Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden", "spec"});
    }
  }
}

void ValidateService(Causes& causes, const Json& object, const Json& before) {
  const Json& spec = At(object, "spec");
  const std::string type = TextAt(spec, "type");
  const Json& ports = ListAt(spec, {"ports"});
  if (ports.empty() && type != "ExternalName" && TextAt(spec, "clusterIP") != "None") Required(causes, "spec.ports");
  for (size_t i = 0; i < ports.size(); ++i) {
    const std::string at = fmt::format("spec.ports[{}]", i);
    if (ports.size() > 1 && TextAt(ports[i], "name").empty()) Required(causes, at + ".name");
    if (int64_t port = IntAt(ports[i], "port"); port < 1 || port > 65535) Invalid(causes, at + ".port", std::to_string(port), "must be between 1 and 65535, inclusive");
  }
  if (type != "ClusterIP" && type != "NodePort" && type != "LoadBalancer" && type != "ExternalName") {
    NotSupported(causes, "spec.type", type, "\"ClusterIP\", \"ExternalName\", \"LoadBalancer\", \"NodePort\"");
  }
  const std::string old_ip = TextAt(before, {"spec", "clusterIP"});
  if (!old_ip.empty() && type != "ExternalName" && TextAt(spec, "clusterIP") != old_ip) {
    Invalid(causes, "spec.clusterIPs[0]", fmt::format("[]string{{\"{}\"}}", TextAt(spec, "clusterIP")), "may not change once set");
  }
}

void ValidatePod(Causes& causes, const Json& object, const Json& before) {
  ValidatePodSpec(causes, At(object, "spec"), "spec", "\"Always\", \"OnFailure\", \"Never\"");
  if (!before.is_object()) return;
  Json now = At(object, "spec"), then = At(before, "spec");
  for (Json* spec : {&now, &then}) {
    for (const char* list : {"containers", "initContainers"}) {
      if (!spec->contains(list) || !(*spec)[list].is_array()) continue;
      for (Json& container : (*spec)[list]) {
        if (container.is_object()) container.erase("image");
      }
    }
    for (const char* member : {"activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds"}) spec->erase(member);
  }
  if (now != then) {
    causes.push_back({"FieldValueForbidden", "Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)", "spec"});
  }
}

void ValidateAutoscaler(Causes& causes, const Json& object) {
  const Json& spec = At(object, "spec");
  const int64_t most = IntAt(spec, "maxReplicas");
  if (IntAt(spec, "minReplicas", 1) < 1) Invalid(causes, "spec.minReplicas", std::to_string(IntAt(spec, "minReplicas")), "must be greater than or equal to 1");
  if (most < 1) Invalid(causes, "spec.maxReplicas", std::to_string(most), "must be greater than 0");
  if (most < IntAt(spec, "minReplicas", 1)) Invalid(causes, "spec.maxReplicas", std::to_string(most), "must be greater than or equal to `minReplicas`");
  if (TextAt(spec, {"scaleTargetRef", "kind"}).empty()) Required(causes, "spec.scaleTargetRef.kind");
  if (TextAt(spec, {"scaleTargetRef", "name"}).empty()) Required(causes, "spec.scaleTargetRef.name");
}

}  // namespace

Causes ValidateName(const ResourceType& type, std::string_view name, const std::string& field) {
  Causes causes;
  const std::string quoted = fmt::format("\"{}\"", name);
  if (type.group == "rbac.authorization.k8s.io") {
    if (name == "." || name == ".." || name.find_first_of("/%") != std::string_view::npos) Invalid(causes, field, quoted, "may not contain '/' or '%'");
    return causes;
  }
  if (type.storage_key == "/namespaces") {
    if (!LabelWord(name, 63)) Invalid(causes, field, quoted, kLabelWhy);
  } else if (type.storage_key == "/services") {
    if (!LabelWord(name, 63) || (name[0] >= '0' && name[0] <= '9')) Invalid(causes, field, quoted, kService1035Why);
  } else if (!Subdomain(name)) {
    Invalid(causes, field, quoted, name.size() > 253 ? "must be no more than 253 bytes" : kSubdomainWhy);
  }
  return causes;
}

Causes Validate(const ResourceType& type, const Json& object, const Json& before) {
  Causes causes;
  if (!before.is_object()) causes = ValidateName(type, TextAt(object, {"metadata", "name"}), "metadata.name");
  ValidateLabels(causes, At(object, {"metadata", "labels"}), "metadata.labels");
  const std::string& key = type.storage_key;
  if (key == "apps/deployments" || key == "apps/statefulsets" || key == "apps/daemonsets" || key == "apps/replicasets") {
    ValidateWorkload(causes, type, object, before);
  } else if (key == "/pods") {
    ValidatePod(causes, object, before);
  } else if (key == "/services") {
    ValidateService(causes, object, before);
  } else if (key == "batch/jobs") {
    ValidatePodSpec(causes, At(object, {"spec", "template", "spec"}), "spec.template.spec", "\"OnFailure\", \"Never\"");
    if (before.is_object() && At(before, {"spec", "template"}) != At(object, {"spec", "template"})) {
      Invalid(causes, "spec.template", "core.PodTemplateSpec{...}", "field is immutable");
    }
  } else if (key == "batch/cronjobs") {
    if (TextAt(object, {"spec", "schedule"}).empty()) Required(causes, "spec.schedule");
    ValidatePodSpec(causes, At(object, {"spec", "jobTemplate", "spec", "template", "spec"}), "spec.jobTemplate.spec.template.spec", "\"OnFailure\", \"Never\"");
  } else if (key == "autoscaling/horizontalpodautoscalers") {
    ValidateAutoscaler(causes, object);
  } else if ((key == "/configmaps" || key == "/secrets") && BoolAt(before, {"immutable"})) {
    for (const char* member : {"data", "binaryData"}) {
      if (At(before, member) != At(object, member)) {
        causes.push_back({"FieldValueForbidden", "Forbidden: field is immutable when `immutable` is set", member});
      }
    }
  } else if (key == "/persistentvolumeclaims" && !before.is_object()) {
    if (ListAt(object, {"spec", "accessModes"}).empty()) Required(causes, "spec.accessModes", "at least 1 access mode is required");
    if (At(object, {"spec", "resources", "requests", "storage"}).is_null()) Required(causes, "spec.resources[storage]");
  }
  if (type.custom) {
    for (Cause& cause : ValidateCustom(type, object)) causes.push_back(std::move(cause));
  }
  return causes;
}

}  // namespace opsmesh::kubesim
