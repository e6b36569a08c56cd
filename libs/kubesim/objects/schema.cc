#include "libs/kubesim/objects/schema.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>

#include "embed/opsmesh_libs_kubesim_objects.h"
#include "libs/base/strings.h"

namespace opsmesh::kubesim {
namespace {

using Kind = ValueSchema::Kind;

[[noreturn]] void Broken(std::string_view what) {
  std::fprintf(stderr, "kubesim: types.txt: %.*s\n", static_cast<int>(what.size()), what.data());
  std::abort();
}

struct Registry {
  std::map<std::string, std::unique_ptr<TypeSchema>, std::less<>> types;

  TypeSchema* Named(std::string_view name) {
    auto it = types.find(name);
    if (it == types.end()) {
      auto made = std::make_unique<TypeSchema>();
      made->name = std::string(name);
      it = types.emplace(std::string(name), std::move(made)).first;
    }
    return it->second.get();
  }

  ValueSchema Value(std::string_view text) {
    ValueSchema value;
    if (text.starts_with("[]") || text.starts_with("{}")) {
      value.kind = text[0] == '[' ? Kind::kList : Kind::kMap;
      value.element = std::make_unique<ValueSchema>(Value(text.substr(2)));
      return value;
    }
    static const std::map<std::string, Kind, std::less<>> scalars = {
        {"any", Kind::kAny},     {"string", Kind::kText},       {"bytes", Kind::kBytes},
        {"int32", Kind::kInt32}, {"int64", Kind::kInt64},       {"number", Kind::kNumber},
        {"bool", Kind::kBool},   {"quantity", Kind::kQuantity}, {"intstr", Kind::kIntOrText},
        {"time", Kind::kTime},   {"microtime", Kind::kTime}};
    if (auto it = scalars.find(text); it != scalars.end()) {
      value.kind = it->second;
    } else {
      value.kind = Kind::kStruct;
      value.type = Named(text);
    }
    return value;
  }

  void Note(std::string_view note, FieldSchema* field) {
    if (note == "v") {
      field->by_value = true;
    } else if (note == "granular") {
      field->granular = true;
    } else if (note == "e") {
      field->omit_zero = true;
    } else if (note.starts_with("go=")) {
      field->go_name = std::string(note.substr(3));
    } else if (note.starts_with("key=")) {
      field->go_key = std::string(note.substr(4));
    } else if (note == "set") {
      field->list_rule = FieldSchema::ListRule::kSet;
    } else if (note == "atomic") {
      field->atomic = true;
    } else if (note == "retain") {
      field->retain_keys = true;
    } else if (note.starts_with("map=")) {
      field->list_rule = FieldSchema::ListRule::kByKeys;
      for (std::string_view key : base::Split(note.substr(4), '+'))
        field->list_keys.emplace_back(key);
    } else if (note.starts_with("merge")) {
      field->merge = true;
      if (note.size() > 6) field->merge_key = std::string(note.substr(6));
    } else if (note.starts_with("enum=")) {
      for (std::string_view one : base::Split(note.substr(5), '+'))
        field->allowed.emplace_back(one);
    } else {
      Broken(note);
    }
  }

  FieldSchema Field(std::string_view text) {
    const size_t colon = text.find(':');
    if (colon == std::string_view::npos) Broken(text);
    FieldSchema field;
    std::string_view name = text.substr(0, colon);
    if (name.ends_with('!')) {
      field.required = true;
      name.remove_suffix(1);
    }
    field.name = std::string(name);
    const auto notes = base::Split(text.substr(colon + 1), '|');
    field.value = Value(notes[0]);
    for (size_t i = 1; i < notes.size(); ++i) Note(notes[i], &field);
    return field;
  }

  void Line(std::string_view line) {
    const auto words = base::Split(line, ' ');
    TypeSchema* type = Named(words[0]);
    for (size_t i = 1; i < words.size(); ++i) {
      if (words[i] == "atomic") {
        type->atomic = true;
      } else if (words[i] == "*") {
        type->open = true;
      } else if (!words[i].empty()) {
        type->fields.push_back(Field(words[i]));
      }
    }
    std::sort(type->fields.begin(), type->fields.end(),
              [](const auto& a, const auto& b) { return a.name < b.name; });
    // A struct without members (EmptyDir's relatives, BoundObject ...) is closed; "*" marks the
    // open ones that hold JSON.
    if (type->open && !(type->name.starts_with("runtime.") || type->name == "meta.v1.FieldsV1" ||
                        type->name.find("JSON") != std::string::npos)) {
      type->open = false;
    }
  }
};

const Registry& TheRegistry() {
  static const Registry* registry = [] {
    auto* made = new Registry;
    for (std::string_view line :
         base::Split(schema_data::EmbeddedFile("objects/schema/types.txt"), '\n')) {
      if (!line.empty() && line[0] != '#') made->Line(line);
    }
    return made;
  }();
  return *registry;
}

std::string GroupWord(std::string_view group) {
  return group.empty() ? "core" : std::string(group.substr(0, group.find('.')));
}

}  // namespace

const FieldSchema* TypeSchema::Find(std::string_view field) const {
  auto it = std::lower_bound(fields.begin(), fields.end(), field,
                             [](const FieldSchema& a, std::string_view b) { return a.name < b; });
  return it != fields.end() && it->name == field ? &*it : nullptr;
}

std::string_view TypeSchema::ShortName() const {
  return std::string_view(name).substr(name.rfind('.') + 1);
}

std::string TypeSchema::GoName() const {
  const size_t last = name.rfind('.');
  const size_t before = name.rfind('.', last - 1);
  return before == std::string::npos ? name : name.substr(before + 1);
}

std::string TypeSchema::OpenApiName() const {
  if (name.starts_with("meta.v1.")) return "io.k8s.apimachinery.pkg.apis." + name;
  if (name.starts_with("runtime.") || name.starts_with("version."))
    return "io.k8s.apimachinery.pkg." + name;
  if (name.starts_with("apiextensions.")) return "io.k8s.apiextensions-apiserver.pkg.apis." + name;
  if (name.starts_with("apiregistration.")) return "io.k8s.kube-aggregator.pkg.apis." + name;
  return "io.k8s.api." + name;
}

const TypeSchema* FindSchema(std::string_view name) {
  const auto& types = TheRegistry().types;
  auto it = types.find(name);
  return it == types.end() ? nullptr : it->second.get();
}

const TypeSchema* SchemaOf(const ResourceType& type) {
  if (type.custom || type.group == "metrics.k8s.io") return nullptr;
  return FindSchema(GroupWord(type.group) + "." + type.version + "." + type.kind);
}

const TypeSchema* SchemaOf(std::string_view api_version, std::string_view kind) {
  const size_t slash = api_version.find('/');
  const std::string_view group =
      slash == std::string_view::npos ? "" : api_version.substr(0, slash);
  const std::string_view version =
      slash == std::string_view::npos ? api_version : api_version.substr(slash + 1);
  return FindSchema(GroupWord(group) + "." + std::string(version) + "." + std::string(kind));
}

std::string GoType(const ValueSchema& value, const FieldSchema* field) {
  const bool named = field != nullptr && !field->go_name.empty();
  // Structs are called as they are: a name beside them is that of the whole list or map.
  if (named && value.element != nullptr && value.element->kind == Kind::kStruct)
    return field->go_name;
  switch (value.kind) {
    case Kind::kAny:
      return "interface {}";
    case Kind::kText:
      return named ? field->go_name : "string";
    case Kind::kBytes:
      return "[]uint8";
    case Kind::kInt32:
      return named ? field->go_name : "int32";
    case Kind::kInt64:
      return "int64";
    case Kind::kNumber:
      return "float64";
    case Kind::kBool:
      return "bool";
    case Kind::kQuantity:
      return "resource.Quantity";
    case Kind::kIntOrText:
      return "intstr.IntOrString";
    case Kind::kTime:
      return "v1.Time";
    case Kind::kStruct:
      return value.type->GoName();
    case Kind::kList:
      return "[]" + GoType(*value.element, field);
    case Kind::kMap:
      if (field != nullptr && field->go_key == "v1.ResourceName" &&
          value.element->kind == Kind::kQuantity)
        return "v1.ResourceList";
      return fmt::format("map[{}]{}",
                         field == nullptr || field->go_key.empty() ? "string" : field->go_key,
                         GoType(*value.element, field));
  }
  return "";
}

}  // namespace opsmesh::kubesim
