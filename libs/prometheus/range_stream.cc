#include "libs/prometheus/range_stream.h"

#include <utility>

#include "fmt/format.h"
#include "libs/base/error.h"

namespace opsmesh::prometheus {
namespace {

// Depths inside {"data":{"result":[{series}]}}: of the keys of "data", and of the entries of
// "result".
constexpr int kDataDepth = 2;
constexpr int kEntryDepth = 3;
constexpr size_t kMaxEnvelope = 1 << 20;
constexpr size_t kMaxKey = 64;
constexpr std::string_view kBefore =
    R"({"status":"success","data":{"resultType":"matrix","result":[)";
constexpr std::string_view kAfter = "]}}";

bool Structural(char c) { return c == '"' || c == '{' || c == '[' || c == '}' || c == ']'; }

}  // namespace

RangeStream::RangeStream(SeriesSink sink, size_t max_series_bytes)
    : sink_(std::move(sink)), max_series_bytes_(max_series_bytes) {}

absl::Status RangeStream::Add(std::string_view bytes) {
  while (true) {
    OPSMESH_RETURN_IF_ERROR(TakeRun(&bytes));
    if (bytes.empty()) return absl::OkStatus();
    const char c = bytes.front();
    bytes.remove_prefix(1);
    if (in_string_) {
      InString(c);
    } else if (c == '}' || c == ']') {
      if (Close()) {
        series_ += c;
        OPSMESH_RETURN_IF_ERROR(EndOfSeries());
        continue;  // the envelope stays a list of nothing
      }
    } else {
      Open(c);
    }
    OPSMESH_RETURN_IF_ERROR(Keep(c));
  }
}

absl::Status RangeStream::TakeRun(std::string_view* bytes) {
  size_t n = 0;
  if (in_string_) {
    while (n < bytes->size() && !escaped_ && (*bytes)[n] != '"' && (*bytes)[n] != '\\') ++n;
  } else if (in_series_) {
    while (n < bytes->size() && !Structural((*bytes)[n])) ++n;
  }
  const std::string_view run = bytes->substr(0, n);
  bytes->remove_prefix(n);
  if (in_series_) {
    series_.append(run);
    return CheckSize();
  }
  if (envelope_.size() < kMaxEnvelope) envelope_.append(run);
  if (depth_ == kDataDepth && string_.size() < kMaxKey) string_.append(run);
  return absl::OkStatus();
}

void RangeStream::InString(char c) {
  if (escaped_) {
    escaped_ = false;
  } else if (c == '\\') {
    escaped_ = true;
  } else if (c == '"') {
    in_string_ = false;
    if (depth_ == kDataDepth && !in_series_) key_ = string_;
  }
}

void RangeStream::Open(char c) {
  if (c == '"') {
    in_string_ = true;
    string_.clear();
    return;
  }
  if (c != '{' && c != '[') return;
  if (c == '[' && depth_ == kDataDepth && key_ == "result") in_result_ = true;
  if (c == '{' && depth_ == kEntryDepth && in_result_) {
    in_series_ = true;
    series_.assign(kBefore);
  }
  ++depth_;
}

bool RangeStream::Close() {
  --depth_;
  if (in_series_) return depth_ == kEntryDepth;
  if (in_result_ && depth_ == kDataDepth) in_result_ = false;
  return false;
}

absl::Status RangeStream::Keep(char c) {
  if (in_series_) {
    series_ += c;
    return CheckSize();
  }
  const bool between_series = c == ',' && in_result_ && depth_ == kEntryDepth && series_count_ > 0;
  if (envelope_.size() < kMaxEnvelope && !between_series) envelope_ += c;
  return absl::OkStatus();
}

absl::Status RangeStream::CheckSize() const {
  if (series_.size() <= max_series_bytes_) return absl::OkStatus();
  return base::ResourceExhausted(
             "PROMETHEUS_TOO_LARGE",
             fmt::format("One series of the answer has more than {} bytes.", max_series_bytes_))
      .Hint("Ask for a shorter window or a larger step.");
}

absl::Status RangeStream::EndOfSeries() {
  in_series_ = false;
  series_.append(kAfter);
  OPSMESH_ASSIGN_OR_RETURN(QueryResult result, parser_.Parse(200, series_));
  for (std::string& sentence : result.skipped) {
    if (skipped_.skipped.size() < 100) skipped_.skipped.push_back(std::move(sentence));
  }
  ++series_count_;
  for (RangeSeries& series : result.series) OPSMESH_RETURN_IF_ERROR(sink_(std::move(series)));
  return absl::OkStatus();
}

absl::StatusOr<QueryResult> RangeStream::Finish(int http_status) {
  if (in_series_)
    envelope_.append(series_, kBefore.size(), 200);  // cut in the middle: not one of Prometheus
  OPSMESH_ASSIGN_OR_RETURN(QueryResult result, ParseQueryResponse(http_status, envelope_));
  // A scalar stands in the envelope whole.
  for (RangeSeries& series : result.series) OPSMESH_RETURN_IF_ERROR(sink_(std::move(series)));
  result.series.clear();
  result.skipped.insert(result.skipped.end(), skipped_.skipped.begin(), skipped_.skipped.end());
  return result;
}

}  // namespace opsmesh::prometheus
