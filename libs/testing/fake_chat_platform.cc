#include "libs/testing/fake_chat_platform.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <utility>

#include "fmt/core.h"
#include "libs/base/json.h"
#include "libs/base/strings.h"
#include "nlohmann/json.hpp"

namespace opsmesh::testing {
namespace {

std::string Hmac(std::string_view key, std::string_view message) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(message.data()), message.size(), digest.data(),
       &size);
  return base::Base64Encode({reinterpret_cast<const char*>(digest.data()), size});
}

std::string PlatformOf(std::string_view path) {
  if (path == "/robot/send" || path == "/robot/sendBySession") return "dingtalk";
  if (path.rfind("/open-apis/bot/v2/hook/", 0) == 0) return "feishu";
  return path.rfind("/services/", 0) == 0 ? "slack" : "webhook";
}

std::string QueryValue(std::string_view query, std::string_view name) {
  for (const std::string_view pair : base::Split(query, '&')) {
    const size_t equals = pair.find('=');
    std::string value;
    if (pair.substr(0, equals) == name && base::PercentDecode(pair.substr(equals + 1), &value))
      return value;
  }
  return "";
}

FakeChatPlatform::Reply Json(std::string body) {
  return {.body = std::move(body), .headers = {{"Content-Type", "application/json"}}};
}

}  // namespace

FakeChatPlatform::FakeChatPlatform(std::string dingtalk_secret, std::string feishu_secret)
    : dingtalk_secret_(std::move(dingtalk_secret)), feishu_secret_(std::move(feishu_secret)) {
  auto server = http_server::Server::Start(
      {}, [this](std::shared_ptr<http_server::Exchange> exchange) { Handle(exchange); });
  if (server.ok()) server_ = *std::move(server);
}

FakeChatPlatform::~FakeChatPlatform() {
  {
    const std::lock_guard lock(mutex_);
    for (const auto& exchange : hanging_) exchange->Abort();
    hanging_.clear();
  }
  if (server_ != nullptr) server_->Stop(absl::ZeroDuration());
}

std::string FakeChatPlatform::Url(std::string_view path) const {
  return fmt::format("http://127.0.0.1:{}{}", server_ == nullptr ? 0 : server_->port(), path);
}

void FakeChatPlatform::Play(Script script) {
  const std::lock_guard lock(mutex_);
  script_ = std::move(script);
}

FakeChatPlatform::Reply FakeChatPlatform::Genuine(const Message& message) const {
  const auto body = base::ParseJson(message.body);
  if (message.platform == "dingtalk") {
    if (!body.ok()) return Json(R"({"errcode":40035,"errmsg":"params error"})");
    const std::string timestamp = QueryValue(message.query, "timestamp");
    if (!dingtalk_secret_.empty() &&
        QueryValue(message.query, "sign") !=
            Hmac(dingtalk_secret_, timestamp + "\n" + dingtalk_secret_)) {
      return Json(R"({"errcode":310000,"errmsg":"sign not match"})");
    }
    return Json(R"({"errcode":0,"errmsg":"ok"})");
  }
  if (message.platform == "feishu") {
    if (!body.ok() || !body->is_object())
      return Json(R"({"code":9499,"msg":"Bad Request","data":{}})");
    if (!feishu_secret_.empty()) {
      const std::string timestamp = body->value("timestamp", "");
      if (body->value("sign", "") != Hmac(timestamp + "\n" + feishu_secret_, "")) {
        return Json(
            R"({"code":19021,"msg":"sign match fail or timestamp is not within one hour from current time"})");
      }
    }
    return Json(R"({"StatusCode":0,"StatusMessage":"success","code":0,"data":{},"msg":"success"})");
  }
  if (message.platform == "slack") {  // refusals are plain words with a status of their own
    if (!body.ok() || !body->is_object()) return {.status = 400, .body = "invalid_payload"};
    if (body->value("text", "").empty()) return {.status = 400, .body = "no_text"};
  }
  return {.body = "ok"};
}

std::vector<FakeChatPlatform::Message> FakeChatPlatform::messages() const {
  const std::lock_guard lock(mutex_);
  return messages_;
}

bool FakeChatPlatform::WaitFor(size_t count, absl::Duration patience) const {
  std::unique_lock lock(mutex_);
  return arrived_.wait_for(lock, absl::ToChronoNanoseconds(patience),
                           [&] { return messages_.size() >= count; });
}

void FakeChatPlatform::Handle(const std::shared_ptr<http_server::Exchange>& exchange) {
  const http_server::Request& request = exchange->request();
  Message message{PlatformOf(request.path), request.raw_query, request.headers, request.body};
  Reply reply;
  {
    const std::lock_guard lock(mutex_);
    messages_.push_back(message);
    reply = script_ ? script_(message, static_cast<int>(messages_.size())) : Genuine(message);
    if (reply.way == Reply::Way::kHang) hanging_.push_back(exchange);
    arrived_.notify_all();
  }
  if (reply.way == Reply::Way::kHang) return;
  if (reply.way == Reply::Way::kDrop) return exchange->Abort();
  http_server::Response response;
  response.status = reply.status;
  for (auto& [name, value] : reply.headers) response.headers.Add(name, value);
  response.body = std::move(reply.body);
  exchange->Respond(std::move(response));
}

}  // namespace opsmesh::testing
