// The OpenAPI v2 document in the protobuf form (openapi.v2.Document of gnostic) that kubectl
// before 1.27 insists on: for client-side validation, `explain`, `diff`, and to find out what takes
// part in a dry run.
#pragma once

#include <string>

#include "libs/kubesim/store/json.h"

namespace opsmesh::kubesim {

/// `document` is a Swagger 2.0 document: info, paths, definitions. What has no field in the
/// message's subset known here (responses, for one) is left out; vendor extensions travel as YAML,
/// as they do in gnostic.
std::string EncodeOpenApiV2(const Json& document);

}  // namespace opsmesh::kubesim
