// DingTalk, Feishu, Slack and a webhook of one's own in one HTTP server, for tests: it takes
// messages as they do, checks their signatures by itself, counts, and can be slow, full, broken or
// silent.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "libs/http_server/http_server.h"

namespace opsmesh::testing {

/// Thread-safe.
class FakeChatPlatform {
 public:
  /// A message as it came in.
  struct Message {
    std::string platform;  // "dingtalk", "feishu", "slack" or "webhook", by the path
    std::string query;
    http_server::Headers headers;
    std::string body;
  };
  struct Reply {
    int status = 200;
    std::string body;
    std::vector<std::pair<std::string, std::string>> headers;
    enum class Way {
      kAnswer,
      kHang,
      kDrop
    } way = Way::kAnswer;  // kDrop: taken, and the connection cut
  };
  using Script = std::function<Reply(const Message& message, int count)>;

  /// Listens on a free port of 127.0.0.1. A secret that is not empty is demanded as the platform
  /// demands it.
  explicit FakeChatPlatform(std::string dingtalk_secret = "", std::string feishu_secret = "");
  ~FakeChatPlatform();

  std::string DingtalkUrl() const { return Url("/robot/send?access_token=t0k3n"); }
  std::string FeishuUrl() const { return Url("/open-apis/bot/v2/hook/h00k"); }
  std::string SlackUrl() const { return Url("/services/T0/B0/x"); }
  std::string WebhookUrl() const { return Url("/webhook"); }
  std::string Origin() const { return Url(""); }

  /// Answers instead of the platform from now on; `count` is the number of the message, from 1.
  /// Null = the platform.
  void Play(Script script);
  /// What the platform itself would answer.
  Reply Genuine(const Message& message) const;

  /// Every message so far, in order of arrival.
  std::vector<Message> messages() const;
  /// Waits until `count` have come; false after `patience`.
  bool WaitFor(size_t count, absl::Duration patience = absl::Seconds(20)) const;

 private:
  std::string Url(std::string_view path) const;
  void Handle(const std::shared_ptr<http_server::Exchange>& exchange);

  const std::string dingtalk_secret_;
  const std::string feishu_secret_;
  mutable std::mutex mutex_;
  mutable std::condition_variable arrived_;
  std::vector<Message> messages_;
  Script script_;
  std::vector<std::shared_ptr<http_server::Exchange>> hanging_;
  std::unique_ptr<http_server::Server> server_;
};

}  // namespace opsmesh::testing
