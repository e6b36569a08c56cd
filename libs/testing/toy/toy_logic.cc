#include "libs/testing/toy/toy_logic.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "libs/base/error.h"

namespace opsmesh::toy {

absl::StatusOr<v1::EchoResponse> ToyLogic::Echo(const base::Context& context,
                                                const v1::EchoRequest& request) {
  {
    const std::lock_guard lock(mutex_);
    ++echoes_;
    if (request.fail_code() != 0 &&
        (request.fail_times() == 0 || failed_[request.text()]++ < request.fail_times())) {
      return base::Error(static_cast<absl::StatusCode>(request.fail_code()), "TOY_FAILS",
                         "The toy fails as asked: " + request.text())
          .Hint("Ask for no failure.")
          .Field("fail_code")
          .With("text", request.text());
    }
  }
  v1::EchoResponse response;
  response.set_text(request.text());
  response.set_principal(context.principal().id);
  response.set_role(std::string(base::RoleName(context.principal().role)));
  response.set_request_id(context.request_id());
  response.set_trace_id(context.trace().trace_id);
  response.set_language(context.language());
  const absl::Duration left = context.Remaining();
  response.set_remaining_ms(left == absl::InfiniteDuration() ? -1
                                                             : absl::ToInt64Milliseconds(left));
  return response;
}

absl::StatusOr<v1::WaitResponse> ToyLogic::Wait(const base::Context& context) {
  const auto wake = context.OnCancel([this] {
    const std::lock_guard lock(mutex_);
    changed_.notify_all();
  });
  std::unique_lock lock(mutex_);
  ++waiting_;
  changed_.notify_all();
  absl::Status status = context.Check();
  while (!gate_open_ && status.ok()) {
    changed_.wait_for(lock,
                      absl::ToChronoNanoseconds(std::min(context.Remaining(), absl::Seconds(60))));
    status = context.Check();
  }
  --waiting_;
  if (!status.ok()) ++given_up_;
  changed_.notify_all();
  if (!status.ok()) return status;
  return v1::WaitResponse();
}

absl::Status ToyLogic::Count(const base::Context&, const v1::CountRequest& request,
                             rpc::Writer<v1::CountResponse>& writer) {
  for (int64_t i = 1; i <= request.count(); ++i) {
    v1::CountResponse response;
    response.set_number(i);
    response.set_padding(std::string(static_cast<size_t>(request.padding_bytes()), 'x'));
    if (absl::Status status = writer.Write(std::move(response)); !status.ok()) {
      const std::lock_guard lock(mutex_);
      ++given_up_;
      changed_.notify_all();
      return status;
    }
    const std::lock_guard lock(mutex_);
    ++written_;
  }
  return absl::OkStatus();
}

std::unique_ptr<rpc::StreamSource<v1::WatchResponse>> ToyLogic::Watch() {
  auto queue = std::make_shared<rpc::EventQueue<v1::WatchResponse>>(8);
  {
    const std::lock_guard lock(mutex_);
    subscribers_.push_back(queue);
    changed_.notify_all();
  }
  return std::make_unique<rpc::QueueSource<v1::WatchResponse>>(
      queue, [this, weak = std::weak_ptr(queue)] {
        const std::lock_guard lock(mutex_);
        std::erase_if(subscribers_, [&](const auto& other) { return other == weak.lock(); });
        changed_.notify_all();
      });
}

void ToyLogic::OpenGate() {
  const std::lock_guard lock(mutex_);
  gate_open_ = true;
  changed_.notify_all();
}

void ToyLogic::Publish(const std::string& text) {
  std::vector<std::shared_ptr<rpc::EventQueue<v1::WatchResponse>>> subscribers;
  {
    const std::lock_guard lock(mutex_);
    subscribers = subscribers_;
  }
  for (const auto& subscriber : subscribers) {
    v1::WatchResponse response;
    response.set_text(text);
    subscriber->Push(std::move(response));
  }
}

template <typename F>
bool ToyLogic::Await(F reached) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, std::chrono::seconds(60), reached);
}

bool ToyLogic::AwaitWaiting(int count) {
  return Await([&] { return waiting_ == count; });
}
bool ToyLogic::AwaitGivenUp(int count) {
  return Await([&] { return given_up_ >= count; });
}
bool ToyLogic::AwaitSubscribers(int count) {
  return Await([&] { return static_cast<int>(subscribers_.size()) == count; });
}
int64_t ToyLogic::written() const {
  const std::lock_guard lock(mutex_);
  return written_;
}
int ToyLogic::echoes() const {
  const std::lock_guard lock(mutex_);
  return echoes_;
}

}  // namespace opsmesh::toy
