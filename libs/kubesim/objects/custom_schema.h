// The schemas of custom resources (structural OpenAPI v3): the defaults they give, what they
// refuse, and what a definition may not hold. Internal to this folder and the API.
#pragma once

#include <string>

#include "libs/kubesim/objects/causes.h"

namespace opsmesh::kubesim {

/// Fills in the defaults of a structural schema, as at every write and read.
void ApplySchemaDefaults(const Json& schema, Json& value);
/// Causes against a schema, in the words of the validator that definitions use. `field` is "" at
/// the root.
void CheckAgainstSchema(Causes& causes, const Json& schema, const Json& value,
                        const std::string& field);
/// What the versions of a CustomResourceDefinition hold beside their names: schemas, columns,
/// subresources, conversion.
void ValidateDefinitionVersions(Causes& causes, const Json& definition);

}  // namespace opsmesh::kubesim
