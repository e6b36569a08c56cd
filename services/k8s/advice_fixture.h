// Clusters made object by object, and the tools over them, for tests.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/base/json.h"
#include "libs/testing/fake_clock.h"
#include "nlohmann/json.hpp"
#include "services/k8s/fake_cluster.h"
#include "services/k8s/tool_runner.h"

namespace opsmesh::k8s {

using nlohmann::json;

inline constexpr double kMiB = 1024.0 * 1024.0;

inline json Meta(const std::string& ns, const std::string& name, json labels = json::object()) {
  json meta = {{"name", name},
               {"uid", ns + "-" + name},
               {"creationTimestamp", "2026-01-10T10:00:00Z"},
               {"labels", std::move(labels)}};
  if (!ns.empty()) meta["namespace"] = ns;
  return meta;
}

inline json Container(const std::string& name, json extra = json::object()) {
  json c = {
      {"name", name},
      {"image", "registry.example.com/" + name + ":1.0"},
      {"resources",
       {{"requests", {{"cpu", "400m"}, {"memory", "512Mi"}}}, {"limits", {{"memory", "1Gi"}}}}}};
  c.merge_patch(extra);
  return c;
}

inline json Pod(const std::string& ns, const std::string& name, const std::string& app,
                const std::string& node, json extra = json::object()) {
  json pod = {
      {"apiVersion", "v1"},
      {"kind", "Pod"},
      {"metadata", Meta(ns, name, {{"app", app}})},
      {"spec", {{"nodeName", node}, {"containers", json::array({Container(app)})}}},
      {"status",
       {{"phase", "Running"},
        {"podIP", "10.0.0.9"},
        {"conditions", json::array({{{"type", "Ready"}, {"status", "True"}},
                                    {{"type", "PodScheduled"},
                                     {"status", "True"},
                                     {"lastTransitionTime", "2026-01-10T10:00:04Z"}}})},
        {"containerStatuses",
         json::array({{{"name", app},
                       {"ready", true},
                       {"restartCount", 0},
                       {"state", {{"running", {{"startedAt", "2026-01-10T10:00:05Z"}}}}}}})}}}};
  pod.merge_patch(extra);
  return pod;
}

inline json Deployment(const std::string& ns, const std::string& app, int replicas,
                       json container = json::object(), json spec = json::object()) {
  json template_spec = {{"containers", json::array({Container(app, container)})}};
  template_spec.merge_patch(spec);
  return {{"apiVersion", "apps/v1"},
          {"kind", "Deployment"},
          {"metadata", Meta(ns, app)},
          {"spec",
           {{"replicas", replicas},
            {"selector", {{"matchLabels", {{"app", app}}}}},
            {"template", {{"metadata", {{"labels", {{"app", app}}}}}, {"spec", template_spec}}}}}};
}

inline json Node(const std::string& name, const std::string& zone,
                 json conditions = json::array({{{"type", "Ready"}, {"status", "True"}}})) {
  return {{"apiVersion", "v1"},
          {"kind", "Node"},
          {"metadata", Meta("", name, {{"topology.kubernetes.io/zone", zone}})},
          {"status",
           {{"allocatable", {{"cpu", "4"}, {"memory", "8Gi"}, {"pods", "110"}}},
            {"capacity", {{"cpu", "4"}, {"memory", "8Gi"}}},
            {"conditions", std::move(conditions)}}}};
}

inline json Namespace(const std::string& name, json labels = json::object()) {
  return {{"apiVersion", "v1"},
          {"kind", "Namespace"},
          {"metadata", Meta("", name, std::move(labels))},
          {"status", {{"phase", "Active"}}}};
}

class AdviceTest : public ::testing::Test {
 protected:
  void Make(const std::vector<json>& objects, const ToolSettings& settings = {}) {
    auto cluster = std::make_unique<FakeCluster>(json(objects).dump());
    cluster_ = cluster.get();
    std::vector<std::unique_ptr<Cluster>> list;
    list.push_back(std::move(cluster));
    clusters_ = std::make_unique<Clusters>(std::move(list));
    registry_ = std::make_unique<ToolRegistry>(AllTools(settings));
    runner_ =
        std::make_unique<ToolRunner>(*registry_, *clusters_, ToolRunnerOptions{.clock = &clock_});
  }
  json Run(const std::string& name, const std::string& arguments = "{}") {
    auto result = runner_->Run(base::Context::Background().WithTimeout(absl::Seconds(20)), name,
                               arguments, {});
    if (!result.ok()) {
      ADD_FAILURE() << name << " " << arguments << ": " << result.status().message();
      return {};
    }
    EXPECT_FALSE(result->text.zh.empty() || result->text.en.empty()) << name;
    EXPECT_FALSE(result->ledger.checked.empty()) << name;
    last_ = *result;
    auto parsed = base::ParseJson(result->json);
    EXPECT_TRUE(parsed.ok()) << name << ": " << result->json.substr(0, 300);
    return parsed.ok() ? *parsed : json();
  }
  static std::vector<std::string> Codes(const json& answer) {
    const json& findings =
        answer.contains("diagnosis") ? answer["diagnosis"]["findings"] : answer["findings"];
    std::vector<std::string> out;
    for (const json& f : findings) out.push_back(f["code"]);
    return out;
  }
  void Use(const std::string& ns, const std::string& pod, const std::string& container, double cpu,
           double memory) {
    kube::PodUsage use;
    use.ns = ns;
    use.name = pod;
    use.containers = {{container, cpu, memory}};
    cluster_->pod_usage.push_back(use);
  }

  testing::FakeClock clock_{FakeCluster::Now()};
  FakeCluster* cluster_ = nullptr;
  std::unique_ptr<Clusters> clusters_;
  std::unique_ptr<ToolRegistry> registry_;
  std::unique_ptr<ToolRunner> runner_;
  ToolResult last_;
};

}  // namespace opsmesh::k8s
