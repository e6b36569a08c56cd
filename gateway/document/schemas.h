// JSON Schemas (2020-12, as OpenAPI 3.1 uses them) of protobuf messages in the JSON the gateway
// speaks.
#pragma once

#include <map>
#include <string>

#include "google/protobuf/descriptor.h"
#include "nlohmann/json.hpp"

namespace opsmesh::gateway {

using OrderedJson = nlohmann::ordered_json;

/// First comment before an element, in one paragraph; "" when there is none.
template <typename Descriptor>
std::string CommentOf(const Descriptor& element);

/// Collects the schemas that a document refers to. Not thread-safe.
class Schemas {
 public:
  /// Schema of a message: a reference to a component, or an inline schema for well-known and
  /// inlined types.
  OrderedJson Of(const google::protobuf::Descriptor& message);
  /// Schema of one field, repeated and map fields included, with its comment.
  OrderedJson Of(const google::protobuf::FieldDescriptor& field);
  /// Name of the field in JSON: snake_case, or lowerCamelCase where the message says so.
  static std::string JsonName(const google::protobuf::FieldDescriptor& field);
  static bool IsRequired(const google::protobuf::FieldDescriptor& field);

  /// Every component met so far, by name.
  OrderedJson Components() const;

 private:
  OrderedJson Object(const google::protobuf::Descriptor& message);
  OrderedJson Single(const google::protobuf::FieldDescriptor& field);
  std::string Component(const google::protobuf::Descriptor& message);

  std::map<std::string, OrderedJson> components_;
};

}  // namespace opsmesh::gateway
