// The templates of runner.h: reactors that are thin around the untyped ServerCall. Included by
// runner.h only.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "libs/rpc/runner.h"

namespace opsmesh::rpc::internal {

struct MethodInfo;

enum class CallKind { kUnary, kWriter, kSubscription };

/// The untyped half of a call: admission, context, end. One a call; lives inside its reactor.
class ServerCall {
 public:
  ServerCall(RunnerCore& core, grpc::CallbackServerContext* context,
             const google::protobuf::Message& request, const char* method, CallKind kind);
  ServerCall(const ServerCall&) = delete;
  ServerCall& operator=(const ServerCall&) = delete;
  ~ServerCall();

  /// Judges the call and queues `run` on the pool; not OK = `run` will not happen. `drain` is
  /// called when the service stops (subscriptions only), from any thread, never after the
  /// ServerCall's end.
  absl::Status Admit(std::function<void()> run, std::function<void()> drain = nullptr);
  /// What Check() of the context says.
  absl::Status Check() const { return context_->Check(); }
  const base::Context& context() const { return *context_; }
  const CallInfo& info() const { return info_; }
  void Cancel();
  void CountMessage(const google::protobuf::Message& message);
  /// Leaves span, metrics and access line; the status for the wire. Called once.
  grpc::Status End(const absl::Status& status);

 private:
  absl::Status Judge();
  absl::Status Authenticate();
  void MakeContext();

  RunnerCore& core_;
  grpc::CallbackServerContext* const grpc_context_;
  const google::protobuf::Message& request_;
  const CallKind kind_;
  const MethodInfo* method_ = nullptr;
  CallInfo info_;
  std::optional<base::Context> context_;
  std::shared_ptr<base::CancelState> cancel_;
  std::optional<telemetry::Span> span_;
  absl::Duration start_;
  int64_t messages_ = 0;
  int64_t response_bytes_ = 0;
};

using Work = std::function<absl::Status(const base::Context&, const CallInfo&)>;

/// Starts a unary call whose work fills `response`.
grpc::ServerUnaryReactor* StartUnary(RunnerCore& core, grpc::CallbackServerContext* context,
                                     const google::protobuf::Message& request,
                                     google::protobuf::Message* response, const char* method,
                                     Work work);

/// Calls `alarm` after a time, unless cancelled before; the alarm may still be running when
/// Cancel() returns.
class DeadlineAlarm {
 public:
  DeadlineAlarm();
  ~DeadlineAlarm();
  void Set(absl::Duration in, std::function<void()> alarm);
  void Cancel();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// A handler that writes on a thread of the pool, decoupled from the wire by a short queue.
template <typename Resp>
class WriterCall final : public grpc::ServerWriteReactor<Resp>, public Writer<Resp> {
 public:
  static constexpr size_t kQueueLimit = 16;
  using Handler = std::function<absl::Status(const base::Context&, Writer<Resp>&, const CallInfo&)>;

  WriterCall(RunnerCore& core, grpc::CallbackServerContext* context,
             const google::protobuf::Message& request, const char* method, Handler handler)
      : call_(core, context, request, method, CallKind::kWriter), handler_(std::move(handler)) {}

  void Begin() {
    if (absl::Status status = call_.Admit([this] { Run(); }); !status.ok())
      this->Finish(call_.End(status));
  }

  absl::Status Write(Resp message) override {
    Resp* to_send = nullptr;
    {
      std::unique_lock lock(mutex_);
      while (!broken_ && queue_.size() >= kQueueLimit) {
        if (absl::Status status = call_.Check(); !status.ok()) return status;
        WaitForRoom(lock);
      }
      if (absl::Status status = call_.Check(); !status.ok()) return status;
      if (broken_)
        return base::Cancelled("CALLER_LEFT", "The caller left before the stream was over.");
      call_.CountMessage(message);
      queue_.push_back(std::move(message));
      if (!writing_) {
        writing_ = true;
        to_send = &queue_.front();
      }
    }
    // Outside the lock: the library may answer on this very thread.
    if (to_send != nullptr) this->StartWrite(to_send);
    return absl::OkStatus();
  }

  void OnWriteDone(bool ok) override {
    Resp* next = nullptr;
    std::optional<grpc::Status> end;
    {
      const std::lock_guard lock(mutex_);
      if (!ok) broken_ = true;
      queue_.pop_front();
      if (!broken_ && !queue_.empty()) {
        next = &queue_.front();
      } else {
        writing_ = false;
        end = std::move(end_);
        end_.reset();
      }
      room_.notify_all();
    }
    if (next != nullptr) this->StartWrite(next);
    if (end) this->Finish(*end);
  }
  void OnCancel() override { call_.Cancel(); }
  void OnDone() override { delete this; }

 private:
  void WaitForRoom(std::unique_lock<std::mutex>& lock) {
    const absl::Duration left = call_.context().Remaining();
    if (left == absl::InfiniteDuration()) {
      room_.wait(lock);
    } else {
      room_.wait_for(lock, absl::ToChronoNanoseconds(left));
    }
  }

  void Run() {
    absl::Status status = call_.Check();
    if (status.ok()) {
      const auto wake = call_.context().OnCancel([this] {
        const std::lock_guard lock(mutex_);
        room_.notify_all();
      });
      status = handler_(call_.context(), *this, call_.info());
    }
    grpc::Status end = call_.End(status);
    {
      const std::lock_guard lock(mutex_);
      if (writing_) {
        end_ = std::move(end);  // OnWriteDone ends the stream after the last message
        return;
      }
    }
    this->Finish(end);
  }

  ServerCall call_;
  const Handler handler_;
  std::mutex mutex_;
  std::condition_variable room_;
  std::deque<Resp> queue_;  // front is with the library while writing_
  bool writing_ = false;
  bool broken_ = false;
  std::optional<grpc::Status> end_;
};

/// A subscription: opened on the pool, then drained by whoever wakes it; holds no thread.
template <typename Resp>
class SourceCall final : public grpc::ServerWriteReactor<Resp>,
                         public std::enable_shared_from_this<SourceCall<Resp>> {
 public:
  using Open = std::function<absl::StatusOr<std::unique_ptr<StreamSource<Resp>>>(
      const base::Context&, const CallInfo&)>;

  SourceCall(RunnerCore& core, grpc::CallbackServerContext* context,
             const google::protobuf::Message& request, const char* method, Open open)
      : call_(core, context, request, method, CallKind::kSubscription), open_(std::move(open)) {}

  void Begin() {
    self_ = this->shared_from_this();
    const std::weak_ptr<SourceCall> weak = self_;
    const absl::Status status =
        call_.Admit([this] { OpenSource(); },
                    [weak] {
                      if (auto call = weak.lock()) {
                        call->Stop(base::Unavailable("SHUTTING_DOWN", "The service is stopping.")
                                       .Hint("Subscribe again in a moment."));
                      }
                    });
    if (!status.ok()) this->Finish(call_.End(status));
  }

  void OnWriteDone(bool ok) override {
    if (!ok) Stop(base::Cancelled("CALLER_LEFT", "The caller left."));
    Pump(/*after_write=*/true);
  }
  void OnCancel() override {
    call_.Cancel();
    absl::Status status = call_.Check();
    Stop(status.ok() ? absl::Status(base::Cancelled("CALLER_LEFT", "The caller left.")) : status);
  }
  void OnDone() override {
    alarm_.Cancel();
    const auto keep = std::move(self_);  // destroys *this when nobody is pumping
  }

 private:
  enum class State { kOpening, kIdle, kPolling, kWriting, kFinished };

  void OpenSource() {
    // From the moment the state is idle, the caller's leaving may end the call on another thread.
    const auto keep = this->shared_from_this();
    absl::Status status = call_.Check();
    if (status.ok()) {
      auto source = open_(call_.context(), call_.info());
      status = source.status();
      if (source.ok()) source_ = *std::move(source);
    }
    const std::weak_ptr<SourceCall> weak = self_;
    if (!status.ok()) {
      Stop(status);
    } else {
      alarm_.Set(call_.context().Remaining(), [weak] {
        if (auto call = weak.lock()) {
          call->Stop(
              base::DeadlineExceeded("DEADLINE", "The time allowed for this stream is used up.")
                  .Hint("Subscribe again."));
        }
      });
      source_->Start([weak] {
        if (auto call = weak.lock()) call->Wake();
      });
    }
    {
      const std::lock_guard lock(mutex_);
      state_ = State::kIdle;
    }
    Pump(/*after_write=*/false);
  }

  void Wake() { Pump(/*after_write=*/false); }

  void Stop(absl::Status status) {
    {
      const std::lock_guard lock(mutex_);
      if (!stop_) stop_ = std::move(status);
    }
    Pump(/*after_write=*/false);
  }

  // Moves the stream on: at most one thread is past the first block at any time.
  void Pump(bool after_write) {
    while (true) {
      std::optional<absl::Status> stop;
      {
        const std::lock_guard lock(mutex_);
        if (after_write && state_ == State::kWriting) state_ = State::kIdle;
        after_write = false;
        if (state_ != State::kIdle) {
          again_ = true;  // whoever is at work looks again
          return;
        }
        again_ = false;
        stop = stop_;
        state_ = stop ? State::kFinished : State::kPolling;
      }
      if (stop) return End(*stop);
      Polled<Resp> polled = source_->Poll();
      const std::unique_lock lock(mutex_);
      if (polled.state == Polled<Resp>::State::kEnd) {
        state_ = State::kIdle;
        if (!stop_) stop_ = std::move(polled.status);
        continue;
      }
      if (polled.state == Polled<Resp>::State::kNothingYet) {
        state_ = State::kIdle;
        if (again_) continue;
        return;
      }
      message_ = *std::move(polled.message);
      state_ = State::kWriting;
      break;
    }
    call_.CountMessage(message_);
    this->StartWrite(&message_);
  }

  void End(const absl::Status& status) {
    source_.reset();
    this->Finish(call_.End(status));
  }

  ServerCall call_;
  const Open open_;
  std::shared_ptr<SourceCall> self_;
  std::unique_ptr<StreamSource<Resp>> source_;
  DeadlineAlarm alarm_;
  std::mutex mutex_;
  State state_ = State::kOpening;
  bool again_ = false;
  std::optional<absl::Status> stop_;
  Resp message_;
};

}  // namespace opsmesh::rpc::internal

namespace opsmesh::rpc {

template <typename Req, typename Resp, typename Handler>
grpc::ServerUnaryReactor* Runner::Unary(grpc::CallbackServerContext* context, const Req* request,
                                        Resp* response, Handler handler, const char* method) {
  return internal::StartUnary(
      *core_, context, *request, response, method,
      [handler = std::move(handler), request, response](const base::Context& ctx,
                                                        const CallInfo& info) -> absl::Status {
        const auto run = [&]() -> absl::StatusOr<Resp> {
          if constexpr (std::is_invocable_v<const Handler&, const base::Context&, const Req&,
                                            const CallInfo&>) {
            return handler(ctx, *request, info);
          } else {
            return handler(ctx, *request);
          }
        };
        absl::StatusOr<Resp> result = run();
        if (!result.ok()) return result.status();
        *response = *std::move(result);
        return absl::OkStatus();
      });
}

template <typename Resp, typename Req, typename Handler>
grpc::ServerWriteReactor<Resp>* Runner::Stream(grpc::CallbackServerContext* context,
                                               const Req* request, Handler handler,
                                               const char* method) {
  auto* call = new internal::WriterCall<Resp>(
      *core_, context, *request, method,
      [handler = std::move(handler), request](const base::Context& ctx, Writer<Resp>& writer,
                                              const CallInfo& info) -> absl::Status {
        if constexpr (std::is_invocable_v<const Handler&, const base::Context&, const Req&,
                                          Writer<Resp>&, const CallInfo&>) {
          return handler(ctx, *request, writer, info);
        } else {
          return handler(ctx, *request, writer);
        }
      });
  call->Begin();
  return call;
}

template <typename Resp, typename Req, typename Open>
grpc::ServerWriteReactor<Resp>* Runner::Subscribe(grpc::CallbackServerContext* context,
                                                  const Req* request, Open open,
                                                  const char* method) {
  auto call = std::make_shared<internal::SourceCall<Resp>>(
      *core_, context, *request, method,
      [open = std::move(open), request](const base::Context& ctx, const CallInfo& info)
          -> absl::StatusOr<std::unique_ptr<StreamSource<Resp>>> {
        if constexpr (std::is_invocable_v<const Open&, const base::Context&, const Req&,
                                          const CallInfo&>) {
          return open(ctx, *request, info);
        } else {
          return open(ctx, *request);
        }
      });
  auto* reactor = call.get();
  call->Begin();
  return reactor;
}

}  // namespace opsmesh::rpc
