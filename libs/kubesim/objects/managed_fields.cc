#include "libs/kubesim/objects/managed_fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "libs/kubesim/objects/field_place.h"
#include "libs/kubesim/objects/field_values.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

// Whether a path or one below it is in a set, where it stands before all that are below it.
bool Holds(const FieldSet& set, const FieldPath& path) {
  const auto at = set.lower_bound(path);
  return at != set.end() && (*at == path || IsPrefix(path, *at));
}

void EraseHeld(FieldSet& set, const FieldPath& path) {
  auto at = set.lower_bound(path);
  while (at != set.end() && (*at == path || IsPrefix(path, *at))) at = set.erase(at);
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
  std::map<std::string, const Json*> there;  // the first of each
  for (const Json& item : live) there.try_emplace(ElementOf(place, item), &item);
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
    const auto old = there.find(element);
    merged.push_back(old == there.end() ? item : Merge(place.Element(), *old->second, item));
    done.insert(element);
  }
  return merged;
}

// Structured merge: `applied` wins, lists with keys are merged by them.
Json Merge(const FieldPlace& place, const Json& live, const Json& applied) {
  if (applied.is_null() && live.is_structured() && !place.Atomic(live))
    return live;  // null says nothing of what is in it
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

using Conflicts = std::map<std::string, std::vector<std::string>>;  // manager -> fields

ApiStatus Refused(const Conflicts& conflicts) {
  ApiStatus status{.code = 409, .reason = "Conflict", .has_details = true};
  std::string list;
  for (const auto& [who, fields] : conflicts) {
    list += fmt::format("{}conflicts with {}:", list.empty() ? "" : "\n", who);
    for (const std::string& field : fields) {
      list += "\n- " + field;
      status.causes.push_back({"FieldManagerConflict", "conflict with " + who, field});
    }
  }
  if (status.causes.size() == 1) {
    status.message = fmt::format("Apply failed with 1 conflict: {}: {}", status.causes[0].message,
                                 status.causes[0].field);
  } else {
    status.message = fmt::format("Apply failed with {} conflicts: {}", status.causes.size(), list);
  }
  return status;
}

// What a resource's registry sets back, whoever writes it, is nobody's: the status where it has a
// path of its own, and everything else at that path.
bool ResetBy(const ResourceType& type, const Writer& writer, const FieldPath& path) {
  if (writer.subresource == "status") return path.front() == "f:spec";
  return writer.subresource.empty() && path.front() == "f:status" &&
         type.FindSubresource("status") != nullptr;
}

// An object that nobody keeps books about belongs, once somebody applies, to whoever wrote it.
std::vector<Entry> BeforeFirstApply(const Json& live, const Writer& writer,
                                    const ResourceType& type) {
  Entry entry{Head(writer, "Update"), FieldsOf(type, live, FieldView::kWritten)};
  entry.head["manager"] = "before-first-apply";
  std::erase_if(entry.fields, [&](const FieldPath& path) { return ResetBy(type, writer, path); });
  return {std::move(entry)};
}

}  // namespace

void TrackUpdate(const Json& before, Json& object, const Writer& writer, const ResourceType& type) {
  const FieldSet now = FieldsOf(type, object, FieldView::kWritten);
  FieldSet changed;
  FieldValues in_object(object), in_before(before);
  for (auto it = now.begin(); it != now.end(); ++it) {
    const FieldPath& path = *it;
    const Json* old = in_before.Find(path);
    const Json* value = in_object.Find(path);
    if (old != nullptr && old->is_null() && (value == nullptr || !value->is_null())) old = nullptr;
    const auto next = std::next(it);
    const bool leaf = next == now.end() || !IsPrefix(path, *next);
    // A map or list that was emptied is still there: what was in it is gone.
    const bool emptied = leaf && old != nullptr && value != nullptr && value->is_structured() &&
                         value->empty() && old->type() == value->type() &&
                         !FieldPlace::Root(type).Below(path).Atomic(*value);
    if (old == nullptr || (leaf && !emptied && value != nullptr && *old != *value))
      changed.insert(path);
  }
  std::vector<Entry> entries = EntriesOf(object);
  // Nobody begins to keep books about an object that is there without any.
  if (before.is_object() && entries.empty()) return;
  Entry* mine = nullptr;
  for (Entry& entry : entries) {
    // Gone fields belong to nobody; changed ones to the writer.
    std::erase_if(entry.fields, [&](const FieldPath& path) {
      if (FoldedBy(now, path)) return true;
      return in_object.Find(path) == nullptr && in_before.Find(path) != nullptr;
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

// kubectl's way of applying before servers could: what it applied is kept as text. A server-side
// apply by kubectl may take over what that text holds, and renews it.
constexpr const char* kKubectl = "kubectl";
constexpr const char* kLastApplied = "kubectl.kubernetes.io/last-applied-configuration";

std::string NameOf(const Entry& entry) {
  std::string who = "\"" + TextAt(entry.head, "manager") + "\"";
  if (!TextAt(entry.head, "subresource").empty())
    who += " with subresource \"" + TextAt(entry.head, "subresource") + "\"";
  if (TextAt(entry.head, "operation") == "Update")
    who += " using " + TextAt(entry.head, "apiVersion");
  return who;
}

// The fields that the kept text holds; none where there is no such text.
FieldSet LastApplied(const Json& live, const ResourceType& type) {
  const std::string text = TextAt(live, {"metadata", "annotations", kLastApplied});
  const Json last = Json::parse(text, nullptr, false);
  return last.is_object() ? FieldsOf(type, last, FieldView::kApplied) : FieldSet();
}

void RenewLastApplied(const Json& live, Json applied, Json& result) {
  if (TextAt(live, {"metadata", "annotations", kLastApplied}).empty()) return;
  Json& metadata = applied["metadata"];
  if (metadata.contains("annotations") && metadata["annotations"].is_object())
    metadata["annotations"].erase(kLastApplied);
  metadata.erase("managedFields");
  std::string text = applied.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  size_t total = text.size();
  for (const auto& [name, value] : result["metadata"]["annotations"].items())
    total += name == kLastApplied ? name.size() : name.size() + Scalar(value).size();
  if (total > (256u << 10))
    result["metadata"]["annotations"].erase(kLastApplied);
  else
    result["metadata"]["annotations"][kLastApplied] = std::move(text);
}

// What a manager applied before and leaves out now goes, unless somebody else holds it too; so does
// what holds it, where nothing of that is asked for any more, with all that is nobody's in it.
void EraseLeftOut(const std::vector<Entry>& entries, const Entry& mine, const FieldSet& wanted,
                  Json& result) {
  FieldSet last = mine.fields;
  for (const FieldPath& path : mine.fields) {
    for (size_t length = path.size() - 1; length > 0; --length) {
      const FieldPath holder(path.begin(), path.begin() + static_cast<std::ptrdiff_t>(length));
      if (holder.back().starts_with("f:") && holder != FieldPath{"f:metadata"}) last.insert(holder);
    }
  }
  std::erase_if(last, [&](const FieldPath& path) {
    return Holds(wanted, path) ||
           std::any_of(entries.begin(), entries.end(), [&](const Entry& entry) {
             return &entry != &mine && Holds(entry.fields, path);
           });
  });
  EraseFields(result, last);
}

// Two objects that differ at most in who owns what.
bool SameContent(const Json& live, const Json& result) {
  if (!live.is_object()) return false;
  Json before = live, after = result;
  for (Json* one : {&before, &after}) {
    (*one)["metadata"].erase("managedFields");
    for (const char* member : {"kind", "apiVersion"}) one->erase(member);
  }
  return before == after;
}

}  // namespace

Outcome<Json> Apply(const Json& live, const Json& applied, const Writer& writer, bool force,
                    const ResourceType& type) {
  FieldSet wanted = FieldsOf(type, applied, FieldView::kApplied);
  std::erase_if(wanted, [&](const FieldPath& path) { return ResetBy(type, writer, path); });
  std::vector<Entry> entries = EntriesOf(live);
  if (live.is_object() && entries.empty()) entries = BeforeFirstApply(live, writer, type);
  Conflicts conflicts;
  std::vector<std::pair<Entry*, FieldPath>> taken;
  const FieldSet excused = writer.manager == kKubectl ? LastApplied(live, type) : FieldSet();
  Json result = live.is_object() ? Merge(FieldPlace::Root(type), live, applied) : applied;
  FieldValues in_result(result), in_live(live);
  for (const FieldPath& path : wanted) {
    const Json* value = in_result.Find(path);
    const Json* now = in_live.Find(path);
    const bool element = !path.back().starts_with("f:");
    if (element || now == nullptr || value == nullptr || *now == *value) continue;
    for (Entry& entry : entries) {
      if (entry.Is(writer, "Apply")) continue;
      // Who holds a map itself does not hold what is in it.
      if (!Holds(entry.fields, path)) continue;
      if (force) {
        EraseHeld(entry.fields, path);
        continue;
      }
      if (excused.contains(path))
        taken.emplace_back(&entry, path);
      else
        conflicts[NameOf(entry)].push_back(ReadablePath(path));
    }
  }
  if (!conflicts.empty()) return Refused(conflicts);
  for (auto& [entry, path] : taken) EraseHeld(entry->fields, path);
  Entry* mine = nullptr;
  for (Entry& entry : entries) {
    if (entry.Is(writer, "Apply")) mine = &entry;
  }
  if (mine != nullptr) {
    EraseLeftOut(entries, *mine, wanted, result);
  } else {
    entries.push_back({Head(writer, "Apply"), {}});
    mine = &entries.back();
  }
  // An entry tells when its manager last changed something; one who only agrees has no time yet.
  const bool fresh = mine->fields.empty();
  if (!SameContent(live, result))
    mine->head["time"] = writer.time;
  else if (fresh)
    mine->head.erase("time");
  mine->fields = wanted;
  Store(result, std::move(entries));
  if (writer.manager == kKubectl) RenewLastApplied(live, applied, result);
  return result;
}

}  // namespace opsmesh::kubesim
