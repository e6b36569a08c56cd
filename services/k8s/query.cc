// Runs a query: filter, count, group, sort, page.
#include "services/k8s/query.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "libs/base/error.h"
#include "libs/base/strings.h"

namespace opsmesh::k8s {
namespace {

uint64_t Fnv(std::string_view text) {
  uint64_t hash = 1469598103934665603u;
  for (const unsigned char c : text) hash = (hash ^ c) * 1099511628211u;
  return hash;
}

std::string MakeCursor(std::string_view fingerprint, std::string_view position) {
  return base::Base64Encode(fmt::format("{:x}|{}", Fnv(fingerprint), position));
}

absl::StatusOr<std::string> ReadCursor(std::string_view cursor, std::string_view fingerprint) {
  std::string text;
  const std::string prefix = fmt::format("{:x}|", Fnv(fingerprint));
  if (!base::Base64Decode(cursor, &text) || !text.starts_with(prefix)) {
    return base::InvalidArgument("arguments.cursor", "BAD_CURSOR",
                                 "The cursor does not belong to this question.")
        .Hint(
            "Pass next_cursor of the answer before, with the same arguments; or leave it out to "
            "begin again.");
  }
  return text.substr(prefix.size());
}

void Add(AggregateValue& into, Aggregate::Kind kind, double value) {
  if (into.count++ == 0)
    into.value = value;
  else if (kind == Aggregate::Kind::kMin)
    into.value = std::min(into.value, value);
  else if (kind == Aggregate::Kind::kMax)
    into.value = std::max(into.value, value);
  else
    into.value += value;
}

void Finish(std::vector<AggregateValue>& values, const std::vector<Aggregate>& aggregates) {
  for (size_t i = 0; i < values.size(); ++i) {
    if (aggregates[i].kind == Aggregate::Kind::kAvg && values[i].count > 0) {
      values[i].value /= static_cast<double>(values[i].count);
    }
  }
}

std::vector<kube::ObjectPtr> Filter(const Query& query, std::span<const kube::ObjectPtr> objects,
                                    Picture& picture) {
  std::vector<kube::ObjectPtr> out;
  for (const kube::ObjectPtr& object : objects) {
    if (!query.labels.empty() && !query.labels.Matches(object->meta().labels)) continue;
    const bool holds = std::all_of(query.where.begin(), query.where.end(),
                                   [&](const Condition& c) { return Holds(c, *object, picture); });
    if (holds) out.push_back(object);
  }
  return out;
}

// Sorts by the field; absent values last in both directions, ties by namespace and name (the order
// they come in).
void Sort(const Query& query, std::vector<kube::ObjectPtr>& rows, Picture& picture) {
  if (query.sort_by.name.empty()) return;
  std::vector<std::pair<FieldValue, kube::ObjectPtr>> keyed;
  keyed.reserve(rows.size());
  for (kube::ObjectPtr& row : rows)
    keyed.emplace_back(query.sort_by.get(*row, picture), std::move(row));
  const bool text = query.sort_by.unit == Unit::kText;
  std::stable_sort(keyed.begin(), keyed.end(), [&](const auto& a, const auto& b) {
    if (a.first.absent != b.first.absent) return b.first.absent;
    if (a.first.absent) return false;
    if (text) return query.descending ? a.first.text > b.first.text : a.first.text < b.first.text;
    return query.descending ? a.first.number > b.first.number : a.first.number < b.first.number;
  });
  for (size_t i = 0; i < rows.size(); ++i) rows[i] = std::move(keyed[i].second);
}

void CountStatuses(const Query& query, const std::vector<kube::ObjectPtr>& rows, Picture& picture,
                   QueryResult& result) {
  const Field* status = FindField(query.type.plural, "status");
  if (!status) return;
  std::map<std::string, int64_t> counts;
  for (const kube::ObjectPtr& row : rows) {
    const FieldValue value = status->get(*row, picture);
    if (!value.absent) ++counts[value.text];
  }
  result.statuses.assign(counts.begin(), counts.end());
  std::stable_sort(result.statuses.begin(), result.statuses.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
}

std::vector<Group> MakeGroups(const Query& query, const std::vector<kube::ObjectPtr>& rows,
                              Picture& picture) {
  std::map<std::vector<std::string>, Group> groups;
  for (const kube::ObjectPtr& row : rows) {
    std::vector<std::string> key;
    for (const Field& field : query.group_by)
      key.push_back(Shown(field.get(*row, picture), field.unit));
    Group& group = groups[key];
    if (group.count++ == 0) {
      group.key = key;
      group.aggregates.resize(query.aggregates.size());
    }
    for (size_t i = 0; i < query.aggregates.size(); ++i) {
      const FieldValue value = query.aggregates[i].field.get(*row, picture);
      if (!value.absent) Add(group.aggregates[i], query.aggregates[i].kind, value.number);
    }
  }
  std::vector<Group> out;
  for (auto& [key, group] : groups) {
    Finish(group.aggregates, query.aggregates);
    out.push_back(std::move(group));
  }
  std::stable_sort(out.begin(), out.end(),
                   [](const Group& a, const Group& b) { return a.count > b.count; });
  return out;
}

// Where the next page begins. Pages in the natural order go on after a name, so that objects which
// come and go between two pages shift nothing; sorted ones and groups go on at a number.
absl::StatusOr<size_t> StartOf(const Query& query, const std::vector<kube::ObjectPtr>& rows,
                               bool natural) {
  if (query.cursor.empty()) return 0;
  OPSMESH_ASSIGN_OR_RETURN(const std::string position, ReadCursor(query.cursor, query.fingerprint));
  if (natural) {
    const size_t slash = position.find('/');
    if (slash != std::string::npos) {
      const std::pair<std::string_view, std::string_view> last(
          std::string_view(position).substr(0, slash),
          std::string_view(position).substr(slash + 1));
      const auto it = std::upper_bound(
          rows.begin(), rows.end(), last, [](const auto& key, const kube::ObjectPtr& o) {
            return key < std::pair<std::string_view, std::string_view>(o->ns(), o->name());
          });
      return static_cast<size_t>(it - rows.begin());
    }
  } else if (!position.empty() && position.size() < 10 &&
             std::all_of(position.begin(), position.end(),
                         [](char c) { return c >= '0' && c <= '9'; })) {
    return static_cast<size_t>(std::stoul(position));
  }
  return ReadCursor("", query.fingerprint).status();
}

absl::Status PageGroups(const Query& query, const std::vector<kube::ObjectPtr>& rows,
                        Picture& picture, QueryResult& result) {
  result.groups = MakeGroups(query, rows, picture);
  result.group_total = static_cast<int64_t>(result.groups.size());
  OPSMESH_ASSIGN_OR_RETURN(size_t start, StartOf(query, rows, false));
  start = std::min(start, result.groups.size());
  const size_t end = std::min(result.groups.size(), start + static_cast<size_t>(query.limit));
  if (end < result.groups.size())
    result.next_cursor = MakeCursor(query.fingerprint, std::to_string(end));
  result.groups.erase(result.groups.begin() + static_cast<ptrdiff_t>(end), result.groups.end());
  result.groups.erase(result.groups.begin(), result.groups.begin() + static_cast<ptrdiff_t>(start));
  return absl::OkStatus();
}

absl::Status PageRows(const Query& query, std::vector<kube::ObjectPtr> rows, Picture& picture,
                      QueryResult& result) {
  Sort(query, rows, picture);
  const bool natural = query.sort_by.name.empty();
  OPSMESH_ASSIGN_OR_RETURN(size_t start, StartOf(query, rows, natural));
  start = std::min(start, rows.size());
  const size_t end = std::min(rows.size(), start + static_cast<size_t>(query.limit));
  if (end < rows.size()) {
    const kube::Object& last = *rows[end > 0 ? end - 1 : 0];
    result.next_cursor =
        MakeCursor(query.fingerprint,
                   natural ? fmt::format("{}/{}", last.ns(), last.name()) : std::to_string(end));
  }
  result.rows.assign(rows.begin() + static_cast<ptrdiff_t>(start),
                     rows.begin() + static_cast<ptrdiff_t>(end));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<QueryResult> Run(const Query& query, std::span<const kube::ObjectPtr> objects,
                                Picture& picture) {
  QueryResult result;
  result.total = static_cast<int64_t>(objects.size());
  std::vector<kube::ObjectPtr> rows = Filter(query, objects, picture);
  result.matched = static_cast<int64_t>(rows.size());
  CountStatuses(query, rows, picture, result);
  result.aggregates.resize(query.aggregates.size());
  for (const kube::ObjectPtr& row : rows) {
    for (size_t i = 0; i < query.aggregates.size(); ++i) {
      const FieldValue value = query.aggregates[i].field.get(*row, picture);
      if (!value.absent) Add(result.aggregates[i], query.aggregates[i].kind, value.number);
    }
  }
  Finish(result.aggregates, query.aggregates);

  const absl::Status paged = query.group_by.empty()
                                 ? PageRows(query, std::move(rows), picture, result)
                                 : PageGroups(query, rows, picture, result);
  if (!paged.ok()) return paged;
  return result;
}

}  // namespace opsmesh::k8s
