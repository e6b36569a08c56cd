// Which lists of the built-in kinds are sets of named elements, and by what name: shared by strategic merge and
// server-side apply.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libs/kubesim/store/json.h"

namespace opsmesh::kubesim {

/// How a list is merged.
struct ListKey {
  enum class Kind { kAtomic, kByKey, kSet };
  Kind kind = Kind::kAtomic;
  std::string merge_key;               // strategic merge: "name"
  std::vector<std::string> apply_keys; // server-side apply: {"containerPort", "protocol"}
};

/// By the member's name and, where names are ambiguous (ports), by what its elements look like.
ListKey ListKeyOf(std::string_view member, const Json& elements, const Json& more_elements);

/// The element of `list` whose `key` equals that of `element`; -1 when there is none.
int FindByKey(const Json& list, const std::string& key, const Json& element);

}  // namespace opsmesh::kubesim
