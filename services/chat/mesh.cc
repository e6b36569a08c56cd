#include "services/chat/mesh.h"

#include <functional>
#include <future>
#include <utility>
#include <vector>

#include "libs/base/worker_pool.h"
#include "libs/clients/mesh.h"
#include "opsmesh/k8s/v1/k8s_service.grpc.pb.h"
#include "opsmesh/llm/v1/llm_service.grpc.pb.h"
#include "opsmesh/notify/v1/notify_service.grpc.pb.h"
#include "opsmesh/predict/v1/predict_service.grpc.pb.h"
#include "opsmesh/rca/v1/rca_service.grpc.pb.h"

namespace opsmesh::chat {
namespace {

using LlmClient = clients::Client<llm::v1::LlmService>;

class MeshTurns final : public TurnRunner {
 public:
  explicit MeshTurns(LlmClient llm) : llm_(std::move(llm)) {}
  absl::Status Run(
      const base::Context& ctx, const llm::v1::RunTurnRequest& request,
      const std::function<absl::Status(llm::v1::RunTurnResponse&)>& on_event) override {
    return llm_.Stream(ctx, &llm::v1::LlmService::Stub::RunTurn, request, on_event);
  }

 private:
  const LlmClient llm_;
};

using Components = std::vector<type::v1::ComponentStatus>;
using Ask = std::function<absl::StatusOr<Components>(const base::Context&)>;

template <typename Service, typename Req, typename Resp>
absl::StatusOr<Ask> Asker(const clients::Mesh& mesh,
                          grpc::Status (Service::Stub::*method)(grpc::ClientContext*, const Req&,
                                                                Resp*)) {
  OPSMESH_ASSIGN_OR_RETURN(auto client, mesh.For<Service>());
  return Ask([client, method](const base::Context& ctx) -> absl::StatusOr<Components> {
    OPSMESH_ASSIGN_OR_RETURN(const Resp response, client.Call(ctx, method, Req()));
    return Components(response.components().begin(), response.components().end());
  });
}

class AskedMesh final : public MeshProbe {
 public:
  AskedMesh(LlmClient llm, std::vector<std::pair<std::string, Ask>> services,
            const base::Clock& clock, absl::Duration timeout)
      : llm_(std::move(llm)), services_(std::move(services)), clock_(clock), timeout_(timeout) {}

  std::vector<ServiceReport> Reports(const base::Context& ctx) override {
    const base::Context limited = ctx.WithTimeout(timeout_);
    std::vector<std::future<ServiceReport>> answers;
    std::vector<ServiceReport> reports;
    for (const auto& [name, ask] : services_) answers.push_back(Submit(limited, name, ask));
    for (auto& answer : answers) reports.push_back(answer.get());
    return reports;
  }

  absl::StatusOr<llm::v1::ListModelsResponse> Models(const base::Context& ctx) override {
    return llm_.Call(ctx.WithTimeout(timeout_), &llm::v1::LlmService::Stub::ListModels,
                     llm::v1::ListModelsRequest());
  }

 private:
  std::future<ServiceReport> Submit(const base::Context& ctx, const std::string& name,
                                    const Ask& ask) {
    auto promise = std::make_shared<std::promise<ServiceReport>>();
    std::future<ServiceReport> future = promise->get_future();
    const auto work = [this, ctx, name, ask, promise] {
      promise->set_value(Report(ctx, name, ask));
    };
    // A full pool means many status pages at once: asking on this thread is slower and still
    // bounded.
    if (!pool_.TrySubmit(work)) work();
    return future;
  }

  ServiceReport Report(const base::Context& ctx, const std::string& name, const Ask& ask) const {
    ServiceReport report;
    report.service = name;
    const absl::Duration began = clock_.Steady();
    absl::StatusOr<Components> components = ask(ctx);
    report.latency_ms = absl::ToDoubleMilliseconds(clock_.Steady() - began);
    report.status = components.status();
    if (components.ok()) report.components = *std::move(components);
    return report;
  }

  const LlmClient llm_;
  const std::vector<std::pair<std::string, Ask>> services_;
  const base::Clock& clock_;
  const absl::Duration timeout_;
  base::WorkerPool pool_{{.name = "status", .threads = 5, .queue_limit = 40}};
};

}  // namespace

absl::StatusOr<std::unique_ptr<TurnRunner>> MakeTurnRunner(const rpc::ChannelSource& channels,
                                                           base::IdSource& ids) {
  const clients::Mesh mesh(channels, ids);
  OPSMESH_ASSIGN_OR_RETURN(LlmClient llm, mesh.For<llm::v1::LlmService>());
  return std::make_unique<MeshTurns>(std::move(llm));
}

absl::StatusOr<std::unique_ptr<MeshProbe>> MakeMeshProbe(const rpc::ChannelSource& channels,
                                                         base::IdSource& ids,
                                                         const base::Clock& clock,
                                                         absl::Duration timeout) {
  const clients::Mesh mesh(channels, ids);
  std::vector<std::pair<std::string, Ask>> services;
  OPSMESH_ASSIGN_OR_RETURN(
      Ask llm, Asker<llm::v1::LlmService>(mesh, &llm::v1::LlmService::Stub::GetLlmStatus));
  OPSMESH_ASSIGN_OR_RETURN(
      Ask k8s, Asker<k8s::v1::K8sService>(mesh, &k8s::v1::K8sService::Stub::GetK8sStatus));
  OPSMESH_ASSIGN_OR_RETURN(
      Ask rca, Asker<rca::v1::RcaService>(mesh, &rca::v1::RcaService::Stub::GetRcaStatus));
  OPSMESH_ASSIGN_OR_RETURN(Ask predict,
                           Asker<predict::v1::PredictService>(
                               mesh, &predict::v1::PredictService::Stub::GetPredictStatus));
  OPSMESH_ASSIGN_OR_RETURN(
      Ask notify,
      Asker<notify::v1::NotifyService>(mesh, &notify::v1::NotifyService::Stub::GetNotifyStatus));
  services = {{"llm", std::move(llm)},
              {"k8s", std::move(k8s)},
              {"rca", std::move(rca)},
              {"predict", std::move(predict)},
              {"notify", std::move(notify)}};
  OPSMESH_ASSIGN_OR_RETURN(LlmClient client, mesh.For<llm::v1::LlmService>());
  return std::make_unique<AskedMesh>(std::move(client), std::move(services), clock, timeout);
}

}  // namespace opsmesh::chat
