// Probes, judged against what the container really serves.
#include <fmt/format.h>

#include <algorithm>

#include "libs/base/strings.h"
#include "libs/kubesim/behaviour/kubelet/container_start.h"
#include "libs/kubesim/behaviour/kubelet/kubelet.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

constexpr const char* kMembers[] = {"startupProbe", "livenessProbe", "readinessProbe"};
constexpr const char* kWords[] = {"Startup", "Liveness", "Readiness"};
constexpr absl::Duration kFirst = absl::Milliseconds(400);  // a worker's first look after the start

absl::Duration PeriodOf(const Json& probe) {
  return absl::Seconds(std::max<int64_t>(1, IntAt(probe, "periodSeconds", 10)));
}

// Where nothing starts again the last running container goes as a part of its pod's end.
std::string WhyKilled(const Json& spec, const PodRuntime& pod, const ContainerRuntime& container,
                      const char* probe) {
  if (TextAt(spec, "restartPolicy") != "Never" || container.sidecar)
    return fmt::format("Container {} failed {} probe, will be restarted", container.status.name,
                       probe);
  const bool others = std::ranges::any_of(pod.main, [&](const ContainerRuntime& one) {
    return &one != &container && one.process.has_value();
  });
  return others ? fmt::format("Container {} failed {} probe", container.status.name, probe)
                : "Stopping container " + container.status.name;
}

// A kubelet asks from its node: there a pod that has a network of its own cannot be met at the
// node's own address.
bool AsksItself(const Json& spec, const std::string& host) {
  return (host == "127.0.0.1" || host == "localhost") && !BoolAt(spec, {"hostNetwork"});
}

std::string Refused(const std::string& host, int port) {
  return fmt::format("dial tcp {}:{}: connect: connection refused",
                     host == "localhost" ? "[::1]" : host, port);
}

// Whether a server is known to speak plain HTTP on a port. Of applications that nobody knows only
// their manifests tell.
bool SpeaksPlainly(const Process& process, int port) {
  constexpr int kTls[] = {443, 4443, 6443, 8443, 9443, 10250, 10257, 10259};
  return !process.profile().listens_as_declared && std::ranges::find(kTls, port) == std::end(kTls);
}

int PortOf(const Json& container, const Json& port) {
  if (port.is_number_integer()) return port.get<int>();
  const std::string name = Scalar(port);
  for (const Json& one : ListAt(container, {"ports"})) {
    if (TextAt(one, "name") == name) return static_cast<int>(IntAt(one, "containerPort"));
  }
  char* end = nullptr;
  const long number = std::strtol(name.c_str(), &end, 10);
  return *end == '\0' && !name.empty() ? static_cast<int>(number) : -1;
}

}  // namespace

void Kubelet::ArmProbes(ContainerRuntime& container, const Json& spec, absl::Time from) {
  const bool startup = At(spec, kMembers[kStartupProbe]).is_object();
  for (int kind = 0; kind < 3; ++kind) {
    const Json& probe = At(spec, kMembers[kind]);
    container.probes[static_cast<size_t>(kind)] = {};
    if (!probe.is_object()) continue;
    const absl::Time first =
        container.status.started_at + absl::Seconds(IntAt(probe, "initialDelaySeconds")) + kFirst;
    container.probes[static_cast<size_t>(kind)].next = std::max(first, from);
  }
  if (container.status.started_at == from) {  // a new run, not one taken up
    container.status.started = !startup;
    // An init container is ready when it has ended well.
    container.status.ready = !startup && !At(spec, kMembers[kReadinessProbe]).is_object() &&
                             (!container.init || container.sidecar);
  }
}

void Kubelet::Probe(View& view, ContainerRuntime& container, const Json& spec) {
  for (ProbeKind kind : {kStartupProbe, kLivenessProbe, kReadinessProbe}) {
    const Json& probe = At(spec, kMembers[kind]);
    ProbeRuntime& state = container.probes[kind];
    if (!probe.is_object()) continue;
    const bool waits_for_startup = kind != kStartupProbe && !container.status.started;
    if (waits_for_startup || (kind == kStartupProbe && container.status.started)) continue;
    if (view.now < state.next) {
      view.At(state.next);
      continue;
    }
    Verdict verdict = Judge(view, container, spec, probe, kind);
    if (verdict.errored) {
      Tell(view, "Warning", "Unhealthy",
           fmt::format("{} probe errored: {}", kWords[kind], verdict.message), &container);
      state.next = view.now + PeriodOf(probe);
      view.At(state.next);
      continue;
    }
    state.successes = verdict.good ? state.successes + 1 : 0;
    state.failures = verdict.good ? 0 : state.failures + 1;
    state.next = view.now + PeriodOf(probe);
    if (!verdict.good)
      Tell(view, "Warning", "Unhealthy",
           fmt::format("{} probe failed: {}", kWords[kind], verdict.message), &container);
    const bool up = state.successes >= IntAt(probe, "successThreshold", 1);
    const bool down = state.failures >= IntAt(probe, "failureThreshold", 3);
    if (kind == kReadinessProbe && (up || down)) container.status.ready = up;
    if (kind == kStartupProbe && up) {
      container.status.started = true;
      container.status.ready =
          container.status.ready || !At(spec, kMembers[kReadinessProbe]).is_object();
    }
    if (kind != kReadinessProbe && down) {
      Tell(view, "Normal", "Killing",
           WhyKilled(view.spec, view.runtime, container,
                     kind == kStartupProbe ? "startup" : "liveness"),
           &container);
      const int64_t grace = IntAt(probe, "terminationGracePeriodSeconds",
                                  IntAt(view.spec, "terminationGracePeriodSeconds", 30));
      container.probe_killed = true;
      StopContainer(view, container, spec, absl::Seconds(grace));
      return;
    }
    // What cannot change by itself is not asked again until a fault or a new run makes it.
    const bool settled = verdict.good && up && container.process->busy_forever();
    if (settled) state.next = absl::InfiniteFuture();
    view.At(state.next);
  }
}

// A name that no port of the container has is taken for a number at last.
Kubelet::Verdict Kubelet::NoSuchPort(const std::string& name) {
  return {false, fmt::format("strconv.Atoi: parsing \"{}\": invalid syntax", name), true};
}

Kubelet::Verdict Kubelet::JudgeHttp(const View& view, const ContainerRuntime& container,
                                    const Json& spec, const Json& get, int64_t timeout) const {
  const int port = PortOf(spec, At(get, "port"));
  std::string path = TextAt(get, "path");
  if (!path.starts_with("/")) path = "/" + path;
  const std::string host = TextAt(get, "host").empty() ? view.runtime.ip : TextAt(get, "host");
  std::string scheme = TextAt(get, "scheme").empty() ? "http" : TextAt(get, "scheme");
  std::transform(scheme.begin(), scheme.end(), scheme.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  const std::string url = fmt::format("{}://{}:{}{}", scheme, host, port, path);
  if (port < 0) return NoSuchPort(Scalar(At(get, "port")));
  if (auto slow = faults_.OnSubject("slow-responses", SubjectOf(view, &container));
      slow && std::strtod(slow->Parameter("seconds", "5").c_str(), nullptr) >
                  static_cast<double>(timeout)) {
    return {false, fmt::format("Get \"{}\": context deadline exceeded (Client.Timeout exceeded "
                               "while awaiting headers)",
                               url)};
  }
  const Listener* listener = container.process->ListenerOn(port, view.now);
  if (listener == nullptr || AsksItself(view.spec, host))
    return {false, fmt::format("Get \"{}\": {}", url, Refused(host, port))};
  if (scheme == "https" && listener->protocol == Listener::Protocol::kHttp &&
      SpeaksPlainly(*container.process, port))
    return {false, fmt::format("Get \"{}\": http: server gave HTTP response to HTTPS client", url)};
  if (listener->protocol != Listener::Protocol::kHttp)
    return {false, fmt::format("Get \"{}\": EOF", url)};
  int status = listener->StatusOf(path);
  if (status == 200 && images_.SaysAbsent(path)) status = 404;
  if (status >= 200 && status < 400) return {true, ""};
  return {false, fmt::format("HTTP probe failed with statuscode: {}", status)};
}

// What a probe of this kind says when nothing but its answer is wrong.
std::string Kubelet::FailureOf(const View& view, const Json& spec, const Json& probe) {
  if (const Json& tcp = At(probe, "tcpSocket"); tcp.is_object()) {
    const std::string host = TextAt(tcp, "host");
    return Refused(host.empty() ? view.runtime.ip : host, PortOf(spec, At(tcp, "port")));
  }
  if (At(probe, "grpc").is_object()) return "service unhealthy (responded with \"NOT_SERVING\")";
  if (At(probe, "exec").is_object()) return "";  // an exit code alone
  return "HTTP probe failed with statuscode: 503";
}

Kubelet::Verdict Kubelet::Judge(const View& view, const ContainerRuntime& container,
                                const Json& spec, const Json& probe, ProbeKind kind) const {
  const Process& process = *container.process;
  const int64_t timeout = std::max<int64_t>(1, IntAt(probe, "timeoutSeconds", 1));
  if (!faults_.empty()) {
    if (auto fault = faults_.OnSubject("probe-failure", SubjectOf(view, &container))) {
      const std::string which = fault->Parameter("probe", "readiness");
      std::string own = kWords[kind];
      own[0] = static_cast<char>(std::tolower(own[0]));
      if (which == own || which == "all")
        return {false, fault->Parameter("message", FailureOf(view, spec, probe))};
    }
  }
  if (kind == kReadinessProbe && !process.profile().not_ready.empty())
    return {false, process.profile().not_ready};
  if (const Json& get = At(probe, "httpGet"); get.is_object())
    return JudgeHttp(view, container, spec, get, timeout);
  if (const Json& tcp = At(probe, "tcpSocket"); tcp.is_object()) {
    const int port = PortOf(spec, At(tcp, "port"));
    const std::string host = TextAt(tcp, "host").empty() ? view.runtime.ip : TextAt(tcp, "host");
    if (port < 0) return NoSuchPort(Scalar(At(tcp, "port")));
    if (process.ListenerOn(port, view.now) != nullptr && !AsksItself(view.spec, host))
      return {true, ""};
    return {false, Refused(host, port)};
  }
  if (const Json& grpc = At(probe, "grpc"); grpc.is_object()) {
    const int port = static_cast<int>(IntAt(grpc, "port"));
    const Listener* listener = process.ListenerOn(port, view.now);
    if (listener != nullptr && listener->protocol != Listener::Protocol::kTcp) return {true, ""};
    return {
        false,
        fmt::format(
            "timeout: failed to connect service \"{}:{}\" within {}s: context deadline exceeded",
            view.runtime.ip, port, timeout)};
  }
  if (const Json& exec = At(probe, "exec"); exec.is_object()) {
    std::vector<std::string> argv;
    for (const Json& word : ListAt(exec, {"command"})) argv.push_back(Scalar(word));
    const ExecResult result = process.Exec(argv, view.now, PodWorld(*this, view.runtime),
                                           absl::Seconds(timeout) + absl::Seconds(1));
    if (result.took > absl::Seconds(timeout))
      return {false, fmt::format("command timed out: \"{}\" timed out after {}s",
                                 base::Join(argv, " "), timeout)};
    if (result.absent) {
      // Every try has an id of its own.
      const std::string id =
          Digest(container.status.container_id +
                 absl::FormatTime(absl::RFC3339_full, view.now, absl::UTCTimeZone()) +
                 base::Join(argv, " "));
      return {false,
              fmt::format("rpc error: code = Unknown desc = failed to exec in container: failed to "
                          "start exec \"{}\": {}",
                          id, result.output),
              true};
    }
    return {result.code == 0, result.output};
  }
  return {true, ""};
}

}  // namespace opsmesh::kubesim
