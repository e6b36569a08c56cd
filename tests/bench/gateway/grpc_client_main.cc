// The direct gRPC client the gateway is compared with: CONCURRENCY calls at a time through the
// callback API for SECONDS.
//   grpc_client PORT CONCURRENCY SECONDS   ->   {"requests", "seconds", "cpu_seconds", "p50_us"}
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "bench.grpc.pb.h"
#include "grpcpp/grpcpp.h"

namespace {

using Clock = std::chrono::steady_clock;
using opsmesh::bench::v1::BenchService;
using opsmesh::bench::v1::LookupRequest;
using opsmesh::bench::v1::LookupResponse;

// One slot: a call that starts itself again until the time is over.
struct Slot {
  BenchService::Stub* stub = nullptr;
  const LookupRequest* request = nullptr;
  Clock::time_point end;
  std::atomic<int>* running = nullptr;
  std::vector<double> micros;
  std::unique_ptr<grpc::ClientContext> context;
  LookupResponse response;

  void Start() {
    context = std::make_unique<grpc::ClientContext>();
    const auto began = Clock::now();
    stub->async()->Lookup(
        context.get(), request, &response, [this, began](const grpc::Status& status) {
          const auto now = Clock::now();
          if (!status.ok()) std::abort();
          micros.push_back(std::chrono::duration<double, std::micro>(now - began).count());
          if (now < end) return Start();
          running->fetch_sub(1);
        });
  }
};

double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  const int concurrency = std::atoi(argv[2]);
  const auto stub = BenchService::NewStub(
      grpc::CreateChannel(std::string("127.0.0.1:") + argv[1], grpc::InsecureChannelCredentials()));
  LookupRequest request;
  request.set_query("list all pods in payments-production");
  request.set_session_id("session_1234567890");
  request.set_limit(100);
  std::atomic<int> running{concurrency};
  const double cpu_before = CpuSeconds();
  const auto begin = Clock::now();
  std::vector<std::unique_ptr<Slot>> slots;
  for (int i = 0; i < concurrency; ++i) {
    auto slot = std::make_unique<Slot>();
    slot->stub = stub.get();
    slot->request = &request;
    slot->end = begin + std::chrono::milliseconds(static_cast<int>(std::atof(argv[3]) * 1000));
    slot->running = &running;
    slots.push_back(std::move(slot));
  }
  for (const auto& slot : slots) slot->Start();
  while (running.load() > 0) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  std::vector<double> all;
  for (const auto& slot : slots) all.insert(all.end(), slot->micros.begin(), slot->micros.end());
  std::nth_element(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(all.size() / 2),
                   all.end());
  std::printf("{\"requests\": %zu, \"seconds\": %.3f, \"cpu_seconds\": %.3f, \"p50_us\": %.1f}\n",
              all.size(), seconds, CpuSeconds() - cpu_before, all[all.size() / 2]);
}
