#include "libs/kubesim/prometheus/server.h"

#include <fmt/format.h>

#include <condition_variable>
#include <mutex>
#include <thread>

#include "libs/base/error.h"
#include "libs/base/worker_pool.h"
#include "libs/http_server/http_server.h"
#include "libs/kubesim/prometheus/api.h"
#include "libs/kubesim/prometheus/metrics.h"
#include "libs/kubesim/store/store.h"

namespace opsmesh::kubesim::prometheus {
namespace {

constexpr absl::Duration kScrape = absl::Seconds(15);
constexpr absl::Duration kLongestQuery = absl::Seconds(60);

class ServerImpl final : public Server {
 public:
  ServerImpl(const Store& store, const ServerOptions& options)
      : options_(options),
        clock_(options.clock != nullptr ? *options.clock : store.clock()),
        metrics_(store, clock_, options.seed, options.stale_markers, options.disturbances),
        api_(metrics_, ApiOptions()),
        pool_(base::WorkerPool::Options{.name = "prometheus", .threads = 2, .queue_limit = 256}) {}

  ~ServerImpl() override {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    if (scraper_.joinable()) scraper_.join();
    if (server_) server_->Stop(absl::Seconds(1));
  }

  absl::Status Open() {
    http_server::Options options;
    options.address = options_.address;
    options.port = options_.port;
    options.server_name = "";
    auto handler = http_server::OnPool(
        pool_, kLongestQuery, [this](const base::Context& ctx, http_server::Exchange& exchange) {
          if (!exchange.request().remote_is_loopback) {
            return exchange.Respond(
                {403, {}, "The demo's Prometheus answers callers on loopback only.\n"});
          }
          exchange.Respond(api_.Answer(ctx, exchange.request()));
        });
    OPSMESH_ASSIGN_OR_RETURN(server_,
                             http_server::Server::Start(std::move(options), std::move(handler)));
    scraper_ = std::thread([this] { Scrape(); });
    return absl::OkStatus();
  }

  std::string url() const override {
    const bool v6 = options_.address.find(':') != std::string::npos;
    return fmt::format("http://{}:{}", v6 ? "[" + options_.address + "]" : options_.address,
                       server_->port());
  }

 private:
  Api::Options ApiOptions() {
    Api::Options options;
    options.clock = &clock_;
    options.timeout = kLongestQuery;
    options.metadata = [this] { return metrics_.Metadata(); };
    return options;
  }

  /// Dates what changes in the cluster, also while nobody asks.
  void Scrape() {
    std::unique_lock lock(mutex_);
    while (
        !wake_.wait_for(lock, absl::ToChronoMilliseconds(kScrape), [this] { return stopping_; })) {
      lock.unlock();
      metrics_.Refresh();
      lock.lock();
    }
  }

  const ServerOptions options_;
  const base::Clock& clock_;
  Metrics metrics_;
  Api api_;
  base::WorkerPool pool_;
  std::unique_ptr<http_server::Server> server_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread scraper_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const Store& store,
                                                      const ServerOptions& options) {
  auto server = std::make_unique<ServerImpl>(store, options);
  OPSMESH_RETURN_IF_ERROR(server->Open());
  return server;
}

}  // namespace opsmesh::kubesim::prometheus
