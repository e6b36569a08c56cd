#include "gateway/serve/stream_exchange.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include "gateway/serve/http_error.h"
#include "gateway/transcode/wire.h"
#include "gateway/transcode/wire_records.h"
#include "gateway/transcode/wire_to_json.h"
#include "libs/base/error.h"
#include "libs/base/strings.h"

namespace opsmesh::gateway {
namespace {

// An error comes within this time or not at all; then the head goes out, so that a client sees its
// stream open.
constexpr absl::Duration kHeadDelay = absl::Milliseconds(250);
// How often a stream whose client is slow is looked at.
constexpr absl::Duration kSlowClientDelay = absl::Milliseconds(20);

// The value of a singular string field of a message, or "".
std::string_view FindText(const MessageSchema& schema, std::string_view name,
                          std::string_view wire) {
  const FieldSchema* field = schema.FindByName(name);
  if (field == nullptr || field->type != ValueType::kString || field->shape != Shape::kSingular)
    return {};
  Records records;
  if (IndexRecords(schema, wire, 0, &records) != nullptr) return {};
  std::string_view value;
  for (const Record& record : records) {
    if (record.field == field->index) value = record.bytes();
  }
  return value;
}

// The documented JavaScript client breaks on events from about 65 kB (design/api.md).
constexpr size_t kMaxEventBytes = 60'000;

// A too long event is shortened where its contract foresees it: a string field `x` beside a bool
// field `x_truncated` is cut and marked. Of a singular field the last occurrence on the wire
// counts, so the shorter value is just appended. False when the message has no such field.
bool Shorten(const MessageSchema& schema, size_t json_bytes, std::string* wire) {
  for (const FieldSchema& field : schema.fields) {
    const FieldSchema* mark = schema.FindByName(field.name + "_truncated");
    if (mark == nullptr || mark->type != ValueType::kBool || field.type != ValueType::kString)
      continue;
    const std::string text(FindText(schema, field.name, *wire));
    // Escapes are spread unevenly, hence the margin; the caller tries again when it was not enough.
    const size_t keep = text.size() * (kMaxEventBytes * 9 / 10) / json_bytes;
    AppendLengthDelimited(field.tag, base::Utf8Prefix(text, keep), wire);
    AppendVarint(mark->tag, wire);
    AppendVarint(1, wire);
    return true;
  }
  return false;
}

class StreamExchange final : public StreamReader,
                             public Ticker::Sleeper,
                             public Interruptible,
                             public std::enable_shared_from_this<StreamExchange> {
 public:
  StreamExchange(Core& core, RequestState state)
      : live_(core.live), core_(core), state_(std::move(state)) {
    core_.metrics.AddStreams(1);
  }
  ~StreamExchange() override {
    core_.streams.Remove(this);
    core_.metrics.AddStreams(-1);
  }

  void Run(const CallSpec& spec, std::string wire) {
    session_id_ = FindText(*state_.route->request, "session_id", wire);
    core_.streams.Add(shared_from_this());
    last_write_ = core_.clock.Steady();
    state_.exchange->OnClientGone([weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->ClientGone();
    });
    auto stream = core_.backend->Open(spec, std::move(wire), shared_from_this());
    bool cancel = false;
    {
      const std::lock_guard lock(mutex_);
      stream_ = stream;
      cancel = over_;
    }
    if (cancel && stream != nullptr) stream->Cancel();
    core_.ticker.Schedule(weak_from_this(), std::min(kHeadDelay, core_.options.ping_interval));
    if (core_.draining) Interrupt();  // a stream opened while the others were being ended
  }

  bool OnMessage(std::string_view wire) override {
    const std::lock_guard lock(mutex_);
    if (over_) return true;
    if (const std::string_view id = FindSessionId(wire); !id.empty()) session_id_ = id;
    if (const absl::Status printed = PrintEventLocked(wire); !printed.ok()) {
      EndLocked(printed, "error");
      CancelLocked();
      return true;
    }
    StartLocked();
    WriteLocked(http_server::FormatSse(json_));
    if (state_.exchange->BufferedBytes() <= core_.options.stream_high_water) return true;
    paused_ = true;
    core_.ticker.Schedule(weak_from_this(), kSlowClientDelay);
    return false;
  }

  void OnDone(absl::Status status) override {
    const std::lock_guard lock(mutex_);
    stream_ = nullptr;
    if (over_) return;
    // Nobody here gave the call up, so it was the service: it is going down.
    if (base::DetailOf(status).reason == "CALLER_LEFT") {
      status = base::Unavailable("SERVICE_UNAVAILABLE", "The service broke off the answer.")
                   .Hint("Ask again in a moment.");
    }
    EndLocked(status, "error");
  }

  absl::Duration OnTick() override {
    const std::lock_guard lock(mutex_);
    if (over_) return absl::ZeroDuration();
    if (paused_) {
      // The first message may come before Run() knows its stream.
      if (stream_ == nullptr ||
          state_.exchange->BufferedBytes() > core_.options.stream_high_water / 2)
        return kSlowClientDelay;
      paused_ = false;
      stream_->Resume();
      return ping_scheduled_ ? absl::ZeroDuration() : NextPingLocked();
    }
    StartLocked();
    ping_scheduled_ = true;
    const absl::Duration idle = core_.clock.Steady() - last_write_;
    if (idle < core_.options.ping_interval) return core_.options.ping_interval - idle;
    WriteLocked(": ping\n\n");
    return core_.options.ping_interval;
  }

  void Interrupt() override {
    const std::lock_guard lock(mutex_);
    if (over_) return;
    EndLocked(base::Unavailable("SHUTTING_DOWN", "OpsMesh is being restarted.")
                  .Hint("Ask again in a moment; the session goes on with its id."),
              "interrupted");
    CancelLocked();
  }

 private:
  // The message as JSON into json_, shortened when it is too long for an event and its contract
  // says how.
  absl::Status PrintEventLocked(std::string_view wire) {
    const MessageSchema& schema = *state_.route->response;
    std::string shorter;
    for (int attempt = 0;; ++attempt) {
      json_.clear();
      OPSMESH_RETURN_IF_ERROR(
          PrintMessage(core_.routes->schemas(), schema, wire, {.ascii = true}, &json_));
      if (json_.size() <= kMaxEventBytes || attempt == 8) return absl::OkStatus();
      if (shorter.empty()) shorter = wire;
      if (!Shorten(schema, json_.size(), &shorter)) return absl::OkStatus();
      wire = shorter;
    }
  }

  absl::Duration NextPingLocked() {
    ping_scheduled_ = true;
    return core_.options.ping_interval;
  }

  // Only until one is known: the id of a session does not change within a stream.
  std::string_view FindSessionId(std::string_view wire) const {
    return session_id_.empty() ? FindText(*state_.route->response, "session_id", wire)
                               : std::string_view();
  }

  void StartLocked() {
    if (started_) return;
    started_ = true;
    http_server::Response head;
    head.headers.Add("Content-Type", "text/event-stream");
    AddCommonHeaders(core_, state_, &head.headers);
    head.headers.Set("Cache-Control", "no-cache, no-transform");
    head.headers.Add("X-Accel-Buffering", "no");  // a proxy in front must not collect events
    state_.exchange->Start(std::move(head));
  }

  void WriteLocked(std::string chunk) {
    last_write_ = core_.clock.Steady();
    if (state_.exchange->Write(std::move(chunk))) return;
    core_.metrics.CountShed("slow_client");
    FinishLocked(499);
    CancelLocked();
  }

  // Ends the answer: as an HTTP error when nothing was sent yet, else with a last event.
  void EndLocked(const absl::Status& status, std::string_view outcome) {
    if (!started_ && !status.ok()) {
      over_ = true;
      AnswerError(core_, state_, status);
      return;
    }
    StartLocked();
    if (!status.ok()) {
      LogFault(core_, state_, status);
      state_.exchange->Write(
          http_server::FormatSse(FailedStreamEvent(status, state_.style(), outcome, session_id_)));
    }
    state_.exchange->Finish();
    FinishLocked(status.ok() ? 200 : HttpStatusOf(status));
  }

  void FinishLocked(int code) {
    over_ = true;
    core_.metrics.Observe(state_.route->index, code, core_.clock.Steady() - state_.arrived);
  }

  void CancelLocked() {
    if (stream_ == nullptr) return;
    stream_->Cancel();
    if (std::exchange(paused_, false)) stream_->Resume();  // a paused read must see the end
  }

  void ClientGone() {
    const std::lock_guard lock(mutex_);
    if (!over_) FinishLocked(499);
    CancelLocked();
  }

  const LiveCalls::Token live_;
  Core& core_;
  const RequestState state_;
  std::mutex mutex_;
  std::shared_ptr<BackendStream> stream_;
  std::string session_id_;
  std::string json_;
  absl::Duration last_write_;
  bool started_ = false;
  bool over_ = false;
  bool paused_ = false;
  bool ping_scheduled_ = false;
};

}  // namespace

void ServeStream(Core& core, RequestState state, CallSpec spec, std::string wire) {
  std::make_shared<StreamExchange>(core, std::move(state))->Run(spec, std::move(wire));
}

}  // namespace opsmesh::gateway
