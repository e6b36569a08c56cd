#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>

#include "libs/base/ids.h"
#include "libs/base/json.h"
#include "libs/base/strings.h"
#include "libs/kubesim/content/content.h"
#include "libs/kubesim/prometheus/api.h"
#include "libs/kubesim/prometheus/metrics.h"
#include "libs/kubesim/prometheus/steps.h"
#include "libs/kubesim/store/logs.h"
#include "libs/kubesim/store/store.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim::prometheus {
namespace {

class HandClock : public base::Clock {
 public:
  absl::Time Now() const override { return now; }
  absl::Duration Steady() const override { return now - absl::UnixEpoch(); }
  absl::Time now = absl::FromUnixSeconds(1795242600);
};

/// The demo cluster and its metrics at a moment that stands still.
class DemoMetrics : public ::testing::Test {
 protected:
  DemoMetrics() {
    const ContentTarget target{store_, logs_, clock_};
    EXPECT_TRUE(LoadSystem(target).ok());
    EXPECT_TRUE(LoadDemo(target).ok());
  }

  http_server::Response Ask(const std::string& path, const std::string& query,
                            const std::string& method = "GET") {
    http_server::Request request;
    request.method = method;
    request.path = path;
    if (method == "POST") {
      request.headers.Set("Content-Type", "application/x-www-form-urlencoded");
      request.body = query;
    } else {
      request.raw_query = query;
    }
    return Api(metrics_, {.clock = &clock_, .metadata = [this] { return metrics_.Metadata(); }})
        .Answer(base::Context::Background(), request);
  }
  std::vector<nlohmann::json> Rows(const std::string& promql,
                                   absl::Duration ago = absl::ZeroDuration()) {
    const auto response =
        Ask("/api/v1/query", fmt::format("query={}&time={}", base::PercentEncode(promql),
                                         absl::ToUnixSeconds(clock_.now - ago)));
    EXPECT_EQ(response.status, 200) << response.body;
    const auto answer = nlohmann::json::parse(response.body);
    return answer["data"]["result"].get<std::vector<nlohmann::json>>();
  }
  /// The value of an expression with one element; NaN when it has none.
  double Value(const std::string& promql, absl::Duration ago = absl::ZeroDuration()) {
    const auto rows = Rows(promql, ago);
    EXPECT_LE(rows.size(), 1u) << promql;
    return rows.empty() ? kNaN
                        : std::strtod(rows[0]["value"][1].get<std::string>().c_str(), nullptr);
  }

  HandClock clock_;
  base::SeededIds ids_{1};
  Store store_{{.clock = &clock_, .ids = &ids_}};
  LogStore logs_;
  Metrics metrics_{store_, clock_, 1};
};

TEST_F(DemoMetrics, EveryFaultShowsFromItsOnsetOn) {
  EXPECT_GT(
      Value(R"(sum(increase(kube_pod_container_status_restarts_total{pod=~"checkout-.*"}[1h])))"),
      15)
      << "a crash loop";
  EXPECT_TRUE(std::isnan(Value(
      R"(sum(increase(kube_pod_container_status_restarts_total{pod=~"checkout-.*"}[1h])) > 1)",
      absl::Hours(3))));
  EXPECT_GT(
      Value(
          R"(max(max_over_time(container_memory_working_set_bytes{container="recommender"}[1h]) / on (namespace, pod, container) kube_pod_container_resource_limits{resource="memory"}))"),
      0.9)
      << "memory climbs to the limit";
  EXPECT_EQ(Value(R"(up{job="node-exporter",node="node-4"})"), 0) << "a node is down";
  EXPECT_EQ(Value(R"(up{job="node-exporter",node="node-4"})", absl::Minutes(40)), 1);
  EXPECT_TRUE(Rows(R"(node_load1{node="node-4"})").empty());
  EXPECT_EQ(Value(R"(sum(kube_node_status_condition{condition=~".*Pressure",status="true"}))",
                  absl::Minutes(40)),
            0)
      << "what is unknown now was no pressure before";
  EXPECT_GT(
      Value(R"(min(node_filesystem_avail_bytes / node_filesystem_size_bytes))", absl::Minutes(40)),
      0.5);
  EXPECT_EQ(Value(R"(kube_deployment_status_replicas_available{deployment="checkout"})"), 0);
  const std::string errors =
      R"(sum(rate(http_requests_total{service="frontend",code=~"5.."}[10m])) / sum(rate(http_requests_total{service="frontend"}[10m])))";
  EXPECT_GT(Value(errors), 1.2 * Value(errors, absl::Hours(4)))
      << "a caller of what crashes has more errors since";
}

TEST_F(DemoMetrics, WhatCommonAlertsAskForIsThereAndOnlyTheFaultsFire) {
  const auto count = [this](const std::string& expression, absl::Duration ago) {
    const double found = Value(fmt::format("count({})", expression), ago);
    return std::isnan(found) ? 0 : found;
  };
  struct Alert {
    const char* expression;
    double firing;
  };
  for (
      const Alert& alert : {
          Alert{
              R"(max_over_time(kube_pod_container_status_waiting_reason{reason="CrashLoopBackOff"}[5m]) >= 1)",
              4},
          Alert{R"(kube_pod_container_status_last_terminated_reason{reason="OOMKilled"})", 1},
          Alert{R"(kube_pod_container_status_waiting_reason{reason="ImagePullBackOff"})", 1},
          Alert{R"(kube_pod_container_status_waiting_reason{reason="CreateContainerConfigError"})",
                1},
          Alert{R"(kube_deployment_spec_replicas > kube_deployment_status_replicas_available)", 7},
          Alert{R"(kube_deployment_status_condition{condition="Progressing",status="false"} != 0)",
                8},
          Alert{R"(kube_pod_status_unschedulable == 1)", 2},
          Alert{R"(kube_job_failed{condition="true"} > 0)", 1},
          Alert{R"(kube_job_status_failed{reason="BackoffLimitExceeded"} > 0)", 1},
          Alert{R"(kube_persistentvolumeclaim_status_phase{phase="Pending"} == 1)", 1},
          Alert{
              R"(kube_horizontalpodautoscaler_status_condition{condition="ScalingActive",status="false"} == 1)",
              1},
          // An ingress to a service that is not there, by names alone.
          Alert{
              R"q(kube_ingress_path unless on (namespace, service_name) label_replace(kube_service_info, "service_name", "$1", "service", "(.+)"))q",
              1},
          // And what must not fire.
          Alert{
              R"(kube_statefulset_status_observed_generation != kube_statefulset_metadata_generation)",
              0},
          Alert{
              R"(kube_horizontalpodautoscaler_status_current_replicas == kube_horizontalpodautoscaler_spec_max_replicas)",
              0},
          Alert{
              R"(kubelet_volume_stats_available_bytes / kubelet_volume_stats_capacity_bytes < 0.15)",
              0},
          Alert{
              R"(sum by (pod) (increase(container_cpu_cfs_throttled_periods_total[5m])) / sum by (pod) (increase(container_cpu_cfs_periods_total[5m])) > 0.25)",
              0},
          Alert{R"(absent(up{job="kube-apiserver"} == 1))", 0},
          Alert{R"(absent(up{job="kube-scheduler"} == 1))", 0},
          Alert{R"(absent(up{job="kube-controller-manager"} == 1))", 0},
          Alert{R"(absent(up{job="kube-proxy"} == 1))", 0},
          Alert{
              R"(histogram_quantile(0.99, sum by (le, verb) (rate(apiserver_request_duration_seconds_bucket{verb!="WATCH"}[5m]))) > 1)",
              0},
          Alert{R"(etcd_server_has_leader == 0)", 0},
      }) {
    EXPECT_EQ(count(alert.expression, absl::ZeroDuration()), alert.firing) << alert.expression;
    EXPECT_LE(count(alert.expression, absl::Hours(24 * 5)), 1)
        << "before the faults: " << alert.expression;
  }
  const std::string looping =
      R"(max_over_time(kube_pod_container_status_waiting_reason{reason="CrashLoopBackOff"}[5m]) >= 1)";
  EXPECT_EQ(count(looping, absl::Minutes(30)), 4) << "not only since somebody looks";
  EXPECT_EQ(count(looping, absl::Hours(6)), 0);
}

TEST_F(DemoMetrics, NamesOfSecretsAreKnownAndNothingOfTheirData) {
  EXPECT_GE(Value("count(kube_secret_info)"), 1);
  EXPECT_EQ(Value("count(kube_secret_info)"), Value("count(kube_secret_type)"));
  EXPECT_GE(Value("count(kube_configmap_info)"), 1);
  const ResourceType& secrets = MustFind(store_, "", "v1", "secrets");
  const std::string all = Ask("/api/v1/series", "match[]={__name__=~\"kube_secret.*\"}").body;
  for (const ObjectPtr& object : store_.List(secrets).objects) {
    const Json secret = object->Parse();
    if (!secret.contains("data")) continue;
    for (const auto& [key, value] : secret["data"].items())
      EXPECT_EQ(all.find(value.get<std::string>()), std::string::npos) << object->name;
  }
}

TEST_F(DemoMetrics, AMachineIsAsLargeAsItsNodeAndItsVolumesAsTheirClaims) {
  EXPECT_EQ(
      Value("sum(machine_memory_bytes)"),
      Value(
          R"(sum(kube_node_status_capacity{resource="memory"} unless on (node) (kube_node_status_condition{condition="Ready",status="unknown"} == 1)))"));
  EXPECT_EQ(Value(R"(kubelet_volume_stats_capacity_bytes{persistentvolumeclaim="data-redis-0"})"),
            8.0 * (1 << 30));
  EXPECT_TRUE(Rows("kubelet_volume_stats_used_bytes + kubelet_volume_stats_available_bytes != "
                   "kubelet_volume_stats_capacity_bytes")
                  .empty());
  EXPECT_EQ(Value(R"(sum(kubelet_running_pods))"),
            Value(R"(count(count by (namespace, pod) (container_last_seen{container!=""})))"));
  EXPECT_EQ(Value(R"(count(count by (git_version) (kubernetes_build_info)))"), 1);
  EXPECT_EQ(Value(R"(scheduler_pending_pods{queue="unschedulable"})"), 2);
}

TEST_F(DemoMetrics, ReachesFourteenDaysBackWithADailySeason) {
  EXPECT_GT(Value("count_over_time(up{job=\"kube-state-metrics\"}[14d])"), 20000);
  double least = 1e9;
  double most = 0;
  for (int hour = 24; hour < 48; ++hour) {
    const double rate =
        Value(R"(sum(rate(http_requests_total{service="nginx"}[30m])))", absl::Hours(hour));
    least = std::min(least, rate);
    most = std::max(most, rate);
  }
  EXPECT_GT(least, 0);
  EXPECT_GT(most, 1.5 * least);
  EXPECT_GT(Value(R"(sum(rate(http_requests_total{service="nginx"}[1h])))", absl::Hours(24 * 13)),
            0)
      << "also before the last rollout";
}

TEST_F(DemoMetrics, TheSameSeedAndMomentHaveTheSameAnswers) {
  const Metrics again(store_, clock_, 1);
  const Metrics other(store_, clock_, 2);
  const int64_t now = absl::ToUnixMillis(clock_.now);
  const auto read = [&](const Metrics& metrics) {
    std::string text;
    for (const auto& series :
         metrics.Select({*promql::Matcher::Make("__name__", promql::Matcher::Op::kMatch,
                                                "http_requests_total|node_load1")},
                        now - 3600'000, now)) {
      std::vector<promql::Point> points;
      series->Read(now - 3600'000, now, &points);
      text += promql::ToString(series->labels());
      for (const auto& point : points) text += fmt::format(" {}:{}", point.t, point.v);
    }
    return text;
  };
  EXPECT_EQ(read(metrics_), read(again));
  EXPECT_NE(read(metrics_), read(other));
}

TEST_F(DemoMetrics, CountersFallOnlyWhereSomethingStartedAnew) {
  EXPECT_EQ(
      Value(R"(sum(resets(container_cpu_usage_seconds_total{namespace="kube-system"}[12h])))"), 0);
  EXPECT_GT(Value(R"(sum(resets(container_cpu_usage_seconds_total{container="recommender"}[2h])))"),
            0);
  EXPECT_EQ(Value("sum(resets(node_cpu_seconds_total[1d]))"), 0);
  EXPECT_TRUE(Rows("rate(http_requests_total[5m]) < 0").empty());
}

TEST_F(DemoMetrics, AChangeOfTheClusterIsDatedToWhenItWasSeen) {
  const ResourceType& type = MustFind(store_, "apps", "v1", "deployments");
  Json deployment = store_.Get(type, "shop", "nginx")->Parse();
  EXPECT_EQ(Value(R"(kube_deployment_spec_replicas{deployment="nginx"})"), 3);
  clock_.now += absl::Minutes(10);
  deployment["spec"]["replicas"] = 5;
  ASSERT_TRUE(store_.Update(type, deployment, 0).ok());
  metrics_.Refresh();
  clock_.now += absl::Minutes(10);
  EXPECT_EQ(Value(R"(kube_deployment_spec_replicas{deployment="nginx"})"), 5);
  EXPECT_EQ(Value(R"(kube_deployment_spec_replicas{deployment="nginx"})", absl::Minutes(11)), 3);
  const auto pod = store_.List(MustFind(store_, "", "v1", "pods"), "shop").objects.front();
  ASSERT_TRUE(store_.Remove(MustFind(store_, "", "v1", "pods"), "shop", pod->name).ok());
  metrics_.Refresh();
  clock_.now += absl::Minutes(1);
  EXPECT_TRUE(Rows(fmt::format(R"(kube_pod_info{{pod="{}"}})", pod->name)).empty())
      << "stale at once, not after five minutes";
  EXPECT_EQ(Rows(fmt::format(R"(kube_pod_info{{pod="{}"}})", pod->name), absl::Minutes(5)).size(),
            1u);
}

TEST_F(DemoMetrics, TheTargetsAreThoseThatUpTellsOf) {
  const auto targets = [this](const std::string& query) {
    return nlohmann::json::parse(Ask("/api/v1/targets", query).body)["data"]["activeTargets"];
  };
  const auto all = targets("");
  EXPECT_EQ(static_cast<double>(all.size()), Value("count(up)"));
  double down = 0;
  for (const auto& one : all) {
    EXPECT_EQ(one["labels"]["job"], one["scrapePool"]);
    down += one["health"] == "down" ? 1 : 0;
    EXPECT_EQ(one["health"] == "down", one["lastError"] != "") << one;
  }
  EXPECT_EQ(down, Value("count(up == 0)"));
  EXPECT_EQ(targets("scrapePool=node-exporter").size(), 4u);
  EXPECT_EQ(targets("state=dropped").size(), 0u);
}

TEST_F(DemoMetrics, TheApiAnswersWhatIsAskedAndSaysWhatIsWrong) {
  EXPECT_EQ(Ask("/-/ready", "").status, 200);
  EXPECT_NE(Ask("/api/v1/status/buildinfo", "").body.find("\"version\":\"2.42.0\""),
            std::string::npos);
  EXPECT_EQ(Ask("/api/v1/query", "query=up", "POST").status, 200);
  EXPECT_EQ(Ask("/api/v1/query", "query=up", "DELETE").status, 405);
  EXPECT_EQ(Ask("/api/v1/nothing", "").status, 404);
  const auto bad = Ask("/api/v1/query", "query=sum(");
  EXPECT_EQ(bad.status, 400);
  EXPECT_EQ(
      bad.body,
      R"({"status":"error","errorType":"bad_data","error":"invalid parameter \"query\": 1:5: parse error: unexpected end of input"})");
  EXPECT_EQ(Ask("/api/v1/query", "query=kube_pod_status_phase*on(namespace)kube_pod_info").status,
            422);
  EXPECT_EQ(Ask("/api/v1/query", "query=%zz").status, 400);
  EXPECT_EQ(Ask("/api/v1/query_range", "query=up&start=0&end=20000&step=1").status, 400);
  EXPECT_EQ(Ask("/api/v1/query", "query=1e-7").body.substr(0, 60),
            R"({"status":"success","data":{"resultType":"scalar","result":[)");
  EXPECT_NE(Ask("/api/v1/query", "query=1e-7").body.find("\"1e-07\""), std::string::npos);
  EXPECT_NE(Ask("/api/v1/label/job/values", "").body.find("\"node-exporter\""), std::string::npos);
  EXPECT_EQ(Ask("/api/v1/label/no-label/values", "").status, 400);
  EXPECT_NE(Ask("/api/v1/labels", "match[]=up").body.find("\"instance\""), std::string::npos);
  EXPECT_EQ(Ask("/api/v1/series", "").status, 400);
  EXPECT_NE(Ask("/api/v1/metadata", "metric=http_requests_total").body.find("\"counter\""),
            std::string::npos);
  for (const char* hostile : {"/api/v1/label//values", "/api/v1/label/../../values",
                              "/api/v1/label/values", "/api/v1/", "/api/v2/query"}) {
    EXPECT_GE(Ask(hostile, "").status, 400) << hostile;
  }
}

TEST(Wave, ItsIntegralIsWhatItsValuesSumUpTo) {
  const Wave wave("shop/nginx", 1, 0.45, 0.12);
  const double from = 1795000000;
  double sum = 0;
  for (int i = 0; i < 100000; ++i) {
    const double value = wave.At(from + i + 0.5);
    EXPECT_GT(value, 0);
    sum += value;
  }
  EXPECT_NEAR(wave.Integral(from, from + 100000), sum, 1);
}

}  // namespace
}  // namespace opsmesh::kubesim::prometheus
