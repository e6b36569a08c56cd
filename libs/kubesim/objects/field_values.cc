#include "libs/kubesim/objects/field_values.h"

#include <unordered_set>
#include <utility>

#include "libs/kubesim/objects/field_place.h"
#include "libs/kubesim/objects/go_values.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

// Equal values have equal texts; 2 and 2.0 are equal.
std::string TextOfValue(Json value) {
  WriteWholeNumbers(value);
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// What tells an item of a list apart by these keys: their values, or its own where there are none.
// Empty when it lacks one.
std::string IdentityOf(const Json& item, const std::vector<std::string>& keys, bool by_keys) {
  if (!by_keys) return TextOfValue(item);
  if (!item.is_object()) return "";
  std::string identity = "{";
  for (const std::string& key : keys) {
    const char* otherwise = KeyDefault(key);
    if (!item.contains(key) && otherwise == nullptr) return "";
    identity += (item.contains(key) ? TextOfValue(item[key]) : Json(otherwise).dump()) + ",";
  }
  return identity;
}

const Json* Member(const Json& node, const std::string& name) {
  if (!node.is_object()) return nullptr;
  const auto member = node.find(name);
  return member == node.end() ? nullptr : &*member;
}

using Paths = std::pair<FieldSet::const_iterator, FieldSet::const_iterator>;

// Of paths that are alike up to `depth`, those that are alike in one element more; they stand side
// by side, and the one that ends there comes first.
Paths AlikeAt(FieldSet::const_iterator begin, FieldSet::const_iterator end, size_t depth) {
  auto after = begin;
  while (after != end && (*after)[depth] == (*begin)[depth]) ++after;
  return {begin, after};
}

// `paths` lead on from `node`, which stands `depth` elements below the top. True when one of them
// ends here, or something was taken away here.
bool EraseBelow(Json& node, Paths paths, size_t depth) {
  FieldValues values(node);
  std::vector<std::pair<const std::string*, const Json*>> gone;
  bool touched = false;
  for (auto at = paths.first; at != paths.second;) {
    const Paths alike = AlikeAt(at, paths.second, depth);
    const std::string& element = (*at)[depth];
    at = alike.second;
    const bool whole = alike.first->size() == depth + 1;
    touched |= whole;
    const Json* value = values.Step(node, element);
    if (value == nullptr) continue;
    // Nothing is taken from `node` itself before all of it was looked up.
    if (whole ||
        (EraseBelow(const_cast<Json&>(*value), alike, depth + 1) && value->empty() && depth > 0))
      gone.emplace_back(&element, value);
  }
  if (node.is_object()) {
    for (const auto& [element, value] : gone) node.erase(element->substr(2));
  } else if (node.is_array()) {
    std::unordered_set<const Json*> items;
    for (const auto& [element, value] : gone) items.insert(value);
    std::erase_if(node.get_ref<Json::array_t&>(),
                  [&](const Json& item) { return items.contains(&item); });
  }
  return touched || !gone.empty();
}

}  // namespace

const Json* FieldValues::Find(const FieldPath& path) {
  const Json* node = &object_;
  for (const std::string& element : path) {
    node = Step(*node, element);
    if (node == nullptr) return nullptr;
  }
  return node;
}

const Json* FieldValues::Step(const Json& node, const std::string& element) {
  return element.starts_with("f:") ? Member(node, element.substr(2)) : Item(node, element);
}

const Json* FieldValues::Item(const Json& list, const std::string& element) {
  const bool by_keys = element.starts_with("k:");
  const Json wanted = Json::parse(element.substr(2), nullptr, false);
  if (!list.is_array() || (by_keys && !wanted.is_object())) return nullptr;
  std::vector<std::string> keys;
  if (by_keys) {
    for (const auto& [key, value] : wanted.items()) keys.push_back(key);
  }
  const auto [index, first] = lists_.try_emplace({&list, by_keys, keys});
  if (first) {
    for (const Json& item : list) index->second[IdentityOf(item, keys, by_keys)] = &item;
  }
  const std::string identity = IdentityOf(wanted, keys, by_keys);
  const auto found = index->second.find(identity);
  return identity.empty() || found == index->second.end() ? nullptr : found->second;
}

void EraseFields(Json& object, const FieldSet& paths) {
  EraseBelow(object, {paths.begin(), paths.end()}, 0);
}

}  // namespace opsmesh::kubesim
