#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/kubesim/behaviour/engine.h"
#include "libs/kubesim/behaviour/faults/faults.h"
#include "libs/kubesim/content/content.h"
#include "libs/kubesim/rehearsal/observed.h"
#include "libs/kubesim/rehearsal/picture.h"
#include "libs/kubesim/simulator.h"
#include "libs/kubesim/store/store.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

using ::testing::ElementsAre;

class FixedClock final : public base::Clock {
 public:
  absl::Time Now() const override { return absl::FromUnixSeconds(1764551400); }
  absl::Duration Steady() const override { return absl::ZeroDuration(); }
};

constexpr const char* kNode =
    R"({"apiVersion":"v1","kind":"Node","metadata":{"name":"a"},"status":{"allocatable":{"cpu":"4","memory":"8Gi","pods":"110"},"capacity":{"cpu":"4","memory":"8Gi","pods":"110"},"conditions":[{"type":"Ready","status":"True"}]}})";

std::string PodOf(const std::string& name, const std::string& image, const std::string& status) {
  return R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":")" + name +
         R"(","namespace":"shop"},"spec":{"nodeName":"a","restartPolicy":"Always","containers":[{"name":"c","image":")" +
         image + R"("}]},"status":{"phase":"Running","containerStatuses":[)" + status + "]}}";
}

constexpr const char* kCrashing =
    R"({"name":"c","ready":false,"restartCount":4,"image":"i","imageID":"","state":{"waiting":{"reason":"CrashLoopBackOff"}},"lastState":{"terminated":{"exitCode":3,"reason":"Error","startedAt":"2025-12-01T01:00:00Z","finishedAt":"2025-12-01T01:00:07Z"}}})";
constexpr const char* kWell =
    R"({"name":"c","ready":true,"restartCount":0,"image":"i","imageID":"","state":{"running":{"startedAt":"2025-12-01T01:00:00Z"}}})";
constexpr const char* kUnready =
    R"({"name":"c","ready":false,"restartCount":0,"image":"i","imageID":"","state":{"running":{"startedAt":"2025-12-01T01:00:00Z"}}})";

std::unique_ptr<Simulator> Copy(const base::Clock& clock, std::vector<std::string> objects) {
  std::vector<GivenObject> given;
  for (std::string& object : objects) given.push_back({std::move(object), "", ""});
  auto made = Simulator::FromObjects({.live = true, .virtual_time = true, .clock = &clock}, given);
  EXPECT_TRUE(made.ok()) << made.status();
  return *std::move(made);
}

Picture PictureOf(Simulator& cluster) {
  return Picture::Of(cluster.store(), cluster.engine()->Now());
}

TEST(PictureTest, TwoPicturesOfOneMomentDoNotDiffer) {
  const FixedClock clock;
  auto demo = Simulator::Create(
      {.content = Content::kDemo, .live = true, .virtual_time = true, .clock = &clock});
  ASSERT_TRUE(demo.ok());
  const PictureDifference none = Compare(PictureOf(**demo), PictureOf(**demo));
  EXPECT_TRUE(none.rows.empty());
  EXPECT_TRUE(none.events.empty());
}

TEST(PictureTest, WhatCameWentAndChangedIsTold) {
  const FixedClock clock;
  Store store({.clock = &clock});
  const ResourceType& pods = MustFind(store, "", "v1", "pods");
  const auto pod = [&](const char* name, const char* phase) {
    return Json{{"metadata", {{"name", name}, {"namespace", "shop"}}},
                {"status", {{"phase", phase}}}};
  };
  ASSERT_TRUE(store.Create(pods, pod("goes", "Running")).ok());
  ASSERT_TRUE(store.Create(pods, pod("stays", "Running")).ok());
  ASSERT_TRUE(store.Create(pods, pod("turns", "Pending")).ok());
  ASSERT_TRUE(store.Create(pods, pod("anew", "Running")).ok());
  const Picture before = Picture::Of(store, clock.Now());
  ASSERT_TRUE(store.Remove(pods, "shop", "goes").ok());
  ASSERT_TRUE(store.Remove(pods, "shop", "anew").ok());
  ASSERT_TRUE(store.Create(pods, pod("anew", "Running")).ok());
  ASSERT_TRUE(store.Create(pods, pod("came", "Pending")).ok());
  ASSERT_TRUE(store.Update(pods, pod("turns", "Running"), 0).ok());
  std::vector<std::string> told;
  for (const RowChange& row :
       Compare(before, Picture::Of(store, clock.Now() + absl::Hours(2))).rows) {
    told.push_back(row.name + (row.added ? " added" : row.removed ? " removed" : ""));
    for (const auto& cell : row.cells) {
      if (cell.column == "Status") told.back() += " " + cell.before + ">" + cell.after;
    }
  }
  EXPECT_THAT(told, ElementsAre("anew", "came added >Pending", "goes removed Running>",
                                "turns Pending>Running"));
}

TEST(KeepFailingTest, WhatCrashesCrashesOnUntilItsImageChanges) {
  const FixedClock clock;
  const std::string image = "registry.example.com/shop/cart:1",
                    other = "registry.example.com/shop/web:1";
  auto copy = Copy(clock, {kNode, PodOf("cart-1", image, kCrashing),
                           PodOf("slow-1", "registry.example.com/shop/slow:2", kUnready),
                           PodOf("web-1", other, kWell), PodOf("web-2", other, kCrashing)});
  EXPECT_THAT(KeepFailing(copy->store(), *copy->faults()),
              ElementsAre("crash of image/registry.example.com/shop/cart:1 (exit code 3)",
                          "failing readiness probe of image/registry.example.com/shop/slow:2",
                          "crash of pod/shop/web-2 (exit code 3)"));
  const Picture before = PictureOf(*copy);
  ASSERT_TRUE(copy->Advance(absl::Minutes(20)).ok());
  bool cart = false, web = false;
  for (const RowChange& row : Compare(before, PictureOf(*copy)).rows) {
    for (const auto& cell : row.cells) {
      cart |= row.name == "cart-1" && cell.column == "Restarts";
      web |= row.name == "web-1";
    }
  }
  EXPECT_TRUE(cart) << "it restarts on";
  EXPECT_FALSE(web) << "its image is well elsewhere";
}

}  // namespace
}  // namespace opsmesh::kubesim
