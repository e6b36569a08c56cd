#include "services/k8s/pod_causes.h"

#include <algorithm>

#include "libs/base/strings.h"
#include "libs/kube/quantity.h"
#include "services/k8s/clean_text.h"
#include "services/k8s/fields.h"

namespace opsmesh::k8s {
namespace {

using kube::Container;
using kube::Pod;

bool Mentions(std::string_view text, std::initializer_list<std::string_view> words) {
  const std::string lower = base::AsciiLower(text);
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view w) { return lower.find(w) != std::string::npos; });
}

CrashCause CauseOfOom(const Container* spec) {
  CrashCause out;
  const std::optional<double> limit = spec ? kube::Amount(spec->limits, "memory") : std::nullopt;
  if (limit) {
    out.evidence.push_back({"memory_limit", kube::FormatBytes(*limit), {}});
    out.cause = Say("容器用的内存超过上限 {0}，被内核杀死（OOMKilled）。",
                    "The container used more than its memory limit of {0} and the kernel killed it "
                    "(OOMKilled).",
                    kube::FormatBytes(*limit));
    out.next_step =
        Say("查看内存用量；若属正常增长，把 limits.memory 从 {0} 调大（例如 "
            "{1}）；若持续上升，查内存泄漏。",
            "Look at its memory use; when it is normal, raise limits.memory from {0} (to {1}, "
            "say); when it keeps growing, look for a leak.",
            kube::FormatBytes(*limit), kube::FormatBytes(*limit * 2));
  } else {
    out.cause = {"容器没有内存上限，节点内存不足时被内核杀死（OOMKilled）。",
                 "The container has no memory limit and was killed when the node ran out of memory "
                 "(OOMKilled)."};
    out.next_step = {"为它设置 requests.memory 和 limits.memory，并检查节点的内存。",
                     "Set requests.memory and limits.memory, and check the node's memory."};
  }
  return out;
}

}  // namespace

std::string Quoted(std::string_view text, size_t max_bytes) {
  return text.empty() ? std::string("-") : "“" + CleanText(text, max_bytes) + "”";
}

std::string HumanSpan(absl::Duration span) { return HumanAge(span); }

const Container* SpecOf(const Pod& pod, std::string_view container) {
  for (const auto* list : {&pod.spec.containers, &pod.spec.init_containers}) {
    for (const Container& c : *list) {
      if (c.name == container) return &c;
    }
  }
  return nullptr;
}

std::string ImageOf(const Pod& pod, const kube::ContainerStatus& status) {
  const Container* spec = SpecOf(pod, status.name);
  return std::string(spec ? spec->image : status.image);
}

std::optional<EventText> LastWarning(Picture& picture, const kube::Object& object,
                                     std::initializer_list<std::string_view> reasons) {
  const std::vector<kube::ObjectPtr> events = picture.All("events").About(
      object.meta().kind, object.ns(), object.name(), object.meta().uid);
  for (auto it = events.rbegin(); it != events.rend(); ++it) {
    const kube::Event* event = (*it)->As<kube::Event>();
    if (!event || !event->warning()) continue;
    if (reasons.size() && std::find(reasons.begin(), reasons.end(), event->reason) == reasons.end())
      continue;
    return EventText{std::string(event->reason), std::string(event->message), event->count,
                     event->last_seen};
  }
  return std::nullopt;
}

std::optional<EventText> ProbeEvent(Picture& picture, const kube::Object& object,
                                    std::string_view probe) {
  const std::vector<kube::ObjectPtr> events = picture.All("events").About(
      object.meta().kind, object.ns(), object.name(), object.meta().uid);
  for (auto it = events.rbegin(); it != events.rend(); ++it) {
    const kube::Event* event = (*it)->As<kube::Event>();
    if (!event || event->reason != "Unhealthy" || !event->message.starts_with(probe)) continue;
    return EventText{std::string(event->reason), std::string(event->message), event->count,
                     event->last_seen};
  }
  return std::nullopt;
}

std::string DescribeProbe(const kube::Probe& probe) {
  const std::string port =
      probe.port.number ? std::to_string(*probe.port.number) : std::string(probe.port.name);
  switch (probe.kind) {
    case kube::Probe::Kind::kHttp:
      return fmt::format("HTTP GET :{}{}", port, CleanText(probe.path, 128));
    case kube::Probe::Kind::kTcp:
      return fmt::format("TCP :{}", port);
    case kube::Probe::Kind::kExec:
      return "exec";
    case kube::Probe::Kind::kGrpc:
      return fmt::format("gRPC :{}", port);
    case kube::Probe::Kind::kNone:
      return "none";
  }
  return "none";
}

CrashCause CauseOfCrash(Picture& picture, const kube::Object& object, const Pod& pod,
                        const kube::ContainerStatus& status, const kube::ContainerState& ended) {
  const Container* spec = SpecOf(pod, status.name);
  if (ended.reason == "OOMKilled") return CauseOfOom(spec);
  CrashCause out;
  const std::optional<EventText> liveness = ProbeEvent(picture, object, "Liveness");
  const bool killed = ended.exit_code == 137 || ended.exit_code == 143;
  const bool has_liveness = spec && spec->liveness.kind != kube::Probe::Kind::kNone;
  if (liveness && (killed || has_liveness)) {
    out.cause = Say("存活探针失败（{0} 次），kubelet 重启了容器（退出码 {2}）：{1}",
                    "Its liveness probe failed ({0} times), so the kubelet restarted the container "
                    "(exit code {2}): {1}",
                    liveness->count, Quoted(liveness->message), ended.exit_code);
    out.next_step = {
        "核对存活探针的路径、端口和超时；启动慢的应用加 startupProbe。",
        "Check path, port and timeout of the liveness probe; give a slow starter a startupProbe."};
    if (has_liveness) out.evidence.push_back({"liveness_probe", DescribeProbe(spec->liveness), {}});
    out.untrusted = true;
    return out;
  }
  out.cause = ExitMeaning(ended.exit_code, ended.reason);
  if (!ended.message.empty()) {
    out.cause += Say("：{0}", ": {0}", Quoted(ended.message));
    out.untrusted = true;
  }
  out.cause += Text{"。", "."};
  if (ended.exit_code == 126 || ended.exit_code == 127) {
    out.next_step = {"核对镜像和 command/args：程序是否在镜像里、路径是否正确、是否可执行。",
                     "Check the image and command/args: is the program in the image, its path "
                     "right, is it executable."};
  } else if (ended.exit_code == 0) {
    out.next_step = {"一次性任务请用 Job；服务进程要留在前台运行。",
                     "Use a Job for a task that ends; a server has to stay in the foreground."};
  } else if (killed && has_liveness) {
    out.next_step = {"核对存活探针和节点内存，并查看上次运行的日志（previous=true）。",
                     "Check the liveness probe and the node's memory, and read the log of the "
                     "previous run (previous=true)."};
  } else {
    out.next_step = {"查看上次运行的日志（previous=true），错误通常在最后几行。",
                     "Read the log of the previous run (previous=true); the error is usually in "
                     "its last lines."};
  }
  return out;
}

CrashCause CauseOfPullFailure(Picture& picture, const kube::Object& object, const Pod& pod,
                              const kube::ContainerStatus& status) {
  CrashCause out;
  std::string message(status.state.message);
  // "Back-off pulling image" says nothing; the event before it does.
  const auto failed =
      LastWarning(picture, object, {"Failed", "ErrImageNeverPull", "InspectFailed"});
  if (failed && failed->message.find("pull") != std::string::npos) message += " " + failed->message;
  out.untrusted = !message.empty();
  if (status.state.reason == "InvalidImageName") {
    out.cause = {"镜像名不合法。", "The image name is malformed."};
    out.next_step = {"改正镜像名：[仓库/]名称[:标签]，全部小写。",
                     "Correct it: [registry/]name[:tag], all lower case."};
  } else if (status.state.reason == "ErrImageNeverPull") {
    out.cause = {"imagePullPolicy 是 Never，而节点上没有这个镜像。",
                 "imagePullPolicy is Never and the node does not have the image."};
    out.next_step = {"把镜像导入节点，或改用 IfNotPresent。",
                     "Load the image onto the node, or use IfNotPresent."};
  } else if (Mentions(message, {"unauthorized", "authentication required", "no basic auth",
                                "denied", "forbidden", "401", "403"})) {
    const bool has_secret = !pod.spec.image_pull_secrets.empty();
    out.cause =
        Say("镜像仓库拒绝访问：{0}。", "The registry refuses access: {1}.",
            has_secret ? "imagePullSecrets 里的凭据无效，或镜像不存在"
                       : "没有配置 imagePullSecrets，或镜像不存在",
            has_secret
                ? "the credentials in imagePullSecrets are not valid, or the image does not exist"
                : "no imagePullSecrets are set, or the image does not exist");
    out.next_step = {
        "核对镜像名，并为该仓库配置有效的 imagePullSecrets。",
        "Check the image name and give the pod valid imagePullSecrets for that registry."};
  } else if (Mentions(message, {"not found", "manifest unknown", "does not exist", "404",
                                "no such image"})) {
    out.cause = {"仓库里没有这个镜像或标签。", "The registry has no such image or tag."};
    out.next_step = {"核对镜像名和标签，确认已推送。",
                     "Check name and tag, and that it was pushed."};
  } else if (Mentions(message, {"no such host", "dial tcp", "timeout", "connection refused", "i/o",
                                "x509", "tls", "network is unreachable"})) {
    out.cause = {"节点连不上镜像仓库（DNS、网络或证书）。",
                 "The node cannot reach the registry (DNS, network or certificate)."};
    out.next_step = {
        "核对仓库地址，检查节点的网络、DNS、代理和证书。",
        "Check the registry's address and the node's network, DNS, proxy and certificates."};
  } else if (Mentions(message, {"toomanyrequests", "rate limit", "429"})) {
    out.cause = {"镜像仓库限流。", "The registry limits the rate of pulls."};
    out.next_step = {"登录仓库，或使用镜像缓存。", "Log in to the registry, or use a mirror."};
  } else {
    out.cause = {"kubelet 拉取镜像失败，原因不明。",
                 "The kubelet failed to pull the image; the reason is not stated."};
    out.next_step = {
        "核对镜像名和标签、仓库是否可达、imagePullSecrets 是否有效。",
        "Check name and tag, whether the registry is reachable, and imagePullSecrets."};
  }
  if (!message.empty()) {
    out.evidence.push_back({"message", CleanText(message, 400), {}});
    out.cause += Say("（{0}）", " ({0})", Quoted(message, 200));
  }
  return out;
}

CrashCause CauseOfNotReady(Picture& picture, const kube::Object& object, const Pod& pod,
                           const kube::ContainerStatus& status, const kube::Probe* probe) {
  CrashCause out;
  const Container* spec = SpecOf(pod, status.name);
  const bool startup = spec && probe == &spec->startup;
  std::optional<EventText> event = ProbeEvent(picture, object, startup ? "Startup" : "Readiness");
  const std::string shown = probe ? DescribeProbe(*probe) : "";
  const char* name_zh = startup ? "启动探针" : "就绪探针";
  const char* name_en = startup ? "startup probe" : "readiness probe";
  if (probe) out.evidence.push_back({"probe", shown, {}});
  // A port that no container declares is the commonest slip.
  bool undeclared = false;
  if (probe && spec && !spec->ports.empty() && (probe->port.number || !probe->port.name.empty())) {
    undeclared =
        std::none_of(spec->ports.begin(), spec->ports.end(), [&](const kube::ContainerPort& p) {
          return probe->port.number ? p.port == *probe->port.number : p.name == probe->port.name;
        });
  }
  if (event) {
    out.untrusted = true;
    out.evidence.push_back({"message", CleanText(event->message, 400), {}});
    out.cause = Say("{0}（{1}）失败 {2} 次：{3}", "Its {4} ({1}) failed {2} times: {3}", name_zh,
                    shown, event->count, Quoted(event->message), name_en);
  } else if (probe) {
    out.cause = Say("{0}（{1}）没有成功过，也没有留下事件。",
                    "Its {2} ({1}) has not succeeded; no event says why.", name_zh, shown, name_en);
  } else {
    out.cause = {"容器没有就绪探针，却没有被标为就绪；可能有 readinessGates，或节点没有上报。",
                 "It has no readiness probe and is not marked ready; there may be readinessGates, "
                 "or the node does not report."};
  }
  if (undeclared) {
    out.cause += Say(" 探针的端口不在容器声明的端口中。",
                     " The probe's port is none of the ports that the container declares.");
  }
  out.next_step = probe ? Text{"核对探针的路径和端口与应用一致，并查看应用日志；应用启动慢时加长 initialDelaySeconds 或用 startupProbe。",
                               "Check that path and port of the probe are the application's, and read its log; for a slow start raise initialDelaySeconds or use a startupProbe."}
                        : Text{"查看 Pod 的 conditions 和 readinessGates，并检查节点。", "Look at the pod's conditions and readinessGates, and check the node."};
  return out;
}

std::string CodeOfMissing(const MissingReference& missing) {
  if (!missing.key.empty()) return "MISSING_CONFIG_KEY";
  if (missing.kind == "ConfigMap") return "MISSING_CONFIGMAP";
  if (missing.kind == "Secret") return "MISSING_SECRET";
  return "MISSING_PVC";
}

void SayMissing(const MissingReference& missing, Finding& f) {
  f.With("missing", fmt::format("{}/{}{}{}", missing.kind, missing.name,
                                missing.key.empty() ? "" : ":", missing.key));
  if (missing.key.empty()) {
    f.summary = Say("{0} {1} 不存在。", "{0} {1} does not exist.", missing.kind, missing.name);
    f.cause = Say("Pod 引用了 {0} {1}，命名空间里没有它：名称写错，或还没有创建。",
                  "The pod refers to {0} {1}, which is not in its namespace: the name is wrong, or "
                  "it was not created.",
                  missing.kind, missing.name);
    f.next_step = Say("创建 {0} {1}，或改正引用。", "Create {0} {1}, or correct the reference.",
                      missing.kind, missing.name);
  } else {
    f.summary = Say("{0} {1} 里没有键 {2}。", "{0} {1} has no key {2}.", missing.kind, missing.name,
                    missing.key);
    f.cause = Say("Pod 引用了 {0} {1} 的键 {2}，它不在其中。",
                  "The pod refers to key {2} of {0} {1}, which is not in it.", missing.kind,
                  missing.name, missing.key);
    f.next_step = Say("在 {0} {1} 中补上键 {2}，或改正引用。",
                      "Add key {2} to {0} {1}, or correct the reference.", missing.kind,
                      missing.name, missing.key);
  }
}

}  // namespace opsmesh::k8s
