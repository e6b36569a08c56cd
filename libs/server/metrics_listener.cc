#include "libs/server/metrics_listener.h"

#include <charconv>
#include <utility>

#include "fmt/format.h"
#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "libs/http_server/http_server.h"

namespace opsmesh::server {
namespace {

constexpr char kTextFormat[] = "text/plain; version=0.0.4; charset=utf-8";

http_server::Response Text(int status, std::string body,
                           const char* type = "text/plain; charset=utf-8") {
  http_server::Response response;
  response.status = status;
  response.headers.Add("Content-Type", type);
  response.body = std::move(body);
  return response;
}

http_server::Response Answer(const http_server::Request& request,
                             const telemetry::Registry& metrics,
                             const std::function<absl::Status()>& ready) {
  if (request.method != "GET" && request.method != "HEAD")
    return Text(405, "only GET is served here\n");
  if (request.path == "/metrics") return Text(200, metrics.Text(), kTextFormat);
  if (request.path == "/livez") return Text(200, "ok\n");
  if (request.path == "/readyz") {
    const absl::Status status = ready();
    return status.ok() ? Text(200, "ok\n")
                       : Text(503, std::string(base::ToStd(status.message())) + "\n");
  }
  return Text(404, "served here: /metrics, /livez, /readyz\n");
}

}  // namespace

absl::StatusOr<std::unique_ptr<MetricsListener>> MetricsListener::Start(
    const std::string& address, const telemetry::Registry& metrics,
    std::function<absl::Status()> ready) {
  http_server::Options options;
  const size_t colon = address.rfind(':');
  const char* end = address.data() + address.size();
  if (colon == std::string::npos || colon == 0 ||
      std::from_chars(address.data() + colon + 1, end, options.port).ptr != end ||
      colon + 1 == address.size()) {
    return base::InvalidArgument("metrics.listen", "METRICS_LISTEN",
                                 fmt::format("'{}' is no host:port.", address))
        .Hint("For instance 127.0.0.1:9464.");
  }
  options.address = address.substr(0, colon);
  options.max_connections = 64;
  OPSMESH_ASSIGN_OR_RETURN(
      auto server, http_server::Server::Start(
                       std::move(options), [&metrics, ready = std::move(ready)](
                                               std::shared_ptr<http_server::Exchange> exchange) {
                         exchange->Respond(Answer(exchange->request(), metrics, ready));
                       }));
  return std::unique_ptr<MetricsListener>(new MetricsListener(std::move(server)));
}

MetricsListener::MetricsListener(std::unique_ptr<http_server::Server> server)
    : server_(std::move(server)) {}
MetricsListener::~MetricsListener() { server_->Stop(absl::ZeroDuration()); }
uint16_t MetricsListener::port() const { return server_->port(); }

}  // namespace opsmesh::server
