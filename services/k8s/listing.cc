#include "services/k8s/listing.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include <fmt/format.h>

#include "libs/base/error.h"
#include "services/k8s/text_table.h"

namespace opsmesh::k8s {
namespace {

constexpr size_t kTextRows = 200;

std::string_view ZhName(const kube::ResourceType& type) {
  static constexpr std::pair<std::string_view, std::string_view> kNames[] = {
      {"namespaces", "命名空间"},
      {"nodes", "节点"},
      {"services", "服务（Service）"},
      {"events", "事件"}};
  for (const auto& [plural, name] : kNames) {
    if (type.plural == plural) return name;
  }
  return type.kind;
}

bool ShowsNamespace(const Query& query, const Picture& picture) {
  return query.type.namespaced && picture.ns().empty();
}

std::vector<const Field*> ShownFields(const Query& query, const Picture& picture) {
  std::vector<const Field*> out;
  for (const Field& field : FieldsOf(query.type.plural)) {
    if (field.header.empty()) continue;
    if (field.name == "namespace" && !ShowsNamespace(query, picture)) continue;
    // An event's own name says nothing.
    if (field.name == "name" && query.type.plural == "events") continue;
    out.push_back(&field);
  }
  return out;
}

// Fields that the question names and the table does not show anyway.
std::vector<const Field*> AskedFields(const Query& query, const std::vector<const Field*>& shown) {
  std::vector<const Field*> out;
  const auto add = [&](const Field& field) {
    const auto same = [&](const Field* f) { return f->name == field.name; };
    if (field.name.empty() || std::any_of(shown.begin(), shown.end(), same) ||
        std::any_of(out.begin(), out.end(), same))
      return;
    out.push_back(&field);
  };
  for (const Condition& condition : query.where) {
    if (!condition.field.name.starts_with('.') || condition.op != Condition::Op::kEqual)
      add(condition.field);
  }
  add(query.sort_by);
  return out;
}

void WriteRows(const Query& query, const QueryResult& result, Picture& picture, JsonWriter& json) {
  const std::vector<Field>& fields = FieldsOf(query.type.plural);
  const std::vector<const Field*> shown = ShownFields(query, picture);
  json.Key("items").BeginArray();
  for (const kube::ObjectPtr& row : result.rows) {
    json.BeginObject();
    for (const Field& field : fields) {
      if (field.name == "namespace" && !query.type.namespaced) continue;
      json.Key(field.unit == Unit::kSeconds ? field.name + "_seconds" : field.name);
      WriteValue(field.get(*row, picture), field.unit, json);
    }
    for (const Field* field : AskedFields(query, shown)) {
      if (FindField(query.type.plural, field->name)) continue;
      json.Key(field->name);
      WriteValue(field->get(*row, picture), field->unit, json);
    }
    json.EndObject();
  }
  json.EndArray();
}

std::string RowTable(const Query& query, const QueryResult& result, Picture& picture) {
  std::vector<const Field*> columns = ShownFields(query, picture);
  for (const Field* field : AskedFields(query, columns)) columns.push_back(field);
  std::vector<std::string> header;
  for (const Field* field : columns)
    header.push_back(field->header.empty() ? field->name : field->header);
  TextTable table(std::move(header));
  for (size_t i = 0; i < result.rows.size() && i < kTextRows; ++i) {
    std::vector<std::string> cells;
    for (const Field* field : columns)
      cells.push_back(Shown(field->get(*result.rows[i], picture), field->unit));
    table.AddRow(std::move(cells));
  }
  return table.Render();
}

std::string ShowAggregate(const AggregateValue& value, Unit unit) {
  if (value.count == 0) return "<none>";
  if (unit == Unit::kCount) return fmt::format("{:.6g}", value.value);
  return Shown(FieldValue::Number(value.value), unit);
}

std::string GroupTable(const Query& query, const QueryResult& result) {
  std::vector<std::string> header;
  for (const Field& field : query.group_by) header.push_back(field.name);
  header.push_back("COUNT");
  for (const Aggregate& aggregate : query.aggregates) header.push_back(aggregate.name);
  TextTable table(std::move(header));
  for (const Group& group : result.groups) {
    std::vector<std::string> cells = group.key;
    cells.push_back(std::to_string(group.count));
    for (size_t i = 0; i < query.aggregates.size(); ++i) {
      cells.push_back(ShowAggregate(group.aggregates[i], query.aggregates[i].field.unit));
    }
    table.AddRow(std::move(cells));
  }
  return table.Render();
}

void WriteAggregates(const std::vector<Aggregate>& aggregates,
                     const std::vector<AggregateValue>& values, JsonWriter& json) {
  json.Key("aggregates").BeginObject();
  for (size_t i = 0; i < aggregates.size(); ++i) {
    json.Key(aggregates[i].name);
    WriteValue(values[i].count ? FieldValue::Number(values[i].value) : FieldValue::None(),
               aggregates[i].field.unit, json);
  }
  json.EndObject();
}

void WriteGroups(const Query& query, const QueryResult& result, JsonWriter& json) {
  json.Field("group_total", result.group_total).Key("groups").BeginArray();
  for (const Group& group : result.groups) {
    json.BeginObject().Key("key").BeginObject();
    for (size_t i = 0; i < group.key.size(); ++i) json.Field(query.group_by[i].name, group.key[i]);
    json.EndObject().Field("count", group.count);
    if (!query.aggregates.empty()) WriteAggregates(query.aggregates, group.aggregates, json);
    json.EndObject();
  }
  json.EndArray();
}

bool Filtered(const Query& query) { return !query.labels.empty() || !query.where.empty(); }

Text Sentence(const Query& query, const QueryResult& result, const Picture& picture) {
  const Text place = PlaceOf(query.type, picture.ns());
  const Text count = CountOf(query.type, result.matched);
  const Text total = CountOf(query.type, result.total);
  const bool none = result.matched == 0;
  Text out;
  if (Filtered(query)) {
    out.zh =
        none ? fmt::format("{}没有符合条件的{}（共 {}）", place.zh, ZhName(query.type), total.zh)
             : fmt::format("{}共有 {}符合条件（总共 {}）", place.zh, count.zh, total.zh);
    out.en = none ? fmt::format("No {} {} match (of {})", query.type.plural, place.en, total.en)
                  : fmt::format("{} {} match{} (of {})", count.en, place.en,
                                result.matched == 1 ? "es" : "", result.total);
  } else {
    out.zh = none ? fmt::format("{}没有{}", place.zh, ZhName(query.type))
                  : fmt::format("{}共有 {}", place.zh, count.zh);
    out.en = none ? fmt::format("There are no {} {}", query.type.plural, place.en)
                  : fmt::format("{} {}", count.en, place.en);
  }
  std::string parts;
  for (const auto& [status, n] : result.statuses)
    parts += fmt::format("{}{} {}", parts.empty() ? "" : ", ", n, status);
  if (!parts.empty() && !none) {
    out.zh += "：" + parts;
    out.en += ": " + parts;
  }
  out.zh += "。";
  out.en += ".";
  return out;
}

void SayTruncation(const Query& query, const QueryResult& result, ToolResult& out) {
  const int64_t shown = query.group_by.empty() ? static_cast<int64_t>(result.rows.size())
                                               : static_cast<int64_t>(result.groups.size());
  const int64_t all = query.group_by.empty() ? result.matched : result.group_total;
  if (!result.next_cursor.empty() || shown < all) {
    out.truncated = true;
    out.text.zh += fmt::format("\n本页 {} 条，共 {} 条；{}。\n", shown, all,
                               result.next_cursor.empty() ? "这是最后一页" : "用 cursor 取下一页");
    out.text.en += fmt::format(
        "\n{} of {} on this page; {}.\n", shown, all,
        result.next_cursor.empty() ? "this is the last page" : "pass the cursor for the next one");
    if (result.next_cursor.empty()) out.truncated = false;
  } else if (query.group_by.empty() && result.rows.size() > kTextRows) {
    out.text.zh += fmt::format("\n表中显示前 {} 条，数据中有全部 {} 条。\n", kTextRows, shown);
    out.text.en +=
        fmt::format("\nThe table shows the first {}, the data has all {}.\n", kTextRows, shown);
  }
}

}  // namespace

Text CountOf(const kube::ResourceType& type, int64_t count) {
  return {
      fmt::format("{} 个{}{}", count, ZhName(type).starts_with(type.kind) ? " " : "", ZhName(type)),
      fmt::format("{} {}", count, count == 1 ? type.singular : type.plural)};
}

Text PlaceOf(const kube::ResourceType& type, std::string_view ns) {
  if (!type.namespaced) return {"集群中", "in the cluster"};
  if (ns.empty()) return {"所有命名空间中", "in all namespaces"};
  return {fmt::format("命名空间 {} 中", ns), fmt::format("in namespace {}", ns)};
}

const kube::ResourceType& TypeOf(std::string_view plural) {
  const kube::ResourceType* type = kube::FindBuiltin(plural);
  if (!type) {
    std::fprintf(stderr, "'%.*s' is no built-in kind.\n", static_cast<int>(plural.size()),
                 plural.data());
    std::abort();
  }
  return *type;
}

std::string NamespaceOf(const ToolCall& call) {
  const std::string ns = call.arguments.String("namespace", call.scope_namespace);
  return ns == "*" ? "" : ns;
}

std::string NamespaceForOne(const ToolCall& call) {
  const std::string ns = call.arguments.String("namespace", call.scope_namespace);
  return ns.empty() || ns == "*" ? call.cluster.default_namespace() : ns;
}

absl::StatusOr<Picture> PodPicture(const ToolCall& call, std::string ns) {
  Picture picture(call.cluster.Picture(call.ctx), std::move(ns), call.now);
  OPSMESH_RETURN_IF_ERROR(picture.CheckReadable("pods"));
  OPSMESH_RETURN_IF_ERROR(picture.CheckNamespace());
  return picture;
}

absl::StatusOr<Query> QueryFrom(const ToolCall& call, const kube::ResourceType& type) {
  const Arguments& args = call.arguments;
  Query query;
  query.type = type;
  query.limit = args.Integer("limit", args.Integer("top", 100));
  query.cursor = args.String("cursor");
  query.fingerprint =
      fmt::format("{}|{}|{}", type.qualified_name(), NamespaceOf(call), args.canonical());
  if (!query.cursor.empty()) {
    // The cursor itself is no part of the question.
    const std::string quoted = fmt::format("\"cursor\":\"{}\"", query.cursor);
    for (const std::string& piece : {"," + quoted, quoted + ",", quoted}) {
      const size_t at = query.fingerprint.find(piece);
      if (at == std::string::npos) continue;
      query.fingerprint.erase(at, piece.size());
      break;
    }
  }
  if (args.Has("label_selector")) {
    OPSMESH_ASSIGN_OR_RETURN(query.labels,
                             kube::LabelSelector::Parse(args.String("label_selector")));
  }
  if (args.Has("field_selector")) {
    OPSMESH_ASSIGN_OR_RETURN(query.where, ParseFieldSelector(args.String("field_selector")));
  }
  std::vector<std::string> where = args.List("where");
  for (const char* name : {"status", "type", "reason", "node"}) {
    if (args.Has(name)) where.push_back(fmt::format("{}={}", name, args.String(name)));
  }
  if (args.Has("name_contains")) where.push_back("name~" + args.String("name_contains"));
  if (args.Has("object_name")) where.push_back("object_name=" + args.String("object_name"));
  if (args.Has("since")) where.push_back("last_seen<=" + args.String("since"));
  for (const std::string& text : where) {
    OPSMESH_ASSIGN_OR_RETURN(Condition condition, ParseCondition(type, text));
    query.where.push_back(std::move(condition));
  }
  for (const std::string& name : args.List("group_by")) {
    OPSMESH_ASSIGN_OR_RETURN(Field field, ResolveField(type, name));
    query.group_by.push_back(std::move(field));
  }
  for (const std::string& text : args.List("aggregate")) {
    OPSMESH_ASSIGN_OR_RETURN(Aggregate aggregate, ParseAggregate(type, text));
    query.aggregates.push_back(std::move(aggregate));
  }
  std::string sort = args.String("sort_by", type.plural == "events" ? "last_seen" : "");
  if (!sort.empty()) {
    query.descending = sort.starts_with('-');
    if (query.descending) sort.erase(0, 1);
    OPSMESH_ASSIGN_OR_RETURN(query.sort_by, ResolveField(type, sort));
  }
  return query;
}

void AddGroupFacts(const Query& query, const QueryResult& result, ToolResult& out) {
  for (const Group& group : result.groups) {
    std::string key;
    for (const std::string& part : group.key) key += (key.empty() ? "" : "/") + part;
    out.AddFact(fmt::format("{}.group.{}", query.type.plural, key), group.count);
  }
}

void PutCountsFirst(const Query& query, const QueryResult& result, ToolResult& out) {
  std::vector<Fact> facts = std::move(out.facts);
  out.facts.clear();
  out.AddFact(query.type.plural + ".total", result.total);
  if (Filtered(query)) out.AddFact(query.type.plural + ".matched", result.matched);
  for (const auto& [status, count] : result.statuses) {
    out.AddFact(fmt::format("{}.status.{}", query.type.plural, status), count);
  }
  out.facts.insert(out.facts.end(), facts.begin(), facts.end());
}

// Rows of a page are not all that was counted.
void NoteShown(const Query& query, const QueryResult& result, Ledger& ledger) {
  for (LedgerEntry& entry : ledger.checked) {
    if (entry.subject.substr(0, entry.subject.find(' ')) != query.type.plural ||
        query.group_by.size())
      continue;
    if (static_cast<int64_t>(result.rows.size()) == result.matched) continue;
    entry.shown_count = static_cast<int64_t>(result.rows.size());
    entry.total_count = result.matched;
  }
}

absl::StatusOr<ToolResult> Answer(const Query& query, std::span<const kube::ObjectPtr> objects,
                                  Picture& picture) {
  OPSMESH_ASSIGN_OR_RETURN(const QueryResult result, Run(query, objects, picture));
  ToolResult out;
  JsonWriter json;
  json.BeginObject().Field("kind", query.type.kind).Field("resource", query.type.qualified_name());
  if (query.type.namespaced) {
    json.NullableField("namespace", picture.ns());
  }
  json.Field("total", result.total).Field("matched", result.matched);
  if (!result.statuses.empty()) {
    json.Key("by_status").BeginObject();
    for (const auto& [status, count] : result.statuses) json.Field(status, count);
    json.EndObject();
  }
  if (!query.aggregates.empty()) WriteAggregates(query.aggregates, result.aggregates, json);

  out.text = Sentence(query, result, picture);
  for (size_t i = 0; i < query.aggregates.size(); ++i) {
    const std::string value = ShowAggregate(result.aggregates[i], query.aggregates[i].field.unit);
    out.text.AppendBoth(fmt::format(" {} = {}.", query.aggregates[i].name, value));
    out.AddFact(fmt::format("{}.{}", query.type.plural, query.aggregates[i].name), value);
  }
  out.text.AppendBoth("\n\n");
  if (!query.group_by.empty()) {
    WriteGroups(query, result, json);
    out.text.AppendBoth(GroupTable(query, result));
    AddGroupFacts(query, result, out);
  } else {
    json.Field("shown", static_cast<int64_t>(result.rows.size()));
    WriteRows(query, result, picture, json);
    out.text.AppendBoth(RowTable(query, result, picture));
  }
  out.next_cursor = result.next_cursor;
  out.truncated = !result.next_cursor.empty();
  json.Field("truncated", out.truncated).EndObject();
  out.json = json.Take();
  SayTruncation(query, result, out);
  out.text.TrimNewlines();

  PutCountsFirst(query, result, out);
  out.untrusted = query.type.plural == "events";
  out.ledger = picture.ledger();
  NoteShown(query, result, out.ledger);
  return out;
}

absl::StatusOr<ToolResult> ListCached(const ToolCall& call, const Query& query,
                                      std::string_view ns) {
  Picture picture(call.cluster.Picture(call.ctx), std::string(query.type.namespaced ? ns : ""),
                  call.now);
  OPSMESH_RETURN_IF_ERROR(picture.CheckReadable(query.type.plural));
  OPSMESH_RETURN_IF_ERROR(picture.CheckNamespace());
  const auto objects = picture.In(query.type.plural);
  return Answer(query, objects, picture);
}

}  // namespace opsmesh::k8s
