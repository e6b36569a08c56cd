#include "libs/prometheus/range_stream.h"

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "libs/base/error.h"

namespace opsmesh::prometheus {
namespace {

constexpr char kTwoSeries[] =
    R"({"status":"success","data":{"resultType":"matrix","result":[)"
    R"({"metric":{"__name__":"x","pod":"a\"]}[{"},"values":[[1,"1"],[2,"2.5"]]},)"
    R"( {"metric":{"__name__":"x","pod":"b"},"values":[[1,"NaN"]]}]},"warnings":["partial"]})";

struct Outcome {
  std::vector<RangeSeries> series;
  absl::StatusOr<QueryResult> result = QueryResult();
};

Outcome Read(std::string_view body, size_t piece, int status = 200) {
  Outcome outcome;
  RangeStream stream([&](RangeSeries series) {
    outcome.series.push_back(std::move(series));
    return absl::OkStatus();
  });
  for (size_t i = 0; i < body.size(); i += piece) {
    const absl::Status added = stream.Add(body.substr(i, piece));
    if (!added.ok()) {
      outcome.result = added;
      return outcome;
    }
  }
  outcome.result = stream.Finish(status);
  return outcome;
}

TEST(RangeStream, HandsOverTheSameSeriesHoweverTheBytesAreCut) {
  for (const size_t piece : {1, 2, 3, 7, 64, 100000}) {
    const Outcome outcome = Read(kTwoSeries, piece);
    ASSERT_TRUE(outcome.result.ok()) << outcome.result.status().message();
    ASSERT_EQ(outcome.series.size(), 2u) << "pieces of " << piece;
    EXPECT_EQ(outcome.series[0].labels.at("pod"), "a\"]}[{");
    EXPECT_EQ(outcome.series[0].values, (std::vector<double>{1, 2.5}));
    EXPECT_EQ(outcome.series[1].labels.at("pod"), "b");
    EXPECT_EQ(outcome.result->warnings, std::vector<std::string>{"partial"});
  }
}

TEST(RangeStream, KeepsWhatCameBeforeTheAnswerBroke) {
  const std::string_view whole = kTwoSeries;
  const Outcome outcome = Read(whole.substr(0, whole.find("\"b\"")), 11);
  EXPECT_EQ(outcome.series.size(), 1u);
  EXPECT_EQ(base::DetailOf(outcome.result.status()).reason, "PROMETHEUS_MALFORMED");
}

TEST(RangeStream, TellsWhatPrometheusRefused) {
  const Outcome outcome =
      Read(R"({"status":"error","errorType":"timeout","error":"query timed out"})", 5, 503);
  EXPECT_EQ(base::DetailOf(outcome.result.status()).reason, "PROMETHEUS_TIMEOUT");
}

TEST(RangeStream, AScalarIsASeries) {
  const Outcome outcome =
      Read(R"({"status":"success","data":{"resultType":"scalar","result":[3,"4"]}})", 4);
  ASSERT_TRUE(outcome.result.ok());
  ASSERT_EQ(outcome.series.size(), 1u);
  EXPECT_EQ(outcome.series[0].values, std::vector<double>{4});
}

TEST(RangeStream, SaysTheSameAsTheWholeParserOfEveryBadAnswer) {
  const char* source = std::getenv("OPSMESH_SOURCE_DIR");
  const std::filesystem::path folder = std::filesystem::path(source == nullptr ? "." : source) /
                                       "../shared/badinputs/own/prometheus";
  if (!std::filesystem::exists(folder)) {
    GTEST_SKIP() << "NOT RUN: there is no ../shared beside the clone";
  }
  size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::ifstream file(entry.path(), std::ios::binary);
    std::stringstream text;
    text << file.rdbuf();
    const std::string body = text.str();
    const absl::StatusOr<QueryResult> whole = ParseQueryResponse(200, body);
    const Outcome streamed = Read(body, 13);
    EXPECT_EQ(whole.ok(), streamed.result.ok())
        << entry.path() << whole.status() << streamed.result.status();
    if (whole.ok() && streamed.result.ok()) {
      ASSERT_EQ(whole->series.size(), streamed.series.size()) << entry.path();
      for (size_t i = 0; i < whole->series.size(); ++i) {
        EXPECT_EQ(whole->series[i].times, streamed.series[i].times) << entry.path();
        EXPECT_EQ(whole->series[i].labels, streamed.series[i].labels) << entry.path();
      }
    }
    ++count;
  }
  EXPECT_GT(count, 10u);
}

}  // namespace
}  // namespace opsmesh::prometheus
