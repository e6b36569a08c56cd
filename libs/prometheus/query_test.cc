#include "libs/prometheus/query.h"

#include "gtest/gtest.h"
#include "libs/base/error.h"

namespace opsmesh::prometheus {
namespace {

TEST(Query, ALabelValueCannotBecomeCode) {
  const auto selector = Selector("up", {{"pod", Matcher::Op::kEqual, "a\"} or vector(1) #\n\\"}});
  ASSERT_TRUE(selector.ok());
  EXPECT_EQ(*selector, R"(up{pod="a\"} or vector(1) #\n\\"})");
}

TEST(Query, NamesThatPrometheusWouldNotAllowAreRefused) {
  EXPECT_EQ(base::DetailOf(Selector("up{a=\"b\"}", {}).status()).reason, "METRIC_NAME");
  EXPECT_EQ(base::DetailOf(Selector("", {}).status()).reason, "METRIC_NAME");
  EXPECT_EQ(base::DetailOf(Selector("up", {{"a-b", Matcher::Op::kEqual, "x"}}).status()).reason,
            "LABEL_NAME");
}

TEST(Query, StepsKeepAWindowBelowTheLimitAndNeverBelowTheFloor) {
  EXPECT_EQ(StepFor(600), 15);
  EXPECT_EQ(StepFor(86400), 87);
}

}  // namespace
}  // namespace opsmesh::prometheus
