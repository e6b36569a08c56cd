#include "libs/base/error.h"

#include <utility>

#include "fmt/format.h"
#include "libs/base/strings.h"
#include "nlohmann/json.hpp"

namespace opsmesh::base {
namespace {

// The payload is JSON: statuses are rare next to requests, and a readable payload helps in a
// debugger.
constexpr char kPayloadUrl[] = "type.opsmesh.dev/opsmesh.base.ErrorDetail";

std::string Encode(const ErrorDetail& detail) {
  nlohmann::json json = {{"reason", detail.reason},
                         {"hint", detail.hint},
                         {"field", detail.field},
                         {"metadata", detail.metadata}};
  if (detail.retry_after) json["retry_after_ms"] = absl::ToInt64Milliseconds(*detail.retry_after);
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

Error::Error(absl::StatusCode code, std::string_view reason, std::string_view message)
    : code_(code), message_(message) {
  detail_.reason = reason;
}

Error&& Error::Hint(std::string_view next_step) && {
  detail_.hint = next_step;
  return std::move(*this);
}

Error&& Error::Field(std::string_view proto_path) && {
  detail_.field = proto_path;
  return std::move(*this);
}

Error&& Error::With(std::string_view key, std::string_view value) && {
  detail_.metadata.insert_or_assign(std::string(key), std::string(value));
  return std::move(*this);
}

Error&& Error::RetryAfter(absl::Duration delay) && {
  detail_.retry_after = delay;
  return std::move(*this);
}

Error::operator absl::Status() const {
  return WithDetail(absl::Status(code_, ToAbsl(message_)), detail_);
}

Error InvalidArgument(std::string_view field, std::string_view reason, std::string_view message) {
  return Error(absl::StatusCode::kInvalidArgument, reason, message).Field(field);
}
Error NotFound(std::string_view reason, std::string_view message) {
  return {absl::StatusCode::kNotFound, reason, message};
}
Error FailedPrecondition(std::string_view reason, std::string_view message) {
  return {absl::StatusCode::kFailedPrecondition, reason, message};
}
Error PermissionDenied(std::string_view reason, std::string_view message) {
  return {absl::StatusCode::kPermissionDenied, reason, message};
}
Error Unauthenticated(std::string_view reason, std::string_view message) {
  return {absl::StatusCode::kUnauthenticated, reason, message};
}
Error ResourceExhausted(std::string_view reason, std::string_view message) {
  return {absl::StatusCode::kResourceExhausted, reason, message};
}
Error Unavailable(std::string_view reason, std::string_view message) {
  return {absl::StatusCode::kUnavailable, reason, message};
}
Error DeadlineExceeded(std::string_view reason, std::string_view message) {
  return {absl::StatusCode::kDeadlineExceeded, reason, message};
}
Error Cancelled(std::string_view reason, std::string_view message) {
  return {absl::StatusCode::kCancelled, reason, message};
}
Error Internal(std::string_view reason, std::string_view message) {
  return {absl::StatusCode::kInternal, reason, message};
}
Error Unimplemented(std::string_view reason, std::string_view message) {
  return {absl::StatusCode::kUnimplemented, reason, message};
}

ErrorDetail DetailOf(const absl::Status& status) {
  ErrorDetail detail;
  detail.reason = CodeName(status.code());
  const auto payload = status.GetPayload(kPayloadUrl);
  if (!payload) return detail;
  const auto json =
      nlohmann::json::parse(std::string(*payload), nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return detail;
  detail.reason = json.value("reason", detail.reason);
  detail.hint = json.value("hint", "");
  detail.field = json.value("field", "");
  if (const auto it = json.find("metadata"); it != json.end() && it->is_object()) {
    for (const auto& [key, value] : it->items()) {
      if (value.is_string()) detail.metadata[key] = value.get<std::string>();
    }
  }
  if (const auto it = json.find("retry_after_ms"); it != json.end() && it->is_number_integer()) {
    detail.retry_after = absl::Milliseconds(it->get<int64_t>());
  }
  return detail;
}

absl::Status WithDetail(absl::Status status, const ErrorDetail& detail) {
  if (status.ok()) return status;
  status.SetPayload(kPayloadUrl, absl::Cord(Encode(detail)));
  return status;
}

absl::Status Annotate(const absl::Status& status, std::string_view context) {
  if (status.ok()) return status;
  absl::Status annotated(status.code(),
                         ToAbsl(fmt::format("{}: {}", context, ToStd(status.message()))));
  status.ForEachPayload([&annotated](absl::string_view url, const absl::Cord& payload) {
    annotated.SetPayload(url, payload);
  });
  return annotated;
}

std::string_view CodeName(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kOk:
      return "OK";
    case absl::StatusCode::kCancelled:
      return "CANCELLED";
    case absl::StatusCode::kUnknown:
      return "UNKNOWN";
    case absl::StatusCode::kInvalidArgument:
      return "INVALID_ARGUMENT";
    case absl::StatusCode::kDeadlineExceeded:
      return "DEADLINE_EXCEEDED";
    case absl::StatusCode::kNotFound:
      return "NOT_FOUND";
    case absl::StatusCode::kAlreadyExists:
      return "ALREADY_EXISTS";
    case absl::StatusCode::kPermissionDenied:
      return "PERMISSION_DENIED";
    case absl::StatusCode::kResourceExhausted:
      return "RESOURCE_EXHAUSTED";
    case absl::StatusCode::kFailedPrecondition:
      return "FAILED_PRECONDITION";
    case absl::StatusCode::kAborted:
      return "ABORTED";
    case absl::StatusCode::kOutOfRange:
      return "OUT_OF_RANGE";
    case absl::StatusCode::kUnimplemented:
      return "UNIMPLEMENTED";
    case absl::StatusCode::kInternal:
      return "INTERNAL";
    case absl::StatusCode::kUnavailable:
      return "UNAVAILABLE";
    case absl::StatusCode::kDataLoss:
      return "DATA_LOSS";
    case absl::StatusCode::kUnauthenticated:
      return "UNAUTHENTICATED";
    default:
      return "UNKNOWN";
  }
}

}  // namespace opsmesh::base
