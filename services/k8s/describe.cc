#include "services/k8s/describe.h"

#include <algorithm>

#include <fmt/format.h>

#include "libs/base/error.h"
#include "libs/kube/quantity.h"
#include "services/k8s/clean_text.h"
#include "services/k8s/fields.h"
#include "services/k8s/finding.h"
#include "services/k8s/json_writer.h"
#include "services/k8s/listing.h"
#include "services/k8s/pod_causes.h"
#include "services/k8s/read_object.h"
#include "services/k8s/service_chain.h"
#include "services/k8s/text_table.h"

namespace opsmesh::k8s {
namespace {

std::string PluralOf(const kube::Object& object) {
  const kube::ResourceType* type = kube::FindBuiltin(object.meta().kind);
  return type ? type->plural : std::string();
}

std::string Amounts(const kube::ResourceList& list) {
  std::string out;
  for (const auto& [name, quantity] : list)
    out += fmt::format("{}{}={}", out.empty() ? "" : ", ", name, quantity.text);
  return out.empty() ? "-" : out;
}

std::string StateWords(const kube::ContainerState& state) {
  switch (state.kind) {
    case kube::ContainerState::Kind::kWaiting:
      return fmt::format("waiting: {}", state.reason);
    case kube::ContainerState::Kind::kRunning:
      return "running";
    case kube::ContainerState::Kind::kTerminated:
      return fmt::format("terminated: {} (exit code {})", state.reason, state.exit_code);
    case kube::ContainerState::Kind::kUnknown:
      break;
  }
  return "-";
}

std::string PortWords(const std::vector<kube::ContainerPort>& ports) {
  std::string out;
  for (const kube::ContainerPort& p : ports) {
    out += fmt::format("{}{}{}", out.empty() ? "" : ", ",
                       p.name.empty() ? "" : fmt::format("{}=", p.name), p.port);
  }
  return out.empty() ? "-" : out;
}

void DescribeContainers(const kube::PodSpec& spec, const kube::Pod* pod, Description& out) {
  TextTable table(
      pod ? std::vector<std::string>{"CONTAINER", "IMAGE", "READY", "RESTARTS", "STATE",
                                     "LAST STATE", "REQUESTS", "LIMITS", "PORTS"}
          : std::vector<std::string>{"CONTAINER", "IMAGE", "REQUESTS", "LIMITS", "PORTS"});
  for (const auto* list : {&spec.init_containers, &spec.containers}) {
    for (const kube::Container& c : *list) {
      std::vector<std::string> row = {
          list == &spec.init_containers ? fmt::format("{} (init)", c.name) : std::string(c.name),
          std::string(c.image)};
      if (pod) {
        const kube::ContainerStatus* status = pod->FindStatus(c.name);
        row.insert(row.end(), {status && status->ready ? "true" : "false",
                               status ? std::to_string(status->restarts) : "-",
                               status ? StateWords(status->state) : "-",
                               status ? StateWords(status->last_state) : "-"});
      }
      row.insert(row.end(), {Amounts(c.requests), Amounts(c.limits), PortWords(c.ports)});
      table.AddRow(std::move(row));
    }
  }
  out.tables.emplace_back("Containers", table.Render());
  for (const kube::Container& c : spec.containers) {
    for (const auto& [name, probe] :
         {std::pair{"readiness", &c.readiness}, std::pair{"liveness", &c.liveness},
          std::pair{"startup", &c.startup}}) {
      if (probe->kind == kube::Probe::Kind::kNone) continue;
      out.Add(fmt::format("Probe {}/{}", c.name, name),
              fmt::format("{} delay={}s period={}s timeout={}s failures={}", DescribeProbe(*probe),
                          probe->initial_delay_seconds, probe->period_seconds,
                          probe->timeout_seconds, probe->failure_threshold));
    }
  }
  std::string volumes;
  for (const kube::Volume& v : spec.volumes) {
    volumes += fmt::format("{}{} ({}{})", volumes.empty() ? "" : ", ", v.name, v.type,
                           v.claim_name.empty() ? "" : fmt::format(" {}", v.claim_name));
  }
  out.Add("Volumes", volumes);
}

void DescribeConditions(const std::vector<kube::Condition>& conditions, Description& out) {
  if (conditions.empty()) return;
  TextTable table({"CONDITION", "STATUS", "REASON", "MESSAGE"});
  for (const kube::Condition& c : conditions) {
    table.AddRow({std::string(c.type), std::string(c.status), std::string(c.reason),
                  CleanText(c.message, 140)});
    out.untrusted = out.untrusted || !c.message.empty();
  }
  out.tables.emplace_back("Conditions", table.Render());
}

void DescribePods(Picture& picture, const kube::Object& object, Description& out) {
  const std::vector<kube::ObjectPtr> pods = PodsOf(picture, object);
  if (pods.empty()) return;
  TextTable table({"POD", "READY", "STATUS", "RESTARTS", "NODE", "AGE"});
  constexpr size_t kMaxPods = 20;
  for (size_t i = 0; i < pods.size() && i < kMaxPods; ++i) {
    const kube::Pod* pod = pods[i]->As<kube::Pod>();
    if (!pod) continue;
    table.AddRow({std::string(pods[i]->name()), pod->ready(), pod->status,
                  std::to_string(pod->restarts), std::string(pod->spec.node_name),
                  HumanAge(pods[i]->meta().Age(picture.now()))});
  }
  const std::string more =
      pods.size() > kMaxPods ? fmt::format(" ({} of {})", kMaxPods, pods.size()) : "";
  out.tables.emplace_back("Pods" + more, table.Render());
}

void DescribeService(Picture& picture, const kube::Object& object, const kube::Service& service,
                     Description& out) {
  const ServiceBackends backends = BackendsOf(picture, object, service);
  TextTable table({"PORT", "NAME", "TARGET PORT", "NODE PORT", "PROTOCOL"});
  for (const kube::ServicePort& p : service.ports) {
    table.AddRow({std::to_string(p.port), std::string(p.name),
                  p.target_port.number ? std::to_string(*p.target_port.number)
                                       : std::string(p.target_port.name),
                  p.node_port ? std::to_string(p.node_port) : "-",
                  p.protocol.empty() ? "TCP" : std::string(p.protocol)});
  }
  out.tables.emplace_back("Ports", table.Render());
  if (backends.readable)
    out.Add("Endpoints", fmt::format("{} ready, {} not ready", backends.ready, backends.not_ready));
}

void DescribeNode(Picture& picture, const kube::Object& object, const kube::Node& node,
                  Description& out) {
  double cpu = 0, memory = 0;
  int64_t pods = 0;
  ForEach<kube::Pod>(picture.All("pods").OnNode(object.name()),
                     [&](const kube::Object&, const kube::Pod& pod) {
                       if (pod.phase == "Succeeded" || pod.phase == "Failed") return;
                       ++pods;
                       cpu += PodAmount(pod.spec, "cpu", false);
                       memory += PodAmount(pod.spec, "memory", false);
                     });
  out.Add("Pods",
          fmt::format("{} of {}", pods, kube::Amount(node.allocatable, "pods").value_or(0)));
  out.Add("CPU requested",
          fmt::format("{} of {}", kube::FormatCpu(cpu),
                      kube::FormatCpu(kube::Amount(node.allocatable, "cpu").value_or(0))));
  out.Add("Memory requested",
          fmt::format("{} of {}", kube::FormatBytes(memory),
                      kube::FormatBytes(kube::Amount(node.allocatable, "memory").value_or(0))));
  DescribeConditions(node.conditions, out);
}

template <typename View>
bool DescribeWorkload(Picture& picture, const kube::Object& object, Description& out) {
  const View* view = object.As<View>();
  if (!view) return false;
  if constexpr (!std::is_same_v<View, kube::CronJob>)
    out.Add("Selector", ShowSelector(view->selector));
  DescribeContainers(view->pod_template.spec, nullptr, out);
  if constexpr (requires { view->conditions; }) DescribeConditions(view->conditions, out);
  DescribePods(picture, object, out);
  return true;
}

}  // namespace

Description Describe(Picture& picture, const kube::Object& object) {
  Description out;
  const std::string plural = PluralOf(object);
  for (const Field& field : FieldsOf(plural)) {
    const FieldValue value = field.get(object, picture);
    if (!value.absent) out.Add(field.name, Shown(value, field.unit));
  }
  out.Add("labels", JoinLabels(object.meta().labels));
  if (const kube::OwnerRef* owner = object.meta().controller())
    out.Add("controlled by", fmt::format("{}/{}", owner->kind, owner->name));
  if (const kube::Pod* pod = object.As<kube::Pod>()) {
    DescribeContainers(pod->spec, pod, out);
    DescribeConditions(pod->conditions, out);
  } else if (const auto* service = object.As<kube::Service>()) {
    DescribeService(picture, object, *service, out);
    DescribePods(picture, object, out);
  } else if (const auto* node = object.As<kube::Node>()) {
    DescribeNode(picture, object, *node, out);
  } else if (const auto* hpa = object.As<kube::HorizontalPodAutoscaler>()) {
    DescribeConditions(hpa->conditions, out);
  } else {
    (void)(DescribeWorkload<kube::Deployment>(picture, object, out) ||
           DescribeWorkload<kube::StatefulSet>(picture, object, out) ||
           DescribeWorkload<kube::DaemonSet>(picture, object, out) ||
           DescribeWorkload<kube::ReplicaSet>(picture, object, out) ||
           DescribeWorkload<kube::Job>(picture, object, out) ||
           DescribeWorkload<kube::CronJob>(picture, object, out));
  }
  return out;
}

namespace {

void WriteFindings(const std::vector<Finding>& findings, JsonWriter& json, ToolResult* out) {
  json.Key("findings").BeginArray();
  for (size_t i = 0; i < findings.size() && i < 10; ++i) {
    const Finding& f = findings[i];
    json.BeginObject()
        .Field("code", f.code)
        .Field("severity", SeverityName(f.severity))
        .Field("summary", f.summary.en);
    json.Field("cause", f.cause.en).Field("next_step", f.next_step.en).EndObject();
    out->text +=
        Say("\n问题：{0}\n原因：{1}\n建议：{2}\n", "\nProblem: {3}\nCause: {4}\nNext: {5}\n",
            f.summary.zh, f.cause.zh, f.next_step.zh, f.summary.en, f.cause.en, f.next_step.en);
    out->untrusted = out->untrusted || f.untrusted;
  }
  json.EndArray();
}

void WriteEvents(const std::vector<kube::ObjectPtr>& events, JsonWriter& json) {
  json.Key("events").BeginArray();
  for (const kube::ObjectPtr& event : events) {
    const kube::Event* e = event->As<kube::Event>();
    json.BeginObject()
        .Field("type", e->type)
        .Field("reason", e->reason)
        .Field("object", fmt::format("{}/{}", e->about.kind, e->about.name));
    json.Field("count", e->count)
        .Field("last_seen", base::Rfc3339(e->last_seen))
        .Field("message", CleanText(e->message, 512))
        .EndObject();
  }
  json.EndArray();
}

}  // namespace

absl::StatusOr<ToolResult> DescribeTool(const ToolCall& call, std::string_view kind,
                                        std::string_view ns, std::string_view name) {
  OPSMESH_ASSIGN_OR_RETURN(const kube::ResourceType type, call.cluster.Resolve(call.ctx, kind));
  Picture picture(call.cluster.Picture(call.ctx), std::string(type.namespaced ? ns : ""), call.now);
  OPSMESH_ASSIGN_OR_RETURN(const kube::ObjectPtr object,
                           ReadObject(call, picture, type, picture.ns(), name));
  const Description description = Describe(picture, *object);
  const std::vector<Finding> findings = FindingsAbout(picture, *object);
  const HealthWord health = HealthOf(picture, *object, findings);
  const std::vector<kube::ObjectPtr> events = EventsAbout(picture, *object, true, 15);

  ToolResult out;
  out.text = health.text;
  out.text.AppendBoth("\n\n");
  JsonWriter json;
  json.BeginObject()
      .Field("kind", type.kind)
      .OptionalField("namespace", object->ns())
      .Field("name", object->name());
  json.Field("health", health.state).Key("fields").BeginObject();
  for (const auto& [key, value] : description.lines) {
    out.text.AppendBoth(fmt::format("- {}: {}\n", key, CleanText(value, 400)));
    json.Field(key, value);
    if (out.facts.size() < 40)
      out.AddFact(fmt::format("{}.{}", type.singular, key), CleanText(value, 400));
  }
  json.EndObject();
  for (const auto& [heading, table] : description.tables)
    out.text.AppendBoth(fmt::format("\n{}:\n\n{}", heading, table));
  WriteFindings(findings, json, &out);
  WriteEvents(events, json);
  json.Key("object").Raw(object->json()).EndObject();
  if (!events.empty()) {
    out.text += Text{"\n事件（最新的在前）：\n\n", "\nEvents (newest first):\n\n"};
    out.text.AppendBoth(EventTable(events, call.now));
  }
  out.untrusted = true;  // annotations and events are in the data
  out.json = json.Take();
  out.AddFact("health", health.state);
  out.ledger = picture.ledger();
  out.text.TrimNewlines();
  return out;
}

}  // namespace opsmesh::k8s
