#include "services/k8s/pod_log_stream.h"

#include <algorithm>
#include <deque>
#include <iterator>
#include <mutex>
#include <utility>

#include "libs/base/error.h"
#include "libs/http_client/http_client.h"
#include "services/k8s/clean_text.h"

namespace opsmesh::k8s {
namespace {

// A message stays far below the 60 kB an event over SSE may have.
constexpr size_t kMessageBytes = 16 << 10;
// Lines held for a reader that is behind; beyond it the transfer pauses.
constexpr size_t kHeldBytes = 256 << 10;

}  // namespace

struct PodLogStream::State {
  std::mutex mutex;
  std::deque<std::string> lines;
  size_t bytes = 0;
  bool paused = false;
  bool done = false;   // no more lines come
  bool ended = false;  // the last message was handed out
  absl::Status status;
  std::function<void()> wake;
  std::shared_ptr<http_client::Call> call;

  // Runs `change` under the lock and wakes the reader outside it: waking polls.
  template <typename Change>
  void Tell(Change change) {
    std::function<void()> reader;
    {
      const std::lock_guard lock(mutex);
      change();
      reader = wake;
    }
    if (reader) reader();
  }
};

PodLogStream::PodLogStream() : state_(std::make_shared<State>()) {}

PodLogStream::~PodLogStream() {
  std::shared_ptr<http_client::Call> call;
  {
    const std::lock_guard lock(state_->mutex);
    state_->wake = nullptr;
    call = std::move(state_->call);
  }
  if (call) call->Cancel();
}

void PodLogStream::Give(std::vector<std::string> lines) {
  state_->lines.assign(std::make_move_iterator(lines.begin()),
                       std::make_move_iterator(lines.end()));
  state_->done = true;
}

absl::Status PodLogStream::Follow(const base::Context& ctx, Cluster& cluster, std::string_view ns,
                                  std::string_view pod, const kube::LogOptions& options) {
  const std::shared_ptr<State> state = state_;
  kube::FollowObserver observer{.wants_more =
                                    [state] {
                                      const std::lock_guard lock(state->mutex);
                                      state->paused = state->bytes >= kHeldBytes;
                                      return !state->paused;
                                    },
                                .on_line =
                                    [state](std::string line) {
                                      state->Tell([&] {
                                        state->bytes += line.size();
                                        state->lines.push_back(std::move(line));
                                      });
                                    },
                                .on_done =
                                    [state](const absl::Status& status) {
                                      state->Tell([&] {
                                        state->done = true;
                                        state->status = status;
                                      });
                                    }};
  OPSMESH_ASSIGN_OR_RETURN(std::shared_ptr<http_client::Call> call,
                           cluster.FollowPodLogs(ctx, ns, pod, options, std::move(observer)));
  const std::lock_guard lock(state->mutex);
  state->call = std::move(call);
  return absl::OkStatus();
}

void PodLogStream::Start(std::function<void()> wake) {
  const std::lock_guard lock(state_->mutex);
  state_->wake = std::move(wake);
}

rpc::Polled<v1::StreamPodLogsResponse> PodLogStream::Poll() {
  using Polled = rpc::Polled<v1::StreamPodLogsResponse>;
  v1::StreamPodLogsResponse message;
  std::shared_ptr<http_client::Call> resume;
  {
    const std::lock_guard lock(state_->mutex);
    State& state = *state_;
    size_t bytes = 0;
    while (!state.lines.empty() && bytes < kMessageBytes) {
      bytes += state.lines.front().size();
      message.add_lines(CleanText(state.lines.front()));
      state.lines.pop_front();
    }
    state.bytes -= std::min(state.bytes, bytes);
    if (state.paused && state.bytes < kHeldBytes / 2) {
      state.paused = false;
      resume = state.call;
    }
    if (message.lines_size() == 0) {
      if (!state.done) return Polled::Nothing();
      if (state.ended || !state.status.ok()) return Polled::End(state.status);
      state.ended = true;
      message.set_done(true);
    }
  }
  if (resume) resume->Resume();
  return Polled::Message(std::move(message));
}

}  // namespace opsmesh::k8s
