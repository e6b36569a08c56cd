// What a session id may look like (decision 22).
#pragma once

#include <string_view>

#include "absl/status/status.h"

namespace opsmesh::chat {

/// OK for 1 to 128 characters of [A-Za-z0-9._:-]; INVALID_ARGUMENT (SESSION_ID) otherwise.
absl::Status CheckSessionId(std::string_view id);

}  // namespace opsmesh::chat
