// Who owns which field after a write: metadata.managedFields as each kind's registry keeps them.
#pragma once

#include "libs/kubesim/api/call.h"
#include "libs/kubesim/objects/managed_fields.h"

namespace opsmesh::kubesim {

/// Gives what changed to the writer, in the form in which the kind is served.
void Track(const ResourceType& type, const Json& before, Json& object, const Writer& writer);

/// The owners of one object become those of another.
void CopyOwners(const Json& from, Json& object);

/// The owners after an update or patch. `sent`: the metadata that came with a custom resource's
/// status; `disowned`: the writer asked that nobody own anything any more.
void TrackReplaced(const Call& call, const Writer& writer, const Json& before, const Json& sent,
                   bool disowned, Json& object);

}  // namespace opsmesh::kubesim
