// The garbage collector of pods.
#pragma once

#include <map>
#include <string>

#include "libs/kubesim/behaviour/controllers/common.h"

namespace opsmesh::kubesim {

/// Takes away what nobody ends: pods of nodes that are gone, deleted pods that were never placed,
/// too many finished ones.
class PodCollector final : public Part {
 public:
  PodCollector(Engine& engine, Pods& pods);
  void Start() override;

 private:
  void Sweep();
  void FailAndRemove(const ObjectPtr& pod);
  /// The oldest of the finished pods beyond the limit.
  void RemoveFinished();

  Engine& engine_;
  Pods& pods_;
  Informer& nodes_;
  std::map<std::string, absl::Time> missing_;  // nodes, since when
  ObjectSet finished_, unplaced_;              // unplaced: deleted and on no node
};

}  // namespace opsmesh::kubesim
