// Breaking a live cluster on purpose, and mending it: by calls, or over HTTP at the simulator's
// door under a path that no real apiserver has.
//
//   GET    /opsmesh-sim/v1/faults            {"faults": [{id, kind, target, parameters, since,
//                                             note}]}: note when it will not be seen, or not at
//                                             once
//   POST   /opsmesh-sim/v1/faults            {"kind": "crash", "target": "deployment/shop/cart",
//                                             "parameters": {"code": "3"}}
//   DELETE /opsmesh-sim/v1/faults[/fault-1]  one, or all
//   GET    /opsmesh-sim/v1/catalogue         what there is
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/kubesim/api/call.h"
#include "libs/kubesim/api/reply.h"
#include "libs/kubesim/behaviour/faults/fault_table.h"
#include "libs/kubesim/store/disturbance.h"

namespace opsmesh::kubesim {

class Engine;
class Kubelet;

/// {"kinds": [{name, targets, parameters, effect, undone, lasting}]}
Json FaultCatalogueJson();

/// Thread-safe. The engine and its kubelets outlive it and are started.
class Faults {
 public:
  Faults(Engine& engine, Kubelet& kubelet, FaultTable& table)
      : engine_(engine), kubelet_(kubelet), table_(table) {}

  /// INVALID_ARGUMENT (FAULT_UNKNOWN, FAULT_TARGET, FAULT_PARAMETER), NOT_FOUND
  /// (FAULT_TARGET_ABSENT) when the target does not exist. The fault as it stands in the table; one
  /// that happens once has the id "done". `note` says when it will not be seen, or not at once
  /// (fault_note.h).
  absl::StatusOr<Fault> Inject(std::string_view kind, std::string_view target,
                               std::map<std::string, std::string> parameters,
                               std::string* note = nullptr);
  /// NOT_FOUND (FAULT_ABSENT).
  absl::Status Clear(std::string_view id);
  /// How many were on.
  size_t ClearAll();
  std::vector<Fault> List() const { return table_.List(); }
  /// Those that only metrics can see.
  std::vector<Disturbance> Disturbances() const;

  /// A request below /opsmesh-sim/v1/; nothing for other paths. The caller has checked who asks.
  std::optional<Reply> Handle(const Call& call);

 private:
  absl::Status CheckTarget(const FaultTarget& target) const;
  absl::Status CheckContainer(const FaultTarget& target, const std::string& name) const;
  static bool IsAbout(const Fault& fault, const Json& pod);
  /// As the store has them, those that have ended left out; on any thread. None for nodes and the
  /// cluster.
  std::vector<Json> StoredPodsOf(const Fault& fault) const;
  /// On the engine's thread.
  std::vector<ObjectPtr> PodsOf(const Fault& fault) const;
  void Kill(const Fault& fault, int code);

  Engine& engine_;
  Kubelet& kubelet_;
  FaultTable& table_;
};

}  // namespace opsmesh::kubesim
