// The service of toy.proto for tests: echoes, fails, waits and counts as it is told.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>

#include "toy.grpc.pb.h"

namespace opsmesh::gateway {

class ToyServiceImpl final : public toy::v1::ToyService::Service {
 public:
  grpc::Status GetEcho(grpc::ServerContext* context, const toy::v1::EchoRequest* request,
                       toy::v1::EchoResponse* response) override {
    return Echo("GetEcho", context, *request, response);
  }
  grpc::Status Echo(grpc::ServerContext* context, const toy::v1::EchoRequest* request,
                    toy::v1::EchoResponse* response) override {
    return Echo("Echo", context, *request, response);
  }
  grpc::Status Change(grpc::ServerContext* context, const toy::v1::EchoRequest* request,
                      toy::v1::EchoResponse* response) override {
    return Echo("Change", context, *request, response);
  }
  grpc::Status Administer(grpc::ServerContext* context, const toy::v1::EchoRequest* request,
                          toy::v1::EchoResponse* response) override {
    return Echo("Administer", context, *request, response);
  }
  grpc::Status EchoDetail(grpc::ServerContext* context, const toy::v1::EchoRequest* request,
                          toy::v1::EchoResponse* response) override {
    return Echo("EchoDetail", context, *request, response);
  }
  grpc::Status ListItems(grpc::ServerContext*, const toy::v1::ListItemsRequest* request,
                         toy::v1::ListItemsResponse* response) override;
  grpc::Status Root(grpc::ServerContext*, const toy::v1::ListItemsRequest*,
                    toy::v1::ListItemsResponse* response) override;
  grpc::Status Hook(grpc::ServerContext* context, const google::api::HttpBody* request,
                    google::api::HttpBody* response) override;
  grpc::Status Reflect(grpc::ServerContext*, const toy::v1::Everything* request,
                       toy::v1::Everything* response) override;
  grpc::Status Count(grpc::ServerContext* context, const toy::v1::CountRequest* request,
                     grpc::ServerWriter<toy::v1::CountResponse>* writer) override;
  grpc::Status CountDetail(grpc::ServerContext* context, const toy::v1::CountRequest* request,
                           grpc::ServerWriter<toy::v1::CountResponse>* writer) override {
    return Count(context, request, writer);
  }

  /// Calls that reached a handler, and handlers that ended because they were cancelled.
  int calls() const { return calls_; }
  int cancelled() const { return cancelled_; }
  int running() const { return running_; }
  /// Events written to streams so far.
  int64_t events() const { return events_; }
  /// Requests named "blocked" wait until this is called.
  void Unblock();

 private:
  grpc::Status Echo(const char* rpc, grpc::ServerContext* context,
                    const toy::v1::EchoRequest& request, toy::v1::EchoResponse* response);

  std::atomic<int> calls_{0};
  std::atomic<int> cancelled_{0};
  std::atomic<int> running_{0};
  std::atomic<int64_t> events_{0};
  std::mutex mutex_;
  std::condition_variable changed_;
  bool unblocked_ = false;
};

}  // namespace opsmesh::gateway
