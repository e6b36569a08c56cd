// Copies of a running cluster: the same bytes at the moment of the copy, independent afterwards,
// quick.
#include <fmt/format.h>

#include <cstdio>
#include <ctime>
#include <map>
#include <string>

#include "gtest/gtest.h"
#include "libs/base/clock.h"
#include "libs/kubesim/behaviour/engine.h"
#include "libs/kubesim/content/content.h"
#include "libs/kubesim/simulator.h"
#include "libs/kubesim/store/json_path.h"
#include "libs/kubesim/store/store.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

class FixedClock final : public base::Clock {
 public:
  absl::Time Now() const override { return absl::FromUnixSeconds(1'800'000'000); }
  absl::Duration Steady() const override { return absl::ZeroDuration(); }
};

// Every object of every kind, by kind, namespace and name.
std::map<std::string, std::string> Everything(const Store& store) {
  std::map<std::string, std::string> all;
  for (const ResourceType* type : store.catalog().All()) {
    for (const ObjectPtr& object : store.List(*type).objects)
      all[type->storage_key + " " + object->ns + "/" + object->name] = object->json;
  }
  return all;
}

std::unique_ptr<Simulator> Demo(const base::Clock& clock) {
  auto simulator = Simulator::Create(
      {.content = Content::kDemo, .live = true, .virtual_time = true, .clock = &clock, .seed = 5});
  EXPECT_TRUE(simulator.ok()) << simulator.status();
  return *std::move(simulator);
}

void Scale(Simulator& simulator, int replicas) {
  const ResourceType& type = MustFind(simulator.store(), "apps", "v1", "deployments");
  for (int tries = 0; tries < 100; ++tries) {  // a controller may write between look and update
    const ObjectPtr first = simulator.store().List(type, "shop").objects.front();
    Json object = first->Parse();
    object["spec"]["replicas"] = replicas;
    object["metadata"]["generation"] = IntAt(object, {"metadata", "generation"}) + 1;
    const auto updated = simulator.store().Update(type, object, first->resource_version);
    if (updated.ok()) return;
    ASSERT_EQ(updated.status().reason, "Conflict") << updated.status().message;
  }
  FAIL() << "somebody else always wrote first";
}

size_t PodsOf(Simulator& simulator, const std::string& ns) {
  return simulator.store().List(MustFind(simulator.store(), "", "v1", "pods"), ns).objects.size();
}

TEST(ForkTest, AForkBeginsWithTheSameBytesAndRunsAheadWithoutTouchingTheOriginal) {
  const FixedClock clock;
  auto original = Demo(clock);
  ASSERT_TRUE(original->Advance(absl::Minutes(1)).ok());
  const auto before = Everything(original->store());
  auto fork = original->Fork({.seed = 9});
  ASSERT_TRUE(fork.ok()) << fork.status();
  EXPECT_EQ(Everything((*fork)->store()), before);
  EXPECT_EQ((*fork)->store().resource_version(), original->store().resource_version());
  EXPECT_EQ((*fork)->store().clock().Now(), original->store().clock().Now());

  const size_t pods = PodsOf(**fork, "shop");
  Scale(**fork, 9);
  ASSERT_TRUE((*fork)->Advance(absl::Minutes(10)).ok());
  EXPECT_GT(PodsOf(**fork, "shop"), pods) << "the controllers of the fork work";
  EXPECT_EQ(Everything(original->store()), before) << "the original did not move";
  EXPECT_EQ((*fork)->store().clock().Now() - original->store().clock().Now(), absl::Minutes(10));
}

TEST(ForkTest, TheSameStepsInTwoForksGiveTheSameBytes) {
  const FixedClock clock;
  auto original = Demo(clock);
  auto one = original->Fork({.seed = 3});
  auto two = original->Fork({.seed = 3});
  ASSERT_TRUE(one.ok() && two.ok());
  for (Simulator* fork : {one->get(), two->get()}) {
    Scale(*fork, 7);
    ASSERT_TRUE(fork->Advance(absl::Minutes(30)).ok());
  }
  EXPECT_EQ(Everything((*one)->store()), Everything((*two)->store()));
}

TEST(ForkTest, AForkGoesOnWhereItsOriginalWasAndLooksAtNothingAgain) {
  const FixedClock clock;
  auto original = Demo(clock);
  ASSERT_TRUE(original->Advance(absl::Minutes(10)).ok());
  auto fork = original->Fork({.seed = 9});
  ASSERT_TRUE(fork.ok());
  const auto before = Everything(original->store());
  uint64_t steps = original->engine()->steps();
  ASSERT_TRUE(original->Advance(absl::Minutes(1)).ok());
  steps = original->engine()->steps() - steps;
  ASSERT_TRUE((*fork)->Advance(absl::Minutes(1)).ok());
  // The periodic rounds of controllers begin anew, with the fork; work does not.
  EXPECT_LT((*fork)->engine()->steps(), steps + 40);
  // What the original did in its minute the fork did too: names aside, which come from its own
  // seed.
  const auto after = Everything(original->store()), copied = Everything((*fork)->store());
  for (const auto& [key, json] : after) {
    if (key.starts_with("/events") || !before.contains(key)) continue;
    EXPECT_TRUE(copied.contains(key)) << key;
  }
}

TEST(ForkTest, ARolloutThatIsUnderWayIsFinishedInTheFork) {
  const FixedClock clock;
  auto original = Demo(clock);
  ASSERT_TRUE(original->Advance(absl::Minutes(1)).ok());
  Scale(*original, 9);
  ASSERT_TRUE(original->Advance(absl::Milliseconds(700)).ok());  // pods are made, none is ready
  Scale(*original, 12);                                          // nobody has seen this yet
  auto fork = original->Fork({.seed = 4});
  ASSERT_TRUE(fork.ok());
  Scale(**fork, 15);  // before its engine has started
  ASSERT_TRUE((*fork)->Advance(absl::Minutes(5)).ok());
  ASSERT_TRUE(original->Advance(absl::Minutes(5)).ok());
  for (const auto& [simulator, replicas] :
       {std::pair(original.get(), 12), std::pair(fork->get(), 15)}) {
    const ResourceType& type = MustFind(simulator->store(), "apps", "v1", "deployments");
    const Json status =
        At(simulator->store().List(type, "shop").objects.front()->Parse(), "status");
    EXPECT_EQ(IntAt(status, "replicas"), replicas);
    EXPECT_EQ(IntAt(status, "readyReplicas"), replicas);
  }
}

TEST(ForkTest, AClusterThatLivesInRealTimeIsForkedWhileItRuns) {
  auto original = Simulator::Create({.content = Content::kDemo, .live = true});
  ASSERT_TRUE(original.ok());
  for (uint64_t seed = 2; seed < 5; ++seed) {
    Scale(**original, static_cast<int>(seed) + 3);
    auto fork = (*original)->Fork({.seed = seed});
    ASSERT_TRUE(fork.ok());
    ASSERT_TRUE((*fork)->Advance(absl::Minutes(5)).ok());
    const ResourceType& type = MustFind((*fork)->store(), "apps", "v1", "deployments");
    EXPECT_EQ(IntAt((*fork)->store().List(type, "shop").objects.front()->Parse(),
                    {"status", "readyReplicas"}),
              static_cast<int>(seed) + 3);
  }
}

TEST(ForkTest, AForkOutlivesItsOriginalAndChangesOfTheOriginalDoNotReachIt) {
  const FixedClock clock;
  auto original = Demo(clock);
  auto fork = original->Fork({.live = false});
  ASSERT_TRUE(fork.ok());
  const auto before = Everything((*fork)->store());
  Scale(*original, 6);
  ASSERT_TRUE(original->Advance(absl::Minutes(5)).ok());
  original.reset();
  EXPECT_EQ(Everything((*fork)->store()), before);
  EXPECT_FALSE((*fork)->Advance(absl::Minutes(1)).ok()) << "nobody lives in it";
  EXPECT_TRUE((*fork)->Start({}).ok());
}

TEST(ForkTest, FiveThousandPodsAreForkedInLessThanASecond) {
  const FixedClock clock;
  auto original = Simulator::Create({.live = false, .clock = &clock});
  ASSERT_TRUE(original.ok());
  Store& store = (*original)->store();
  const ResourceType& pods = MustFind(store, "", "v1", "pods");
  for (int i = 0; i < 5000; ++i) {
    ASSERT_TRUE(
        store
            .Create(
                pods,
                {{"metadata", {{"name", fmt::format("p-{}", i)}, {"namespace", "default"}}},
                 {"spec", {{"containers", {{{"name", "c"}, {"image", std::string(2000, 'x')}}}}}},
                 {"status", {{"phase", "Succeeded"}}}})
            .ok());
    (*original)->logs().Append(fmt::format("uid-{}", i), "c", {clock.Now(), "a line of the log"});
  }
  // The processor's time: a machine may be busy with something else.
  const std::clock_t start = std::clock();
  auto fork = (*original)->Fork({.live = true});
  const absl::Duration took =
      absl::Seconds(static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC);
  ASSERT_TRUE(fork.ok());
  std::printf("fork of 5,000 pods: %.1f ms\n", absl::ToDoubleMilliseconds(took));
  EXPECT_LT(took, absl::Seconds(1));
  EXPECT_EQ(PodsOf(**fork, "default"), 5000u);
}

TEST(ForkTest, AClusterIsMadeOfTheObjectsOfARealOne) {
  const FixedClock clock;
  const std::vector<GivenObject> objects = {
      {R"({"kind":"Deployment","apiVersion":"apps/v1","metadata":{"name":"cart","namespace":"shop","uid":"u-1","resourceVersion":"77","generation":3,"creationTimestamp":"2026-11-01T00:00:00Z"},)"
       R"("spec":{"replicas":2,"selector":{"matchLabels":{"app":"cart"}},"template":{"metadata":{"labels":{"app":"cart"}},"spec":{"containers":[{"name":"c","image":"nginx"}]}}}})",
       "", ""},
      {R"({"metadata":{"name":"node-a","uid":"u-2"},"status":{"conditions":[{"type":"Ready","status":"True"}]}})",
       "v1", "Node"},
      {R"({"metadata":{"name":"budget","namespace":"shop"},"spec":{"minAvailable":1}})",
       "policy/v1beta1", "PodDisruptionBudget"},
      {R"({"metadata":{"name":"nightly","namespace":"shop"}})", "ops.example.com/v1", "Backup"},
      {R"({"metadata":{"name":"tuesday","namespace":"shop"}})", "other.example.com/v1", "Day"},
      {R"({"metadata":{"name":"backups.ops.example.com"},"spec":{"group":"ops.example.com","scope":"Namespaced","names":{"plural":"backups","kind":"Backup"},"versions":[{"name":"v1","served":true,"storage":true}]}})",
       "apiextensions.k8s.io/v1", "CustomResourceDefinition"},
      {"not json", "v1", "Pod"},
      {R"([1,2])", "v1", "Pod"},
  };
  std::vector<std::string> left_out;
  auto cluster = Simulator::FromObjects({.live = true, .virtual_time = true, .clock = &clock},
                                        objects, &left_out);
  ASSERT_TRUE(cluster.ok()) << cluster.status();
  Store& store = (*cluster)->store();
  const ObjectPtr cart = store.Get(MustFind(store, "apps", "v1", "deployments"), "shop", "cart");
  ASSERT_TRUE(cart);
  EXPECT_EQ(cart->uid, "u-1");
  EXPECT_EQ(TextAt(cart->Parse(), {"metadata", "creationTimestamp"}), "2026-11-01T00:00:00Z");
  EXPECT_TRUE(store.Get(MustFind(store, "policy", "v1", "poddisruptionbudgets"), "shop", "budget"));
  EXPECT_TRUE(
      store.Get(*store.catalog().FindKind("ops.example.com/v1", "Backup"), "shop", "nightly"));
  EXPECT_EQ(left_out, (std::vector<std::string>{"other.example.com/v1 Day shop/tuesday", "v1 Pod ?",
                                                "v1 Pod ?"}));
  ASSERT_TRUE((*cluster)->Advance(absl::Minutes(1)).ok());
  EXPECT_EQ(PodsOf(**cluster, "shop"), 2u) << "its controllers go on where the real ones were";
}

}  // namespace
}  // namespace opsmesh::kubesim
