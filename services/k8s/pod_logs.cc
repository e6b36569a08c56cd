#include "services/k8s/pod_logs.h"

#include <algorithm>

#include <fmt/format.h>

#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "services/k8s/clean_text.h"
#include "services/k8s/json_writer.h"
#include "services/k8s/listing.h"
#include "services/k8s/read_object.h"

namespace opsmesh::k8s {
namespace {

struct Request {
  std::string ns;
  std::string pod;
  kube::LogOptions options;
  int64_t head = 0;
  std::string contains;
};

absl::StatusOr<Request> RequestOf(const ToolCall& call, int64_t default_lines) {
  const Arguments& args = call.arguments;
  Request request;
  request.ns = NamespaceForOne(call);
  request.pod = args.String("pod_name");
  request.head = args.Integer("head_lines", 0);
  request.contains = base::AsciiLower(args.String("contains"));
  request.options.container = args.String("container");
  request.options.previous = args.Boolean("previous", false);
  request.options.timestamps = args.Boolean("timestamps", false);
  if (request.head > 0 && args.Has("tail_lines")) {
    return base::InvalidArgument("arguments", "TOOL_ARGUMENTS",
                                 "head_lines and tail_lines exclude each other.")
        .Hint("Give one of them.");
  }
  int64_t seconds = 0;
  if (ParseDuration(args.String("since"), &seconds)) request.options.since = absl::Seconds(seconds);
  // The first lines, and lines with a word, can be anywhere in the log: it is read whole, up to the
  // byte limit.
  if (request.head == 0 && request.contains.empty()) {
    request.options.tail_lines = args.Integer("tail_lines", default_lines);
  }
  return request;
}

// The container to read: the one asked for, the annotated default, the only one; else the one that
// is in trouble.
std::string PickContainer(const kube::Object& object, const kube::Pod& pod) {
  if (const auto named = object.Annotation("kubectl.kubernetes.io/default-container"))
    return *named;
  if (pod.spec.containers.size() == 1) return std::string(pod.spec.containers[0].name);
  const kube::ContainerStatus* worst = nullptr;
  for (const kube::ContainerStatus& status : pod.statuses) {
    if (!status.ready && (!worst || status.restarts > worst->restarts)) worst = &status;
  }
  if (worst) return std::string(worst->name);
  return pod.spec.containers.empty() ? "" : std::string(pod.spec.containers[0].name);
}

void Select(const Request& request, int64_t tail, kube::LogText& log, int64_t* matched) {
  if (!request.contains.empty()) {
    std::erase_if(log.lines, [&](const std::string& line) {
      return base::AsciiLower(line).find(request.contains) == std::string::npos;
    });
  }
  *matched = static_cast<int64_t>(log.lines.size());
  const size_t keep = static_cast<size_t>(request.head > 0 ? request.head : tail);
  if (log.lines.size() <= keep) return;
  log.truncated = true;
  if (request.head > 0)
    log.lines.resize(keep);
  else
    log.lines.erase(log.lines.begin(), log.lines.end() - static_cast<ptrdiff_t>(keep));
}

ToolResult Write(const Request& request, const kube::LogText& log, int64_t matched) {
  ToolResult out;
  out.untrusted = true;
  out.truncated = log.truncated;
  JsonWriter json;
  json.BeginObject()
      .Field("namespace", request.ns)
      .Field("pod", request.pod)
      .Field("container", request.options.container);
  json.Field("previous", request.options.previous)
      .Field("line_count", static_cast<int64_t>(log.lines.size()));
  json.Field("truncated", log.truncated).Key("lines").BeginArray();
  std::string body;
  for (const std::string& line : log.lines) {
    const std::string clean = CleanText(line);
    json.Value(clean);
    body += clean + "\n";
  }
  json.EndArray().EndObject();
  out.json = json.Take();
  const size_t n = log.lines.size();
  const std::string who = fmt::format("{}/{}", request.ns, request.pod);
  const char* run_zh = request.options.previous ? "上一次运行的" : "";
  const char* run_en = request.options.previous ? " of the previous run" : "";
  if (n == 0) {
    out.text = {
        fmt::format("Pod {} 的容器 {} {}日志中没有{}行。", who, request.options.container, run_zh,
                    request.contains.empty() ? "" : "符合条件的"),
        fmt::format("The log{} of container {} in pod {} has no {}lines.", run_en,
                    request.options.container, who, request.contains.empty() ? "" : "matching ")};
  } else {
    const bool filtered = !request.contains.empty();
    const char* which_zh = request.head > 0 ? "前" : "后";
    const char* which_en = request.head > 0 ? "first" : "last";
    out.text = {fmt::format("Pod {} 的容器 {} {}日志，最{} {} 行{}：\n\n", who,
                            request.options.container, run_zh, which_zh, n,
                            filtered ? fmt::format("（含有该文字的共 {} 行）", matched) : ""),
                fmt::format("Log{} of container {} in pod {}, {} {} {}{}:\n\n", run_en,
                            request.options.container, who, which_en, n, n == 1 ? "line" : "lines",
                            filtered ? fmt::format(" of {} that have the text", matched) : "")};
    out.text.AppendBoth("```\n" + body + "```");
  }
  if (log.truncated) {
    out.text.zh += "\n还有未显示的行。";
    out.text.en += "\nThere are lines that are not shown.";
  }
  if (log.cut_lines > 0) {
    out.text.zh += fmt::format("\n{} 行过长，已截断。", log.cut_lines);
    out.text.en += fmt::format("\n{} long lines were cut.", log.cut_lines);
  }
  out.AddFact("log.pod", who);
  out.AddFact("log.container", request.options.container);
  out.AddFact("log.lines", static_cast<int64_t>(n));
  return out;
}

// Some refusals are answers: the person wants to know why there is no log.
bool Explain(const absl::Status& status, const Request& request, ToolResult* out) {
  const std::string reason = base::DetailOf(status).reason;
  if (reason != "CONTAINER_NOT_STARTED" && reason != "NO_PREVIOUS_LOG") return false;
  const std::string who = fmt::format("{}/{}", request.ns, request.pod);
  JsonWriter json;
  json.BeginObject()
      .Field("namespace", request.ns)
      .Field("pod", request.pod)
      .Field("container", request.options.container);
  json.Field("line_count", 0)
      .Field("reason", reason)
      .Field("message", CleanText(base::ToStd(status.message()), 512));
  json.Key("lines").BeginArray().EndArray().EndObject();
  out->json = json.Take();
  out->untrusted = true;
  if (reason == "NO_PREVIOUS_LOG") {
    out->text = {
        fmt::format("Pod {} 的容器 {} 没有上一次运行的日志：它没有重启过，或旧日志已被清除。", who,
                    request.options.container),
        fmt::format("Container {} of pod {} has no log of a previous run: it has not restarted, or "
                    "the old log is gone.",
                    request.options.container, who)};
  } else {
    out->text = {
        fmt::format("Pod {} 的容器 {} 还没有启动，没有日志：{}", who, request.options.container,
                    CleanText(base::ToStd(status.message()), 300)),
        fmt::format("Container {} of pod {} has not started, there is no log: {}",
                    request.options.container, who, CleanText(base::ToStd(status.message()), 300))};
  }
  out->AddFact("log.pod", who);
  out->AddFact("log.lines", 0);
  return true;
}

}  // namespace

absl::Status CheckPod(const ToolCall& call, std::string_view ns, std::string_view name,
                      Ledger* ledger) {
  Picture picture(call.cluster.Picture(call.ctx), std::string(ns), call.now);
  const absl::Status status = CheckExists(picture, TypeOf("pods"), ns, name);
  if (ledger) ledger->Merge(picture.ledger());
  return status;
}

absl::StatusOr<ToolResult> ReadPodLogs(const ToolCall& call, int64_t default_lines) {
  OPSMESH_ASSIGN_OR_RETURN(Request request, RequestOf(call, default_lines));
  Picture picture(call.cluster.Picture(call.ctx), request.ns, call.now);
  OPSMESH_RETURN_IF_ERROR(CheckExists(picture, TypeOf("pods"), request.ns, request.pod));
  const kube::ObjectPtr object = picture.All("pods").Find(request.ns, request.pod);
  if (object && request.options.container.empty()) {
    if (const auto* pod = object->As<kube::Pod>())
      request.options.container = PickContainer(*object, *pod);
  }
  ToolResult out;
  absl::StatusOr<kube::LogText> log =
      call.cluster.PodLogs(call.ctx, request.ns, request.pod, request.options);
  LedgerEntry entry;
  entry.source = "pod log";
  entry.subject =
      fmt::format("{}/{} container {}{}", request.ns, request.pod, request.options.container,
                  request.options.previous ? ", previous run" : "");
  if (!log.ok()) {
    if (!Explain(log.status(), request, &out)) return log.status();
    entry.reason = std::string(log.status().message());
    out.ledger = picture.ledger();
    out.ledger.Failed(std::move(entry));
    return out;
  }
  int64_t matched = 0;
  Select(request, call.arguments.Integer("tail_lines", default_lines), *log, &matched);
  out = Write(request, *log, matched);
  out.ledger = picture.ledger();
  entry.shown_count = static_cast<int64_t>(log->lines.size());
  out.ledger.Checked(std::move(entry));
  return out;
}

}  // namespace opsmesh::k8s
