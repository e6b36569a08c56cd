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

  /// There without anybody writing it.
  bool implicit() const;
  /// Go's zero in a member that is always there: the same as before anybody wrote it.
  bool Zero(const Json& value) const;
  bool holds_map() const;
  /// Owned as a whole, whatever it holds.
  bool OneValue() const;
  /// How a list here is merged, and its keys when that is by keys.
  Rule ListRule() const;
  std::vector<std::string> Keys() const;

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
/// "k:{...}" of an item by the keys of its list, with the defaults of those it leaves out.
std::string KeyElement(const std::vector<std::string>& keys, const Json& item);
/// Whether a list is merged element by element; otherwise it is one value.
bool Mergeable(const FieldPlace& place, const Json& list);
/// The element that stands for an item of a list that is merged.
std::string ElementOf(const FieldPlace& place, const Json& item);
/// A path as sentences show it: .spec.containers[name="c"].image
std::string ReadablePath(const FieldPath& path);

}  // namespace opsmesh::kubesim
