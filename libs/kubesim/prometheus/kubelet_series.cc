// What kubelets tell of themselves and of their machines.
#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "libs/kubesim/prometheus/target_series.h"

namespace opsmesh::kubesim::prometheus {
namespace {

using promql::Labels;

constexpr double kInodeBytes = 16384;  // of a volume for each inode, as mkfs.ext4 does it

/// The pods of one node; they outlive the values.
using Pods = std::vector<const Past*>;

bool Runs(const Past& pod, double t) {
  if (t > pod.deleted) return false;
  return std::any_of(pod.containers.begin(), pod.containers.end(),
                     [t](const ContainerPast& one) { return RunAt(one.runs, t) >= 0; });
}

void Work(TargetSeries& kubelet, const std::shared_ptr<const Pods>& pods,
          const std::shared_ptr<const Wave>& wave) {
  kubelet.Add("kubelet_running_pods", {}, [pods](double t) {
    return static_cast<double>(
        std::count_if(pods->begin(), pods->end(), [t](const Past* pod) { return Runs(*pod, t); }));
  });
  kubelet.Add("kubelet_running_containers", {{"container_state", "running"}}, [pods](double t) {
    double count = 0;
    for (const Past* pod : *pods) {
      if (t > pod->deleted) continue;
      for (const ContainerPast& one : pod->containers) count += RunAt(one.runs, t) >= 0 ? 1 : 0;
    }
    return count;
  });
  kubelet.Histogram(
      "kubelet_pleg_relist_duration_seconds", 1, 0.004, wave,
      {"0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "+Inf"});
  const double rate = 0.03 * static_cast<double>(std::max<size_t>(1, pods->size()));
  kubelet.Histogram(
      "kubelet_pod_worker_duration_seconds", rate, 0.01, wave,
      {"0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "+Inf"},
      {{"operation_type", "sync"}});
  for (const char* operation : {"container_status", "list_containers", "podsandbox_status"})
    kubelet.Growing("kubelet_runtime_operations_total", rate, wave,
                    {{"operation_type", operation}});
  for (const char* method : {"GET", "PUT", "PATCH"}) {
    kubelet.Growing("rest_client_requests_total", 0.12, wave,
                    {{"code", "200"}, {"method", method}, {"host", "10.96.0.1:443"}});
  }
}

/// Evictions, by the signal that made the kubelet evict.
void Evictions(TargetSeries& kubelet, const Pods& pods) {
  std::map<std::string, std::vector<double>> when;
  for (const Past* pod : pods) {
    if (!pod->eviction_signal.empty()) when[pod->eviction_signal].push_back(pod->evicted);
  }
  for (auto& [signal, times] : when) {
    std::sort(times.begin(), times.end());
    kubelet.Add("kubelet_evictions", {{"eviction_signal", signal}}, [times = times](double t) {
      return static_cast<double>(std::upper_bound(times.begin(), times.end(), t) - times.begin());
    });
  }
}

/// The file system of a claim while a pod of the node has it mounted.
void Volume(TargetSeries& kubelet, const Past& claim, const std::shared_ptr<const Pods>& users,
            uint64_t seed) {
  const std::string who = claim.ns + "/" + claim.name;
  const auto mounted = [users](double t) {
    return std::any_of(users->begin(), users->end(),
                       [t](const Past* pod) { return Runs(*pod, t); });
  };
  const double share = 0.12 + 0.4 * Chance(who, seed + 20);
  const auto wave = std::make_shared<const Wave>(who, seed, 0.01, 0.02);
  const auto used = [wave, share, capacity = claim.capacity](double t) {
    return std::floor(capacity * share * wave->At(t));
  };
  const auto add = [&](const char* metric, ValueAt value) {
    kubelet.Add(
        metric, {{"namespace", claim.ns}, {"persistentvolumeclaim", claim.name}},
        [mounted, inner = std::move(value)](double t) { return mounted(t) ? inner(t) : kNaN; });
  };
  const double capacity = claim.capacity;
  const double inodes = std::floor(capacity / kInodeBytes);
  const auto inodes_used = [used, capacity, inodes](double t) {
    return std::floor(inodes * 0.02 * used(t) / capacity) + 11;
  };
  add("kubelet_volume_stats_capacity_bytes", [capacity](double) { return capacity; });
  add("kubelet_volume_stats_used_bytes", used);
  add("kubelet_volume_stats_available_bytes",
      [used, capacity](double t) { return capacity - used(t); });
  add("kubelet_volume_stats_inodes", [inodes](double) { return inodes; });
  add("kubelet_volume_stats_inodes_used", inodes_used);
  add("kubelet_volume_stats_inodes_free",
      [inodes_used, inodes](double t) { return inodes - inodes_used(t); });
}

/// "v1.32.4" as kubernetes_build_info tells it.
Labels BuildLabels(const std::string& version) {
  Labels labels = {{"git_version", version}, {"platform", "linux/amd64"}};
  const size_t dot = version.find('.');
  if (!version.starts_with('v') || dot == std::string::npos) return labels;
  labels.emplace_back("major", version.substr(1, dot - 1));
  labels.emplace_back("minor", version.substr(dot + 1, version.find('.', dot + 1) - dot - 1));
  return labels;
}

}  // namespace

void TargetSeries::BuildInfo(const std::string& version) {
  if (!version.empty()) Constant("kubernetes_build_info", 1, BuildLabels(version));
}

void Model::Kubelets(Sink& sink) const {
  std::map<std::string, Pods> pods_of;
  for (const PastPtr& pod : picture_->Of("pods")) {
    if (!pod->node.empty()) pods_of[pod->node].push_back(pod.get());
  }
  for (const auto& [name, node] : nodes_) {
    const auto pods = std::make_shared<const Pods>(pods_of[name]);
    const std::string ip = node->ip.empty() ? name : node->ip;
    const auto target = [&](const char* path) {
      return Target{
          "kubelet",     ip + ":10250", {{"node", name}, {"metrics_path", path}},
          node->created, node->deleted, [past = node.get()](double t) { return past->up.At(t); }};
    };
    TargetSeries machine(sink, target("/metrics/cadvisor"));
    machine.Up();
    machine.Constant("machine_cpu_cores", node->cpus);
    machine.Constant("machine_memory_bytes", node->memory);
    machine.Constant("machine_scrape_error", 0);
    TargetSeries kubelet(sink, target("/metrics"));
    kubelet.Up();
    kubelet.Constant("kubelet_node_name", 1);
    kubelet.BuildInfo(node->version);
    Work(kubelet, pods, std::make_shared<const Wave>("kubelet/" + name, seed_, 0.03, 0.05));
    Evictions(kubelet, *pods);
    if (!sink.Wants("kubelet_volume_stats_used_bytes") &&
        !sink.Wants("kubelet_volume_stats_capacity_bytes") &&
        !sink.Wants("kubelet_volume_stats_available_bytes") &&
        !sink.Wants("kubelet_volume_stats_inodes") &&
        !sink.Wants("kubelet_volume_stats_inodes_used") &&
        !sink.Wants("kubelet_volume_stats_inodes_free"))
      continue;
    for (const PastPtr& claim : picture_->Of("persistentvolumeclaims")) {
      if (std::isnan(claim->capacity)) continue;
      auto users = std::make_shared<Pods>();
      for (const Past* pod : *pods) {
        if (pod->ns == claim->ns &&
            std::find(pod->claims.begin(), pod->claims.end(), claim->name) != pod->claims.end())
          users->push_back(pod);
      }
      if (!users->empty()) Volume(kubelet, *claim, users, seed_);
    }
  }
}

}  // namespace opsmesh::kubesim::prometheus
