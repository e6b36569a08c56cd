// What every answer that goes on has in common; for streams.cc and the kinds of streams.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "libs/http_server/http_server.h"
#include "libs/kubesim/api/streams.h"

namespace opsmesh::kubesim {

using SteadyClock = std::chrono::steady_clock;  // streams end in real time, also when the cluster's
                                                // time is simulated

class Streams::Stream {
 public:
  explicit Stream(std::shared_ptr<http_server::Exchange> exchange)
      : exchange_(std::move(exchange)) {}
  virtual ~Stream() = default;

  /// Called by the hub's thread now and then; false when the stream is over.
  virtual bool Tick(SteadyClock::time_point now) = 0;
  /// kFlowing: has more to send than the connection took at once; kBlocked: and it took nothing.
  enum class Pace { kIdle, kBlocked, kFlowing };
  virtual Pace pace() const { return Pace::kIdle; }
  /// Called once by the hub's thread, outside every lock, before the stream is dropped.
  virtual void Close() {}

  bool gone() const { return gone_.load(); }
  void MarkGone() { gone_.store(true); }
  http_server::Exchange& exchange() { return *exchange_; }

 protected:
  void Send(std::string chunk) {
    if (!gone() && !exchange_->Write(std::move(chunk))) MarkGone();
  }

 private:
  std::shared_ptr<http_server::Exchange> exchange_;
  std::atomic<bool> gone_{false};
};

}  // namespace opsmesh::kubesim
