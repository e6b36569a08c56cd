// Request bodies: JSON, YAML, and the few protobuf messages that kubectl sends.
#pragma once

#include <string>

#include "libs/kubesim/api/call.h"
#include "libs/kubesim/store/json.h"

namespace opsmesh::kubesim {

/// The object in the body of a create or update. 400 malformed, 413 too large, 415 unknown format.
Outcome<Json> ObjectOf(const Call& call);
/// DeleteOptions from body and query together; an empty object when there are none.
Outcome<Json> DeleteOptionsOf(const Call& call);
/// JSON text with the limits of the door (3 MiB, 64 levels deep); a refusal names the place.
Outcome<Json> ParseBody(std::string_view text, bool yaml);
/// The media type of the body without parameters, lower case; "application/json" when the client says nothing.
std::string MediaTypeOf(const Call& call);

}  // namespace opsmesh::kubesim
