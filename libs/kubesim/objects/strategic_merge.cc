// Kubernetes' strategic merge patch, step by step as its apimachinery package does it: which
// element is told of first, what a directive does to a list that nobody has yet, and in which
// order merged elements end up are all visible to clients.
#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <map>
#include <utility>

#include "libs/kubesim/objects/go_values.h"
#include "libs/kubesim/objects/patch.h"
#include "libs/kubesim/objects/schema.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

constexpr int kMaxDepth = 100;
constexpr const char* kDirective = "$patch";
constexpr const char* kRetain = "$retainKeys";
constexpr std::string_view kOrder = "$setElementOrder/";
constexpr std::string_view kDeleteFrom = "$deleteFromPrimitiveList/";

// A patch that does not fit says so by throwing inside this file only.
struct Misfit {
  ApiStatus status;
};

[[noreturn]] void Fail(std::string why) { throw Misfit{InternalStatus(std::move(why))}; }

[[noreturn]] void FailWithoutKey(const Json& item, const std::string& key) {
  Fail(fmt::format("map: {} does not contain declared merge key: {}", GoFormatted(item), key));
}

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

// As Go's %s prints what is no text.
std::string AsWord(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_null()) return "%!s(<nil>)";
  if (value.is_boolean()) return fmt::format("%!s(bool={})", value.dump());
  if (value.is_number_integer()) return fmt::format("%!s(int64={})", value.dump());
  if (value.is_number()) return fmt::format("%!s(float64={})", value.dump());
  return GoFormatted(value);
}

std::string GoTypeOf(const Json& value) {
  if (value.is_null()) return "%!s(<nil>)";
  if (value.is_object()) return "map[string]interface {}";
  if (value.is_array()) return "[]interface {}";
  if (value.is_string()) return "string";
  if (value.is_boolean()) return "bool";
  return value.is_number_integer() ? "int64" : "float64";
}

const Json& NeedList(const Json& value) {
  if (!value.is_array())
    Fail(fmt::format("expected a []interface {{}}, but received a {}", GoTypeOf(value)));
  return value;
}

// The same Go type; that of numbers does not matter here.
bool SameType(const Json& a, const Json& b) { return GoTypeOf(a) == GoTypeOf(b); }

void DiscardNulls(Json& value) {
  if (value.is_object()) {
    for (auto it = value.begin(); it != value.end();)
      it = it->is_null() ? value.erase(it) : std::next(it);
  }
  if (!value.is_structured()) return;
  for (Json& item : value) DiscardNulls(item);
}

// A patch's value where there was none: what only directs is left out. False: nothing is left.
bool RemoveDirectives(Json& value) {
  if (value.is_object()) {
    if (value.contains(kDirective)) return false;
    value.erase(kRetain);
    for (auto it = value.begin(); it != value.end();)
      it = RemoveDirectives(*it) ? std::next(it) : value.erase(it);
  } else if (value.is_array()) {
    Json kept = Json::array();
    for (Json& item : value) {
      if (RemoveDirectives(item)) kept.push_back(std::move(item));
    }
    value = std::move(kept);
  }
  return true;
}

// Where elements of a list are, by their keys (or, without one, by their values): a list may have a
// hundred thousand. What was added must outlive this and not move.
class Places {
 public:
  explicit Places(std::string key) : key_(std::move(key)) {}
  Places(std::string key, const Json& list) : key_(std::move(key)) {
    for (size_t i = 0; i < list.size(); ++i) Add(list[i], i);
  }
  /// Of several that are alike the first counts.
  void Add(const Json& item, size_t at) {
    places_.try_emplace(&KeyOf(item), static_cast<std::ptrdiff_t>(at));
  }
  /// -1: it has none.
  std::ptrdiff_t Find(const Json& item) const {
    const auto found = places_.find(&KeyOf(item));
    return found == places_.end() ? -1 : found->second;
  }
  bool Has(const Json& item) const { return Find(item) >= 0; }

 private:
  struct Less {
    bool operator()(const Json* a, const Json* b) const { return *a < *b; }
  };

  const Json& KeyOf(const Json& item) const { return key_.empty() ? item : At(item, key_.c_str()); }

  const std::string key_;
  std::map<const Json*, std::ptrdiff_t, Less> places_;
};

// Every element has the key that the list goes by.
void NeedKeys(const std::string& key, const Json& list) {
  if (key.empty()) return;
  for (size_t i = 0; i < list.size(); ++i) {
    if (!list[i].is_object()) Fail(fmt::format("value for key {} is not a map", i));
    if (!list[i].contains(key)) FailWithoutKey(list[i], key);
  }
}

// What the patch names, in the order it asks for, woven into what only the server has: two elements
// that the server knew keep the server's order, a new one goes before.
Json Ordered(const std::string& key, const Json& merged, const Json& known, const Json& wanted) {
  NeedKeys(key, merged);
  NeedKeys(key, wanted);
  const Places in_wanted(key, wanted), in_known(key, known);
  std::vector<std::pair<std::ptrdiff_t, const Json*>> named;  // with their places
  std::vector<const Json*> rest;
  for (const Json& item : merged) {
    if (const auto place = in_wanted.Find(item); place >= 0)
      named.emplace_back(place, &item);
    else
      rest.push_back(&item);
  }
  std::stable_sort(named.begin(), named.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  Json result = Json::array();
  size_t i = 0, j = 0;
  while (i < named.size() || j < rest.size()) {
    bool take_named = j >= rest.size();
    if (i < named.size() && j < rest.size()) {
      const auto left = in_known.Find(*named[i].second), right = in_known.Find(*rest[j]);
      take_named = left < 0 || right < 0 || left < right;
    }
    result.push_back(take_named ? *named[i++].second : *rest[j++]);
  }
  return result;
}

// The elements that a patch brings stand in its list of the order, one behind the other.
void CheckOrder(const std::string& key, const Json& patch, const Json& order) {
  std::vector<const Json*> brought;
  for (const Json& item : patch) {
    if (key.empty() || At(item, kDirective) != "delete") brought.push_back(&item);
  }
  size_t at = 0;
  for (size_t i = 0; i < order.size() && at < brought.size(); ++i) {
    const Json& item = *brought[at];
    if (key.empty() ? item == order[i] : At(item, key.c_str()) == At(order[i], key.c_str())) ++at;
  }
  if (at < brought.size())
    Fail(
        fmt::format("The order in patch list:\n{}\n doesn't match $setElementOrder list:\n"
                    "{}\n",
                    GoFormatted(patch), GoFormatted(order)));
}

class Strategic {
 public:
  Json Merge(Json target, Json patch, const TypeSchema* type, int depth = 0) {
    if (depth > kMaxDepth) throw Misfit{BadRequestStatus("the patch is nested too deeply")};
    if (auto directive = patch.find(kDirective); directive != patch.end()) {
      if (*directive == "delete") return Json::object();
      if (*directive != "replace")
        Fail(fmt::format("unknown patch type: {} in map: {}", AsWord(*directive),
                         GoFormatted(patch)));
      patch.erase(kDirective);
      return patch;
    }
    Retain(target, patch);
    MergeOrdered(target, patch, type, depth);
    for (auto& [member, value] : patch.items()) MergeMember(target, member, value, type, depth);
    return target;
  }

 private:
  static void Retain(Json& target, Json& patch) {
    auto there = patch.find(kRetain);
    if (there == patch.end()) return;
    bool fits = there->is_array();
    const Json keep = fits ? *there : Json::array();
    patch.erase(there);
    const Places places("", keep);
    auto kept = [&places](const std::string& member) { return places.Has(Json(member)); };
    for (const auto& [member, value] : patch.items()) {
      if (!value.is_null() && !member.starts_with(kDeleteFrom) && !member.starts_with(kOrder))
        fits = fits && kept(member);
    }
    if (!fits) throw Misfit{BadRequestStatus("invalid patch format of retainKeys")};
    for (auto it = target.begin(); it != target.end();)
      it = kept(it.key()) ? std::next(it) : target.erase(it);
  }

  // The lists that the patch gives an order to; takes them out of the patch.
  void MergeOrdered(Json& target, Json& patch, const TypeSchema* type, int depth) {
    std::vector<std::string> directives;
    for (const auto& [member, value] : patch.items()) {
      if (member.starts_with(kOrder)) directives.push_back(member);
    }
    for (const std::string& directive : directives) {
      const Json order = NeedList(patch[directive]);
      patch.erase(directive);
      const std::string member = directive.substr(kOrder.size());
      if (type != nullptr && type->Find(member) == nullptr)
        Fail(fmt::format("unable to find api field in struct {} for the json field \"{}\"",
                         type->ShortName(), member));
      const Place place = Place::Of(type, member);
      const Json brought = patch.contains(member) ? NeedList(patch[member]) : Json();
      const Json known = target.contains(member) ? NeedList(target[member]) : Json();
      patch.erase(member);
      if (brought.is_null() && known.is_null()) continue;
      if (brought.is_array()) CheckOrder(place.key, brought, order);
      Json merged = known;
      if (known.is_null()) {
        merged = brought;
        RemoveDirectives(merged);
      } else if (brought.is_array()) {
        merged = place.merge ? MergeList(place, known, brought, false, depth + 1) : brought;
      }
      target[member] = Ordered(place.key, merged, known, order);
    }
  }

  void MergeMember(Json& target, std::string member, Json& value, const TypeSchema* type,
                   int depth) {
    const bool deletes = member.starts_with(kDeleteFrom);
    if (deletes) member.erase(0, kDeleteFrom.size());
    if (value.is_null()) {
      target.erase(member);
      return;
    }
    const bool there = target.contains(member);
    if (!there || !SameType(target[member], value)) {
      if (deletes) return;
      DiscardNulls(value);
      if (RemoveDirectives(value))
        target[member] = std::move(value);
      else
        target.erase(member);
      return;
    }
    const Place place = Place::Of(type, member);
    if (value.is_object()) {
      Json merged = Merge(target[member], value, place.type, depth + 1);
      target[member] = std::move(merged);
    } else if (value.is_array() &&
               (place.merge || deletes)) {  // what is deleted is told one by one
      target[member] = MergeList(place, target[member], value, deletes, depth + 1);
    } else {
      target[member] = std::move(value);
    }
  }

  Json MergeList(const Place& place, Json target, const Json& patch, bool deletes, int depth) {
    if (target.empty() && patch.empty()) return target;
    const Json& first = target.empty() ? patch[0] : target[0];
    for (const Json* list : {static_cast<const Json*>(&target), &patch}) {
      for (const Json& item : *list) {
        if (!SameType(item, first))
          Fail(fmt::format("list element types are not identical: [{} {}]", GoFormatted(target),
                           GoFormatted(patch)));
      }
    }
    return first.is_object() ? MergeMaps(place, std::move(target), patch, depth)
                             : MergeScalars(std::move(target), patch, deletes);
  }

  static Json MergeScalars(Json target, const Json& patch, bool deletes) {
    Json merged = Json::array();
    Places there = deletes ? Places("", patch) : Places("");
    for (const Json* list : {static_cast<const Json*>(&target), &patch}) {
      if (deletes && list == &patch) continue;
      for (const Json& item : *list) {
        if (there.Has(item)) continue;
        if (!deletes) there.Add(item, merged.size());
        merged.push_back(item);
      }
    }
    return Ordered("", merged, target, patch);
  }

  Json MergeMaps(const Place& place, Json target, const Json& patch, int depth) {
    if (place.key.empty()) Fail("cannot merge lists without merge key for " + TypeName(place));
    Json brought = Json::array();
    Places gone(place.key);
    bool replaces = false;
    for (const Json& item : patch) {
      const Json& directive = At(item, kDirective);
      if (!item.contains(kDirective)) {
        brought.push_back(item);
      } else if (directive == "delete") {
        if (!item.contains(place.key)) FailWithoutKey(item, place.key);
        gone.Add(item, 0);
      } else if (directive == "replace") {
        replaces = true;
      } else if (directive == "merge") {
        Fail("merging lists cannot yet be specified in the patch");
      } else {
        Fail(
            fmt::format("unknown patch type: {} in map: {}", AsWord(directive), GoFormatted(item)));
      }
    }
    if (replaces) return brought;
    std::erase_if(target.get_ref<Json::array_t&>(),
                  [&gone](const Json& item) { return gone.Has(item); });
    Json merged = target;
    Places there(place.key, target);
    for (const Json& item : brought) {
      if (!item.contains(place.key)) FailWithoutKey(item, place.key);
      const auto at = there.Find(item);
      if (at >= 0) {
        Json& old = merged[static_cast<size_t>(at)];
        old = Merge(old, item, place.type, depth);
        continue;
      }
      there.Add(item, merged.size());
      merged.push_back(item);
      merged.back().erase(kRetain);
    }
    return Ordered(place.key, merged, target, brought);
  }

  static std::string TypeName(const Place& place) {
    return place.type == nullptr ? "" : std::string(place.type->ShortName());
  }
};

}  // namespace

std::string GoFormatted(const Json& value) {
  std::string text;
  if (value.is_object()) {
    for (const auto& [key, item] : value.items())
      text += (text.empty() ? "" : " ") + key + ":" + GoFormatted(item);
    return "map[" + text + "]";
  }
  if (value.is_array()) {
    for (size_t i = 0; i < value.size(); ++i) text += (i == 0 ? "" : " ") + GoFormatted(value[i]);
    return "[" + text + "]";
  }
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number()) return GoNumber(value);
  return value.is_null() ? "<nil>" : value.dump();
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
