// The life of a connection: handshake, exchanges, deadlines, end. What it reads:
// connection_input.cc.
#include "libs/http_server/connection.h"

#include <algorithm>
#include <exception>
#include <utility>

namespace opsmesh::http_server {
namespace {

// After a last answer the client may still be sending; closing at once would destroy the answer on
// its way.
constexpr SteadyNs kLingerNs = 2'000'000'000;

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
