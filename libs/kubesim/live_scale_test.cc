// A thousand pods that live through an hour of faults: every byte as the seed wants it.
#include <fmt/format.h>

#include <functional>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "libs/kubesim/behaviour/engine.h"
#include "libs/kubesim/behaviour/faults/faults.h"
#include "libs/kubesim/content/content.h"
#include "libs/kubesim/simulator.h"
#include "libs/kubesim/store/json_path.h"
#include "libs/kubesim/store/store.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

class ScaleClock final : public base::Clock {
 public:
  absl::Time Now() const override { return absl::FromUnixSeconds(1'764'551'400); }
  absl::Duration Steady() const override { return absl::ZeroDuration(); }
};

std::vector<GivenObject> ManyObjects() {
  std::vector<GivenObject> objects;
  for (int i = 0; i < 30; ++i) {
    objects.push_back(
        {fmt::format(
             R"({{"kind":"Node","apiVersion":"v1","metadata":{{"name":"n-{0}","labels":{{"kubernetes.io/hostname":"n-{0}","topology.kubernetes.io/zone":"z-{1}"}}}},)"
             R"("spec":{{"podCIDR":"10.1.{0}.0/24"}},"status":{{"allocatable":{{"cpu":"16","memory":"64Gi","pods":"110"}},)"
             R"("conditions":[{{"type":"Ready","status":"True"}}]}}}})",
             i, i % 3),
         "", ""});
  }
  for (int i = 0; i < 40; ++i) {
    objects.push_back(
        {fmt::format(
             R"({{"kind":"Deployment","apiVersion":"apps/v1","metadata":{{"name":"app-{0}","namespace":"team-{1}"}},"spec":{{"replicas":25,"progressDeadlineSeconds":600,)"
             R"("strategy":{{"type":"RollingUpdate","rollingUpdate":{{"maxSurge":"25%","maxUnavailable":"25%"}}}},)"
             R"("selector":{{"matchLabels":{{"app":"app-{0}"}}}},"template":{{"metadata":{{"labels":{{"app":"app-{0}"}}}},)"
             R"("spec":{{"containers":[{{"name":"web","image":"nginx:1.27","ports":[{{"containerPort":80}}],"resources":{{"requests":{{"cpu":"50m","memory":"64Mi"}}}}}}]}}}}}}}})",
             i, i % 5),
         "", ""});
    objects.push_back(
        {fmt::format(
             R"({{"kind":"Service","apiVersion":"v1","metadata":{{"name":"app-{0}","namespace":"team-{1}"}},)"
             R"("spec":{{"selector":{{"app":"app-{0}"}},"ports":[{{"port":80}}]}}}})",
             i, i % 5),
         "", ""});
  }
  return objects;
}

// The whole store after an hour in which nodes die and come back, containers crash and images
// vanish.
std::string AnHour(uint64_t seed, int* ready) {
  const ScaleClock clock;
  auto cluster = Simulator::FromObjects(
      {.live = true, .virtual_time = true, .clock = &clock, .seed = seed}, ManyObjects());
  EXPECT_TRUE(cluster.ok()) << cluster.status();
  Simulator& sim = **cluster;
  auto pass = [&](absl::Duration time) { EXPECT_TRUE(sim.Advance(time).ok()); };
  pass(absl::Minutes(5));
  std::vector<std::string> faults;
  auto inject = [&](const char* kind, const char* target,
                    std::map<std::string, std::string> parameters) {
    auto fault = sim.faults()->Inject(kind, target, std::move(parameters));
    EXPECT_TRUE(fault.ok()) << kind << ": " << fault.status();
  };
  inject("kubelet-stopped", "node/n-3", {});
  inject("crash", "deployment/team-2/app-7", {{"code", "3"}});
  pass(absl::Minutes(10));
  inject("memory-pressure", "node/n-5", {});
  inject("node-partition", "node/n-8", {});
  pass(absl::Minutes(20));
  sim.faults()->ClearAll();
  pass(absl::Minutes(25));
  std::string all;
  *ready = 0;
  for (const ResourceType* type : sim.store().catalog().All()) {
    for (const ObjectPtr& object : sim.store().List(*type).objects) {
      all += type->storage_key + " " + object->json + "\n";
      *ready += type->storage_key == "/pods" &&
                object->json.find(R"("status":"True","type":"Ready")") != std::string::npos;
    }
  }
  return all;
}

TEST(LiveScaleTest, AThousandPodsInAnHourOfFaultsAreTheSameBytesForTheSameSeed) {
  int ready = 0;
  const std::string one = AnHour(11, &ready);
  EXPECT_GE(ready, 1000) << "all are mended in the end";
  const std::string two = AnHour(11, &ready);
  EXPECT_EQ(std::hash<std::string>()(one), std::hash<std::string>()(two));
  EXPECT_TRUE(one == two);  // EXPECT_EQ would print megabytes
}

}  // namespace
}  // namespace opsmesh::kubesim
