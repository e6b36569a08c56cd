// The inside of a Runner, shared with its calls. Internal to libs/rpc.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "libs/base/context.h"
#include "libs/base/worker_pool.h"
#include "libs/rpc/method_table.h"
#include "libs/rpc/runner.h"

namespace opsmesh::rpc::internal {

/// Everything that the calls of one service share. Thread-safe.
struct RunnerCore {
  explicit RunnerCore(RunnerOptions given);

  /// Remembers an admitted call until Leave(). False when the service stops and the call is a
  /// subscription or `outside`.
  bool Enter(const ServerCall* call, std::shared_ptr<base::CancelState> cancel,
             std::function<void()> drain, bool outside);
  void Leave(const ServerCall* call);
  void CountShed(std::string_view reason);

  const RunnerOptions options;
  absl::Status contract;  // not OK = every call answers it
  MethodTable methods;
  const AllowList everything;
  telemetry::Family<telemetry::Counter>* handled = nullptr;
  telemetry::Family<telemetry::Counter>* shed = nullptr;
  telemetry::Gauge* in_flight_gauge = nullptr;

  struct Open {
    std::shared_ptr<base::CancelState> cancel;
    std::function<void()> drain;
  };
  mutable std::mutex mutex;
  mutable std::condition_variable idle;
  std::unordered_map<const ServerCall*, Open> open;  // admitted calls
  int64_t alive = 0;                                 // all ServerCalls, refused ones included
  std::atomic<int64_t> subscriptions = 0;
  bool draining = false;

  // Last: its destructor waits for handlers, which use the rest.
  base::WorkerPool pool;
};

}  // namespace opsmesh::rpc::internal
