// The StatefulSet controller: pods with a number, one after the other, each with its claims.
#pragma once

#include "libs/kubesim/behaviour/controllers/common.h"
#include "libs/kubesim/behaviour/controllers/history.h"

namespace opsmesh::kubesim {

class StatefulSetController final : public Part {
 public:
  StatefulSetController(Engine& engine, Pods& pods);

 private:
  struct Sync;
  Next Run(const std::string& key);
  /// Creates, waits for and replaces the pods that should be. False: this is as far as it goes now.
  bool Fill(Sync& sync);
  bool Shrink(Sync& sync);
  void Update(Sync& sync);
  bool MakePod(Sync& sync, int64_t ordinal);
  bool Identify(Sync& sync, int64_t ordinal, const PodView& pod);
  bool MakeClaims(Sync& sync, int64_t ordinal);
  void OwnClaims(Sync& sync, int64_t ordinal, bool condemned);
  bool DeletePod(Sync& sync, const PodView& pod);
  bool WriteStatus(Sync& sync);
  void Say(const Sync& sync, std::string_view type, std::string_view reason,
           const std::string& message);

  Engine& engine_;
  Pods& pods_;
  Informer& sets_;
  RevisionHistory history_;
  SelectorTable selectors_;
  WorkQueue& queue_;
};

}  // namespace opsmesh::kubesim
