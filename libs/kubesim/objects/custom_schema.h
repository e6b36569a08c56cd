// The schemas of custom resources (structural OpenAPI v3): the defaults they give, what they
// refuse, and what a definition may not hold. Internal to this folder and the API.
#pragma once

#include <string>

#include "libs/kubesim/objects/causes.h"

namespace opsmesh::kubesim {

/// Fills in the defaults of a structural schema, as at every write and read. A null that may not be
/// one, and has no default, is taken out unless `keep_nulls`: what was applied is judged as it is.
void ApplySchemaDefaults(const Json& schema, Json& value, bool keep_nulls = false);
/// Causes against a schema, in the words of the validator that definitions use. `field` is "" at
/// the root. False when that would take too much work: the last cause says so then.
bool CheckAgainstSchema(Causes& causes, const Json& schema, const Json& value,
                        const std::string& field);
/// The schema of a definition that stands at `at`. `has_status`: its objects have a status of their
/// own.
void ValidateDefinitionSchema(Causes& causes, const Json& schema, const std::string& at,
                              bool has_status);
/// The half of it that makes a schema structural; in no order.
void ValidateStructure(Causes& causes, const Json& schema, const std::string& at);
/// Why a path like .spec.size does not lead to a field of the schema; "" when it does.
std::string FieldPathFault(const std::string& path, const Json& schema);

}  // namespace opsmesh::kubesim
