// The garbage collector: what belongs to nobody any more goes; foreground and orphaning deletions
// are carried out.
#pragma once

#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "libs/kubesim/behaviour/controllers/common.h"

namespace opsmesh::kubesim {

/// Watches every kind, custom ones included. Owners are known by uid; one that has another kind,
/// name or namespace than the reference says counts as absent.
class GarbageCollector final : public Part {
 public:
  explicit GarbageCollector(Engine& engine);
  void Start() override;

 private:
  struct Owner {
    std::string uid;
    std::string api_version, kind, name;
    bool blocks = false;
  };
  struct Node {
    const ResourceType* type = nullptr;
    std::string ns, name;
    std::vector<Owner> owners;
    bool deleted = false;     // has a deletionTimestamp
    bool foreground = false;  // deleted, waits for its dependents
    bool orphaning = false;   // deleted, lets its dependents go
  };
  bool Concerns(const Change& change);
  void See(const ResourceType& type, const ObjectPtr& now);
  void Drop(const std::string& uid);
  /// A dependent whose owner changed: should it go?
  Next CheckDependent(const std::string& uid);
  /// An owner under deletion: are its dependents done?
  Next CheckOwner(const std::string& uid);
  /// Whether a reference's uid belongs to the object that its kind and name say. Owners lie in the
  /// namespace of what they own, or in none.
  bool Fits(const Node& node, const Owner& owner) const;
  void TellOfForeignOwner(const std::string& uid, const Node& node, const Owner& owner);
  bool TakeFinalizer(const std::string& uid, const Node& node, const char* finalizer);
  bool RemoveOwners(const std::string& uid, const Node& node, const std::set<std::string>& owners);

  Engine& engine_;
  std::unordered_map<std::string, Node> nodes_;  // by uid; those with owners or under deletion
  std::map<std::string, std::set<std::string>> dependents_;  // owner's uid -> uids
  std::unordered_map<std::string, std::string> alive_;       // every uid -> its namespace
  WorkQueue& dependents_queue_;
  WorkQueue& owners_queue_;
};

}  // namespace opsmesh::kubesim
