#include "services/k8s/finding.h"

#include <algorithm>
#include <tuple>

#include "services/k8s/clean_text.h"
#include "services/k8s/json_writer.h"
#include "services/k8s/listing.h"

namespace opsmesh::k8s {
namespace {

constexpr size_t kNamedObjects = 5;

std::string WorkloadKey(const ObjectRef& ref) {
  return fmt::format("{}/{}/{}", ref.kind, ref.name_space, ref.name);
}

void WriteRef(const ObjectRef& ref, JsonWriter& json) {
  json.BeginObject()
      .Field("kind", ref.kind)
      .OptionalField("group", ref.group)
      .OptionalField("namespace", ref.name_space);
  json.Field("name", ref.name).OptionalField("resource_version", ref.resource_version);
  json.OptionalField("field_path", ref.field_path).EndObject();
}

void WriteText(std::string_view key, const Text& text, JsonWriter& json) {
  json.Key(key).BeginObject().Field("zh", text.zh).Field("en", text.en).EndObject();
}

Text SeverityWord(Severity severity) {
  switch (severity) {
    case Severity::kCritical:
      return {"严重", "CRITICAL"};
    case Severity::kWarning:
      return {"警告", "WARNING"};
    case Severity::kInfo:
      return {"提示", "INFO"};
  }
  return {};
}

void AppendFinding(size_t number, const Finding& f, Text& out) {
  const Text word = SeverityWord(f.severity);
  out.zh += fmt::format("{}. [{}] {}\n   原因：{}\n   建议：{}\n", number, word.zh, f.summary.zh,
                        f.cause.zh, f.next_step.zh);
  out.en += fmt::format("{}. [{}] {}\n   Cause: {}\n   Next: {}\n", number, word.en, f.summary.en,
                        f.cause.en, f.next_step.en);
}

void WriteFinding(const Finding& f, JsonWriter& json) {
  json.BeginObject()
      .Field("code", f.code)
      .Field("severity", SeverityName(f.severity))
      .Key("object");
  WriteRef(f.object, json);
  json.Field("affected", f.affected);
  WriteText("summary", f.summary, json);
  WriteText("cause", f.cause, json);
  WriteText("next_step", f.next_step, json);
  json.Key("evidence").BeginObject();
  for (const Fact& fact : f.evidence) json.Field(fact.key, fact.value);
  json.EndObject().EndObject();
}

}  // namespace

std::string_view SeverityName(Severity severity) {
  switch (severity) {
    case Severity::kCritical:
      return "critical";
    case Severity::kWarning:
      return "warning";
    case Severity::kInfo:
      return "info";
  }
  return "info";
}

void Findings::Add(Finding finding) {
  if (finding.workload.kind.empty()) finding.workload = finding.object;
  by_workload_[WorkloadKey(finding.workload)].insert(
      {-static_cast<int>(finding.severity), finding.code});
  list_.push_back(std::move(finding));
}

void Findings::AddFolded(std::string fold_key, Finding finding) {
  const auto [it, fresh] = folded_.emplace(std::move(fold_key), list_.size());
  if (fresh) {
    finding.With("objects", finding.object.name);
    Add(std::move(finding));
    return;
  }
  Finding& first = list_[it->second];
  ++first.affected;
  first.severity = std::max(first.severity, finding.severity);
  for (Fact& fact : first.evidence) {
    if (fact.key == "objects" && first.affected <= static_cast<int64_t>(kNamedObjects))
      fact.value += ", " + finding.object.name;
  }
}

std::vector<std::string> Findings::CodesOf(const ObjectRef& workload) const {
  std::vector<std::string> out;
  if (const auto it = by_workload_.find(WorkloadKey(workload)); it != by_workload_.end()) {
    for (const auto& [rank, code] : it->second) out.push_back(code);
  }
  return out;
}

bool Findings::Has(std::string_view code, const ObjectRef& workload) const {
  const std::vector<std::string> codes = CodesOf(workload);
  return std::find(codes.begin(), codes.end(), code) != codes.end();
}

std::vector<Finding> Findings::Take() {
  for (Finding& f : list_) {
    if (f.affected > 1) {
      f.summary.zh += fmt::format("（同一工作负载共 {} 个 Pod 如此）", f.affected);
      f.summary.en += fmt::format(" ({} pods of the workload are like this)", f.affected);
      f.With("affected", std::to_string(f.affected));
    }
  }
  std::stable_sort(list_.begin(), list_.end(), [](const Finding& a, const Finding& b) {
    return std::make_tuple(-static_cast<int>(a.severity),
                           std::tie(a.object.name_space, a.object.kind, a.object.name, a.code)) <
           std::make_tuple(-static_cast<int>(b.severity),
                           std::tie(b.object.name_space, b.object.kind, b.object.name, b.code));
  });
  folded_.clear();
  by_workload_.clear();
  return std::move(list_);
}

std::vector<Finding> DiagnoseAll(Picture& picture) {
  Findings findings(picture);
  DiagnosePods(findings);
  DiagnoseReferences(findings);
  DiagnoseQuotas(findings);
  DiagnoseWorkloads(findings);
  DiagnoseJobs(findings);
  DiagnoseAutoscalers(findings);
  DiagnoseServices(findings);
  DiagnoseIngresses(findings);
  DiagnoseStorage(findings);
  DiagnoseNodes(findings);
  DiagnoseNamespaces(findings);
  return findings.Take();
}

Text ExitMeaning(int64_t code, std::string_view reason) {
  if (reason == "OOMKilled") {
    return {"容器用的内存超过上限，被内核杀死（OOMKilled，退出码 137）",
            "the container used more memory than its limit and the kernel killed it (OOMKilled, "
            "exit code 137)"};
  }
  switch (code) {
    case 0:
      return {"主进程正常结束（退出码 0），但重启策略要求它一直运行",
              "the main process ended normally (exit code 0), but the restart policy wants it to "
              "run on"};
    case 1:
      return {"应用自己报错退出（退出码 1）",
              "the application ended with an error of its own (exit code 1)"};
    case 126:
      return {"启动命令不可执行（退出码 126）：权限不足，或不是可执行文件",
              "the command cannot be executed (exit code 126): missing permission, or no "
              "executable file"};
    case 127:
      return {"找不到启动命令（退出码 127）：镜像里没有此程序，或路径写错",
              "the command was not found (exit code 127): it is not in the image, or its path is "
              "wrong"};
    case 128:
      return {"容器运行时无法启动进程（退出码 128）",
              "the container runtime could not start the process (exit code 128)"};
    case 134:
      return {"进程自行中止（退出码 134，SIGABRT）：断言失败或运行时致命错误",
              "the process aborted (exit code 134, SIGABRT): a failed assertion or a fatal runtime "
              "error"};
    case 137:
      return {"进程被 SIGKILL 杀死（退出码 137）：存活探针失败后未在宽限期内退出，或节点内存不足",
              "the process was killed by SIGKILL (exit code 137): it did not stop within the grace "
              "period after a failed liveness probe, or the node ran out of memory"};
    case 139:
      return {"段错误（退出码 139，SIGSEGV）：程序访问了无效内存",
              "segmentation fault (exit code 139, SIGSEGV): the program touched invalid memory"};
    case 143:
      return {"进程收到 SIGTERM 后结束（退出码 143）：通常是存活探针失败，或被要求停止",
              "the process ended on SIGTERM (exit code 143): usually a failed liveness probe, or "
              "it was asked to stop"};
    case 255:
      return {"退出码 255：进程返回了 -1，或运行时丢失了退出状态",
              "exit code 255: the process returned -1, or the runtime lost the exit status"};
    default:
      break;
  }
  if (code > 128 && code < 160)
    return Say("进程被信号 {1} 结束（退出码 {0}）",
               "the process was ended by signal {1} (exit code {0})", code, code - 128);
  return Say("应用报错退出（退出码 {0}）", "the application ended with an error (exit code {0})",
             code);
}

ToolResult AnswerFindings(const std::vector<Finding>& findings, Picture& picture,
                          size_t max_findings) {
  ToolResult out;
  int64_t counts[4] = {};
  for (const Finding& f : findings) ++counts[static_cast<int>(f.severity)];
  const Text place = PlaceOf(TypeOf("pods"), picture.ns());
  const auto total = static_cast<int64_t>(findings.size());

  JsonWriter json;
  json.BeginObject().NullableField("namespace", picture.ns());
  json.Field("total", total)
      .Field("critical", counts[3])
      .Field("warning", counts[2])
      .Field("info", counts[1]);
  json.Key("findings").BeginArray();
  size_t shown = 0;
  for (const Finding& f : findings) {
    if (shown == max_findings) break;
    ++shown;
    WriteFinding(f, json);
    out.untrusted = out.untrusted || f.untrusted;
  }
  json.EndArray().Field("truncated", shown < findings.size()).EndObject();
  out.json = json.Take();
  out.truncated = shown < findings.size();

  if (findings.empty()) {
    const bool sure = picture.ledger().failed.empty();
    out.text =
        Say(sure ? "{0}没有发现问题。" : "{0}没有发现问题，但有些内容无法检查（见检查记录）。",
            sure ? "No problems found {1}."
                 : "No problems found {1}, but not everything could be checked (see the ledger).",
            place.zh, place.en);
  } else {
    out.text = Say("{0}发现 {2} 个问题：{3} 个严重，{4} 个警告，{5} 个提示。\n\n",
                   "{2} problem{6} found {1}: {3} critical, {4} warning, {5} info.\n\n", place.zh,
                   place.en, total, counts[3], counts[2], counts[1], total == 1 ? "" : "s");
    for (size_t i = 0; i < shown; ++i) AppendFinding(i + 1, findings[i], out.text);
    if (out.truncated) {
      out.text += Say("\n显示前 {0} 个，共 {1} 个；按命名空间诊断可看到其余的。",
                      "\nThe first {0} of {1} are shown; diagnose by namespace to see the others.",
                      shown, findings.size());
    }
    out.text.TrimNewlines();
  }
  out.AddFact("findings.total", total);
  out.AddFact("findings.critical", counts[3]);
  out.AddFact("findings.warning", counts[2]);
  out.AddFact("findings.info", counts[1]);
  for (size_t i = 0; i < shown && i < 20; ++i) {
    out.facts.push_back(
        {"finding." + findings[i].code, Display(findings[i].object), findings[i].object});
  }
  out.ledger = picture.ledger();
  return out;
}

}  // namespace opsmesh::k8s
