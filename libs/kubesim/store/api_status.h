// Kubernetes' own errors: what the wire calls a Status. Used inside the simulator instead of
// absl::Status, because code, reason, details and causes must reach the client as a real apiserver
// sends them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "libs/kubesim/store/json.h"

namespace opsmesh::kubesim {

/// One reason why a request was refused; `field` is a path such as "spec.replicas".
struct Cause {
  std::string reason;
  std::string message;
  std::string field;
};

/// A failure as meta/v1 Status. Value type.
struct ApiStatus {
  int code = 500;
  std::string reason{};  // "NotFound"; empty = left out
  std::string message{};
  // details; `has_details` says whether the member is sent at all
  bool has_details = false;
  std::string name{};
  std::string group{};
  std::string kind{};  // resource or kind, as the real server mixes them
  std::string uid{};
  std::vector<Cause> causes{};
  int retry_after_seconds = 0;
  std::string continue_token{};  // metadata.continue of an expired list

  /// The Status object; `status` is "Failure".
  Json ToJson() const;
};

/// A value or an ApiStatus.
template <typename T>
class Outcome {
 public:
  Outcome(T value) : value_(std::move(value)) {}            // NOLINT: reads as a return statement
  Outcome(ApiStatus status) : value_(std::move(status)) {}  // NOLINT
  bool ok() const { return value_.index() == 0; }
  const ApiStatus& status() const { return std::get<1>(value_); }
  T& operator*() { return std::get<0>(value_); }
  const T& operator*() const { return std::get<0>(value_); }
  T* operator->() { return &std::get<0>(value_); }
  const T* operator->() const { return &std::get<0>(value_); }

 private:
  std::variant<T, ApiStatus> value_;
};

/// Failure or nothing.
using MaybeStatus = std::optional<ApiStatus>;

struct ResourceType;

// The usual failures, worded as a real 1.32 words them.
ApiStatus NotFoundStatus(const ResourceType& type, std::string_view name);
ApiStatus AlreadyExistsStatus(const ResourceType& type, std::string_view name);
ApiStatus ConflictStatus(const ResourceType& type, std::string_view name, std::string_view why);
ApiStatus ModifiedStatus(const ResourceType& type, std::string_view name);
ApiStatus BadRequestStatus(std::string_view message);
ApiStatus InternalStatus(std::string_view message);
ApiStatus ForbiddenStatus(const ResourceType& type, std::string_view name, std::string_view why);
/// 422 whose message lists the causes.
ApiStatus InvalidStatus(std::string_view group, std::string_view kind, std::string_view name,
                        std::vector<Cause> causes);
ApiStatus UnknownResourceStatus();
ApiStatus MethodNotAllowedStatus();
ApiStatus ExpiredStatus(std::string_view message);
ApiStatus TooLargeResourceVersionStatus(uint64_t wanted, uint64_t current);

}  // namespace opsmesh::kubesim
