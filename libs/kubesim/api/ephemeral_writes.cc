#include "libs/kubesim/api/ephemeral_writes.h"

#include <fmt/format.h>

#include <map>
#include <string>

#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {

Json WithEphemeralContainers(Json before, const Json& object) {
  const Json& containers = At(object, {"spec", "ephemeralContainers"});
  if (!containers.is_null())
    before["spec"]["ephemeralContainers"] = containers;
  else if (before["spec"].is_object())
    before["spec"].erase("ephemeralContainers");
  return before;
}

void CheckEphemeralContainers(std::vector<Cause>& causes, const Json& object, const Json& before) {
  std::map<std::string, const Json*> now;
  for (const Json& one : ListAt(object, {"spec", "ephemeralContainers"}))
    now[TextAt(one, "name")] = &one;
  for (const Json& one : ListAt(before, {"spec", "ephemeralContainers"})) {
    const std::string name = TextAt(one, "name");
    const auto there = now.find(name);
    if (there != now.end() && *there->second == one) continue;
    causes.push_back({"FieldValueForbidden",
                      fmt::format("Forbidden: existing ephemeral containers \"{}\" may not be {}\n",
                                  name, there == now.end() ? "removed" : "changed"),
                      "spec.ephemeralContainers"});
  }
}

}  // namespace opsmesh::kubesim
