#include "libs/kubesim/objects/list_keys.h"

#include <map>

#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

bool AnyHas(const Json& list, const char* member) {
  if (!list.is_array()) return false;
  for (const Json& item : list) {
    if (item.is_object() && item.contains(member)) return true;
  }
  return false;
}

}  // namespace

ListKey ListKeyOf(std::string_view member, const Json& elements, const Json& more_elements) {
  using Kind = ListKey::Kind;
  if (member == "finalizers") return {Kind::kSet, "", {}};
  if (member == "ports") {
    if (AnyHas(elements, "containerPort") || AnyHas(more_elements, "containerPort")) {
      return {Kind::kByKey, "containerPort", {"containerPort", "protocol"}};
    }
    return {Kind::kByKey, "port", {"port", "protocol"}};
  }
  static const auto* keys = new std::map<std::string, std::string, std::less<>>{
      {"containers", "name"},       {"initContainers", "name"},  {"ephemeralContainers", "name"}, {"env", "name"},
      {"volumes", "name"},          {"volumeMounts", "mountPath"}, {"volumeDevices", "devicePath"}, {"conditions", "type"},
      {"imagePullSecrets", "name"}, {"hostAliases", "ip"},       {"ownerReferences", "uid"},      {"addresses", "type"},
      {"secrets", "name"},          {"topologySpreadConstraints", "topologyKey"}, {"podIPs", "ip"}, {"hostIPs", "ip"},
      {"readinessGates", "conditionType"}, {"resourceClaims", "name"}, {"webhooks", "name"}};
  auto it = keys->find(member);
  if (it != keys->end()) return {Kind::kByKey, it->second, {it->second}};
  if (member == "taints") return {Kind::kByKey, "key", {}};  // apply treats taints as one value
  return {};
}

int FindByKey(const Json& list, const std::string& key, const Json& element) {
  if (!list.is_array() || !element.is_object() || !element.contains(key)) return -1;
  for (size_t i = 0; i < list.size(); ++i) {
    if (list[i].is_object() && list[i].contains(key) && list[i][key] == element[key]) return static_cast<int>(i);
  }
  return -1;
}

}  // namespace opsmesh::kubesim
