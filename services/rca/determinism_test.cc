// The same request gives the same bytes: again, and on any number of threads. All methods are asked
// for by name.
#include <cmath>
#include <string>

#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "gtest/gtest.h"
#include "libs/analytics/detect/methods.h"
#include "libs/analytics/detect/random.h"
#include "libs/http_client/http_client.h"
#include "services/rca/correlate_series.h"
#include "services/rca/detect_anomalies.h"
#include "services/rca/root_cause.h"

namespace opsmesh::rca {
namespace {

// Maps in the order of their keys: the bytes are those of the content.
std::string Bytes(const google::protobuf::Message& message) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    message.SerializeToCodedStream(&coded);
  }
  return bytes;
}

class Determinism : public testing::Test {
 protected:
  Determinism()
      : client_(http_client::Client::Create()), source_(*client_, prometheus::Settings()) {}

  static double Value(uint64_t series, size_t i) {
    analytics::SplitMix64 random(series * 100003 + i);
    const double spike = i == 250 + series ? 60 : 0;
    return 50 + 10 * std::sin(2 * M_PI * static_cast<double>(i) / 24) + 4 * random.Uniform() +
           (i > 300 ? 8 : 0) + spike;
  }

  const base::Context ctx_ = base::Context::Background();
  const std::unique_ptr<http_client::Client> client_;
  const MetricSource source_;
};

TEST_F(Determinism, DetectionByEveryMethodIsTheSameOnOneTwoAndFiveThreads) {
  v1::DetectAnomaliesRequest request;
  request.set_include_methods(true);
  request.set_seed(42);
  for (const analytics::Method method : analytics::AllMethods())
    request.add_methods(std::string(MethodName(method)));
  for (uint64_t s = 0; s < 12; ++s) {
    v1::NamedSeries& series = *request.add_series();
    series.set_name("series " + std::to_string(s));
    for (size_t i = 0; i < 400; ++i) {
      series.add_times(1.7e9 + 3600.0 * static_cast<double>(i));
      series.add_values(Value(s, i));
    }
  }
  for (const char* mode : {"BATCH", "STREAMING"}) {
    request.set_mode(mode);
    const auto one = DetectAnomalies(ctx_, request, source_, {.threads = 1});
    ASSERT_TRUE(one.ok()) << one.status().message();
    for (const size_t threads : {1, 2, 5}) {
      const auto other = DetectAnomalies(ctx_, request, source_, {.threads = threads});
      ASSERT_TRUE(other.ok()) << other.status().message();
      EXPECT_EQ(Bytes(*one), Bytes(*other)) << mode << " on " << threads;
    }
    for (const v1::SeriesAnomalies& result : one->results()) {
      ASSERT_EQ(result.methods_size(), 12) << "all that were named";
      ASSERT_GE(result.anomalies_size(), 1) << mode;
      for (const v1::MethodResult& method : result.methods()) {
        EXPECT_FALSE(method.has_not_judged()) << method.method() << method.not_judged();
        EXPECT_EQ(method.scores_size(), 400) << method.method();
        double most = 0;
        for (const double score : method.scores()) {
          ASSERT_TRUE(score >= 0 && score <= 1) << method.method();
          most = std::max(most, score);
        }
        EXPECT_GT(most, 0.3) << mode << ": " << method.method() << " saw neither spike nor shift";
      }
    }
  }
}

TEST_F(Determinism, CorrelationIsTheSameOnOneTwoAndFiveThreads) {
  v1::CorrelateSeriesRequest request;
  for (uint64_t s = 0; s < 40; ++s) {
    type::v1::TimeSeries& series = *request.add_series();
    series.set_metric("metric " + std::to_string(s));
    for (size_t i = 0; i < 300; ++i) {
      series.add_times(1.7e9 + 60.0 * static_cast<double>(i));
      series.add_values(Value(s / 3, i) + 0.1 * Value(s + 100, i));
    }
  }
  const auto one = CorrelateSeries(ctx_, request, 1);
  ASSERT_TRUE(one.ok()) << one.status().message();
  EXPECT_GT(one->correlations_size(), 10);
  for (const size_t threads : {1, 2, 5}) {
    const auto other = CorrelateSeries(ctx_, request, threads);
    ASSERT_TRUE(other.ok()) << other.status().message();
    EXPECT_EQ(Bytes(*one), Bytes(*other)) << threads;
  }
}

TEST_F(Determinism, ARootCauseIsTheSameEachTime) {
  v1::AnalyzeRootCauseRequest request;
  for (uint64_t s = 0; s < 8; ++s) {
    for (const char* metric : {"latency", "cpu"}) {
      v1::ServiceSeries& series = *request.add_series();
      series.set_service("service " + std::to_string(s));
      series.set_metric(metric);
      for (size_t i = 0; i < 120; ++i) {
        series.add_times(1.7e9 + 60.0 * static_cast<double>(i));
        series.add_values(Value(s, i) + (s == 5 && i > 80 ? 100 : 0));
      }
    }
    if (s > 0) {
      v1::CallEdge& edge = *request.add_edges();
      edge.set_caller("service 0");
      edge.set_callee("service " + std::to_string(s));
    }
  }
  const auto one = AnalyzeRootCause(ctx_, request, source_, nullptr, {});
  ASSERT_TRUE(one.ok()) << one.status().message();
  ASSERT_GT(one->root_causes_size(), 0);
  EXPECT_EQ(one->root_causes(0).service(), "service 5");
  for (int round = 0; round < 3; ++round) {
    const auto other = AnalyzeRootCause(ctx_, request, source_, nullptr, {});
    ASSERT_TRUE(other.ok()) << other.status().message();
    EXPECT_EQ(Bytes(*one), Bytes(*other));
  }
}

}  // namespace
}  // namespace opsmesh::rca
