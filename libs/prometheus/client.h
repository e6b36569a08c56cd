// Reads a Prometheus server over its HTTP API.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/base/context.h"
#include "libs/base/secret.h"
#include "libs/http_client/http_client.h"
#include "libs/prometheus/range_stream.h"
#include "libs/prometheus/response.h"

namespace opsmesh::prometheus {

struct ClientOptions {
  /// "127.0.0.1:9090", "http://prometheus:9090" or "https://host/prometheus"; http:// is added when
  /// there is no scheme.
  std::string address;
  /// Sent as a bearer token when not empty.
  base::Secret token;
  /// Longest wait for one query.
  absl::Duration timeout = absl::Seconds(20);
};

/// Thread-safe. Every method ends with the context's deadline.
class Client {
 public:
  /// `http` must outlive the client.
  Client(http_client::Client& http, ClientOptions options);

  /// Evaluates `promql` from `start` to `end` every `step_seconds`. Errors as ParseQueryResponse
  /// and those of the HTTP client; INVALID_ARGUMENT (TIME_RANGE) when the window is empty or would
  /// have more than 11,000 points.
  absl::StatusOr<QueryResult> QueryRange(const base::Context& ctx, const std::string& promql,
                                         absl::Time start, absl::Time end,
                                         double step_seconds) const;
  /// As QueryRange, but each series goes to `sink` as soon as it has arrived, and the result holds
  /// none: for answers that are larger than the memory. An error of `sink` ends the transfer. When
  /// the transfer breaks, what came before it has been handed over.
  absl::StatusOr<QueryResult> StreamRange(const base::Context& ctx, const std::string& promql,
                                          absl::Time start, absl::Time end, double step_seconds,
                                          const SeriesSink& sink) const;
  /// The same for an instant query, for instance of raw samples ("up[1h]").
  absl::StatusOr<QueryResult> StreamInstant(const base::Context& ctx, const std::string& promql,
                                            absl::Time time, const SeriesSink& sink) const;
  /// Evaluates `promql` at `time`.
  absl::StatusOr<QueryResult> Query(const base::Context& ctx, const std::string& promql,
                                    absl::Time time) const;

  const std::string& address() const { return base_url_; }

 private:
  http_client::Request Form(const std::string& path, std::string form) const;
  absl::StatusOr<QueryResult> Stream(const base::Context& ctx, http_client::Request request,
                                     const SeriesSink& sink) const;
  absl::StatusOr<QueryResult> Post(const base::Context& ctx, const std::string& path,
                                   std::string form) const;

  http_client::Client& http_;
  ClientOptions options_;
  std::string base_url_;
};

}  // namespace opsmesh::prometheus
