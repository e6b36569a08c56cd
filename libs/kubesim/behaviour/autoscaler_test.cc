#include "libs/kubesim/behaviour/controllers/autoscaler_math.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/kubesim/behaviour/controllers/common.h"
#include "libs/kubesim/behaviour/testing_cluster.h"
#include "libs/kubesim/store/json_path.h"

namespace opsmesh::kubesim {
namespace {

using testing::Contains;
using testing::HasSubstr;

std::string Scaled(const std::string& requests) {
  return "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 2, "
         "selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: "
         "{containers: "
         "[{name: c, image: i, resources: {" +
         requests +
         "}}]}}}\n---\napiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: "
         "web}\nspec: {scaleTargetRef: {apiVersion: apps/v1, "
         "kind: Deployment, name: web}, minReplicas: 2, maxReplicas: 12, metrics: [{type: "
         "Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: "
         "50}}}]}\n";
}

// What every pod uses from now on.
void Use(TestCluster& cluster, const std::string& cpu) {
  const ResourceType* type = cluster.store().catalog().Find("metrics.k8s.io", "v1beta1", "pods");
  for (const Json& pod : cluster.List("", "pods")) {
    const std::string name = pod["metadata"]["name"];
    (void)cluster.store().Remove(*type, "default", name);
    (void)cluster.store().Create(
        *type, {{"metadata", {{"name", name}, {"namespace", "default"}}},
                {"containers", {{{"name", "c"}, {"usage", {{"cpu", cpu}, {"memory", "20Mi"}}}}}}});
  }
}

TEST(AutoscalerTest, GrowsWithTheLoadAndShrinksAfterFiveQuietMinutes) {
  TestCluster cluster;
  cluster.store().catalog().EnableMetrics();
  const std::string yaml = Scaled("requests: {cpu: 100m}");
  cluster.Apply(yaml.substr(0, yaml.find("---")));
  cluster.Run(absl::Minutes(6));  // young pods do not count for cpu
  Use(cluster, "50m");
  cluster.Apply(yaml.substr(yaml.find("---")));
  cluster.Run(absl::Minutes(1));
  EXPECT_EQ(cluster.Get("apps", "deployments", "web")["spec"]["replicas"], 2);
  EXPECT_EQ(
      TextAt(ConditionOf(cluster.Get("autoscaling", "horizontalpodautoscalers", "web")["status"],
                         "ScalingActive"),
             "reason"),
      "ValidMetricFound");
  Use(cluster, "150m");
  cluster.Run(absl::Seconds(20));
  const int64_t grown = IntAt(cluster.Get("apps", "deployments", "web"), {"spec", "replicas"});
  EXPECT_EQ(grown, 4);  // six are asked for, but at most twice as many at once
  EXPECT_THAT(cluster.Events("web"),
              Contains(HasSubstr("SuccessfulRescale: New size: 4; reason: cpu resource utilization "
                                 "(percentage of request) above target")));
  EXPECT_EQ(
      TextAt(ConditionOf(cluster.Get("autoscaling", "horizontalpodautoscalers", "web")["status"],
                         "ScalingLimited"),
             "reason"),
      "ScaleUpLimit");
  Use(cluster, "10m");
  cluster.Run(absl::Minutes(3));
  EXPECT_GE(IntAt(cluster.Get("apps", "deployments", "web"), {"spec", "replicas"}), 4);
  EXPECT_EQ(
      TextAt(ConditionOf(cluster.Get("autoscaling", "horizontalpodautoscalers", "web")["status"],
                         "AbleToScale"),
             "reason"),
      "ScaleDownStabilized");
  cluster.Run(absl::Minutes(10));
  EXPECT_EQ(cluster.Get("apps", "deployments", "web")["spec"]["replicas"], 2);
}

TEST(AutoscalerTest, OwnsTheNumberItHasSet) {
  TestCluster cluster;
  cluster.store().catalog().EnableMetrics();
  cluster.Apply(Scaled("requests: {cpu: 100m}"));
  Json web = cluster.Get("apps", "deployments", "web");
  web["metadata"]["managedFields"] = {
      {{"manager", "team"},
       {"operation", "Apply"},
       {"apiVersion", "apps/v1"},
       {"fieldsType", "FieldsV1"},
       {"fieldsV1", {{"f:spec", {{"f:paused", Json::object()}, {"f:replicas", Json::object()}}}}}}};
  const ResourceType& type = MustFind(cluster.store(), "apps", "v1", "deployments");
  ASSERT_TRUE(cluster.store()
                  .Update(type, web, cluster.store().Get(type, "default", "web")->resource_version)
                  .ok());
  cluster.Run(absl::Minutes(6));
  Use(cluster, "150m");
  cluster.Run(absl::Seconds(20));
  const Json grown = cluster.Get("apps", "deployments", "web");
  ASSERT_EQ(grown["spec"]["replicas"], 4);
  std::map<std::string, Json> owned;
  for (const Json& entry : grown["metadata"]["managedFields"])
    owned[TextAt(entry, "manager") + " " + TextAt(entry, "subresource")] = entry["fieldsV1"];
  EXPECT_EQ(owned["kube-controller-manager scale"],
            Json({{"f:spec", {{"f:replicas", Json::object()}}}}));
  EXPECT_FALSE(owned["team "]["f:spec"].contains("f:replicas"));
}

TEST(AutoscalerTest, SaysWhyItCannotCompute) {
  {
    TestCluster cluster;
    cluster.Apply(Scaled("requests: {cpu: 100m}"));
    cluster.Run(absl::Minutes(1));
    const Json status = cluster.Get("autoscaling", "horizontalpodautoscalers", "web")["status"];
    EXPECT_EQ(TextAt(ConditionOf(status, "ScalingActive"), "reason"), "FailedGetResourceMetric");
    EXPECT_EQ(TextAt(ConditionOf(status, "ScalingActive"), "message"),
              "the HPA was unable to compute the replica count: failed to get cpu utilization: "
              "unable to get metrics for resource cpu: unable to fetch metrics from resource "
              "metrics API: the server "
              "could not find the requested resource (get pods.metrics.k8s.io)");
    EXPECT_EQ(status["desiredReplicas"], 0);
    EXPECT_THAT(
        cluster.Events("web"),
        Contains(HasSubstr("FailedComputeMetricsReplicas: invalid metrics (1 invalid out of 1), "
                           "first error is: failed to get cpu resource metric value: ")));
  }
  TestCluster cluster;
  cluster.store().catalog().EnableMetrics();
  cluster.Apply(Scaled(""));
  cluster.Run(absl::Seconds(5));
  Use(cluster, "50m");
  cluster.Run(absl::Minutes(1));
  EXPECT_THAT(
      TextAt(ConditionOf(cluster.Get("autoscaling", "horizontalpodautoscalers", "web")["status"],
                         "ScalingActive"),
             "message"),
      HasSubstr("missing request for cpu in container c of Pod web-"));
}

TEST(AutoscalerMathTest, TheToleranceTheMissingAndTheUnreadyHoldItBack) {
  MetricPods pods{{{"a", 54}, {"b", 54}}, {{"a", 100}, {"b", 100}, {"c", 100}}, 2, {}, {}};
  EXPECT_EQ(ByUtilization(pods, 50, 2, 0.1).replicas, 2);  // 54 % against 50 %: within a tenth
  pods.usage = {{"a", 90}, {"b", 90}};
  EXPECT_EQ(ByUtilization(pods, 50, 2, 0.1).replicas, 4);
  EXPECT_EQ(ByUtilization(pods, 50, 2, 0.1).utilization, 90);
  pods.missing = {"c"};  // taken to use nothing while the others ask for more
  EXPECT_EQ(ByUtilization(pods, 50, 3, 0.1).replicas, 4);
  pods.usage = {{"a", 10}, {"b", 10}};  // and all it asked for while they ask for fewer
  EXPECT_EQ(ByUtilization(pods, 50, 3, 0.1).replicas, 3);
  EXPECT_EQ(ByAverage({{{"a", 300}, {"b", 100}}, {}, 2, {}, {}}, 100, 2, 0.1).replicas, 4);
}

TEST(AutoscalerMathTest, PoliciesLimitTheSpeed) {
  const absl::Time now = absl::FromUnixSeconds(1764550800);
  Json spec = {
      {"minReplicas", 1},
      {"maxReplicas", 100},
      {"behavior",
       {{"scaleUp", {{"policies", {{{"type", "Pods"}, {"value", 3}, {"periodSeconds", 60}}}}}}}}};
  ScalingMemory memory;
  EXPECT_EQ(Limit(spec, 5, 50, memory, now).replicas, 8);
  memory.ups.push_back({now, 3});
  EXPECT_EQ(Limit(spec, 8, 50, memory, now + absl::Seconds(30)).replicas, 8);
  EXPECT_EQ(Limit(spec, 8, 50, memory, now + absl::Seconds(61)).replicas, 11);
  spec["behavior"]["scaleDown"] = {{"stabilizationWindowSeconds", 0}, {"selectPolicy", "Disabled"}};
  ScalingMemory fresh;
  EXPECT_EQ(Limit(spec, 8, 2, fresh, now).replicas, 8);
}

}  // namespace
}  // namespace opsmesh::kubesim
