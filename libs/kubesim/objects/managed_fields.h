// Who owns which field: metadata.managedFields, and server-side apply.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "libs/kubesim/store/api_status.h"
#include "libs/kubesim/store/json.h"

namespace opsmesh::kubesim {

/// Elements as fieldsV1 writes them: "f:spec", "k:{\"name\":\"c\"}", "v:\"x\"".
using FieldPath = std::vector<std::string>;
using FieldSet = std::set<FieldPath>;

/// The leaves of an object. `atomic_lists` for custom resources, whose lists have no keys.
FieldSet FieldsOf(const Json& object, bool atomic_lists);
Json ToFieldsV1(const FieldSet& set);
FieldSet FromFieldsV1(const Json& fields);

/// Who writes, in what way.
struct Writer {
  std::string manager;
  std::string api_version;   // of the request
  std::string subresource;   // "", "status", "scale"
  std::string time;          // RFC 3339
};

/// After a create, update or patch: `object` carries its old managedFields; gives the changed fields to the writer.
void TrackUpdate(const Json& before, Json& object, const Writer& writer, bool atomic_lists);

/// Server-side apply onto `live` (null = create). The applied object's managedFields must be empty. 409 with causes
/// FieldManagerConflict unless `force`.
Outcome<Json> Apply(const Json& live, const Json& applied, const Writer& writer, bool force, bool atomic_lists);

}  // namespace opsmesh::kubesim
