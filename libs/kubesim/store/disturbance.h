// What goes wrong in a cluster without being written in its objects: metrics see it all the same.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace opsmesh::kubesim {

struct Disturbance {
  enum class Kind {
    kSlowAnswers,  // each answer takes `amount` seconds longer
    kNoNames,      // names do not resolve: calls of other services fail
    kSlowDisk,     // a node's disk is busy
  };
  std::string id;  // one disturbance, as long as it lasts
  Kind kind = Kind::kSlowAnswers;
  // Whom it concerns; empty members concern all.
  std::string ns, workload, pod, node;
  double amount = 0;
  absl::Time since;
};

/// Those that are on at the moment. Thread-safe.
using DisturbanceSource = std::function<std::vector<Disturbance>()>;

}  // namespace opsmesh::kubesim
