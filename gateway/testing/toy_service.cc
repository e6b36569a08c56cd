#include "gateway/testing/toy_service.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <thread>

#include "grpcpp/server_context.h"
#include "libs/base/error.h"
#include "libs/rpc/status_bridge.h"

namespace opsmesh::gateway {
namespace {

// A failure as our services report it; "PLAIN_x" as a foreign gRPC server would.
grpc::Status Fail(const std::string& name) {
  for (int code = 1; code <= 16; ++code) {
    const auto status_code = static_cast<absl::StatusCode>(code);
    if (name == base::CodeName(status_code)) {
      return rpc::ToGrpc(base::Error(status_code, "TOLD_TO", "The request asked for this failure.")
                             .Hint("Ask for another.")
                             .With("asked", name));
    }
    if (name == "PLAIN_" + std::string(base::CodeName(status_code))) {
      return {static_cast<grpc::StatusCode>(code), "plain words"};
    }
  }
  return grpc::Status::OK;
}

}  // namespace

void ToyServiceImpl::Unblock() {
  const std::lock_guard lock(mutex_);
  unblocked_ = true;
  changed_.notify_all();
}

grpc::Status ToyServiceImpl::Echo(const char* rpc, grpc::ServerContext* context,
                                  const toy::v1::EchoRequest& request,
                                  toy::v1::EchoResponse* response) {
  ++calls_;
  ++running_;
  if (request.name() == "blocked") {
    std::unique_lock lock(mutex_);
    while (!unblocked_ && !context->IsCancelled())
      changed_.wait_for(lock, std::chrono::milliseconds(5));
  }
  --running_;
  if (context->IsCancelled()) {
    ++cancelled_;
    return grpc::Status::CANCELLED;
  }
  if (!request.fail_with().empty()) return Fail(request.fail_with());
  *response->mutable_request() = request;
  response->set_rpc(rpc);
  for (const auto& [key, value] : context->client_metadata()) {
    const std::string name(key.data(), key.size());
    if (name.starts_with("x-") || name == "traceparent" || name == "accept-language") {
      (*response->mutable_metadata())[name] = std::string(value.data(), value.size());
    }
  }
  response->set_remaining_ms(std::chrono::duration<double, std::milli>(
                                 context->deadline() - std::chrono::system_clock::now())
                                 .count());
  return grpc::Status::OK;
}

grpc::Status ToyServiceImpl::ListItems(grpc::ServerContext*,
                                       const toy::v1::ListItemsRequest* request,
                                       toy::v1::ListItemsResponse* response) {
  ++calls_;
  for (int i = 0; i < request->count(); ++i)
    response->add_items()->set_some_text(std::to_string(i));
  return grpc::Status::OK;
}

grpc::Status ToyServiceImpl::Root(grpc::ServerContext*, const toy::v1::ListItemsRequest*,
                                  toy::v1::ListItemsResponse* response) {
  ++calls_;
  response->add_items()->set_some_text("root");
  return grpc::Status::OK;
}

grpc::Status ToyServiceImpl::Hook(grpc::ServerContext* context,
                                  const google::api::HttpBody* request,
                                  google::api::HttpBody* response) {
  ++calls_;
  std::string seen = request->content_type() + "|" + request->data();
  for (const auto& [key, value] : context->client_metadata()) {
    const std::string name(key.data(), key.size());
    if (name.starts_with("x-http-"))
      seen += "|" + name + "=" + std::string(value.data(), value.size());
  }
  response->set_content_type("text/plain");
  response->set_data(seen);
  return grpc::Status::OK;
}

grpc::Status ToyServiceImpl::Reflect(grpc::ServerContext*, const toy::v1::Everything* request,
                                     toy::v1::Everything* response) {
  ++calls_;
  *response = *request;
  return grpc::Status::OK;
}

grpc::Status ToyServiceImpl::Count(grpc::ServerContext* context,
                                   const toy::v1::CountRequest* request,
                                   grpc::ServerWriter<toy::v1::CountResponse>* writer) {
  ++calls_;
  ++running_;
  toy::v1::CountResponse event;
  std::string text;
  for (int i = 0; i < std::max(1, request->text_repeat()); ++i) text += request->text();
  for (int i = 1; request->forever() || i <= request->up_to(); ++i) {
    if (context->IsCancelled()) break;
    if (request->fail_after() > 0 && i > request->fail_after()) break;
    event.set_number(i);
    if (!text.empty()) event.set_text(text);
    if (!request->forever() && i == request->up_to()) event.set_done(true);
    if (!writer->Write(event)) break;
    ++events_;
    // A synchronous handler is not told of a cancellation: it looks.
    for (int waited = 0; waited < request->every_ms() && !context->IsCancelled(); waited += 5) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }
  --running_;
  if (context->IsCancelled()) {
    ++cancelled_;
    return grpc::Status::CANCELLED;
  }
  return Fail(request->fail_with());
}

}  // namespace opsmesh::gateway
