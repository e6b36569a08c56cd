// What manifests do not say about a cluster: ages, rollouts, silent nodes, and how images behave
// when they run.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace opsmesh::kubesim {

/// How containers of an image behave.
struct ImageBehaviour {
  std::string pull_error;  // not empty: the image cannot be pulled
  struct Exit {
    absl::Duration after;  // run time
    int code = 0;
    std::string reason;  // "OOMKilled"; empty = Completed or Error by the code
  };
  std::optional<Exit> exit;          // nothing: runs until stopped
  std::string not_ready;             // not empty: the readiness probe fails with this message
  std::vector<std::string> starts;   // lines at the start
  std::vector<std::string> ends;     // lines before the exit
  std::vector<std::string> repeats;  // one a period while it runs
  absl::Duration repeat_every = absl::Seconds(30);
  std::string cpu = "5m";  // usage
  std::string memory = "16Mi";

  bool Healthy() const { return pull_error.empty() && not_ready.empty() && !exit; }
};

/// One rollout of a Deployment.
struct Rollout {
  absl::Duration ago;
  std::string image;
  std::string cause;
};

struct Scenario {
  std::map<std::string, absl::Duration> ages;            // "default", namespace, or namespace/name
  std::map<std::string, std::vector<Rollout>> rollouts;  // by namespace/name, oldest first
  std::map<std::string, absl::Duration> silent_nodes;    // since when ago
  std::map<std::string, std::string>
      stranded;  // Deployment -> silent node that still holds one of its pods
  std::map<std::string, ImageBehaviour> images;

  absl::Duration AgeOf(const std::string& ns, const std::string& name) const;
  /// Images that are not in the table run and are ready.
  const ImageBehaviour& BehaviourOf(const std::string& image) const;
};

/// INVALID_ARGUMENT (SCENARIO_INVALID) with what is wrong.
absl::StatusOr<Scenario> ParseScenario(std::string_view yaml);

/// The shipped demo's.
absl::StatusOr<Scenario> DemoScenario();

/// "33d", "26h", "95m", "3s", "1h30m".
bool ParseAge(std::string_view text, absl::Duration* age);

}  // namespace opsmesh::kubesim
