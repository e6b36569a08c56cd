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
#include "services/k8s/network_policies.h"
#include "services/k8s/params.h"
#include "services/k8s/pod_causes.h"
#include "services/k8s/read_object.h"
#include "services/k8s/service_chain.h"
#include "services/k8s/text_table.h"
#include "services/k8s/tool_registry.h"

namespace opsmesh::k8s {
namespace {

absl::StatusOr<Picture> PicturesOf(const ToolCall& call, std::string ns) {
  Picture picture(call.cluster.Picture(call.ctx), std::move(ns), call.now);
  OPSMESH_RETURN_IF_ERROR(picture.CheckReadable("pods"));
  OPSMESH_RETURN_IF_ERROR(picture.CheckNamespace());
  return picture;
}

// Findings about these objects, from the rules over the picture's namespace.
std::vector<Finding> Among(std::vector<Finding> all, const std::vector<ObjectRef>& objects) {
  std::erase_if(all, [&](const Finding& f) {
    return std::none_of(objects.begin(), objects.end(), [&](const ObjectRef& o) {
      return (o.kind == f.object.kind && o.name == f.object.name &&
              o.name_space == f.object.name_space) ||
             (o.kind == f.workload.kind && o.name == f.workload.name &&
              o.name_space == f.workload.name_space);
    });
  });
  return all;
}

// Ingress -> Service -> endpoints -> pods -> nodes, each step with its state.
absl::StatusOr<ToolResult> TraceServiceChain(const ToolCall& call) {
  const std::string name = call.arguments.String("service_name");
  OPSMESH_ASSIGN_OR_RETURN(Picture picture, PicturesOf(call, NamespaceForOne(call)));
  OPSMESH_RETURN_IF_ERROR(CheckExists(picture, TypeOf("services"), picture.ns(), name));
  const kube::ObjectPtr object = picture.All("services").Find(picture.ns(), name);
  const auto* service = object->As<kube::Service>();
  if (!service) return base::Internal("UNPARSEABLE_OBJECT", "The service cannot be read.");
  const ServiceBackends backends = BackendsOf(picture, *object, *service);
  std::vector<ObjectRef> chain = {RefOf(*object)};
  TextTable table({"STEP", "OBJECT", "STATE"});
  JsonWriter json;
  json.BeginObject()
      .Field("namespace", picture.ns())
      .Field("service", name)
      .Key("ingresses")
      .BeginArray();
  ForEach<kube::Ingress>(picture.In("ingresses"), [&](const kube::Object& o,
                                                      const kube::Ingress& ingress) {
    for (const kube::IngressPath& path : ingress.paths) {
      if (path.service != name) continue;
      const std::string route = fmt::format("{}{}", path.host.empty() ? "*" : path.host, path.path);
      const bool port = std::any_of(
          service->ports.begin(), service->ports.end(), [&](const kube::ServicePort& p) {
            return path.port.number ? p.port == *path.port.number : p.name == path.port.name;
          });
      table.AddRow({"Ingress", fmt::format("{} {}", o.name(), route), port ? "ok" : "wrong port"});
      json.BeginObject()
          .Field("name", o.name())
          .Field("route", route)
          .Field("port_exists", port)
          .EndObject();
      chain.push_back(RefOf(o));
    }
  });
  json.EndArray();
  const std::vector<BadPort> bad = BadPorts(*service, backends.selected);
  table.AddRow(
      {"Service", fmt::format("{} ({})", name, service->type),
       bad.empty() ? "ok" : fmt::format("targetPort {} is served by no pod", bad[0].target)});
  table.AddRow({"Endpoints", JoinLabels(service->selector),
                fmt::format("{} ready, {} not ready", backends.ready, backends.not_ready)});
  json.Field("selector", JoinLabels(service->selector))
      .Field("ready_endpoints", backends.ready)
      .Field("not_ready_endpoints", backends.not_ready);
  json.Key("pods").BeginArray();
  int64_t restricted = 0;
  for (const kube::ObjectPtr& pod_object : backends.selected) {
    const auto* pod = pod_object->As<kube::Pod>();
    const kube::ObjectPtr node_object = picture.All("nodes").Find("", pod->spec.node_name);
    const auto* node = node_object ? node_object->As<kube::Node>() : nullptr;
    const PoliciesOfPod policies = PoliciesFor(picture, *pod_object);
    restricted += policies.ingress.empty() ? 0 : 1;
    table.AddRow({"Pod", std::string(pod_object->name()),
                  fmt::format("{} {}, {} restarts, node {} {}", pod->ready(), pod->status,
                              pod->restarts, pod->spec.node_name, node ? node->status : "")});
    json.BeginObject()
        .Field("name", pod_object->name())
        .Field("ready", pod->ready())
        .Field("status", pod->status)
        .Field("restarts", pod->restarts);
    json.Field("node", pod->spec.node_name)
        .Field("node_status", node ? node->status : "")
        .Field("ingress_policies", static_cast<int64_t>(policies.ingress.size()))
        .EndObject();
    chain.push_back(RefOf(*pod_object));
    chain.push_back(WorkloadOf(picture, *pod_object));
    if (node_object) chain.push_back(RefOf(*node_object));
  }
  json.EndArray().Field("pods_restricted_by_policy", restricted);
  const std::vector<Finding> findings = Among(DiagnoseAll(picture), chain);
  ToolResult out = AnswerFindings(findings, picture);
  json.Key("diagnosis").Raw(out.json).EndObject();
  out.json = json.Take();
  const bool broken = backends.ready == 0 || !bad.empty();
  Text head = Say(broken ? "服务链路 {0}/{1} 不通：{2} 个就绪的后端。\n\n"
                         : "服务链路 {0}/{1} 是通的：{2} 个就绪的后端。\n\n",
                  broken ? "The chain of service {0}/{1} is broken: {2} ready endpoints.\n\n"
                         : "The chain of service {0}/{1} is whole: {2} ready endpoints.\n\n",
                  picture.ns(), name, backends.ready);
  head.AppendBoth(table.Render() + "\n");
  if (restricted > 0) {
    head += Say("{0} 个 Pod 有入站网络策略，可能限制了来源。\n",
                "{0} pods have ingress network policies, which may limit who reaches them.\n",
                restricted);
  }
  out.text = head + out.text;
  out.AddFact("endpoints.ready", backends.ready);
  LedgerEntry traffic;
  traffic.source = "network";
  traffic.subject = "whether packets arrive";
  traffic.reason = "the chain is judged from objects; no request was sent";
  out.ledger.NotChecked(std::move(traffic));
  return out;
}

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
  LedgerEntry old;
  old.source = "events";
  old.subject = "older events";
  old.reason = "a cluster keeps events for an hour by default";
  out.ledger.NotChecked(std::move(old));
  return out;
}

struct Restarted {
  kube::ObjectPtr object;
  const kube::Pod* pod;
  const kube::ContainerStatus* status;
};

std::vector<Restarted> Restarts(Picture& picture, const std::string& only, bool oom) {
  std::vector<Restarted> out;
  for (const kube::ObjectPtr& object : picture.In("pods")) {
    const auto* pod = object->As<kube::Pod>();
    if (!pod || (!only.empty() && object->name() != only)) continue;
    for (const auto* statuses : {&pod->init_statuses, &pod->statuses}) {
      for (const kube::ContainerStatus& s : *statuses) {
        const bool killed = s.last_state.reason == "OOMKilled" || s.state.reason == "OOMKilled";
        if (oom ? killed : s.restarts > 0) out.push_back({object, pod, &s});
      }
    }
  }
  std::stable_sort(out.begin(), out.end(), [](const Restarted& a, const Restarted& b) {
    return a.status->restarts > b.status->restarts;
  });
  return out;
}

const kube::ContainerState& Ended(const kube::ContainerStatus& s) {
  return s.state.kind == kube::ContainerState::Kind::kTerminated ? s.state : s.last_state;
}

ToolResult RestartAnswer(Picture& picture, std::vector<Restarted> rows, size_t limit, bool oom) {
  const auto total = static_cast<int64_t>(rows.size());
  ToolResult out;
  out.truncated = rows.size() > limit;
  if (out.truncated) rows.resize(limit);
  TextTable table({"NAMESPACE", "POD", "CONTAINER", "RESTARTS", "PER HOUR", "LAST EXIT", "CODE",
                   "REASON", "MEMORY LIMIT"});
  JsonWriter json;
  json.BeginObject()
      .Field("total", total)
      .Field("truncated", out.truncated)
      .Key("items")
      .BeginArray();
  std::map<std::string, int64_t> reasons;
  Text causes;
  for (const Restarted& r : rows) {
    const kube::ContainerState& end = Ended(*r.status);
    const bool known = end.kind == kube::ContainerState::Kind::kTerminated;
    const double hours =
        std::max(1.0 / 60, absl::ToDoubleHours(r.object->meta().Age(picture.now())));
    const std::string rate = fmt::format("{:.1f}", static_cast<double>(r.status->restarts) / hours);
    const kube::Container* spec = SpecOf(*r.pod, r.status->name);
    std::string memory = "-";
    if (spec) {
      for (const auto& [name, quantity] : spec->limits) {
        if (name == "memory") memory = quantity.text;
      }
    }
    const std::string when = known && end.finished != absl::InfinitePast()
                                 ? HumanAge(picture.now() - end.finished)
                                 : "-";
    const std::string reason = known ? CleanText(end.reason, 64) : "-";
    ++reasons[known ? fmt::format("{} ({})", reason, end.exit_code) : "unknown"];
    table.AddRow({std::string(r.object->ns()), std::string(r.object->name()),
                  std::string(r.status->name), std::to_string(r.status->restarts), rate, when,
                  known ? std::to_string(end.exit_code) : "-", reason, memory});
    json.BeginObject()
        .Field("namespace", r.object->ns())
        .Field("pod", r.object->name())
        .Field("container", r.status->name);
    json.Field("restarts", r.status->restarts)
        .Field("restarts_per_hour", static_cast<double>(r.status->restarts) / hours);
    if (known)
      json.Field("exit_code", end.exit_code)
          .Field("reason", reason)
          .Field("finished", base::Rfc3339(end.finished));
    json.Field("memory_limit", memory);
    if (known) {
      CrashCause cause = CauseOfCrash(picture, *r.object, *r.pod, *r.status, end);
      json.Key("cause")
          .BeginObject()
          .Field("zh", cause.cause.zh)
          .Field("en", cause.cause.en)
          .EndObject();
      causes += Say("- {0}（{1}）：{2} {3}\n", "- {0} ({1}): {4} {5}\n",
                    r.object->meta().full_name(), r.status->name, cause.cause.zh,
                    cause.next_step.zh, cause.cause.en, cause.next_step.en);
      out.untrusted = out.untrusted || cause.untrusted;
    }
    json.EndObject();
  }
  json.EndArray().Key("reasons").BeginObject();
  std::string summary;
  for (const auto& [reason, count] : reasons) {
    json.Field(reason, count);
    summary += fmt::format("{}{} x {}", summary.empty() ? "" : ", ", count, reason);
  }
  json.EndObject().EndObject();
  out.json = json.Take();
  const Text place = PlaceOf(TypeOf("pods"), picture.ns());
  if (total == 0) {
    out.text =
        oom ? Say("{0}没有容器因内存超限被杀死。", "No container {1} was killed for memory.",
                  place.zh, place.en)
            : Say("{0}没有重启过的容器。", "No container {1} has restarted.", place.zh, place.en);
  } else {
    out.text = oom ? Say("{0}有 {2} 个容器因内存超限被杀死过：{3}。\n\n",
                         "{2} containers {1} were killed for memory: {3}.\n\n", place.zh, place.en,
                         total, summary)
                   : Say("{0}有 {2} 个容器重启过；上次退出：{3}。\n\n",
                         "{2} containers {1} have restarted; last exits: {3}.\n\n", place.zh,
                         place.en, total, summary);
    out.text.AppendBoth(table.Render() + "\n");
    out.text += causes;
    while (out.text.zh.ends_with('\n')) out.text.zh.pop_back();
    while (out.text.en.ends_with('\n')) out.text.en.pop_back();
  }
  out.AddFact(oom ? "oom.total" : "restarted.total", total);
  out.ledger = picture.ledger();
  LedgerEntry history;
  history.source = "apiserver";
  history.subject = "restarts before the last one";
  history.reason =
      "Kubernetes keeps the state of the last run only; the rate is an average over the pod's life";
  out.ledger.NotChecked(std::move(history));
  return out;
}

ToolHandler RestartHandler(bool oom) {
  return [oom](const ToolCall& call) -> absl::StatusOr<ToolResult> {
    const std::string only = call.arguments.String("pod_name");
    OPSMESH_ASSIGN_OR_RETURN(
        Picture picture,
        PicturesOf(call, only.empty() ? NamespaceOf(call) : NamespaceForOne(call)));
    if (!only.empty())
      OPSMESH_RETURN_IF_ERROR(CheckExists(picture, TypeOf("pods"), picture.ns(), only));
    return RestartAnswer(picture, Restarts(picture, only, oom),
                         static_cast<size_t>(call.arguments.Integer("limit", 50)), oom);
  };
}

// Everything about one crash on one page: state, cause, the last lines before it, events.
absl::StatusOr<ToolResult> CrashReport(const ToolCall& call) {
  const std::string name = call.arguments.String("pod_name");
  OPSMESH_ASSIGN_OR_RETURN(Picture picture, PicturesOf(call, NamespaceForOne(call)));
  OPSMESH_RETURN_IF_ERROR(CheckExists(picture, TypeOf("pods"), picture.ns(), name));
  const kube::ObjectPtr object = picture.All("pods").Find(picture.ns(), name);
  const std::vector<Finding> findings = DiagnosePod(picture, *object);
  ToolResult out = AnswerFindings(findings, picture);
  const std::vector<Restarted> restarts = Restarts(picture, name, false);
  JsonWriter json;
  json.BeginObject()
      .Field("namespace", picture.ns())
      .Field("pod", name)
      .Key("diagnosis")
      .Raw(out.json);
  json.Key("restarts")
      .Raw(RestartAnswer(picture, restarts, 20, false).json)
      .Key("logs")
      .BeginArray();
  for (const Restarted& r : restarts) {
    kube::LogOptions options;
    options.container = r.status->name;
    options.previous = true;
    options.tail_lines = call.arguments.Integer("tail_lines", 20);
    const auto log = call.cluster.PodLogs(call.ctx, picture.ns(), name, options);
    LedgerEntry entry;
    entry.source = "pod log";
    entry.subject =
        fmt::format("{}/{} container {}, previous run", picture.ns(), name, r.status->name);
    if (!log.ok()) {
      entry.reason = std::string(log.status().message());
      picture.ledger().Failed(std::move(entry));
      continue;
    }
    picture.ledger().Checked(std::move(entry));
    json.BeginObject().Field("container", r.status->name).Key("lines").BeginArray();
    out.text += Say("\n\n容器 {0} 上次运行的最后 {1} 行日志：\n\n",
                    "\n\nLast {1} lines of the previous run of container {0}:\n\n", r.status->name,
                    log->lines.size());
    std::string body;
    for (const std::string& line : log->lines) {
      json.Value(CleanText(line));
      body += CleanText(line) + "\n";
    }
    json.EndArray().EndObject();
    out.text.AppendBoth("```\n" + body + "```");
  }
  json.EndArray().EndObject();
  out.json = json.Take();
  const std::vector<kube::ObjectPtr> events = EventsAbout(picture, *object, false, 10);
  if (!events.empty()) {
    out.text += Text{"\n\n事件（最新的在前）：\n\n", "\n\nEvents (newest first):\n\n"};
    out.text.AppendBoth(EventTable(events, call.now));
  }
  out.untrusted = true;
  out.AddFact("pod", object->meta().full_name());
  out.ledger = picture.ledger();
  return out;
}

// Findings joined by what they have in common: workload, node, missing object. The root is what
// explains most.
absl::StatusOr<ToolResult> Correlate(const ToolCall& call) {
  OPSMESH_ASSIGN_OR_RETURN(Picture picture, PicturesOf(call, NamespaceOf(call)));
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
  while (out.text.zh.ends_with('\n')) out.text.zh.pop_back();
  while (out.text.en.ends_with('\n')) out.text.en.pop_back();
  out.AddFact("groups.total", count);
  return out;
}

Tool Make(std::string name, Text description, std::vector<Param> params, ToolHandler handler,
          bool cacheable) {
  Tool tool;
  tool.name = std::move(name);
  tool.group = "tracing";
  tool.description = std::move(description);
  tool.params = std::move(params);
  tool.handler = std::move(handler);
  tool.cacheable = cacheable;
  return tool;
}

}  // namespace

void AddTracingTools(ToolRegistry& r) {
  const Param pod = NameParam("pod_name", {"只看此 Pod", "Only this pod"}, false);
  r.Add(Make(
      "trace_service_chain",
      {"追踪服务链路：Ingress → Service → 端点 → Pod → 节点",
       "Traces a service: ingress, service, endpoints, pods, nodes"},
      {OneNamespaceParam(), NameParam("service_name", {"Service 名称", "Name of the service"})},
      TraceServiceChain, true));
  r.Add(
      Make("get_resource_events_timeline",
           {"一个对象及其 Pod 的事件时间线", "Timeline of the events about an object and its pods"},
           {KindParam(),
            NameParam("resource_name", {"对象名称", "Name of the object"}, true,
                      ParamFormat::kObjectName),
            OneNamespaceParam(),
            TextParam("since", {"只要最近这段时间", "Only the last time"}, ParamFormat::kDuration),
            LimitParam()},
           EventsTimeline, false));
  r.Add(Make("correlate_pod_issues",
             {"把问题按共同的工作负载、节点、缺失的配置归到一起",
              "Joins problems by the workload, node or missing configuration they share"},
             {NamespaceParam()}, Correlate, true));
  r.Add(Make(
      "analyze_pod_restart_pattern",
      {"分析重启：次数、频率、退出码、原因", "Analyses restarts: number, rate, exit codes, causes"},
      {NamespaceParam(), pod, LimitParam()}, RestartHandler(false), true));
  r.Add(Make("check_oom_events",
             {"找出因内存超限被杀死的容器", "Finds containers that were killed for memory"},
             {NamespaceParam(), pod, LimitParam()}, RestartHandler(true), true));
  r.Add(Make("get_pod_crash_report",
             {"一个 Pod 的崩溃报告：原因、上次日志、事件",
              "Crash report of a pod: cause, last log, events"},
             {OneNamespaceParam(), NameParam("pod_name", {"Pod 名称", "Name of the pod"}),
              IntParam("tail_lines", {"日志行数", "Lines of log"}, 1, 500, "20")},
             CrashReport, false));
}

}  // namespace opsmesh::k8s
