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

/// Causes for a metadata.name alone.
std::vector<Cause> ValidateName(const ResourceType& type, std::string_view name, const std::string& field);

/// A member whose JSON type is wrong, as a sentence of a decoding error; "" when all is well. Checked before anything
/// reads the object: a wrong type is 400, not 422.
std::string WrongType(const ResourceType& type, const Json& object);

/// Members that 1.32 does not know: "unknown field \"dato\"". Only where the simulator knows all members.
std::vector<std::string> UnknownFields(const ResourceType& type, const Json& object);

/// OpenAPI validation of a custom resource against its definition's schema.
std::vector<Cause> ValidateCustom(const ResourceType& type, const Json& object);

}  // namespace opsmesh::kubesim
