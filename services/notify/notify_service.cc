#include "services/notify/notify_service.h"

#include "libs/rpc/runner.h"
#include "opsmesh/notify/v1/notify_service.grpc.pb.h"
#include "services/notify/notifier.h"

namespace opsmesh::notify {
namespace {

using base::Context;
using grpc::CallbackServerContext;
using grpc::ServerUnaryReactor;
using namespace opsmesh::notify::v1;  // NOLINT(build/namespaces): this file is the face of exactly
                                      // that package

class NotifyServiceImpl final : public NotifyService::CallbackService {
 public:
  NotifyServiceImpl(rpc::Runner& runner, Notifier& notifier)
      : runner_(runner), notifier_(notifier) {}

  ServerUnaryReactor* Notify(CallbackServerContext* context, const NotifyRequest* request,
                             NotifyResponse* response) override {
    return runner_.Unary(context, request, response,
                         [this](const Context& ctx, const NotifyRequest& req) {
                           return notifier_.Notify(ctx, req);
                         });
  }

  ServerUnaryReactor* SendMessage(CallbackServerContext* context, const SendMessageRequest* request,
                                  SendMessageResponse* response) override {
    return runner_.Unary(context, request, response,
                         [this](const Context& ctx, const SendMessageRequest& req) {
                           return notifier_.SendMessage(ctx, req);
                         });
  }

  ServerUnaryReactor* ListChannels(CallbackServerContext* context,
                                   const ListChannelsRequest* request,
                                   ListChannelsResponse* response) override {
    return runner_.Unary(context, request, response,
                         [this](const Context&, const ListChannelsRequest&) {
                           return absl::StatusOr<ListChannelsResponse>(notifier_.ListChannels());
                         });
  }

  ServerUnaryReactor* TestChannel(CallbackServerContext* context, const TestChannelRequest* request,
                                  TestChannelResponse* response) override {
    return runner_.Unary(context, request, response,
                         [this](const Context& ctx, const TestChannelRequest& req) {
                           return notifier_.TestChannel(ctx, req);
                         });
  }

  ServerUnaryReactor* ListOutbox(CallbackServerContext* context, const ListOutboxRequest* request,
                                 ListOutboxResponse* response) override {
    return runner_.Unary(
        context, request, response,
        [this](const Context&, const ListOutboxRequest& req) { return notifier_.ListOutbox(req); });
  }

  ServerUnaryReactor* ListDeadLetters(CallbackServerContext* context,
                                      const ListDeadLettersRequest* request,
                                      ListDeadLettersResponse* response) override {
    return runner_.Unary(context, request, response,
                         [this](const Context&, const ListDeadLettersRequest& req) {
                           return notifier_.ListDeadLetters(req);
                         });
  }

  ServerUnaryReactor* RetryDeadLetter(CallbackServerContext* context,
                                      const RetryDeadLetterRequest* request,
                                      RetryDeadLetterResponse* response) override {
    return runner_.Unary(context, request, response,
                         [this](const Context& ctx, const RetryDeadLetterRequest& req) {
                           return notifier_.RetryDeadLetter(ctx, req);
                         });
  }

  ServerUnaryReactor* GetNotifyStatus(CallbackServerContext* context,
                                      const GetNotifyStatusRequest* request,
                                      GetNotifyStatusResponse* response) override {
    return runner_.Unary(context, request, response,
                         [this](const Context&, const GetNotifyStatusRequest&) {
                           return absl::StatusOr<GetNotifyStatusResponse>(notifier_.Status());
                         });
  }

 private:
  rpc::Runner& runner_;
  Notifier& notifier_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeNotifyService(rpc::Runner& runner, Notifier& notifier) {
  return std::make_unique<NotifyServiceImpl>(runner, notifier);
}

}  // namespace opsmesh::notify
