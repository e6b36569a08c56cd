#include "gateway/serve/unary_exchange.h"

#include <mutex>
#include <utility>

#include "gateway/serve/http_error.h"
#include "gateway/transcode/wire.h"
#include "gateway/transcode/wire_records.h"
#include "gateway/transcode/wire_to_json.h"
#include "libs/base/error.h"

namespace opsmesh::gateway {
namespace {

// google.api.HttpBody -> its bytes and type.
absl::Status PrintRaw(std::string_view wire, http_server::Response* response) {
  std::string_view type = "application/octet-stream";
  const char* p = wire.data();
  const char* const end = p + wire.size();
  while (p != end) {
    uint64_t tag = 0;
    Record record{};
    if ((p = ReadVarint(p, end, &tag)) == nullptr)
      return base::Internal("BACKEND_ANSWER", "The answer is broken.");
    record.wire_type = static_cast<WireType>(tag & 7);
    if ((p = ReadRecord(p, end, &record)) == nullptr)
      return base::Internal("BACKEND_ANSWER", "The answer is broken.");
    if (record.wire_type != WireType::kLength) continue;
    if (tag >> 3 == 1 && record.length > 0) type = record.bytes();
    if (tag >> 3 == 2) response->body = record.bytes();
  }
  if (type.find_first_of("\r\n") != std::string_view::npos) type = "application/octet-stream";
  response->headers.Add("Content-Type", std::string(type));
  return absl::OkStatus();
}

class UnaryExchange final : public std::enable_shared_from_this<UnaryExchange> {
 public:
  UnaryExchange(Core& core, RequestState state, CallSpec spec, std::string wire)
      : live_(core.live),
        core_(core),
        state_(std::move(state)),
        spec_(std::move(spec)),
        wire_(std::move(wire)) {}

  void Run() {
    state_.exchange->OnClientGone([weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->ClientGone();
    });
    if (!core_.admission.Enter([self = shared_from_this()] { self->Start(); })) {
      core_.metrics.CountShed("queue_full");
      AnswerError(
          core_, state_,
          base::Unavailable("OVERLOADED",
                            "The gateway has more requests running and waiting than it may.")
              .Hint("Try again in a moment; long questions are better asked as a stream.")
              .RetryAfter(absl::Seconds(1)));
    }
  }

 private:
  void Start() {
    const absl::Status still_wanted = gone() ? absl::CancelledError("") : spec_.context.Check();
    if (!still_wanted.ok()) return Done(still_wanted);
    auto call = core_.backend->Call(
        spec_, std::move(wire_),
        [self = shared_from_this()](auto answer) { self->Done(std::move(answer)); });
    bool cancel = false;
    {
      const std::lock_guard lock(mutex_);
      call_ = std::move(call);
      cancel = gone_;
    }
    if (cancel && call_ != nullptr) call_->Cancel();
  }

  void Done(absl::StatusOr<std::string_view> answer) {
    // The place is freed first: answering may take a while for a large body.
    core_.admission.Done();
    if (!answer.ok()) return AnswerError(core_, state_, answer.status());
    http_server::Response response;
    const absl::Status printed = Print(*answer, &response);
    if (!printed.ok()) return AnswerError(core_, state_, printed);
    Answer(core_, state_, std::move(response));
  }

  absl::Status Print(std::string_view wire, http_server::Response* response) const {
    const Route& route = *state_.route;
    if (route.rpc->raw_response) return PrintRaw(wire, response);
    response->headers.Add("Content-Type", "application/json");
    response->body.reserve(wire.size() * 2 + 256);
    const SchemaSet& schemas = core_.routes->schemas();
    if (route.response_field != nullptr) {
      return PrintField(schemas, *route.response, *route.response_field, wire, {}, &response->body);
    }
    return PrintMessage(schemas, *route.response, wire, {}, &response->body);
  }

  void ClientGone() {
    std::shared_ptr<BackendCall> call;
    {
      const std::lock_guard lock(mutex_);
      gone_ = true;
      call = call_;
    }
    if (call != nullptr) call->Cancel();
  }

  bool gone() {
    const std::lock_guard lock(mutex_);
    return gone_;
  }

  const LiveCalls::Token live_;
  Core& core_;
  const RequestState state_;
  const CallSpec spec_;
  std::string wire_;
  std::mutex mutex_;
  std::shared_ptr<BackendCall> call_;
  bool gone_ = false;
};

}  // namespace

void ServeUnary(Core& core, RequestState state, CallSpec spec, std::string wire) {
  std::make_shared<UnaryExchange>(core, std::move(state), std::move(spec), std::move(wire))->Run();
}

}  // namespace opsmesh::gateway
