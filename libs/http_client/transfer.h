// One HTTP transfer on the client's thread.
#pragma once

#include <curl/curl.h>

#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "libs/base/context.h"
#include "libs/http_client/http_client.h"
#include "libs/http_client/url.h"

namespace opsmesh::http_client {

class Transfer;

/// Orders from other threads to the client's thread. Outlives the client, so that a Call may be
/// used after it.
class Mailbox {
 public:
  enum class Order { kStart, kCancel, kResume };
  using Letter = std::pair<Order, std::shared_ptr<Transfer>>;

  explicit Mailbox(CURLM* multi) : multi_(multi) {}
  /// False when the client is gone.
  bool Post(Order order, std::shared_ptr<Transfer> transfer);
  std::vector<Letter> Take();
  void Wake();
  /// From now on Post refuses; the multi handle may be freed.
  void Close();

 private:
  std::mutex mutex_;
  CURLM* multi_;  // null when closed
  std::vector<Letter> letters_;
};

/// Cancel and Resume may come from any thread; everything else is for the client's thread.
class Transfer : public Call, public std::enable_shared_from_this<Transfer> {
 public:
  Transfer(std::shared_ptr<Mailbox> mailbox, const base::Context& ctx, Request request,
           Observer observer);
  ~Transfer() override;

  void Cancel() override;
  void Resume() override;

  /// Registers for the context's cancellation. Before the transfer is posted.
  void WatchContext();
  /// Builds the easy handle. Its error is the transfer's end.
  absl::Status Prepare(const std::string& user_agent);
  CURL* easy() const { return easy_; }
  bool done() const { return done_; }

  /// The error of the first limit in time that has passed, or OK; `next` is lowered to the next
  /// limit.
  absl::Status CheckTime(absl::Duration now, absl::Duration* next) const;
  void Unpause();
  /// libcurl is through. True when the transfer goes on with a redirect and must be added again.
  bool OnFinished(CURLcode code);
  /// Tells the observer, once.
  void Complete(const absl::Status& status);

 private:
  static size_t HeaderCallback(char* data, size_t size, size_t count, void* self);
  static size_t WriteCallback(char* data, size_t size, size_t count, void* self);
  static curl_socket_t OpenSocketCallback(void* self, curlsocktype purpose, curl_sockaddr* address);
  static int BeforeRequestCallback(void* self, char* ip, char* local_ip, int port, int local_port);

  absl::Status SetMethodAndBody();
  absl::Status SetHeaders();
  void SetConnection();
  void SetLimits();
  bool OnHeaderLine(std::string_view line);
  void OnHeadComplete();
  size_t OnBody(std::string_view piece);
  bool Fail(absl::Status status);
  absl::Status JudgeAddress(std::string_view ip, int port);
  bool PrepareRedirect();
  absl::Status Error(CURLcode code) const;

  const std::shared_ptr<Mailbox> mailbox_;
  const base::Context ctx_;
  Request request_;
  Observer observer_;
  base::CancelState::Registration cancel_registration_;

  CURL* easy_ = nullptr;
  curl_slist* headers_ = nullptr;
  curl_slist* connect_to_ = nullptr;
  char error_text_[CURL_ERROR_SIZE] = {};
  UrlParts url_;
  std::string user_agent_;

  absl::Duration started_;
  absl::Duration deadline_;
  absl::Duration request_sent_ = absl::InfiniteDuration();
  absl::Duration last_activity_;
  ResponseHead head_;
  size_t head_bytes_ = 0;
  size_t body_bytes_ = 0;
  int redirects_left_ = 0;
  bool head_complete_ = false;
  bool redirecting_ = false;
  bool paused_ = false;
  bool done_ = false;
  absl::Status failure_;  // why a callback stopped the transfer
};

}  // namespace opsmesh::http_client
