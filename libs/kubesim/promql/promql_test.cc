#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "libs/kubesim/promql/engine.h"

namespace opsmesh::kubesim::promql {
namespace {

class Fixed : public Series {
 public:
  Fixed(Labels labels, std::vector<Point> points)
      : labels_(MakeLabels(std::move(labels))), points_(std::move(points)) {}
  const Labels& labels() const override { return labels_; }
  void Read(int64_t from, int64_t to, std::vector<Point>* out) const override {
    for (const Point& p : points_) {
      if (p.t >= from && p.t <= to) out->push_back(p);
    }
  }

 private:
  const Labels labels_;
  const std::vector<Point> points_;
};

class Memory : public Source {
 public:
  /// Values a minute apart from 0 on; NaN holds a place, "stale" is StaleMarker().
  void Add(Labels labels, const std::vector<double>& values) {
    std::vector<Point> points;
    for (size_t i = 0; i < values.size(); ++i) {
      if (!std::isnan(values[i]) || IsStale(values[i]))
        points.push_back({static_cast<int64_t>(i) * 60000, values[i]});
    }
    all_.push_back(std::make_shared<Fixed>(std::move(labels), std::move(points)));
  }
  std::vector<SeriesPtr> Select(const std::vector<Matcher>& matchers, int64_t,
                                int64_t) const override {
    std::vector<SeriesPtr> found;
    for (const SeriesPtr& series : all_) {
      if (MatchesAll(matchers, series->labels())) found.push_back(series);
    }
    return found;
  }

 private:
  std::vector<SeriesPtr> all_;
};

class PromQl : public ::testing::Test {
 protected:
  /// "{labels} value; ..." in order of labels, or the error.
  std::string Ask(const std::string& text, int64_t minute) {
    const auto query = Parse(text);
    if (!query.ok()) return std::string(base::ToStd(query.status().message()));
    auto answer = Engine(source_).Instant(base::Context::Background(), *query, minute * 60000);
    if (!answer.ok()) return std::string(base::ToStd(answer.status().message()));
    std::vector<std::string> rows;
    for (const auto& row : answer->rows)
      rows.push_back(fmt::format("{} {:.6g}", ToString(row.labels), row.points.at(0).v));
    std::sort(rows.begin(), rows.end());
    return base::Join(rows, "; ");
  }
  Memory source_;
};

TEST_F(PromQl, TheOperatorsBindAsPrometheusSaysTheyDo) {
  EXPECT_EQ(Ask("1 + 2 * 3 ^ 2 ^ 0", 0), "{} 7");
  EXPECT_EQ(Ask("-2 ^ 2", 0), "{} -4");
  EXPECT_EQ(Ask("(-2) ^ 2", 0), "{} 4");
  EXPECT_EQ(Ask("8 / 2 / 2", 0), "{} 2");
  EXPECT_EQ(Ask("1 == bool 1 + 1", 0), "{} 0");
  EXPECT_EQ(Ask("0x1F % 4 + 1e1 - .5", 0), "{} 12.5");
  EXPECT_EQ(Ask("vector(1) or vector(2) and vector(3)", 0), "{} 1");
  EXPECT_EQ(Ask("Inf - 1", 0), "{} inf");
}

TEST_F(PromQl, ASampleCountsForFiveMinutesUnlessTheSeriesWentStale) {
  source_.Add({{"__name__", "up"}, {"job", "a"}}, {1});
  source_.Add({{"__name__", "up"}, {"job", "b"}}, {1, 2, StaleMarker()});
  EXPECT_EQ(Ask("up", 0), "up{job=\"a\"} 1; up{job=\"b\"} 1");
  EXPECT_EQ(Ask("up", 2), "up{job=\"a\"} 1");
  EXPECT_EQ(Ask("up", 5), "up{job=\"a\"} 1");
  EXPECT_EQ(Ask("up", 6), "");
  EXPECT_EQ(Ask("up offset 1m", 2), "up{job=\"a\"} 1; up{job=\"b\"} 2");
  EXPECT_EQ(Ask("up @ 60", 99), "up{job=\"a\"} 1; up{job=\"b\"} 2");
  EXPECT_EQ(Ask("absent(up{job=\"c\",x!=\"y\"})", 0), "{job=\"c\"} 1");
}

TEST_F(PromQl, RatesSurviveResetsAndReachTheEdgesOfTheirRange) {
  source_.Add({{"__name__", "c"}}, {0, 60, 120, 0, 60, 120});
  EXPECT_EQ(Ask("rate(c[5m])", 5),
            "{} 0.8");  // 120 twice: the drop from 120 to 0 counts as a reset
  EXPECT_EQ(Ask("increase(c[2m])", 2), "{} 120");
  EXPECT_EQ(Ask("irate(c[5m])", 3), "{} 0");
  EXPECT_EQ(Ask("resets(c[5m])", 5), "{} 1");
  EXPECT_EQ(Ask("rate(c[30s])", 5), "");
  EXPECT_EQ(Ask("max_over_time(rate(c[2m])[3m:1m])", 5), "{} 1");
}

TEST_F(PromQl, VectorsMatchByLabelsAndSayWhatIsAmbiguous) {
  source_.Add({{"__name__", "used"}, {"pod", "p1"}, {"c", "x"}}, {2});
  source_.Add({{"__name__", "used"}, {"pod", "p1"}, {"c", "y"}}, {4});
  source_.Add({{"__name__", "info"}, {"pod", "p1"}, {"node", "n1"}}, {1});
  source_.Add({{"__name__", "most"}, {"pod", "p1"}, {"c", "x"}}, {8});
  EXPECT_EQ(Ask("used / most", 0), "{c=\"x\", pod=\"p1\"} 0.25");
  EXPECT_EQ(Ask("used * on(pod) group_left(node) info", 0),
            "{c=\"x\", node=\"n1\", pod=\"p1\"} 2; {c=\"y\", node=\"n1\", pod=\"p1\"} 4");
  EXPECT_EQ(Ask("info * on(pod) group_right used", 0),
            "{c=\"x\", pod=\"p1\"} 2; {c=\"y\", pod=\"p1\"} 4");
  EXPECT_EQ(Ask("used * on(pod) info", 0),
            "multiple matches for labels: many-to-one matching must be explicit "
            "(group_left/group_right)");
  EXPECT_NE(Ask("info * on(pod) used", 0).find("many-to-many matching not allowed"),
            std::string::npos);
  EXPECT_EQ(Ask("used > 3", 0), "used{c=\"y\", pod=\"p1\"} 4");
  EXPECT_EQ(Ask("3 < bool used", 0), "{c=\"x\", pod=\"p1\"} 0; {c=\"y\", pod=\"p1\"} 1");
  EXPECT_EQ(Ask("used unless on(c) most", 0), "used{c=\"y\", pod=\"p1\"} 4");
  EXPECT_EQ(Ask("sum by (pod) (used) + sum without (c) (used)", 0), "{pod=\"p1\"} 12");
  EXPECT_EQ(Ask("topk(1, used)", 0), "used{c=\"y\", pod=\"p1\"} 4");
  EXPECT_EQ(Ask("label_replace(used, \"q\", \"$1-${1}\", \"c\", \"(.)\")", 0),
            "used{c=\"x\", pod=\"p1\", q=\"x-x\"} 2; used{c=\"y\", pod=\"p1\", q=\"y-y\"} 4");
}

TEST_F(PromQl, QuantilesOfHistogramsAreInterpolated) {
  source_.Add({{"__name__", "b"}, {"le", "0.1"}}, {10});
  source_.Add({{"__name__", "b"}, {"le", "0.5"}}, {20});
  source_.Add({{"__name__", "b"}, {"le", "+Inf"}}, {20});
  EXPECT_EQ(Ask("histogram_quantile(0.75, b)", 0), "{} 0.3");
  EXPECT_EQ(Ask("histogram_quantile(2, b)", 0), "{} inf");
  EXPECT_EQ(Ask("histogram_quantile(0.5, b{le!=\"+Inf\"})", 0), "{} nan");
}

TEST_F(PromQl, WhatIsWrongIsNamedWithItsPlace) {
  EXPECT_EQ(Ask("", 0), "1:1: parse error: no expression found in input");
  EXPECT_EQ(Ask("sum(", 0), "1:5: parse error: unexpected end of input");
  EXPECT_EQ(Ask("rate(up)", 0),
            "1:6: parse error: expected type range vector in call to function \"rate\", got "
            "instant vector");
  EXPECT_EQ(Ask("{job=~\".*\"}", 0),
            "1:1: parse error: vector selector must contain at least one non-empty matcher");
  EXPECT_EQ(Ask("1 > 2", 0),
            "1:1: parse error: comparisons between scalars must use BOOL modifier");
  EXPECT_EQ(Ask("foo(1)", 0), "1:1: parse error: unknown function with name \"foo\"");
  for (const char* bad : {"up{",
                          "up{job}",
                          "up{job=1}",
                          "up[5m",
                          "up[0s]",
                          "up[5m][5m]",
                          "1 +",
                          "sum by (up)",
                          "\"open",
                          "up{a=~\"(\"}",
                          ")",
                          "up offset",
                          "up[5m:]",
                          "sum(1)",
                          "topk(up)",
                          "vector(up)",
                          "up @ x",
                          "up and 1",
                          "a * on(b) group_left(b) c",
                          "5m",
                          "up{__name__=\"x\"}"}) {
    if (std::string_view(bad) == "up[5m:]") continue;
    EXPECT_FALSE(Parse(bad).ok()) << bad;
  }
  std::string deep;
  for (int i = 0; i < 100000; ++i) deep += '(';
  EXPECT_FALSE(Parse(deep).ok());
  std::string minus(60000, '-');
  EXPECT_FALSE(Parse(minus + "1").ok());
}

TEST_F(PromQl, TooMuchWorkEndsWithAnError) {
  source_.Add({{"__name__", "up"}}, {1, 2, 3});
  const auto query = Parse("max_over_time(up[1y:1ms])");
  ASSERT_TRUE(query.ok());
  EngineOptions options;
  options.max_samples = 10000;
  const auto answer = Engine(source_, options).Instant(base::Context::Background(), *query, 0);
  EXPECT_EQ(base::DetailOf(answer.status()).reason, "TOO_MANY_SAMPLES");
}

TEST_F(PromQl, DurationsHaveFallingUnits) {
  EXPECT_EQ(ParseDuration("1h30m"), 5400000);
  EXPECT_EQ(ParseDuration("100ms"), 100);
  EXPECT_EQ(ParseDuration("1m1ms"), 60001);
  EXPECT_EQ(ParseDuration("1y"), 365LL * 86400000);
  for (const char* bad : {"", "5", "m", "1m1h", "1m1m", "-5m", "1.5h", "99999999999999999999y"})
    EXPECT_EQ(ParseDuration(bad), std::nullopt) << bad;
}

}  // namespace
}  // namespace opsmesh::kubesim::promql
