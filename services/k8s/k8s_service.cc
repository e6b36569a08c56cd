#include "services/k8s/k8s_service.h"

#include "libs/base/error.h"
#include "libs/rpc/not_built.h"
#include "libs/rpc/runner.h"
#include "opsmesh/k8s/v1/k8s_service.grpc.pb.h"
#include "services/k8s/handlers.h"

namespace opsmesh::k8s {
namespace {

using grpc::CallbackServerContext;
using grpc::ServerUnaryReactor;
using grpc::ServerWriteReactor;
using namespace opsmesh::k8s::v1;  // NOLINT(build/namespaces): this file is the face of exactly
                                   // that package

class K8sServiceImpl final : public K8sService::CallbackService {
 public:
  explicit K8sServiceImpl(K8sParts parts)
      : runner_(parts.runner), handlers_(parts.tools, parts.indexes, parts.problems, parts.clock) {}

  ServerUnaryReactor* ListTools(CallbackServerContext* context, const ListToolsRequest* request,
                                ListToolsResponse* response) override {
    return runner_.Unary(
        context, request, response,
        [this](const base::Context&, const ListToolsRequest& r) { return handlers_.ListTools(r); });
  }
  ServerUnaryReactor* CallTool(CallbackServerContext* context, const CallToolRequest* request,
                               CallToolResponse* response) override {
    return runner_.Unary(context, request, response,
                         [this](const base::Context& ctx, const CallToolRequest& r) {
                           return handlers_.CallTool(ctx, r);
                         });
  }
  ServerUnaryReactor* TestTool(CallbackServerContext* context, const TestToolRequest* request,
                               TestToolResponse* response) override {
    return runner_.Unary(
        context, request, response,
        [this](const base::Context& ctx, const TestToolRequest& r, const rpc::CallInfo& info) {
          return handlers_.TestTool(ctx, r, info.PrefersChinese());
        });
  }
  ServerUnaryReactor* ResolveObjects(CallbackServerContext* context,
                                     const ResolveObjectsRequest* request,
                                     ResolveObjectsResponse* response) override {
    return runner_.Unary(context, request, response,
                         [this](const base::Context& ctx, const ResolveObjectsRequest& r) {
                           return handlers_.ResolveObjects(ctx, r);
                         });
  }
  ServerUnaryReactor* ListObjects(CallbackServerContext* context, const ListObjectsRequest* request,
                                  ListObjectsResponse* response) override {
    return runner_.Unary(context, request, response,
                         [this](const base::Context& ctx, const ListObjectsRequest& r) {
                           return handlers_.ListObjects(ctx, r);
                         });
  }
  ServerUnaryReactor* GetObject(CallbackServerContext* context, const GetObjectRequest* request,
                                GetObjectResponse* response) override {
    return runner_.Unary(context, request, response,
                         [this](const base::Context& ctx, const GetObjectRequest& r) {
                           return handlers_.GetObject(ctx, r);
                         });
  }
  ServerWriteReactor<StreamPodLogsResponse>* StreamPodLogs(
      CallbackServerContext* context, const StreamPodLogsRequest* request) override {
    return runner_.Subscribe<StreamPodLogsResponse>(
        context, request, [this](const base::Context& ctx, const StreamPodLogsRequest& r) {
          return handlers_.OpenPodLogs(ctx, r);
        });
  }
  ServerUnaryReactor* ListClusters(CallbackServerContext* context,
                                   const ListClustersRequest* request,
                                   ListClustersResponse* response) override {
    return runner_.Unary(context, request, response,
                         [this](const base::Context& ctx, const ListClustersRequest&) {
                           return handlers_.ListClusters(ctx);
                         });
  }
  ServerUnaryReactor* Diagnose(CallbackServerContext* context, const DiagnoseRequest* request,
                               DiagnoseResponse* response) override {
    return runner_.Unary(context, request, response,
                         [this](const base::Context& ctx, const DiagnoseRequest& r) {
                           return handlers_.Diagnose(ctx, r);
                         });
  }
  ServerUnaryReactor* GetK8sStatus(CallbackServerContext* context,
                                   const GetK8sStatusRequest* request,
                                   GetK8sStatusResponse* response) override {
    return runner_.Unary(context, request, response,
                         [this](const base::Context& ctx, const GetK8sStatusRequest&) {
                           return handlers_.GetK8sStatus(ctx);
                         });
  }

  // The action gate.
  ServerUnaryReactor* CreateProposal(CallbackServerContext* c, const CreateProposalRequest* q,
                                     CreateProposalResponse* p) override {
    return rpc::NotBuilt(runner_, c, q, p, kGate);
  }
  ServerUnaryReactor* ListProposals(CallbackServerContext* c, const ListProposalsRequest* q,
                                    ListProposalsResponse* p) override {
    return rpc::NotBuilt(runner_, c, q, p, kGate);
  }
  ServerUnaryReactor* GetProposal(CallbackServerContext* c, const GetProposalRequest* q,
                                  GetProposalResponse* p) override {
    return rpc::NotBuilt(runner_, c, q, p, kGate);
  }
  ServerUnaryReactor* ApproveProposal(CallbackServerContext* c, const ApproveProposalRequest* q,
                                      ApproveProposalResponse* p) override {
    return rpc::NotBuilt(runner_, c, q, p, kGate);
  }
  ServerUnaryReactor* RejectProposal(CallbackServerContext* c, const RejectProposalRequest* q,
                                     RejectProposalResponse* p) override {
    return rpc::NotBuilt(runner_, c, q, p, kGate);
  }
  ServerUnaryReactor* RollbackProposal(CallbackServerContext* c, const RollbackProposalRequest* q,
                                       RollbackProposalResponse* p) override {
    return rpc::NotBuilt(runner_, c, q, p, kGate);
  }
  ServerUnaryReactor* ListAuditRecords(CallbackServerContext* c, const ListAuditRecordsRequest* q,
                                       ListAuditRecordsResponse* p) override {
    return rpc::NotBuilt(runner_, c, q, p, kGate);
  }
  ServerUnaryReactor* VerifyAudit(CallbackServerContext* c, const VerifyAuditRequest* q,
                                  VerifyAuditResponse* p) override {
    return rpc::NotBuilt(runner_, c, q, p, kGate);
  }
  ServerUnaryReactor* SetFreeze(CallbackServerContext* c, const SetFreezeRequest* q,
                                SetFreezeResponse* p) override {
    return rpc::NotBuilt(runner_, c, q, p, kGate);
  }
  ServerUnaryReactor* ListChanges(CallbackServerContext* c, const ListChangesRequest* q,
                                  ListChangesResponse* p) override {
    return rpc::NotBuilt(runner_, c, q, p, kChanges);
  }

 private:
  static constexpr rpc::NotBuiltWords kChanges = {
      "The feed of changes is not built in this version; it will come from the watch cache.",
      "list_kubernetes_events and get_deployment_revision_history show recent changes until then."};
  static constexpr rpc::NotBuiltWords kGate = {
      "The action gate (proposals, approvals, audit, freeze) is not built in this version; nothing "
      "here changes a cluster.",
      "Write tools such as scale_deployment answer with the plan that will be proposed; apply it "
      "with kubectl until then."};

  rpc::Runner& runner_;
  Handlers handlers_;
};

}  // namespace

IndexCache& IndexCaches::Of(const std::string& cluster_id) {
  const std::lock_guard lock(mutex_);
  std::unique_ptr<IndexCache>& cache = caches_[cluster_id];
  if (!cache) cache = std::make_unique<IndexCache>(clock_);
  return *cache;
}

std::unique_ptr<grpc::Service> MakeK8sService(K8sParts parts) {
  return std::make_unique<K8sServiceImpl>(parts);
}

}  // namespace opsmesh::k8s
