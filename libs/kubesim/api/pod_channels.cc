#include "libs/kubesim/api/pod_channels.h"

#include <chrono>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "libs/base/json.h"
#include "libs/base/strings.h"
#include "libs/http_server/websocket.h"
#include "libs/kubesim/api/reads.h"
#include "libs/kubesim/door/spdy.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

using http_server::Exchange;
using http_server::WebSocketReader;

constexpr std::string_view kV4 = "v4.channel.k8s.io", kV5 = "v5.channel.k8s.io";
constexpr std::string_view kSpdy = "SPDY/3.1";
constexpr uint16_t kNormalClosure = 1000;
// No real process answers at once, and kubectl 1.30 to 1.33 throws away what arrives before it has
// made its streams, after the answer 101 (kubernetes/kubernetes#131189).
constexpr std::chrono::milliseconds kProcessStarts{25};

// One message a piece; its first byte says whose it is.
class WebSocketChannels final : public PodChannels,
                                public std::enable_shared_from_this<WebSocketChannels> {
 public:
  WebSocketChannels(std::shared_ptr<Exchange> exchange, Asked asked, Streams& later)
      : exchange_(std::move(exchange)), asked_(asked), streams_(later) {}

  void Read(Events events, std::shared_ptr<void> owner) override {
    events_ = std::move(events);
    streams_.Later(kProcessStarts, [self = shared_from_this(), owner = std::move(owner)] {
      self->events_.ready();
      self->exchange_->OnBytes([self, owner](std::string_view bytes) { self->Take(bytes); });
    });
  }
  void Output(std::string_view bytes) override { Send(asked_.output, kStdout, bytes); }
  void Error(std::string_view bytes) override { Send(asked_.errors, kStderr, bytes); }
  void End(const Json& status) override {
    Send(true, kStatus, base::DumpJson(status));
    exchange_->Write(http_server::WebSocketClose(kNormalClosure));
    exchange_->Finish();
  }

 private:
  enum Channel : char { kStdin = 0, kStdout = 1, kStderr = 2, kStatus = 3 };
  static constexpr char kEndOf = '\xff';  // v5: the channel named after it has ended

  void Send(bool wanted, char channel, std::string_view bytes) {
    if (wanted && !bytes.empty())
      exchange_->Write(http_server::WebSocketMessage(std::string(1, channel).append(bytes)));
  }

  void Take(std::string_view bytes) {
    const bool good = reader_.Read(bytes, [this](WebSocketReader::Kind kind, std::string payload) {
      if (kind == WebSocketReader::Kind::kPing) {
        exchange_->Write(http_server::WebSocketPong(payload));
      } else if (kind == WebSocketReader::Kind::kClose) {
        exchange_->Write(http_server::WebSocketClose(kNormalClosure));
        exchange_->Finish();
      } else if (kind == WebSocketReader::Kind::kMessage && !payload.empty() && asked_.input) {
        if (payload[0] == kStdin && payload.size() > 1)
          events_.input(std::string_view(payload).substr(1));
        if (payload.size() == 2 && payload[0] == kEndOf && payload[1] == kStdin)
          events_.input_ended();
      }
    });
    if (!good) exchange_->Abort();
  }

  const std::shared_ptr<Exchange> exchange_;
  const Asked asked_;
  Streams& streams_;
  Events events_;
  WebSocketReader reader_;
};

// One stream each, which the client opens; its header says which it is.
class SpdyChannels final : public PodChannels, public std::enable_shared_from_this<SpdyChannels> {
 public:
  SpdyChannels(std::shared_ptr<Exchange> exchange, Asked asked)
      : exchange_(std::move(exchange)),
        wanted_(1 + asked.input + asked.output + (asked.errors && !asked.terminal) +
                asked.terminal),
        session_({[this](SpdySession::StreamId id, const SpdySession::Fields& headers) {
                    Opened(id, headers);
                  },
                  [this](SpdySession::StreamId id, std::string_view data, bool end) {
                    if (auto input = streams_.find("stdin");
                        input != streams_.end() && input->second == id) {
                      Later([this, text = std::string(data), end] {
                        if (!text.empty()) events_.input(text);
                        if (end) events_.input_ended();
                      });
                    }
                  }},
                 [this](std::string bytes) { exchange_->Write(std::move(bytes)); }) {}

  void Read(Events events, std::shared_ptr<void> owner) override {
    events_ = std::move(events);
    exchange_->OnBytes([self = shared_from_this(),
                        owner = std::move(owner)](std::string_view bytes) { self->Take(bytes); });
  }
  void Output(std::string_view bytes) override { Send("stdout", bytes, false); }
  void Error(std::string_view bytes) override { Send("stderr", bytes, false); }
  void End(const Json& status) override {
    Send("stdout", "", true);
    Send("stderr", "", true);
    Send("error", base::DumpJson(status), true);
    exchange_->Finish();
  }

 private:
  // The session is locked while it reads: what it tells is told after that.
  void Later(std::function<void()> event) { told_.push_back(std::move(event)); }

  void Take(std::string_view bytes) {
    std::vector<std::function<void()>> told;
    bool good = false;
    {
      const std::lock_guard lock(mutex_);
      good = session_.Read(bytes);
      told.swap(told_);
    }
    for (const auto& event : told) event();
    if (!good) exchange_->Abort();
  }

  void Opened(SpdySession::StreamId id, const SpdySession::Fields& headers) {
    const auto type = headers.find("streamtype");
    if (type == headers.end() || streams_.size() >= wanted_ ||
        !streams_.emplace(type->second, id).second)
      return;
    if (streams_.size() == wanted_) Later([this] { events_.ready(); });
  }

  void Send(const char* stream, std::string_view bytes, bool end) {
    const std::lock_guard lock(mutex_);
    if (auto it = streams_.find(stream); it != streams_.end() && (end || !bytes.empty()))
      session_.Send(it->second, bytes, end);
  }

  const std::shared_ptr<Exchange> exchange_;
  const size_t wanted_;
  Events events_;
  std::mutex mutex_;
  std::map<std::string, SpdySession::StreamId> streams_;
  std::vector<std::function<void()>> told_;
  SpdySession session_;
};

bool AsksForSpdy(const http_server::Request& request) {
  return base::EqualsIgnoreAsciiCase(request.headers.Get("Upgrade"), kSpdy);
}

// All values of the protocol header: Go sends one field each, others a list.
std::vector<std::string> OfferedProtocols(const http_server::Request& request) {
  std::vector<std::string> offered;
  for (const auto& [name, value] : request.headers.fields()) {
    if (!base::EqualsIgnoreAsciiCase(name, "X-Stream-Protocol-Version")) continue;
    for (std::string_view one : base::Split(value, ',')) offered.emplace_back(base::Trim(one));
  }
  return offered;
}

}  // namespace

std::optional<http_server::Response> SpdyHead(const http_server::Request& request,
                                              std::string_view protocol) {
  if (!AsksForSpdy(request)) return std::nullopt;
  for (const std::string& offered : OfferedProtocols(request)) {
    if (offered != protocol) continue;
    http_server::Response head;
    head.status = 101;
    head.headers.Set("Upgrade", std::string(kSpdy));
    head.headers.Set("X-Stream-Protocol-Version", offered);
    return head;
  }
  return std::nullopt;
}

MaybeStatus PodChannels::Check(const Call& call) {
  if (call.http.headers.Get("Upgrade").empty()) return BadRequestStatus("Upgrade request required");
  if (http_server::AsksForWebSocket(call.http)) {
    if (http_server::WebSocketHead(call.http, {kV5, kV4})) return std::nullopt;
    return BadRequestStatus("not a WebSocket handshake for v5.channel.k8s.io or v4.channel.k8s.io");
  }
  if (SpdyHead(call.http, kV4)) return std::nullopt;
  return ApiStatus{.code = 403,
                   .reason = "Forbidden",
                   .message =
                       "unable to upgrade: the simulator speaks v4.channel.k8s.io over "
                       "SPDY/3.1, and v4 and v5.channel.k8s.io over WebSockets"};
}

std::shared_ptr<PodChannels> PodChannels::Open(const Call& call, Asked asked,
                                               const std::shared_ptr<Exchange>& exchange,
                                               Streams& streams) {
  if (auto head = http_server::WebSocketHead(call.http, {kV5, kV4})) {
    exchange->Start(*std::move(head));
    return std::make_shared<WebSocketChannels>(exchange, asked, streams);
  }
  if (auto head = SpdyHead(call.http, kV4)) {
    exchange->Start(*std::move(head));
    return std::make_shared<SpdyChannels>(exchange, asked);
  }
  return nullptr;
}

}  // namespace opsmesh::kubesim
