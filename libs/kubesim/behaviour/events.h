// Writes Events as client-go's recorder does: an event that was there already gets a higher count
// and a later time instead of a twin; many alike are folded; a source that talks too much about one
// object is silenced for a while.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "absl/time/time.h"
#include "libs/kubesim/store/store.h"

namespace opsmesh::kubesim {

class Engine;
class ObjectIndex;

/// Who says it.
struct EventSource {
  std::string component;  // "deployment-controller", "kubelet"
  std::string host;       // node name of a kubelet, else ""
};

/// Engine thread only.
class EventRecorder {
 public:
  /// To be made before the engine starts (the engine has one).
  explicit EventRecorder(Engine& engine);

  /// Begins to take events away an hour after their last time. Called by the engine.
  void Start();

  /// `object` with its type; cluster-scoped ones get their event in namespace default. `type`:
  /// "Normal" or "Warning". `field_path`: "spec.containers{web}" for what concerns a container.
  void Record(const EventSource& source, const ResourceType& object_type, const Object& object,
              std::string_view type, std::string_view reason, std::string_view message,
              std::string_view field_path = {});

  /// About something by reference: {kind, apiVersion, namespace, name, uid, fieldPath}.
  void Record(const EventSource& source, Json involved, std::string_view type,
              std::string_view reason, std::string_view message);

 private:
  struct Spam {  // client-go: 25 at once, then one each 300 s, a source and object
    double tokens = 25;
    absl::Time since;
  };
  struct Similar {  // more than 10 within 10 minutes that differ in their message only are folded
    absl::Time last;
    std::map<std::string, int> messages;
  };
  bool Allowed(const std::string& key);
  void Write(const EventSource& source, Json involved, std::string_view type,
             std::string_view reason, std::string message, const std::string& series);
  void Sweep();
  absl::Time LastOf(const Json& event) const;

  Engine& engine_;
  const ResourceType& type_;
  ObjectIndex* by_series_;
  // Events by their last time, so that a sweep looks at the old ones only.
  std::set<std::pair<absl::Time, std::string>> by_age_;  // and uid
  std::unordered_map<std::string, absl::Time> ages_;     // by uid
  std::map<std::string, Spam> spam_;
  std::map<std::string, Similar> similar_;
  std::map<std::string, std::pair<std::string, std::string>>
      latest_;  // series -> namespace, name: written since the last step
  uint64_t serial_ = 0;
};

}  // namespace opsmesh::kubesim
