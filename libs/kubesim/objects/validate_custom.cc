// Custom resources held against the schema of their definition.
#include <fmt/format.h>

#include <cstdint>
#include <set>
#include <string_view>
#include <utility>

#include "libs/base/strings.h"
#include "libs/kubesim/objects/custom_schema.h"
#include "libs/kubesim/objects/go_values.h"
#include "libs/kubesim/objects/patch.h"
#include "libs/kubesim/objects/validation.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

const char* GoTypeWord(const Json& value) {
  return value.is_null()      ? "<nil>"
         : value.is_string()  ? "string"
         : value.is_boolean() ? "bool"
         : value.is_array()   ? "[]interface {}"
         : value.is_object()  ? "map[string]interface {}"
         : IsGoInteger(value) ? "int64"
                              : "float64";
}

// What stands at a path of names between dots; nothing when it is not there. `fault` says what is
// in the way.
const Json* Follow(const Json& object, const std::string& path, std::string* fault) {
  const Json* node = &object;
  std::string so_far;
  for (std::string_view part : base::Split(path, '.')) {
    if (part.empty()) continue;
    so_far += "." + std::string(part);
    if (node->is_null()) return nullptr;
    if (!node->is_object()) {
      *fault = fmt::format(
          "{} accessor error: {} is of the type {}, expected "
          "map[string]interface{{}}",
          so_far, GoFormatted(*node), GoTypeWord(*node));
      return nullptr;
    }
    auto it = node->find(part);
    if (it == node->end()) return nullptr;
    node = &*it;
  }
  return node;
}

std::string WrongAccess(const std::string& path, const Json& value, const char* expected) {
  return fmt::format("{}{} accessor error: {} is of the type {}, expected {}",
                     path.starts_with('.') ? "" : ".", path, GoFormatted(value), GoTypeWord(value),
                     expected);
}

// What the scale subresource reads must be numbers that can be replicas.
void CheckScalePath(Causes& causes, const std::string& path, const Json& object) {
  if (path.empty()) return;
  std::string fault;
  const Json* found = Follow(object, path, &fault);
  if (found != nullptr && !IsGoInteger(*found)) fault = WrongAccess(path, *found, "int64");
  if (!fault.empty()) return InvalidNumber(causes, path, 0, fault);
  if (found == nullptr) return;
  const auto replicas = found->get<int64_t>();
  if (replicas < 0) InvalidNumber(causes, path, replicas, "should be a non-negative integer");
  if (replicas > INT32_MAX)
    InvalidNumber(causes, path, replicas,
                  fmt::format("should be less than or equal to {}", INT32_MAX));
}

// The selector that it tells is text.
void CheckSelectorPath(Causes& causes, const std::string& path, const Json& object) {
  if (path.empty()) return;
  std::string fault;
  const Json* found = Follow(object, path, &fault);
  if (found != nullptr && !found->is_string()) fault = WrongAccess(path, *found, "string");
  if (!fault.empty()) InvalidText(causes, path, "", fault);
}

}  // namespace

std::vector<Cause> ValidateCustom(const ResourceType& type, const Json& object,
                                  const Json& before) {
  std::vector<Cause> causes;
  if (!type.definition) return causes;
  const Json& schema = At(*type.definition, {"schema", "openAPIV3Schema"});
  const bool whole = CheckAgainstSchema(causes, schema, object, "");
  if (before.is_object() && whole && !causes.empty()) {
    // What was wrong before and has not changed is let be.
    std::vector<Cause> old;
    CheckAgainstSchema(old, schema, before, "");
    std::set<std::pair<std::string_view, std::string_view>> known;
    for (const Cause& one : old) known.emplace(one.field, one.message);
    std::erase_if(causes, [&](const Cause& cause) {
      return known.contains({cause.field, cause.message});
    });
  }
  const Json& scale = At(*type.definition, {"subresources", "scale"});
  CheckScalePath(causes, TextAt(scale, "specReplicasPath"), object);
  CheckScalePath(causes, TextAt(scale, "statusReplicasPath"), object);
  CheckSelectorPath(causes, TextAt(scale, "labelSelectorPath"), object);
  return causes;
}

}  // namespace opsmesh::kubesim
