// Client calls as plain functions: Context in, StatusOr out. The context's cancellation cancels the
// call.
//
//   auto answer = rpc::Call(ctx, channel.identity(), *stub, &K8sService::Stub::CallTool, request);
//
// No retry here: libs/clients has the one retry policy.
#pragma once

#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/sync_stream.h"
#include "libs/base/context.h"
#include "libs/base/error.h"
#include "libs/rpc/channel.h"
#include "libs/rpc/status_bridge.h"

namespace opsmesh::rpc {

/// Unary call; returns when the answer is there, the deadline passes or the context is cancelled.
template <typename Stub, typename Req, typename Resp>
absl::StatusOr<Resp> Call(const base::Context& context, const CallIdentity& identity, Stub& stub,
                          grpc::Status (Stub::*method)(grpc::ClientContext*, const Req&, Resp*),
                          const Req& request, const CallOptions& options = {}) {
  if (absl::Status status = context.Check(); !status.ok()) return status;
  grpc::ClientContext client_context;
  Prepare(context, identity, options, &client_context);
  const auto cancel = context.OnCancel([&client_context] { client_context.TryCancel(); });
  Resp response;
  absl::Status status = FromGrpc((stub.*method)(&client_context, request, &response));
  if (!status.ok()) return status;
  return response;
}

/// Server-streaming call; `on_message` is called for each message on this thread. When it returns
/// an error the call is cancelled and that error returned. Otherwise the status the service ended
/// the stream with.
template <typename Stub, typename Req, typename Resp>
absl::Status CallStream(
    const base::Context& context, const CallIdentity& identity, Stub& stub,
    std::unique_ptr<grpc::ClientReader<Resp>> (Stub::*method)(grpc::ClientContext*, const Req&),
    const Req& request, const std::function<absl::Status(Resp&)>& on_message,
    const CallOptions& options = {}) {
  OPSMESH_RETURN_IF_ERROR(context.Check());
  grpc::ClientContext client_context;
  Prepare(context, identity, options, &client_context);
  const auto cancel = context.OnCancel([&client_context] { client_context.TryCancel(); });
  const auto reader = (stub.*method)(&client_context, request);
  absl::Status own;
  Resp message;
  while (own.ok() && reader->Read(&message)) own = on_message(message);
  if (!own.ok()) client_context.TryCancel();
  const absl::Status status = FromGrpc(reader->Finish());
  return own.ok() ? status : own;
}

}  // namespace opsmesh::rpc
