// Request bodies: JSON, YAML, and the few protobuf messages that kubectl sends.
#pragma once

#include <string>
#include <string_view>

#include "libs/kubesim/api/call.h"
#include "libs/kubesim/store/json.h"

namespace opsmesh::kubesim {

/// The object in the body of a create or update; null is an empty one. Leaves in `call` what strict
/// decoding needs. 400 malformed, 413 too large, 415 unknown format. `kind`: what is expected when
/// that is not the resource's own kind.
Outcome<Json> ObjectOf(Call& call, std::string_view kind = {});
/// DeleteOptions: the body's when there is one, else the query's; an empty object when there are
/// none.
Outcome<Json> DeleteOptionsOf(const Call& call);
/// Any JSON (or YAML) in the body, at most 3 MiB; the refusal is the decoder's sentence alone.
/// Fills `call` like ObjectOf.
Outcome<Json> ParseBody(Call& call, bool yaml);
/// The body of a subresource that has a kind of its own: `schema` names its type
/// ("policy.v1.Eviction"). 400 when it is of another kind or its types are wrong.
Outcome<Json> BodyOfKind(Call& call, const char* kind, const char* version, const char* schema);
/// A patch's media type as it is spelled, without parameters; 415 when the kind takes no such
/// patch.
MaybeStatus CheckPatchType(const Call& call, std::string* media);
/// What Go's decoder calls a value that is of another type than expected: array, string, bool,
/// object, number.
const char* GoWord(const Json& value);
/// Deeper than what the simulator keeps (400 levels); asked once unknown members are gone.
bool TooDeep(const Json& value);
/// The beginning of a body as refusals quote it: text when it looks like JSON, else bytes in hex.
std::string BodySummary(std::string_view body);
/// The media type of the body without parameters, lower case; "application/json" when the client
/// says nothing, "malformed" when it is none.
std::string MediaTypeOf(const Call& call);

}  // namespace opsmesh::kubesim
