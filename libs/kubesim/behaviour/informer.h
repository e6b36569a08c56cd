// What behaviour knows of one kind of objects: the objects as the engine has seen them, indexes
// over them, and handlers that run on every change. Engine thread only.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "libs/kubesim/store/store.h"

namespace opsmesh::kubesim {

struct ByNamespaceAndName {
  bool operator()(const ObjectPtr& x, const ObjectPtr& y) const {
    return x->ns != y->ns ? x->ns < y->ns : x->name < y->name;
  }
};
using ObjectSet = std::set<ObjectPtr, ByNamespaceAndName>;

/// An index: the objects under a key, in the order of namespace and name.
class ObjectIndex {
 public:
  /// The keys of one object; called once a change. `parsed` is the object's JSON.
  using KeysOf = std::function<std::vector<std::string>(const Object& object, const Json& parsed)>;

  explicit ObjectIndex(KeysOf keys_of) : keys_of_(std::move(keys_of)) {}
  /// Empty when nothing is under the key.
  const ObjectSet& Find(std::string_view key) const;
  /// All keys under which there is something, in order.
  std::vector<std::string> Keys() const;

 private:
  friend class Informer;
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  void Replace(const ObjectPtr* before, const ObjectPtr* after, const Json* parsed);

  using Sets = std::unordered_map<std::string, ObjectSet, Hash, std::equal_to<>>;
  KeysOf keys_of_;
  Sets sets_;
  // The entries of `sets_` that hold an object; they stay where they are while it is in them.
  std::unordered_map<const Object*, std::vector<Sets::value_type*>> held_by_;
};

/// One change as handlers see it. `now` is null for a deletion, `before` for an addition (every
/// object that is there when the engine starts arrives as an addition). The parsed forms live as
/// long as the call.
struct Seen {
  ObjectPtr before;
  ObjectPtr now;
  const Json& before_json;  // null value when there is none
  const Json& now_json;
  const Object& any() const { return now ? *now : *before; }
  const Json& any_json() const { return now ? now_json : before_json; }
};

class Engine;

class Informer {
 public:
  explicit Informer(const ResourceType& type) : type_(type) {}

  const ResourceType& type() const { return type_; }
  ObjectPtr Get(std::string_view ns, std::string_view name) const;
  ObjectPtr GetByUid(std::string_view uid) const;
  /// All objects, or those of one namespace, ordered by namespace and name.
  std::vector<ObjectPtr> List(std::string_view ns = {}) const;
  size_t size() const { return objects_.size(); }

  /// To be called before the engine starts; the reference lives as long as the informer.
  ObjectIndex& AddIndex(ObjectIndex::KeysOf keys_of);
  /// Objects by the uid of their controlling owner; made on the first call (before the engine
  /// starts).
  const ObjectIndex& ByController();
  /// Objects without a controlling owner, by namespace; made on the first call (before the engine
  /// starts).
  const ObjectIndex& Orphans();
  /// Objects by "namespace/key=value" of each label; made on the first call (before the engine
  /// starts).
  const ObjectIndex& ByLabel();
  /// To be called before the engine starts. Handlers run in the order of registration, after the
  /// indexes.
  void OnChange(std::function<void(const Seen&)> handler) {
    handlers_.push_back(std::move(handler));
  }

 private:
  friend class Engine;
  struct KeyLess {
    using is_transparent = void;
    using View = std::pair<std::string_view, std::string_view>;
    bool operator()(const ObjectPtr& x, const ObjectPtr& y) const {
      return ByNamespaceAndName()(x, y);
    }
    bool operator()(const ObjectPtr& x, const View& y) const { return View(x->ns, x->name) < y; }
    bool operator()(const View& x, const ObjectPtr& y) const { return x < View(y->ns, y->name); }
  };
  /// Takes a change in. Older versions than what is known are ignored.
  void Take(const ObjectPtr& now, const ObjectPtr& gone, Engine& engine);

  const ResourceType& type_;
  std::set<ObjectPtr, KeyLess> objects_;
  std::unordered_map<std::string_view, ObjectPtr> by_uid_;
  std::vector<std::unique_ptr<ObjectIndex>> indexes_;
  ObjectIndex* by_controller_ = nullptr;
  ObjectIndex* orphans_ = nullptr;
  ObjectIndex* by_label_ = nullptr;
  std::vector<std::function<void(const Seen&)>> handlers_;
  uint64_t synced_ = 0;  // changes up to this version were in the first list
};

}  // namespace opsmesh::kubesim
