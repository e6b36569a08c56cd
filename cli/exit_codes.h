// Exit codes of `opsmesh`: what a script may rely on.
#pragma once

#include "absl/status/status.h"
#include "libs/base/error.h"

namespace opsmesh::cli {

enum ExitCode : int {
  kOk = 0,
  kFailure = 1,         // asked, and it failed
  kUsage = 2,           // the command line cannot be understood
  kNeedsApproval = 3,   // a change is planned and waits for a person
  kDenied = 4,          // policy or role forbids it
  kDependencyDown = 5,  // OpsMesh, or something it needs, does not answer
  kPartial = 6,         // answered, and some of it could not be read
  kConfig = 78,         // the configuration is wrong (EX_CONFIG)
};

/// The exit code that says what `status` says; kOk for OK.
inline int ExitCodeOf(const absl::Status& status) {
  const std::string reason = base::DetailOf(status).reason;
  if (reason == "CONFIG") return kConfig;
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return kOk;
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnauthenticated:
      return kDenied;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
      return kDependencyDown;
    default:
      return kFailure;
  }
}

}  // namespace opsmesh::cli
