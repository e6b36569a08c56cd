// The shape of objects: wrong JSON types, unknown members, and the schemas of custom resources.
#include <fmt/format.h>

#include <map>
#include <regex>
#include <set>

#include "libs/base/strings.h"
#include "libs/kubesim/objects/defaults.h"
#include "libs/kubesim/objects/validation.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

const char* GoWord(const Json& value) {
  if (value.is_object()) return "object";
  if (value.is_array()) return "array";
  if (value.is_string()) return "string";
  if (value.is_boolean()) return "bool";
  return "number";
}

enum class Shape { kObject, kList, kText, kInteger, kBool, kTextMap, kIntOrText, kQuantityMap };

bool Fits(const Json& value, Shape shape) {
  auto all_text = [](const Json& map) {
    for (const auto& [key, item] : map.items()) {
      if (!item.is_string() && !item.is_null()) return false;
    }
    return true;
  };
  switch (shape) {
    case Shape::kObject: return value.is_object();
    case Shape::kList: return value.is_array();
    case Shape::kText: return value.is_string();
    case Shape::kInteger: return value.is_number_integer() || value.is_number_unsigned();
    case Shape::kBool: return value.is_boolean();
    case Shape::kTextMap: return value.is_object() && all_text(value);
    case Shape::kIntOrText: return value.is_number_integer() || value.is_string();
    case Shape::kQuantityMap:
      if (!value.is_object()) return false;
      for (const auto& [key, item] : value.items()) {
        if (!ParseQuantity(item)) return false;
      }
      return true;
  }
  return true;
}

// Members with one meaning wherever they stand in the built-in kinds.
const std::map<std::string, Shape, std::less<>>& Shapes() {
  static const auto* shapes = new std::map<std::string, Shape, std::less<>>{
      {"metadata", Shape::kObject}, {"labels", Shape::kTextMap}, {"annotations", Shape::kTextMap}, {"matchLabels", Shape::kTextMap},
      {"replicas", Shape::kInteger}, {"containers", Shape::kList}, {"initContainers", Shape::kList}, {"volumes", Shape::kList},
      {"image", Shape::kText}, {"env", Shape::kList}, {"command", Shape::kList}, {"args", Shape::kList},
      {"volumeMounts", Shape::kList}, {"containerPort", Shape::kInteger}, {"targetPort", Shape::kIntOrText},
      {"restartPolicy", Shape::kText}, {"nodeName", Shape::kText}, {"unschedulable", Shape::kBool}, {"paused", Shape::kBool},
      {"ownerReferences", Shape::kList}, {"finalizers", Shape::kList}, {"generateName", Shape::kText},
      {"limits", Shape::kQuantityMap}, {"requests", Shape::kQuantityMap}, {"resourceVersion", Shape::kText}, {"uid", Shape::kText},
      {"namespace", Shape::kText}, {"tolerations", Shape::kList}, {"minReplicas", Shape::kInteger}, {"maxReplicas", Shape::kInteger},
      {"terminationGracePeriodSeconds", Shape::kInteger}, {"immutable", Shape::kBool}, {"hostNetwork", Shape::kBool},
      {"securityContext", Shape::kObject}, {"strategy", Shape::kObject}, {"resources", Shape::kObject}};
  return *shapes;
}

std::string WrongIn(const Json& node, const std::string& path, int depth) {
  if (depth > 40) return "";
  if (node.is_array()) {
    for (const Json& item : node) {
      if (auto wrong = WrongIn(item, path, depth + 1); !wrong.empty()) return wrong;
    }
    return "";
  }
  if (!node.is_object()) return "";
  for (const auto& [member, value] : node.items()) {
    const std::string here = path.empty() ? member : path + "." + member;
    if (auto it = Shapes().find(member); it != Shapes().end() && !value.is_null() && !Fits(value, it->second)) {
      // RBAC rules name their lists "resources" and "verbs".
      const bool rule = member == "resources" && value.is_array();
      if (!rule) return fmt::format("json: cannot unmarshal {} into Go struct field {} of the expected type", GoWord(value), here);
    }
    for (const char* list : {"containers", "initContainers", "volumes", "env", "volumeMounts", "tolerations", "ownerReferences"}) {
      if (member != list || !value.is_array()) continue;
      for (const Json& item : value) {
        if (!item.is_object()) return fmt::format("json: cannot unmarshal {} into Go struct field {} of the expected type", GoWord(item), here);
      }
    }
    // Values of plain maps are data, not structure.
    if (member == "data" || member == "stringData" || member == "labels" || member == "annotations" || member == "matchLabels") continue;
    if (auto wrong = WrongIn(value, here, depth + 1); !wrong.empty()) return wrong;
  }
  return "";
}

const std::set<std::string>* KnownTop(const ResourceType& type) {
  static const auto* common = new std::set<std::string>{"kind", "apiVersion", "metadata", "spec", "status"};
  static const auto* special = new std::map<std::string, std::set<std::string>>{
      {"/configmaps", {"kind", "apiVersion", "metadata", "data", "binaryData", "immutable"}},
      {"/secrets", {"kind", "apiVersion", "metadata", "data", "stringData", "type", "immutable"}},
      {"/serviceaccounts", {"kind", "apiVersion", "metadata", "secrets", "imagePullSecrets", "automountServiceAccountToken"}}};
  if (type.custom) return nullptr;
  if (auto it = special->find(type.storage_key); it != special->end()) return &it->second;
  static const auto* with_spec = new std::set<std::string>{
      "/pods", "/services", "/namespaces", "/nodes", "/persistentvolumes", "/persistentvolumeclaims", "apps/deployments", "apps/replicasets",
      "apps/statefulsets", "apps/daemonsets", "batch/jobs", "batch/cronjobs", "networking.k8s.io/ingresses", "networking.k8s.io/networkpolicies",
      "policy/poddisruptionbudgets", "autoscaling/horizontalpodautoscalers"};
  return with_spec->contains(type.storage_key) ? common : nullptr;
}

void UnknownIn(const Json& object, const std::set<std::string>& known, const std::string& prefix, std::vector<std::string>* out) {
  if (!object.is_object()) return;
  for (const auto& [member, value] : object.items()) {
    if (!known.contains(member)) out->push_back(fmt::format("unknown field \"{}{}\"", prefix, member));
  }
}

const std::set<std::string>& DeploymentMembers() {
  static const auto* known = new std::set<std::string>{"replicas", "selector", "template", "strategy", "minReadySeconds", "revisionHistoryLimit", "paused", "progressDeadlineSeconds"};
  return *known;
}

const std::set<std::string>& ContainerMembers() {
  static const auto* known = new std::set<std::string>{
      "name", "image", "command", "args", "workingDir", "ports", "envFrom", "env", "resources", "resizePolicy", "restartPolicy", "volumeMounts", "volumeDevices",
      "livenessProbe", "readinessProbe", "startupProbe", "lifecycle", "terminationMessagePath", "terminationMessagePolicy", "imagePullPolicy", "securityContext",
      "stdin", "stdinOnce", "tty"};
  return *known;
}

const std::set<std::string>& MetadataMembers() {
  static const auto* known = new std::set<std::string>{
      "name", "generateName", "namespace", "selfLink", "uid", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp",
      "deletionGracePeriodSeconds", "labels", "annotations", "ownerReferences", "finalizers", "managedFields"};
  return *known;
}

// -- custom resources --

struct SchemaWalk {
  std::vector<Cause>* causes;

  void Bad(const std::string& field, const std::string& value, const std::string& why) {
    causes->push_back({"FieldValueInvalid", fmt::format("Invalid value: {}: {} in body {}", value, field, why), field});
  }

  void Check(const Json& schema, const Json& value, const std::string& field, int depth) {
    if (!schema.is_object() || depth > 40) return;
    const std::string type = TextAt(schema, "type");
    const bool int_or_string = BoolAt(schema, {"x-kubernetes-int-or-string"});
    if (value.is_null()) return;
    const bool fits = type.empty() || int_or_string || (type == "object" && value.is_object()) || (type == "array" && value.is_array()) ||
                      (type == "string" && value.is_string()) || (type == "boolean" && value.is_boolean()) ||
                      (type == "integer" && value.is_number_integer()) || (type == "number" && value.is_number());
    if (!fits) {
      causes->push_back({"FieldValueTypeInvalid", fmt::format("Invalid value: \"{}\": {} in body must be of type {}: \"{}\"", GoWord(value), field, type, GoWord(value)), field});
      return;
    }
    if (value.is_number()) Numbers(schema, value, field);
    if (value.is_string()) Texts(schema, value, field);
    if (value.is_array()) {
      for (size_t i = 0; i < value.size(); ++i) Check(At(schema, "items"), value[i], fmt::format("{}[{}]", field, i), depth + 1);
    }
    if (!value.is_object()) return;
    for (const Json& name : ListAt(schema, {"required"})) {
      if (!value.contains(Scalar(name))) causes->push_back({"FieldValueRequired", "Required value", field.empty() ? Scalar(name) : field + "." + Scalar(name)});
    }
    const Json& properties = At(schema, "properties");
    for (const auto& [member, item] : value.items()) {
      if (field.empty() && (member == "metadata" || member == "kind" || member == "apiVersion")) continue;
      Check(At(properties, member.c_str()), item, field.empty() ? member : field + "." + member, depth + 1);
    }
  }

  void Numbers(const Json& schema, const Json& value, const std::string& field) {
    if (const Json& least = At(schema, "minimum"); least.is_number() && value.get<double>() < least.get<double>()) {
      Bad(field, value.dump(), "should be greater than or equal to " + least.dump());
    }
    if (const Json& most = At(schema, "maximum"); most.is_number() && value.get<double>() > most.get<double>()) {
      Bad(field, value.dump(), "should be less than or equal to " + most.dump());
    }
  }

  void Texts(const Json& schema, const Json& value, const std::string& field) {
    const std::string text = value.get<std::string>();
    if (const std::string pattern = TextAt(schema, "pattern"); !pattern.empty() && text.size() < 4096) {
      try {
        if (!std::regex_search(text, std::regex(pattern, std::regex::ECMAScript))) Bad(field, "\"" + text + "\"", "should match '" + pattern + "'");
      } catch (const std::regex_error&) {  // a pattern of another dialect cannot be judged here
      }
    }
    if (const Json& allowed = At(schema, "enum"); allowed.is_array()) {
      std::string list;
      for (const Json& one : allowed) {
        if (one == value) return;
        list += (list.empty() ? "" : ", ") + one.dump();
      }
      causes->push_back({"FieldValueNotSupported", fmt::format("Unsupported value: \"{}\": supported values: {}", text, list), field});
    }
  }
};

}  // namespace

std::string WrongType(const ResourceType& type, const Json& object) {
  if (!object.is_object()) return fmt::format("json: cannot unmarshal {} into Go value of type {}", GoWord(object), type.kind);
  if (type.custom) return object.contains("metadata") ? WrongIn({{"metadata", object["metadata"]}}, "", 0) : "";
  for (const char* member : {"spec", "status", "data"}) {
    if (type.storage_key != "apps/controllerrevisions" && object.contains(member) && !object[member].is_object() && !object[member].is_null()) {
      return fmt::format("json: cannot unmarshal {} into Go struct field {}.{} of the expected type", GoWord(object[member]), type.kind, member);
    }
  }
  if (type.storage_key == "/configmaps" && object.contains("data") && object["data"].is_object() && !Fits(object["data"], Shape::kTextMap)) {
    return "json: cannot unmarshal a value into Go struct field ConfigMap.data of type string";
  }
  if (type.storage_key == "apiextensions.k8s.io/customresourcedefinitions") return "";  // its schemas may use any name
  return WrongIn(object, "", 0);
}

std::vector<std::string> UnknownFields(const ResourceType& type, const Json& object) {
  std::vector<std::string> unknown;
  const auto* top = KnownTop(type);
  if (top == nullptr) return unknown;
  UnknownIn(object, *top, "", &unknown);
  UnknownIn(At(object, "metadata"), MetadataMembers(), "metadata.", &unknown);
  const Json* pod = nullptr;
  std::string at;
  if (type.storage_key == "apps/deployments") UnknownIn(At(object, "spec"), DeploymentMembers(), "spec.", &unknown);
  if (type.group == "apps") {
    pod = &At(object, {"spec", "template", "spec"});
    at = "spec.template.spec.";
  } else if (type.storage_key == "/pods") {
    pod = &At(object, "spec");
    at = "spec.";
  }
  if (pod != nullptr) {
    for (const char* list : {"containers", "initContainers"}) {
      const Json& items = ListAt(*pod, {list});
      for (size_t i = 0; i < items.size(); ++i) UnknownIn(items[i], ContainerMembers(), fmt::format("{}{}[{}].", at, list, i), &unknown);
    }
  }
  return unknown;
}

std::vector<Cause> ValidateCustom(const ResourceType& type, const Json& object) {
  std::vector<Cause> causes;
  if (!type.definition) return causes;
  const Json& schema = At(*type.definition, {"schema", "openAPIV3Schema"});
  SchemaWalk{&causes}.Check(schema, object, "", 0);
  return causes;
}

}  // namespace opsmesh::kubesim
