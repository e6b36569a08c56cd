// Fields as sets: of an object, and as fieldsV1 writes them.
#include <algorithm>
#include <map>

#include "libs/kubesim/objects/field_place.h"
#include "libs/kubesim/objects/managed_fields.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

constexpr int kMaxDepth = 64;

// Members of metadata that nobody owns.
const std::set<std::string>& Unowned() {
  static const auto* names = new std::set<std::string>{"name",
                                                       "namespace",
                                                       "uid",
                                                       "resourceVersion",
                                                       "generation",
                                                       "creationTimestamp",
                                                       "deletionTimestamp",
                                                       "deletionGracePeriodSeconds",
                                                       "managedFields",
                                                       "selfLink"};
  return *names;
}

// What the paths of one set may take. Each path holds the texts of all that it is below: under a
// name of a mebibyte tens of thousands of members would take as many mebibytes. No object that is
// small enough to be stored comes near this with names that people give.
class Room {
 public:
  // Whether there is room for so many paths right below this one; takes it. What has none is owned
  // as one value, as an atomic map or list is.
  bool Take(const FieldPath& path, size_t members) {
    size_t bytes = 0;
    for (const std::string& element : path) bytes += sizeof(element) + element.size();
    if (bytes * members > left_) return false;
    left_ -= bytes * members;
    return true;
  }

 private:
  size_t left_ = 64u << 20;
};

struct Collector {
  FieldView view;
  FieldSet* out;
  Room room{};

  void Node(const FieldPlace& place, const FieldPath& path) {
    if (view == FieldView::kWritten && !place.implicit()) out->insert(path);
  }

  void Value(const FieldPlace& place, const Json& value, FieldPath& path) {
    if (path.size() > kMaxDepth) return;
    if (view == FieldView::kWritten && place.implicit() && value.is_object() && value.empty())
      return;
    if (value.is_object() && !place.OneValue()) {
      if (!value.empty() && room.Take(path, value.size())) {
        Node(place, path);
        Object(place, value, path);
        return;
      }
    } else if (!value.empty() && Mergeable(place, value) && room.Take(path, value.size())) {
      Node(place, path);
      std::map<std::string, int> times;
      for (const Json& item : value) ++times[ElementOf(place, item)];
      for (const Json& item : value) {
        path.push_back(ElementOf(place, item));
        out->insert(path);  // the element itself
        const FieldPlace inside = place.Element();
        // Elements of one key have no members that could be told apart.
        if (item.is_object() && !inside.OneValue() && times[path.back()] == 1 &&
            room.Take(path, item.size()))
          Object(inside, item, path);
        path.pop_back();
      }
      return;
    } else if (view == FieldView::kApplied && value.is_array() && value.empty() &&
               place.ListRule() != FieldPlace::Rule::kAtomic) {
      return;  // who asks for no elements of a list that is merged asks for nothing
    }
    out->insert(path);
  }

  void Object(const FieldPlace& place, const Json& object, FieldPath& path) {
    for (const auto& [member, value] : object.items()) {
      if (path.empty() && (member == "kind" || member == "apiVersion")) continue;
      if (path.size() == 1 && path[0] == "f:metadata" && Unowned().contains(member)) continue;
      // Null is a value where somebody made what holds it; in a member of a struct that is always
      // there it is what was there before.
      if (value.is_null() && view != FieldView::kApplied && place.implicit()) continue;
      const FieldPlace inside = place.Member(member);
      if (view == FieldView::kWritten && place.implicit() && inside.Zero(value)) continue;
      path.push_back("f:" + member);
      if (value.is_null())
        out->insert(path);
      else
        Value(inside, value, path);
      path.pop_back();
    }
  }
};

}  // namespace

bool IsPrefix(const FieldPath& prefix, const FieldPath& path) {
  return prefix.size() < path.size() && std::equal(prefix.begin(), prefix.end(), path.begin());
}

bool FoldedBy(const FieldSet& now, const FieldPath& path) {
  for (size_t length = 1; length < path.size(); ++length) {
    if (!path[length - 1].starts_with("k:")) continue;
    const FieldPath element(path.begin(), path.begin() + static_cast<std::ptrdiff_t>(length));
    const auto there = now.find(element);
    if (there == now.end()) continue;
    const auto next = std::next(there);
    if (next == now.end() || !IsPrefix(element, *next)) return true;
  }
  return false;
}

FieldSet FieldsOf(const ResourceType& type, const Json& object, FieldView view) {
  FieldSet set;
  FieldPath path;
  if (object.is_object()) Collector{view, &set}.Object(FieldPlace::Root(type), object, path);
  return set;
}

Json ToFieldsV1(const FieldSet& set) {
  Json root = Json::object();
  auto node_at = [&root](const FieldPath& path) {
    Json* node = &root;
    for (const std::string& element : path) node = &(*node)[element];
    return node;
  };
  for (const FieldPath& path : set) {
    if (Json* node = node_at(path); node->is_null()) *node = Json::object();
  }
  // Owned itself and holding more: a dot says so.
  for (const FieldPath& path : set) {
    if (Json* node = node_at(path); !node->empty()) (*node)["."] = Json::object();
  }
  return root;
}

namespace {
void Unfold(const Json& node, FieldPath& path, FieldSet* set, Room& room) {
  if (!node.is_object() || path.size() > kMaxDepth) return;
  if (!room.Take(path, node.size())) {
    set->insert(path);
    return;
  }
  bool leaf = true;
  for (const auto& [element, value] : node.items()) {
    if (element == ".") {
      if (!path.empty()) set->insert(path);  // nobody owns the object itself
      continue;
    }
    if (element.size() < 2 || element[1] != ':') continue;
    leaf = false;
    path.push_back(element);
    Unfold(value, path, set, room);
    path.pop_back();
  }
  if (leaf && !path.empty()) set->insert(path);
}
}  // namespace

FieldSet FromFieldsV1(const Json& fields) {
  FieldSet set;
  FieldPath path;
  Room room;
  Unfold(fields, path, &set, room);
  return set;
}

}  // namespace opsmesh::kubesim
