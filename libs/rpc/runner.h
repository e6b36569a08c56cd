// The one adapter between gRPC and a service's logic. A service's gRPC face is three lines an RPC:
//
//   grpc::ServerUnaryReactor* CallTool(grpc::CallbackServerContext* context,
//                                      const CallToolRequest* request,
//                                      CallToolResponse* response) override {
//     return runner_.Unary(context, request, response,
//                          [this](const base::Context& ctx, const CallToolRequest& req) {
//                            return tools_.Call(ctx, req);
//                          });
//   }
//
// For every call the Runner: finds the RPC's policy (the RPC's name is the name of the calling
// function), reads the metadata, authenticates, checks role and caller, size and REQUIRED fields,
// takes a place in the service's bounded pool (none free = RESOURCE_EXHAUSTED with RetryInfo),
// makes the Context (deadline, cancellation, principal, trace), runs the handler, and leaves a
// span, RED metrics and one access line behind. The handler is linear, blocking code.
//
// Include only in .cc files: pulls in grpcpp.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "google/protobuf/message.h"
#include "grpcpp/support/server_callback.h"
#include "libs/base/clock.h"
#include "libs/base/context.h"
#include "libs/base/ids.h"
#include "libs/log/logger.h"
#include "libs/rpc/authenticator.h"
#include "libs/rpc/call_info.h"
#include "libs/rpc/stream.h"
#include "libs/telemetry/metrics.h"
#include "libs/telemetry/trace.h"

namespace grpc {
class CallbackServerContext;
}

namespace opsmesh::rpc {

namespace internal {
class ServerCall;
struct RunnerCore;
}  // namespace internal

/// What a Runner works with; everything referred to must outlive it.
struct RunnerOptions {
  std::string service;                // full name, "opsmesh.k8s.v1.K8sService"; must be linked in
  std::string short_name;             // "k8s": thread names, log lines
  int threads = 8;                    // handlers running at once
  size_t queue_limit = 64;            // calls waiting for a thread; more are refused
  int64_t max_subscriptions = 10000;  // open at once (they hold no thread)
  absl::Duration retry_after = absl::Seconds(1);  // told to callers that are refused
  const Authenticator* authenticator = nullptr;
  const AllowList* allow_list = nullptr;  // null = everything
  const base::Clock* clock = &base::SystemClock();
  base::IdSource* ids = &base::SystemIds();
  const log::Logger* logger = nullptr;
  telemetry::Registry* metrics = nullptr;
  const telemetry::Tracer* tracer = nullptr;
};

/// One service's adapter and pool. Thread-safe. Outlives the grpc::Server that calls into it.
class Runner {
 public:
  explicit Runner(RunnerOptions options);
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;
  /// Waits for running handlers.
  ~Runner();

  /// Unary RPC. `handler`: (const base::Context&, const Req&) -> absl::StatusOr<Resp>, or the same
  /// with a third argument const CallInfo&. `method` is the name of the RPC; its default is the
  /// name of the calling function.
  template <typename Req, typename Resp, typename Handler>
  grpc::ServerUnaryReactor* Unary(grpc::CallbackServerContext* context, const Req* request,
                                  Resp* response, Handler handler,
                                  const char* method = __builtin_FUNCTION());

  /// Server-streaming RPC whose handler writes: (const base::Context&, const Req&, Writer<Resp>&)
  /// -> absl::Status, or with a fourth argument const CallInfo&. Holds a thread of the pool while
  /// it runs. Resp is named: runner_.Stream<StreamPodLogsResponse>(context, request, ...).
  template <typename Resp, typename Req, typename Handler>
  grpc::ServerWriteReactor<Resp>* Stream(grpc::CallbackServerContext* context, const Req* request,
                                         Handler handler,
                                         const char* method = __builtin_FUNCTION());

  /// Server-streaming RPC that mostly waits: `open`: (const base::Context&, const Req&) ->
  /// absl::StatusOr<std::unique_ptr<StreamSource<Resp>>> runs on the pool, then the source is
  /// drained without a thread.
  template <typename Resp, typename Req, typename Open>
  grpc::ServerWriteReactor<Resp>* Subscribe(grpc::CallbackServerContext* context,
                                            const Req* request, Open open,
                                            const char* method = __builtin_FUNCTION());

  /// OK when the contract of `service` is linked in and every RPC of it has a policy with role and
  /// effect.
  static absl::Status CheckContract(std::string_view service);

  /// Ends what would not end by itself: subscriptions end as UNAVAILABLE (SHUTTING_DOWN), and so do
  /// new ones and new calls from outside the mesh. Calls between services still run, since a
  /// request under way may need them.
  void Drain();
  /// Cancels the contexts of all running handlers.
  void CancelAll();
  /// Waits until no call is running; false when `timeout` came first.
  bool WaitIdle(absl::Duration timeout) const;
  /// Calls running or queued now.
  int64_t in_flight() const;

 private:
  std::unique_ptr<internal::RunnerCore> core_;
};

/// What a server of these services must take off the wire, in bytes: the largest request any of
/// their RPCs allows, with room for framing; at least 4 MiB.
int64_t LargestRequest(const std::set<std::string>& services);

}  // namespace opsmesh::rpc

#include "libs/rpc/runner_internal.h"  // IWYU pragma: export
