#include "libs/kubesim/rehearsal/picture.h"

#include <algorithm>
#include <array>

#include "libs/base/clock.h"
#include "libs/kubesim/api/printers.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

struct Shown {
  std::string_view group, version, plural, kind;
};

// From the ground up: what a change in one explains of the next stands before it.
constexpr std::array<Shown, 12> kShown = {{
    {"", "v1", "nodes", "Node"},
    {"", "v1", "namespaces", "Namespace"},
    {"", "v1", "persistentvolumeclaims", "PersistentVolumeClaim"},
    {"apps", "v1", "deployments", "Deployment"},
    {"apps", "v1", "statefulsets", "StatefulSet"},
    {"apps", "v1", "daemonsets", "DaemonSet"},
    {"batch", "v1", "cronjobs", "CronJob"},
    {"batch", "v1", "jobs", "Job"},
    {"autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler"},
    {"policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget"},
    {"", "v1", "resourcequotas", "ResourceQuota"},
    {"", "v1", "pods", "Pod"},
}};

std::string CellText(const Json& cell) {
  if (cell.is_string()) return cell.get<std::string>();
  return cell.is_null() ? std::string() : cell.dump();
}

// "3 (10m ago)" -> "3": the age goes on by itself.
std::string WithoutAge(std::string text) {
  const size_t at = text.rfind(" (");
  if (at != std::string::npos && text.ends_with(" ago)")) text.resize(at);
  return text;
}

bool TellsTime(std::string_view column) {
  return column == "Age" || column == "Duration" || column == "Last Schedule" || column == "Name" ||
         column == "Created At";
}

PictureRow RowOf(const ResourceType& type, const std::vector<Column>& columns, const Object& object,
                 absl::Time now) {
  PictureRow row{.uid = object.uid, .cells = {}};
  const std::vector<Json> cells = CellsOf(type, object, now);
  for (size_t i = 0; i < columns.size() && i < cells.size(); ++i) {
    if (columns[i].priority > 0 || TellsTime(columns[i].name)) continue;
    row.cells.emplace_back(columns[i].name, WithoutAge(CellText(cells[i])));
  }
  return row;
}

PictureEvent EventOf(const Json& event) {
  PictureEvent out;
  out.type = TextAt(event, {"type"});
  out.reason = TextAt(event, {"reason"});
  out.message = TextAt(event, {"message"});
  const std::string ns = TextAt(event, {"involvedObject", "namespace"});
  out.object = TextAt(event, {"involvedObject", "kind"}) + " " + (ns.empty() ? "" : ns + "/") +
               TextAt(event, {"involvedObject", "name"});
  out.count = IntAt(event, {"series", "count"}, IntAt(event, "count", 1));
  for (const char* member : {"lastTimestamp", "eventTime", "firstTimestamp"}) {
    const std::string text = TextAt(event, {member});
    if (!text.empty() && base::ParseRfc3339(text, &out.last)) break;
  }
  return out;
}

RowChange ChangeOf(const Picture::Key& key, const PictureRow* before, const PictureRow* after) {
  RowChange change;
  change.kind = Picture::KindOf(std::get<0>(key));
  change.ns = std::get<1>(key);
  change.name = std::get<2>(key);
  change.added = before == nullptr;
  change.removed = after == nullptr;
  const PictureRow& any = after != nullptr ? *after : *before;
  for (size_t i = 0; i < any.cells.size(); ++i) {
    const auto text = [i](const PictureRow* row) {
      return row != nullptr && i < row->cells.size() ? row->cells[i].second : std::string();
    };
    RowChange::Cell cell{any.cells[i].first, text(before), text(after)};
    if (cell.before != cell.after) change.cells.push_back(std::move(cell));
  }
  return change;
}

}  // namespace

std::string_view Picture::KindOf(size_t place) {
  return place < kShown.size() ? kShown[place].kind : std::string_view();
}

Picture Picture::Of(const Store& store, absl::Time now) {
  Picture picture;
  for (size_t place = 0; place < kShown.size(); ++place) {
    const Shown& shown = kShown[place];
    const ResourceType& type = MustFind(store, shown.group, shown.version, shown.plural);
    const std::vector<Column> columns = ColumnsOf(type);
    for (const ObjectPtr& object : store.List(type).objects)
      picture.rows_.emplace(Key(place, object->ns, object->name),
                            RowOf(type, columns, *object, now));
  }
  for (const ObjectPtr& object : store.List(MustFind(store, "", "v1", "events")).objects)
    picture.events_.emplace(object->uid, EventOf(object->Parse()));
  return picture;
}

PictureDifference Compare(const Picture& before, const Picture& after) {
  PictureDifference out;
  auto old = before.rows().begin();
  auto now = after.rows().begin();
  while (old != before.rows().end() || now != after.rows().end()) {
    const bool gone =
        now == after.rows().end() || (old != before.rows().end() && old->first < now->first);
    const bool came = !gone && (old == before.rows().end() || now->first < old->first);
    RowChange change = ChangeOf(gone ? old->first : now->first, came ? nullptr : &old->second,
                                gone ? nullptr : &now->second);
    const bool replaced = !gone && !came && old->second.uid != now->second.uid;
    if (gone || came || replaced || !change.cells.empty()) out.rows.push_back(std::move(change));
    if (!came) ++old;
    if (!gone) ++now;
  }
  for (const auto& [uid, event] : after.events()) {
    const auto earlier = before.events().find(uid);
    const int64_t seen = earlier == before.events().end() ? 0 : earlier->second.count;
    if (event.count <= seen) continue;
    out.events.push_back(event);
    out.events.back().count = event.count - seen;
  }
  std::sort(out.events.begin(), out.events.end(), [](const PictureEvent& a, const PictureEvent& b) {
    return std::tie(a.last, a.object, a.reason, a.message) <
           std::tie(b.last, b.object, b.reason, b.message);
  });
  return out;
}

}  // namespace opsmesh::kubesim
