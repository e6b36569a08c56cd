// A fork of a real cluster, read through the watch cache: what the rehearsal room begins with.
// Needs a control plane that runs (cxx_test.py starts one); skipped, loudly, when there is none.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <set>

#include "libs/http_client/http_client.h"
#include "libs/kube/cache.h"
#include "libs/kube/views.h"
#include "libs/kubesim/content/content.h"
#include "libs/kubesim/simulator.h"
#include "nlohmann/json.hpp"

namespace opsmesh {
namespace {

base::Context Long() { return base::Context::Background().WithTimeout(absl::Seconds(60)); }

class ForkTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* dir = std::getenv("KUBE_REAL_DIR");
    const std::string kubeconfig = std::string(dir == nullptr ? "" : dir) + "/admin.kubeconfig";
    if (dir == nullptr || !std::ifstream(kubeconfig))
      GTEST_SKIP() << "*** NOT TESTED: no real API server runs (KUBE_REAL_DIR) ***";
    const auto config = kube::LoadCluster({.kubeconfig_flag = kubeconfig});
    ASSERT_TRUE(config.ok()) << config.status();
    real_ = Open(*config);
    if (!real_->Version(base::Context::Background().WithTimeout(absl::Seconds(60))).ok()) {
      GTEST_SKIP() << "*** NOT TESTED: the real API server does not answer ***";
    }
  }

  std::unique_ptr<kube::Client> Open(const kube::ClusterConfig& config) {
    kube::Client::Options options;
    options.config = config;
    options.http = http_.get();
    options.allow_writes = true;
    options.requests_per_second = 0;
    auto client = kube::Client::Create(options);
    EXPECT_TRUE(client.ok()) << client.status();
    return *std::move(client);
  }

  /// Reads the real cluster through a watch cache and makes a simulated one of it.
  void Fork() {
    kube::Cache::Options kinds;
    kinds.kinds = kube::Cache::DefaultKinds();
    for (const char* more : {"customresourcedefinitions", "roles", "rolebindings", "clusterroles",
                             "clusterrolebindings", "priorityclasses", "leases"}) {
      kinds.kinds.emplace_back(more);
    }
    const auto cache = kube::Cache::Start(*real_, kinds);
    ASSERT_TRUE(cache.ok()) << cache.status();
    ASSERT_TRUE((*cache)->WaitForSync(Long()).ok());
    picture_ = (*cache)->Get();
    std::vector<kubesim::GivenObject> objects;
    for (const auto& [plural, kind] : picture_->kinds()) {
      EXPECT_EQ(kind->status().state, kube::KindStatus::State::kLive)
          << plural << ": " << kind->status().last_error;
      for (const auto& object : kind->objects()) {
        objects.push_back({std::string(object->json()), std::string(object->meta().api_version),
                           std::string(object->meta().kind)});
      }
    }
    std::vector<std::string> left_out;
    const absl::Duration begin = base::SystemClock().Steady();
    auto fork =
        kubesim::Simulator::FromObjects({.live = true, .virtual_time = true}, objects, &left_out);
    const absl::Duration took = base::SystemClock().Steady() - begin;
    ASSERT_TRUE(fork.ok()) << fork.status();
    fork_ = *std::move(fork);
    std::cerr << "fork of " << objects.size() << " real objects: " << absl::FormatDuration(took)
              << "\n";
    for (const std::string& one : left_out) ADD_FAILURE() << "left out: " << one;
    ASSERT_TRUE(fork_->Start({}).ok());
    const auto config = kube::ParseKubeconfig(*fork_->Kubeconfig(), ".");
    ASSERT_TRUE(config.ok());
    sim_ = Open(*config);
  }

  std::set<std::string> Names(kube::Client& client, std::string_view kind, std::string_view ns,
                              std::string_view labels = "") {
    kube::ListOptions options;
    if (!labels.empty()) options.labels = *kube::LabelSelector::Parse(labels);
    const auto list = client.List(Long(), *kube::FindBuiltin(kind), ns, options);
    EXPECT_TRUE(list.ok()) << list.status();
    std::set<std::string> names;
    for (const auto& object : list->items) names.insert(object->meta().full_name());
    return names;
  }

  std::unique_ptr<http_client::Client> http_ = http_client::Client::Create();
  std::unique_ptr<kube::Client> real_;
  std::shared_ptr<const kube::Snapshot> picture_;
  std::unique_ptr<kubesim::Simulator> fork_;
  std::unique_ptr<kube::Client> sim_;
};

TEST_F(ForkTest, HoldsEveryObjectAsItIsInTheRealCluster) {
  ASSERT_NO_FATAL_FAILURE(Fork());
  size_t compared = 0;
  for (const auto& [plural, kind] : picture_->kinds()) {
    const auto type = sim_->Resolve(Long(), plural);
    ASSERT_TRUE(type.ok()) << plural << ": " << type.status();
    const auto list = sim_->List(Long(), *type, "");
    ASSERT_TRUE(list.ok()) << plural << ": " << list.status();
    EXPECT_TRUE(list->unparseable.empty()) << plural;
    std::map<std::string, kube::ObjectPtr> there;
    for (const auto& object : list->items) there[object->meta().full_name()] = object;
    for (const auto& object : kind->objects()) {
      const auto found = there.find(object->meta().full_name());
      if (found == there.end()) {
        ADD_FAILURE() << plural << " " << object->meta().full_name() << " is not in the fork";
        continue;
      }
      EXPECT_EQ(found->second->meta().uid, object->meta().uid)
          << plural << " " << object->meta().full_name();
      EXPECT_EQ(found->second->meta().created, object->meta().created)
          << plural << " " << object->meta().full_name();
      EXPECT_EQ(found->second->meta().labels, object->meta().labels)
          << plural << " " << object->meta().full_name();
      ++compared;
    }
  }
  EXPECT_GT(compared, 100u);
  for (const auto& pod : picture_->Of("pods").objects()) {
    const auto there = sim_->Get(Long(), *kube::FindBuiltin("pods"), pod->ns(), pod->name());
    ASSERT_TRUE(there.ok()) << there.status();
    const auto status = [](const kube::Object& object) {
      return nlohmann::json::parse(object.root()["status"].Text());
    };
    EXPECT_EQ(status(**there), status(*pod)) << pod->name();  // in any order of keys
    EXPECT_EQ((*there)->As<kube::Pod>()->spec.node_name, pod->As<kube::Pod>()->spec.node_name);
  }
}

TEST_F(ForkTest, TimePassesInTheForkWithoutChurnAndWithoutTouchingTheRealCluster) {
  ASSERT_NO_FATAL_FAILURE(Fork());
  const std::set<std::string> before = Names(*sim_, "pods", "shop");
  ASSERT_GE(before.size(), 5u);
  ASSERT_TRUE(fork_->Advance(absl::Minutes(10)).ok());
  EXPECT_EQ(Names(*sim_, "pods", "shop"), before)
      << "healthy pods of the real cluster are neither replaced nor removed";
  for (const auto& name : {"n1", "n2"}) {
    const auto node = sim_->Get(Long(), *kube::FindBuiltin("nodes"), "", name);
    ASSERT_TRUE(node.ok()) << node.status();
    EXPECT_TRUE(kube::ConditionTrue((*node)->As<kube::Node>()->conditions, "Ready")) << name;
  }

  const auto scaled = sim_->SetScale(Long(), *kube::FindBuiltin("deployments"), "shop", "cart", 6);
  ASSERT_TRUE(scaled.ok()) << scaled.status();
  ASSERT_TRUE(fork_->Advance(absl::Minutes(2)).ok());
  const auto cart = sim_->Get(Long(), *kube::FindBuiltin("deployments"), "shop", "cart");
  ASSERT_TRUE(cart.ok());
  EXPECT_EQ((*cart)->As<kube::Deployment>()->ready_replicas, 6) << (*cart)->json();
  EXPECT_EQ(Names(*sim_, "pods", "shop", "app=cart").size(), 6u);

  const auto untouched = real_->Get(Long(), *kube::FindBuiltin("deployments"), "shop", "cart");
  ASSERT_TRUE(untouched.ok());
  EXPECT_EQ((*untouched)->As<kube::Deployment>()->replicas, 3);
  EXPECT_EQ((*untouched)->meta().uid, (*cart)->meta().uid);
}

TEST_F(ForkTest, ARolloutThatWouldFailInTheRealClusterFailsInTheFork) {
  ASSERT_NO_FATAL_FAILURE(Fork());
  const auto patched = sim_->Patch(
      Long(), *kube::FindBuiltin("deployments"), "shop", "web", kube::PatchType::kStrategic,
      R"({"spec":{"template":{"spec":{"nodeSelector":{"disk":"nowhere"}}}}})");
  ASSERT_TRUE(patched.ok()) << patched.status();
  ASSERT_TRUE(fork_->Advance(absl::Minutes(3)).ok());
  int pending = 0;
  int running = 0;
  const auto pods = sim_->List(Long(), *kube::FindBuiltin("pods"), "shop");
  ASSERT_TRUE(pods.ok());
  for (const auto& object : pods->items) {
    const auto* pod = object->As<kube::Pod>();
    if (!object->name().starts_with("web-")) continue;
    pending += pod->phase == "Pending" ? 1 : 0;
    running += pod->phase == "Running" ? 1 : 0;
  }
  EXPECT_GE(pending, 1) << "the new revision finds no node";
  EXPECT_GE(running, 1) << "the old one serves on";
}

}  // namespace
}  // namespace opsmesh
