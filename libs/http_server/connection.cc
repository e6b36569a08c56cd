#include "libs/http_server/connection.h"

#include <algorithm>
#include <exception>
#include <utility>

namespace opsmesh::http_server {
namespace {

// Pipelined bytes kept while a handler works; then the socket is left alone until it has answered.
constexpr size_t kMaxReadAhead = 32 << 10;
// After a last answer the client may still be sending; closing at once would destroy the answer on
// its way.
constexpr SteadyNs kLingerNs = 2'000'000'000;
constexpr size_t kLingerBytes = 1 << 20;

SteadyNs Ns(absl::Duration duration) {
  return std::clamp<int64_t>(absl::ToInt64Nanoseconds(duration), 0, kNever / 4);
}

RequestParser::HeadLimits HeadLimitsOf(const Options& options) {
  return {options.max_header_bytes, options.max_header_fields, options.max_target_bytes};
}

}  // namespace

Connection::Connection(ServerCore& core, EventLoop& loop, ConnectionOwner& owner,
                       Transport transport, Peer peer)
    : core_(core),
      loop_(loop),
      owner_(owner),
      transport_(std::move(transport)),
      peer_(std::move(peer)),
      parser_(HeadLimitsOf(core.options())) {
  if (transport_.is_tls()) state_ = State::kHandshake;
}

bool Connection::Open() {
  began_ = loop_.now();
  watched_ = EPOLLIN | EPOLLRDHUP;
  if (!loop_.Watch(transport_.fd(), watched_, *this)) return false;
  ArmDeadline();
  return true;
}

void Connection::OnEvents(uint32_t events) {
  if (state_ == State::kHandshake) {
    FinishHandshake();
    return;
  }
  const bool lost = (events & (EPOLLERR | EPOLLHUP)) != 0;
  if (lost && (watched_ & EPOLLIN) == 0) {
    Close();
    return;
  }
  if ((events & EPOLLOUT) != 0 && exchange_ != nullptr) OnExchangeChanged();
  if (state_ == State::kClosed) return;
  if ((watched_ & EPOLLIN) != 0) {
    if (lost || transport_.wants_write() || (events & (EPOLLIN | EPOLLRDHUP)) != 0) OnReadable();
  } else if ((events & EPOLLRDHUP) != 0 && !end_seen_ && exchange_ != nullptr) {
    // The client has left, or at least ended its side, while its read-ahead is full; what it sent
    // before is still unread.
    end_seen_ = true;
    if (exchange_->streaming()) {
      Close();
      return;
    }
    exchange_->ClientLeft();
    UpdateInterest();
  }
}

void Connection::FinishHandshake() {
  switch (transport_.ContinueHandshake()) {
    case Transport::Handshake::kFailed:
      Close();
      return;
    case Transport::Handshake::kWouldBlock:
      UpdateInterest();
      return;
    case Transport::Handshake::kDone:
      break;
  }
  tls_subject_ = transport_.ClientCommonName();
  tls_organizations_ = transport_.ClientOrganizations();
  state_ = State::kHead;
  began_ = loop_.now();
  OnReadable();  // the first request may have come with the last handshake message
  ArmDeadline();
}

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

void Connection::Dispatch() {
  state_ = State::kHandling;
  core_.CountRequest();
  const std::shared_ptr<ExchangeState> exchange = exchange_;
  exchange->BeginDispatch(parser_.keep_alive(), parser_.http_1_0());
  try {
    core_.handler()(ExchangeState::MakeHandle(exchange));
  } catch (const std::exception&) {
    // Handlers must not throw. When one does, the dropped exchange has answered 500 by now and the
    // server goes on.
  }
  Follow(exchange->EndDispatch());
}

void Connection::Fail(const ParseError& error) {
  if (exchange_ == nullptr) BeginRequest();
  core_.CountRejectedHead();
  fatal_ = true;
  state_ = State::kHandling;
  in_.clear();
  exchange_->BeginDispatch(false, parser_.http_1_0());
  exchange_->RespondError(error.status, error.reason, error.message);
  Follow(exchange_->EndDispatch());
}

void Connection::OnExchangeChanged() {
  if (state_ != State::kHandling) return;
  DeliverInput();
  Follow(exchange_->Flush());
  if (state_ == State::kHead) {
    ContinueInput();
    if (state_ == State::kHead && eof_) {
      OnEof();
      return;
    }
    // TLS may hold bytes that no event will announce.
    if (transport_.is_tls() && !eof_ && (state_ == State::kHead || state_ == State::kBody))
      OnReadable();
  }
  if (state_ == State::kClosed) return;
  if (state_ != State::kHandling) ArmDeadline();
  UpdateInterest();
}

// Acts on what the current exchange came to; the caller goes on with the input when the state is
// kHead again.
void Connection::Follow(ExchangeState::Progress progress) {
  switch (progress) {
    case ExchangeState::Progress::kWaiting:
      blocked_ = false;
      loop_.SetDeadline(*this, kNever);
      break;
    case ExchangeState::Progress::kBlocked: {
      const uint64_t written = exchange_->written();
      if (!blocked_ || written != stall_mark_) {
        loop_.SetDeadline(*this, loop_.now() + Ns(core_.options().write_stall_timeout));
      }
      blocked_ = true;
      stall_mark_ = written;
      break;
    }
    case ExchangeState::Progress::kDone:
      FinishExchange();
      break;
    case ExchangeState::Progress::kBroken:
      Close();
      return;
  }
  if (state_ == State::kHandling) UpdateInterest();
}

void Connection::FinishExchange() {
  const bool close = fatal_ || exchange_->closes();
  exchange_->Detach(true);
  exchange_.reset();
  ReleaseBody();
  blocked_ = false;
  state_ = State::kHead;
  began_ = loop_.now();
  if (!close) return;
  if (eof_) {
    Close();
  } else {
    StartLinger();
  }
}

void Connection::StartLinger() {
  transport_.ShutdownWrite(true);
  state_ = State::kLinger;
  std::string().swap(in_);
  loop_.SetDeadline(*this, loop_.now() + kLingerNs);
  UpdateInterest();
}

void Connection::ArmDeadline() {
  const Options& options = core_.options();
  switch (state_) {
    case State::kHandshake:
      loop_.SetDeadline(*this, began_ + Ns(options.header_timeout));
      break;
    case State::kHead:
      loop_.SetDeadline(*this,
                        began_ + Ns(mid_request() ? options.header_timeout : options.idle_timeout));
      break;
    case State::kBody: {
      // The moment at which what has come so far would be too little: every byte moves it on.
      const double seconds =
          static_cast<double>(exchange_->request().body.size()) /
          static_cast<double>(std::max<size_t>(options.min_body_bytes_per_second, 1));
      loop_.SetDeadline(*this,
                        began_ + Ns(options.body_grace) + static_cast<SteadyNs>(seconds * 1e9));
      break;
    }
    default:
      break;
  }
}

void Connection::OnDeadline() {
  switch (state_) {
    case State::kHead:
      if (!mid_request()) {
        Close();
      } else {
        Fail({408, "HEADER_TIMEOUT", "The header section did not arrive in time."});
      }
      break;
    case State::kBody:
      Fail({408, "BODY_TOO_SLOW", "The request body arrives too slowly."});
      break;
    default:  // a handshake, a stalled reader, or the end of lingering
      Close();
  }
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

void Connection::Drain() {
  if (state_ == State::kHandshake || (state_ == State::kHead && !mid_request())) Close();
}

void Connection::Close() {
  if (state_ == State::kClosed) return;
  state_ = State::kClosed;
  const std::shared_ptr<ExchangeState> exchange = std::move(exchange_);
  loop_.Unwatch(transport_.fd());
  ReleaseBody();
  owner_.Forget(*this);
  if (exchange != nullptr) exchange->Detach(false);
}

}  // namespace opsmesh::http_server
