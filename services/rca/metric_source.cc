#include "services/rca/metric_source.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "fmt/format.h"
#include "libs/base/error.h"
#include "libs/prometheus/client.h"
#include "libs/prometheus/query.h"
#include "services/rca/series_store.h"

namespace opsmesh::rca {
namespace {

constexpr size_t kMaxQueries = 100;
// Prometheus answers no more points a series than this; raw samples are read up to the same number.
constexpr double kMaxPoints = 11000;
// Samples asked for at once; Prometheus itself refuses 50,000,000.
constexpr double kChunkSamples = 4e6;
constexpr absl::Duration kLongestWindow = absl::Hours(24 * 31);
// Share of the time left that reading may take; the rest is for judging.
constexpr double kReadingShare = 0.7;
// Steps after which missing samples are a gap that no rate is taken across.
constexpr double kGapSteps = 5;

absl::Time FromProto(const google::protobuf::Timestamp& t) {
  return absl::FromUnixSeconds(t.seconds()) + absl::Nanoseconds(t.nanos());
}

/// What a query is made of.
struct Query {
  std::string text;      // as given
  std::string metric;    // name, when it is a bare selector
  std::string selector;  // with the namespace; empty when it is an expression
  bool counter = false;
};

bool IsName(std::string_view text) {
  if (text.empty() || (text[0] >= '0' && text[0] <= '9')) return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == ':';
  });
}

bool IsCounter(std::string_view metric) {
  for (const std::string_view suffix : {"_total", "_count", "_sum", "_bucket"}) {
    if (metric.size() > suffix.size() && metric.substr(metric.size() - suffix.size()) == suffix)
      return true;
  }
  return false;
}

std::string WithMatcher(const std::string& selector, const std::string& matcher) {
  if (selector.back() != '}') return selector + "{" + matcher + "}";
  const bool empty = selector[selector.find_last_not_of(" \t", selector.size() - 2)] == '{';
  return selector.substr(0, selector.size() - 1) + (empty ? "" : ",") + matcher + "}";
}

absl::StatusOr<Query> Understand(const std::string& text, const std::string& scope_namespace) {
  const size_t from = text.find_first_not_of(" \t\r\n");
  if (from == std::string::npos) {
    return base::InvalidArgument("metrics", "QUERY", "A metric has no name.")
        .Hint("Name a metric or write a PromQL query.");
  }
  Query query;
  query.text = text.substr(from, text.find_last_not_of(" \t\r\n") - from + 1);
  const size_t brace = query.text.find('{');
  const std::string name = query.text.substr(0, std::min(brace, query.text.size()));
  const bool bare = brace == std::string::npos;
  // A selector ends with its only closing brace; what follows it (a range, an operator) makes an
  // expression.
  const bool selector =
      bare ? IsName(name)
           : (name.empty() || IsName(name)) && query.text.find('}') == query.text.size() - 1;
  if (selector) {
    query.metric = name;
    query.selector = query.text;
    query.counter = IsCounter(name);
    if (!scope_namespace.empty() && query.text.find("namespace") == std::string::npos) {
      query.selector = WithMatcher(
          query.selector, fmt::format("namespace={}", prometheus::QuoteString(scope_namespace)));
    }
  }
  return query;
}

std::string LabelText(const std::map<std::string, std::string>& labels) {
  std::string text;
  for (const auto& [key, value] : labels) {
    if (key != "__name__")
      text += fmt::format("{}{}={}", text.empty() ? "" : ",", key, prometheus::QuoteString(value));
  }
  return "{" + text + "}";
}

double MedianStep(const std::vector<double>& times) {
  if (times.size() < 2) return 0;
  std::vector<double> steps;
  for (size_t i = 1; i < std::min<size_t>(times.size(), 2000); ++i)
    steps.push_back(times[i] - times[i - 1]);
  std::nth_element(steps.begin(), steps.begin() + static_cast<std::ptrdiff_t>(steps.size() / 2),
                   steps.end());
  return steps[steps.size() / 2];
}

// Per second; a value that falls is a counter that began again at 0; across gaps there is no rate.
void ToRate(prometheus::RangeSeries& series) {
  const double gap = kGapSteps * MedianStep(series.times);
  size_t kept = 0;
  double last_time = 0, last_value = 0;
  bool any = false;
  for (size_t i = 0; i < series.times.size(); ++i) {
    const double time = series.times[i], value = series.values[i];
    if (!std::isfinite(value)) continue;
    const double passed = time - last_time;
    if (any && passed > 0 && passed <= gap) {
      const double grown = value >= last_value ? value - last_value : value;
      series.times[kept] = time;
      series.values[kept++] = grown / passed;
    }
    last_time = time;
    last_value = value;
    any = true;
  }
  series.times.resize(kept);
  series.values.resize(kept);
}

/// Pieces of a selector, each with at most kChunkSamples samples.
std::vector<std::string> Chunks(const std::string& selector, const prometheus::QueryResult& counts,
                                double total) {
  if (total <= kChunkSamples) return {selector};
  // The label that tells most series apart cuts best.
  std::map<std::string, std::map<std::string, double>> by_label;
  for (const prometheus::RangeSeries& series : counts.series) {
    for (const auto& [label, value] : series.labels)
      by_label[label][value] += series.values.empty() ? 0 : series.values[0];
  }
  std::string best;
  for (const auto& [label, values] : by_label) {
    if (best.empty() || values.size() > by_label[best].size()) best = label;
  }
  if (best.empty()) return {selector};
  std::vector<std::string> chunks;
  std::string alternatives;
  double samples = 0;
  const auto flush = [&] {
    if (!alternatives.empty()) {
      chunks.push_back(WithMatcher(
          selector, fmt::format("{}=~{}", best, prometheus::QuoteString(alternatives))));
    }
    alternatives.clear();
    samples = 0;
  };
  for (const auto& [value, count] : by_label[best]) {
    if (samples + count > kChunkSamples) flush();
    std::string quoted;
    for (const char c : value) {
      if (std::string_view(R"(\.+*?()|[]{}^$)").find(c) != std::string_view::npos) quoted += '\\';
      quoted += c;
    }
    alternatives += (alternatives.empty() ? "" : "|") + quoted;
    samples += count;
  }
  flush();
  chunks.push_back(WithMatcher(selector, best + "=\"\""));
  return chunks;
}

class Reader {
 public:
  Reader(const prometheus::Client& client, const MetricsRequest& request, MetricsRead& read)
      : client_(client),
        request_(request),
        read_(read),
        start_(FromProto(request.start_time)),
        end_(FromProto(request.end_time)) {}

  // One query; the error when nothing of it could be read.
  absl::Status Run(const base::Context& ctx, const Query& query) {
    query_ = &query;
    found_ = 0;
    expected_ = 0;
    rate_ = false;
    absl::Status status = query.selector.empty() || request_.step_seconds > 0
                              ? absl::UnavailableError("")
                              : ReadRaw(ctx);
    if (!status.ok() && found_ == 0 && ctx.Check().ok()) status = ReadRange(ctx);
    Record(status);
    return found_ == 0 ? status : absl::OkStatus();
  }

  void Finish() {
    read_.series = store_.Take();
    if (store_.merged() > 1) {
      Entry(read_.ledger.add_not_checked(), "resolution",
            fmt::format("{} neighbouring points were averaged to stay within memory",
                        store_.merged()));
    }
  }

 private:
  double Window() const { return absl::ToDoubleSeconds(end_ - start_); }

  absl::Status Take(prometheus::RangeSeries series) {
    ++found_;
    if (rate_) ToRate(series);
    MetricSeries kept;
    const auto name = series.labels.find("__name__");
    kept.metric = !query_->metric.empty()       ? query_->metric
                  : name != series.labels.end() ? name->second
                                                : query_->text;
    series.labels.erase("__name__");
    kept.name = series.labels.empty()
                    ? query_->text
                    : (query_->metric.empty() ? query_->text + " " : query_->metric) +
                          LabelText(series.labels);
    kept.labels = std::move(series.labels);
    for (size_t i = 0; i < series.times.size(); ++i) {
      if (!std::isfinite(series.values[i])) continue;
      kept.times.push_back(series.times[i]);
      kept.values.push_back(series.values[i]);
    }
    store_.Add(std::move(kept));
    return absl::OkStatus();
  }

  // Raw samples: their own stamps, gaps and all. UNAVAILABLE without samples when the server cannot
  // or there are too many.
  absl::Status ReadRaw(const base::Context& ctx) {
    const auto seconds = static_cast<int64_t>(std::ceil(Window()));
    OPSMESH_ASSIGN_OR_RETURN(const prometheus::QueryResult counts,
                             client_.Query(ctx,
                                           fmt::format("count_over_time({}[{}s])", query_->selector,
                                                       std::max<int64_t>(seconds, 1)),
                                           end_));
    double most = 0, total = 0;
    for (const prometheus::RangeSeries& series : counts.series) {
      if (series.values.size() != 1 || !(series.values[0] >= 1))
        return absl::UnavailableError("no counts");
      most = std::max(most, series.values[0]);
      total += series.values[0];
    }
    if (most < 2 || most > kMaxPoints + 1) return absl::UnavailableError("no raw samples");
    expected_ = counts.series.size();
    rate_ = query_->counter;
    const size_t before = store_.size();
    for (const std::string& chunk : Chunks(query_->selector, counts, total)) {
      // A range [Ns] is open at its begin: one more second takes the first sample in.
      const auto result = client_.StreamInstant(
          ctx, fmt::format("{}[{}s]", chunk, seconds + 1), end_, [&](prometheus::RangeSeries s) {
            while (!s.times.empty() &&
                   s.times.front() < absl::ToDoubleSeconds(start_ - absl::UnixEpoch())) {
              s.times.erase(s.times.begin());
              s.values.erase(s.values.begin());
            }
            return Take(std::move(s));
          });
      OPSMESH_RETURN_IF_ERROR(result.status());
      Warn(*result);
    }
    if (store_.LongestSince(before) < 2) {
      store_.DropSince(before);
      found_ = 0;
      return absl::UnavailableError("single samples");
    }
    return absl::OkStatus();
  }

  absl::Status ReadRange(const base::Context& ctx) {
    double step = request_.step_seconds;
    if (step <= 0) step = prometheus::StepFor(Window());
    const double least = std::ceil(Window() / (kMaxPoints - 1));
    if (step < least) {
      Entry(
          read_.ledger.add_not_checked(), query_->text,
          fmt::format("a step of {} s would need more than 11,000 points a series; {} s were used",
                      step, least));
      step = least;
    }
    read_.step_seconds = read_.step_seconds == 0 ? step : std::min(read_.step_seconds, step);
    std::string promql = query_->selector.empty() ? query_->text : query_->selector;
    if (query_->counter) {
      promql = fmt::format("rate({}[{}s])", promql,
                           static_cast<int64_t>(std::max(60.0, std::ceil(4 * step))));
    }
    rate_ = false;
    OPSMESH_ASSIGN_OR_RETURN(
        const prometheus::QueryResult result,
        client_.StreamRange(ctx, promql, start_, end_, step,
                            [&](prometheus::RangeSeries s) { return Take(std::move(s)); }));
    Warn(result);
    return absl::OkStatus();
  }

  void Warn(const prometheus::QueryResult& result) {
    for (const std::string& warning : result.warnings) {
      Entry(read_.ledger.add_not_checked(), query_->text,
            "Prometheus warns: " + warning.substr(0, 300));
    }
    for (size_t i = 0; i < std::min<size_t>(3, result.skipped.size()); ++i) {
      Entry(read_.ledger.add_not_checked(), query_->text, result.skipped[i]);
    }
  }

  void Record(const absl::Status& status) {
    const size_t total = std::max(expected_, found_);
    read_.total_series += total;
    if (!status.ok()) {
      const std::string cause(status.message());
      Entry(read_.ledger.add_failed(), query_->text,
            found_ == 0     ? cause
            : expected_ > 0 ? fmt::format("{} of {} series read: {}", found_, total, cause)
                            : fmt::format("{} series read, then it ended: {}", found_, cause));
      Count(read_.ledger.mutable_failed(read_.ledger.failed_size() - 1), total);
    }
    if (!status.ok() && found_ == 0) return;
    type::v1::LedgerEntry* entry =
        found_ == 0 ? read_.ledger.add_not_checked() : read_.ledger.add_checked();
    Entry(entry, query_->text, found_ == 0 ? "insufficient data: 0 series in this window" : "");
    Count(entry, total);
  }

  void Count(type::v1::LedgerEntry* entry, size_t total) {
    entry->set_shown_count(static_cast<int64_t>(found_));
    entry->set_total_count(static_cast<int64_t>(total));
  }

  static void Entry(type::v1::LedgerEntry* entry, std::string_view subject,
                    std::string_view reason) {
    entry->set_source("prometheus");
    entry->set_subject(std::string(subject));
    if (!reason.empty()) entry->set_reason(std::string(reason));
  }

  const prometheus::Client& client_;
  const MetricsRequest& request_;
  MetricsRead& read_;
  const absl::Time start_;
  const absl::Time end_;
  SeriesStore store_;
  const Query* query_ = nullptr;
  size_t found_ = 0;
  size_t expected_ = 0;
  bool rate_ = false;
};

}  // namespace

MetricSource::MetricSource(http_client::Client& client, prometheus::Settings settings)
    : client_(client), settings_(std::move(settings)) {}

absl::StatusOr<MetricsRead> MetricSource::Read(const base::Context& ctx,
                                               const MetricsRequest& request) const {
  const absl::Time start = FromProto(request.start_time), end = FromProto(request.end_time);
  if (end <= start || end - start > kLongestWindow) {
    return base::InvalidArgument(
               "end_time", "TIME_WINDOW",
               "The window does not end after its begin, or is longer than 31 days.")
        .Hint("Give start_time before end_time, at most 31 days apart.");
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
  std::vector<Query> queries;
  for (const std::string& text : request.queries) {
    OPSMESH_ASSIGN_OR_RETURN(Query query, Understand(text, request.scope_namespace));
    queries.push_back(std::move(query));
  }
  if (!configured()) {
    return base::FailedPrecondition("PROMETHEUS_NOT_CONFIGURED",
                                    "No Prometheus is configured, so there is nothing to read.")
        .Hint("Set PROMETHEUS_HOST (prometheus.url), or send the figures inline under 'series'.");
  }
  const prometheus::Client client(client_, {.address = settings_.base_url, .token = {}});
  MetricsRead read;
  Reader reader(client, request, read);
  const absl::Duration left = ctx.Remaining();
  const base::Context reading =
      left == absl::InfiniteDuration() ? ctx : ctx.WithTimeout(left * kReadingShare);
  absl::Status first;
  size_t failed = 0;
  for (const Query& query : queries) {
    const absl::Status status = reader.Run(reading, query);
    if (status.ok()) continue;
    if (first.ok()) first = status;
    ++failed;
  }
  reader.Finish();
  OPSMESH_RETURN_IF_ERROR(ctx.cancelled() ? ctx.Check() : absl::OkStatus());
  if (failed == queries.size()) {
    if (first.code() == absl::StatusCode::kInvalidArgument ||
        first.code() == absl::StatusCode::kDeadlineExceeded)
      return first;
    return base::Unavailable("PROMETHEUS",
                             fmt::format("Prometheus at {} could not be read: {}",
                                         settings_.base_url, std::string(first.message())))
        .Hint("Check that it is up and that PROMETHEUS_HOST names it.");
  }
  return read;
}

}  // namespace opsmesh::rca
