#include "libs/kubesim/api/pod_ports.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <utility>
#include <vector>

#include "libs/base/strings.h"
#include "libs/http_server/response_head.h"
#include "libs/http_server/websocket.h"
#include "libs/kubesim/api/kubelet_pages.h"
#include "libs/kubesim/api/pod_channels.h"
#include "libs/kubesim/api/pod_containers.h"
#include "libs/kubesim/api/reads.h"
#include "libs/kubesim/door/spdy.h"
#include "libs/kubesim/store/json_path.h"
#include "libs/kubesim/store/selectors.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

using http_server::Exchange;
using http_server::WebSocketReader;

constexpr std::string_view kForward = "portforward.k8s.io";
constexpr std::string_view kTunnel = "SPDY/3.1+portforward.k8s.io";
constexpr std::string_view kChannels = "v4.channel.k8s.io";
constexpr size_t kMaxRequest = 1 << 20, kMaxPorts = 64, kMaxPairs = 4096, kMaxRequestId = 64;
constexpr uint16_t kNormalClosure = 1000;

int PortOf(std::string_view text) {
  int port = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() && port > 0 && port < 65536 ? port
                                                                                              : 0;
}

// A header of a request's head; "" without it.
std::string HeaderOf(std::string_view head, std::string_view name) {
  for (std::string_view line : base::Split(head, '\n')) {
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    if (base::EqualsIgnoreAsciiCase(base::Trim(line.substr(0, colon)), name))
      return std::string(base::Trim(line.substr(colon + 1)));
  }
  return "";
}

// Connections by the number their two streams share.
class SpdyForward final : public std::enable_shared_from_this<SpdyForward> {
 public:
  SpdyForward(PodRequest target, AskPod ask, std::shared_ptr<Exchange> exchange, bool tunnel)
      : target_(std::move(target)),
        ask_(std::move(ask)),
        exchange_(std::move(exchange)),
        tunnel_(tunnel),
        session_(
            {[this](SpdySession::StreamId id, const SpdySession::Fields& headers) {
               Opened(id, headers);
             },
             [this](SpdySession::StreamId id, std::string_view data, bool end) {
               Data(id, data, end);
             }},
            [this](std::string bytes) {
              exchange_->Write(tunnel_ ? http_server::WebSocketMessage(bytes) : std::move(bytes));
            }) {}

  void Begin() {
    exchange_->OnBytes([self = shared_from_this()](std::string_view bytes) {
      if (!(self->tunnel_ ? self->TakeFrames(bytes) : self->session_.Read(bytes)))
        self->exchange_->Abort();
    });
  }

 private:
  struct Pair {
    SpdySession::StreamId data = 0, error = 0;
    std::unique_ptr<ForwardedPort> port;
  };

  bool TakeFrames(std::string_view bytes) {
    bool good = true;
    return reader_.Read(bytes, [&](WebSocketReader::Kind kind, const std::string& payload) {
      using Kind = WebSocketReader::Kind;
      if (kind == Kind::kMessage) good = good && session_.Read(payload);
      if (kind == Kind::kPing) exchange_->Write(http_server::WebSocketPong(payload));
      if (kind != Kind::kClose) return;
      exchange_->Write(http_server::WebSocketClose(kNormalClosure));
      exchange_->Finish();
    }) && good;
  }

  void Opened(SpdySession::StreamId id, const SpdySession::Fields& headers) {
    const auto field = [&](const char* name) {
      const auto it = headers.find(name);
      return it == headers.end() ? std::string() : it->second;
    };
    const std::string request = field("requestid");
    if (pairs_.size() >= kMaxPairs || request.size() > kMaxRequestId) return exchange_->Abort();
    Pair& pair = pairs_[request];
    if (pair.port) return exchange_->Abort();  // a connection has two streams
    (field("streamtype") == "error" ? pair.error : pair.data) = id;
    if (pair.data == 0 || pair.error == 0) return;
    requests_[pair.data] = request;
    PodRequest target = target_;
    target.port = PortOf(field("port"));
    pair.port = std::make_unique<ForwardedPort>(
        std::move(target), ask_,
        ForwardedPort::Events{
            [this, to = pair.data](std::string_view bytes) { session_.Send(to, bytes, false); },
            [this, pair_data = pair.data, pair_error = pair.error](std::string_view error) {
              session_.Send(pair_error, error, true);
              session_.Send(pair_data, "", true);
            }});
    pair.port->Begin();
  }

  void Data(SpdySession::StreamId id, std::string_view data, bool end) {
    const auto request = requests_.find(id);
    if (request == requests_.end()) return;  // the client's side of an error stream
    ForwardedPort& port = *pairs_[request->second].port;
    if (!data.empty()) port.Take(data);
    if (!end) return;
    port.End();
    pairs_.erase(request->second);
    requests_.erase(request);
  }

  const PodRequest target_;
  const AskPod ask_;
  const std::shared_ptr<Exchange> exchange_;
  const bool tunnel_;
  WebSocketReader reader_;
  std::map<std::string, Pair> pairs_;
  std::map<SpdySession::StreamId, std::string> requests_;
  SpdySession session_;
};

// Two channels a port, data and error; the first message of each names the port.
class ChannelForward final : public std::enable_shared_from_this<ChannelForward> {
 public:
  explicit ChannelForward(std::shared_ptr<Exchange> exchange) : exchange_(std::move(exchange)) {}

  void Begin(const PodRequest& target, const std::vector<int>& ports, const AskPod& ask) {
    for (size_t i = 0; i < ports.size(); ++i) {
      const char data = static_cast<char>(2 * i), error = static_cast<char>(2 * i + 1);
      const std::string name = {static_cast<char>(ports[i] & 255),
                                static_cast<char>(ports[i] >> 8)};
      Send(data, name);
      Send(error, name);
      PodRequest one = target;
      one.port = ports[i];
      ports_.push_back(std::make_unique<ForwardedPort>(
          std::move(one), ask,
          ForwardedPort::Events{[this, data](std::string_view bytes) { Send(data, bytes); },
                                [this, error](std::string_view why) { Ended(error, why); }}));
      ++open_;
    }
    for (const auto& port : ports_) port->Begin();
    exchange_->OnBytes([self = shared_from_this()](std::string_view bytes) { self->Take(bytes); });
  }

 private:
  void Send(char channel, std::string_view bytes) {
    exchange_->Write(http_server::WebSocketMessage(std::string(1, channel).append(bytes)));
  }

  void Ended(char channel, std::string_view why) {
    if (!why.empty()) Send(channel, why);
    if (--open_ > 0) return;
    exchange_->Write(http_server::WebSocketClose(kNormalClosure));
    exchange_->Finish();
  }

  void Take(std::string_view bytes) {
    const bool good = reader_.Read(bytes, [this](WebSocketReader::Kind kind, std::string payload) {
      if (kind == WebSocketReader::Kind::kPing)
        exchange_->Write(http_server::WebSocketPong(payload));
      if (kind == WebSocketReader::Kind::kClose) {
        exchange_->Write(http_server::WebSocketClose(kNormalClosure));
        exchange_->Finish();
      }
      if (kind != WebSocketReader::Kind::kMessage || payload.empty()) return;
      const size_t channel = static_cast<unsigned char>(payload[0]);
      if (channel % 2 == 0 && channel / 2 < ports_.size())
        ports_[channel / 2]->Take(std::string_view(payload).substr(1));
    });
    if (!good) exchange_->Abort();
  }

  const std::shared_ptr<Exchange> exchange_;
  WebSocketReader reader_;
  std::vector<std::unique_ptr<ForwardedPort>> ports_;
  size_t open_ = 0;
};

MaybeStatus NoProcesses(const AskPod& ask) {
  if (ask) return std::nullopt;
  return ApiStatus{.code = 501,
                   .reason = "NotImplemented",
                   .message = "the simulator has no processes unless it is live"};
}

// The first container port, or the one of that name.
int ContainerPort(const Json& pod, std::string_view name) {
  for (const Json& container : ListAt(pod, {"spec", "containers"})) {
    for (const Json& port : ListAt(container, {"ports"})) {
      if (name.empty() || TextAt(port, "name") == name)
        return static_cast<int>(IntAt(port, "containerPort"));
    }
  }
  return name.empty() ? 80 : 0;
}

bool IsReady(const Json& pod) {
  const auto& conditions = ListAt(pod, {"status", "conditions"});
  return std::any_of(conditions.begin(), conditions.end(), [](const Json& one) {
    return TextAt(one, "type") == "Ready" && TextAt(one, "status") == "True";
  });
}

ApiStatus Unavailable(std::string message) {
  return {.code = 503, .reason = "ServiceUnavailable", .message = std::move(message)};
}

// A ready pod behind a Service and the port there.
MaybeStatus Resolve(const Cluster& cluster, const Call& call, const Json& service,
                    std::string_view wanted, PodRequest* target) {
  const std::string name = TextAt(service, {"metadata", "name"});
  const Json* chosen = nullptr;
  const auto& ports = ListAt(service, {"spec", "ports"});
  for (const Json& port : ports) {
    const bool fits = wanted.empty()
                          ? ports.size() == 1
                          : TextAt(port, "name") == wanted || IntAt(port, "port") == PortOf(wanted);
    if (fits && chosen == nullptr) chosen = &port;
  }
  if (chosen == nullptr) {
    return Unavailable(
        fmt::format("no service port \"{}\" found for service \"{}\"", wanted, name));
  }
  const Json& selector = At(service, {"spec", "selector"});
  const Json& number = At(*chosen, "targetPort");
  const ResourceType& pods = MustFind(cluster.store, "", "v1", "pods");
  for (const ObjectPtr& object : cluster.store.List(pods, call.info.ns).objects) {
    if (!selector.is_object() || selector.empty() ||
        !LabelSelector::FromMap(selector).Matches(object->labels))
      continue;
    const Json pod = object->Parse();
    if (!IsReady(pod)) continue;
    target->pod = object->name;
    target->port = number.is_string()           ? ContainerPort(pod, number.get<std::string>())
                   : number.is_number_integer() ? number.get<int>()
                                                : static_cast<int>(IntAt(*chosen, "port"));
    return std::nullopt;
  }
  return Unavailable(fmt::format("no endpoints available for service \"{}\"", name));
}

}  // namespace

ForwardedPort::ForwardedPort(PodRequest target, AskPod ask, Events events)
    : target_(std::move(target)), ask_(std::move(ask)), events_(std::move(events)) {}

void ForwardedPort::Begin() {
  const PodPage page = ask_(target_);
  http_ = page.http;
  if (page.listens) return;
  Over(
      fmt::format("error forwarding port {0} to pod {1}, uid : failed to connect to "
                  "localhost:{0} inside namespace \"{1}\", IPv4: dial tcp4 127.0.0.1:{0}: "
                  "connect: connection refused",
                  target_.port, target_.pod));
}

void ForwardedPort::Take(std::string_view bytes) {
  if (over_) return;
  pending_.append(bytes);
  if (!http_ || pending_.size() > kMaxRequest) return Over("");
  while (!over_ && TakeRequest()) {
  }
}

bool ForwardedPort::TakeRequest() {
  const size_t end = pending_.find("\r\n\r\n");
  if (end == std::string::npos) return false;
  const std::string head = pending_.substr(0, end);
  const size_t first = head.find(' '), second = head.find(' ', first + 1);
  if (first == std::string::npos || second == std::string::npos ||
      head.compare(second + 1, 5, "HTTP/") != 0) {
    events_.answer("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    Over("");
    return false;
  }
  size_t body = 0;
  const std::string length = HeaderOf(head, "Content-Length");
  std::from_chars(length.data(), length.data() + length.size(), body);
  if (pending_.size() - end - 4 < body) return false;
  pending_.erase(0, end + 4 + std::min(body, kMaxRequest));

  PodRequest request = target_;
  request.method = head.substr(0, first);
  request.path = head.substr(first + 1, second - first - 1);
  const PodPage page = ask_(request);
  if (!page.listens) {
    Over("lost connection to pod");
    return false;
  }
  const bool closes = base::EqualsIgnoreAsciiCase(HeaderOf(head, "Connection"), "close") ||
                      !HeaderOf(head, "Transfer-Encoding").empty();
  std::string answer = fmt::format(
      "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: {}\r\n\r\n",
      page.status, http_server::ReasonPhrase(page.status), page.content_type, page.body.size(),
      closes ? "close" : "keep-alive");
  if (request.method != "HEAD") answer += page.body;
  events_.answer(answer);
  if (closes) Over("");
  return !closes;
}

void ForwardedPort::End() { Over(""); }

void ForwardedPort::Over(std::string_view error) {
  if (std::exchange(over_, true)) return;
  events_.over(error);
}

std::optional<Reply> HandlePortForward(const Cluster& cluster, const Call& call, const AskPod& ask,
                                       const std::shared_ptr<Exchange>& exchange) {
  const std::string& name = call.info.name;
  const ObjectPtr object = cluster.store.Get(*call.type, call.info.ns, name);
  if (!object) return StatusReply(NotFoundStatus(*call.type, name));
  const Json pod = object->Parse();
  if (TextAt(pod, {"spec", "nodeName"}).empty())
    return StatusReply(BadRequestStatus(fmt::format("pod {} does not have a host assigned", name)));
  if (auto refused = CheckAddress(cluster, pod)) return StatusReply(*refused);
  if (call.http.headers.Get("Upgrade").empty())
    return StatusReply(BadRequestStatus("Upgrade request required"));
  if (auto refused = NoProcesses(ask)) return StatusReply(*refused);
  if (const auto address = SilentNode(cluster, pod)) {
    return StatusReply(InternalStatus(fmt::format(
        "error dialing backend: dial tcp {}:10250: connect: connection refused", *address)));
  }
  const PodRequest target{call.info.ns, name};
  std::vector<int> ports;
  for (const std::string& list : call.query.All("ports")) {
    for (std::string_view port : base::Split(list, ',')) ports.push_back(PortOf(port));
  }
  const bool named = !ports.empty() && ports.size() <= kMaxPorts &&
                     std::find(ports.begin(), ports.end(), 0) == ports.end();
  if (auto head = http_server::WebSocketHead(call.http, {kTunnel})) {
    exchange->Start(*std::move(head));
    std::make_shared<SpdyForward>(target, ask, exchange, true)->Begin();
  } else if (auto channels = http_server::WebSocketHead(call.http, {kChannels})) {
    if (!named)
      return StatusReply(BadRequestStatus("query parameter \"ports\" must name ports to forward"));
    exchange->Start(*std::move(channels));
    std::make_shared<ChannelForward>(exchange)->Begin(target, ports, ask);
  } else if (auto spdy = SpdyHead(call.http, kForward)) {
    exchange->Start(*std::move(spdy));
    std::make_shared<SpdyForward>(target, ask, exchange, false)->Begin();
  } else {
    return StatusReply(BadRequestStatus(
        "unable to upgrade: ask for SPDY/3.1 with portforward.k8s.io, or for a WebSocket with "
        "SPDY/3.1+portforward.k8s.io or v4.channel.k8s.io"));
  }
  return std::nullopt;
}

Reply HandleProxy(const Cluster& cluster, const Call& call, const AskPod& ask) {
  // [SCHEME:]NAME[:PORT]
  const std::vector<std::string_view> parts = base::Split(call.info.name, ':');
  const bool scheme = parts.size() == 3;
  const std::string name(parts[scheme ? 1 : 0]);
  const std::string_view port = scheme ? parts[2] : parts.size() == 2 ? parts[1] : "";
  const ObjectPtr object = cluster.store.Get(*call.type, call.info.ns, name);
  if (!object) return StatusReply(NotFoundStatus(*call.type, name));
  if (call.type->plural == "nodes") return HandleKubeletPage(cluster, call, object->Parse());
  if (auto refused = NoProcesses(ask)) return StatusReply(*refused);
  const Json json = object->Parse();
  PodRequest target{call.info.ns, name, 0, call.http.method, "/" + base::Join(call.info.rest, "/")};
  if (call.type->plural == "services") {
    if (auto refused = Resolve(cluster, call, json, port, &target)) return StatusReply(*refused);
  } else {
    target.port = PortOf(port) != 0 ? PortOf(port) : ContainerPort(json, port);
  }
  const PodPage page = ask(target);
  if (!page.listens || !page.http) {
    return StatusReply(
        Unavailable(fmt::format("error trying to reach service: dial tcp {}:{}: connect: "
                                "connection refused",
                                target.pod, target.port)));
  }
  return Reply{page.status, page.content_type, page.body, {}};
}

}  // namespace opsmesh::kubesim
