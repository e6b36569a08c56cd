#include "services/chat/status_board.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "google/protobuf/util/time_util.h"
#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "libs/base/version.h"

namespace opsmesh::chat {
namespace {

using type::v1::ComponentStatus;

google::protobuf::Timestamp Stamp(const base::Clock& clock) {
  return google::protobuf::util::TimeUtil::SecondsToTimestamp(absl::ToUnixSeconds(clock.Now()));
}

bool Answers(const std::vector<ServiceReport>& reports, std::string_view service) {
  return std::any_of(reports.begin(), reports.end(), [&](const ServiceReport& report) {
    return report.service == service && report.status.ok();
  });
}

bool AllAnswer(const std::vector<ServiceReport>& reports) {
  return std::all_of(reports.begin(), reports.end(),
                     [](const ServiceReport& report) { return report.status.ok(); });
}

// "available" while the cluster answers; "degraded" when only the tools do: they answer from the
// cache, as long as it holds.
std::string Tools(const std::vector<ServiceReport>& reports) {
  for (const ServiceReport& report : reports) {
    if (report.service != "k8s" || !report.status.ok()) continue;
    const bool down = std::any_of(report.components.begin(), report.components.end(),
                                  [](const ComponentStatus& component) {
                                    return component.state() == ComponentStatus::STATE_DOWN;
                                  });
    return down ? "degraded" : "available";
  }
  return "unavailable";
}

ComponentStatus OfService(const ServiceReport& report) {
  ComponentStatus component;
  component.set_name(report.service + "-service");
  component.set_state(report.status.ok() ? ComponentStatus::STATE_OK : ComponentStatus::STATE_DOWN);
  component.set_message(report.status.ok() ? "The service answers."
                                           : std::string(base::ToStd(report.status.message())));
  component.set_latency_ms(report.latency_ms);
  return component;
}

}  // namespace

StatusBoard::StatusBoard(MeshProbe& probe, const base::Clock& clock,
                         std::vector<std::string> notices)
    : probe_(probe), clock_(clock), notices_(std::move(notices)), started_(clock.Steady()) {}

std::string StatusBoard::Uptime() const {
  return base::GoDuration(absl::ToInt64Seconds(clock_.Steady() - started_));
}

v1::GetRootResponse StatusBoard::Root() const {
  v1::GetRootResponse root;
  root.set_service("opsmesh");
  root.set_status("running");
  root.set_version(base::VersionLine());
  auto& links = *root.mutable_links();
  links["docs"] = "/docs";
  links["openapi"] = "/api/v1/openapi.json";
  links["health"] = "/api/v1/health";
  links["status"] = "/status";
  links["tools"] = "/tools";
  links["chat"] = "/api/v1/chat";
  *root.mutable_timestamp() = Stamp(clock_);
  return root;
}

v1::GetHealthResponse StatusBoard::Health(const base::Context& ctx) const {
  const std::vector<ServiceReport> reports = probe_.Reports(ctx);
  v1::GetHealthResponse health;
  health.set_status(AllAnswer(reports) ? "healthy" : "degraded");
  health.set_version(base::VersionLine());
  *health.mutable_timestamp() = Stamp(clock_);
  (*health.mutable_services())["chat"] = "serving";
  for (const ServiceReport& report : reports) {
    (*health.mutable_services())[report.service] = report.status.ok() ? "serving" : "unavailable";
  }
  return health;
}

absl::StatusOr<v1::GetModelsResponse> StatusBoard::Models(const base::Context& ctx) const {
  OPSMESH_ASSIGN_OR_RETURN(const llm::v1::ListModelsResponse listed, probe_.Models(ctx));
  v1::GetModelsResponse models;
  *models.mutable_models() = listed.models();
  models.set_current(listed.current());
  models.set_provider(listed.provider());
  (*models.mutable_metadata())["default_provider"] = listed.default_provider();
  (*models.mutable_metadata())["supports_tools"] = listed.supports_tools() ? "true" : "false";
  *models.mutable_timestamp() = Stamp(clock_);
  return models;
}

v1::GetStatusResponse StatusBoard::Status(const base::Context& ctx) const {
  const std::vector<ServiceReport> reports = probe_.Reports(ctx);
  v1::GetStatusResponse status;
  status.set_tools(Tools(reports));
  status.set_status(AllAnswer(reports) && status.tools() == "available" ? "running" : "degraded");
  *status.mutable_timestamp() = Stamp(clock_);
  status.set_uptime(Uptime());
  status.set_agent(Answers(reports, "llm") ? "ready" : "unavailable");
  status.set_mcp_client("disabled");
  for (const std::string& notice : notices_) status.add_notices(notice);
  return status;
}

v1::GetSystemStatusResponse StatusBoard::SystemStatus(const base::Context& ctx) const {
  v1::GetSystemStatusResponse status;
  bool degraded = false;
  for (const ServiceReport& report : probe_.Reports(ctx)) {
    *status.add_components() = OfService(report);
    for (const ComponentStatus& component : report.components) *status.add_components() = component;
  }
  for (const ComponentStatus& component : status.components()) {
    degraded = degraded || component.state() == ComponentStatus::STATE_DOWN ||
               component.state() == ComponentStatus::STATE_DEGRADED;
  }
  status.set_status(degraded ? "degraded" : "healthy");
  status.set_version(base::VersionLine());
  status.set_uptime(Uptime());
  for (const std::string& notice : notices_) status.add_notices(notice);
  *status.mutable_timestamp() = Stamp(clock_);
  return status;
}

}  // namespace opsmesh::chat
