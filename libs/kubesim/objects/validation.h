// What an apiserver refuses with 422, for the kinds that people write.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libs/kubesim/store/api_status.h"
#include "libs/kubesim/store/resources.h"

namespace opsmesh::kubesim {

/// Causes in the order a real server lists them; empty = valid. `before` is null for a create.
std::vector<Cause> Validate(const ResourceType& type, const Json& object, const Json& before);

/// What is wrong with a status that is written through its subresource.
std::vector<Cause> ValidateStatus(const ResourceType& type, const Json& object, const Json& before);

/// Causes for a metadata.name alone; `create`: it is new.
std::vector<Cause> ValidateName(const ResourceType& type, std::string_view name,
                                const std::string& field, bool create);

/// How an object fits the type it is decoded into.
struct ShapeReport {
  std::string wrong;  // the decoder's sentence for the first value of a wrong type; "" when all fit
  /// The same in the words of the converter that reads what a strategic patch made; "" when it has
  /// none of its own.
  std::string unconverted;
  std::string wrong_at;              // the path of that value
  std::vector<std::string> unknown;  // members that 1.32 does not know, as paths:
                                     // "spec.template.spec.containers[0].imag"
};
/// Checked before anything reads the object: a wrong type is 400, not 422. Custom resources are
/// held against the schema of their definition for unknown members only (types are validation's,
/// see ValidateCustom).
ShapeReport CheckShape(const ResourceType& type, const Json& object);
/// The same for any type of the schema, such as "meta.v1.DeleteOptions"; everything fits a type
/// nobody knows.
ShapeReport CheckShapeOf(std::string_view schema, const Json& value);
/// Takes the unknown members out, and nulls and empty lists and maps, as decoding into a Go struct
/// or pruning does.
/// `applied`: by server-side apply, which leaves nulls in custom resources.
void DropUnknown(const ResourceType& type, Json& object, bool applied = false);

/// OpenAPI validation of a custom resource against its definition's schema.
std::vector<Cause> ValidateCustom(const ResourceType& type, const Json& object, const Json& before);

}  // namespace opsmesh::kubesim
