#include "libs/kubesim/api/discovery.h"

#include <fmt/format.h>

#include <algorithm>

#include "libs/base/strings.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

// Groups in catalog order with their versions, preferred first.
struct Group {
  std::string name;
  std::vector<std::string> versions;
};

std::vector<Group> GroupsOf(const std::vector<const ResourceType*>& types) {
  std::vector<Group> groups;
  for (const ResourceType* type : types) {
    if (type->group.empty()) continue;
    auto it = std::find_if(groups.begin(), groups.end(),
                           [&](const Group& g) { return g.name == type->group; });
    if (it == groups.end()) it = groups.insert(groups.end(), {type->group, {}});
    if (std::find(it->versions.begin(), it->versions.end(), type->version) == it->versions.end()) {
      it->versions.push_back(type->version);
    }
  }
  return groups;
}

Json GroupJson(const Group& group) {
  Json versions = Json::array();
  for (const std::string& version : group.versions) {
    versions.push_back({{"groupVersion", group.name + "/" + version}, {"version", version}});
  }
  return {{"name", group.name}, {"versions", versions}, {"preferredVersion", versions[0]}};
}

Json ResourceJson(const ResourceType& type) {
  Json json = {{"name", type.plural},
               {"singularName", type.singular},
               {"namespaced", type.namespaced},
               {"kind", type.kind},
               {"verbs", type.verbs}};
  if (!type.short_names.empty()) json["shortNames"] = type.short_names;
  if (!type.categories.empty()) json["categories"] = type.categories;
  return json;
}

Json SubresourceJson(const ResourceType& type, const Subresource& sub) {
  Json json = {{"name", type.plural + "/" + sub.name},
               {"singularName", ""},
               {"namespaced", type.namespaced},
               {"kind", sub.kind},
               {"verbs", sub.verbs}};
  if (!sub.version.empty()) {
    json["group"] = sub.group;
    json["version"] = sub.version;
  }
  return json;
}

Reply ResourceList(const std::vector<const ResourceType*>& types, std::string_view group,
                   std::string_view version) {
  Json resources = Json::array();
  for (const ResourceType* type : types) {
    if (type->group != group || type->version != version) continue;
    resources.push_back(ResourceJson(*type));
    for (const Subresource& sub : type->subresources)
      resources.push_back(SubresourceJson(*type, sub));
  }
  Json list = {{"kind", "APIResourceList"}, {"resources", resources}};
  list["groupVersion"] =
      group.empty() ? std::string(version) : fmt::format("{}/{}", group, version);
  if (!group.empty()) list["apiVersion"] = "v1";
  return JsonReply(list);
}

Json AggregatedResource(const ResourceType& type) {
  auto kind = [](const std::string& group, const std::string& version, const std::string& name) {
    return Json{{"group", group}, {"version", version}, {"kind", name}};
  };
  Json json = {{"resource", type.plural},
               {"responseKind", kind(type.group, type.version, type.kind)},
               {"scope", type.namespaced ? "Namespaced" : "Cluster"},
               {"singularResource", type.singular},
               {"verbs", type.verbs}};
  if (!type.short_names.empty()) json["shortNames"] = type.short_names;
  if (!type.categories.empty()) json["categories"] = type.categories;
  for (const Subresource& sub : type.subresources) {
    json["subresources"].push_back(
        {{"subresource", sub.name},
         {"responseKind", sub.version.empty() ? kind(type.group, type.version, sub.kind)
                                              : kind(sub.group, sub.version, sub.kind)},
         {"verbs", sub.verbs}});
  }
  return json;
}

Reply Aggregated(const std::vector<const ResourceType*>& types, bool core,
                 const std::string& version) {
  std::vector<Group> groups = core ? std::vector<Group>{{"", {"v1"}}} : GroupsOf(types);
  Json items = Json::array();
  for (const Group& group : groups) {
    Json versions = Json::array();
    for (const std::string& one : group.versions) {
      Json resources = Json::array();
      for (const ResourceType* type : types) {
        if (type->group == group.name && type->version == one)
          resources.push_back(AggregatedResource(*type));
      }
      versions.push_back({{"version", one}, {"resources", resources}, {"freshness", "Current"}});
    }
    Json metadata = {{"creationTimestamp", nullptr}};
    if (!group.name.empty()) metadata["name"] = group.name;
    items.push_back({{"metadata", metadata}, {"versions", versions}});
  }
  Reply reply = JsonReply({{"kind", "APIGroupDiscoveryList"},
                           {"apiVersion", "apidiscovery.k8s.io/" + version},
                           {"metadata", Json::object()},
                           {"items", items}});
  reply.content_type =
      fmt::format("application/json;g=apidiscovery.k8s.io;v={};as=APIGroupDiscoveryList", version);
  reply.headers.emplace_back("Vary", "Accept");
  return reply;
}

// The apidiscovery version asked for before plain JSON, or "".
std::string WantsAggregated(std::string_view accept) {
  for (const MediaRange& range : ParseAccept(accept)) {
    if (range.type != "application/json") continue;
    auto as = range.parameters.find("as");
    auto group = range.parameters.find("g");
    auto version = range.parameters.find("v");
    if (as == range.parameters.end()) return "";
    if (as->second == "APIGroupDiscoveryList" && group != range.parameters.end() &&
        group->second == "apidiscovery.k8s.io" && version != range.parameters.end() &&
        (version->second == "v2" || version->second == "v2beta1")) {
      return version->second;
    }
  }
  return "";
}

Reply Version(const Cluster&) {
  return {200,
          "application/json",
          Json({{"major", "1"},
                {"minor", "32"},
                {"gitVersion", kGitVersion},
                {"gitCommit", "0000000000000000000000000000000000000000"},
                {"gitTreeState", "clean"},
                {"buildDate", "2025-04-22T16:02:27Z"},
                {"goVersion", "go1.23.6"},
                {"compiler", "gc"},
                {"platform", "linux/amd64"}})
              .dump(2),
          {}};
}

Reply Health(const Call& call, const std::string& probe) {
  if (!call.query.Has("verbose")) return TextReply("ok");
  std::string text;
  for (const char* check :
       {"ping", "log", "etcd", "informer-sync",
        "poststarthook/start-apiserver-admission-initializer", "poststarthook/rbac/bootstrap-roles",
        "poststarthook/scheduling/bootstrap-system-priority-classes"}) {
    if (probe != "readyz" && std::string_view(check) == "informer-sync") continue;
    text += fmt::format("[+]{} ok\n", check);
  }
  if (probe == "readyz") text += "[+]shutdown ok\n";
  return TextReply(text + probe + " check passed\n");
}

Reply Root(const std::vector<const ResourceType*>& types) {
  Json paths = {"/.well-known/openid-configuration", "/api", "/api/v1", "/apis"};
  for (const Group& group : GroupsOf(types)) {
    paths.push_back("/apis/" + group.name);
    for (const std::string& version : group.versions)
      paths.push_back("/apis/" + group.name + "/" + version);
  }
  for (const char* path :
       {"/healthz", "/livez", "/openapi/v2", "/openapi/v3", "/readyz", "/version"})
    paths.push_back(path);
  return JsonReply({{"paths", paths}});
}

}  // namespace

std::optional<Reply> HandleDiscovery(const Cluster& cluster, const Call& call) {
  std::vector<std::string> parts;
  for (std::string_view part : base::Split(call.http.path, '/')) {
    if (!part.empty()) parts.emplace_back(part);
  }
  if (call.http.path.find("//") != std::string::npos) return StatusReply(UnknownResourceStatus());
  const auto types = cluster.store.catalog().All();
  if (parts.empty()) return Root(types);
  const std::string& first = parts[0];
  if (first == "version" && parts.size() == 1) return Version(cluster);
  if (first == "healthz" || first == "livez" || first == "readyz") {
    const bool shutdown = first == "readyz" && parts.size() == 2 && parts[1] == "shutdown";
    const bool known =
        parts.size() == 1 || shutdown ||
        (parts.size() == 2 && (parts[1] == "ping" || parts[1] == "etcd" || parts[1] == "log"));
    if (call.http.path.ends_with('/')) return std::nullopt;
    if (!known) return std::nullopt;
    Reply health = Health(call, first);
    if (parts.size() == 2 && parts[1] == "ping") health.headers.clear();  // as its handler sends it
    return health;
  }
  if (first == "openapi") return HandleOpenApi(cluster, call);
  const std::string aggregated =
      parts.size() == 1 ? WantsAggregated(call.http.headers.Get("Accept")) : "";
  if (first == "api") {
    if (!aggregated.empty()) return Aggregated(types, true, aggregated);
    if (parts.size() == 1) {
      return JsonReply(
          {{"kind", "APIVersions"},
           {"versions", {"v1"}},
           {"serverAddressByClientCIDRs",
            {{{"clientCIDR", "0.0.0.0/0"}, {"serverAddress", call.http.headers.Get("Host")}}}}});
    }
    if (parts.size() == 2 && parts[1] == "v1") return ResourceList(types, "", "v1");
    return std::nullopt;
  }
  if (first != "apis") return std::nullopt;
  if (!aggregated.empty()) return Aggregated(types, false, aggregated);
  const auto groups = GroupsOf(types);
  if (parts.size() == 1) {
    Json list = Json::array();
    for (const Group& group : groups) list.push_back(GroupJson(group));
    return JsonReply({{"kind", "APIGroupList"}, {"apiVersion", "v1"}, {"groups", list}});
  }
  for (const Group& group : groups) {
    if (group.name != parts[1]) continue;
    if (parts.size() == 2) {
      Json json = GroupJson(group);
      json["kind"] = "APIGroup";
      json["apiVersion"] = "v1";
      return JsonReply(json);
    }
    if (parts.size() == 3 && cluster.store.catalog().HasGroupVersion(parts[1], parts[2])) {
      return ResourceList(types, parts[1], parts[2]);
    }
  }
  return std::nullopt;
}

}  // namespace opsmesh::kubesim
