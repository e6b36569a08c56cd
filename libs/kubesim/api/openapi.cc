// OpenAPI documents made from the catalog and the schemas: every path with its verbs and
// parameters, every kind with its fields, described in our own words (descriptions.txt).
#include <fmt/format.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <set>

#include "embed/opsmesh_libs_kubesim_api.h"
#include "libs/base/strings.h"
#include "libs/kubesim/api/discovery.h"
#include "libs/kubesim/api/openapi_protobuf.h"
#include "libs/kubesim/objects/schema.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

// "io.k8s.api.apps.v1.Deployment"
std::string SchemaName(const ResourceType& type) {
  if (type.custom) {
    std::string name;
    for (std::string_view part : base::Split(type.group, '.'))
      name = std::string(part) + (name.empty() ? "" : ".") + name;
    return fmt::format("{}.{}.{}", name, type.version, type.kind);
  }
  if (type.group == "apiextensions.k8s.io")
    return "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions." + type.version + "." +
           type.kind;
  if (type.group == "apiregistration.k8s.io")
    return "io.k8s.kube-aggregator.pkg.apis.apiregistration." + type.version + "." + type.kind;
  const std::string group =
      type.group.empty() ? "core" : type.group.substr(0, type.group.find('.'));
  return fmt::format("io.k8s.api.{}.{}.{}", group, type.version, type.kind);
}

Json Gvk(const ResourceType& type) {
  return {{"group", type.group}, {"version", type.version}, {"kind", type.kind}};
}

Json Parameter(const char* name, const char* where, const char* kind, bool v3) {
  Json json = {{"name", name}, {"in", where}};
  if (v3) {
    json["schema"] = {{"type", kind}, {"uniqueItems", true}};
  } else {
    json["type"] = kind;
    json["uniqueItems"] = true;
  }
  if (std::string_view(where) == "path") json["required"] = true;
  return json;
}

Json WriteParameters(bool v3, bool patch) {
  Json list = {Parameter("dryRun", "query", "string", v3),
               Parameter("fieldManager", "query", "string", v3),
               Parameter("fieldValidation", "query", "string", v3)};
  if (patch) list.push_back(Parameter("force", "query", "boolean", v3));
  return list;
}

Json Operation(const ResourceType& type, const char* action, bool v3, bool write) {
  const std::string ref = (v3 ? "#/components/schemas/" : "#/definitions/") + SchemaName(type);
  Json ok = {{"description", "OK"}};
  if (v3) {
    ok["content"]["application/json"]["schema"]["$ref"] = ref;
  } else {
    ok["schema"]["$ref"] = ref;
  }
  Json operation = {{"x-kubernetes-action", action},
                    {"x-kubernetes-group-version-kind", Gvk(type)},
                    {"responses", {{"200", ok}, {"401", {{"description", "Unauthorized"}}}}}};
  std::string id = std::string(action) + type.kind;
  id.erase(std::remove(id.begin(), id.end(), '.'), id.end());
  operation["operationId"] =
      id + (type.group.empty() ? "Core" : base::ReplaceAll(type.group, ".", "")) + type.version;
  if (write) operation["parameters"] = WriteParameters(v3, std::string_view(action) == "patch");
  if (v3 && std::string_view(action) == "patch") {
    for (const char* media :
         {"application/apply-patch+yaml", "application/json-patch+json",
          "application/merge-patch+json", "application/strategic-merge-patch+json"}) {
      if (type.custom && std::string_view(media) == "application/strategic-merge-patch+json")
        continue;
      operation["requestBody"]["content"][media]["schema"]["type"] = "object";
    }
  }
  return operation;
}

std::string Capitalized(std::string word) {
  if (!word.empty()) word[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(word[0])));
  return word;
}

// As of the kind itself, under an id and, where it has one, a kind of its own.
Json SubOperation(const ResourceType& type, const Subresource& sub, const char* action, bool v3) {
  Json operation = Operation(type, action, v3, std::string_view(action) != "get");
  operation["operationId"] = TextAt(operation, "operationId") + Capitalized(sub.name);
  if (!sub.version.empty())
    operation["x-kubernetes-group-version-kind"] = {
        {"group", sub.group}, {"version", sub.version}, {"kind", sub.kind}};
  if (!sub.version.empty() || sub.kind != type.kind)
    operation["responses"]["200"] = {{"description", "OK"}};
  return operation;
}

void AddPaths(const ResourceType& type, bool v3, Json* paths) {
  std::string prefix = type.group.empty() ? "/api/" + type.version : "/apis/" + type.ApiVersion();
  if (type.namespaced) prefix += "/namespaces/{namespace}";
  Json shared = Json::array();
  if (type.namespaced) shared.push_back(Parameter("namespace", "path", "string", v3));
  Json& collection = (*paths)[prefix + "/" + type.plural];
  collection["parameters"] = shared;
  if (type.Allows("list")) collection["get"] = Operation(type, "list", v3, false);
  if (type.Allows("create")) collection["post"] = Operation(type, "post", v3, true);
  if (!type.Allows("get")) return;
  Json& single = (*paths)[prefix + "/" + type.plural + "/{name}"];
  shared.push_back(Parameter("name", "path", "string", v3));
  single["parameters"] = shared;
  single["get"] = Operation(type, "get", v3, false);
  if (type.Allows("update")) single["put"] = Operation(type, "put", v3, true);
  if (type.Allows("patch")) single["patch"] = Operation(type, "patch", v3, true);
  if (type.Allows("delete")) single["delete"] = Operation(type, "delete", v3, true);
  if (type.Allows("deletecollection"))
    (*paths)[prefix + "/" + type.plural]["delete"] = Operation(type, "deletecollection", v3, true);
  for (const Subresource& sub : type.subresources) {
    Json& path = (*paths)[prefix + "/" + type.plural + "/{name}/" + sub.name];
    path["parameters"] = shared;
    for (auto [verb, method] : {std::pair{"get", "get"}, std::pair{"update", "put"},
                                std::pair{"patch", "patch"}, std::pair{"create", "post"}}) {
      if (std::find(sub.verbs.begin(), sub.verbs.end(), verb) != sub.verbs.end())
        path[method] = SubOperation(type, sub, method, v3);
    }
  }
}

// -- schemas --

// What a member is for, in our own words: by "Kind.member", else by the member alone.
std::string Describe(const TypeSchema& type, const std::string& member) {
  static const auto* words = [] {
    auto* made = new std::map<std::string, std::string, std::less<>>;
    for (std::string_view line :
         base::Split(api_data::EmbeddedFile("api/descriptions.txt"), '\n')) {
      const size_t bar = line.find(": ");
      if (line.empty() || line[0] == '#' || bar == std::string_view::npos) continue;
      for (std::string_view name : base::Split(line.substr(0, bar), ','))
        made->emplace(std::string(base::Trim(name)), std::string(line.substr(bar + 2)));
    }
    return made;
  }();
  auto it = words->find(std::string(type.ShortName()) + (member.empty() ? "" : "." + member));
  if (it == words->end()) it = words->find("." + member);
  return it == words->end() ? "" : it->second;
}

const char* kRefs[] = {"#/definitions/", "#/components/schemas/"};
constexpr char kQuantityName[] = "io.k8s.apimachinery.pkg.api.resource.Quantity";
constexpr char kIntOrTextName[] = "io.k8s.apimachinery.pkg.util.intstr.IntOrString";

// Values that have a schema of their own without being objects: `kubectl explain` shows their
// names.
void AddValueSchemas(bool v3, Json* schemas) {
  const auto either = [](const char* one, const char* other) {
    return Json::array({{{"type", one}}, {{"type", other}}});
  };
  Json& quantity = (*schemas)[kQuantityName];
  Json& number = (*schemas)[kIntOrTextName];
  quantity = v3 ? Json{{"oneOf", either("string", "number")}} : Json{{"type", "string"}};
  number = v3 ? Json{{"oneOf", either("integer", "string")}} : Json{{"type", "string"}};
  number["format"] = "int-or-string";
  quantity["description"] = "An amount: a number with a unit such as m, Mi or k.";
  number["description"] = "A number, or a text such as 25% or the name of a port.";
}

Json ValueJson(const ValueSchema& value, bool v3, std::set<const TypeSchema*>* used) {
  using Kind = ValueSchema::Kind;
  switch (value.kind) {
    case Kind::kAny:
      return {{"type", "object"}};
    case Kind::kText:
      return {{"type", "string"}};
    case Kind::kBytes:
      return {{"type", "string"}, {"format", "byte"}};
    case Kind::kInt32:
      return {{"type", "integer"}, {"format", "int32"}};
    case Kind::kInt64:
      return {{"type", "integer"}, {"format", "int64"}};
    case Kind::kNumber:
      return {{"type", "number"}, {"format", "double"}};
    case Kind::kBool:
      return {{"type", "boolean"}};
    case Kind::kQuantity:
      return {{"$ref", std::string(kRefs[v3]) + kQuantityName}};
    case Kind::kIntOrText:
      return {{"$ref", std::string(kRefs[v3]) + kIntOrTextName}};
    case Kind::kTime:
      return {{"type", "string"}, {"format", "date-time"}};
    case Kind::kStruct:
      used->insert(value.type);
      return {{"$ref", kRefs[v3] + value.type->OpenApiName()}};
    case Kind::kList:
      return {{"type", "array"}, {"items", ValueJson(*value.element, v3, used)}};
    case Kind::kMap:
      return {{"type", "object"}, {"additionalProperties", ValueJson(*value.element, v3, used)}};
  }
  return {};
}

Json FieldJson(const TypeSchema& type, const FieldSchema& field, bool v3,
               std::set<const TypeSchema*>* used) {
  Json json = ValueJson(field.value, v3, used);
  if (v3 && json.contains("$ref")) {
    json = {{"allOf", {json}}};
    if (field.by_value && field.value.kind == ValueSchema::Kind::kStruct)
      json["default"] = Json::object();
  }
  if (const std::string text = Describe(type, field.name); !text.empty())
    json["description"] = text;
  if (!field.allowed.empty()) json["enum"] = field.allowed;
  if (field.value.kind == ValueSchema::Kind::kList) {
    using Rule = FieldSchema::ListRule;
    json["x-kubernetes-list-type"] = field.list_rule == Rule::kByKeys ? "map"
                                     : field.list_rule == Rule::kSet  ? "set"
                                                                      : "atomic";
    if (!field.list_keys.empty()) json["x-kubernetes-list-map-keys"] = field.list_keys;
  }
  if (field.merge)
    json["x-kubernetes-patch-strategy"] = field.retain_keys ? "merge,retainKeys" : "merge";
  if (!field.merge_key.empty()) json["x-kubernetes-patch-merge-key"] = field.merge_key;
  return json;
}

Json TypeJson(const TypeSchema& type, bool v3, std::set<const TypeSchema*>* used) {
  Json json = {{"type", "object"}};
  if (const std::string text = Describe(type, ""); !text.empty()) json["description"] = text;
  for (const FieldSchema& field : type.fields) {
    json["properties"][field.name] = FieldJson(type, field, v3, used);
    if (field.required) json["required"].push_back(field.name);
  }
  if (type.atomic) json["x-kubernetes-map-type"] = "atomic";
  return json;
}

// The schema of a kind and of everything it is made of.
void AddSchemas(const ResourceType& type, bool v3, Json* schemas) {
  const TypeSchema* schema = SchemaOf(type);
  std::set<const TypeSchema*> open;
  if (schema == nullptr) {
    Json made = {{"type", "object"}};
    if (type.definition) made = At(*type.definition, {"schema", "openAPIV3Schema"});
    if (!made.is_object()) made = {{"type", "object"}};
    if (!type.definition) made["x-kubernetes-preserve-unknown-fields"] = true;
    const TypeSchema* meta = FindSchema("meta.v1.ObjectMeta");
    open.insert(meta);
    made["properties"]["apiVersion"] = made["properties"]["kind"] = {{"type", "string"}};
    made["properties"]["metadata"] = {{"$ref", kRefs[v3] + meta->OpenApiName()}};
    made["x-kubernetes-group-version-kind"] = Json::array({Gvk(type)});
    (*schemas)[SchemaName(type)] = std::move(made);
  } else {
    Json made = TypeJson(*schema, v3, &open);
    made["x-kubernetes-group-version-kind"] = Json::array({Gvk(type)});
    (*schemas)[SchemaName(type)] = std::move(made);
  }
  while (!open.empty()) {
    const TypeSchema* next = *open.begin();
    open.erase(open.begin());
    const std::string name = next->OpenApiName();
    if (schemas->contains(name)) continue;
    (*schemas)[name] = Json::object();  // kinds may contain themselves
    Json made = TypeJson(*next, v3, &open);
    (*schemas)[name] = std::move(made);
  }
}

std::string DocumentPath(const ResourceType& type) {
  return type.group.empty() ? "api/" + type.version : "apis/" + type.ApiVersion();
}

Reply V3Index(const std::vector<const ResourceType*>& types) {
  Json paths = Json::object();
  for (const ResourceType* type : types) {
    const std::string path = DocumentPath(*type);
    paths[path] = {{"serverRelativeURL", "/openapi/v3/" + path}};
  }
  return JsonReply({{"paths", paths}});
}

std::optional<Reply> V3Document(const std::vector<const ResourceType*>& types,
                                const std::string& path) {
  Json document = {{"openapi", "3.0.0"},
                   {"info", {{"title", "Kubernetes"}, {"version", kGitVersion}}},
                   {"paths", Json::object()},
                   {"components", {{"schemas", Json::object()}}}};
  bool any = false;
  for (const ResourceType* type : types) {
    if (DocumentPath(*type) != path) continue;
    any = true;
    AddPaths(*type, true, &document["paths"]);
    AddSchemas(*type, true, &document["components"]["schemas"]);
  }
  AddValueSchemas(true, &document["components"]["schemas"]);
  return any ? std::optional(JsonReply(document)) : std::nullopt;
}

// What tells one state of a document from another.
std::string DocumentHash(const std::string& body) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(body.data()), body.size(), digest.data());
  std::string text = base::HexEncode({reinterpret_cast<const char*>(digest.data()), digest.size()});
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

Json V2Document(const std::vector<const ResourceType*>& types) {
  Json document = {{"swagger", "2.0"},
                   {"info", {{"title", "Kubernetes"}, {"version", kGitVersion}}},
                   {"paths", Json::object()},
                   {"definitions", Json::object()}};
  for (const ResourceType* type : types) {
    AddPaths(*type, false, &document["paths"]);
    AddSchemas(*type, false, &document["definitions"]);
  }
  AddValueSchemas(false, &document["definitions"]);
  return document;
}

// What is answered; clients ask for it with "@" in place of the second ".", which is no media type
// to their own parser.
constexpr char kV2Protobuf[] = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

}  // namespace

std::optional<Reply> HandleOpenApi(const Cluster& cluster, const Call& call) {
  const auto types = cluster.store.catalog().All();
  const std::string& path = call.http.path;
  if (path == "/openapi/v2") {
    const bool protobuf =
        call.http.headers.Get("Accept").find("proto-openapi.spec.v2") != std::string_view::npos;
    const Json document = V2Document(types);
    if (!protobuf) return JsonReply(document);
    return Reply{200, kV2Protobuf, EncodeOpenApiV2(document), {{"Vary", "Accept"}}};
  }
  if (path == "/openapi/v3") return V3Index(types);
  if (path.starts_with("/openapi/v3/")) {
    auto document = V3Document(types, path.substr(12));
    if (!document) return Reply{404, "", "", {}};
    const std::string &asked = call.query.Get("hash"), hash = DocumentHash(document->body);
    if (asked.empty() || asked == hash) return document;
    // Another document than there is now: who asked is sent to this one.
    return Reply{301,
                 document->content_type,
                 "",
                 {{"Location", fmt::format("{}?hash={}", path, hash)}, {"Vary", "Accept"}}};
  }
  return std::nullopt;
}

}  // namespace opsmesh::kubesim
