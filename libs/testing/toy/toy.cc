#include "libs/testing/toy/toy.h"

#include <utility>

#include "libs/base/error.h"
#include "libs/clients/mesh.h"
#include "libs/rpc/runner.h"
#include "opsmesh/front/v1/front.grpc.pb.h"
#include "opsmesh/toy/v1/toy.grpc.pb.h"

namespace opsmesh::toy {
namespace {

class ToyFace final : public v1::ToyService::CallbackService {
 public:
  ToyFace(rpc::Runner& runner, ToyLogic& logic) : runner_(runner), logic_(logic) {}

  grpc::ServerUnaryReactor* Echo(grpc::CallbackServerContext* context,
                                 const v1::EchoRequest* request,
                                 v1::EchoResponse* response) override {
    return runner_.Unary(context, request, response,
                         [this](const base::Context& ctx, const v1::EchoRequest& req,
                                const rpc::CallInfo& info) -> absl::StatusOr<v1::EchoResponse> {
                           OPSMESH_ASSIGN_OR_RETURN(v1::EchoResponse echo, logic_.Echo(ctx, req));
                           echo.set_caller(info.caller);
                           echo.set_signature(std::string(info.HttpHeader("x-signature")));
                           return echo;
                         });
  }
  grpc::ServerUnaryReactor* Wait(grpc::CallbackServerContext* context,
                                 const v1::WaitRequest* request,
                                 v1::WaitResponse* response) override {
    return runner_.Unary(
        context, request, response,
        [this](const base::Context& ctx, const v1::WaitRequest&) { return logic_.Wait(ctx); });
  }
  grpc::ServerUnaryReactor* Change(grpc::CallbackServerContext* context,
                                   const v1::ChangeRequest* request,
                                   v1::ChangeResponse* response) override {
    return runner_.Unary(context, request, response,
                         [](const base::Context&, const v1::ChangeRequest&) {
                           return absl::StatusOr<v1::ChangeResponse>(v1::ChangeResponse());
                         });
  }
  grpc::ServerWriteReactor<v1::CountResponse>* Count(grpc::CallbackServerContext* context,
                                                     const v1::CountRequest* request) override {
    return runner_.Stream<v1::CountResponse>(
        context, request,
        [this](const base::Context& ctx, const v1::CountRequest& req,
               rpc::Writer<v1::CountResponse>& writer) { return logic_.Count(ctx, req, writer); });
  }
  grpc::ServerWriteReactor<v1::WatchResponse>* Watch(grpc::CallbackServerContext* context,
                                                     const v1::WatchRequest* request) override {
    return runner_.Subscribe<v1::WatchResponse>(
        context, request,
        [this](const base::Context&, const v1::WatchRequest&)
            -> absl::StatusOr<std::unique_ptr<rpc::StreamSource<v1::WatchResponse>>> {
          return logic_.Watch();
        });
  }

 private:
  rpc::Runner& runner_;
  ToyLogic& logic_;
};

class Toy final : public server::Service {
 public:
  Toy(server::Environment& env, std::shared_ptr<ToyLogic> logic,
      std::function<absl::Status()> ready)
      : logic_(std::move(logic)), face_(env.runner, *logic_), ready_(std::move(ready)) {}
  std::vector<grpc::Service*> GrpcServices() override { return {&face_}; }
  absl::Status Ready() const override { return ready_ ? ready_() : absl::OkStatus(); }

 private:
  const std::shared_ptr<ToyLogic> logic_;
  ToyFace face_;
  const std::function<absl::Status()> ready_;
};

class FrontFace final : public front::v1::FrontService::CallbackService {
 public:
  FrontFace(rpc::Runner& runner, clients::Client<v1::ToyService> toy)
      : runner_(runner), toy_(std::move(toy)) {}

  grpc::ServerUnaryReactor* Relay(grpc::CallbackServerContext* context,
                                  const front::v1::RelayRequest* request,
                                  front::v1::RelayResponse* response) override {
    return runner_.Unary(
        context, request, response,
        [this](const base::Context& ctx,
               const front::v1::RelayRequest& req) -> absl::StatusOr<front::v1::RelayResponse> {
          OPSMESH_ASSIGN_OR_RETURN(v1::EchoResponse echo,
                                   toy_.Call(ctx, &v1::ToyService::Stub::Echo, req.echo()));
          front::v1::RelayResponse relayed;
          *relayed.mutable_echo() = std::move(echo);
          return relayed;
        });
  }
  grpc::ServerUnaryReactor* RelayWait(grpc::CallbackServerContext* context,
                                      const front::v1::RelayWaitRequest* request,
                                      front::v1::RelayWaitResponse* response) override {
    return runner_.Unary(
        context, request, response,
        [this](const base::Context& ctx,
               const front::v1::RelayWaitRequest&) -> absl::StatusOr<front::v1::RelayWaitResponse> {
          OPSMESH_RETURN_IF_ERROR(
              toy_.Call(ctx, &v1::ToyService::Stub::Wait, v1::WaitRequest()).status());
          return front::v1::RelayWaitResponse();
        });
  }

 private:
  rpc::Runner& runner_;
  const clients::Client<v1::ToyService> toy_;
};

class Front final : public server::Service {
 public:
  Front(server::Environment& env, clients::Client<v1::ToyService> toy)
      : face_(env.runner, std::move(toy)) {}
  std::vector<grpc::Service*> GrpcServices() override { return {&face_}; }

 private:
  FrontFace face_;
};

}  // namespace

server::ServiceSpec ToySpec(std::shared_ptr<ToyLogic> logic, std::function<absl::Status()> ready) {
  server::ServiceSpec spec;
  spec.name = "toy";
  spec.grpc_service = v1::ToyService::service_full_name();
  spec.build = [logic = std::move(logic), ready = std::move(ready)](
                   server::Environment& env) -> absl::StatusOr<std::unique_ptr<server::Service>> {
    return std::make_unique<Toy>(env, logic, ready);
  };
  return spec;
}

server::ServiceSpec FrontSpec() {
  server::ServiceSpec spec;
  spec.name = "front";
  spec.grpc_service = front::v1::FrontService::service_full_name();
  spec.build = [](server::Environment& env) -> absl::StatusOr<std::unique_ptr<server::Service>> {
    const clients::Mesh mesh(env.channels, env.ids);
    OPSMESH_ASSIGN_OR_RETURN(auto toy, mesh.For<v1::ToyService>());
    return std::make_unique<Front>(env, std::move(toy));
  };
  return spec;
}

rpc::AllowList ToyAllowList() {
  return rpc::AllowList({{"gateway", {"*"}},
                         {"cli", {"*"}},
                         {"front", {"opsmesh.toy.v1.ToyService/*"}},
                         {"stranger", {}}});
}

}  // namespace opsmesh::toy
