// For tests of behaviour: a live cluster in virtual time without the simulator around it, with a
// tiny stand-in for scheduler and kubelets (pods run on node-1 after a second; what the stand-in is
// told fails).
#pragma once

#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "libs/kubesim/behaviour/engine.h"
#include "libs/kubesim/store/logs.h"
#include "libs/kubesim/store/store.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {

/// Runs pods at once: Pending -> Running and Ready after `start`, gone 2 s after their deletion.
class StandInKubelet final : public Part {
 public:
  explicit StandInKubelet(Engine& engine);

  absl::Duration start = absl::Seconds(1);
  std::set<std::string> broken_images;      // never get ready
  std::set<std::string> completing_images;  // end with 0 after 5 s
  std::set<std::string> failing_images;     // end with 1 after 5 s
  std::string node = "node-1";              // "" = pods stay unscheduled
  std::set<std::string> silent_nodes;       // renew their lease no more

  void Start() override;

 private:
  void See(const Seen& seen);
  void Beat();
  void SetReady(const std::string& ns, const std::string& name, const std::string& uid);
  void Finish(const std::string& ns, const std::string& name, const std::string& uid,
              const char* phase);

  Engine& engine_;
  std::set<std::string> known_;
  int next_address_ = 1;
};

class TestCluster {
 public:
  explicit TestCluster(uint64_t seed = 1, bool with_kubelet = true);

  Store& store() { return *store_; }
  Engine& engine() { return *engine_; }
  StandInKubelet& kubelet() { return *kubelet_; }
  Cluster cluster() { return Cluster{*store_, logs_, clock_, true, true}; }

  /// YAML documents, created as a client would.
  void Apply(std::string_view yaml);
  void Run(absl::Duration duration) { engine_->RunFor(duration); }
  /// The object, or null.
  Json Get(const char* group, const char* plural, const std::string& name,
           const std::string& ns = "default");
  std::vector<Json> List(const char* group, const char* plural, const std::string& ns = "default");
  /// Applies a merge patch as a client would (spec changes raise the generation).
  void Patch(const char* group, const char* plural, const std::string& name, const Json& patch,
             const std::string& ns = "default");
  void Delete(const char* group, const char* plural, const std::string& name,
              const Json& options = Json::object(), const std::string& ns = "default");
  /// "reason: message (xN)" of the events about an object, oldest first.
  std::vector<std::string> Events(const std::string& name, const std::string& ns = "default");
  std::string Dump();

 private:
  class StartClock final : public base::Clock {
   public:
    absl::Time Now() const override {
      return absl::FromUnixSeconds(1764550800);
    }  // 2025-12-01T01:00:00Z
    absl::Duration Steady() const override { return absl::ZeroDuration(); }
  };
  StartClock start_;
  SimulationClock clock_{start_};
  base::SeededIds ids_;
  LogStore logs_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<Engine> engine_;
  StandInKubelet* kubelet_ = nullptr;
};

}  // namespace opsmesh::kubesim
