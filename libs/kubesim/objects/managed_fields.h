// Who owns which field: metadata.managedFields, and server-side apply.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "libs/kubesim/store/api_status.h"
#include "libs/kubesim/store/json.h"
#include "libs/kubesim/store/resources.h"

namespace opsmesh::kubesim {

/// Elements as fieldsV1 writes them: "f:spec", "k:{\"name\":\"c\"}", "v:\"x\"".
using FieldPath = std::vector<std::string>;
using FieldSet = std::set<FieldPath>;

/// What is in an object. kApplied: the leaves and the elements of lists, as an applied
/// configuration owns them. kWritten: also the maps and structs that exist because somebody wrote
/// into them (the "." of fieldsV1).
enum class FieldView { kApplied, kWritten };
FieldSet FieldsOf(const ResourceType& type, const Json& object, FieldView view);
Json ToFieldsV1(const FieldSet& set);
FieldSet FromFieldsV1(const Json& fields);

/// Who writes, in what way.
struct Writer {
  std::string manager;
  std::string api_version;  // of the request
  std::string subresource;  // "", "status", "scale"
  std::string time;         // RFC 3339
};

/// After a create, update or patch: `object` carries its old managedFields; gives the changed
/// fields to the writer. An object that is there without managedFields stays without.
void TrackUpdate(const Json& before, Json& object, const Writer& writer, const ResourceType& type);

/// Why an applied configuration does not fit its type: ".spec.replicos: field not declared in
/// schema", a scalar where a map is, two list elements with one key; "" when it fits.
std::string SchemaMisfit(const ResourceType& type, const Json& applied);

/// Server-side apply onto `live` (null = create). The applied object's managedFields must be empty.
/// 409 with causes FieldManagerConflict unless `force`. Of a live object without managedFields all
/// fields are "before-first-apply"'s.
Outcome<Json> Apply(const Json& live, const Json& applied, const Writer& writer, bool force,
                    const ResourceType& type);

}  // namespace opsmesh::kubesim
