#include "libs/kubesim/objects/scale_owners.h"

#include <algorithm>
#include <tuple>

#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

const FieldPath& ReplicasOfScale() {
  static const auto* path = new FieldPath{"f:spec", "f:replicas"};
  return *path;
}

// Who an entry is of. Updates of two versions are two writers; who applies is one in all versions.
auto WriterOf(const Json& entry) {
  const std::string operation = TextAt(entry, "operation");
  return std::make_tuple(operation, TextAt(entry, "manager"), TextAt(entry, "subresource"),
                         operation == "Apply" ? "" : TextAt(entry, "apiVersion"));
}

const Json* Find(const Json& entries, const Json& writer) {
  for (const Json& entry : entries) {
    if (WriterOf(entry) == WriterOf(writer)) return &entry;
  }
  return nullptr;
}

bool Holds(const Json& entry, const FieldPath& path) {
  return FromFieldsV1(At(entry, "fieldsV1")).contains(path);
}

bool ComesBefore(const Json& a, const Json& b) {
  for (const char* member : {"operation", "time", "manager", "apiVersion", "subresource"}) {
    const std::string left = TextAt(a, member), right = TextAt(b, member);
    if (left != right) return left < right;
  }
  return false;
}

}  // namespace

const ResourceType& ScaleType() {
  static const auto* type = [] {
    auto* scale = new ResourceType;
    scale->group = "autoscaling";
    scale->version = "v1";
    scale->plural = "scales";
    scale->kind = "Scale";
    return scale;
  }();
  return *type;
}

Json OwnersOfScale(const Json& owners, const FieldPath& replicas) {
  Json shown = Json::array();
  for (const Json& entry : owners) {
    if (!entry.is_object() || !Holds(entry, replicas)) continue;
    Json& own = shown.emplace_back(entry);
    own["apiVersion"] = ScaleType().ApiVersion();
    own["fieldsV1"] = ToFieldsV1({ReplicasOfScale()});
  }
  return shown;
}

Json OwnersAfterScale(const Json& owners, const Json& scale_owners, const FieldPath& replicas,
                      const std::string& api_version) {
  Json result = Json::array(), added = scale_owners.is_array() ? scale_owners : Json::array();
  for (const Json& entry : owners) {
    if (!entry.is_object()) continue;
    FieldSet fields = FromFieldsV1(At(entry, "fieldsV1"));
    if (!fields.contains(replicas)) {
      result.push_back(entry);
      continue;
    }
    if (const Json* still = Find(added, entry)) {
      result.push_back(entry);
      added.erase(added.begin() + (still - &added[0]));
      continue;
    }
    fields.erase(replicas);
    if (fields.empty()) continue;
    Json& rest = result.emplace_back(entry);
    rest["fieldsV1"] = ToFieldsV1(fields);
  }
  for (Json entry : added) {
    if (!Holds(entry, ReplicasOfScale())) continue;
    // Its time is that of an entry of the same writer, whose name says the Scale's version.
    entry.erase("time");
    if (const Json* same = Find(owners, entry); same != nullptr && same->contains("time"))
      entry["time"] = (*same)["time"];
    entry["apiVersion"] = api_version;
    entry["fieldsV1"] = ToFieldsV1({replicas});
    result.push_back(std::move(entry));
  }
  std::stable_sort(result.begin(), result.end(), ComesBefore);
  return result;
}

}  // namespace opsmesh::kubesim
