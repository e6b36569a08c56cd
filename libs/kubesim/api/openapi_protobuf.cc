#include "libs/kubesim/api/openapi_protobuf.h"

#include <cstdint>
#include <string_view>

#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

// Field numbers are those of gnostic's OpenAPIv2.proto.

void Varint(uint64_t value, std::string* out) {
  for (; value >= 0x80; value >>= 7) *out += static_cast<char>(value | 0x80);
  *out += static_cast<char>(value);
}

void Bytes(uint32_t field, std::string_view bytes, std::string* out) {
  Varint(field << 3 | 2, out);
  Varint(bytes.size(), out);
  *out += bytes;
}

void Text(uint32_t field, const Json& object, const char* member, std::string* out) {
  if (const std::string text = TextAt(object, member); !text.empty()) Bytes(field, text, out);
}

void Flag(uint32_t field, const Json& object, const char* member, std::string* out) {
  if (!BoolAt(object, {member})) return;
  Varint(field << 3, out);
  *out += '\1';
}

std::string Named(const std::string& name, const std::string& value) {
  std::string out;
  Bytes(1, name, &out);
  Bytes(2, value, &out);
  return out;
}

std::string Yaml(const Json& value) {
  std::string any;
  Bytes(2, value.dump(), &any);  // JSON is YAML
  return any;
}

void Extensions(uint32_t field, const Json& object, std::string* out) {
  for (const auto& [name, value] : object.items()) {
    if (name.starts_with("x-")) Bytes(field, Named(name, Yaml(value)), out);
  }
}

std::string Schema(const Json& json) {
  std::string out;
  Text(1, json, "$ref", &out);
  Text(2, json, "format", &out);
  Text(4, json, "description", &out);
  for (const Json& name : ListAt(json, {"required"})) Bytes(19, Scalar(name), &out);
  for (const Json& value : ListAt(json, {"enum"})) Bytes(20, Yaml(value), &out);
  std::string part;
  if (const Json& more = At(json, "additionalProperties"); more.is_object()) {
    Bytes(1, Schema(more), &part);
    Bytes(21, part, &out);
  }
  if (const std::string type = TextAt(json, "type"); !type.empty()) {
    part.clear();
    Bytes(1, type, &part);
    Bytes(22, part, &out);
  }
  if (const Json& items = At(json, "items"); items.is_object()) {
    part.clear();
    Bytes(1, Schema(items), &part);
    Bytes(23, part, &out);
  }
  if (const Json& properties = At(json, "properties"); properties.is_object()) {
    part.clear();
    for (const auto& [name, value] : properties.items())
      Bytes(1, Named(name, Schema(value)), &part);
    Bytes(25, part, &out);
  }
  Extensions(31, json, &out);
  return out;
}

// ParametersItem > Parameter > NonBodyParameter > sub schema, whose members are numbered alike but
// for type and uniqueItems: a query parameter has allowEmptyValue before them.
std::string Parameter(const Json& json) {
  const bool query = TextAt(json, "in") == "query";
  std::string schema;
  Flag(1, json, "required", &schema);
  Text(2, json, "in", &schema);
  Text(3, json, "description", &schema);
  Text(4, json, "name", &schema);
  Text(query ? 6 : 5, json, "type", &schema);
  Flag(query ? 20 : 19, json, "uniqueItems", &schema);
  std::string wrapped;
  Bytes(query ? 3 : 4, schema, &wrapped);
  for (uint32_t field : {2u, 1u}) {
    std::string outer;
    Bytes(field, wrapped, &outer);
    wrapped = std::move(outer);
  }
  return wrapped;
}

std::string Operation(const Json& json) {
  std::string out;
  Text(3, json, "description", &out);
  Text(5, json, "operationId", &out);
  for (const Json& parameter : ListAt(json, {"parameters"})) Bytes(8, Parameter(parameter), &out);
  Extensions(13, json, &out);
  return out;
}

std::string PathItem(const Json& json) {
  struct Method {
    const char* name;
    uint32_t field;
  };
  constexpr Method kMethods[] = {{"get", 2}, {"put", 3}, {"post", 4}, {"delete", 5}, {"patch", 8}};
  std::string out;
  for (const Method& method : kMethods) {
    if (const Json& operation = At(json, method.name); operation.is_object())
      Bytes(method.field, Operation(operation), &out);
  }
  for (const Json& parameter : ListAt(json, {"parameters"})) Bytes(9, Parameter(parameter), &out);
  return out;
}

}  // namespace

std::string EncodeOpenApiV2(const Json& document) {
  std::string info, paths, definitions, out;
  Text(1, At(document, "info"), "title", &info);
  Text(2, At(document, "info"), "version", &info);
  for (const auto& [path, item] : At(document, "paths").items())
    Bytes(2, Named(path, PathItem(item)), &paths);
  for (const auto& [name, schema] : At(document, "definitions").items())
    Bytes(1, Named(name, Schema(schema)), &definitions);
  Text(1, document, "swagger", &out);
  Bytes(2, info, &out);
  Bytes(8, paths, &out);
  Bytes(9, definitions, &out);
  return out;
}

}  // namespace opsmesh::kubesim
