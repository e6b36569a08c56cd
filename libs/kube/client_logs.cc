// Client::PodLogs and Client::FollowPodLogs.
#include <fmt/format.h>

#include <algorithm>

#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "libs/kube/client.h"
#include "libs/kube/log_lines.h"
#include "libs/kube/transport.h"

namespace opsmesh::kube {
namespace {

constexpr int64_t kMaxKept = 64 << 20;
constexpr int64_t kLeastRead = 8 << 20;

absl::StatusOr<ApiCall> LogCall(std::string_view ns, std::string_view pod,
                                const LogOptions& options) {
  OPSMESH_RETURN_IF_ERROR(CheckNamespace("namespace", ns));
  OPSMESH_RETURN_IF_ERROR(CheckObjectName("pod", pod));
  if (!options.container.empty())
    OPSMESH_RETURN_IF_ERROR(CheckContainerName("container", options.container));
  if (options.tail_lines && *options.tail_lines < 0) {
    return base::InvalidArgument("tail_lines", "OUT_OF_RANGE", "tail_lines cannot be negative.");
  }
  if (options.since && options.since_time) {
    return base::InvalidArgument("since", "OUT_OF_RANGE",
                                 "Give either a duration or a time to begin at, not both.");
  }
  ApiCall call = CallOn("get", "GET", *FindBuiltin("pods"), ns, pod, "log");
  call.accept = "*/*";
  if (!options.container.empty()) call.query.emplace_back("container", options.container);
  if (options.previous) call.query.emplace_back("previous", "true");
  if (options.timestamps) call.query.emplace_back("timestamps", "true");
  if (options.since) {
    const int64_t seconds = absl::ToInt64Seconds(absl::Ceil(*options.since, absl::Seconds(1)));
    if (seconds < 1)
      return base::InvalidArgument("since", "OUT_OF_RANGE",
                                   "The time to look back must be at least a second.");
    call.query.emplace_back("sinceSeconds", std::to_string(seconds));
  }
  if (options.since_time) call.query.emplace_back("sinceTime", base::Rfc3339(*options.since_time));
  return call;
}

/// The kubelet's sentences about logs, as reasons a program can tell apart.
absl::Status LogError(const absl::Status& status, const ApiCall& call, std::string_view cluster) {
  if (base::DetailOf(status).reason != "BAD_REQUEST") return status;
  const std::string text(status.message().data(), status.message().size());
  const auto has = [&](std::string_view part) { return text.find(part) != std::string::npos; };
  const auto make = [&](std::string_view reason, std::string_view hint) {
    return NameCall(base::FailedPrecondition(reason, text).Hint(hint), call, cluster);
  };
  if (has("a container name must be specified"))
    return make("CONTAINER_REQUIRED", "Name one of the pod's containers.");
  if (has("previous terminated container")) {
    return make(
        "NO_PREVIOUS_LOG",
        "The container has not been restarted, or its last log is gone; read the present log.");
  }
  if (has("is waiting to start") || has("trying and failing to pull image") ||
      has("ContainerCreating")) {
    return make("CONTAINER_NOT_STARTED",
                "There is no log before the container starts; look at the pod's events.");
  }
  if (has("is not valid for pod")) {
    return NameCall(
        base::NotFound("CONTAINER_NOT_FOUND", text).Hint("Name one of the pod's containers."), call,
        cluster);
  }
  return status;
}

}  // namespace

absl::StatusOr<LogText> Client::PodLogs(const base::Context& ctx, std::string_view ns,
                                        std::string_view pod, const LogOptions& options) {
  OPSMESH_ASSIGN_OR_RETURN(ApiCall call, LogCall(ns, pod, options));
  const int64_t keep = std::clamp<int64_t>(options.max_bytes, 1, kMaxKept);
  const size_t lines_kept = std::max<size_t>(1, options.max_lines);
  // limitBytes makes the server stop at the oldest lines, so the newest are asked for by lines and
  // the bytes are bounded here; the server's limit only stands guard over endless lines.
  const int64_t wanted =
      std::min<int64_t>(options.tail_lines.value_or(INT64_MAX), static_cast<int64_t>(lines_kept));
  const int64_t read_at_most = std::clamp<int64_t>(keep * 8, kLeastRead, kMaxKept);
  call.query.emplace_back("tailLines", std::to_string(wanted));
  call.query.emplace_back("limitBytes", std::to_string(read_at_most));
  LogTail tail(lines_kept, static_cast<size_t>(keep));
  LogLines lines(options.max_line_bytes, [&](std::string line) {
    tail.Add(std::move(line));
    return true;
  });
  const absl::Status status =
      transport_->Stream(ctx.WithTimeout(transport_->options().request_timeout), call, who_,
                         absl::Seconds(30), [&](std::string_view piece) {
                           lines.Feed(piece);
                           return absl::OkStatus();
                         });
  if (!status.ok()) return LogError(status, call, transport_->cluster());
  lines.Finish();
  LogText text;
  text.bytes_read = lines.bytes_read();
  text.cut_lines = lines.cut_lines();
  text.replaced_bytes = lines.replaced_bytes();
  text.newest_missing = static_cast<int64_t>(lines.bytes_read()) >= read_at_most;
  text.lines = tail.Take();
  const bool asked_for_less =
      options.tail_lines && *options.tail_lines <= static_cast<int64_t>(lines_kept);
  text.truncated = tail.dropped() || (!asked_for_less && text.lines.size() >= lines_kept);
  return text;
}

namespace {

// What the callbacks of one followed log share.
struct Follow {
  Follow(ApiCall api_call, std::string cluster_name, size_t max_line_bytes,
         FollowObserver the_observer)
      : call(std::move(api_call)),
        cluster(std::move(cluster_name)),
        observer(std::move(the_observer)),
        lines(max_line_bytes, [this](std::string line) {
          observer.on_line(std::move(line));
          return true;
        }) {}

  bool Accepted() const { return refused.status / 100 == 2; }
  bool Feed(std::string_view piece) {
    if (!Accepted()) {
      refused.body.append(
          piece.substr(0, (64 << 10) - std::min<size_t>(refused.body.size(), 64 << 10)));
      return true;
    }
    if (!observer.wants_more()) return false;
    lines.Feed(piece);
    return true;
  }
  void Done(const absl::Status& status) {
    if (refused.status != 0 && !Accepted()) {
      observer.on_done(LogError(ErrorFromResponse(call, cluster, refused), call, cluster));
    } else {
      if (status.ok()) lines.Finish();
      observer.on_done(status.ok() ? status : NameCall(status, call, cluster));
    }
  }

  const ApiCall call;
  const std::string cluster;
  const FollowObserver observer;
  LogLines lines;
  http_client::Response refused;  // the head, and the body of an answer that is not 2xx
};

}  // namespace

absl::StatusOr<std::shared_ptr<http_client::Call>> Client::FollowPodLogs(const base::Context& ctx,
                                                                         std::string_view ns,
                                                                         std::string_view pod,
                                                                         const LogOptions& options,
                                                                         FollowObserver observer) {
  OPSMESH_ASSIGN_OR_RETURN(ApiCall call, LogCall(ns, pod, options));
  call.query.emplace_back("follow", "true");
  if (options.tail_lines) call.query.emplace_back("tailLines", std::to_string(*options.tail_lines));
  OPSMESH_RETURN_IF_ERROR(transport_->WaitForTurn(ctx));
  absl::StatusOr<http_client::Request> request = transport_->Build(ctx, call, who_);
  if (!request.ok()) return NameCall(request.status(), call, transport_->cluster());
  request->head_timeout = transport_->options().request_timeout;
  request->idle_timeout = absl::InfiniteDuration();  // a container may be silent for hours: only
                                                     // the context ends a follow
  request->max_response_bytes = SIZE_MAX / 2;
  auto follow = std::make_shared<Follow>(std::move(call), transport_->cluster(),
                                         options.max_line_bytes, std::move(observer));
  return transport_->http().Start(
      ctx, *std::move(request),
      {.before_send = nullptr,
       .on_head =
           [follow](const http_client::ResponseHead& head) {
             static_cast<http_client::ResponseHead&>(follow->refused) = head;
           },
       .on_data = [follow](std::string_view piece) { return follow->Feed(piece); },
       .on_done = [follow](const absl::Status& status) { follow->Done(status); }});
}

}  // namespace opsmesh::kube
