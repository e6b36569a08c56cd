// Where a value stands in its kind's schema, as the owners of fields see it: which maps and lists
// are one value, which lists are merged and by which keys, and how an element of them is named.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libs/kubesim/objects/managed_fields.h"
#include "libs/kubesim/objects/schema.h"
#include "libs/kubesim/store/json.h"
#include "libs/kubesim/store/resources.h"

namespace opsmesh::kubesim {

/// The schema of a built-in kind, or that of a custom resource's definition. With neither nothing
/// is known: maps are maps and lists are single values. Points into schemas and into the
/// definition.
class FieldPlace {
 public:
  using Rule = FieldSchema::ListRule;

  /// Of a whole object.
  static FieldPlace Root(const ResourceType& type);
  /// Of a member of the value here; of an element, when the value here is a list.
  FieldPlace Member(const std::string& name) const;
  FieldPlace Element() const;
  /// Of what stands at a path below the value here.
  FieldPlace Below(const FieldPath& path) const;

  /// There without anybody writing it.
  bool implicit() const;
  /// Go's zero in a member that is always there: the same as before anybody wrote it.
  bool Zero(const Json& value) const;
  bool holds_map() const;
  /// Owned as a whole, whatever it holds.
  bool OneValue() const;
  /// Whether `value`, a map or list that stands here, is one value whatever it holds.
  bool Atomic(const Json& value) const;
  /// How a list here is merged, and its keys when that is by keys.
  Rule ListRule() const;
  std::vector<std::string> Keys() const;
  /// The schema here of a custom resource; null of other kinds.
  const Json* custom() const { return custom_kind_ ? custom_ : nullptr; }

 private:
  const TypeSchema* Type() const;

  const TypeSchema* root_ = nullptr;
  const FieldSchema* field_ = nullptr;
  const ValueSchema* value_ = nullptr;
  const Json* custom_ = nullptr;
  bool custom_kind_ = false;
  bool implicit_ = false;
  int depth_ = 0;
};

/// What a key is when an element does not say it; null for keys without a default.
const char* KeyDefault(std::string_view name);
/// "k:{...}" of an item by the keys of its list, with the defaults of those it leaves out; `schema`
/// is a custom list's, which may have others (null: none).
std::string KeyElement(const std::vector<std::string>& keys, const Json& item,
                       const Json* schema = nullptr);
/// Whether a list is merged element by element; otherwise it is one value.
bool Mergeable(const FieldPlace& place, const Json& list);
/// The element that stands for an item of a list that is merged.
std::string ElementOf(const FieldPlace& place, const Json& item);
/// Whether `path` leads below `prefix`.
bool IsPrefix(const FieldPath& prefix, const FieldPath& path);
/// Whether `path` leads into an element that its list has more than once: members of such elements
/// cannot be told apart, and of the set of an object's fields, `now`, the element alone is one.
bool FoldedBy(const FieldSet& now, const FieldPath& path);
/// A path as sentences show it: .spec.containers[name="c"].image
std::string ReadablePath(const FieldPath& path);

}  // namespace opsmesh::kubesim
