// ControllerRevisions: the past templates of StatefulSets and DaemonSets.
#pragma once

#include <string>
#include <vector>

#include "libs/kubesim/behaviour/controllers/common.h"

namespace opsmesh::kubesim {

struct Revision {
  ObjectPtr object;
  int64_t number = 0;
  /// What pods carry as controller-revision-hash: the name for a StatefulSet, the hash alone for a
  /// DaemonSet.
  std::string hash;
};

class RevisionHistory {
 public:
  /// `hash_label`: the label under which a revision keeps its hash. Before the start.
  RevisionHistory(Engine& engine, const ResourceType& owner_type, const char* hash_label,
                  bool name_is_hash);

  Informer& informer() { return revisions_; }
  /// By number. Ones written in this very step included; those of nobody that the owner selects are
  /// taken in.
  std::vector<Revision> List(const Object& owner, const Json& owner_json);
  /// The revision of the present template: the newest one, an older one that is raised, or a new
  /// one. Null object when the store refuses.
  Revision Current(const Object& owner, const Json& owner_json, const std::vector<Revision>& known);
  /// Keeps `limit` of those that are not `live` (by name), the oldest go.
  void Trim(const Object& owner, int64_t limit, const std::vector<std::string>& live);
  /// The owner's content with the template of a revision.
  Json Apply(const Json& owner_json, const Revision& revision);

 private:
  Revision Make(const ObjectPtr& object);
  void Adopt(const Object& owner, const Json& owner_json);
  std::vector<Revision> Owned(const Object& owner);

  Engine& engine_;
  const ResourceType& owner_type_;
  const std::string hash_label_;
  const bool name_is_hash_;
  Informer& revisions_;
  const ObjectIndex& by_controller_;
  const ObjectIndex& orphans_;
};

}  // namespace opsmesh::kubesim
