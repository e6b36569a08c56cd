// The values that field paths lead to in one object: looking them up, and taking them away. Items
// of a list are looked up, not looked for: a list may hold tens of thousands.
#pragma once

#include <map>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "libs/kubesim/objects/managed_fields.h"
#include "libs/kubesim/store/json.h"

namespace opsmesh::kubesim {

/// Values of one object, which must outlive this and not change. Of items of a list that are alike
/// it is the last that counts. Not thread-safe: what was looked up is kept.
class FieldValues {
 public:
  explicit FieldValues(const Json& object) : object_(object) {}

  /// Null when it is not there.
  const Json* Find(const FieldPath& path);
  /// What one element of a path leads to in `node`, a part of the object.
  const Json* Step(const Json& node, const std::string& element);

 private:
  using Items = std::unordered_map<std::string, const Json*>;  // by identity

  const Json* Item(const Json& list, const std::string& element);

  const Json& object_;
  std::map<std::tuple<const Json*, bool, std::vector<std::string>>, Items> lists_;
};

/// Takes away what these paths lead to, and every map and list below the top that has nothing left
/// then. Paths that lead nowhere are no error.
void EraseFields(Json& object, const FieldSet& paths);

}  // namespace opsmesh::kubesim
