// The demo when it lives: controllers find everything as they would have left it.
#include <chrono>
#include <cstdio>
#include <map>
#include <set>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/kubesim/behaviour/controllers/common.h"
#include "libs/kubesim/simulator.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

class FixedClock final : public base::Clock {
 public:
  absl::Time Now() const override { return absl::FromUnixSeconds(1764551400); }
  absl::Duration Steady() const override { return absl::ZeroDuration(); }
};

using Table = std::map<std::string, std::string>;

Table Dump(Store& store) {
  Table table;
  for (const ResourceType* type : store.catalog().All()) {
    // What kubelets write (pods, nodes, leases, usage) goes on changing.
    const std::string& key = type->storage_key;
    if (key == "/events" || key == "coordination.k8s.io/leases" || key == "/pods" ||
        key == "/nodes" || key.starts_with("metrics.k8s.io"))
      continue;
    for (const ObjectPtr& object : store.List(*type).objects)
      table[type->storage_key + " " + object->ns + "/" + object->name] = object->json;
  }
  return table;
}

TEST(LiveDemoTest, ControllersLeaveTheDemoAsItIs) {
  FixedClock clock;
  auto simulator = Simulator::Create(
      {.content = Content::kDemo, .live = true, .virtual_time = true, .clock = &clock});
  ASSERT_TRUE(simulator.ok()) << simulator.status();
  const Table before = Dump((*simulator)->store());
  ASSERT_TRUE((*simulator)->Advance(absl::Seconds(30)).ok());
  const Table after = Dump((*simulator)->store());
  for (const auto& [key, json] : before) {
    auto now = after.find(key);
    ASSERT_NE(now, after.end()) << key << " is gone";
    if (now->second == json || key.find("endpoint") != std::string::npos ||
        key.starts_with("autoscaling") || key.find("shop/recommender") != std::string::npos) {
      continue;  // addresses are sorted, zones added; usage sways; the recommender is up until
                 // memory runs out
    }
    ADD_FAILURE() << key << ": " << Json::diff(Json::parse(json), Json::parse(now->second));
  }
  for (const auto& [key, json] : after)
    EXPECT_TRUE(before.contains(key)) << key << " is new: " << json;
}

// What kubectl shows of a pod's state, without the times.
std::string StateOf(const Json& pod) {
  std::string text = TextAt(pod, {"status", "phase"});
  for (const Json& one : ListAt(pod, {"status", "containerStatuses"})) {
    const std::string reason = TextAt(one, {"state", "waiting", "reason"});
    text += " " + TextAt(one, "name") + (reason.empty() ? "" : ":" + reason) +
            (BoolAt(one, {"ready"}) ? ":ready" : "");
  }
  if (At(pod, {"metadata", "deletionTimestamp"}).is_string()) text += " terminating";
  return text;
}

TEST(LiveDemoTest, HealthyPodsStayHealthyAndFaultsGoOnAsDesigned) {
  FixedClock clock;
  auto simulator = Simulator::Create(
      {.content = Content::kDemo, .live = true, .virtual_time = true, .clock = &clock});
  ASSERT_TRUE(simulator.ok()) << simulator.status();
  Store& store = (*simulator)->store();
  const ResourceType& pods = MustFind(store, "", "v1", "pods");
  std::map<std::string, Json> before;
  for (const ObjectPtr& pod : store.List(pods).objects)
    before[pod->ns + "/" + pod->name] = pod->Parse();
  ASSERT_TRUE((*simulator)->Advance(absl::Minutes(12)).ok());
  int crashed_more = 0;
  for (const auto& [key, old] : before) {
    const ObjectPtr object =
        store.Get(pods, key.substr(0, key.find('/')), key.substr(key.find('/') + 1));
    if (!object) {  // the pod of a CronJob or of a finished Job may be cleaned up
      EXPECT_NE(key.find("settle"), std::string::npos) << key << " is gone";
      continue;
    }
    const Json now = object->Parse();
    const Json& was = ListAt(old, {"status", "containerStatuses"});
    const Json& is = ListAt(now, {"status", "containerStatuses"});
    if (is.empty()) {
      EXPECT_EQ(StateOf(old), StateOf(now)) << key;
      continue;
    }
    const bool crashes = IntAt(was[0], "restartCount") > 0 && !BoolAt(was[0], {"ready"});
    if (crashes) {
      crashed_more += IntAt(is[0], "restartCount") > IntAt(was[0], "restartCount");
      EXPECT_TRUE(!BoolAt(is[0], {"ready"}) || key.find("recommender") != std::string::npos) << key;
    } else if (StateOf(old).find("ImagePull") == std::string::npos) {
      EXPECT_EQ(StateOf(old), StateOf(now)) << key << now.dump(1);
      EXPECT_EQ(IntAt(was[0], "restartCount"), IntAt(is[0], "restartCount")) << key;
    }
  }
  EXPECT_GE(crashed_more, 3) << "checkout and log-shipper go on crashing";
}

TEST(LiveDemoTest, TheSameSeedGivesTheSameBytes) {
  FixedClock clock;
  auto run = [&] {
    auto simulator = Simulator::Create({.content = Content::kDemo,
                                        .live = true,
                                        .virtual_time = true,
                                        .clock = &clock,
                                        .seed = 7});
    EXPECT_TRUE((*simulator)->Advance(absl::Minutes(7)).ok());
    std::string text;
    for (const ResourceType* type : (*simulator)->store().catalog().All())
      for (const ObjectPtr& object : (*simulator)->store().List(*type).objects)
        text += type->storage_key + object->json + "\n";
    return text;
  };
  EXPECT_EQ(run(), run());
}

}  // namespace
}  // namespace opsmesh::kubesim
