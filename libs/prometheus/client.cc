#include "libs/prometheus/client.h"

#include <utility>

#include "fmt/format.h"
#include "libs/base/error.h"
#include "libs/base/strings.h"

namespace opsmesh::prometheus {
namespace {

// Prometheus refuses more points a series than this.
constexpr double kMaxPoints = 11000;

std::string BaseUrl(std::string address) {
  if (address.find("://") == std::string::npos) address.insert(0, "http://");
  while (!address.empty() && address.back() == '/') address.pop_back();
  return address;
}

std::string Seconds(absl::Time time) { return fmt::format("{:.3f}", absl::ToDoubleSeconds(time - absl::UnixEpoch())); }

}  // namespace

Client::Client(http_client::Client& http, ClientOptions options)
    : http_(http), options_(std::move(options)), base_url_(BaseUrl(options_.address)) {}

absl::StatusOr<QueryResult> Client::QueryRange(const base::Context& ctx, const std::string& promql, absl::Time start,
                                               absl::Time end, double step_seconds) const {
  const double window = absl::ToDoubleSeconds(end - start);
  if (!(step_seconds > 0) || window < 0 || window / step_seconds > kMaxPoints) {
    return base::InvalidArgument("end_time", "TIME_RANGE",
                                 fmt::format("A window of {} s in steps of {} s is not between 0 and 11,000 points.", window,
                                             step_seconds))
        .Hint("Let the end come after the start, and choose a larger step for long windows.");
  }
  return Post(ctx, "/api/v1/query_range",
              fmt::format("query={}&start={}&end={}&step={}", base::PercentEncode(promql), Seconds(start), Seconds(end),
                          step_seconds));
}

absl::StatusOr<QueryResult> Client::Query(const base::Context& ctx, const std::string& promql, absl::Time time) const {
  return Post(ctx, "/api/v1/query", fmt::format("query={}&time={}", base::PercentEncode(promql), Seconds(time)));
}

absl::StatusOr<QueryResult> Client::Post(const base::Context& ctx, const std::string& path, std::string form) const {
  http_client::Request request;
  request.method = "POST";
  request.url = base_url_ + path;
  request.headers = {{"Content-Type", "application/x-www-form-urlencoded"}, {"Accept", "application/json"}};
  if (!options_.token.empty()) {
    request.secret_headers.emplace_back("Authorization", base::Secret("Bearer " + options_.token.Reveal()));
  }
  request.body = std::move(form);
  request.accept_gzip = true;
  const ResponseLimits limits;
  request.max_response_bytes = limits.max_bytes;
  OPSMESH_ASSIGN_OR_RETURN(const http_client::Response response,
                           http_.Fetch(ctx.WithTimeout(options_.timeout), std::move(request)));
  return ParseQueryResponse(response.status, response.body, limits);
}

}  // namespace opsmesh::prometheus
