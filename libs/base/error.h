// Errors as values: a gRPC-compatible code, a machine-readable reason, a sentence for a person and
// the next step.
//
// Every error of OpsMesh is an absl::Status made by `Error` below. The detail travels inside the
// status as a payload, across gRPC as google.rpc.Status (libs/rpc) and over HTTP as the designed
// error body (gateway). Thread-safe: values.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace opsmesh::base {

/// What an error carries beside its code and message.
struct ErrorDetail {
  /// UPPER_SNAKE_CASE, at most 63 characters (AIP-193), stable over releases: programs switch on
  /// it.
  std::string reason;
  /// What the person can do next, one sentence. May be empty when the message says it.
  std::string hint;
  /// Request field at fault, dotted proto path ("context.namespace"). Empty when no field is.
  std::string field;
  /// The dynamic parts of the message, for programs ("namespace" -> "shop"). Never a secret.
  std::map<std::string, std::string> metadata;
  /// When set, the caller may try again after this time.
  std::optional<absl::Duration> retry_after;

  friend bool operator==(const ErrorDetail&, const ErrorDetail&) = default;
};

/// Builds an absl::Status with a detail; converts implicitly to Status and StatusOr<T>.
///
///   return Error(absl::StatusCode::kNotFound, "NAMESPACE_NOT_FOUND", "There is no namespace
///   'shp'.")
///       .Hint("Did you mean 'shop'?").With("namespace", "shp");
class Error {
 public:
  Error(absl::StatusCode code, std::string_view reason, std::string_view message);

  Error&& Hint(std::string_view next_step) &&;
  Error&& Field(std::string_view proto_path) &&;
  Error&& With(std::string_view key, std::string_view value) &&;
  Error&& RetryAfter(absl::Duration delay) &&;

  operator absl::Status()
      const;  // NOLINT(google-explicit-constructor): reads as a return statement
  template <typename T>
  operator absl::StatusOr<T>() const {  // NOLINT(google-explicit-constructor)
    return absl::Status(*this);
  }

 private:
  absl::StatusCode code_;
  std::string message_;
  ErrorDetail detail_;
};

// Short names for the common codes. `reason` and `message` as for Error.
Error InvalidArgument(std::string_view field, std::string_view reason, std::string_view message);
Error NotFound(std::string_view reason, std::string_view message);
Error FailedPrecondition(std::string_view reason, std::string_view message);
Error PermissionDenied(std::string_view reason, std::string_view message);
Error Unauthenticated(std::string_view reason, std::string_view message);
Error ResourceExhausted(std::string_view reason, std::string_view message);
Error Unavailable(std::string_view reason, std::string_view message);
Error DeadlineExceeded(std::string_view reason, std::string_view message);
Error Cancelled(std::string_view reason, std::string_view message);
Error Internal(std::string_view reason, std::string_view message);

/// A part that is in the contract but not built yet; `message` says what will do it and what to use
/// until then.
Error Unimplemented(std::string_view reason, std::string_view message);

/// The detail of `status`. A status that was not made by Error yields the code's name as the reason
/// and nothing else.
ErrorDetail DetailOf(const absl::Status& status);

/// `status` with `detail` attached in place of the one it had. OK stays OK.
absl::Status WithDetail(absl::Status status, const ErrorDetail& detail);

/// Same code and detail, message prefixed with "`context`: ". OK stays OK.
absl::Status Annotate(const absl::Status& status, std::string_view context);

/// The UPPER_SNAKE_CASE name of a canonical code: "NOT_FOUND".
std::string_view CodeName(absl::StatusCode code);

}  // namespace opsmesh::base

/// Returns early with the status of `expr` when it is not OK.
#define OPSMESH_RETURN_IF_ERROR(expr)                                                           \
  do {                                                                                          \
    if (::absl::Status opsmesh_status_ = (expr); !opsmesh_status_.ok()) return opsmesh_status_; \
  } while (false)

#define OPSMESH_CONCAT_INNER_(a, b) a##b
#define OPSMESH_CONCAT_(a, b) OPSMESH_CONCAT_INNER_(a, b)
/// `OPSMESH_ASSIGN_OR_RETURN(auto x, F());` declares x from a StatusOr or returns its status.
#define OPSMESH_ASSIGN_OR_RETURN(lhs, expr)                                            \
  auto OPSMESH_CONCAT_(opsmesh_or_, __LINE__) = (expr);                                \
  if (!OPSMESH_CONCAT_(opsmesh_or_, __LINE__).ok())                                    \
    return ::absl::Status(std::move(OPSMESH_CONCAT_(opsmesh_or_, __LINE__)).status()); \
  lhs = *std::move(OPSMESH_CONCAT_(opsmesh_or_, __LINE__))
