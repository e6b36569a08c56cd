#include "libs/prometheus/client.h"

#include <limits>
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

std::string Seconds(absl::Time time) {
  return fmt::format("{:.3f}", absl::ToDoubleSeconds(time - absl::UnixEpoch()));
}

absl::StatusOr<std::string> RangeForm(const std::string& promql, absl::Time start, absl::Time end,
                                      double step_seconds) {
  const double window = absl::ToDoubleSeconds(end - start);
  if (!(step_seconds > 0) || window < 0 || window / step_seconds > kMaxPoints) {
    return base::InvalidArgument(
               "end_time", "TIME_RANGE",
               fmt::format("A window of {} s in steps of {} s is not between 0 and 11,000 points.",
                           window, step_seconds))
        .Hint("Let the end come after the start, and choose a larger step for long windows.");
  }
  return fmt::format("query={}&start={}&end={}&step={}", base::PercentEncode(promql),
                     Seconds(start), Seconds(end), step_seconds);
}

}  // namespace

Client::Client(http_client::Client& http, ClientOptions options)
    : http_(http), options_(std::move(options)), base_url_(BaseUrl(options_.address)) {}

absl::StatusOr<QueryResult> Client::QueryRange(const base::Context& ctx, const std::string& promql,
                                               absl::Time start, absl::Time end,
                                               double step_seconds) const {
  OPSMESH_ASSIGN_OR_RETURN(std::string form, RangeForm(promql, start, end, step_seconds));
  return Post(ctx, "/api/v1/query_range", std::move(form));
}

absl::StatusOr<QueryResult> Client::StreamRange(const base::Context& ctx, const std::string& promql,
                                                absl::Time start, absl::Time end,
                                                double step_seconds, const SeriesSink& sink) const {
  OPSMESH_ASSIGN_OR_RETURN(std::string form, RangeForm(promql, start, end, step_seconds));
  return Stream(ctx, Form("/api/v1/query_range", std::move(form)), sink);
}

absl::StatusOr<QueryResult> Client::StreamInstant(const base::Context& ctx,
                                                  const std::string& promql, absl::Time time,
                                                  const SeriesSink& sink) const {
  return Stream(ctx,
                Form("/api/v1/query",
                     fmt::format("query={}&time={}", base::PercentEncode(promql), Seconds(time))),
                sink);
}

absl::StatusOr<QueryResult> Client::Stream(const base::Context& ctx, http_client::Request request,
                                           const SeriesSink& sink) const {
  request.max_response_bytes = std::numeric_limits<size_t>::max();
  // Compressed answers of this size cost the server more than the network saves, and they may look
  // like bombs.
  request.accept_gzip = false;
  RangeStream stream(sink);
  int status = 0;
  OPSMESH_RETURN_IF_ERROR(http_.Stream(
      ctx, std::move(request),
      [&](const http_client::ResponseHead& head) {
        status = head.status;
        return absl::OkStatus();
      },
      [&](std::string_view bytes) { return stream.Add(bytes); }));
  return stream.Finish(status);
}

absl::StatusOr<QueryResult> Client::Query(const base::Context& ctx, const std::string& promql,
                                          absl::Time time) const {
  return Post(ctx, "/api/v1/query",
              fmt::format("query={}&time={}", base::PercentEncode(promql), Seconds(time)));
}

http_client::Request Client::Form(const std::string& path, std::string form) const {
  http_client::Request request;
  request.method = "POST";
  request.url = base_url_ + path;
  request.headers = {{"Content-Type", "application/x-www-form-urlencoded"},
                     {"Accept", "application/json"}};
  if (!options_.token.empty()) {
    request.secret_headers.emplace_back("Authorization",
                                        base::Secret("Bearer " + options_.token.Reveal()));
  }
  request.body = std::move(form);
  request.accept_gzip = true;
  return request;
}

absl::StatusOr<QueryResult> Client::Post(const base::Context& ctx, const std::string& path,
                                         std::string form) const {
  http_client::Request request = Form(path, std::move(form));
  const ResponseLimits limits;
  request.max_response_bytes = limits.max_bytes;
  OPSMESH_ASSIGN_OR_RETURN(const http_client::Response response,
                           http_.Fetch(ctx.WithTimeout(options_.timeout), std::move(request)));
  return ParseQueryResponse(response.status, response.body, limits);
}

}  // namespace opsmesh::prometheus
