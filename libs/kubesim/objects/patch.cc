#include "libs/kubesim/objects/patch.h"

#include <algorithm>

#include "libs/kubesim/objects/schema.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

constexpr int kMaxDepth = 100;

// A patch that does not fit says so by throwing inside this file only.
struct Misfit {
  ApiStatus status;
};

// How a member of a struct is merged; all empty where nothing is known.
struct Place {
  const TypeSchema* type = nullptr;
  bool merge = false;
  std::string key;

  static Place Of(const TypeSchema* holder, const std::string& member) {
    const FieldSchema* field = holder == nullptr ? nullptr : holder->Find(member);
    if (field == nullptr) return {};
    const ValueSchema* value = &field->value;
    if (value->kind == ValueSchema::Kind::kList) value = value->element.get();
    return {value->kind == ValueSchema::Kind::kStruct ? value->type : nullptr, field->merge,
            field->merge_key};
  }
};

class Strategic {
 public:
  Json Merge(Json target, const Json& patch, const TypeSchema* type, int depth = 0) {
    if (depth > kMaxDepth) throw Misfit{BadRequestStatus("the patch is nested too deeply")};
    if (!patch.is_object()) return patch;
    if (!target.is_object()) target = Json::object();
    if (auto directive = patch.find("$patch"); directive != patch.end()) {
      if (*directive == "delete") return Json::object();
      if (*directive == "replace") {
        Json copy = patch;
        copy.erase("$patch");
        return copy;
      }
      if (*directive != "merge")
        throw Misfit{InternalStatus("unknown patch type: " + Scalar(*directive) +
                                    " in map: " + GoMap(patch))};
    }
    if (const Json& keep = At(patch, "$retainKeys"); keep.is_array()) {
      for (auto it = target.begin(); it != target.end();) {
        const bool kept = std::find(keep.begin(), keep.end(), Json(it.key())) != keep.end();
        it = kept ? std::next(it) : target.erase(it);
      }
    }
    for (const auto& [member, value] : patch.items()) {
      if (member == "$patch" || member == "$retainKeys" || member.starts_with("$setElementOrder/"))
        continue;
      if (member.starts_with("$deleteFromPrimitiveList/")) {
        DeleteFrom(target, member.substr(25), value);
        continue;
      }
      const Place place = Place::Of(type, member);
      if (value.is_null()) {
        target.erase(member);
      } else if (value.is_object()) {
        const bool had = target.contains(member) && target[member].is_object();
        if (!had && value.contains("$patch")) continue;  // a directive about what is not there
        Json merged = Merge(had ? target[member] : Json::object(), value, place.type, depth + 1);
        if (value.contains("$patch") && value["$patch"] == "delete") {
          target.erase(member);
        } else {
          target[member] = std::move(merged);
        }
      } else if (value.is_array()) {
        const Json& order = At(patch, ("$setElementOrder/" + member).c_str());
        target[member] = MergeList(place, target.contains(member) ? target[member] : Json(), value,
                                   order, depth + 1);
      } else {
        target[member] = value;
      }
    }
    // An order for a list that the patch does not change.
    for (const auto& [member, order] : patch.items()) {
      if (!member.starts_with("$setElementOrder/")) continue;
      const std::string list = member.substr(17);
      if (patch.contains(list) || !target.contains(list) || !order.is_array()) continue;
      target[list] =
          Ordered(Place::Of(type, list), target[list], target[list], Json::array(), order);
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

  static int Find(const Place& place, const Json& list, const Json& item) {
    for (size_t i = 0; i < list.size(); ++i) {
      const bool same = place.key.empty()
                            ? list[i] == item
                            : list[i].is_object() && item.is_object() && item.contains(place.key) &&
                                  At(list[i], place.key.c_str()) == item[place.key];
      if (same) return static_cast<int>(i);
    }
    return -1;
  }

  Json MergeList(const Place& place, Json target, const Json& patch, const Json& order, int depth) {
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
    if (!place.merge) return patch;
    const Json before = target;
    for (const Json& item : patch) {
      if (place.key.empty()) {
        if (Find(place, target, item) < 0) target.push_back(item);
        continue;
      }
      if (!item.is_object() || !item.contains(place.key)) {
        throw Misfit{InternalStatus("map: " + GoMap(item) +
                                    " does not contain declared merge key: " + place.key)};
      }
      const int at = Find(place, target, item);
      if (At(item, "$patch") == "delete") {
        if (at >= 0) target.erase(static_cast<size_t>(at));
      } else if (at >= 0) {
        target[static_cast<size_t>(at)] =
            Merge(target[static_cast<size_t>(at)], item, place.type, depth);
      } else {
        target.push_back(Merge(Json::object(), item, place.type, depth));
      }
    }
    return Ordered(place, target, before, patch, order);
  }

  // What the patch names, in the order it asks for (its own when it asks for none), woven into what
  // only the server has: two elements that the server knew keep the server's order, a new one goes
  // before.
  static Json Ordered(const Place& place, const Json& merged, const Json& before, const Json& patch,
                      const Json& order) {
    const Json& wanted = order.is_array() ? order : patch;
    std::vector<Json> named, rest;
    for (const Json& item : merged) (Find(place, wanted, item) >= 0 ? named : rest).push_back(item);
    std::stable_sort(named.begin(), named.end(), [&](const Json& a, const Json& b) {
      return Find(place, wanted, a) < Find(place, wanted, b);
    });
    Json result = Json::array();
    size_t i = 0, j = 0;
    while (i < named.size() || j < rest.size()) {
      bool take_named = j >= rest.size();
      if (i < named.size() && j < rest.size()) {
        const int left = Find(place, before, named[i]);
        const int right = Find(place, before, rest[j]);
        take_named = left < 0 || right < 0 || left < right;
      }
      result.push_back(take_named ? named[i++] : rest[j++]);
    }
    return result;
  }

  // As Go prints a map: "map[image:x]".
  static std::string GoMap(const Json& value) {
    if (!value.is_object()) return Scalar(value);
    std::string text = "map[";
    for (const auto& [key, item] : value.items())
      text += (text.size() > 4 ? " " : "") + key + ":" + GoMap(item);
    return text + "]";
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

Outcome<Json> StrategicMergePatch(const Json& target, const Json& patch, const TypeSchema* type) {
  if (!patch.is_object())
    return BadRequestStatus(
        "json: cannot unmarshal array into Go value of type map[string]interface {}");
  try {
    Json result = Strategic().Merge(target, patch, type);
    return result;
  } catch (const Misfit& misfit) {
    return misfit.status;
  }
}

}  // namespace opsmesh::kubesim
