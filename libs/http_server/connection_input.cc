// What a connection reads: bytes of the socket become requests, within limits.
#include <algorithm>
#include <utility>

#include "libs/http_server/connection.h"

namespace opsmesh::http_server {
namespace {

// Pipelined bytes kept while a handler works; then the socket is left alone until it has answered.
constexpr size_t kMaxReadAhead = 32 << 10;
// What is read, and thrown away, of a client that goes on sending after its last answer.
constexpr size_t kLingerBytes = 1 << 20;

}  // namespace

void Connection::OnReadable() {
  while (state_ != State::kClosed && !eof_) {
    size_t room = EventLoop::kScratchBytes;
    if (state_ == State::kHandling)
      room = std::min(room, kMaxReadAhead - std::min(in_.size(), kMaxReadAhead));
    if (room == 0) break;
    const ssize_t n = transport_.Read(loop_.scratch(), room);
    if (n == Transport::kWouldBlock) break;
    if (n == Transport::kBroken) {
      Close();
      return;
    }
    if (n == 0) {
      OnEof();
      return;
    }
    const std::string_view data(loop_.scratch(), static_cast<size_t>(n));
    if (state_ == State::kLinger) {
      lingered_ += data.size();
      if (lingered_ > kLingerBytes) Close();
    } else if (state_ == State::kHandling) {
      in_.append(data);
      DeliverInput();
    } else {
      Feed(data);
    }
    // A plain socket reports again what is left; TLS holds it where epoll cannot see it.
    if (!transport_.is_tls()) break;
  }
  if (state_ != State::kClosed) UpdateInterest();
}

void Connection::OnEof() {
  eof_ = true;
  switch (state_) {
    case State::kHead:
    case State::kBody:
      if (!mid_request()) {
        Close();
      } else {
        Fail({400, "TRUNCATED_REQUEST", "The request ended before it was complete."});
      }
      break;
    case State::kHandling:
      if (exchange_->streaming()) {
        Close();
        return;
      }
      exchange_->ClientLeft();
      break;
    default:
      Close();
  }
  if (state_ != State::kClosed) UpdateInterest();
}

void Connection::Feed(std::string_view data) {
  if (in_.empty()) {
    const size_t used = Advance(data);
    const bool keep = state_ != State::kClosed && state_ != State::kLinger && !fatal_;
    if (keep && used < data.size()) in_.assign(data.substr(used));
  } else {
    in_.append(data);
    ContinueInput();
  }
  if (state_ != State::kClosed) ArmDeadline();
}

void Connection::ContinueInput() {
  std::string input = std::exchange(in_, {});
  const size_t used = Advance(input);
  const bool keep = state_ != State::kClosed && state_ != State::kLinger && !fatal_;
  if (keep && used < input.size()) {
    input.erase(0, used);
    in_ = std::move(input);
  }
}

// After a change of protocol the input is the handler's.
void Connection::DeliverInput() {
  if (state_ != State::kHandling || in_.empty() || !exchange_->reads_on()) return;
  const std::shared_ptr<ExchangeState> exchange = exchange_;
  exchange->Deliver(std::exchange(in_, {}));
}

// Parses and dispatches as much of `data` as may be now; how much that was.
size_t Connection::Advance(std::string_view data) {
  size_t position = 0;
  while (state_ == State::kHead || state_ == State::kBody) {
    if (state_ == State::kHead && position == data.size()) break;
    if (exchange_ == nullptr) BeginRequest();
    size_t used = 0;
    const RequestParser::Result result = parser_.Consume(data.substr(position), &used);
    position += used;
    if (state_ == State::kBody && !CountBody()) break;
    if (result == RequestParser::Result::kNeedMore) break;
    if (result == RequestParser::Result::kError) {
      Fail(parser_.error());
    } else if (result == RequestParser::Result::kHeadDone) {
      if (OnHead() && parser_.expects_continue() && parser_.has_body() && position == data.size()) {
        static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
        const iovec part{const_cast<char*>(kContinue.data()), kContinue.size()};
        // A fresh exchange has an empty socket buffer; a client that does not take these bytes has
        // broken the rules.
        if (transport_.Write(&part, 1) != static_cast<ssize_t>(kContinue.size())) Close();
      }
    } else {
      Dispatch();
    }
  }
  return position;
}

void Connection::BeginRequest() {
  began_ = loop_.now();
  exchange_ = std::make_shared<ExchangeState>(*this, transport_, loop_, core_);
  Request& request = exchange_->mutable_request();
  request.remote_address = peer_.address;
  request.remote_is_loopback = peer_.loopback;
  request.tls = transport_.is_tls();
  request.tls_client_subject = tls_subject_;
  request.tls_client_organizations = tls_organizations_;
  parser_.Reset(&request);
}

bool Connection::OnHead() {
  const Options& options = core_.options();
  const Limits limits = options.limits ? options.limits(exchange_->request()) : Limits{};
  if (parser_.SetMaxBody(limits.max_body_bytes) == RequestParser::Result::kError) {
    Fail(parser_.error());
    return false;
  }
  state_ = State::kBody;
  began_ = loop_.now();
  return true;
}

// Many bodies within their own limits may still be more than there is memory for.
bool Connection::CountBody() {
  const size_t size = exchange_->request().body.size();
  if (size == counted_body_) return true;
  if (!core_.ReserveBody(size - counted_body_)) {
    Fail({503, "SERVER_BUSY",
          "The server holds as many request bodies as it can; try again in a second."});
    return false;
  }
  counted_body_ = size;
  return true;
}

void Connection::ReleaseBody() {
  if (counted_body_ > 0) core_.ReleaseBody(std::exchange(counted_body_, 0));
}

void Connection::UpdateInterest() {
  const bool full = state_ == State::kHandling && in_.size() >= kMaxReadAhead;
  uint32_t wanted = eof_ || end_seen_ ? 0 : static_cast<uint32_t>(EPOLLRDHUP);
  if (!eof_ && !full) wanted |= EPOLLIN;
  if (blocked_ || transport_.wants_write()) wanted |= EPOLLOUT;
  if (wanted == watched_) return;
  watched_ = wanted;
  loop_.Rewatch(transport_.fd(), wanted, *this);
}

}  // namespace opsmesh::http_server
