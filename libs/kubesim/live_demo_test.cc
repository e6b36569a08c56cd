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
    if (type->storage_key == "/events" || type->storage_key == "coordination.k8s.io/leases")
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
    if (now->second == json || key.find("endpoint") != std::string::npos || key.starts_with("autoscaling")) {
      continue;  // addresses are sorted, zones added; usage sways
    }
    ADD_FAILURE() << key << ": " << Json::diff(Json::parse(json), Json::parse(now->second));
  }
  for (const auto& [key, json] : after)
    EXPECT_TRUE(before.contains(key)) << key << " is new: " << json;
}

}  // namespace
}  // namespace opsmesh::kubesim
