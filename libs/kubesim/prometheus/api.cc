#include "libs/kubesim/prometheus/api.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>

#include "libs/base/error.h"
#include "libs/base/json_string.h"
#include "libs/base/strings.h"
#include "libs/kubesim/prometheus/answer_json.h"
#include "libs/kubesim/prometheus/parameters.h"

namespace opsmesh::kubesim::prometheus {
namespace {

using http_server::Request;
using http_server::Response;
using promql::ValueType;

constexpr int64_t kMaxPoints = 11000;

Response Json(int status, std::string body) {
  Response response;
  response.status = status;
  response.headers.Set("Content-Type", "application/json");
  response.body = std::move(body);
  return response;
}

Response Success(std::string_view data) {
  return Json(200, fmt::format(R"({{"status":"success","data":{}}})", data));
}

Response Failure(int status, std::string_view type, std::string_view message) {
  std::string body = fmt::format(R"({{"status":"error","errorType":"{}","error":)", type);
  base::AppendJsonString(message, &body);
  return Json(status, body + "}");
}

Response Bad(std::string_view parameter, std::string_view why) {
  return Failure(400, "bad_data", fmt::format("invalid parameter \"{}\": {}", parameter, why));
}

Response Text(int status, std::string body) {
  Response response;
  response.status = status;
  response.headers.Set("Content-Type", "text/plain; charset=utf-8");
  response.body = std::move(body);
  return response;
}

/// As Prometheus names what an evaluation ended with.
Response Ended(const absl::Status& status) {
  const std::string_view message = base::ToStd(status.message());
  switch (status.code()) {
    case absl::StatusCode::kDeadlineExceeded:
      return Failure(503, "timeout", "query timed out in expression evaluation");
    case absl::StatusCode::kCancelled:
      return Failure(503, "canceled", "query was canceled in expression evaluation");
    default:
      return Failure(422, "execution", message);
  }
}

constexpr std::string_view kBuildInfo =
    R"({"version":"2.42.0","revision":"opsmesh-demo","branch":"HEAD","buildUser":"opsmesh","buildDate":"","goVersion":""})";

}  // namespace

Response Api::Answer(const base::Context& ctx, const Request& request) const {
  const std::string_view path = request.path;
  if (path == "/-/ready") return Text(200, "Prometheus Server is Ready.\n");
  if (path == "/-/healthy") return Text(200, "Prometheus Server is Healthy.\n");
  if (path == "/")
    return Text(200,
                "The demo's Prometheus: metrics of a simulated cluster, at /api/v1/query and the "
                "rest of the API.\n");
  constexpr std::string_view kPrefix = "/api/v1/";
  if (!path.starts_with(kPrefix)) return Text(404, "404 page not found\n");
  const bool post = request.method == "POST";
  if (!post && request.method != "GET") {
    Response response = Text(405, "Method Not Allowed\n");
    response.headers.Set("Allow", "GET, OPTIONS, POST");
    return response;
  }
  Form form;
  const bool is_form = base::AsciiLower(request.headers.Get("Content-Type"))
                           .starts_with("application/x-www-form-urlencoded");
  if ((post && is_form && !ReadForm(request.body, &form)) || !ReadForm(request.raw_query, &form)) {
    return Failure(400, "bad_data", "error parsing form values: invalid URL escape");
  }
  const base::Context bounded = ctx.WithTimeout(options_.timeout);
  const std::string_view what = path.substr(kPrefix.size());
  if (what == "query") return Query(bounded, form);
  if (what == "query_range") return QueryRange(bounded, form);
  if (what == "series") return Series(form);
  if (what == "labels") return LabelNames(form);
  if (what == "metadata") return Metadata(form);
  if (what == "status/buildinfo") return Success(kBuildInfo);
  if (what == "status/runtimeinfo")
    return Success(R"({"storageRetention":"14d","reloadConfigSuccess":true,"corruptionCount":0})");
  if (what == "status/flags")
    return Success(R"({"query.lookback-delta":"5m","storage.tsdb.retention.time":"14d"})");
  if (what == "status/config") return Success(R"({"yaml":""})");
  if (what == "rules") return Success(R"({"groups":[]})");
  if (what == "alerts") return Success(R"({"alerts":[]})");
  if (what == "targets") return Targets(form);
  if (what == "alertmanagers")
    return Success(R"({"activeAlertmanagers":[],"droppedAlertmanagers":[]})");
  if (what == "query_exemplars") return Success("[]");
  if (what.size() > 13 && what.starts_with("label/") && what.ends_with("/values")) {
    return LabelValues(form, what.substr(6, what.size() - 6 - 7));
  }
  return Text(404, "404 page not found\n");
}

namespace {

/// The context with the caller's own `timeout`, when it is smaller.
std::optional<base::Context> WithTimeoutOf(const base::Context& ctx, const std::string& text) {
  if (text.empty()) return ctx;
  const auto span = ParseSpan(text);
  if (!span) return std::nullopt;
  return ctx.WithTimeout(absl::Milliseconds(std::max<int64_t>(0, *span)));
}

std::string QueryError(const absl::Status& status) {
  return std::string(base::ToStd(status.message()));
}

}  // namespace

Response Api::Query(const base::Context& ctx, const Form& form) const {
  int64_t at = absl::ToUnixMillis(options_.clock->Now());
  if (const std::string time = ValueOf(form, "time"); !time.empty()) {
    const auto parsed = ParseTimestamp(time);
    if (!parsed) return Bad("time", fmt::format("cannot parse \"{}\" to a valid timestamp", time));
    at = *parsed;
  }
  const std::string timeout = ValueOf(form, "timeout");
  const auto bounded = WithTimeoutOf(ctx, timeout);
  if (!bounded)
    return Bad("timeout", fmt::format("cannot parse \"{}\" to a valid duration", timeout));
  const auto query = promql::Parse(ValueOf(form, "query"));
  if (!query.ok()) return Bad("query", QueryError(query.status()));
  const auto answer = promql::Engine(source_, options_.engine).Instant(*bounded, *query, at);
  if (!answer.ok()) return Ended(answer.status());
  return Success(ResultJson(*answer, at));
}

Response Api::QueryRange(const base::Context& ctx, const Form& form) const {
  int64_t bounds[2] = {0, 0};
  for (const int i : {0, 1}) {
    const char* name = i == 0 ? "start" : "end";
    const std::string text = ValueOf(form, name);
    const auto parsed = ParseTimestamp(text);
    if (!parsed) return Bad(name, fmt::format("cannot parse \"{}\" to a valid timestamp", text));
    bounds[i] = *parsed;
  }
  if (bounds[1] < bounds[0]) return Bad("end", "end timestamp must not be before start time");
  const std::string step_text = ValueOf(form, "step");
  const auto step = ParseSpan(step_text);
  if (!step) return Bad("step", fmt::format("cannot parse \"{}\" to a valid duration", step_text));
  if (*step <= 0)
    return Bad(
        "step",
        "zero or negative query resolution step widths are not accepted. Try a positive integer");
  if ((bounds[1] - bounds[0]) / *step > kMaxPoints) {
    return Failure(400, "bad_data",
                   "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing "
                   "the query resolution (?step=XX)");
  }
  const std::string timeout = ValueOf(form, "timeout");
  const auto bounded = WithTimeoutOf(ctx, timeout);
  if (!bounded)
    return Bad("timeout", fmt::format("cannot parse \"{}\" to a valid duration", timeout));
  const auto query = promql::Parse(ValueOf(form, "query"));
  if (!query.ok()) return Bad("query", QueryError(query.status()));
  const ValueType type = query->root->type;
  if (type != ValueType::kScalar && type != ValueType::kVector) {
    return Bad(
        "query",
        fmt::format(
            "invalid expression type \"{}\" for range query, must be Scalar or instant Vector",
            promql::TypeName(type)));
  }
  const auto answer =
      promql::Engine(source_, options_.engine).Range(*bounded, *query, bounds[0], bounds[1], *step);
  if (!answer.ok()) return Ended(answer.status());
  return Success(ResultJson(*answer, bounds[1]));
}

bool Api::Matching(const Form& form, bool required, std::vector<promql::SeriesPtr>* found,
                   Response* wrong) const {
  const int64_t now = absl::ToUnixMillis(options_.clock->Now());
  int64_t bounds[2] = {now - absl::ToInt64Milliseconds(options_.history), now};
  for (const int i : {0, 1}) {
    const char* name = i == 0 ? "start" : "end";
    const std::string text = ValueOf(form, name);
    if (text.empty()) continue;
    const auto parsed = ParseTimestamp(text);
    if (!parsed) {
      *wrong = Bad(name, fmt::format("cannot parse \"{}\" to a valid timestamp", text));
      return false;
    }
    bounds[i] = *parsed;
  }
  std::vector<std::vector<promql::Matcher>> selectors;
  for (const auto& [key, value] : form) {
    if (key != "match[]") continue;
    auto selector = promql::ParseSelector(value);
    if (!selector.ok()) {
      *wrong = Bad("match[]", QueryError(selector.status()));
      return false;
    }
    selectors.push_back(*std::move(selector));
  }
  if (selectors.empty() && required) {
    *wrong = Failure(400, "bad_data", "no match[] parameter provided");
    return false;
  }
  if (selectors.empty()) selectors.emplace_back();
  std::set<promql::Labels> known;
  for (const auto& selector : selectors) {
    for (promql::SeriesPtr& series : source_.Select(selector, bounds[0], bounds[1])) {
      if (selectors.size() > 1 && !known.insert(series->labels()).second) continue;
      found->push_back(std::move(series));
    }
  }
  return true;
}

Response Api::Series(const Form& form) const {
  std::vector<promql::SeriesPtr> found;
  Response wrong;
  if (!Matching(form, true, &found, &wrong)) return wrong;
  std::sort(found.begin(), found.end(),
            [](const auto& a, const auto& b) { return a->labels() < b->labels(); });
  std::string out = "[";
  for (const auto& series : found) {
    if (out.size() > 1) out += ',';
    AppendLabels(series->labels(), &out);
  }
  return Success(out + "]");
}

Response Api::LabelNames(const Form& form) const {
  std::vector<promql::SeriesPtr> found;
  Response wrong;
  if (!Matching(form, false, &found, &wrong)) return wrong;
  std::set<std::string> names;
  for (const auto& series : found) {
    for (const auto& label : series->labels()) names.insert(label.first);
  }
  return Success(NamesJson(names));
}

Response Api::LabelValues(const Form& form, std::string_view name) const {
  if (!promql::IsLabelName(name))
    return Failure(400, "bad_data", fmt::format("invalid label name: \"{}\"", name));
  std::vector<promql::SeriesPtr> found;
  Response wrong;
  if (!Matching(form, false, &found, &wrong)) return wrong;
  std::set<std::string> values;
  for (const auto& series : found) {
    const std::string_view value = promql::ValueOf(series->labels(), name);
    if (!value.empty()) values.emplace(value);
  }
  return Success(NamesJson(values));
}

/// Every target that `up` tells of now, up or down; nothing is ever dropped.
Response Api::Targets(const Form& form) const {
  const int64_t now = absl::ToUnixMillis(options_.clock->Now());
  const std::string state = ValueOf(form, "state");
  const std::string pool = ValueOf(form, "scrapePool");
  std::string active;
  const auto up = promql::ParseSelector("up");
  for (const auto& series : source_.Select(*up, now - 60'000, now)) {
    std::vector<promql::Point> points;
    series->Read(now - 60'000, now, &points);
    const std::string job(promql::ValueOf(series->labels(), "job"));
    if (points.empty() || std::isnan(points.back().v) || state == "dropped") continue;
    if (!pool.empty() && pool != job) continue;
    promql::Labels labels = series->labels();
    std::erase_if(labels, [](const auto& label) { return label.first == promql::kMetricName; });
    const std::string_view path = promql::ValueOf(labels, "metrics_path");
    const bool answers = points.back().v == 1;
    active += active.empty() ? R"({"discoveredLabels":{},"labels":)"
                             : R"(,{"discoveredLabels":{},"labels":)";
    AppendLabels(labels, &active);
    active += R"(,"scrapePool":)";
    base::AppendJsonString(job, &active);
    active += R"(,"scrapeUrl":)";
    base::AppendJsonString(fmt::format("http://{}{}", promql::ValueOf(labels, "instance"),
                                       path.empty() ? "/metrics" : path),
                           &active);
    active += fmt::format(
        R"(,"globalUrl":"","lastError":"{}","lastScrape":"{}","lastScrapeDuration":{},"health":"{}",)"
        R"("scrapeInterval":"15s","scrapeTimeout":"10s"}})",
        answers ? "" : "context deadline exceeded",
        base::Rfc3339(absl::FromUnixMillis(points.back().t)), answers ? 0.011 : 10,
        answers ? "up" : "down");
  }
  return Success(fmt::format(R"({{"activeTargets":[{}],"droppedTargets":[]}})", active));
}

Response Api::Metadata(const Form& form) const {
  const std::string wanted = ValueOf(form, "metric");
  std::string out = "{";
  if (options_.metadata) {
    for (const auto& [name, info] : options_.metadata()) {
      if (!wanted.empty() && name != wanted) continue;
      if (out.size() > 1) out += ',';
      base::AppendJsonString(name, &out);
      out += R"(:[{"type":)";
      base::AppendJsonString(info.type, &out);
      out += R"(,"help":)";
      base::AppendJsonString(info.help, &out);
      out += R"(,"unit":""}])";
    }
  }
  return Success(out + "}");
}

}  // namespace opsmesh::kubesim::prometheus
