#include "libs/prometheus/response.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>

#include "fmt/format.h"
#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "simdjson.h"

namespace opsmesh::prometheus {
namespace {

using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::object;

constexpr size_t kMaxSentences = 100;

absl::Status Malformed(int http_status, std::string_view body, std::string_view why) {
  return base::Unavailable(
             "PROMETHEUS_MALFORMED",
             fmt::format("The answer (HTTP {}) is not one of Prometheus: {}. It begins with '{}'.",
                         http_status, why, base::SanitizeUtf8(base::Utf8Prefix(body, 120))))
      .Hint(
          "Check PROMETHEUS_HOST: the address must be the server itself, not a login page or a "
          "proxy in front of it.");
}

absl::Status ServerError(const object& root) {
  std::string_view type, text;
  if (root["errorType"].get(type) != simdjson::SUCCESS) type = "unknown";
  if (root["error"].get(text) != simdjson::SUCCESS) text = "no text";
  const std::string message = fmt::format("Prometheus refused the query ({}): {}", type, text);
  if (type == "bad_data") return base::InvalidArgument("metrics", "PROMETHEUS_BAD_DATA", message);
  if (type == "timeout") {
    return base::DeadlineExceeded("PROMETHEUS_TIMEOUT", message)
        .Hint("Ask for a shorter window or fewer series.");
  }
  if (type == "execution") {
    return base::FailedPrecondition("PROMETHEUS_EXECUTION", message)
        .Hint("Ask for a shorter window or fewer series.");
  }
  return base::Unavailable("PROMETHEUS_UNAVAILABLE", message)
      .Hint("Ask again when Prometheus is ready.");
}

// Prometheus writes values as strings; some proxies write numbers. nullopt = neither.
std::optional<double> Value(const element& json) {
  double number = 0;
  if (json.get(number) == simdjson::SUCCESS) return number;
  std::string_view text;
  if (json.get(text) != simdjson::SUCCESS || text.empty()) return std::nullopt;
  if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
  double plain = 0;
  const auto [stop, problem] = std::from_chars(text.data(), text.data() + text.size(), plain);
  if (problem == std::errc() && stop == text.data() + text.size()) return plain;
  // "+Inf", and what no double can hold: to infinity or to 0, as Prometheus itself reads it.
  const std::string copy(text);
  char* end = nullptr;
  const double value = std::strtod(copy.c_str(), &end);
  if (end != copy.c_str() + copy.size()) return std::nullopt;
  return value;
}

class Parser {
 public:
  explicit Parser(const ResponseLimits& limits) : limits_(limits) {}

  absl::Status AddSeries(const element& json) {
    object fields;
    if (json.get(fields) != simdjson::SUCCESS) return Skip("an entry that is not an object");
    RangeSeries series;
    object metric;
    if (fields["metric"].get(metric) == simdjson::SUCCESS) {
      for (const auto& [key, value] : metric) {
        std::string_view text;
        if (value.get(text) == simdjson::SUCCESS) series.labels.emplace(key, text);
      }
    }
    array samples;
    element single;
    if (fields["values"].get(samples) == simdjson::SUCCESS) {
      for (const element sample : samples) OPSMESH_RETURN_IF_ERROR(AddSample(sample, series));
    } else if (fields["value"].get(single) == simdjson::SUCCESS) {
      OPSMESH_RETURN_IF_ERROR(AddSample(single, series));
    } else {
      return Skip("a series without plain samples (a native histogram)");
    }
    Sort(series);
    result_.series.push_back(std::move(series));
    return absl::OkStatus();
  }

  absl::Status AddSample(const element& json, RangeSeries& series) {
    if (++samples_ > limits_.max_samples) {
      return base::ResourceExhausted(
                 "PROMETHEUS_TOO_MANY_SAMPLES",
                 fmt::format("The answer holds more than {} samples.", limits_.max_samples))
          .Hint("Ask for a shorter window, a larger step or fewer series.");
    }
    array pair;
    double time = 0;
    element raw;
    if (json.get(pair) != simdjson::SUCCESS || pair.at(0).get(time) != simdjson::SUCCESS ||
        pair.at(1).get(raw) != simdjson::SUCCESS || !std::isfinite(time)) {
      return Skip("a sample without a time");
    }
    const std::optional<double> value = Value(raw);
    if (!value) return Skip("a sample whose value is no number");
    series.times.push_back(time);
    series.values.push_back(*value);
    return absl::OkStatus();
  }

  QueryResult Take() {
    for (const auto& [what, count] : skipped_)
      result_.skipped.push_back(fmt::format("{} × {}", count, what));
    return std::move(result_);
  }
  QueryResult& result() { return result_; }

 private:
  absl::Status Skip(std::string_view what) {
    ++skipped_[std::string(what)];
    return absl::OkStatus();
  }

  static void Sort(RangeSeries& series) {
    const auto falls = [](double a, double b) { return a >= b; };
    if (std::adjacent_find(series.times.begin(), series.times.end(), falls) == series.times.end())
      return;
    std::vector<size_t> order(series.times.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](size_t a, size_t b) { return series.times[a] < series.times[b]; });
    RangeSeries sorted;
    for (const size_t i : order) {
      if (!sorted.times.empty() && sorted.times.back() == series.times[i]) {
        sorted.values.back() = series.values[i];
        continue;
      }
      sorted.times.push_back(series.times[i]);
      sorted.values.push_back(series.values[i]);
    }
    series.times = std::move(sorted.times);
    series.values = std::move(sorted.values);
  }

  const ResponseLimits& limits_;
  QueryResult result_;
  std::map<std::string, size_t> skipped_;
  size_t samples_ = 0;
};

}  // namespace

struct ResponseParser::Memory {
  simdjson::dom::parser parser;
};

ResponseParser::ResponseParser() : memory_(std::make_unique<Memory>()) {}
ResponseParser::~ResponseParser() = default;

absl::StatusOr<QueryResult> ParseQueryResponse(int http_status, std::string_view body,
                                               const ResponseLimits& limits) {
  return ResponseParser().Parse(http_status, body, limits);
}

absl::StatusOr<QueryResult> ResponseParser::Parse(int http_status, std::string_view body,
                                                  const ResponseLimits& limits) {
  if (body.size() > limits.max_bytes) {
    return base::ResourceExhausted("PROMETHEUS_TOO_LARGE",
                                   fmt::format("The answer has {} bytes.", body.size()))
        .Hint("Ask for a shorter window, a larger step or fewer series.");
  }
  object root;
  // The parser copies the bytes: it needs room behind them.
  if (memory_->parser.parse(body.data(), body.size()).get(root) != simdjson::SUCCESS) {
    return Malformed(http_status, body, "it is no JSON object");
  }
  std::string_view status;
  if (root["status"].get(status) != simdjson::SUCCESS)
    return Malformed(http_status, body, "it has no status");
  if (status != "success") return ServerError(root);

  Parser parser(limits);
  const auto sentences = [&root](const char* key, std::vector<std::string>& out) {
    array list;
    if (root[key].get(list) != simdjson::SUCCESS) return;
    for (const element entry : list) {
      std::string_view text;
      if (entry.get(text) == simdjson::SUCCESS && out.size() < kMaxSentences)
        out.emplace_back(text);
    }
  };
  sentences("warnings", parser.result().warnings);
  sentences("infos", parser.result().infos);
  std::string_view type;
  if (root["data"]["resultType"].get(type) != simdjson::SUCCESS)
    return Malformed(http_status, body, "it has no result");
  element result;
  if (root["data"]["result"].get(result) != simdjson::SUCCESS || result.is_null())
    return parser.Take();
  if (type == "scalar") {
    RangeSeries series;
    OPSMESH_RETURN_IF_ERROR(parser.AddSample(result, series));
    if (!series.times.empty()) parser.result().series.push_back(std::move(series));
    return parser.Take();
  }
  array list;
  if (result.get(list) != simdjson::SUCCESS)
    return Malformed(http_status, body, "its result is no list");
  for (const element entry : list) OPSMESH_RETURN_IF_ERROR(parser.AddSeries(entry));
  return parser.Take();
}

}  // namespace opsmesh::prometheus
