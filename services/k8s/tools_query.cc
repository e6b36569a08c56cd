// Group "query": any kind, with selectors, conditions, groups, sums, order and pages.
#include <algorithm>

#include <fmt/format.h>

#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "services/k8s/json_writer.h"
#include "services/k8s/listing.h"
#include "services/k8s/params.h"
#include "services/k8s/say.h"
#include "services/k8s/text_table.h"
#include "services/k8s/tool_registry.h"

namespace opsmesh::k8s {
namespace {

// Objects of kinds that are not cached are read at the time; more than this are not fetched.
constexpr size_t kMaxLiveObjects = 5000;

bool IsCached(Picture& picture, const kube::ResourceType& type) {
  const kube::ResourceType* builtin = kube::FindBuiltin(type.plural);
  return builtin && builtin->group == type.group && picture.Readable(type.plural);
}

absl::StatusOr<ToolResult> ListLive(const ToolCall& call, const Query& query, Picture& picture) {
  kube::ListOptions options;
  options.labels = query.labels;
  options.max_objects = kMaxLiveObjects;
  OPSMESH_ASSIGN_OR_RETURN(kube::ListResult list,
                           call.cluster.List(call.ctx, query.type, picture.ns(), options));
  std::sort(list.items.begin(), list.items.end(),
            [](const kube::ObjectPtr& a, const kube::ObjectPtr& b) {
              return std::pair(a->ns(), a->name()) < std::pair(b->ns(), b->name());
            });
  LedgerEntry entry;
  entry.source = "apiserver";
  entry.subject = picture.ns().empty() ? query.type.plural
                                       : fmt::format("{} in {}", query.type.plural, picture.ns());
  if (list.truncated) {
    entry.shown_count = static_cast<int64_t>(list.items.size());
    if (list.remaining)
      entry.total_count = static_cast<int64_t>(list.items.size()) + *list.remaining;
  }
  picture.ledger().Checked(entry);
  if (list.truncated) {
    entry.reason = fmt::format("only the first {} objects were read", list.items.size());
    picture.ledger().NotChecked(entry);
  }
  for (const kube::Unparseable& bad : list.unparseable) {
    picture.ledger().Failed(
        "apiserver", fmt::format("{} {}/{}", query.type.singular, bad.ns, bad.name), bad.why);
  }
  OPSMESH_ASSIGN_OR_RETURN(ToolResult out, Answer(query, list.items, picture));
  if (list.truncated) {
    out.truncated = true;
    out.text += Say("\n只读取了前 {0} 个对象。", "\nOnly the first {0} objects were read.",
                    list.items.size());
  }
  return out;
}

absl::StatusOr<ToolResult> GetResources(const ToolCall& call) {
  OPSMESH_ASSIGN_OR_RETURN(const kube::ResourceType type,
                           call.cluster.Resolve(call.ctx, call.arguments.String("resource_type")));
  OPSMESH_ASSIGN_OR_RETURN(const Query query, QueryFrom(call, type));
  Picture picture(call.cluster.Picture(call.ctx), type.namespaced ? NamespaceOf(call) : "",
                  call.now);
  OPSMESH_RETURN_IF_ERROR(picture.CheckNamespace());
  if (IsCached(picture, type)) return Answer(query, picture.In(type.plural), picture);
  // A built-in kind that cannot be read says so in its own words; others are asked for now.
  if (const kube::ResourceType* builtin = kube::FindBuiltin(type.plural);
      builtin && builtin->group == type.group) {
    const absl::Status status = picture.CheckReadable(type.plural);
    if (status.code() == absl::StatusCode::kPermissionDenied) return status;
  }
  return ListLive(call, query, picture);
}

std::vector<std::string> UsualKinds() {
  return {"pods",
          "services",
          "deployments",
          "statefulsets",
          "daemonsets",
          "replicasets",
          "jobs",
          "cronjobs",
          "ingresses",
          "persistentvolumeclaims",
          "horizontalpodautoscalers"};
}

// How many objects an answer about a kind is of: those that match, else all.
int64_t CountIn(const ToolResult& answer, const std::string& plural) {
  int64_t count = 0;
  for (const Fact& fact : answer.facts) {
    if (fact.key == plural + ".matched" || (fact.key == plural + ".total" && count == 0))
      count = std::stoll(fact.value);
  }
  return count;
}

// Several kinds at once: one line a kind, the same conditions for all that know the fields.
absl::StatusOr<ToolResult> GetAllResources(const ToolCall& call) {
  std::vector<std::string> kinds = call.arguments.List("resource_types");
  if (kinds.empty()) kinds = UsualKinds();
  Picture picture(call.cluster.Picture(call.ctx), NamespaceOf(call), call.now);
  OPSMESH_RETURN_IF_ERROR(picture.CheckNamespace());
  ToolResult out;
  JsonWriter json;
  json.BeginObject().NullableField("namespace", picture.ns());
  json.Key("resources").BeginArray();
  Text body;
  int64_t total = 0;
  std::vector<std::string> forbidden;
  for (const std::string& name : kinds) {
    OPSMESH_ASSIGN_OR_RETURN(const kube::ResourceType type, call.cluster.Resolve(call.ctx, name));
    OPSMESH_ASSIGN_OR_RETURN(Query query, QueryFrom(call, type));
    query.limit = call.arguments.Integer("limit", 50);
    Picture own(call.cluster.Picture(call.ctx), type.namespaced ? picture.ns() : "", call.now);
    absl::StatusOr<ToolResult> part =
        IsCached(own, type) ? Answer(query, own.In(type.plural), own) : ListLive(call, query, own);
    if (part.status().code() == absl::StatusCode::kPermissionDenied) {
      forbidden.push_back(type.plural);
      if (type.namespaced && !own.ns().empty() && out.ledger.refused_there.ok())
        out.ledger.refused_there = part.status();
      continue;
    }
    if (!part.ok()) {
      out.ledger.Failed("apiserver", type.plural, std::string(part.status().message()));
      continue;
    }
    out.ledger.Merge(part->ledger);
    json.Raw(part->json);
    const int64_t matched = CountIn(*part, type.plural);
    total += matched;
    out.truncated = out.truncated || part->truncated;
    if (matched > 0) body += Text{"\n" + part->text.zh + "\n", "\n" + part->text.en + "\n"};
    out.facts.insert(out.facts.end(), part->facts.begin(), part->facts.end());
  }
  json.EndArray().Field("total", total).Field("truncated", out.truncated).EndObject();
  out.json = json.Take();
  const Text place = PlaceOf(TypeOf("pods"), picture.ns());
  out.text = Say("{0}共有 {2} 个对象（{3} 类）。\n", "{2} objects of {3} kinds {1}.\n", place.zh,
                 place.en, total, kinds.size() - forbidden.size()) +
             body;
  if (!forbidden.empty())
    out.ledger.Failed("rights", "rights of this user",
                      base::Join(forbidden, ", ") + " cannot be read");
  out.text.TrimNewlines();
  out.AddFact("objects.total", total);
  return out;
}

std::vector<Param> QueryParams() {
  return {NamespaceParam(),
          LabelSelectorParam(),
          FieldSelectorParam(),
          TextParam("name_contains", {"名称含有此文字", "The name has this text in it"}),
          ListParam("where", {"条件，全部要满足，例如 "
                              "\"restarts>5\"、\"age<1h\"、\"status=Pending|Failed\"、\"image~"
                              "nginx\"、\"label:app=web\"、\".spec.paused=true\"",
                              "Conditions that must all hold, for instance \"restarts>5\", "
                              "\"age<1h\", \"status=Pending|Failed\", \"image~nginx\", "
                              "\"label:app=web\", \".spec.paused=true\""}),
          LimitParam()};
}

}  // namespace

void AddQueryTools(ToolRegistry& r) {
  ToolGroup group(r, "query");
  std::vector<Param> one = QueryParams();
  one.insert(one.begin(), KindParam());
  one.push_back(StatusParam());
  one.push_back(ListParam(
      "group_by", {"按字段分组计数，例如 status、node、namespace、label:app",
                   "Counts by these fields, for instance status, node, namespace, label:app"}));
  one.push_back(ListParam(
      "aggregate", {"聚合：sum、min、max 或 avg 加字段，例如 sum:cpu_request",
                    "Aggregates: sum, min, max or avg of a field, for instance sum:cpu_request"}));
  one.push_back(TextParam(
      "sort_by", {"排序字段，前面加 - 为降序，例如 -restarts",
                  "Field to sort by, with - in front descending, for instance -restarts"}));
  one.push_back(IntParam(
      "top", {"只要前几条（limit 的别名）", "Only the first so many (another name of limit)"}, 1,
      1000, ""));
  one.push_back(CursorParam());
  // Both read kinds that are not cached at the time.
  group.Live("kubectl_get_resources",
             {"查询任意类型的资源：选择器、条件、分组、聚合、排序、分页；计数精确",
              "Queries any kind: selectors, conditions, groups, aggregates, order, pages; "
              "counts are exact"},
             std::move(one), GetResources, {"k8s-get-resources"});
  std::vector<Param> all = QueryParams();
  all.insert(all.begin() + 1, ListParam("resource_types", {"资源类型，省略则为常用的",
                                                           "Kinds; the usual ones when absent"}));
  group.Live("kubectl_get_all_resources", {"一次查询多类资源", "Queries several kinds at once"},
             std::move(all), GetAllResources, {"k8s-get-all"});
}

}  // namespace opsmesh::k8s
