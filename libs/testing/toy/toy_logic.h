// The toy's logic: no gRPC in sight, so a test makes one from nothing.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/base/context.h"
#include "libs/rpc/stream.h"
#include "opsmesh/toy/v1/toy.pb.h"

namespace opsmesh::toy {

/// Thread-safe.
class ToyLogic {
 public:
  absl::StatusOr<v1::EchoResponse> Echo(const base::Context& context,
                                        const v1::EchoRequest& request);
  /// Waits for OpenGate(), the caller's leaving or the deadline.
  absl::StatusOr<v1::WaitResponse> Wait(const base::Context& context);
  absl::Status Count(const base::Context& context, const v1::CountRequest& request,
                     rpc::Writer<v1::CountResponse>& writer);
  std::unique_ptr<rpc::StreamSource<v1::WatchResponse>> Watch();

  // What a test does and sees.
  void OpenGate();
  void Publish(const std::string& text);
  /// Returns when `count` calls wait; false after 10 s.
  bool AwaitWaiting(int count);
  /// Returns when `count` waits ended early (caller left or time up); false after 10 s.
  bool AwaitGivenUp(int count);
  bool AwaitSubscribers(int count);
  int64_t written() const;
  int echoes() const;

 private:
  template <typename F>
  bool Await(F reached);

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool gate_open_ = false;
  int waiting_ = 0;
  int given_up_ = 0;
  int echoes_ = 0;
  int64_t written_ = 0;
  std::map<std::string, int> failed_;
  std::vector<std::shared_ptr<rpc::EventQueue<v1::WatchResponse>>> subscribers_;
};

}  // namespace opsmesh::toy
