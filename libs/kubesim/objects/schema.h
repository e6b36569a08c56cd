// What every built-in kind consists of: names, types and list rules of all fields of
// Kubernetes 1.32, from schema/types.txt. Strict decoding, server-side apply, strategic merge and
// OpenAPI all ask here.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "libs/kubesim/store/resources.h"

namespace opsmesh::kubesim {

struct TypeSchema;

/// The type of a value.
struct ValueSchema {
  enum class Kind {
    kAny,  // free JSON
    kText,
    kBytes,  // base64 text
    kInt32,
    kInt64,
    kNumber,
    kBool,
    kQuantity,
    kIntOrText,
    kTime,
    kStruct,  // `type`
    kList,    // of `element`
    kMap      // text -> `element`
  };
  Kind kind = Kind::kAny;
  const TypeSchema* type = nullptr;
  std::unique_ptr<ValueSchema> element;
};

/// One member of a struct.
struct FieldSchema {
  enum class ListRule { kAtomic, kSet, kByKeys };
  std::string name;
  ValueSchema value;
  bool required = false;
  bool by_value =
      false;  // a struct or time that Go keeps by value: it is there even when nobody wrote it
  bool granular = false;  // a struct whose type is one value elsewhere: here its members are owned
  bool atomic = false;    // a map or struct that server-side apply sees as one value
  ListRule list_rule = ListRule::kAtomic;
  std::vector<std::string> list_keys;
  bool merge = false;     // strategic merge adds instead of replacing
  std::string merge_key;  // "" = a list of plain values, or a map
  bool retain_keys = false;
  std::vector<std::string> allowed;  // an enumeration; empty = anything
  bool omit_zero =
      false;  // Go's encoder leaves "", 0 and false out: nobody can tell them from absent
  std::string
      go_name;         // "v1.SecretType": what Go calls the scalar, or the list's or map's elements
  std::string go_key;  // "v1.ResourceName": what Go calls a map's keys
};

/// A struct. Immutable; lives as long as the process.
struct TypeSchema {
  std::string name;  // "apps.v1.DeploymentSpec"
  bool atomic = false;
  bool open = false;                // any JSON (RawExtension, FieldsV1, JSON)
  std::vector<FieldSchema> fields;  // ordered by name

  const FieldSchema* Find(std::string_view field) const;
  /// "DeploymentSpec".
  std::string_view ShortName() const;
  /// "v1.DeploymentSpec", as Go prints the type.
  std::string GoName() const;
  /// "io.k8s.api.apps.v1.DeploymentSpec".
  std::string OpenApiName() const;
};

/// Null when there is no such type.
const TypeSchema* FindSchema(std::string_view name);
/// Of a built-in kind; null for custom resources and metrics.
const TypeSchema* SchemaOf(const ResourceType& type);
/// Of a kind by apiVersion ("apps/v1") and kind; null when unknown.
const TypeSchema* SchemaOf(std::string_view api_version, std::string_view kind);

/// "map[string]string", "[]v1.Container", "int32": as Go prints the type of a value; `field` may be
/// null.
std::string GoType(const ValueSchema& value, const FieldSchema* field = nullptr);

}  // namespace opsmesh::kubesim
