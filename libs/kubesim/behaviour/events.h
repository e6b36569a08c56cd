// Writes Events as client-go's recorder does: an event that was there already gets a higher count
// and a later time instead of a twin; many alike are folded; a source that talks too much about one
// object is silenced for a while.
#pragma once

#include <cstdint>
#include <list>
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

/// What was asked for most recently, by key: as client-go's caches, of a bounded size.
template <typename Value>
class Recent {
 public:
  explicit Recent(size_t limit) : limit_(limit) {}
  /// The value under a key; a new one when it is unknown (`fresh`). It lives until the next call.
  Value& Of(std::string key, bool* fresh = nullptr) {
    auto known = places_.find(key);
    if (fresh != nullptr) *fresh = known == places_.end();
    if (known != places_.end()) {
      entries_.splice(entries_.begin(), entries_, known->second);
      return entries_.front().second;
    }
    entries_.emplace_front(std::move(key), Value());
    places_.emplace(entries_.front().first, entries_.begin());
    if (entries_.size() > limit_) {
      places_.erase(entries_.back().first);
      entries_.pop_back();
    }
    return entries_.front().second;
  }

 private:
  using Entries = std::list<std::pair<std::string, Value>>;
  const size_t limit_;
  Entries entries_;  // the one asked for last first
  std::unordered_map<std::string_view, typename Entries::iterator> places_;
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
    std::set<size_t> messages;  // their hashes
  };
  bool Allowed(std::string key);
  void Write(const EventSource& source, Json involved, std::string_view type,
             std::string_view reason, std::string message, const std::string& series);
  void Sweep();
  ObjectPtr KnownAs(const std::string& series);

  Engine& engine_;
  const ResourceType& type_;
  ObjectIndex* by_series_;
  // Events by their last time, then version, so that a sweep looks at the old ones only.
  std::map<std::pair<absl::Time, uint64_t>, ObjectPtr> by_age_;
  Recent<Spam> spam_;
  Recent<Similar> similar_;
  Recent<std::pair<std::string, std::string>>
      latest_;  // series -> namespace, name: written since the last step
  uint64_t serial_ = 0;
};

}  // namespace opsmesh::kubesim
