// Reads the answer of a range query piece by piece: a series is handed over as soon as its last
// byte is there, so that ten thousand series need no more memory than the largest of them.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/prometheus/response.h"

namespace opsmesh::prometheus {

/// Takes a finished series; an error stops the reading and is what Add() returns.
using SeriesSink = std::function<absl::Status(RangeSeries)>;

/// Push parser of one answer. Not thread-safe. Bytes may be any; errors as ParseQueryResponse.
class RangeStream {
 public:
  /// `max_series_bytes` bounds the text of one series.
  explicit RangeStream(SeriesSink sink, size_t max_series_bytes = 16 << 20);

  /// Next bytes of the body.
  absl::Status Add(std::string_view bytes);
  /// After the last byte. The result has no series: they went to the sink.
  absl::StatusOr<QueryResult> Finish(int http_status);

  size_t series_count() const { return series_count_; }

 private:
  /// Takes the plain bytes in front at once: inside a string all but its end and escapes, between
  /// the strings of a series all but quotes and brackets.
  absl::Status TakeRun(std::string_view* bytes);
  void InString(char c);
  /// A quote or an opening bracket; any other byte means nothing.
  void Open(char c);
  /// A closing bracket; true when it is the last byte of a series.
  bool Close();
  absl::Status Keep(char c);
  absl::Status EndOfSeries();
  absl::Status CheckSize() const;

  const SeriesSink sink_;
  const size_t max_series_bytes_;
  std::string series_;    // text of the series under way
  std::string envelope_;  // everything else
  std::string key_;       // last key at the depth of "result"
  std::string string_;    // string under way at that depth
  QueryResult skipped_;
  ResponseParser parser_;
  size_t series_count_ = 0;
  int depth_ = 0;
  bool in_series_ = false;
  bool in_result_ = false;
  bool in_string_ = false;
  bool escaped_ = false;
};

}  // namespace opsmesh::prometheus
