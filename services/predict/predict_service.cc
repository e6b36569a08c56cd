#include "services/predict/predict_service.h"

#include <string_view>
#include <utility>

#include "libs/base/error.h"
#include "libs/rpc/not_built.h"
#include "libs/rpc/runner.h"
#include "opsmesh/predict/v1/predict_service.grpc.pb.h"
#include "services/predict/forecasting.h"
#include "services/predict/forest_cache.h"
#include "services/predict/instances.h"
#include "services/predict/replica_plan.h"
#include "services/predict/replica_replay.h"

namespace opsmesh::predict {
namespace {

using grpc::CallbackServerContext;
using grpc::ServerUnaryReactor;
using namespace opsmesh::predict::v1;  // NOLINT(build/namespaces): this file is the face of exactly
                                       // that package

class PredictServiceImpl final : public PredictService::CallbackService {
 public:
  PredictServiceImpl(rpc::Runner& runner, PredictConfig config, http_client::Client& client,
                     WorkloadView* cluster, const base::Clock& clock)
      : runner_(runner),
        config_(std::move(config)),
        client_(client),
        forecasting_(config_, client, clock),
        sources_(config_, forecasting_, cluster, clock),
        instances_(config_, forecasting_, sources_, forests_, clock),
        planning_(sources_, forests_),
        replay_(sources_, forests_) {}

  ServerUnaryReactor* Predict(CallbackServerContext* context, const PredictRequest* request,
                              PredictResponse* response) override {
    return runner_.Unary(context, request, response,
                         [this](const base::Context& ctx, const PredictRequest& in) {
                           return instances_.Predict(ctx, in);
                         });
  }

  ServerUnaryReactor* ForecastSeries(CallbackServerContext* context,
                                     const ForecastSeriesRequest* request,
                                     ForecastSeriesResponse* response) override {
    return runner_.Unary(context, request, response,
                         [this](const base::Context& ctx, const ForecastSeriesRequest& in) {
                           return forecasting_.Forecast(ctx, in);
                         });
  }

  ServerUnaryReactor* RunBacktest(CallbackServerContext* context, const RunBacktestRequest* request,
                                  RunBacktestResponse* response) override {
    return runner_.Unary(context, request, response,
                         [this](const base::Context& ctx, const RunBacktestRequest& in) {
                           return forecasting_.Backtest(ctx, in);
                         });
  }

  ServerUnaryReactor* PlanReplicas(CallbackServerContext* context,
                                   const PlanReplicasRequest* request,
                                   PlanReplicasResponse* response) override {
    return runner_.Unary(context, request, response,
                         [this](const base::Context& ctx, const PlanReplicasRequest& in) {
                           return planning_.Plan(ctx, in);
                         });
  }

  ServerUnaryReactor* ReplayReplicas(CallbackServerContext* context,
                                     const ReplayReplicasRequest* request,
                                     ReplayReplicasResponse* response) override {
    return runner_.Unary(context, request, response,
                         [this](const base::Context& ctx, const ReplayReplicasRequest& in) {
                           return replay_.Replay(ctx, in);
                         });
  }

  ServerUnaryReactor* ProposeReplicas(CallbackServerContext* context,
                                      const ProposeReplicasRequest* request,
                                      ProposeReplicasResponse* response) override {
    return rpc::NotBuilt(
        runner_, context, request, response,
        {"Proposals to scale are not built in this version: the action gate they go to is not "
         "built.",
         "Ask for the plan (POST /api/v1/predict/plan) and scale by kubectl until then."});
  }

  ServerUnaryReactor* GetPredictStatus(CallbackServerContext* context,
                                       const GetPredictStatusRequest* request,
                                       GetPredictStatusResponse* response) override {
    return runner_.Unary(context, request, response,
                         [this](const base::Context& ctx, const GetPredictStatusRequest&) {
                           GetPredictStatusResponse status;
                           type::v1::ComponentStatus& models = *status.add_components();
                           models.set_name("predict");
                           models.set_state(type::v1::ComponentStatus::STATE_OK);
                           models.set_message(
                               "Forecasts, load prediction, replica plans and replays work; "
                               "proposals to scale wait for the action "
                               "gate.");
                           *status.add_components() =
                               prometheus::Component(ctx, client_, config_.prometheus);
                           return absl::StatusOr<GetPredictStatusResponse>(std::move(status));
                         });
  }

 private:
  rpc::Runner& runner_;
  const PredictConfig config_;
  http_client::Client& client_;
  ForestCache forests_;
  const Forecasting forecasting_;
  const PlanSources sources_;
  const InstancePrediction instances_;
  const ReplicaPlanning planning_;
  const ReplicaReplay replay_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakePredictService(rpc::Runner& runner, PredictConfig config,
                                                  http_client::Client& client,
                                                  WorkloadView* cluster, const base::Clock& clock) {
  return std::make_unique<PredictServiceImpl>(runner, std::move(config), client, cluster, clock);
}

}  // namespace opsmesh::predict
