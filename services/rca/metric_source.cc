#include "services/rca/metric_source.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>
#include <utility>

#include "fmt/format.h"
#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "libs/prometheus/client.h"
#include "libs/prometheus/query.h"
#include "libs/prometheus/series_reader.h"
#include "services/rca/series_store.h"

namespace opsmesh::rca {
namespace {

constexpr size_t kMaxQueries = 100;
constexpr absl::Duration kLongestWindow = absl::Hours(24 * 400);
constexpr absl::Duration kLabelsTimeout = absl::Seconds(5);
constexpr size_t kMaxLabelSets = 20'000;
constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();

absl::Time FromProto(const google::protobuf::Timestamp& t) {
  return absl::FromUnixSeconds(t.seconds()) + absl::Nanoseconds(t.nanos());
}

std::string LabelText(const std::map<std::string, std::string>& labels) {
  std::string text;
  for (const auto& [key, value] : labels) {
    text += fmt::format("{}{}={}", text.empty() ? "" : ",", key, prometheus::QuoteString(value));
  }
  return "{" + text + "}";
}

MetricSeries Named(prometheus::RangeSeries series, const prometheus::SeriesQuery& query,
                   const MetricQuery& asked) {
  MetricSeries named;
  const std::string& title = asked.title;
  const auto name = series.labels.find("__name__");
  named.metric = !title.empty()                ? title
                 : !query.metric.empty()       ? query.metric
                 : name != series.labels.end() ? name->second
                                               : query.text;
  named.titled = !title.empty();
  named.noise = asked.noise;
  const bool tells_metric = query.metric.empty() && name != series.labels.end();
  const std::string stem = tells_metric ? name->second : query.metric;
  series.labels.erase("__name__");
  named.name = query.text;
  if (!series.labels.empty())
    named.name = (stem.empty() ? query.text + " " : stem) + LabelText(series.labels);
  named.labels = std::move(series.labels);
  named.times = std::move(series.times);
  named.values = std::move(series.values);
  for (double& value : named.values) {
    if (!Usable(value)) value = kMissing;
  }
  return named;
}

type::v1::LedgerEntry& Entry(type::v1::LedgerEntry* entry, std::string_view subject,
                             std::string_view reason) {
  entry->set_source("prometheus");
  entry->set_subject(std::string(subject));
  if (!reason.empty()) entry->set_reason(std::string(reason));
  return *entry;
}

void Count(type::v1::LedgerEntry& entry, size_t shown, size_t total) {
  entry.set_shown_count(static_cast<int64_t>(shown));
  entry.set_total_count(static_cast<int64_t>(total));
}

void Record(const MetricQuery& query, const absl::StatusOr<prometheus::SeriesRead>& read,
            type::v1::Ledger& ledger) {
  const std::string& subject = query.title.empty() ? query.text : query.title;
  if (!read.ok()) {
    Entry(ledger.add_failed(), subject, base::ToStd(read.status().message()));
    return;
  }
  for (const std::string& note : read->notes) Entry(ledger.add_not_checked(), subject, note);
  if (read->found == 0) {
    // A standard question whose exporter is not there was asked all the same.
    Count(query.optional ? Entry(ledger.add_checked(), subject, "")
                         : Entry(ledger.add_not_checked(), subject,
                                 "insufficient data: 0 series in this window"),
          0, read->total);
    return;
  }
  Count(Entry(ledger.add_checked(), subject, ""), read->found, read->total);
  if (read->ended_early.ok()) return;
  const std::string cause(base::ToStd(read->ended_early.message()));
  Count(Entry(ledger.add_failed(), subject,
              read->total > read->found
                  ? fmt::format("{} of {} series read: {}", read->found, read->total, cause)
                  : fmt::format("{} series read, then it ended: {}", read->found, cause)),
        read->found, read->total);
}

absl::Status CheckRequest(const MetricsRequest& request) {
  const absl::Time start = FromProto(request.start_time), end = FromProto(request.end_time);
  if (end <= start || end - start > kLongestWindow) {
    return base::InvalidArgument(
               "end_time", "TIME_WINDOW",
               "The window does not end after its begin, or is longer than 400 days.")
        .Hint("Give start_time before end_time, at most 400 days apart.");
  }
  if (!(request.step_seconds >= 0) || !std::isfinite(request.step_seconds)) {
    return base::InvalidArgument("step_seconds", "TIME_WINDOW",
                                 "The step is negative or no number.")
        .Hint("Leave it out to have it found.");
  }
  if (request.queries.empty() || request.queries.size() > kMaxQueries) {
    return base::InvalidArgument("metrics", "QUERY",
                                 fmt::format("{} queries are not between 1 and {}.",
                                             request.queries.size(), kMaxQueries))
        .Hint("Name the metrics that matter most.");
  }
  return absl::OkStatus();
}

bool InScope(const MetricSeries& series, const std::string& scope) {
  const auto found = series.labels.find("namespace");
  return scope.empty() || found == series.labels.end() || found->second == scope;
}

}  // namespace

MetricSource::MetricSource(http_client::Client& client, prometheus::Settings settings)
    : client_(client), settings_(std::move(settings)) {}

absl::StatusOr<type::v1::Ledger> MetricSource::Stream(const base::Context& ctx,
                                                      const MetricsRequest& request,
                                                      const SeriesTaker& take) const {
  OPSMESH_RETURN_IF_ERROR(CheckRequest(request));
  std::vector<prometheus::SeriesQuery> queries;
  for (const MetricQuery& query : request.queries) {
    // A standard question says itself how it is aggregated; its series are judged one by one.
    OPSMESH_ASSIGN_OR_RETURN(
        prometheus::SeriesQuery understood,
        prometheus::UnderstandQuery(query.text, query.optional ? "" : request.scope_namespace));
    queries.push_back(std::move(understood));
  }
  if (!configured()) {
    return base::FailedPrecondition("PROMETHEUS_NOT_CONFIGURED",
                                    "No Prometheus is configured, so there is nothing to read.")
        .Hint("Set PROMETHEUS_HOST (prometheus.url), or send the figures inline under 'series'.");
  }
  const prometheus::Client client(client_, {.address = settings_.base_url, .token = {}});
  const absl::Duration left = ctx.Remaining();
  const base::Context reading =
      left == absl::InfiniteDuration() ? ctx : ctx.WithTimeout(left * request.time_share);
  const prometheus::SeriesWindow window{.start = FromProto(request.start_time),
                                        .end = FromProto(request.end_time),
                                        .step_seconds = request.step_seconds};
  type::v1::Ledger ledger;
  absl::Status first;
  size_t failed = 0;
  for (size_t i = 0; i < queries.size(); ++i) {
    const auto read = prometheus::ReadSeries(
        reading, client, queries[i], window, [&](prometheus::RangeSeries series) {
          MetricSeries named = Named(std::move(series), queries[i], request.queries[i]);
          return InScope(named, request.scope_namespace) ? take(std::move(named))
                                                         : absl::OkStatus();
        });
    Record(request.queries[i], read, ledger);
    if (read.ok()) continue;
    if (first.ok()) first = read.status();
    ++failed;
  }
  OPSMESH_RETURN_IF_ERROR(ctx.cancelled() ? ctx.Check() : absl::OkStatus());
  if (failed < queries.size()) return ledger;
  if (first.code() == absl::StatusCode::kInvalidArgument ||
      first.code() == absl::StatusCode::kDeadlineExceeded)
    return first;
  return base::Unavailable("PROMETHEUS",
                           fmt::format("Prometheus at {} could not be read: {}", settings_.base_url,
                                       base::ToStd(first.message())))
      .Hint("Check that it is up and that PROMETHEUS_HOST names it.");
}

std::vector<std::map<std::string, std::string>> MetricSource::Labels(const base::Context& ctx,
                                                                     const std::string& promql,
                                                                     absl::Time at) const {
  std::vector<std::map<std::string, std::string>> sets;
  if (!configured()) return sets;
  const prometheus::Client client(client_, {.address = settings_.base_url, .token = {}});
  // Told apart from an error by nobody: what came before it counts.
  (void)client.StreamInstant(
      ctx.WithTimeout(kLabelsTimeout), promql, at, [&sets](prometheus::RangeSeries series) {
        sets.push_back(std::move(series.labels));
        return sets.size() < kMaxLabelSets ? absl::OkStatus()
                                           : absl::ResourceExhaustedError("enough");
      });
  return sets;
}

absl::StatusOr<MetricsRead> MetricSource::Read(const base::Context& ctx,
                                               const MetricsRequest& request) const {
  SeriesStore store;
  OPSMESH_ASSIGN_OR_RETURN(type::v1::Ledger ledger, Stream(ctx, request, [&](MetricSeries series) {
                             store.Add(std::move(series));
                             return absl::OkStatus();
                           }));
  if (store.merged() > 1) {
    Entry(
        ledger.add_not_checked(), "resolution",
        fmt::format("{} neighbouring points were averaged to stay within memory", store.merged()));
  }
  return MetricsRead{.series = store.Take(), .ledger = std::move(ledger)};
}

}  // namespace opsmesh::rca
