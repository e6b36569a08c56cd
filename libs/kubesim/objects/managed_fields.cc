#include "libs/kubesim/objects/managed_fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "libs/kubesim/objects/field_place.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

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

Json Merge(const FieldPlace& place, const Json& live, const Json& applied);

// Elements of both, in the order of the applied list; what only the live one has stays before what
// it stood before.
Json MergeLists(const FieldPlace& place, const Json& live, const Json& applied) {
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
Json Merge(const FieldPlace& place, const Json& live, const Json& applied) {
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
      conflicts[who].push_back(ReadablePath(path));
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
  Json result = live.is_object() ? Merge(FieldPlace::Root(type), live, applied) : applied;
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
