#include "services/rca/rca_service.h"

#include <string_view>
#include <utility>

#include "libs/base/error.h"
#include "libs/rpc/not_built.h"
#include "libs/rpc/runner.h"
#include "opsmesh/rca/v1/rca_service.grpc.pb.h"
#include "services/rca/correlate_series.h"
#include "services/rca/detect_anomalies.h"
#include "services/rca/metric_source.h"
#include "services/rca/root_cause.h"
#include "services/rca/standard_queries.h"

namespace opsmesh::rca {
namespace {

using grpc::CallbackServerContext;
using grpc::ServerUnaryReactor;
using namespace opsmesh::rca::v1;  // NOLINT(build/namespaces): this file is the face of exactly
                                   // that package

std::vector<MetricQuery> DefaultMetrics(const RcaConfig& config) {
  std::vector<MetricQuery> metrics;
  for (const std::string& text : config.metrics) metrics.push_back({.text = text});
  return metrics.empty() ? StandardQueries() : metrics;
}

class RcaServiceImpl final : public RcaService::CallbackService {
 public:
  RcaServiceImpl(rpc::Runner& runner, RcaConfig config, http_client::Client& client,
                 ClusterView* cluster)
      : runner_(runner),
        config_(std::move(config)),
        metrics_(DefaultMetrics(config_)),
        client_(client),
        source_(client, config_.prometheus),
        cluster_(cluster) {}

  ServerUnaryReactor* AnalyzeRootCause(CallbackServerContext* context,
                                       const AnalyzeRootCauseRequest* request,
                                       AnalyzeRootCauseResponse* response) override {
    return runner_.Unary(context, request, response,
                         [this](const base::Context& ctx, const AnalyzeRootCauseRequest& req) {
                           return rca::AnalyzeRootCause(ctx, req, source_, cluster_,
                                                        {.threshold = config_.anomaly_threshold,
                                                         .default_metrics = metrics_});
                         });
  }

  ServerUnaryReactor* DetectAnomalies(CallbackServerContext* context,
                                      const DetectAnomaliesRequest* request,
                                      DetectAnomaliesResponse* response) override {
    return runner_.Unary(context, request, response,
                         [this](const base::Context& ctx, const DetectAnomaliesRequest& req) {
                           return rca::DetectAnomalies(ctx, req, source_,
                                                       {.threshold = config_.anomaly_threshold,
                                                        .threads = config_.threads});
                         });
  }

  ServerUnaryReactor* CorrelateSeries(CallbackServerContext* context,
                                      const CorrelateSeriesRequest* request,
                                      CorrelateSeriesResponse* response) override {
    return runner_.Unary(context, request, response,
                         [this](const base::Context& ctx, const CorrelateSeriesRequest& req) {
                           return rca::CorrelateSeries(ctx, req, config_.threads);
                         });
  }

  ServerUnaryReactor* ReceiveAlerts(CallbackServerContext* context,
                                    const ReceiveAlertsRequest* request,
                                    ReceiveAlertsResponse* response) override {
    return rpc::NotBuilt(
        runner_, context, request, response,
        {"Alerts are not stored in this version; this service will fold them into incidents.",
         "Let Alertmanager send them to their present receiver until then."});
  }

  ServerUnaryReactor* ListIncidents(CallbackServerContext* context,
                                    const ListIncidentsRequest* request,
                                    ListIncidentsResponse* response) override {
    return rpc::NotBuilt(runner_, context, request, response, kIncidents);
  }

  ServerUnaryReactor* GetIncident(CallbackServerContext* context, const GetIncidentRequest* request,
                                  GetIncidentResponse* response) override {
    return rpc::NotBuilt(runner_, context, request, response, kIncidents);
  }

  ServerUnaryReactor* AcknowledgeIncident(CallbackServerContext* context,
                                          const AcknowledgeIncidentRequest* request,
                                          AcknowledgeIncidentResponse* response) override {
    return rpc::NotBuilt(runner_, context, request, response, kIncidents);
  }

  ServerUnaryReactor* GetRcaStatus(CallbackServerContext* context,
                                   const GetRcaStatusRequest* request,
                                   GetRcaStatusResponse* response) override {
    return runner_.Unary(
        context, request, response, [this](const base::Context& ctx, const GetRcaStatusRequest&) {
          GetRcaStatusResponse status;
          type::v1::ComponentStatus& analysis = *status.add_components();
          analysis.set_name("rca");
          analysis.set_state(type::v1::ComponentStatus::STATE_OK);
          analysis.set_message(
              "Anomaly detection and root-cause analysis work on inline series and on Prometheus. "
              "Incidents are not kept in this "
              "version.");
          *status.add_components() = prometheus::Component(ctx, client_, config_.prometheus);
          return absl::StatusOr<GetRcaStatusResponse>(std::move(status));
        });
  }

 private:
  static constexpr rpc::NotBuiltWords kIncidents = {
      "Incidents are not kept in this version; this service will make them of alerts.",
      "GET /api/v1/changes and POST /api/v1/diagnose show what happens now."};

  rpc::Runner& runner_;
  const RcaConfig config_;
  const std::vector<MetricQuery> metrics_;
  http_client::Client& client_;
  const MetricSource source_;
  ClusterView* const cluster_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeRcaService(rpc::Runner& runner, RcaConfig config,
                                              http_client::Client& client, ClusterView* cluster) {
  return std::make_unique<RcaServiceImpl>(runner, std::move(config), client, cluster);
}

}  // namespace opsmesh::rca
