#include "libs/http_client/transfer.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <string.h>  // explicit_bzero
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "libs/base/clock.h"
#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "libs/http_client/transfer_errors.h"
#include "libs/http_client/wiping.h"

namespace opsmesh::http_client {
namespace {

constexpr size_t kMaxHeadBytes = 128 << 10;
constexpr size_t kRatioFreeBytes = 1 << 20;  // below this no answer is a bomb
constexpr size_t kMaxRatio = 100;

absl::Duration Now() { return base::SystemClock().Steady(); }

bool IsRedirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

}  // namespace

bool Mailbox::Post(Order order, std::shared_ptr<Transfer> transfer) {
  const std::lock_guard lock(mutex_);
  if (multi_ == nullptr) return false;
  letters_.emplace_back(order, std::move(transfer));
  curl_multi_wakeup(multi_);
  return true;
}

std::vector<Mailbox::Letter> Mailbox::Take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(letters_, {});
}

void Mailbox::Wake() {
  const std::lock_guard lock(mutex_);
  if (multi_ != nullptr) curl_multi_wakeup(multi_);
}

void Mailbox::Close() {
  const std::lock_guard lock(mutex_);
  multi_ = nullptr;
}

Transfer::Transfer(std::shared_ptr<Mailbox> mailbox, const base::Context& ctx, Request request,
                   Observer observer)
    : mailbox_(std::move(mailbox)),
      ctx_(ctx),
      request_(std::move(request)),
      observer_(std::move(observer)) {
  started_ = last_activity_ = Now();
  deadline_ = started_ + ctx_.Remaining();
  redirects_left_ = request_.max_redirects;
}

Transfer::~Transfer() {
  if (easy_ != nullptr) curl_easy_cleanup(easy_);
  curl_slist_free_all(headers_);
  curl_slist_free_all(connect_to_);
  if (request_.wipe_answer) Wipe(&request_.body);
}

void Transfer::WatchContext() {
  cancel_registration_ = ctx_.OnCancel([weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->Cancel();
  });
}

void Transfer::Cancel() { (void)mailbox_->Post(Mailbox::Order::kCancel, shared_from_this()); }
void Transfer::Resume() { (void)mailbox_->Post(Mailbox::Order::kResume, shared_from_this()); }

absl::Status Transfer::CheckTime(absl::Duration now, absl::Duration* next) const {
  const auto passed = [&](absl::Duration limit) {
    if (now >= limit) return true;
    *next = std::min(*next, limit);
    return false;
  };
  const std::string host = url_.authority();
  if (passed(deadline_)) {
    return base::DeadlineExceeded(
               "DEADLINE", fmt::format("{} did not answer before the request's deadline.", host))
        .Hint("Ask for less at a time or allow more time.")
        .With("host", host);
  }
  if (!head_complete_ && request_sent_ != absl::InfiniteDuration() &&
      passed(request_sent_ + request_.head_timeout)) {
    return base::DeadlineExceeded("HEAD_TIMEOUT",
                                  fmt::format("{} did not begin to answer within {}.", host,
                                              absl::FormatDuration(request_.head_timeout)))
        .With("host", host);
  }
  if (head_complete_ && !paused_ && passed(last_activity_ + request_.idle_timeout)) {
    return base::DeadlineExceeded("IDLE_TIMEOUT",
                                  fmt::format("{} sent nothing for {} in the middle of an answer.",
                                              host, absl::FormatDuration(request_.idle_timeout)))
        .With("host", host);
  }
  return absl::OkStatus();
}

void Transfer::Unpause() {
  if (!paused_ || done_) return;
  paused_ = false;
  last_activity_ = Now();
  curl_easy_pause(easy_, CURLPAUSE_CONT);
}

bool Transfer::Fail(absl::Status status) {
  if (failure_.ok()) failure_ = std::move(status);
  return false;
}

size_t Transfer::HeaderCallback(char* data, size_t size, size_t count, void* self) {
  const size_t bytes = size * count;
  return static_cast<Transfer*>(self)->OnHeaderLine({data, bytes}) ? bytes : 0;
}

bool Transfer::OnHeaderLine(std::string_view line) {
  last_activity_ = Now();
  if (head_complete_) return true;  // trailers
  head_bytes_ += line.size();
  if (head_bytes_ > kMaxHeadBytes) {
    return Fail(base::Unavailable("MALFORMED_RESPONSE",
                                  fmt::format("{} sent a header of more than {} bytes.",
                                              url_.authority(), kMaxHeadBytes))
                    .With("host", url_.authority()));
  }
  line = base::Trim(line);
  if (line.starts_with("HTTP/")) {
    head_ = {};
    const auto words = base::SplitWhitespace(line);
    if (words.size() >= 2) head_.status = std::atoi(std::string(words[1]).c_str());
    return true;
  }
  if (line.empty()) {
    if (head_.status >= 200 || head_.status == 101) OnHeadComplete();
    return true;
  }
  if (const size_t colon = line.find(':'); colon != std::string_view::npos) {
    head_.headers.emplace_back(std::string(line.substr(0, colon)),
                               std::string(base::Trim(line.substr(colon + 1))));
  }
  return true;
}

void Transfer::OnHeadComplete() {
  head_complete_ = true;
  redirecting_ = redirects_left_ > 0 && IsRedirect(head_.status) && !head_.Get("Location").empty();
  if (!redirecting_ && observer_.on_head) observer_.on_head(head_);
}

size_t Transfer::WriteCallback(char* data, size_t size, size_t count, void* self) {
  auto* const transfer = static_cast<Transfer*>(self);
  const size_t taken = transfer->OnBody({data, size * count});
  // The buffer lives on between the events of a watch. libcurl is through with these bytes, unless
  // it is told to bring them again.
  if (transfer->request_.wipe_answer && taken != CURL_WRITEFUNC_PAUSE)
    explicit_bzero(data, size * count);
  return taken;
}

size_t Transfer::OnBody(std::string_view piece) {
  constexpr size_t kStop = CURL_WRITEFUNC_ERROR;
  if (redirecting_) return piece.size();
  last_activity_ = Now();
  if (body_bytes_ + piece.size() > request_.max_response_bytes) {
    Fail(base::ResourceExhausted("RESPONSE_TOO_LARGE",
                                 fmt::format("{} answered with more than {} bytes.",
                                             url_.authority(), request_.max_response_bytes))
             .Hint("Ask for a smaller page or a narrower selection.")
             .With("host", url_.authority()));
    return kStop;
  }
  if (request_.accept_gzip && body_bytes_ + piece.size() > kRatioFreeBytes) {
    curl_off_t received = 0;
    curl_easy_getinfo(easy_, CURLINFO_SIZE_DOWNLOAD_T, &received);
    if (body_bytes_ + piece.size() >
        kMaxRatio * static_cast<size_t>(std::max<curl_off_t>(received, 1))) {
      Fail(
          base::ResourceExhausted("DECOMPRESSION_BOMB",
                                  fmt::format("{} sent an answer that inflates more than {} times.",
                                              url_.authority(), kMaxRatio))
              .With("host", url_.authority()));
      return kStop;
    }
  }
  if (observer_.on_data && !observer_.on_data(piece)) {
    paused_ = true;
    return CURL_WRITEFUNC_PAUSE;
  }
  body_bytes_ += piece.size();
  return piece.size();
}

absl::Status Transfer::JudgeAddress(std::string_view ip, int port) {
  if (request_.connection == nullptr || !request_.connection->address_policy)
    return absl::OkStatus();
  return request_.connection->address_policy(ip, port);
}

curl_socket_t Transfer::OpenSocketCallback(void* self, curlsocktype, curl_sockaddr* address) {
  char text[INET6_ADDRSTRLEN] = {};
  int port = 0;
  if (address->family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(&address->addr);
    inet_ntop(AF_INET, &v4->sin_addr, text, sizeof text);
    port = ntohs(v4->sin_port);
  } else if (address->family == AF_INET6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&address->addr);
    inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof text);
    port = ntohs(v6->sin6_port);
  }
  auto* transfer = static_cast<Transfer*>(self);
  if (absl::Status judged = transfer->JudgeAddress(text, port); !judged.ok()) {
    transfer->Fail(std::move(judged));
    return CURL_SOCKET_BAD;
  }
  return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

int Transfer::BeforeRequestCallback(void* self, char* ip, char*, int port, int) {
  auto* transfer = static_cast<Transfer*>(self);
  if (absl::Status judged = transfer->JudgeAddress(ip, port); !judged.ok()) {
    transfer->Fail(std::move(judged));
    return CURL_PREREQFUNC_ABORT;
  }
  // One address of several was refused, another one connected: that is no failure.
  transfer->failure_ = absl::OkStatus();
  if (transfer->observer_.before_send) {
    if (absl::Status ready = transfer->observer_.before_send(); !ready.ok()) {
      transfer->Fail(std::move(ready));
      return CURL_PREREQFUNC_ABORT;
    }
  }
  transfer->request_sent_ = transfer->last_activity_ = Now();
  return CURL_PREREQFUNC_OK;
}

bool Transfer::PrepareRedirect() {
  char* target = nullptr;
  curl_easy_getinfo(easy_, CURLINFO_REDIRECT_URL, &target);
  if (target == nullptr) return false;
  const std::string old_origin = url_.origin();
  std::string url = target;
  const auto parts = SplitUrl(url);
  if (!parts.ok()) return Fail(parts.status());
  if (parts->origin() != old_origin) request_.secret_headers.clear();
  const bool becomes_get = head_.status == 303 || ((head_.status == 301 || head_.status == 302) &&
                                                   request_.method == "POST");
  if (becomes_get && request_.method != "HEAD") {
    request_.method = "GET";
    request_.body.clear();
    std::erase_if(request_.headers, [](const auto& h) {
      return base::EqualsIgnoreAsciiCase(h.first, "Content-Type");
    });
  }
  request_.url = std::move(url);
  --redirects_left_;
  head_ = {};
  head_bytes_ = 0;
  head_complete_ = redirecting_ = false;
  request_sent_ = absl::InfiniteDuration();
  curl_easy_reset(easy_);
  if (absl::Status status = Prepare(user_agent_); !status.ok()) return Fail(std::move(status));
  return true;
}

bool Transfer::OnFinished(CURLcode code) {
  if (code == CURLE_OK && redirecting_) {
    if (PrepareRedirect()) return true;
    if (failure_.ok()) {
      Fail(base::Unavailable("MALFORMED_RESPONSE",
                             fmt::format("{} redirects to nowhere.", url_.authority())));
    }
    Complete(failure_);
    return false;
  }
  Complete(code == CURLE_OK ? absl::OkStatus() : Error(code));
  return false;
}

absl::Status Transfer::Error(CURLcode code) const {
  if (!failure_.ok()) return failure_;
  Failure failure;
  failure.curl_code = code;
  curl_easy_getinfo(easy_, CURLINFO_OS_ERRNO, &failure.os_errno);
  failure.curl_text = error_text_;
  failure.authority = url_.authority();
  failure.through_proxy = request_.connection != nullptr && !request_.connection->proxy_url.empty();
  failure.connected = request_sent_ != absl::InfiniteDuration();
  if (failure.connected) failure.os_errno = 0;  // that of the connect, which worked in the end
  return ToError(failure);
}

void Transfer::Complete(const absl::Status& status) {
  if (done_) return;
  done_ = true;
  const Observer observer = std::exchange(observer_, {});
  if (observer.on_done) observer.on_done(status);
  cancel_registration_.Reset();
}

Response::~Response() {
  if (wipe) Wipe(&body);
}

std::string_view ResponseHead::Get(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (base::EqualsIgnoreAsciiCase(key, name)) return value;
  }
  return {};
}

}  // namespace opsmesh::http_client
