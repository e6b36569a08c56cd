// What callers send, checked before anything of it is stored. Pure; every error is INVALID_ARGUMENT
// naming the field.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "opsmesh/notify/v1/message.pb.h"
#include "services/notify/letter.h"

namespace opsmesh::notify {

/// A request_id has at most 256 bytes (REQUEST_ID).
absl::Status CheckRequestId(const std::string& request_id);

/// Type, urgency, namespace and severity of a notice; its text is checked, not yet in the letter.
/// NOTICE_TYPE, URGENCY, MESSAGE_TOO_LONG, MESSAGE_EMPTY, NAMESPACE.
absl::StatusOr<Letter> LetterOf(const v1::NotifyRequest& request);

/// MESSAGE_TOO_LONG, MESSAGE_EMPTY, BUTTON_URL.
absl::Status CheckContent(const v1::Content& content);

}  // namespace opsmesh::notify
