#include "libs/kubesim/objects/patch.h"

#include <algorithm>

#include "libs/kubesim/objects/list_keys.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

constexpr size_t kMaxOperations = 10'000;

// A patch that does not fit says so by throwing inside this file only.
struct Misfit {
  ApiStatus status;
};

ApiStatus DoesNotApply() {
  return {.code = 422, .reason = "Invalid", .message = "the server rejected our request due to an error in our request",
          .has_details = true};
}

class Strategic {
 public:
  Json Merge(Json target, const Json& patch) {
    if (!patch.is_object()) return patch;
    if (!target.is_object()) target = Json::object();
    if (auto directive = patch.find("$patch"); directive != patch.end()) {
      if (*directive == "delete") return Json::object();
      if (*directive == "replace") {
        Json copy = patch;
        copy.erase("$patch");
        return copy;
      }
      if (*directive != "merge") throw Misfit{BadRequestStatus("Unknown patch type: " + Scalar(*directive))};
    }
    if (const Json& keep = At(patch, "$retainKeys"); keep.is_array()) {
      for (auto it = target.begin(); it != target.end();) {
        const bool kept = std::find(keep.begin(), keep.end(), Json(it.key())) != keep.end();
        it = kept ? std::next(it) : target.erase(it);
      }
    }
    for (const auto& [member, value] : patch.items()) {
      if (member == "$patch" || member == "$retainKeys" || member.starts_with("$setElementOrder/")) continue;
      if (member.starts_with("$deleteFromPrimitiveList/")) {
        DeleteFrom(target, member.substr(25), value);
        continue;
      }
      if (value.is_null()) {
        target.erase(member);
      } else if (value.is_object()) {
        const bool had = target.contains(member) && target[member].is_object();
        Json merged = Merge(had ? target[member] : Json::object(), value);
        if (value.contains("$patch") && value["$patch"] == "delete") {
          target.erase(member);
        } else {
          target[member] = std::move(merged);
        }
      } else if (value.is_array()) {
        target[member] = MergeList(member, target.contains(member) ? target[member] : Json(), value);
      } else {
        target[member] = value;
      }
    }
    for (const auto& [member, order] : patch.items()) {
      if (!member.starts_with("$setElementOrder/")) continue;
      const std::string list = member.substr(17);
      if (target.contains(list) && order.is_array()) target[list] = Reorder(list, target[list], order);
    }
    return target;
  }

 private:
  static void DeleteFrom(Json& target, const std::string& member, const Json& values) {
    if (!target.contains(member) || !target[member].is_array() || !values.is_array()) return;
    Json kept = Json::array();
    for (const Json& item : target[member]) {
      if (std::find(values.begin(), values.end(), item) == values.end()) kept.push_back(item);
    }
    target[member] = std::move(kept);
  }

  Json MergeList(const std::string& member, Json target, const Json& patch) {
    if (!target.is_array()) target = Json::array();
    for (const Json& item : patch) {
      if (item.is_object() && At(item, "$patch") == "replace" && item.size() == 1) {
        Json rest = Json::array();
        for (const Json& other : patch) {
          if (&other != &item) rest.push_back(other);
        }
        return rest;
      }
    }
    const ListKey key = ListKeyOf(member, target, patch);
    if (key.kind == ListKey::Kind::kSet) {
      for (const Json& item : patch) {
        if (std::find(target.begin(), target.end(), item) == target.end()) target.push_back(item);
      }
      return target;
    }
    if (key.kind == ListKey::Kind::kAtomic) return patch;
    for (const Json& item : patch) {
      if (!item.is_object() || !item.contains(key.merge_key)) {
        throw Misfit{BadRequestStatus("map: " + item.dump() + " does not contain declared merge key: " + key.merge_key)};
      }
      const int at = FindByKey(target, key.merge_key, item);
      if (At(item, "$patch") == "delete") {
        if (at >= 0) target.erase(static_cast<size_t>(at));
      } else if (at >= 0) {
        target[static_cast<size_t>(at)] = Merge(target[static_cast<size_t>(at)], item);
      } else {
        target.push_back(Merge(Json::object(), item));
      }
    }
    return target;
  }

  // Elements named in `order` in that order; the others keep their places before what followed them.
  static Json Reorder(const std::string& member, const Json& list, const Json& order) {
    if (!list.is_array()) return list;
    const ListKey key = ListKeyOf(member, list, order);
    auto rank = [&](const Json& item) -> size_t {
      for (size_t i = 0; i < order.size(); ++i) {
        if (key.kind == ListKey::Kind::kByKey ? item.is_object() && order[i].is_object() && At(item, key.merge_key.c_str()) == At(order[i], key.merge_key.c_str())
                                              : item == order[i]) return i;
      }
      return order.size();
    };
    std::vector<Json> items(list.begin(), list.end());
    std::stable_sort(items.begin(), items.end(), [&](const Json& a, const Json& b) { return rank(a) < rank(b); });
    return items;
  }
};

}  // namespace

Json MergePatch(Json target, const Json& patch) {
  if (!patch.is_object()) return patch;
  if (!target.is_object()) target = Json::object();
  for (const auto& [member, value] : patch.items()) {
    if (value.is_null()) {
      target.erase(member);
    } else {
      target[member] = MergePatch(target.contains(member) ? target[member] : Json(), value);
    }
  }
  return target;
}

Outcome<Json> JsonPatch(const Json& target, const Json& patch) {
  if (!patch.is_array()) return BadRequestStatus("json: cannot unmarshal object into Go value of type jsonpatch.Patch");
  if (patch.size() > kMaxOperations) {
    ApiStatus status{.code = 413, .reason = "RequestEntityTooLarge",
                     .message = "The allowed maximum operations in a JSON patch is 10000, got " + std::to_string(patch.size())};
    return status;
  }
  try {
    Json result = target.patch(patch);
    return result;
  } catch (const Json::exception&) {
    return DoesNotApply();
  }
}

Outcome<Json> StrategicMergePatch(const Json& target, const Json& patch) {
  if (!patch.is_object()) return BadRequestStatus("json: cannot unmarshal array into Go value of type map[string]interface {}");
  try {
    Json result = Strategic().Merge(target, patch);
    return result;
  } catch (const Misfit& misfit) {
    return misfit.status;
  }
}

}  // namespace opsmesh::kubesim
