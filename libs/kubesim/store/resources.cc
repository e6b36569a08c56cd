#include "libs/kubesim/store/resources.h"

#include <algorithm>
#include <cstdlib>
#include <mutex>

#include "embed/opsmesh_libs_kubesim_store.h"
#include "libs/base/strings.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

using base::Split;
using base::SplitWhitespace;

const std::vector<std::string>& AllVerbs() {
  static const auto* verbs = new std::vector<std::string>{
      "create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"};
  return *verbs;
}

std::vector<std::string> Words(std::string_view text) {
  std::vector<std::string> words;
  if (text == "-") return words;
  for (std::string_view word : Split(text, ',')) words.emplace_back(word);
  return words;
}

// "scale=Scale@autoscaling/v1:get,patch"
Subresource ParseSubresource(std::string_view text, const std::string& parent_kind) {
  Subresource sub;
  std::string_view verbs = "get,patch,update";
  if (size_t colon = text.find(':'); colon != std::string_view::npos) {
    verbs = text.substr(colon + 1);
    text = text.substr(0, colon);
  }
  sub.kind = parent_kind;
  if (size_t equals = text.find('='); equals != std::string_view::npos) {
    std::string_view kind = text.substr(equals + 1);
    text = text.substr(0, equals);
    if (size_t at = kind.find('@'); at != std::string_view::npos) {
      const auto parts = Split(kind.substr(at + 1), '/');
      sub.group = parts[0];
      sub.version = parts[1];
      kind = kind.substr(0, at);
    }
    sub.kind = kind;
  }
  sub.name = text;
  sub.verbs = Words(verbs);
  return sub;
}

std::unique_ptr<ResourceType> ParseLine(std::string_view line) {
  const auto columns = SplitWhitespace(line);
  if (columns.size() != 10)
    std::abort();  // the table is compiled in: a slip shows at the first start
  auto type = std::make_unique<ResourceType>();
  type->group = columns[0] == "core" ? "" : std::string(columns[0]);
  type->version = columns[1];
  type->plural = columns[2];
  type->singular = columns[3];
  type->kind = columns[4];
  type->namespaced = columns[5] == "N";
  type->verbs = columns[6] == "*" ? AllVerbs() : Words(columns[6]);
  type->short_names = Words(columns[7]);
  type->categories = Words(columns[8]);
  if (columns[9] != "-") {
    for (std::string_view sub : Split(columns[9], ';'))
      type->subresources.push_back(ParseSubresource(sub, type->kind));
  }
  // Both kinds of events are the same objects.
  const std::string storage_group = type->group == "events.k8s.io" ? "" : type->group;
  type->storage_key = storage_group + "/" + type->plural;
  return type;
}

std::vector<std::string> StringArray(const Json& object, const char* member) {
  std::vector<std::string> words;
  if (auto it = object.find(member); it != object.end() && it->is_array()) {
    for (const Json& word : *it) {
      if (word.is_string()) words.push_back(word.get<std::string>());
    }
  }
  return words;
}

std::string Text(const Json& object, const char* member) {
  auto it = object.find(member);
  return it != object.end() && it->is_string() ? it->get<std::string>() : "";
}

std::unique_ptr<ResourceType> CustomType(const Json& spec, const Json& version) {
  const Json names = spec.value("names", Json::object());
  auto type = std::make_unique<ResourceType>();
  type->group = Text(spec, "group");
  type->version = Text(version, "name");
  type->plural = Text(names, "plural");
  type->kind = Text(names, "kind");
  type->singular = Text(names, "singular");
  if (type->singular.empty()) type->singular = base::AsciiLower(type->kind);
  type->namespaced = Text(spec, "scope") != "Cluster";
  type->verbs = {"delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"};
  type->short_names = StringArray(names, "shortNames");
  type->categories = StringArray(names, "categories");
  if (version.contains("subresources") && version["subresources"].is_object()) {
    if (version["subresources"].contains("status")) {
      type->subresources.push_back({"status", type->kind, "", "", {"get", "patch", "update"}});
    }
    if (version["subresources"].contains("scale")) {
      type->subresources.push_back(
          {"scale", "Scale", "autoscaling", "v1", {"get", "patch", "update"}});
    }
  }
  type->storage_key = type->group + "/" + type->plural;
  type->custom = true;
  type->definition = std::make_shared<const Json>(version);
  return type;
}

// Whether two custom types are made of the same definition.
bool Same(const ResourceType& one, const ResourceType& other) {
  return one.custom && other.custom && one.group == other.group && one.version == other.version &&
         one.plural == other.plural && one.kind == other.kind && one.singular == other.singular &&
         one.namespaced == other.namespaced && one.short_names == other.short_names &&
         one.categories == other.categories && *one.definition == *other.definition;
}

// The type as it stays for ever. One that is known already is used again: definitions are written
// again and again by those who keep a cluster as a repository says.
const ResourceType* Keep(std::deque<std::unique_ptr<ResourceType>>& types,
                         std::unique_ptr<ResourceType> type) {
  for (const auto& known : types) {
    if (Same(*known, *type)) return known.get();
  }
  types.push_back(std::move(type));
  return types.back().get();
}

void StopServing(std::vector<const ResourceType*>& served, std::string_view group,
                 std::string_view plural) {
  std::erase_if(served, [&](const ResourceType* type) {
    return type->custom && type->group == group && type->plural == plural;
  });
}

}  // namespace

bool ResourceType::Allows(std::string_view verb) const {
  return std::find(verbs.begin(), verbs.end(), verb) != verbs.end();
}

const Subresource* ResourceType::FindSubresource(std::string_view sub_name) const {
  for (const Subresource& sub : subresources) {
    if (sub.name == sub_name) return &sub;
  }
  return nullptr;
}

ResourceCatalog::ResourceCatalog() {
  for (std::string_view line : Split(data::EmbeddedFile("store/resources.txt"), '\n')) {
    line = base::Trim(line);
    if (line.empty() || line.front() == '#') continue;
    const bool optional = line.front() == '?';
    types_.push_back(ParseLine(optional ? line.substr(1) : line));
    (optional ? optional_ : served_).push_back(types_.back().get());
  }
}

void ResourceCatalog::EnableMetrics() {
  std::unique_lock lock(mutex_);
  served_.insert(served_.end(), optional_.begin(), optional_.end());
  optional_.clear();
}

const ResourceType* ResourceCatalog::Find(std::string_view group, std::string_view version,
                                          std::string_view plural) const {
  std::shared_lock lock(mutex_);
  for (const ResourceType* type : served_) {
    if (type->plural == plural && type->version == version && type->group == group) return type;
  }
  return nullptr;
}

const ResourceType* ResourceCatalog::FindKind(std::string_view api_version,
                                              std::string_view kind) const {
  std::shared_lock lock(mutex_);
  for (const ResourceType* type : served_) {
    if (type->kind == kind && type->ApiVersion() == api_version) return type;
  }
  return nullptr;
}

const ResourceType* ResourceCatalog::Preferred(std::string_view group,
                                               std::string_view plural) const {
  std::shared_lock lock(mutex_);
  for (const ResourceType* type : served_) {
    if (type->plural == plural && type->group == group) return type;
  }
  return nullptr;
}

bool ResourceCatalog::HasGroupVersion(std::string_view group, std::string_view version) const {
  std::shared_lock lock(mutex_);
  return std::any_of(served_.begin(), served_.end(), [&](const ResourceType* type) {
    return type->group == group && type->version == version;
  });
}

std::vector<const ResourceType*> ResourceCatalog::All() const {
  std::shared_lock lock(mutex_);
  return served_;
}

void ResourceCatalog::DefineCustom(const Json& crd) {
  if (!crd.is_object() || !crd.contains("spec") || !crd["spec"].is_object()) return;
  const Json& spec = crd["spec"];
  const std::string plural =
      spec.contains("names") && spec["names"].is_object() ? Text(spec["names"], "plural") : "";
  std::vector<std::unique_ptr<ResourceType>> wanted;
  const Json versions = spec.value("versions", Json::array());
  for (const Json& version : versions.is_array() ? versions : Json::array()) {
    if (plural.empty() || !version.is_object() || !BoolAt(version, {"served"})) continue;
    wanted.push_back(CustomType(spec, version));
  }
  std::unique_lock lock(mutex_);  // nobody sees the old types gone and the new ones not there
  StopServing(served_, Text(spec, "group"), plural);
  for (auto& type : wanted) served_.push_back(Keep(types_, std::move(type)));
}

void ResourceCatalog::RemoveCustom(std::string_view group, std::string_view plural) {
  std::unique_lock lock(mutex_);
  StopServing(served_, group, plural);
}

}  // namespace opsmesh::kubesim
