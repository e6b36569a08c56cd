#include "services/k8s/resource_use.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "libs/kube/quantity.h"
#include "services/k8s/listing.h"
#include "services/k8s/workloads.h"

namespace opsmesh::k8s {
namespace {

constexpr double kMiB = 1024.0 * 1024.0;

double RoundUp(double value, double step) { return std::ceil(value / step - 1e-9) * step; }

bool KilledForMemory(const kube::Pod& pod, std::string_view container) {
  const kube::ContainerStatus* status = pod.FindStatus(container);
  return status &&
         (status->last_state.reason == "OOMKilled" || status->state.reason == "OOMKilled");
}

void Advise(Sizing* s) {
  if (s->cpu_used) s->cpu_request_advice = RoundUp(std::max(0.010, *s->cpu_used * 1.2), 0.005);
  if (s->killed_for_memory && s->memory_limit) {
    s->memory_limit_advice = RoundUp(*s->memory_limit * 2, 8 * kMiB);
    s->memory_request_advice =
        RoundUp(std::max(s->memory_request.value_or(0), *s->memory_limit), 8 * kMiB);
    return;
  }
  if (!s->memory_used) return;
  s->memory_request_advice = RoundUp(std::max(16 * kMiB, *s->memory_used * 1.2), 8 * kMiB);
  s->memory_limit_advice = RoundUp(*s->memory_request_advice * 1.5, 8 * kMiB);
}

}  // namespace

PodUse PodUse::Read(const ToolCall& call, std::string_view ns, Ledger& ledger) {
  PodUse use;
  LedgerEntry entry;
  entry.source = "metrics API";
  entry.subject = ns.empty() ? "use of pods" : fmt::format("use of pods in {}", ns);
  const auto read = call.cluster.PodMetrics(call.ctx, ns);
  if (!read.ok()) {
    entry.reason = std::string(base::ToStd(read.status().message()));
    const std::string hint = base::DetailOf(read.status()).hint;
    if (!hint.empty()) entry.reason += " " + hint;
    ledger.NotChecked(std::move(entry));
    return use;
  }
  use.known_ = true;
  for (const kube::PodUsage& pod : *read) {
    const std::string name = fmt::format("{}/{}", pod.ns, pod.name);
    Amounts& sum = use.pods_[name];
    for (const kube::ContainerUsage& c : pod.containers) {
      use.containers_[name + "/" + c.name] = {c.cpu_cores, c.memory_bytes};
      sum.cpu += c.cpu_cores;
      sum.memory += c.memory_bytes;
    }
  }
  ledger.Checked(std::move(entry));
  return use;
}

std::optional<Amounts> PodUse::Of(std::string_view ns, std::string_view pod) const {
  const auto found = pods_.find(fmt::format("{}/{}", ns, pod));
  return found == pods_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<Amounts> PodUse::Of(std::string_view ns, std::string_view pod,
                                  std::string_view container) const {
  const auto found = containers_.find(fmt::format("{}/{}/{}", ns, pod, container));
  return found == containers_.end() ? std::nullopt : std::optional(found->second);
}

std::vector<Sizing> SizeWorkloads(Picture& picture, const PodUse& use, std::string_view only) {
  std::vector<Sizing> out;
  for (const Workload& workload : WorkloadsOf(picture, only)) {
    for (const kube::Container& container : workload.pod_template->spec.containers) {
      Sizing s;
      s.workload = RefOf(*workload.object);
      s.container = container.name;
      s.replicas = workload.replicas;
      s.cpu_request = kube::Amount(container.requests, "cpu");
      s.cpu_limit = kube::Amount(container.limits, "cpu");
      s.memory_request = kube::Amount(container.requests, "memory");
      s.memory_limit = kube::Amount(container.limits, "memory");
      for (const kube::ObjectPtr& object : workload.pods) {
        const auto* pod = object->As<kube::Pod>();
        s.killed_for_memory = s.killed_for_memory || KilledForMemory(*pod, container.name);
        const auto used = use.Of(object->ns(), object->name(), container.name);
        if (!used) continue;
        ++s.pods;
        s.cpu_used = std::max(s.cpu_used.value_or(0), used->cpu);
        s.memory_used = std::max(s.memory_used.value_or(0), used->memory);
      }
      Advise(&s);
      out.push_back(std::move(s));
    }
  }
  return out;
}

std::string ShowCpu(const std::optional<double>& cores) {
  return cores ? kube::FormatCpu(*cores) : "-";
}
std::string ShowBytes(const std::optional<double>& bytes) {
  return bytes ? kube::FormatBytes(*bytes) : "-";
}

absl::StatusOr<Sized> SizeFor(const ToolCall& call) {
  const std::string only = call.arguments.String("deployment_name");
  Sized out{Picture(call.cluster.Picture(call.ctx), NamespaceOf(call), call.now), {}, {}};
  OPSMESH_RETURN_IF_ERROR(out.picture.CheckReadable("pods"));
  OPSMESH_RETURN_IF_ERROR(out.picture.CheckReadable("deployments"));
  OPSMESH_RETURN_IF_ERROR(out.picture.CheckNamespace());
  out.use = PodUse::Read(call, out.picture.ns(), out.picture.ledger());
  out.rows = SizeWorkloads(out.picture, out.use, only);
  if (!only.empty() && out.rows.empty()) {
    return base::NotFound(
               "OBJECT_NOT_FOUND",
               fmt::format("There is no Deployment, StatefulSet or DaemonSet '{}' there.", only))
        .Hint("list_kubernetes_deployments lists them.");
  }
  return out;
}

void NoHistory(Ledger& ledger) {
  ledger.NotChecked(
      "metrics API", "use over time",
      "it tells the use of this moment only; compare with a day of Prometheus before changing "
      "anything");
}

}  // namespace opsmesh::k8s
