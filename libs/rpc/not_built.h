// What an RPC of the contract answers as long as nothing stands behind it.
//
// Include only in .cc files: pulls in grpcpp.
#pragma once

#include <string_view>

#include "absl/status/statusor.h"
#include "libs/base/error.h"
#include "libs/rpc/runner.h"

namespace opsmesh::rpc {

/// Words of such an answer; both live at least as long as the call (literals).
struct NotBuiltWords {
  std::string_view sentence;  // what is missing
  std::string_view until;     // what to do until it is there
  std::string_view reason = "NOT_BUILT";
};

/// UNIMPLEMENTED with these words, after the checks every call goes through: who may not call the
/// RPC, or calls it wrongly, learns that first. `method` is the RPC, by default the caller's name.
template <typename Req, typename Resp>
grpc::ServerUnaryReactor* NotBuilt(Runner& runner, grpc::CallbackServerContext* context,
                                   const Req* request, Resp* response, NotBuiltWords words,
                                   const char* method = __builtin_FUNCTION()) {
  return runner.Unary(
      context, request, response,
      [words](const base::Context&, const Req&) -> absl::StatusOr<Resp> {
        return base::Unimplemented(words.reason, words.sentence).Hint(words.until);
      },
      method);
}

}  // namespace opsmesh::rpc
