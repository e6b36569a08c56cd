#include "libs/prometheus/response.h"

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>

#include "gtest/gtest.h"
#include "libs/base/error.h"

namespace opsmesh::prometheus {
namespace {

std::string Matrix(std::string_view values) {
  return R"({"status":"success","data":{"resultType":"matrix","result":[{"metric":{"pod":"a"},"values":)" +
         std::string(values) + "}]}}";
}

TEST(PrometheusResponse, SortsSamplesAndKeepsTheLastOfEqualStamps) {
  const auto result = ParseQueryResponse(200, Matrix(R"([[30,"3"],[10,"1"],[30,"4"],[20,"2"]])"));
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->series.at(0).times, (std::vector<double>{10, 20, 30}));
  EXPECT_EQ(result->series.at(0).values, (std::vector<double>{1, 2, 4}));
}

TEST(PrometheusResponse, ReadsNotANumberInfinityAndNumbersThatAreNoStrings) {
  const auto result =
      ParseQueryResponse(200, Matrix(R"([[1,"NaN"],[2,"+Inf"],[3,1.5],[4,"1e400"]])"));
  ASSERT_TRUE(result.ok());
  const auto& values = result->series.at(0).values;
  EXPECT_TRUE(std::isnan(values.at(0)));
  EXPECT_TRUE(std::isinf(values.at(1)));
  EXPECT_EQ(values.at(2), 1.5);
  EXPECT_TRUE(std::isinf(values.at(3)));
}

TEST(PrometheusResponse, SaysWhatItCouldNotUse) {
  const auto result = ParseQueryResponse(200, Matrix(R"([["now","1"],[2,"abc"],[3,"3"]])"));
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->series.at(0).values.size(), 1u);
  EXPECT_EQ(result->skipped.size(), 2u);
}

TEST(PrometheusResponse, AnErrorOfPrometheusKeepsItsKind) {
  const auto result =
      ParseQueryResponse(422, R"({"status":"error","errorType":"timeout","error":"too slow"})");
  EXPECT_EQ(base::DetailOf(result.status()).reason, "PROMETHEUS_TIMEOUT");
}

TEST(PrometheusResponse, APageOfAProxyIsNamedAsSuch) {
  const auto result = ParseQueryResponse(200, "<html>login</html>");
  EXPECT_EQ(base::DetailOf(result.status()).reason, "PROMETHEUS_MALFORMED");
  EXPECT_NE(std::string(result.status().message()).find("<html>login"), std::string::npos);
}

TEST(PrometheusResponse, EveryHostileReplyOfTheSharedCollectionEndsInAResultOrATypedError) {
  const char* source = std::getenv("OPSMESH_SOURCE_DIR");
  const std::filesystem::path folder = std::filesystem::path(source == nullptr ? "." : source) /
                                       "../shared/badinputs/own/prometheus";
  if (!std::filesystem::is_directory(folder)) {
    std::cout << "NOT RUN: " << folder
              << " is absent; only the replies written in this file were judged.\n";
    return;
  }
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string body((std::istreambuf_iterator<char>(file)), {});
    const auto result = ParseQueryResponse(200, body);
    const std::string name = entry.path().filename();
    const bool must_fail =
        name == "html.json" || name == "truncated.json" || name.starts_with("error_");
    EXPECT_EQ(result.ok(), !must_fail) << name << ": " << result.status();
  }
}

}  // namespace
}  // namespace opsmesh::prometheus
