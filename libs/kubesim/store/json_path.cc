#include "libs/kubesim/store/json_path.h"

#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {

const Json& At(const Json& object, const char* member) {
  static const Json* null = new Json();
  if (!object.is_object()) return *null;
  auto it = object.find(member);
  return it == object.end() ? *null : *it;
}

const Json& At(const Json& object, std::initializer_list<const char*> path) {
  const Json* node = &object;
  for (const char* member : path) node = &At(*node, member);
  return *node;
}

namespace {
std::string TextOf(const Json& value) { return value.is_string() ? value.get<std::string>() : ""; }
int64_t IntOf(const Json& value, int64_t otherwise) {
  return value.is_number() ? value.get<int64_t>() : otherwise;
}
}  // namespace

std::string TextAt(const Json& object, std::initializer_list<const char*> path) {
  return TextOf(At(object, path));
}
std::string TextAt(const Json& object, const char* member) { return TextOf(At(object, member)); }
int64_t IntAt(const Json& object, std::initializer_list<const char*> path, int64_t otherwise) {
  return IntOf(At(object, path), otherwise);
}
int64_t IntAt(const Json& object, const char* member, int64_t otherwise) {
  return IntOf(At(object, member), otherwise);
}

bool BoolAt(const Json& object, std::initializer_list<const char*> path, bool otherwise) {
  const Json& value = At(object, path);
  return value.is_boolean() ? value.get<bool>() : otherwise;
}

const Json& ListAt(const Json& object, std::initializer_list<const char*> path) {
  static const Json* empty = new Json(Json::array());
  const Json& value = At(object, path);
  return value.is_array() ? value : *empty;
}

std::string Scalar(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  return value.is_number() || value.is_boolean() ? value.dump() : "";
}

}  // namespace opsmesh::kubesim
