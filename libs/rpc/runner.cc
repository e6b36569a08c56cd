#include "libs/rpc/runner.h"

#include <utility>
#include <vector>

#include "grpcpp/alarm.h"
#include "libs/rpc/runner_core.h"

namespace opsmesh::rpc {
namespace internal {

RunnerCore::RunnerCore(RunnerOptions given)
    : options(std::move(given)),
      pool({.name = options.short_name,
            .threads = options.threads,
            .queue_limit = options.queue_limit}) {
  auto table = MethodTable::Make(options.service);
  contract = table.status();
  if (table.ok()) methods = *std::move(table);
  if (options.metrics == nullptr) return;
  handled = &options.metrics->AddCounter({.name = "opsmesh_grpc_server_handled_total",
                                          .help = "RPCs that ended, by their gRPC code.",
                                          .labels = {"service", "method", "code"},
                                          .max_series = 3000});
  shed = &options.metrics->AddCounter(
      {.name = "opsmesh_shed_total",
       .help = "Requests refused because the service was full or stopping.",
       .labels = {"reason"}});
  in_flight_gauge = &options.metrics
                         ->AddGauge({.name = "opsmesh_grpc_server_in_flight",
                                     .help = "RPCs queued or running now.",
                                     .labels = {"service"}})
                         .With({options.short_name});
  auto& seconds =
      options.metrics->AddHistogram({.name = "opsmesh_grpc_server_seconds",
                                     .help = "Time from an RPC's arrival to its end, in seconds.",
                                     .labels = {"service", "method"},
                                     .max_series = 300});
  for (auto& [name, method] : methods.methods())
    method.seconds = &seconds.With({options.short_name, name});
}

bool RunnerCore::Enter(const ServerCall* call, std::shared_ptr<base::CancelState> cancel,
                       std::function<void()> drain, bool outside) {
  const std::lock_guard lock(mutex);
  // A request that runs already may still need its neighbours in the mesh.
  if (draining && (outside || drain != nullptr)) return false;
  open[call] = {std::move(cancel), std::move(drain)};
  return true;
}

void RunnerCore::Leave(const ServerCall* call) {
  const std::lock_guard lock(mutex);
  open.erase(call);
  --alive;
  if (alive == 0) idle.notify_all();
}

void RunnerCore::CountShed(std::string_view reason) {
  if (shed != nullptr) shed->With({reason}).Increment();
}

struct DeadlineAlarm::Impl {
  grpc::Alarm alarm;
};

DeadlineAlarm::DeadlineAlarm() = default;
DeadlineAlarm::~DeadlineAlarm() = default;

void DeadlineAlarm::Set(absl::Duration in, std::function<void()> alarm) {
  if (in == absl::InfiniteDuration()) return;
  impl_ = std::make_unique<Impl>();
  impl_->alarm.Set(absl::ToChronoTime(base::SystemClock().Now() + in),
                   [alarm = std::move(alarm)](bool fired) {
                     if (fired) alarm();
                   });
}

void DeadlineAlarm::Cancel() {
  if (impl_ != nullptr) impl_->alarm.Cancel();
}

}  // namespace internal

Runner::Runner(RunnerOptions options)
    : core_(std::make_unique<internal::RunnerCore>(std::move(options))) {}

Runner::~Runner() {
  Drain();
  CancelAll();
}

absl::Status Runner::CheckContract(std::string_view service) {
  return internal::MethodTable::Make(service).status();
}

void Runner::Drain() {
  std::vector<std::function<void()>> drains;
  {
    const std::lock_guard lock(core_->mutex);
    core_->draining = true;
    for (const auto& [call, open] : core_->open) {
      if (open.drain) drains.push_back(open.drain);
    }
  }
  for (const auto& drain : drains) drain();
}

void Runner::CancelAll() {
  std::vector<std::shared_ptr<base::CancelState>> cancels;
  {
    const std::lock_guard lock(core_->mutex);
    for (const auto& [call, open] : core_->open) cancels.push_back(open.cancel);
  }
  for (const auto& cancel : cancels) cancel->Cancel();
}

bool Runner::WaitIdle(absl::Duration timeout) const {
  std::unique_lock lock(core_->mutex);
  return core_->idle.wait_for(lock, absl::ToChronoNanoseconds(timeout),
                              [this] { return core_->alive == 0; });
}

int64_t Runner::in_flight() const {
  const std::lock_guard lock(core_->mutex);
  return static_cast<int64_t>(core_->open.size());
}

}  // namespace opsmesh::rpc
