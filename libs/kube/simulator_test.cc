// Client and cache against the simulated cluster of the demo, over its TLS door: the wiring that
// `opsmesh up` uses.
#include <gtest/gtest.h>

#include <iostream>

#include "libs/kube/cache.h"
#include "libs/kube/test_support.h"
#include "libs/kube/views.h"
#include "libs/kubesim/simulator.h"

namespace opsmesh::kube {
namespace {

using test::Reason;
using test::Soon;

class SimulatorTest : public ::testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    auto simulator = kubesim::Simulator::Create({.content = kubesim::Content::kDemo});
    ASSERT_TRUE(simulator.ok()) << simulator.status();
    simulator_ = *std::move(simulator);
    door_.tls = GetParam();
    ASSERT_TRUE(simulator_->Start(door_).ok());
    client_ = Open(*simulator_->Kubeconfig());
  }
  void TearDown() override {
    client_.reset();
    http_.reset();
    simulator_->Stop();
  }
  std::unique_ptr<Client> Open(const std::string& kubeconfig) {
    auto config = ParseKubeconfig(kubeconfig, ".");
    EXPECT_TRUE(config.ok()) << config.status();
    return test::MakeClient(*http_, *config, true);
  }

  std::unique_ptr<http_client::Client> http_ = http_client::Client::Create();
  std::unique_ptr<kubesim::Simulator> simulator_;
  kubesim::DoorOptions door_;
  std::unique_ptr<Client> client_;
};

TEST_P(SimulatorTest, EveryDefaultKindIsListedWatchedAndReadWithoutADefect) {
  const absl::Duration start = base::SystemClock().Steady();
  auto cache = Cache::Start(*client_, {});
  ASSERT_TRUE(cache.ok());
  ASSERT_TRUE((*cache)->WaitForSync(Soon()).ok());
  std::cerr << "synced " << (*cache)->Status().size() << " kinds in "
            << absl::FormatDuration(base::SystemClock().Steady() - start) << "\n";
  for (const KindStatus& status : (*cache)->Status()) {
    EXPECT_EQ(status.state, KindStatus::State::kLive)
        << status.type.plural << ": " << status.last_error;
    EXPECT_TRUE(status.unparseable.empty()) << status.type.plural;
  }
  const auto snapshot = (*cache)->Get();
  EXPECT_GT(snapshot->Of("pods").objects().size(), 5u);
  for (const ObjectPtr& pod : snapshot->Of("pods").objects()) {
    ASSERT_NE(pod->As<Pod>(), nullptr);
    EXPECT_TRUE(pod->As<Pod>()->defects().empty())
        << pod->name() << " " << pod->As<Pod>()->defects()[0];
  }
  for (const ObjectPtr& event : snapshot->Of("events").objects())
    EXPECT_TRUE(event->As<Event>()->defects().empty());
}

// Six kinds fail, so that the circuit breaker opens, too; it and the back-off are hours.
TEST_P(SimulatorTest, AServerThatIsBackIsFoundByTheNextQuestionWhateverTheBackOff) {
  const std::string& server = client_->config().server;
  door_.port = static_cast<uint16_t>(std::atoi(server.c_str() + server.rfind(':') + 1));
  simulator_->Stop();
  Cache::Options options;
  options.kinds = {"pods", "nodes", "services", "events", "deployments", "namespaces"};
  options.backoff_min = options.backoff_max = absl::Hours(1);
  auto cache = *Cache::Start(*client_, options);
  const auto all = [&](auto has) {
    const std::vector<KindStatus> kinds = cache->Status();
    return std::all_of(kinds.begin(), kinds.end(), has);
  };
  const auto live = [](const KindStatus& kind) { return kind.state == KindStatus::State::kLive; };
  for (int i = 0; i < 12000 && !all([](const KindStatus& kind) { return !kind.last_error.ok(); });
       ++i)
    (void)Soon().Sleep(absl::Milliseconds(5));
  EXPECT_FALSE(all(live));
  ASSERT_TRUE(simulator_->Start(door_).ok());
  cache->Cover(Soon(), "default");
  EXPECT_TRUE(all(live));
  EXPECT_TRUE(client_->Version(Soon()).ok());
}

TEST_P(SimulatorTest, AWriteComesBackThroughTheWatchAndAViewerIsRefused) {
  std::mutex mutex;
  std::condition_variable changed;
  bool seen = false;
  Cache::Options options;
  options.kinds = {"configmaps"};
  options.on_change = [&](const Change& change) {
    const std::lock_guard lock(mutex);
    seen |= change.before == nullptr && change.after->name() == "made-here";
    changed.notify_all();
  };
  auto cache = Cache::Start(*client_, options);
  ASSERT_TRUE((*cache)->WaitForSync(Soon()).ok());
  const auto made = client_->Create(
      Soon(), *FindBuiltin("cm"), "shop",
      R"({"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"made-here"},"data":{"a":"b"}})");
  ASSERT_TRUE(made.ok()) << made.status();
  std::unique_lock lock(mutex);
  EXPECT_TRUE(changed.wait_for(lock, std::chrono::seconds(60), [&] { return seen; }));
  const auto nobody = Open(*simulator_->KubeconfigFor("nobody", {}));
  const auto refused = nobody->List(Soon(), *FindBuiltin("pods"), "shop").status();
  EXPECT_EQ(Reason(refused), "FORBIDDEN") << refused;
}

INSTANTIATE_TEST_SUITE_P(Doors, SimulatorTest, ::testing::Bool(),
                         [](const auto& door) { return door.param ? "Tls" : "Plain"; });

}  // namespace
}  // namespace opsmesh::kube
