// For the tests of this room: recorded answers, and an API server that says what a test scripts.
#pragma once

#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <sstream>
#include <string>
#include <vector>

#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "libs/http_client/http_client.h"
#include "libs/http_server/http_server.h"
#include "libs/kube/client.h"

namespace opsmesh::kube::test {

inline std::string SharedDir() {
  const char* source = std::getenv("OPSMESH_SOURCE_DIR");
  return std::string(source == nullptr ? "." : source) + "/../shared";
}

inline bool ReadFile(const std::string& path, std::string* out) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return false;
  std::ostringstream text;
  text << file.rdbuf();
  *out = text.str();
  return true;
}

/// True when the data of `folder` lie beside the clone; says so loudly when not.
inline bool HaveShared(const std::string& folder) {
  if (std::ifstream(SharedDir() + "/" + folder + "/README.md") ||
      std::ifstream(SharedDir() + "/" + folder + "/index.json") ||
      std::ifstream(SharedDir() + "/" + folder + "/401.json")) {
    return true;
  }
  std::cerr << "*** NOT TESTED: " << SharedDir() << "/" << folder << " is not there ***\n";
  return false;
}

inline std::string Recorded(const std::string& version, const std::string& file) {
  std::string text;
  if (!ReadFile(SharedDir() + "/data/kube/recorded-" + version + "/" + file, &text))
    std::cerr << "missing " << file << "\n";
  return text;
}

struct Seen {
  std::string method;
  std::string path;
  std::map<std::string, std::string> query;
  http_server::Headers headers;
  std::string body;
};

/// An API server whose answers are given by a function; keeps what it was asked.
class FakeApi {
 public:
  using Script = std::function<void(const Seen&, std::shared_ptr<http_server::Exchange>)>;

  explicit FakeApi(Script script, http_server::Options options = {})
      : script_(std::move(script)), address_(options.address) {
    auto server = http_server::Server::Start(
        std::move(options), [this](std::shared_ptr<http_server::Exchange> exchange) {
          Seen seen;
          const auto& request = exchange->request();
          seen.method = request.method;
          seen.path = request.path;
          seen.headers = request.headers;
          seen.body = request.body;
          for (const auto pair : base::Split(request.raw_query, '&')) {
            const size_t equals = pair.find('=');
            if (equals == std::string_view::npos) continue;
            std::string value;
            base::PercentDecode(pair.substr(equals + 1), &value);
            seen.query[std::string(pair.substr(0, equals))] = value;
          }
          {
            const std::lock_guard lock(mutex_);
            seen_.push_back(seen);
          }
          script_(seen, std::move(exchange));
        });
    if (!server.ok()) {
      std::cerr << server.status() << "\n";
      std::abort();
    }
    server_ = *std::move(server);
  }
  ~FakeApi() { server_->Stop(absl::ZeroDuration()); }

  std::string url() const {
    const bool v6 = address_.find(':') != std::string::npos;
    return "http://" + (v6 ? "[" + address_ + "]" : address_) + ":" +
           std::to_string(server_->port());
  }
  std::vector<Seen> seen() const {
    const std::lock_guard lock(mutex_);
    return seen_;
  }
  ClusterConfig config() const {
    ClusterConfig config;
    config.name = "test";
    config.server = url();
    return config;
  }

 private:
  Script script_;
  const std::string address_;
  mutable std::mutex mutex_;
  std::vector<Seen> seen_;
  std::unique_ptr<http_server::Server> server_;
};

inline http_server::Response Json(int status, std::string body) {
  http_server::Response response;
  response.status = status;
  response.headers.Set("Content-Type", "application/json");
  response.body = std::move(body);
  return response;
}

inline std::string StatusJson(int code, const std::string& reason,
                              const std::string& message = "no") {
  return R"({"kind":"Status","apiVersion":"v1","status":"Failure","code":)" + std::to_string(code) +
         R"(,"reason":")" + reason + R"(","message":")" + message + R"("})";
}

/// The same answer to everything.
inline FakeApi::Script Always(int status, std::string body, std::string type = "application/json") {
  return [=](const Seen&, std::shared_ptr<http_server::Exchange> exchange) {
    http_server::Response response = Json(status, body);
    response.headers.Set("Content-Type", type);
    exchange->Respond(response);
  };
}

/// A client of `config` that retries without waiting long.
inline std::unique_ptr<Client> MakeClient(http_client::Client& http, ClusterConfig config,
                                          bool writes = false) {
  Client::Options options;
  options.config = std::move(config);
  options.http = &http;
  options.allow_writes = writes;
  options.retry_min = absl::Milliseconds(1);
  options.retry_max = absl::Milliseconds(5);
  options.requests_per_second = 0;
  options.breaker_pause = absl::Hours(1);  // whoever has a back-off of his own does not wait for it
  auto client = Client::Create(std::move(options));
  if (!client.ok()) {
    std::cerr << client.status() << "\n";
    std::abort();
  }
  return *std::move(client);
}

inline base::Context Soon() { return base::Context::Background().WithTimeout(absl::Seconds(20)); }
inline std::string Reason(const absl::Status& status) { return base::DetailOf(status).reason; }

}  // namespace opsmesh::kube::test
