#include <pthread.h>
#include <sys/socket.h>

#include <csignal>
#include <functional>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "libs/base/error.h"
#include "libs/http_server/connection.h"
#include "libs/http_server/event_loop.h"
#include "libs/http_server/http_server.h"
#include "libs/http_server/listener.h"
#include "libs/http_server/response_head.h"
#include "libs/http_server/server_core.h"

namespace opsmesh::http_server {
namespace {

/// A function as a task of a loop.
class Call final : public EventLoop::Task {
 public:
  explicit Call(std::function<void()> call) : call_(std::move(call)) {}
  void RunOnLoop() override { call_(); }

 private:
  std::function<void()> call_;
};

/// One io thread: its loop, its listener, its connections.
class Worker final : public Listener::Sink, public ConnectionOwner {
 public:
  explicit Worker(ServerCore& core) : core_(core), loop_(core.clock()) {}

  absl::Status Init(UniqueFd listening) {
    OPSMESH_RETURN_IF_ERROR(loop_.Init());
    listener_ = std::make_unique<Listener>(loop_, std::move(listening), *this);
    if (!listener_->Open()) {
      return base::Unavailable("NO_DESCRIPTORS",
                               "The HTTP server could not watch its listening socket.");
    }
    return absl::OkStatus();
  }

  void StartThread() {
    thread_ = std::thread([this] {
      // A write into a closed TLS connection must be an error, not the end of the process.
      sigset_t pipe;
      sigemptyset(&pipe);
      sigaddset(&pipe, SIGPIPE);
      pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
      pthread_setname_np(pthread_self(), "http");
      loop_.Run();
    });
  }

  void StartDrain() {
    loop_.Post(std::make_shared<Call>([this] {
      listener_->Close();
      ForEach([](Connection& connection) { connection.Drain(); });
    }));
  }

  void StopThread() {
    loop_.Post(std::make_shared<Call>([this] {
      ForEach([](Connection& connection) { connection.Close(); });
      loop_.Quit();
    }));
    thread_.join();
  }

  void OnAccepted(UniqueFd fd, Peer peer) override {
    if (const std::string_view refused = core_.Admit(peer.address, peer.loopback);
        !refused.empty()) {
      Refuse(fd.get(), refused);
      return;
    }
    SslPtr tls;
    if (core_.tls() != nullptr) tls = MakeTlsSession(*core_.tls(), fd.get());
    if (core_.tls() != nullptr && tls == nullptr) {
      core_.Release(peer.address, peer.loopback);
      return;
    }
    auto connection = std::make_unique<Connection>(
        core_, loop_, *this, Transport(std::move(fd), std::move(tls)), std::move(peer));
    connection->slot = connections_.size();
    connections_.push_back(std::move(connection));
    Connection& added = *connections_.back();
    if (!added.Open()) added.Close();
  }

  void Forget(Connection& connection) override {
    const size_t slot = connection.slot;
    std::unique_ptr<Connection> gone = std::move(connections_[slot]);
    if (slot + 1 < connections_.size()) {
      connections_[slot] = std::move(connections_.back());
      connections_[slot]->slot = slot;
    }
    connections_.pop_back();
    core_.Release(gone->peer().address, gone->peer().loopback);
    loop_.Retire(std::move(gone));
  }

 private:
  // Backwards, because closing one moves the last into its place.
  template <typename F>
  void ForEach(F call) {
    for (size_t i = connections_.size(); i-- > 0;) {
      if (i < connections_.size()) call(*connections_[i]);
    }
  }

  // Best effort: a client over the cap gets one write, if its socket takes it, and no more of our
  // time.
  void Refuse(int fd, std::string_view reason) {
    if (core_.tls() != nullptr) return;
    Response response =
        core_.MakeError(503, reason, "The server has too many connections; try again later.");
    std::string out;
    HeadSpec spec;
    spec.status = response.status;
    spec.headers = &response.headers;
    spec.length = response.body.size();
    spec.keep_alive = false;
    spec.server_name = core_.options().server_name;
    AppendHead(spec, core_.clock(), &out);
    out.append(response.body);
    if (::send(fd, out.data(), out.size(), MSG_NOSIGNAL | MSG_DONTWAIT) > 0)
      ::shutdown(fd, SHUT_WR);
  }

  ServerCore& core_;
  EventLoop loop_;
  std::unique_ptr<Listener> listener_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::thread thread_;
};

class ServerImpl final : public Server {
 public:
  explicit ServerImpl(std::unique_ptr<ServerCore> core) : core_(std::move(core)) {}
  ~ServerImpl() override { Stop(absl::ZeroDuration()); }

  absl::Status Listen() {
    const Options& options = core_->options();
    const int threads = std::max(options.threads, 1);
    // A socket that shares its port would also bind beside a stranger's that does; one that does
    // not share finds out.
    if (threads > 1 && options.port != 0) {
      OPSMESH_RETURN_IF_ERROR(http_server::Listen(options.address, options.port, false).status());
    }
    port_ = options.port;
    for (int i = 0; i < threads; ++i) {
      OPSMESH_ASSIGN_OR_RETURN(BoundSocket bound,
                               http_server::Listen(options.address, port_, threads > 1));
      port_ = bound.port;
      workers_.push_back(std::make_unique<Worker>(*core_));
      OPSMESH_RETURN_IF_ERROR(workers_.back()->Init(std::move(bound.fd)));
    }
    for (const auto& worker : workers_) worker->StartThread();
    running_ = true;
    return absl::OkStatus();
  }

  uint16_t port() const override { return port_; }
  Counters counters() const override { return core_->counters(); }

  void Stop(absl::Duration grace) override {
    const std::lock_guard lock(stop_mutex_);
    if (!running_) return;
    running_ = false;
    core_->StartStopping();
    for (const auto& worker : workers_) worker->StartDrain();
    if (grace > absl::ZeroDuration()) core_->WaitUntilEmpty(grace);
    for (const auto& worker : workers_) worker->StopThread();
  }

 private:
  std::unique_ptr<ServerCore> core_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::mutex stop_mutex_;
  bool running_ = false;
  uint16_t port_ = 0;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Server>> Server::Start(Options options, Handler handler) {
  SslContextPtr tls;
  if (options.tls) {
    OPSMESH_ASSIGN_OR_RETURN(tls, MakeTlsContext(*options.tls));
  }
  auto server = std::make_unique<ServerImpl>(
      std::make_unique<ServerCore>(std::move(options), std::move(handler), std::move(tls)));
  OPSMESH_RETURN_IF_ERROR(server->Listen());
  return server;
}

}  // namespace opsmesh::http_server
