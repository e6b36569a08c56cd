// The one bridge between errors as values (libs/base) and errors on the wire (grpc::Status with
// google.rpc.Status).
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "grpcpp/support/status.h"

namespace opsmesh::rpc {

/// Domain of every ErrorInfo of ours.
inline constexpr char kErrorDomain[] = "opsmesh.dev";

/// The status with its detail as google.rpc.Status: ErrorInfo (always), BadRequest (a field),
/// RetryInfo, Help (the hint). Message and details are cut so that the trailers stay below 8 KiB.
grpc::Status ToGrpc(const absl::Status& status);

/// The way back. A status without our details keeps its code's name as the reason; what gRPC itself
/// says gets one of ours: UNAVAILABLE -> SERVICE_UNAVAILABLE, DEADLINE_EXCEEDED -> DEADLINE,
/// CANCELLED -> CALLER_LEFT.
absl::Status FromGrpc(const grpc::Status& status);

}  // namespace opsmesh::rpc
