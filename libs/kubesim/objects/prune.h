// What decoding leaves out of an object: members that its type does not know. Internal to this
// folder; DropUnknown (validation.h) is its face.
#pragma once

#include <string>
#include <vector>

#include "libs/kubesim/store/resources.h"

namespace opsmesh::kubesim {

/// Takes out of a custom resource what the schema of its definition does not know; the members of
/// metadata belong to everybody. Returns their paths in order. `resource` is false for a value that
/// is no object of the API itself, such as a default: then kind and metadata are members like
/// others. `wrong` gets the sentence about an embedded resource whose metadata does not decode.
std::vector<std::string> PruneCustom(const Json& schema, Json& object, bool resource = true,
                                     std::string* wrong = nullptr);

}  // namespace opsmesh::kubesim
