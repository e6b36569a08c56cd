// What decoding leaves out of an object: members that its type does not know. Internal to this
// folder; DropUnknown (validation.h) is its face.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libs/kubesim/store/resources.h"

namespace opsmesh::kubesim {

/// More paths of unknown members than this nobody reads: the rest is left out of the report.
inline constexpr size_t kMaxUnknownBytes = 4 << 20;

/// The path of a member below `path`, which grows no more when nobody would read it: each element
/// of a large list below a long name would carry the whole of it.
std::string MemberPath(const std::string& path, std::string_view member);

/// Takes out of a custom resource what the schema of its definition does not know; the members of
/// metadata belong to everybody. Returns their paths in order. `resource` is false for a value that
/// is no object of the API itself, such as a default: then kind and metadata are members like
/// others. `wrong` gets the sentence about an embedded resource whose metadata does not decode.
std::vector<std::string> PruneCustom(const Json& schema, Json& object, bool resource = true,
                                     std::string* wrong = nullptr);

}  // namespace opsmesh::kubesim
