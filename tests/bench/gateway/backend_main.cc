// The backend of the gateway benchmark: answers at once from the callback thread, so that what is
// measured is the way there. Prints its port and serves until it is killed.
#include <cstdio>
#include <memory>
#include <string>

#include "bench.grpc.pb.h"
#include "grpcpp/alarm.h"
#include "grpcpp/grpcpp.h"

namespace {

using opsmesh::bench::v1::BenchService;
using opsmesh::bench::v1::LookupRequest;
using opsmesh::bench::v1::LookupResponse;
using opsmesh::bench::v1::SubscribeRequest;
using opsmesh::bench::v1::SubscribeResponse;

class Subscription final : public grpc::ServerWriteReactor<SubscribeResponse> {
 public:
  explicit Subscription(const SubscribeRequest& request)
      : left_(request.count()), interval_(request.interval_ms()) {
    event_.set_delta(std::string(100, 'x'));
    if (left_ > 0) Next();
  }
  void OnWriteDone(bool ok) override {
    if (!ok) return End(grpc::Status::CANCELLED);
    if (--left_ == 0) return End(grpc::Status::OK);
    if (interval_ == 0) return Next();
    alarm_.Set(std::chrono::system_clock::now() + std::chrono::milliseconds(interval_),
               [this](bool fired) {
                 if (fired) Next();
               });
  }
  void OnCancel() override {
    alarm_.Cancel();
    End(grpc::Status::CANCELLED);
  }
  void OnDone() override { delete this; }

 private:
  void Next() {
    event_.set_sequence(event_.sequence() + 1);
    StartWrite(&event_);
  }
  void End(const grpc::Status& status) {
    if (!ended_.exchange(true)) Finish(status);
  }
  int left_;
  int interval_;
  std::atomic<bool> ended_{false};
  SubscribeResponse event_;
  grpc::Alarm alarm_;
};

class Backend final : public BenchService::CallbackService {
 public:
  grpc::ServerUnaryReactor* Lookup(grpc::CallbackServerContext* context,
                                   const LookupRequest* request,
                                   LookupResponse* response) override {
    for (int i = 0; i < 8; ++i) {
      auto* row = response->add_rows();
      row->set_name("payment-gateway-7d9c6b5f4-" + std::to_string(10000 + i));
      row->set_namespace_("payments-production");
      row->set_status("CrashLoopBackOff");
      row->set_restarts(i * 7);
      row->set_ready(i % 2 == 0);
    }
    response->set_total(request->limit() + 8);
    auto* reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }
  grpc::ServerWriteReactor<SubscribeResponse>* Subscribe(grpc::CallbackServerContext*,
                                                         const SubscribeRequest* request) override {
    return new Subscription(*request);
  }
};

}  // namespace

int main() {
  Backend backend;
  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, 100000);
  builder.RegisterService(&backend);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr) return 1;
  std::printf("%d\n", port);
  std::fflush(stdout);
  server->Wait();
}
