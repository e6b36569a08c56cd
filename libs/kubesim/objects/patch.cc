#include "libs/kubesim/objects/patch.h"

#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {

Json MergePatch(Json target, const Json& patch) {
  if (!patch.is_object()) return patch;
  if (!target.is_object()) target = Json::object();
  for (const auto& [member, value] : patch.items()) {
    if (value.is_null()) {
      target.erase(member);
    } else {
      target[member] = MergePatch(target.contains(member) ? target[member] : Json(), value);
    }
  }
  return target;
}

}  // namespace opsmesh::kubesim
