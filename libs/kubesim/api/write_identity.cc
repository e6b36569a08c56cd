// Which object, and which state of it, a writer means.
#include <fmt/format.h>

#include <charconv>
#include <map>

#include "libs/kubesim/api/write_steps.h"
#include "libs/kubesim/objects/kind_rules.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

// Under which key a real server keeps an object, as its conflicts say.
std::string RegistryKey(const ResourceType& type, const Object& object) {
  static const std::map<std::string_view, std::string_view> named = {
      {"/services", "services/specs"},
      {"/endpoints", "services/endpoints"},
      {"/nodes", "minions"},
      {"/replicationcontrollers", "controllers"},
      {"networking.k8s.io/ingresses", "ingress"},
      {"apiextensions.k8s.io/customresourcedefinitions",
       "apiextensions.k8s.io/customresourcedefinitions"}};
  auto it = named.find(type.storage_key);
  const std::string kind = it != named.end() ? std::string(it->second)
                           : type.custom     ? type.group + "/" + type.plural
                                             : type.plural;
  return fmt::format("/registry/{}/{}{}{}", kind, object.ns, object.ns.empty() ? "" : "/",
                     object.name);
}

}  // namespace

MaybeStatus CheckVersion(const Call& call, const std::string& wanted, const Object& current) {
  if (wanted.empty()) return std::nullopt;
  uint64_t number = 0;
  const char* end = wanted.data() + wanted.size();
  const auto read = std::from_chars(wanted.data(), end, number);
  if (read.ec != std::errc() || read.ptr != end) {
    const bool digits = wanted.find_first_not_of("0123456789") == std::string::npos;
    return InternalStatus(
        fmt::format("strconv.ParseUint: parsing {}: {}",
                    Json(wanted).dump(-1, ' ', false, Json::error_handler_t::replace),
                    digits ? "value out of range" : "invalid syntax"));
  }
  if (number == 0 && !RulesOf(*call.type).unconditional_update) {
    return InvalidStatus(
        call.type->group, call.type->plural, call.info.name,
        {{"FieldValueInvalid", "Invalid value: 0x0: must be specified for an update",
          "metadata.resourceVersion"}});
  }
  if (number == 0 || number == current.resource_version) return std::nullopt;
  return ModifiedStatus(*call.type, call.info.name);
}

ApiStatus UnmetStatus(const Call& call, const ResourceType& type, const Object& object,
                      std::string_view what, std::string_view wanted, std::string_view own) {
  // A trial is judged before the store puts its own root before the key.
  std::string key = RegistryKey(type, object);
  if (IsDryRun(call)) key.erase(0, std::string_view("/registry").size());
  return ConflictStatus(
      type, object.name,
      fmt::format("StorageError: invalid object, Code: 4, Key: {0}, ResourceVersion: 0, "
                  "AdditionalErrorMsg: Precondition failed: {1} in precondition: {2}, {1} in "
                  "object meta: {3}",
                  key, what, wanted, own));
}

}  // namespace opsmesh::kubesim
