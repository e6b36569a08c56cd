// What server-side apply is given: one object of the resource's kind that fits its schema.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "libs/kubesim/api/body.h"
#include "libs/kubesim/api/write_steps.h"
#include "libs/kubesim/objects/managed_fields.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

// Unlike YAML in other bodies, an applied configuration may have documents after its first, which
// nobody reads.
Outcome<Json> ReadApplied(Call& call) {
  auto applied = ParseBody(call, true);
  if (!applied.ok()) {
    ApiStatus status = applied.status();
    if (status.code == 400) status.message = "error decoding YAML: " + status.message;
    return status;
  }
  if (applied->is_null()) *applied = Json::object();
  if (!applied->is_object()) {
    return BadRequestStatus(
        fmt::format("error decoding YAML: error unmarshaling JSON: while decoding JSON: json: "
                    "cannot unmarshal {} into Go value of type map[string]interface {{}}",
                    GoWord(*applied)));
  }
  return applied;
}

// "/v1, Kind=Pod" or "apps/v1, Kind=Deployment"; a version of more than two parts is none.
std::string GoKind(const std::string& api_version, const std::string& kind) {
  const auto slashes = std::count(api_version.begin(), api_version.end(), '/');
  if (slashes > 1) return "/, Kind=";
  return fmt::format("{}{}, Kind={}", slashes == 0 ? "/" : "", api_version, kind);
}

}  // namespace

Outcome<Json> AppliedConfiguration(Call& call, const ResourceType& type) {
  auto applied = ReadApplied(call);
  if (!applied.ok()) return applied;
  // The core group may be spelled out: "/v1".
  if (TextAt(*applied, "apiVersion") == "/" + type.ApiVersion())
    (*applied)["apiVersion"] = type.ApiVersion();
  const std::string version = TextAt(*applied, "apiVersion"), kind = TextAt(*applied, "kind");
  if (version != type.ApiVersion() || kind != type.kind)
    return BadRequestStatus("invalid object type: " + GoKind(version, kind));
  const Json& owners = At(*applied, {"metadata", "managedFields"});
  if (owners.is_array()) return BadRequestStatus("metadata.managedFields must be nil");
  return applied;
}

MaybeStatus CheckApplied(Call& call, const ResourceType& type, const Json& applied,
                         std::string_view given_namespace) {
  const std::string& mode = call.query.Get("fieldValidation");
  const std::vector<std::string> duplicates = std::exchange(call.duplicates, {});
  if (!duplicates.empty() && mode == "Strict") {
    return BadRequestStatus("error strict decoding YAML: error converting YAML to JSON: " +
                            duplicates.front());
  }
  if (!duplicates.empty() && mode != "Ignore") {
    for (std::string& line : WarningsOf(duplicates.front()))
      call.warnings.push_back(std::move(line));
  }
  // An applied configuration must fit its schema, whatever fieldValidation says.
  const std::string misfit = SchemaMisfit(type, applied);
  if (misfit.empty()) return std::nullopt;
  return InternalStatus(fmt::format("failed to create typed patch object ({}/{}; {}): {}",
                                    given_namespace, call.info.name,
                                    GoKind(type.ApiVersion(), type.kind), misfit));
}

}  // namespace opsmesh::kubesim
