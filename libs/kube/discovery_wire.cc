#include "libs/kube/discovery_wire.h"

#include <algorithm>

#include "libs/kube/json_walk.h"

namespace opsmesh::kube {
namespace {

constexpr size_t kMaxTypes = 10000;

/// Groups, versions and plurals go into URLs, kinds into JSON: plain words only, whatever a server
/// claims.
bool IsPlain(const std::string& text) {
  return text.size() <= 253 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '.';
         });
}

bool IsUsable(const ResourceType& type) {
  return IsPlain(type.group) && !type.version.empty() && IsPlain(type.version) &&
         !type.plural.empty() && IsPlain(type.plural) && !type.kind.empty() && IsPlain(type.kind);
}

std::vector<std::string> Strings(JsonRef array) {
  std::vector<std::string> out;
  array.WalkElements([&](JsonRef value) {
    if (value.RawString()) out.push_back(value.String());
    return out.size() < 64;
  });
  return out;
}

void Add(ResourceType type, std::vector<ResourceType>* types) {
  if (IsUsable(type) && types->size() < kMaxTypes) types->push_back(std::move(type));
}

void ReadAggregatedResource(JsonRef resource, const GroupVersion& gv,
                            std::vector<ResourceType>* types) {
  ResourceType type;
  type.group = gv.group;
  type.version = gv.version;
  type.plural = resource["resource"].String();
  type.kind = resource["responseKind"]["kind"].String();
  type.singular = resource["singularResource"].String();
  type.namespaced = resource["scope"].RawString() == "Namespaced";
  type.verbs = Strings(resource["verbs"]);
  type.short_names = Strings(resource["shortNames"]);
  resource["subresources"].WalkElements([&](JsonRef sub) {
    type.subresources.push_back(sub["subresource"].String());
    return type.subresources.size() < 64;
  });
  Add(std::move(type), types);
}

}  // namespace

void ReadAggregated(JsonRef root, std::vector<ResourceType>* types,
                    std::vector<std::string>* failed) {
  root["items"].WalkElements([&](JsonRef group) {
    GroupVersion gv;
    gv.group = group["metadata"]["name"].String();
    group["versions"].WalkElements([&](JsonRef version) {
      gv.version = version["version"].String();
      if (version["freshness"].RawString() == "Stale") failed->push_back(gv.name());
      version["resources"].WalkElements([&](JsonRef resource) {
        ReadAggregatedResource(resource, gv, types);
        return true;
      });
      return true;
    });
    return true;
  });
}

std::vector<GroupVersion> ReadGroupList(JsonRef root) {
  std::vector<GroupVersion> found;
  root["groups"].WalkElements([&](JsonRef group) {
    const std::string name = group["name"].String();
    const std::string preferred = group["preferredVersion"]["version"].String();
    std::vector<GroupVersion> versions;
    group["versions"].WalkElements([&](JsonRef version) {
      versions.push_back({name, version["version"].String()});
      return versions.size() < 64;
    });
    std::stable_partition(versions.begin(), versions.end(),
                          [&](const GroupVersion& gv) { return gv.version == preferred; });
    found.insert(found.end(), versions.begin(), versions.end());
    return found.size() < kMaxTypes;
  });
  std::erase_if(found, [](const GroupVersion& gv) {
    return gv.group.empty() || gv.version.empty() || !IsPlain(gv.group) || !IsPlain(gv.version);
  });
  return found;
}

void ReadResourceList(JsonRef root, const GroupVersion& gv, std::vector<ResourceType>* types) {
  const size_t first = types->size();
  std::vector<std::pair<std::string, std::string>> subresources;
  root["resources"].WalkElements([&](JsonRef resource) {
    const std::string name = resource["name"].String();
    if (const size_t slash = name.find('/'); slash != std::string::npos) {
      subresources.emplace_back(name.substr(0, slash), name.substr(slash + 1));
      return subresources.size() < kMaxTypes;
    }
    ResourceType type;
    type.group = gv.group;
    type.version = gv.version;
    type.plural = name;
    type.kind = resource["kind"].String();
    type.singular = resource["singularName"].String();
    type.namespaced = resource["namespaced"].Bool().value_or(false);
    type.verbs = Strings(resource["verbs"]);
    type.short_names = Strings(resource["shortNames"]);
    Add(std::move(type), types);
    return true;
  });
  for (const auto& [plural, sub] : subresources) {
    for (size_t i = first; i < types->size(); ++i) {
      if ((*types)[i].plural == plural) (*types)[i].subresources.push_back(sub);
    }
  }
}

}  // namespace opsmesh::kube
