#include "libs/kubesim/objects/managed_fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "libs/kubesim/objects/schema.h"
#include "libs/kubesim/store/json_path.h"
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

using Rule = FieldSchema::ListRule;

// Where in a type a value stands: the schema of a built-in kind, or that of a custom resource's
// definition. Both null: nothing is known, maps are maps and lists are single values.
class Place {
 public:
  static Place Root(const ResourceType& type) {
    Place place;
    place.root_ = SchemaOf(type);
    place.implicit_ = place.root_ != nullptr;
    place.custom_kind_ = type.custom;
    if (type.definition) place.custom_ = &At(*type.definition, {"schema", "openAPIV3Schema"});
    return place;
  }

  Place Member(const std::string& name) const {
    Place next;
    next.depth_ = depth_ + 1;
    if (custom_kind_) {
      if (depth_ == 0 && name == "metadata") {  // the same in every kind
        static const FieldSchema* metadata = FindSchema("core.v1.Pod")->Find("metadata");
        next.field_ = metadata;
        next.value_ = &metadata->value;
        next.implicit_ = true;
        return next;
      }
      next.custom_kind_ = true;
      if (custom_ != nullptr) {
        const Json& properties = At(*custom_, "properties");
        next.custom_ = properties.is_object() && properties.contains(name)
                           ? &properties[name]
                           : &At(*custom_, "additionalProperties");
      }
      return next;
    }
    if (value_ != nullptr && value_->kind == ValueSchema::Kind::kMap) {
      next.value_ = value_->element.get();
      return next;
    }
    const TypeSchema* type = Type();
    const FieldSchema* field = type == nullptr ? nullptr : type->Find(name);
    if (field == nullptr) return next;
    next.field_ = field;
    next.value_ = &field->value;
    const bool listed = field->value.kind == ValueSchema::Kind::kList ||
                        field->value.kind == ValueSchema::Kind::kMap;
    next.implicit_ = implicit_ && (field->by_value || (field->required && listed));
    return next;
  }

  Place Element() const {
    Place next;
    next.depth_ = depth_ + 1;
    if (custom_kind_) {
      next.custom_kind_ = true;
      if (custom_ != nullptr) next.custom_ = &At(*custom_, "items");
    } else if (value_ != nullptr && value_->element) {
      next.value_ = value_->element.get();
    }
    return next;
  }

  /// There without anybody writing it.
  bool implicit() const { return implicit_; }

  /// Go's zero in a member that is always there: the same as before anybody wrote it.
  bool Zero(const Json& value) const {
    if (field_ == nullptr) return false;
    const bool always = field_->required || (depth_ == 1 && value.is_string());
    return always && (value == Json("") || value == Json(0) || value == Json(false));
  }

  bool holds_map() const { return value_ != nullptr && value_->kind == ValueSchema::Kind::kMap; }

  bool OneValue() const {
    if (custom_kind_)
      return custom_ != nullptr && TextAt(*custom_, "x-kubernetes-map-type") == "atomic";
    if (field_ != nullptr && field_->atomic) return true;
    const TypeSchema* type = Type();
    if (type != nullptr && (type->atomic || type->open)) return true;
    return value_ != nullptr && value_->kind == ValueSchema::Kind::kAny;
  }

  Rule ListRule() const {
    if (custom_kind_) {
      const std::string word = custom_ == nullptr ? "" : TextAt(*custom_, "x-kubernetes-list-type");
      return word == "map" ? Rule::kByKeys : word == "set" ? Rule::kSet : Rule::kAtomic;
    }
    if (field_ == nullptr) return Rule::kAtomic;
    if (field_->atomic) return Rule::kAtomic;
    return field_->list_rule;
  }

  std::vector<std::string> Keys() const {
    if (!custom_kind_) return field_ == nullptr ? std::vector<std::string>() : field_->list_keys;
    std::vector<std::string> keys;
    for (const Json& key : ListAt(*custom_, {"x-kubernetes-list-map-keys"}))
      keys.push_back(Scalar(key));
    return keys;
  }

 private:
  const TypeSchema* Type() const {
    if (value_ == nullptr) return root_;
    return value_->kind == ValueSchema::Kind::kStruct ? value_->type : nullptr;
  }

  const TypeSchema* root_ = nullptr;
  const FieldSchema* field_ = nullptr;
  const ValueSchema* value_ = nullptr;
  const Json* custom_ = nullptr;
  bool custom_kind_ = false;
  bool implicit_ = false;
  int depth_ = 0;
};

// What a key is when an element does not say it; null for keys without a default.
const char* KeyDefault(std::string_view name) {
  return name == "protocol" ? "TCP" : name == "name" ? "" : nullptr;
}

std::string KeyElement(const std::vector<std::string>& keys, const Json& item) {
  Json names = Json::object();
  for (const std::string& name : keys) {
    if (item.contains(name)) {
      names[name] = item[name];
    } else if (const char* otherwise = KeyDefault(name)) {
      names[name] = otherwise;
    }
  }
  return "k:" + names.dump();
}

// The element that stands for an item of a list that is merged; nothing when the list is one value.
bool Mergeable(const Place& place, const Json& list) {
  if (!list.is_array()) return false;
  const Rule rule = place.ListRule();
  if (rule == Rule::kAtomic) return false;
  if (rule == Rule::kSet)
    return std::none_of(list.begin(), list.end(),
                        [](const Json& item) { return item.is_structured(); });
  return std::all_of(list.begin(), list.end(), [](const Json& item) { return item.is_object(); });
}

std::string ElementOf(const Place& place, const Json& item) {
  return place.ListRule() == Rule::kSet ? "v:" + item.dump() : KeyElement(place.Keys(), item);
}

struct Collector {
  FieldView view;
  FieldSet* out;

  void Node(const Place& place, const FieldPath& path) {
    if (view == FieldView::kWritten && !place.implicit()) out->insert(path);
  }

  void Value(const Place& place, const Json& value, FieldPath& path) {
    if (path.size() > kMaxDepth) return;
    if (view == FieldView::kWritten && place.implicit() && value.is_object() && value.empty())
      return;
    if (value.is_object() && !place.OneValue()) {
      if (!value.empty()) {
        Node(place, path);
        Object(place, value, path);
        return;
      }
    } else if (!value.empty() && Mergeable(place, value)) {
      Node(place, path);
      std::map<std::string, int> times;
      for (const Json& item : value) ++times[ElementOf(place, item)];
      for (const Json& item : value) {
        path.push_back(ElementOf(place, item));
        out->insert(path);  // the element itself
        const Place inside = place.Element();
        // Elements of one key have no members that could be told apart.
        if (item.is_object() && !inside.OneValue() && times[path.back()] == 1)
          Object(inside, item, path);
        path.pop_back();
      }
      return;
    }
    out->insert(path);
  }

  void Object(const Place& place, const Json& object, FieldPath& path) {
    for (const auto& [member, value] : object.items()) {
      if (path.empty() && (member == "kind" || member == "apiVersion")) continue;
      if (path.size() == 1 && path[0] == "f:metadata" && Unowned().contains(member)) continue;
      // Null is a value where somebody made what holds it; in a member of a struct that is always
      // there it is what was there before.
      if (value.is_null() && (view == FieldView::kApplied ? !place.holds_map() : place.implicit()))
        continue;
      const Place inside = place.Member(member);
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

bool IsPrefix(const FieldPath& prefix, const FieldPath& path) {
  return prefix.size() < path.size() && std::equal(prefix.begin(), prefix.end(), path.begin());
}

// The value at a path; null when it is not there.
const Json* Find(const Json& object, const FieldPath& path) {
  const Json* node = &object;
  for (const std::string& element : path) {
    const std::string name = element.substr(2);
    if (element.starts_with("f:")) {
      if (!node->is_object() || !node->contains(name)) return nullptr;
      node = &(*node)[name];
      continue;
    }
    if (!node->is_array()) return nullptr;
    const Json wanted = Json::parse(name, nullptr, false);
    const Json* found = nullptr;
    for (const Json& item : *node) {
      bool equal =
          element.starts_with("v:") ? item == wanted : item.is_object() && wanted.is_object();
      if (equal && element.starts_with("k:")) {
        for (const auto& [key, value] : wanted.items()) {
          const char* otherwise = KeyDefault(key);
          equal = equal && (item.contains(key) ? item[key] == value
                                               : otherwise != nullptr && value == otherwise);
        }
      }
      if (equal) found = &item;
    }
    if (found == nullptr) return nullptr;
    node = found;
  }
  return node;
}

void Erase(Json& object, const FieldPath& path) {
  FieldPath parent(path.begin(), path.end() - 1);
  Json* holder = const_cast<Json*>(Find(object, parent));
  if (holder == nullptr) return;
  if (path.back().starts_with("f:") && holder->is_object()) {
    holder->erase(path.back().substr(2));
  } else if (holder->is_array()) {
    const Json* item = Find(object, path);
    for (size_t i = 0; i < holder->size(); ++i) {
      if (&(*holder)[i] == item) {
        holder->erase(i);
        break;
      }
    }
  }
  if (holder->empty() && parent.size() > 1) Erase(object, parent);
}

std::string Readable(const FieldPath& path) {
  std::string text;
  for (const std::string& element : path) {
    if (element.starts_with("f:")) {
      text += "." + element.substr(2);
    } else if (element.starts_with("v:")) {
      text += "[=" + element.substr(2) + "]";
    } else {
      std::string inner;
      const Json key = Json::parse(element.substr(2), nullptr, false);
      for (const auto& [name, value] : key.items())
        inner += (inner.empty() ? "" : ",") + name + "=" + value.dump();
      text += "[" + inner + "]";
    }
  }
  return text;
}

// One entry of managedFields, unpacked.
struct Entry {
  Json head;  // without fieldsV1
  FieldSet fields;
  bool Is(const Writer& writer, const char* operation) const {
    return TextAt(head, "manager") == writer.manager && TextAt(head, "operation") == operation &&
           TextAt(head, "subresource") == writer.subresource;
  }
};

std::vector<Entry> EntriesOf(const Json& object) {
  std::vector<Entry> entries;
  for (const Json& one : ListAt(object, {"metadata", "managedFields"})) {
    Entry entry{one, FromFieldsV1(At(one, "fieldsV1"))};
    if (!entry.head.is_object()) continue;
    entry.head.erase("fieldsV1");
    entries.push_back(std::move(entry));
  }
  return entries;
}

// Those who applied come first, then by time; of one second by names.
bool ComesBefore(const Entry& a, const Entry& b) {
  for (const char* member : {"operation", "time", "manager", "apiVersion", "subresource"}) {
    const std::string left = TextAt(a.head, member), right = TextAt(b.head, member);
    if (left != right) return left < right;
  }
  return false;
}

void Store(Json& object, std::vector<Entry> entries) {
  std::stable_sort(entries.begin(), entries.end(), ComesBefore);
  Json list = Json::array();
  for (const Entry& entry : entries) {
    if (entry.fields.empty()) continue;
    Json one = entry.head;
    one["fieldsType"] = "FieldsV1";
    one["fieldsV1"] = ToFieldsV1(entry.fields);
    list.push_back(std::move(one));
  }
  if (list.empty()) {
    object["metadata"].erase("managedFields");
  } else {
    object["metadata"]["managedFields"] = std::move(list);
  }
}

Json Head(const Writer& writer, const char* operation) {
  Json head = {{"manager", writer.manager},
               {"operation", operation},
               {"apiVersion", writer.api_version},
               {"time", writer.time}};
  if (!writer.subresource.empty()) head["subresource"] = writer.subresource;
  return head;
}

Json Merge(const Place& place, const Json& live, const Json& applied);

// Elements of both, in the order of the applied list; what only the live one has stays before what
// it stood before.
Json MergeLists(const Place& place, const Json& live, const Json& applied) {
  Json merged = Json::array();
  std::set<std::string> wanted, done;
  for (const Json& item : applied) wanted.insert(ElementOf(place, item));
  size_t left = 0, right = 0;
  while (left < live.size() || right < applied.size()) {
    if (left < live.size()) {
      const std::string element = ElementOf(place, live[left]);
      if (!wanted.contains(element)) {
        merged.push_back(live[left++]);
        continue;
      }
      if (done.contains(element)) {
        ++left;
        continue;
      }
    }
    if (right == applied.size()) break;
    const Json& item = applied[right++];
    const std::string element = ElementOf(place, item);
    const Json* there = Find(live, {element});
    merged.push_back(there == nullptr ? item : Merge(place.Element(), *there, item));
    done.insert(element);
  }
  return merged;
}

// Structured merge: `applied` wins, lists with keys are merged by them.
Json Merge(const Place& place, const Json& live, const Json& applied) {
  if (applied.is_object() && live.is_object() && !place.OneValue()) {
    Json merged = live;
    for (const auto& [name, value] : applied.items()) {
      merged[name] = live.contains(name) ? Merge(place.Member(name), live[name], value) : value;
    }
    return merged;
  }
  if (live.is_array() && Mergeable(place, applied)) {
    return MergeLists(place, live, applied);
  }
  return applied;
}

}  // namespace

FieldSet FieldsOf(const ResourceType& type, const Json& object, FieldView view) {
  FieldSet set;
  FieldPath path;
  if (object.is_object()) Collector{view, &set}.Object(Place::Root(type), object, path);
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
void Unfold(const Json& node, FieldPath& path, FieldSet* set) {
  if (!node.is_object() || path.size() > kMaxDepth) return;
  bool leaf = true;
  for (const auto& [element, value] : node.items()) {
    if (element == ".") {
      set->insert(path);
      continue;
    }
    if (element.size() < 2 || element[1] != ':') continue;
    leaf = false;
    path.push_back(element);
    Unfold(value, path, set);
    path.pop_back();
  }
  if (leaf && !path.empty()) set->insert(path);
}
}  // namespace

FieldSet FromFieldsV1(const Json& fields) {
  FieldSet set;
  FieldPath path;
  Unfold(fields, path, &set);
  return set;
}

void TrackUpdate(const Json& before, Json& object, const Writer& writer, const ResourceType& type) {
  const FieldSet now = FieldsOf(type, object, FieldView::kWritten);
  FieldSet changed;
  for (auto it = now.begin(); it != now.end(); ++it) {
    const FieldPath& path = *it;
    const Json* old = before.is_object() ? Find(before, path) : nullptr;
    const Json* value = Find(object, path);
    if (old != nullptr && old->is_null() && (value == nullptr || !value->is_null())) old = nullptr;
    const auto next = std::next(it);
    const bool leaf = next == now.end() || !IsPrefix(path, *next);
    if (old == nullptr || (leaf && value != nullptr && *old != *value)) changed.insert(path);
  }
  std::vector<Entry> entries = EntriesOf(object);
  Entry* mine = nullptr;
  for (Entry& entry : entries) {
    // Gone fields belong to nobody; changed ones to the writer.
    std::erase_if(entry.fields, [&](const FieldPath& path) {
      return Find(object, path) == nullptr && before.is_object() && Find(before, path) != nullptr;
    });
    if (entry.Is(writer, "Update")) mine = &entry;
  }
  if (!changed.empty()) {
    for (Entry& entry : entries) {
      if (&entry != mine)
        std::erase_if(entry.fields, [&](const FieldPath& path) { return changed.contains(path); });
    }
    if (mine == nullptr) {
      entries.push_back({Head(writer, "Update"), {}});
      mine = &entries.back();
    }
    mine->head["time"] = writer.time;
    mine->head["apiVersion"] = writer.api_version;
    mine->fields.insert(changed.begin(), changed.end());
  }
  Store(object, std::move(entries));
}

namespace {

std::string Misfit(const ValueSchema* value, const FieldSchema* field, const TypeSchema* type,
                   const Json& json, const std::string& path, int depth) {
  if (json.is_null() || depth > kMaxDepth) return "";
  using Kind = ValueSchema::Kind;
  if (type != nullptr) {
    if (type->open) return "";
    if (!json.is_object()) return path + ": expected map, got &{" + Scalar(json) + "}";
    for (const auto& [member, item] : json.items()) {
      const FieldSchema* found = type->Find(member);
      if (found == nullptr) return path + "." + member + ": field not declared in schema";
      const TypeSchema* inner = found->value.kind == Kind::kStruct ? found->value.type : nullptr;
      if (auto why = Misfit(&found->value, found, inner, item, path + "." + member, depth + 1);
          !why.empty())
        return why;
    }
    return "";
  }
  if (value == nullptr || value->kind == Kind::kAny) return "";
  const TypeSchema* inner =
      value->element && value->element->kind == Kind::kStruct ? value->element->type : nullptr;
  if (value->kind == Kind::kMap) {
    if (!json.is_object()) return path + ": expected map, got &{" + Scalar(json) + "}";
    for (const auto& [member, item] : json.items()) {
      if (auto why =
              Misfit(value->element.get(), nullptr, inner, item, path + "." + member, depth + 1);
          !why.empty())
        return why;
    }
    return "";
  }
  if (value->kind == Kind::kList) {
    if (!json.is_array()) return path + ": expected list, got &{" + Scalar(json) + "}";
    std::set<std::string> seen;
    for (size_t i = 0; i < json.size(); ++i) {
      const bool keyed =
          field != nullptr && field->list_rule == Rule::kByKeys && json[i].is_object();
      const std::string element =
          keyed ? Readable({KeyElement(field->list_keys, json[i])}) : fmt::format("[{}]", i);
      if (keyed && !seen.insert(element).second)
        return path + ": duplicate entries for key " + element;
      if (auto why =
              Misfit(value->element.get(), nullptr, inner, json[i], path + element, depth + 1);
          !why.empty())
        return why;
    }
    return "";
  }
  const bool text =
      value->kind == Kind::kText || value->kind == Kind::kBytes || value->kind == Kind::kTime;
  const bool number = value->kind == Kind::kInt32 || value->kind == Kind::kInt64;
  if (text && !json.is_string())
    return fmt::format("{}: expected string, got &value.valueUnstructured{{Value:{}}}", path,
                       json.dump());
  if (number && !json.is_number())
    return fmt::format("{}: expected numeric (int or float), got {}", path,
                       json.is_string()    ? "string"
                       : json.is_boolean() ? "boolean"
                       : json.is_object()  ? "map"
                                           : "list");
  if (value->kind == Kind::kBool && !json.is_boolean())
    return fmt::format("{}: expected boolean, got {}", path,
                       json.is_string() ? "string" : "number");
  return "";
}

// The same for a custom resource, whose types are its definition's; what that does not describe
// fits.
std::string CustomMisfit(const Json& schema, const Json& json, const std::string& path, int depth) {
  if (!schema.is_object() || json.is_null() || depth > kMaxDepth) return "";
  const std::string type = TextAt(schema, "type");
  if (BoolAt(schema, {"x-kubernetes-int-or-string"})) return "";
  const char* got = json.is_string()    ? "string"
                    : json.is_boolean() ? "boolean"
                    : json.is_object()  ? "map"
                    : json.is_array()   ? "list"
                                        : "number";
  if ((type == "integer" || type == "number") && !json.is_number())
    return fmt::format("{}: expected numeric (int or float), got {}", path, got);
  if (type == "string" && !json.is_string())
    return fmt::format("{}: expected string, got &value.valueUnstructured{{Value:{}}}", path,
                       json.dump());
  if (type == "boolean" && !json.is_boolean())
    return fmt::format("{}: expected boolean, got &{{{}}}", path, Scalar(json));
  if (type == "array") {
    if (!json.is_array()) return fmt::format("{}: expected list, got &{{{}}}", path, Scalar(json));
    const bool keyed = TextAt(schema, "x-kubernetes-list-type") == "map";
    std::vector<std::string> keys;
    for (const Json& key : ListAt(schema, {"x-kubernetes-list-map-keys"}))
      keys.push_back(Scalar(key));
    std::set<std::string> seen;
    for (size_t i = 0; i < json.size(); ++i) {
      const std::string element = keyed && json[i].is_object()
                                      ? Readable({KeyElement(keys, json[i])})
                                      : fmt::format("[{}]", i);
      if (keyed && !seen.insert(element).second)
        return path + ": duplicate entries for key " + element;
      if (auto why = CustomMisfit(At(schema, "items"), json[i], path + element, depth + 1);
          !why.empty())
        return why;
    }
    return "";
  }
  if (type != "object") return "";
  if (!json.is_object()) return fmt::format("{}: expected map, got &{{{}}}", path, Scalar(json));
  const Json& properties = At(schema, "properties");
  const Json& more = At(schema, "additionalProperties");
  const bool open = BoolAt(schema, {"x-kubernetes-preserve-unknown-fields"}) ||
                    more == Json(true) || BoolAt(schema, {"x-kubernetes-embedded-resource"});
  for (const auto& [member, item] : json.items()) {
    if (depth == 0 && (member == "metadata" || member == "kind" || member == "apiVersion"))
      continue;
    const bool named = properties.is_object() && properties.contains(member);
    if (!named && !more.is_object() && !open)
      return path + "." + member + ": field not declared in schema";
    if (auto why =
            CustomMisfit(named ? properties[member] : more, item, path + "." + member, depth + 1);
        !why.empty())
      return why;
  }
  return "";
}

}  // namespace

std::string SchemaMisfit(const ResourceType& type, const Json& applied) {
  const TypeSchema* schema = SchemaOf(type);
  if (type.custom && type.definition)
    return CustomMisfit(At(*type.definition, {"schema", "openAPIV3Schema"}), applied, "", 0);
  return schema == nullptr ? "" : Misfit(nullptr, nullptr, schema, applied, "", 0);
}

Outcome<Json> Apply(const Json& live, const Json& applied, const Writer& writer, bool force,
                    const ResourceType& type) {
  const FieldSet wanted = FieldsOf(type, applied, FieldView::kApplied);
  std::vector<Entry> entries = EntriesOf(live);
  std::map<std::string, std::vector<std::string>> conflicts;  // manager -> fields
  for (const FieldPath& path : wanted) {
    const Json* value = Find(applied, path);
    const Json* now = live.is_object() ? Find(live, path) : nullptr;
    const bool element = !path.back().starts_with("f:");
    if (element || now == nullptr || value == nullptr || *now == *value) continue;
    if (value->is_object() && value->empty() && now->is_object())
      continue;  // an empty map wants nothing of what is in it
    if (value->is_array() && value->empty() &&
        std::any_of(entries.begin(), entries.end(), [&](const Entry& entry) {
          return std::any_of(entry.fields.begin(), entry.fields.end(),
                             [&](const FieldPath& held) { return IsPrefix(path, held); });
        }))
      continue;  // nor does an empty list whose elements are owned one by one
    for (Entry& entry : entries) {
      if (entry.Is(writer, "Apply")) continue;
      const bool owns =
          std::any_of(entry.fields.begin(), entry.fields.end(), [&](const FieldPath& held) {
            return held == path ||
                   IsPrefix(path, held);  // who holds a map itself does not hold what is in it
          });
      if (!owns) continue;
      if (force) {
        std::erase_if(entry.fields,
                      [&](const FieldPath& held) { return held == path || IsPrefix(path, held); });
        continue;
      }
      std::string who = "\"" + TextAt(entry.head, "manager") + "\"";
      if (!TextAt(entry.head, "subresource").empty())
        who += " with subresource \"" + TextAt(entry.head, "subresource") + "\"";
      if (TextAt(entry.head, "operation") == "Update")
        who += " using " + TextAt(entry.head, "apiVersion");
      conflicts[who].push_back(Readable(path));
    }
  }
  if (!conflicts.empty()) {
    ApiStatus status{.code = 409, .reason = "Conflict", .has_details = true};
    size_t count = 0;
    std::string list;
    for (const auto& [who, fields] : conflicts) {
      count += fields.size();
      list += fmt::format("{}{} with {}:", list.empty() ? "" : "\n",
                          fields.size() > 1 ? "conflicts" : "conflict", who);
      for (const std::string& field : fields) {
        list += fields.size() > 1 ? "\n- " + field : " " + field;
        status.causes.push_back({"FieldManagerConflict", "conflict with " + who, field});
      }
    }
    status.message = fmt::format("Apply failed with {} {}: {}", count,
                                 count > 1 ? "conflicts" : "conflict", list);
    return status;
  }
  Json result = live.is_object() ? Merge(Place::Root(type), live, applied) : applied;
  // What this manager applied before and leaves out now goes, unless somebody else holds it too.
  Entry* mine = nullptr;
  for (Entry& entry : entries) {
    if (entry.Is(writer, "Apply")) mine = &entry;
  }
  if (mine != nullptr) {
    for (const FieldPath& path : mine->fields) {
      if (wanted.contains(path)) continue;
      const bool shared = std::any_of(entries.begin(), entries.end(), [&](const Entry& entry) {
        return &entry != mine &&
               std::any_of(entry.fields.begin(), entry.fields.end(), [&](const FieldPath& held) {
                 return held == path || IsPrefix(path, held);
               });
      });
      const bool parent_of_wanted =
          std::any_of(wanted.begin(), wanted.end(),
                      [&](const FieldPath& held) { return IsPrefix(path, held); });
      if (!shared && !parent_of_wanted) Erase(result, path);
    }
  } else {
    entries.push_back({Head(writer, "Apply"), {}});
    mine = &entries.back();
  }
  if (mine->fields != wanted) mine->head["time"] = writer.time;
  mine->fields = wanted;
  Store(result, std::move(entries));
  return result;
}

}  // namespace opsmesh::kubesim
