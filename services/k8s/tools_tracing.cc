// Group "tracing": chains across objects, and time: who calls whom, what happened when, why it
// restarted.
#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "libs/base/error.h"
#include "services/k8s/clean_text.h"
#include "services/k8s/describe.h"
#include "services/k8s/finding.h"
#include "services/k8s/json_writer.h"
#include "services/k8s/listing.h"
#include "services/k8s/params.h"
#include "services/k8s/read_object.h"
#include "services/k8s/text_table.h"
#include "services/k8s/tool_registry.h"

namespace opsmesh::k8s {
namespace {

absl::StatusOr<ToolResult> EventsTimeline(const ToolCall& call) {
  const Arguments& args = call.arguments;
  OPSMESH_ASSIGN_OR_RETURN(const kube::ResourceType type,
                           call.cluster.Resolve(call.ctx, args.String("resource_type")));
  Picture picture(call.cluster.Picture(call.ctx), type.namespaced ? NamespaceForOne(call) : "",
                  call.now);
  OPSMESH_RETURN_IF_ERROR(picture.CheckReadable("events"));
  OPSMESH_ASSIGN_OR_RETURN(
      const kube::ObjectPtr object,
      ReadObject(call, picture, type, picture.ns(), args.String("resource_name")));
  std::vector<kube::ObjectPtr> events = EventsAbout(picture, *object, true, 10000);
  int64_t seconds = 0;
  if (ParseDuration(args.String("since"), &seconds)) {
    std::erase_if(events, [&](const kube::ObjectPtr& e) {
      return call.now - e->As<kube::Event>()->last_seen > absl::Seconds(seconds);
    });
  }
  const auto total = static_cast<int64_t>(events.size());
  const auto limit = static_cast<size_t>(args.Integer("limit", 100));
  if (events.size() > limit) events.resize(limit);
  std::reverse(events.begin(), events.end());  // a timeline reads forwards
  ToolResult out;
  out.untrusted = true;
  out.truncated = total > static_cast<int64_t>(limit);
  JsonWriter json;
  json.BeginObject()
      .Field("object", Display(RefOf(*object)))
      .Field("total", total)
      .Field("truncated", out.truncated)
      .Key("events")
      .BeginArray();
  TextTable table({"TIME", "TYPE", "REASON", "OBJECT", "COUNT", "MESSAGE"});
  int64_t warnings = 0;
  for (const kube::ObjectPtr& event : events) {
    const auto* e = event->As<kube::Event>();
    warnings += e->warning() ? 1 : 0;
    table.AddRow({base::Rfc3339(e->last_seen), std::string(e->type), std::string(e->reason),
                  fmt::format("{}/{}", e->about.kind, e->about.name), std::to_string(e->count),
                  CleanText(e->message, 140)});
    json.BeginObject()
        .Field("first_seen", base::Rfc3339(e->first_seen))
        .Field("last_seen", base::Rfc3339(e->last_seen))
        .Field("type", e->type);
    json.Field("reason", e->reason)
        .Field("object", fmt::format("{}/{}", e->about.kind, e->about.name))
        .Field("count", e->count);
    json.Field("message", CleanText(e->message, 512)).EndObject();
  }
  json.EndArray().EndObject();
  out.json = json.Take();
  out.text = Say("{0} 及其 Pod 的事件共 {1} 条，其中警告 {2} 条。\n\n",
                 "{1} events about {0} and its pods, {2} of them warnings.\n\n",
                 Display(RefOf(*object)), total, warnings);
  out.text.AppendBoth(table.Render());
  out.AddFact("events.total", total);
  out.AddFact("events.warnings", warnings);
  out.ledger = picture.ledger();
  out.ledger.NotChecked("events", "older events", "a cluster keeps events for an hour by default");
  return out;
}

// Findings joined by what they have in common: workload, node, missing object. The root is what
// explains most.
absl::StatusOr<ToolResult> Correlate(const ToolCall& call) {
  OPSMESH_ASSIGN_OR_RETURN(Picture picture, PodPicture(call, NamespaceOf(call)));
  const std::vector<Finding> findings = DiagnoseAll(picture);
  std::map<std::string, std::vector<const Finding*>> by_node, by_missing, by_workload;
  for (const Finding& f : findings) {
    if (f.object.kind == "Pod") {
      const kube::ObjectPtr object = picture.All("pods").Find(f.object.name_space, f.object.name);
      const auto* pod = object ? object->As<kube::Pod>() : nullptr;
      if (pod && !pod->spec.node_name.empty())
        by_node[std::string(pod->spec.node_name)].push_back(&f);
    }
    for (const Fact& fact : f.evidence) {
      if (fact.key == "missing") by_missing[f.object.name_space + "/" + fact.value].push_back(&f);
    }
    if (f.workload.kind != "Pod" && !f.workload.name.empty())
      by_workload[Display(f.workload)].push_back(&f);
  }
  ToolResult out = AnswerFindings(findings, picture);
  JsonWriter json;
  json.BeginObject().Key("diagnosis").Raw(out.json).Key("groups").BeginArray();
  Text groups;
  int64_t count = 0;
  const auto add = [&](const char* kind, const Text& what, const std::string& key,
                       const std::vector<const Finding*>& members) {
    if (members.size() < 2) return;
    ++count;
    std::string codes;
    json.BeginObject().Field("shared", kind).Field("value", key).Key("findings").BeginArray();
    for (const Finding* f : members) {
      json.Value(f->code + " " + Display(f->object));
      codes += fmt::format("{}{} {}", codes.empty() ? "" : ", ", f->code, Display(f->object));
    }
    json.EndArray().EndObject();
    groups += Say("- {0} {1}：{2} 个问题（{3}）\n", "- {4} {1}: {2} problems ({3})\n", what.zh, key,
                  members.size(), codes, what.en);
  };
  for (const auto& [key, members] : by_missing)
    add("missing", {"共同缺少", "missing in common:"}, key, members);
  for (const auto& [key, members] : by_node) {
    const bool bad = std::any_of(findings.begin(), findings.end(), [&](const Finding& f) {
      return f.object.kind == "Node" && f.object.name == key;
    });
    // Pods on a healthy node share it by chance.
    if (bad) add("node", {"同在有问题的节点", "on the troubled node"}, key, members);
  }
  for (const auto& [key, members] : by_workload)
    add("workload", {"同一工作负载", "of"}, key, members);
  json.EndArray().EndObject();
  out.json = json.Take();
  if (count > 0)
    out.text += Text{"\n\n关联：\n" + groups.zh, "\n\nThese belong together:\n" + groups.en};
  out.text.TrimNewlines();
  out.AddFact("groups.total", count);
  return out;
}

}  // namespace

void AddTracingTools(ToolRegistry& r) {
  ToolGroup group(r, "tracing");
  group.Live(
      "get_resource_events_timeline",
      {"一个对象及其 Pod 的事件时间线", "Timeline of the events about an object and its pods"},
      {KindParam(),
       NameParam("resource_name", {"对象名称", "Name of the object"}, true,
                 ParamFormat::kObjectName),
       OneNamespaceParam(),
       TextParam("since", {"只要最近这段时间", "Only the last time"}, ParamFormat::kDuration),
       LimitParam()},
      EventsTimeline);
  group.Cached("correlate_pod_issues",
               {"把问题按共同的工作负载、节点、缺失的配置归到一起",
                "Joins problems by the workload, node or missing configuration they share"},
               {NamespaceParam()}, Correlate);
}

}  // namespace opsmesh::k8s
