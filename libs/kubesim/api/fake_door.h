// A door without sockets: runs requests through an ApiServer and keeps the answers. For tests of
// this room.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "libs/base/ids.h"
#include "libs/http_server/http_server.h"
#include "libs/kubesim/api/api_server.h"
#include "libs/kubesim/api/token_signer.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {

/// A clock that stands where it is put.
class StandingClock final : public base::Clock {
 public:
  explicit StandingClock(absl::Time now) : now_(now) {}
  absl::Time Now() const override { return now_; }
  absl::Duration Steady() const override { return now_ - absl::UnixEpoch(); }
  void Set(absl::Time now) { now_ = now; }

 private:
  absl::Time now_;
};

/// Thread-safe record of one answer, streamed or whole.
class RecordedExchange final : public http_server::Exchange {
 public:
  explicit RecordedExchange(http_server::Request request) : request_(std::move(request)) {}
  const http_server::Request& request() const override { return request_; }
  void Respond(http_server::Response response) override {
    std::lock_guard lock(mutex_);
    response_ = std::move(response);
    ++answers_;
    over_ = true;
  }
  void Start(http_server::Response head) override {
    std::lock_guard lock(mutex_);
    response_ = std::move(head);
    response_.body.clear();
    ++answers_;
  }
  bool Write(std::string chunk) override {
    std::lock_guard lock(mutex_);
    if (over_) return false;
    response_.body += chunk;
    return true;
  }
  void Finish() override { Abort(); }
  void Abort() override {
    std::lock_guard lock(mutex_);
    over_ = true;
  }
  void OnClientGone(std::function<void()>) override {}
  size_t BufferedBytes() const override { return 0; }

  http_server::Response response() const {
    std::lock_guard lock(mutex_);
    return response_;
  }
  int answers() const {
    std::lock_guard lock(mutex_);
    return answers_;
  }
  Json json() const { return Json::parse(response().body, nullptr, false); }
  int code() const { return response().status; }

 private:
  const http_server::Request request_;
  mutable std::mutex mutex_;
  http_server::Response response_;
  int answers_ = 0;
  bool over_ = false;
};

class FakeDoor {
 public:
  using Fields = std::vector<std::pair<std::string, std::string>>;

  explicit FakeDoor(absl::Time now = absl::FromUnixSeconds(1'800'000'000), bool open = true)
      : clock(now),
        store({.clock = &clock, .ids = &ids}),
        tokens(ids, std::make_shared<TokenSigner>(7)),
        api({store, logs, clock}, tokens, {.open_door = open}) {}

  std::shared_ptr<RecordedExchange> Send(const std::string& method, const std::string& target,
                                         const std::string& body = "", Fields fields = {}) {
    http_server::Request request;
    request.method = method;
    const size_t mark = target.find('?');
    request.raw_path = request.path = target.substr(0, mark);
    if (mark != std::string::npos) request.raw_query = target.substr(mark + 1);
    request.body = body;
    request.remote_is_loopback = true;
    bool typed = false;
    for (auto& [name, value] : fields) {
      typed = typed || name == "Content-Type";
      request.headers.Add(name, value);
    }
    if (!body.empty() && !typed) request.headers.Add("Content-Type", "application/json");
    auto exchange = std::make_shared<RecordedExchange>(std::move(request));
    api.Handle(exchange);
    return exchange;
  }
  Json Get(const std::string& target, Fields fields = {}) {
    return Send("GET", target, "", std::move(fields))->json();
  }
  std::shared_ptr<RecordedExchange> Post(const std::string& target, const Json& body) {
    return Send("POST", target, body.dump());
  }
  std::shared_ptr<RecordedExchange> Patch(const std::string& target, const std::string& kind,
                                          const Json& body) {
    return Send("PATCH", target, body.dump(),
                {{"Content-Type", "application/" + kind}, {"User-Agent", "tester/1"}});
  }
  void AddNamespace(const std::string& name) {
    Post("/api/v1/namespaces",
         {{"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", {{"name", name}}}});
    Post("/api/v1/namespaces/" + name + "/serviceaccounts", {{"metadata", {{"name", "default"}}}});
  }

  StandingClock clock;
  base::SeededIds ids{7};
  Store store;
  LogStore logs;
  TokenTable tokens;
  ApiServer api;
};

}  // namespace opsmesh::kubesim
