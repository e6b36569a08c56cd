// What a server warns of, as headers of its answer.
#pragma once

#include <string>
#include <vector>

#include "libs/http_server/http_server.h"

namespace opsmesh::kubesim {

/// Adds a `Warning: 299 - "text"` for each text, once, in their order. Where all together are more
/// than 4,096 characters each is cut to 256, and what comes after the first 4,096 of those is left
/// out.
void AddWarnings(const std::vector<std::string>& texts, http_server::Headers* headers);

}  // namespace opsmesh::kubesim
