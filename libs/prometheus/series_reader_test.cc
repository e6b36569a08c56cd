#include "libs/prometheus/series_reader.h"

#include <cmath>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "libs/http_server/http_server.h"
#include "libs/prometheus/selector_chunks.h"

namespace opsmesh::prometheus {
namespace {

constexpr double kStart = 1.7e9;

TEST(UnderstandQuery, TellsSelectorsFromExpressions) {
  for (const char* selector :
       {"up", " up ", "job:x:rate5m", "up{}", R"(up{a="b"})", R"({__name__=~"a|b"})",
        R"(up{a="}"})", R"(up {a='{'})", "up{a=`\\`}"}) {
    const auto query = UnderstandQuery(selector);
    ASSERT_TRUE(query.ok()) << selector;
    EXPECT_FALSE(query->selector.empty()) << selector;
  }
  for (const char* expression : {"rate(up[5m])", R"(up{a="b"}[5m])", R"(up{a="b"} > 1)", "1",
                                 R"(sum(up{a="}"}))", R"(up{a="b"} + up{a="b"})"}) {
    const auto query = UnderstandQuery(expression);
    ASSERT_TRUE(query.ok()) << expression;
    EXPECT_TRUE(query->selector.empty()) << expression;
  }
  EXPECT_EQ(base::DetailOf(UnderstandQuery(" \t").status()).reason, "QUERY");
}

TEST(UnderstandQuery, AddsTheNamespaceOnceAndWithoutBreakingTheSelector) {
  EXPECT_EQ(UnderstandQuery("up", "shop")->selector, R"(up{namespace="shop"})");
  EXPECT_EQ(UnderstandQuery("up{}", "shop")->selector, R"(up{namespace="shop"})");
  EXPECT_EQ(UnderstandQuery(R"(up{a="b",})", "shop")->selector, R"(up{a="b",namespace="shop"})");
  EXPECT_EQ(UnderstandQuery(R"(up{namespace=~"x.*"})", "shop")->selector,
            R"(up{namespace=~"x.*"})");
  EXPECT_EQ(UnderstandQuery(R"(up{exported_namespace="x"})", "sh\"op")->selector,
            R"(up{exported_namespace="x",namespace="sh\"op"})");
}

TEST(UnderstandQuery, KnowsCountersByTheirNames) {
  EXPECT_TRUE(UnderstandQuery("http_requests_total")->counter);
  EXPECT_TRUE(UnderstandQuery(R"(x_bucket{le="1"})")->counter);
  EXPECT_FALSE(UnderstandQuery("node_load1")->counter);
  EXPECT_FALSE(UnderstandQuery("job:http_requests:rate5m_sum")->counter);
}

RangeSeries Counted(std::map<std::string, std::string> labels, double count) {
  return {.labels = std::move(labels), .times = {1}, .values = {count}};
}

TEST(SelectorChunks, CutsByTheLabelThatTellsMostApartAndMissesNone) {
  std::vector<RangeSeries> counts;
  for (int i = 0; i < 10; ++i)
    counts.push_back(Counted({{"job", "a"}, {"pod", fmt::format("p.{}", i)}}, 40));
  counts.push_back(Counted({{"job", "b"}}, 40));
  EXPECT_EQ(SelectorChunks("x", counts, 1000), std::vector<std::string>{"x"});
  EXPECT_EQ(SelectorChunks("x", counts, 165),
            (std::vector<std::string>{R"(x{pod=""})", R"(x{pod=~"p\\.0|p\\.1|p\\.2|p\\.3"})",
                                      R"(x{pod=~"p\\.4|p\\.5|p\\.6|p\\.7"})",
                                      R"(x{pod=~"p\\.8|p\\.9"})"}));
  // A value that alone is too much is cut by another label.
  counts = {Counted({{"job", "a"}, {"le", "1"}}, 60), Counted({{"job", "a"}, {"le", "2"}}, 60),
            Counted({{"job", "b"}, {"le", "1"}}, 60)};
  EXPECT_EQ(SelectorChunks("x", counts, 100).size(), 3u);
}

/// Answers by what the form asks; keeps what it was asked.
class FakePrometheus {
 public:
  using Answer = std::function<std::string(const std::string& path, const std::string& form)>;
  explicit FakePrometheus(Answer answer) : answer_(std::move(answer)) {
    auto server =
        http_server::Server::Start({}, [this](std::shared_ptr<http_server::Exchange> exchange) {
          const std::string& form = exchange->request().body;
          {
            const std::lock_guard lock(mutex_);
            asked_.push_back(form);
          }
          std::string body = answer_(exchange->request().path, form);
          const int status = body.find(R"("error")") == std::string::npos ? 200 : 422;
          exchange->Respond({.status = status, .headers = {}, .body = std::move(body)});
        });
    EXPECT_TRUE(server.ok());
    server_ = *std::move(server);
    client_ = http_client::Client::Create();
    prometheus_ = std::make_unique<Client>(
        *client_, ClientOptions{.address = fmt::format("127.0.0.1:{}", server_->port())});
  }

  absl::StatusOr<SeriesRead> Read(const std::string& text, size_t max_series = 10'000) {
    series.clear();
    const auto query = UnderstandQuery(text);
    if (!query.ok()) return query.status();
    const SeriesWindow window{.start = absl::FromUnixSeconds(1'700'000'000),
                              .end = absl::FromUnixSeconds(1'700'003'600),
                              .max_series = max_series};
    return ReadSeries(base::Context::Background().WithTimeout(absl::Seconds(20)), *prometheus_,
                      *query, window, [this](RangeSeries one) {
                        series.push_back(std::move(one));
                        return absl::OkStatus();
                      });
  }
  std::vector<std::string> asked() {
    const std::lock_guard lock(mutex_);
    return asked_;
  }

  std::vector<RangeSeries> series;

 private:
  const Answer answer_;
  std::mutex mutex_;
  std::vector<std::string> asked_;
  std::unique_ptr<http_server::Server> server_;
  std::unique_ptr<http_client::Client> client_;
  std::unique_ptr<Client> prometheus_;
};

std::string Matrix(const std::string& entries, const char* more = "") {
  return R"({"status":"success","data":{"resultType":"matrix","result":[)" + entries + "]}" + more +
         "}";
}
std::string Count(const std::string& pod, int count) {
  return fmt::format(R"({{"metric":{{"pod":"{}"}},"value":[1,"{}"]}})", pod, count);
}
std::string Samples(const std::string& pod, const std::vector<std::pair<double, double>>& samples) {
  std::string values;
  for (const auto& [time, value] : samples)
    values += fmt::format("{}[{},\"{}\"]", values.empty() ? "" : ",", time, value);
  return fmt::format(R"({{"metric":{{"pod":"{}"}},"values":[{}]}})", pod, values);
}
bool IsCount(const std::string& form) { return form.find("count_over_time") != std::string::npos; }

TEST(ReadSeries, ReadsRawSamplesWithTheirOwnStampsAndCutsWhatLiesBeforeTheWindow) {
  FakePrometheus server([](const std::string&, const std::string& form) {
    return IsCount(form)
               ? Matrix(Count("a", 3))
               : Matrix(Samples(
                     "a", {{kStart - 0.5, 9}, {kStart, 1}, {kStart + 7, 2}, {kStart + 31, 3}}));
  });
  const auto read = server.Read("load");
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->step_seconds, 0);
  ASSERT_EQ(server.series.size(), 1u);
  EXPECT_EQ(server.series[0].times, (std::vector<double>{kStart, kStart + 7, kStart + 31}));
  EXPECT_EQ(server.series[0].values, (std::vector<double>{1, 2, 3}));
}

TEST(ReadSeries, RatesCountersOverResetsButNotOverGaps) {
  FakePrometheus server([](const std::string&, const std::string& form) {
    return IsCount(form) ? Matrix(Count("a", 7))
                         : Matrix(Samples("a", {{kStart, 100},
                                                {kStart + 10, 130},
                                                {kStart + 20, 5},
                                                {kStart + 30, 15},
                                                {kStart + 90, 1000},
                                                {kStart + 100, 1010}}));
  });
  const auto read = server.Read("requests_total");
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(server.series[0].times,
            (std::vector<double>{kStart + 10, kStart + 20, kStart + 30, kStart + 100}));
  EXPECT_EQ(server.series[0].values, (std::vector<double>{3, 0.5, 1, 1}));
}

TEST(ReadSeries, SaysHowManyOfHowManyWhenTheAnswerBreaksOff) {
  FakePrometheus server([](const std::string&, const std::string& form) {
    if (IsCount(form)) return Matrix(Count("a", 2) + "," + Count("b", 2) + "," + Count("c", 2));
    return Matrix(Samples("a", {{kStart, 1}, {kStart + 1, 2}}) + R"(,{"metric":{"pod":"b"},"val)")
        .substr(0, 170);
  });
  const auto read = server.Read("load");
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->found, 1u);
  EXPECT_EQ(read->total, 3u);
  EXPECT_EQ(base::DetailOf(read->ended_early).reason, "PROMETHEUS_MALFORMED");
}

TEST(ReadSeries, TakesNoMoreSeriesThanItIsAllowed) {
  FakePrometheus server([](const std::string&, const std::string& form) {
    if (IsCount(form)) return Matrix(Count("a", 2) + "," + Count("b", 2));
    return Matrix(Samples("a", {{kStart, 1}}) + "," + Samples("b", {{kStart, 1}}));
  });
  const auto read = server.Read("load", 1);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->found, 1u);
  EXPECT_EQ(read->total, 2u);
  EXPECT_EQ(base::DetailOf(read->ended_early).reason, "TOO_MANY_SERIES");
}

TEST(ReadSeries, AsksCoarserWhenPrometheusRefusesSoManySamples) {
  FakePrometheus server([](const std::string&, const std::string& form) {
    if (form.find("step=60") == std::string::npos)
      return std::string(
          R"({"status":"error","errorType":"execution","error":"too many samples"})");
    return Matrix(Samples("a", {{kStart, 1}, {kStart + 60, 2}}),
                  R"(,"warnings":["half is missing"],"infos":["maybe no counter"])");
  });
  const auto read = server.Read("sum(load)");
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->step_seconds, 60);
  ASSERT_EQ(read->notes.size(), 3u);
  EXPECT_NE(read->notes[0].find("60 s were used"), std::string::npos);
  EXPECT_NE(read->notes[1].find("half is missing"), std::string::npos);
}

TEST(ReadSeries, FallsBackToARangeQueryWhereRawSamplesCannotBeCounted) {
  FakePrometheus server([](const std::string& path, const std::string&) {
    return path == "/api/v1/query_range"
               ? Matrix(Samples("a", {{kStart, 1}, {kStart + 15, 2}}))
               : std::string(R"({"status":"error","errorType":"bad_data","error":"no"})");
  });
  const auto read = server.Read("requests_total");
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->found, 1u);
  EXPECT_NE(server.asked().back().find("rate%28requests_total"), std::string::npos)
      << server.asked().back();
}

}  // namespace
}  // namespace opsmesh::prometheus
