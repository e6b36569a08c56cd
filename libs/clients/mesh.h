// Typed calls to the services of the mesh, with the one retry policy.
//
//   clients::Mesh mesh(env.channels, env.ids);
//   // Once, while being built:
//   OPSMESH_ASSIGN_OR_RETURN(auto k8s, mesh.For<k8s::v1::K8sService>());
//   // Blocking; deadline from ctx:
//   auto answer = k8s.Call(ctx, &k8s::v1::K8sService::Stub::CallTool, request);
//
// Retried: UNAVAILABLE, on RPCs whose contract says EFFECT_READ, inside the context's deadline,
// with full jitter, at most 3 tries, and only while retries stay below 20 % of calls. Nothing else,
// ever. Include only in .cc files.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "grpcpp/channel.h"
#include "libs/base/context.h"
#include "libs/base/error.h"
#include "libs/base/ids.h"
#include "libs/clients/retry.h"
#include "libs/rpc/call.h"
#include "libs/rpc/channel.h"

namespace opsmesh::clients {

/// Calls one service. Cheap to copy, thread-safe.
template <typename Service>
class Client {
 public:
  using Stub = typename Service::Stub;

  Client(rpc::Channel channel, std::shared_ptr<RetryPolicy> retry)
      : channel_(std::move(channel)),
        stub_(std::make_shared<LateStub>()),
        retry_(std::move(retry)) {}

  /// Unary call; the error is the service's own. UNAVAILABLE (SERVICE_STARTING) before
  /// Service::Start().
  template <typename Req, typename Resp>
  absl::StatusOr<Resp> Call(const base::Context& context,
                            grpc::Status (Stub::*method)(grpc::ClientContext*, const Req&, Resp*),
                            const Req& request, const rpc::CallOptions& options = {}) const {
    OPSMESH_ASSIGN_OR_RETURN(Stub * stub, GetStub());
    absl::StatusOr<Resp> result =
        rpc::Call(context, channel_.identity(), *stub, method, request, options);
    for (int tries = 1; !result.ok(); ++tries) {
      if (!IsReadOnly(Service::service_full_name(), *Req::descriptor(), *Resp::descriptor())) break;
      if (!retry_->Again(context, tries, result.status())) break;
      result = rpc::Call(context, channel_.identity(), *stub, method, request, options);
    }
    if (result.ok()) retry_->Earn();
    return result;
  }

  /// Server-streaming call; `on_message` gets each message on this thread, an error from it ends
  /// the call. Never retried.
  template <typename Req, typename Resp>
  absl::Status Stream(
      const base::Context& context,
      std::unique_ptr<grpc::ClientReader<Resp>> (Stub::*method)(grpc::ClientContext*, const Req&),
      const Req& request, const std::function<absl::Status(Resp&)>& on_message,
      const rpc::CallOptions& options = {}) const {
    OPSMESH_ASSIGN_OR_RETURN(Stub * stub, GetStub());
    return rpc::CallStream(context, channel_.identity(), *stub, method, request, on_message,
                           options);
  }

 private:
  // Made at the first call: the channel may not exist before all services of the process are built.
  struct LateStub {
    std::mutex mutex;
    std::unique_ptr<Stub> stub;
  };
  absl::StatusOr<Stub*> GetStub() const {
    const std::lock_guard lock(stub_->mutex);
    if (stub_->stub == nullptr) {
      auto channel = channel_.Get();
      if (channel == nullptr) {
        return base::Unavailable("SERVICE_STARTING", "The process is still starting.")
            .Hint("Call from Service::Start() on.");
      }
      stub_->stub = Service::NewStub(channel);
    }
    return stub_->stub.get();
  }

  rpc::Channel channel_;
  std::shared_ptr<LateStub> stub_;
  std::shared_ptr<RetryPolicy> retry_;
};

/// Makes clients. Keep one a service; its clients share one retry budget. Thread-safe.
class Mesh {
 public:
  Mesh(const rpc::ChannelSource& channels, base::IdSource& ids, RetryOptions retry = {})
      : channels_(channels), retry_(std::make_shared<RetryPolicy>(retry, ids)) {}

  /// NOT_FOUND (SERVICE_UNKNOWN) when no address is configured for the service.
  template <typename Service>
  absl::StatusOr<Client<Service>> For() const {
    OPSMESH_ASSIGN_OR_RETURN(rpc::Channel channel, channels_.For(Service::service_full_name()));
    return Client<Service>(std::move(channel), retry_);
  }

 private:
  const rpc::ChannelSource& channels_;
  std::shared_ptr<RetryPolicy> retry_;
};

}  // namespace opsmesh::clients
