#include "libs/http_client/http_client.h"

#include <curl/curl.h>
#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <thread>
#include <unordered_map>

#include "libs/base/clock.h"
#include "libs/base/error.h"
#include "libs/http_client/blocking.h"
#include "libs/http_client/transfer.h"
#include "libs/http_client/wiping.h"

namespace opsmesh::http_client {
namespace {

constexpr absl::Duration kCheckEvery = absl::Milliseconds(10);

void InitCurlOnce() {
  static const CURLcode result =
      curl_global_init_mem(CURL_GLOBAL_DEFAULT, &WipingMalloc, &WipingFree, &WipingRealloc,
                           &WipingStrdup, &WipingCalloc);
  (void)result;
}

absl::Status Left() { return base::Cancelled("CALLER_LEFT", "The HTTP call was cancelled."); }

class MultiClient final : public Client {
 public:
  explicit MultiClient(ClientOptions options) : options_(std::move(options)) {
    InitCurlOnce();
    multi_ = curl_multi_init();
    curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS,
                      static_cast<long>(options_.max_idle_connections));
    mailbox_ = std::make_shared<Mailbox>(multi_);
    thread_ = std::thread([this] {
      pthread_setname_np(pthread_self(), "http-client");
      Run();
    });
  }

  ~MultiClient() override {
    stopping_ = true;
    mailbox_->Wake();
    thread_.join();
    curl_multi_cleanup(multi_);
  }

  absl::StatusOr<Response> Fetch(const base::Context& ctx, Request request) override {
    return BlockingFetch(*this, ctx, std::move(request));
  }

  absl::Status Stream(const base::Context& ctx, Request request,
                      const std::function<absl::Status(const ResponseHead&)>& on_head,
                      const std::function<absl::Status(std::string_view)>& on_data) override {
    return BlockingStream(*this, ctx, std::move(request), on_head, on_data);
  }

  std::shared_ptr<Call> Start(const base::Context& ctx, Request request,
                              Observer observer) override {
    auto transfer =
        std::make_shared<Transfer>(mailbox_, ctx, std::move(request), std::move(observer));
    if (calls_.fetch_add(1) >= options_.max_calls) {
      calls_.fetch_sub(1);
      transfer->Complete(
          base::ResourceExhausted("TOO_MANY_CALLS", "Too many HTTP calls are under way.")
              .Hint("Try again in a moment.")
              .RetryAfter(absl::Seconds(1)));
      return transfer;
    }
    // Posted before the context is watched: a cancellation that comes at once finds the start order
    // before its own.
    if (!mailbox_->Post(Mailbox::Order::kStart, transfer)) {
      calls_.fetch_sub(1);
      transfer->Complete(Left());
      return transfer;
    }
    return transfer;
  }

  size_t calls() const override { return calls_.load(); }

 private:
  void Run() {
    while (!stopping_) {
      for (auto& [order, transfer] : mailbox_->Take()) Obey(order, transfer);
      int running = 0;
      curl_multi_perform(multi_, &running);
      CollectFinished();
      const absl::Duration wait = CheckTimes();
      int events = 0;
      curl_multi_poll(multi_, nullptr, 0, static_cast<int>(absl::ToInt64Milliseconds(wait)) + 1,
                      &events);
    }
    mailbox_->Close();
    for (auto& [order, transfer] : mailbox_->Take()) {
      if (order == Mailbox::Order::kStart) {
        calls_.fetch_sub(1);
        transfer->Complete(Left());
      }
    }
    while (!transfers_.empty()) End(transfers_.begin()->second, Left());
  }

  void Obey(Mailbox::Order order, const std::shared_ptr<Transfer>& transfer) {
    switch (order) {
      case Mailbox::Order::kStart:
        if (absl::Status status = transfer->Prepare(options_.user_agent); !status.ok()) {
          calls_.fetch_sub(1);
          transfer->Complete(status);
          return;
        }
        transfers_.emplace(transfer->easy(), transfer);
        curl_multi_add_handle(multi_, transfer->easy());
        transfer->WatchContext();
        return;
      case Mailbox::Order::kCancel:
        if (transfer->easy() != nullptr && transfers_.contains(transfer->easy()))
          End(transfer, Left());
        return;
      case Mailbox::Order::kResume:
        transfer->Unpause();
        return;
    }
  }

  /// Takes the transfer out first: the observer may start or cancel others.
  void End(std::shared_ptr<Transfer> transfer, const absl::Status& status) {
    transfers_.erase(transfer->easy());
    curl_multi_remove_handle(multi_, transfer->easy());
    calls_.fetch_sub(1);
    transfer->Complete(status);
  }

  void CollectFinished() {
    int left = 0;
    while (CURLMsg* message = curl_multi_info_read(multi_, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      const CURLcode code = message->data.result;
      const auto found = transfers_.find(message->easy_handle);
      if (found == transfers_.end()) continue;
      const std::shared_ptr<Transfer> transfer = found->second;
      curl_multi_remove_handle(multi_, transfer->easy());
      transfers_.erase(found);
      calls_.fetch_sub(1);  // before the caller hears of the end
      if (transfer->OnFinished(code)) {
        calls_.fetch_add(1);
        transfers_.emplace(transfer->easy(), transfer);
        curl_multi_add_handle(multi_, transfer->easy());
      }
    }
  }

  /// Ends what is out of time; the time until the next limit. Looks at every transfer at most once
  /// in 10 ms, however busy the sockets are, and again after every event: limits may begin with one
  /// (first byte, silence).
  absl::Duration CheckTimes() {
    const absl::Duration now = base::SystemClock().Steady();
    if (now < last_check_ + kCheckEvery) return last_check_ + kCheckEvery - now;
    last_check_ = now;
    absl::Duration next = now + absl::Seconds(5);
    std::vector<std::pair<std::shared_ptr<Transfer>, absl::Status>> ended;
    for (const auto& [easy, transfer] : transfers_) {
      if (absl::Status status = transfer->CheckTime(now, &next); !status.ok())
        ended.emplace_back(transfer, status);
    }
    for (auto& [transfer, status] : ended) End(transfer, status);
    return next - now;
  }

  const ClientOptions options_;
  CURLM* multi_ = nullptr;
  std::shared_ptr<Mailbox> mailbox_;
  std::atomic<bool> stopping_{false};
  std::atomic<size_t> calls_{0};
  // The client's thread only:
  std::unordered_map<CURL*, std::shared_ptr<Transfer>> transfers_;
  absl::Duration last_check_ = -kCheckEvery;
  std::thread thread_;
};

}  // namespace

std::unique_ptr<Client> Client::Create(ClientOptions options) {
  return std::make_unique<MultiClient>(std::move(options));
}

}  // namespace opsmesh::http_client
