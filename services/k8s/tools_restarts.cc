// Group "tracing": containers that restart: how often, why, and what they said last.
#include <algorithm>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "libs/base/error.h"
#include "services/k8s/clean_text.h"
#include "services/k8s/describe.h"
#include "services/k8s/finding.h"
#include "services/k8s/json_writer.h"
#include "services/k8s/listing.h"
#include "services/k8s/params.h"
#include "services/k8s/pod_causes.h"
#include "services/k8s/read_object.h"
#include "services/k8s/text_table.h"
#include "services/k8s/tool_registry.h"

namespace opsmesh::k8s {
namespace {

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

// Writes the answer about restarts row by row.
class RestartReport {
 public:
  RestartReport(Picture& picture, bool oom) : picture_(picture), oom_(oom) {}

  ToolResult Write(std::vector<Restarted> rows, size_t limit) {
    const auto total = static_cast<int64_t>(rows.size());
    out_.truncated = rows.size() > limit;
    if (out_.truncated) rows.resize(limit);
    json_.BeginObject()
        .Field("total", total)
        .Field("truncated", out_.truncated)
        .Key("items")
        .BeginArray();
    for (const Restarted& row : rows) Add(row);
    json_.EndArray();
    const std::string summary = Reasons();
    json_.EndObject();
    out_.json = json_.Take();
    WriteText(total, summary);
    out_.AddFact(oom_ ? "oom.total" : "restarted.total", total);
    out_.ledger = picture_.ledger();
    out_.ledger.NotChecked("apiserver", "restarts before the last one",
                           "Kubernetes keeps the state of the last run only; the rate is an "
                           "average over the pod's life");
    return std::move(out_);
  }

 private:
  void Add(const Restarted& r) {
    const kube::ContainerState& end = Ended(*r.status);
    const bool known = end.kind == kube::ContainerState::Kind::kTerminated;
    const double hours =
        std::max(1.0 / 60, absl::ToDoubleHours(r.object->meta().Age(picture_.now())));
    const double per_hour = static_cast<double>(r.status->restarts) / hours;
    const std::string memory = MemoryLimit(r);
    const std::string when = known && end.finished != absl::InfinitePast()
                                 ? HumanAge(picture_.now() - end.finished)
                                 : "-";
    const std::string reason = known ? CleanText(end.reason, 64) : "-";
    ++reasons_[known ? fmt::format("{} ({})", reason, end.exit_code) : "unknown"];
    table_.AddRow({std::string(r.object->ns()), std::string(r.object->name()),
                   std::string(r.status->name), std::to_string(r.status->restarts),
                   fmt::format("{:.1f}", per_hour), when,
                   known ? std::to_string(end.exit_code) : "-", reason, memory});
    json_.BeginObject()
        .Field("namespace", r.object->ns())
        .Field("pod", r.object->name())
        .Field("container", r.status->name)
        .Field("restarts", r.status->restarts)
        .Field("restarts_per_hour", per_hour);
    if (known) {
      json_.Field("exit_code", end.exit_code)
          .Field("reason", reason)
          .Field("finished", base::Rfc3339(end.finished));
    }
    json_.Field("memory_limit", memory);
    if (known) AddCause(r, end);
    json_.EndObject();
  }

  static std::string MemoryLimit(const Restarted& r) {
    if (const kube::Container* spec = SpecOf(*r.pod, r.status->name)) {
      for (const auto& [name, quantity] : spec->limits) {
        if (name == "memory") return std::string(quantity.text);
      }
    }
    return "-";
  }

  void AddCause(const Restarted& r, const kube::ContainerState& end) {
    const CrashCause cause = CauseOfCrash(picture_, *r.object, *r.pod, *r.status, end);
    json_.Key("cause")
        .BeginObject()
        .Field("zh", cause.cause.zh)
        .Field("en", cause.cause.en)
        .EndObject();
    causes_ +=
        Say("- {0}（{1}）：{2} {3}\n", "- {0} ({1}): {4} {5}\n", r.object->meta().full_name(),
            r.status->name, cause.cause.zh, cause.next_step.zh, cause.cause.en, cause.next_step.en);
    out_.untrusted = out_.untrusted || cause.untrusted;
  }

  // How often each reason stands there: into the document, and in words.
  std::string Reasons() {
    json_.Key("reasons").BeginObject();
    std::string summary;
    for (const auto& [reason, count] : reasons_) {
      json_.Field(reason, count);
      summary += fmt::format("{}{} x {}", summary.empty() ? "" : ", ", count, reason);
    }
    json_.EndObject();
    return summary;
  }

  void WriteText(int64_t total, const std::string& summary) {
    const Text place = PlaceOf(TypeOf("pods"), picture_.ns());
    if (total == 0) {
      out_.text = oom_ ? Say("{0}没有容器因内存超限被杀死。",
                             "No container {1} was killed for memory.", place.zh, place.en)
                       : Say("{0}没有重启过的容器。", "No container {1} has restarted.", place.zh,
                             place.en);
      return;
    }
    out_.text = oom_ ? Say("{0}有 {2} 个容器因内存超限被杀死过：{3}。\n\n",
                           "{2} containers {1} were killed for memory: {3}.\n\n", place.zh,
                           place.en, total, summary)
                     : Say("{0}有 {2} 个容器重启过；上次退出：{3}。\n\n",
                           "{2} containers {1} have restarted; last exits: {3}.\n\n", place.zh,
                           place.en, total, summary);
    out_.text.AppendBoth(table_.Render() + "\n");
    out_.text += causes_;
    out_.text.TrimNewlines();
  }

  Picture& picture_;
  const bool oom_;
  ToolResult out_;
  JsonWriter json_;
  TextTable table_{{"NAMESPACE", "POD", "CONTAINER", "RESTARTS", "PER HOUR", "LAST EXIT", "CODE",
                    "REASON", "MEMORY LIMIT"}};
  std::map<std::string, int64_t> reasons_;
  Text causes_;
};

ToolHandler RestartHandler(bool oom) {
  return [oom](const ToolCall& call) -> absl::StatusOr<ToolResult> {
    const std::string only = call.arguments.String("pod_name");
    OPSMESH_ASSIGN_OR_RETURN(
        Picture picture,
        PodPicture(call, only.empty() ? NamespaceOf(call) : NamespaceForOne(call)));
    if (!only.empty())
      OPSMESH_RETURN_IF_ERROR(CheckExists(picture, TypeOf("pods"), picture.ns(), only));
    return RestartReport(picture, oom)
        .Write(Restarts(picture, only, oom),
               static_cast<size_t>(call.arguments.Integer("limit", 50)));
  };
}

// The last lines of a container's previous run.
void AddLastLog(const ToolCall& call, Picture& picture, const kube::Object& pod,
                const std::string& container, JsonWriter& json, Text* text) {
  kube::LogOptions options;
  options.container = container;
  options.previous = true;
  options.tail_lines = call.arguments.Integer("tail_lines", 20);
  const auto log = call.cluster.PodLogs(call.ctx, pod.ns(), pod.name(), options);
  LedgerEntry entry;
  entry.source = "pod log";
  entry.subject = fmt::format("{}/{} container {}, previous run", pod.ns(), pod.name(), container);
  if (!log.ok()) {
    entry.reason = std::string(log.status().message());
    picture.ledger().Failed(std::move(entry));
    return;
  }
  picture.ledger().Checked(std::move(entry));
  json.BeginObject().Field("container", container).Key("lines").BeginArray();
  *text += Say("\n\n容器 {0} 上次运行的最后 {1} 行日志：\n\n",
               "\n\nLast {1} lines of the previous run of container {0}:\n\n", container,
               log->lines.size());
  std::string body;
  for (const std::string& line : log->lines) {
    json.Value(CleanText(line));
    body += CleanText(line) + "\n";
  }
  json.EndArray().EndObject();
  text->AppendBoth("```\n" + body + "```");
}

// Everything about one crash on one page: state, cause, the last lines before it, events.
absl::StatusOr<ToolResult> CrashReport(const ToolCall& call) {
  const std::string name = call.arguments.String("pod_name");
  OPSMESH_ASSIGN_OR_RETURN(Picture picture, PodPicture(call, NamespaceForOne(call)));
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
      .Raw(RestartReport(picture, false).Write(restarts, 20).json)
      .Key("logs")
      .BeginArray();
  for (const Restarted& r : restarts)
    AddLastLog(call, picture, *object, std::string(r.status->name), json, &out.text);
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

}  // namespace

void AddRestartTools(ToolRegistry& r) {
  ToolGroup group(r, "tracing");
  const Param pod = NameParam("pod_name", {"只看此 Pod", "Only this pod"}, false);
  group.Cached(
      "analyze_pod_restart_pattern",
      {"分析重启：次数、频率、退出码、原因", "Analyses restarts: number, rate, exit codes, causes"},
      {NamespaceParam(), pod, LimitParam()}, RestartHandler(false));
  group.Cached("check_oom_events",
               {"找出因内存超限被杀死的容器", "Finds containers that were killed for memory"},
               {NamespaceParam(), pod, LimitParam()}, RestartHandler(true));
  group.Live("get_pod_crash_report",
             {"一个 Pod 的崩溃报告：原因、上次日志、事件",
              "Crash report of a pod: cause, last log, events"},
             {OneNamespaceParam(), NameParam("pod_name", {"Pod 名称", "Name of the pod"}),
              IntParam("tail_lines", {"日志行数", "Lines of log"}, 1, 500, "20")},
             CrashReport);
}

}  // namespace opsmesh::k8s
