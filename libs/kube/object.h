// A Kubernetes object: immutable, shared, its JSON kept once, with cheap metadata and typed views
// decoded on first use.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/kube/json_ref.h"
#include "libs/kube/packed_text.h"
#include "libs/kube/texts.h"

namespace opsmesh::kube {

class Object;
using ObjectPtr = std::shared_ptr<const Object>;

/// Text that lives as long as the Object it was read from. Well-formed UTF-8. Untrusted: it came
/// from the cluster.
using Str = std::string_view;
using StrPairs = std::vector<std::pair<Str, Str>>;

/// Value of `key`, or "" (absent and empty are the same here; use Has for the difference).
Str Lookup(const StrPairs& pairs, std::string_view key);
bool Has(const StrPairs& pairs, std::string_view key);

struct OwnerRef {
  Str api_version;
  Str kind;
  Str name;
  Str uid;
  bool controller = false;
};

/// `metadata` without managedFields. Times that are absent or unreadable are absl::InfinitePast().
struct Meta {
  Str api_version;
  Str kind;
  Str name;
  Str ns;  // "" for cluster-scoped objects
  Str uid;
  Str resource_version;
  absl::Time created = absl::InfinitePast();
  absl::Time deleted = absl::InfinitePast();  // deletionTimestamp
  int64_t generation = 0;
  StrPairs labels;
  std::vector<OwnerRef> owners;

  bool terminating() const { return deleted != absl::InfinitePast(); }
  /// The owner with controller=true, or null.
  const OwnerRef* controller() const;
  /// "shop/cart-0", or the name alone for cluster-scoped objects.
  std::string full_name() const;
  /// Age at `now`, never negative, zero when the creation time is unknown.
  absl::Duration Age(absl::Time now) const;
};

/// Base of the typed views (views.h).
class View {
 public:
  virtual ~View() = default;
  /// Fields that were there with a type nobody can use ("status.containerStatuses"): the object is
  /// partly unparseable.
  const std::vector<std::string>& defects() const {
    static const std::vector<std::string> kNone;
    return defects_ == nullptr ? kNone : *defects_;
  }

 private:
  friend class Decoder;
  std::unique_ptr<std::vector<std::string>> defects_;  // null = none
  TextArena own_{96};  // strings that are not in the object's text or pool as they should read
};

/// What is removed from every object on the way in: metadata.managedFields, the
/// last-applied-configuration annotation, and, in Secrets, every value under data and stringData
/// (the keys stay, with "***" for a value).
///
/// Thread-safe; views are decoded once, on first use, by whoever comes first.
class Object {
 public:
  /// Checks, compacts and strips one object. `kind` and `api_version` fill in what list items lack.
  /// INVALID_ARGUMENT (MALFORMED_JSON, JSON_TOO_DEEP, UNPARSEABLE_OBJECT when it is no object or
  /// has no usable metadata.name).
  static absl::StatusOr<ObjectPtr> Parse(std::string_view json, std::string_view api_version = {},
                                         std::string_view kind = {});

  const Meta& meta() const { return meta_; }
  const Str& name() const { return meta_.name; }
  const Str& ns() const { return meta_.ns; }

  /// Compact JSON, stripped as above, kind and apiVersion first. Lives as long as the object.
  /// Objects of a cache keep it compressed until it is first asked for (some 10 us); prefer views
  /// for what is read of every object.
  std::string_view json() const;
  JsonRef root() const { return JsonRef(json()); }
  /// Annotation by key, escapes decoded; nullopt when absent.
  std::optional<std::string> Annotation(std::string_view key) const;

  /// The typed view, or null when the object is of another kind. Lives as long as the object.
  /// T is one of the structs of views.h.
  template <typename T>
  const T* As() const {
    return static_cast<const T*>(ViewFor(T::kViewId));
  }

  /// Bytes this object holds, views included: for the cache's figures.
  size_t MemoryBytes() const;

  ~Object();
  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;

 private:
  friend class ObjectBuilder;
  friend class Decoder;
  Object() = default;
  const View* ViewFor(int view_id) const;
  /// The JSON without keeping it: in `scratch`, unless it is there in plain.
  std::string_view Text(std::string* scratch) const;

  mutable std::atomic<const std::string*> plain_{nullptr};
  PackedText packed_;               // when there is a pool
  std::shared_ptr<TextPool> pool_;  // null = not packed: strings point into the JSON
  TextArena own_;
  Meta meta_;
  int view_id_ = 0;  // 0 = no typed view for this kind
  mutable std::atomic<const View*> view_{nullptr};
};

}  // namespace opsmesh::kube
