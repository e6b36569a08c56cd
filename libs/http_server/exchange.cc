#include "libs/http_server/exchange.h"

#include <charconv>
#include <utility>

#include "libs/http_server/connection.h"
#include "libs/http_server/response_head.h"

namespace opsmesh::http_server {
namespace {

// Up to here copying the body behind the head is cheaper than a second I/O vector.
constexpr size_t kCopiedBody = 8 << 10;
// An event is small: one buffer on the stack and a plain send() cost less than three I/O vectors.
constexpr size_t kCopiedChunk = 1 << 10;
constexpr std::string_view kChunkEnd = "\r\n";
constexpr std::string_view kLastChunk = "0\r\n\r\n";

iovec Part(std::string_view text) { return {const_cast<char*>(text.data()), text.size()}; }

// "1f4\r\n" of a chunk.
struct ChunkHead {
  explicit ChunkHead(size_t size) {
    char* end = std::to_chars(text, text + sizeof(text) - 2, size, 16).ptr;
    *end++ = '\r';
    *end++ = '\n';
    length = static_cast<size_t>(end - text);
  }
  std::string_view view() const { return {text, length}; }
  char text[20];
  size_t length;
};

}  // namespace

std::shared_ptr<Exchange> ExchangeState::MakeHandle(const std::shared_ptr<ExchangeState>& state) {
  return std::shared_ptr<Exchange>(state.get(), [state](Exchange*) { state->Dropped(); });
}

void ExchangeState::Dropped() {
  const std::lock_guard lock(mutex_);
  if (connection_ == nullptr) return;
  if (answer_ == Answer::kNone) {
    RespondLocked(core_->MakeError(500, "NO_ANSWER", "The server gave no answer to this request."));
  } else if (answer_ == Answer::kStream && !ended_) {
    broken_ = true;
    ScheduleLocked();
  }
}

void ExchangeState::Respond(Response response) {
  const std::lock_guard lock(mutex_);
  RespondLocked(std::move(response));
}

void ExchangeState::RespondLocked(Response response) {
  if (connection_ == nullptr || answer_ != Answer::kNone || broken_) return;
  answer_ = Answer::kWhole;
  AppendHeadLocked(response, false);
  if (!bodiless_) {
    if (response.body.size() <= kCopiedBody) {
      out_.append(response.body);
    } else {
      body_ = std::move(response.body);
    }
  }
  ended_ = true;
  PushLocked();
}

void ExchangeState::AppendHeadLocked(const Response& response, bool stream) {
  HeadSpec spec;
  spec.status = response.status;
  spec.headers = &response.headers;
  spec.server_name = core_->options().server_name;
  spec.http_1_0 = http_1_0_;
  if (stream && response.status == 101) {
    spec.framing = Framing::kUntilClose;  // what follows is another protocol's
  } else if (IsBodiless(response.status)) {
    spec.framing = Framing::kNone;
  } else if (!stream) {
    spec.length = response.body.size();
  } else {
    spec.framing = http_1_0_ ? Framing::kUntilClose : Framing::kChunked;
  }
  bodiless_ = request_.method == "HEAD" || spec.framing == Framing::kNone;
  chunked_ = spec.framing == Framing::kChunked;
  if (core_->stopping() || spec.framing == Framing::kUntilClose ||
      response.headers.Get("Connection") == "close") {
    keep_alive_ = false;
  }
  spec.keep_alive = keep_alive_;
  out_.reserve(192 + 48 * response.headers.fields().size() +
               (response.body.size() <= kCopiedBody ? response.body.size() : 0));
  AppendHead(spec, core_->clock(), &out_);
}

void ExchangeState::Start(Response head) {
  const std::lock_guard lock(mutex_);
  if (connection_ == nullptr || answer_ != Answer::kNone || broken_) return;
  answer_ = Answer::kStream;
  core_->CountStream(1);
  AppendHeadLocked(head, true);
  PushLocked();
}

bool ExchangeState::Write(std::string chunk) {
  const std::lock_guard lock(mutex_);
  if (connection_ == nullptr || answer_ != Answer::kStream || ended_ || broken_ || left_)
    return false;
  if (chunk.empty() || bodiless_) return true;  // an empty chunk would end the stream
  if (PendingLocked() > core_->options().stream_buffer_limit) {
    broken_ = true;  // a reader this slow is cut, so that it cannot fill our memory
    ScheduleLocked();
    return false;
  }
  return WriteChunkLocked(chunk);
}

bool ExchangeState::WriteChunkLocked(std::string_view chunk) {
  if (PendingLocked() > 0 || !MayWriteHereLocked() || transport_->is_tls()) {
    AppendChunkLocked(chunk, 0);
    if (!blocked_) PushLocked();
    return !broken_;
  }
  const ChunkHead head(chunk.size());
  if (chunked_ && chunk.size() <= kCopiedChunk) {
    char frame[kCopiedChunk + sizeof(head.text) + 2];
    size_t size = 0;
    for (const std::string_view part : {head.view(), chunk, kChunkEnd}) {
      size += part.copy(frame + size, part.size());
    }
    const iovec whole = Part({frame, size});
    return SentLocked(chunk, size, transport_->Write(&whole, 1));
  }
  const iovec framed[] = {Part(head.view()), Part(chunk), Part(kChunkEnd)};
  const iovec raw[] = {Part(chunk)};
  const size_t total = chunk.size() + (chunked_ ? head.length + kChunkEnd.size() : 0);
  return SentLocked(chunk, total,
                    chunked_ ? transport_->Write(framed, 3) : transport_->Write(raw, 1));
}

// Goes on after a direct write of a chunk, framed to `total` bytes, that came to `n`.
bool ExchangeState::SentLocked(std::string_view chunk, size_t total, ssize_t n) {
  if (n == static_cast<ssize_t>(total)) {
    written_ += total;
    return true;
  }
  if (n == Transport::kBroken) {
    broken_ = true;
  } else {
    const size_t sent = n > 0 ? static_cast<size_t>(n) : 0;
    written_ += sent;
    AppendChunkLocked(chunk, sent);
    blocked_ = true;
  }
  ScheduleLocked();
  return !broken_;
}

// Appends the framed chunk less its first `skip` bytes.
void ExchangeState::AppendChunkLocked(std::string_view chunk, size_t skip) {
  if (!chunked_) {
    out_.append(chunk.substr(skip));
    return;
  }
  const ChunkHead head(chunk.size());
  for (std::string_view part : {head.view(), chunk, kChunkEnd}) {
    const size_t drop = std::min(skip, part.size());
    skip -= drop;
    out_.append(part.substr(drop));
  }
}

void ExchangeState::Finish() {
  const std::lock_guard lock(mutex_);
  if (connection_ == nullptr || answer_ != Answer::kStream || ended_ || broken_) return;
  if (chunked_ && !bodiless_) out_.append(kLastChunk);
  ended_ = true;
  PushLocked();
}

void ExchangeState::Abort() {
  const std::lock_guard lock(mutex_);
  if (connection_ == nullptr || finished_) return;
  broken_ = true;
  ScheduleLocked();
}

void ExchangeState::OnClientGone(std::function<void()> callback) {
  {
    const std::lock_guard lock(mutex_);
    if (finished_) return;
    if (!left_) {
      gone_callbacks_.push_back(std::move(callback));
      return;
    }
  }
  callback();
}

void ExchangeState::OnBytes(std::function<void(std::string_view)> callback) {
  const std::lock_guard lock(mutex_);
  if (connection_ == nullptr || answer_ != Answer::kStream || chunked_) return;
  on_bytes_ = std::make_shared<const std::function<void(std::string_view)>>(std::move(callback));
  ScheduleLocked();  // something may have come already
}

bool ExchangeState::reads_on() const {
  const std::lock_guard lock(mutex_);
  return on_bytes_ != nullptr;
}

void ExchangeState::Deliver(std::string_view bytes) {
  std::shared_ptr<const std::function<void(std::string_view)>> callback;
  {
    const std::lock_guard lock(mutex_);
    if (!ended_ && !broken_) callback = on_bytes_;
  }
  if (callback != nullptr) (*callback)(bytes);
}

size_t ExchangeState::BufferedBytes() const {
  const std::lock_guard lock(mutex_);
  return PendingLocked();
}

bool ExchangeState::MayWriteHereLocked() const {
  return !transport_->is_tls() || loop_->InLoopThread();
}

void ExchangeState::PushLocked() {
  if (MayWriteHereLocked()) FlushLocked();
  const bool nothing_for_the_loop = !ended_ && !broken_ && PendingLocked() == 0;
  if (!nothing_for_the_loop) ScheduleLocked();
}

void ExchangeState::FlushLocked() {
  while (PendingLocked() > 0) {
    const bool in_head = offset_ < out_.size();
    const iovec parts[] = {
        Part(std::string_view(out_).substr(in_head ? offset_ : out_.size())),
        Part(std::string_view(body_).substr(in_head ? 0 : offset_ - out_.size()))};
    const ssize_t n = transport_->Write(parts, 2);
    blocked_ = n == Transport::kWouldBlock;
    broken_ = broken_ || n == Transport::kBroken;
    if (n <= 0) return;
    offset_ += static_cast<size_t>(n);
    written_ += static_cast<uint64_t>(n);
  }
  blocked_ = false;
  offset_ = 0;
  // Streams live long and idle: they keep no buffer.
  std::string().swap(out_);
  std::string().swap(body_);
}

void ExchangeState::ScheduleLocked() {
  if (scheduled_ || (dispatching_ && loop_->InLoopThread())) return;
  scheduled_ = true;
  loop_->Post(shared_from_this());
}

void ExchangeState::RunOnLoop() {
  Connection* connection = nullptr;
  {
    const std::lock_guard lock(mutex_);
    scheduled_ = false;
    connection = connection_;  // only this thread clears it
  }
  if (connection != nullptr) connection->OnExchangeChanged();
}

void ExchangeState::BeginDispatch(bool keep_alive, bool http_1_0) {
  const std::lock_guard lock(mutex_);
  keep_alive_ = keep_alive;
  http_1_0_ = http_1_0;
  dispatching_ = true;
}

ExchangeState::Progress ExchangeState::ProgressLocked() const {
  if (broken_) return Progress::kBroken;
  if (PendingLocked() > 0) return Progress::kBlocked;
  return ended_ ? Progress::kDone : Progress::kWaiting;
}

ExchangeState::Progress ExchangeState::EndDispatch() {
  const std::lock_guard lock(mutex_);
  dispatching_ = false;
  return ProgressLocked();
}

ExchangeState::Progress ExchangeState::Flush() {
  const std::lock_guard lock(mutex_);
  FlushLocked();  // an abort too lets go what the socket takes at once
  return ProgressLocked();
}

void ExchangeState::RespondError(int status, std::string_view reason, std::string_view message) {
  const std::lock_guard lock(mutex_);
  keep_alive_ = false;
  RespondLocked(core_->MakeError(status, reason, message));
}

bool ExchangeState::streaming() const {
  const std::lock_guard lock(mutex_);
  return answer_ == Answer::kStream;
}

uint64_t ExchangeState::written() const {
  const std::lock_guard lock(mutex_);
  return written_;
}

bool ExchangeState::closes() const {
  const std::lock_guard lock(mutex_);
  return !keep_alive_;
}

void ExchangeState::ClientLeft() {
  std::vector<std::function<void()>> callbacks;
  {
    const std::lock_guard lock(mutex_);
    // A client that closes as soon as it has read its answer may be seen before the loop has seen
    // the answer's end.
    if (ProgressLocked() == Progress::kDone) return;
    left_ = true;
    callbacks.swap(gone_callbacks_);
  }
  for (const auto& callback : callbacks) callback();
}

void ExchangeState::Detach(bool done) {
  std::vector<std::function<void()>> callbacks;
  std::shared_ptr<const std::function<void(std::string_view)>> reader;  // may hold this exchange
  {
    const std::lock_guard lock(mutex_);
    reader.swap(on_bytes_);
    if (connection_ == nullptr) return;
    done = done || ProgressLocked() == Progress::kDone;
    if (answer_ == Answer::kStream) core_->CountStream(-1);
    connection_ = nullptr;
    finished_ = done;
    left_ = left_ || !done;
    std::string().swap(out_);
    std::string().swap(body_);
    offset_ = 0;
    callbacks.swap(
        gone_callbacks_);  // dropped here even when not called: they may hold this exchange
  }
  if (done) return;
  for (const auto& callback : callbacks) callback();
}

}  // namespace opsmesh::http_server
