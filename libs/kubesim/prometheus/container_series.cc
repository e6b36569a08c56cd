// What cAdvisor tells of containers and of the network of their pods.
#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "libs/kubesim/prometheus/model.h"

namespace opsmesh::kubesim::prometheus {

using promql::Labels;

/// The series of one container. What it refers to outlives the values it hands to the sink.
class Model::ContainerSeries {
 public:
  ContainerSeries(Sink& sink, const Past& pod, const ContainerPast& container,
                  const ContainerFlow& flow, const Past* node, std::string instance)
      : sink_(sink),
        pod_(pod),
        container_(container),
        flow_(flow),
        node_(node),
        instance_(std::move(instance)) {}

  void Describe() {
    Processor();
    Memory();
    Life();
  }

 private:
  void Add(const char* metric, ValueAt value, Labels more = {}) {
    if (!sink_.Wants(metric)) return;
    more.insert(more.end(), {{"namespace", pod_.ns},
                             {"pod", pod_.name},
                             {"container", container_.name},
                             {"image", container_.image},
                             {"node", pod_.node},
                             {"instance", instance_},
                             {"job", "kubelet"},
                             {"metrics_path", "/metrics/cadvisor"}});
    sink_.Add(metric, std::move(more), "kubelet/" + instance_, container_.runs.front().start,
              std::min(container_.runs.back().end, pod_.deleted),
              [&container = container_, node = node_, inner = std::move(value)](double t) {
                if (RunAt(container.runs, t) < 0) return kNaN;
                if (node != nullptr && node->up.At(t) == 0) return kNaN;
                return inner(t);
              });
  }

  /// When the run that holds t began.
  static double StartAt(const ContainerPast& container, double t) {
    return container.runs[static_cast<size_t>(RunAt(container.runs, t))].start;
  }

  /// What has flowed by t: counters begin anew with every run.
  ValueAt SinceStart(const Flow& flow, double factor) const {
    return [&flow, &container = container_, factor](double t) {
      return factor * (flow.Total(t) - flow.Total(StartAt(container, t)));
    };
  }

  static ValueAt Whole(ValueAt value) {
    return [inner = std::move(value)](double t) { return std::floor(inner(t)); };
  }

  void Processor() {
    Add("container_cpu_usage_seconds_total", SinceStart(flow_.cpu, 1), {{"cpu", "total"}});
    Add("container_cpu_user_seconds_total", SinceStart(flow_.cpu, 0.7));
    Add("container_cpu_system_seconds_total", SinceStart(flow_.cpu, 0.3));
    if (std::isnan(container_.cpu_limit)) return;
    Add("container_cpu_cfs_periods_total", [&container = container_](double t) {
      return std::floor(10 * (t - StartAt(container, t)));
    });
    Add("container_cpu_cfs_throttled_periods_total", Whole(SinceStart(flow_.throttled, 1)));
    Add("container_cpu_cfs_throttled_seconds_total", SinceStart(flow_.throttled, 0.04));
    Add("container_spec_cpu_quota",
        [&container = container_](double) { return std::round(container.cpu_limit * 100000); });
    Add("container_spec_cpu_period", [](double) { return 100000.0; });
  }

  /// A container that dies of its memory climbs to its limit in every run; others sway about what
  /// they need.
  static double WorkingSet(const ContainerPast& container, const ContainerFlow& flow, double t) {
    const Run& run = container.runs[static_cast<size_t>(RunAt(container.runs, t))];
    const double age = t - run.start;
    if (container.oom && !std::isnan(container.memory_limit)) {
      const double length = std::isinf(run.end) ? flow.mean_run : run.end - run.start;
      return std::floor(container.memory_limit *
                        (0.3 + 0.69 * std::pow(std::min(1.0, age / std::max(1.0, length)), 1.3)));
    }
    const double warm = 1 - 0.4 * std::exp(-age / 300);  // caches fill in the first minutes
    double bytes = container.memory * warm * (0.93 + 0.07 * flow.wave.At(t));
    if (!std::isnan(container.memory_limit)) bytes = std::min(bytes, container.memory_limit * 0.98);
    return std::floor(bytes);
  }

  void Memory() {
    const auto share = [this](double factor) -> ValueAt {
      return [&container = container_, &flow = flow_, factor](double t) {
        return std::floor(WorkingSet(container, flow, t) * factor);
      };
    };
    Add("container_memory_working_set_bytes", share(1));
    Add("container_memory_rss", share(0.86));
    Add("container_memory_usage_bytes", share(1.12));
    Add("container_memory_cache", share(0.2));
    Add("container_memory_mapped_file", share(0.05));
    Add("container_memory_swap", [](double) { return 0.0; });
    Add("container_memory_failcnt", [](double) { return 0.0; });
    Add("container_spec_memory_limit_bytes", [&container = container_](double) {
      return std::isnan(container.memory_limit) ? 0 : container.memory_limit;
    });
  }

  void Life() {
    Add("container_start_time_seconds",
        [&container = container_](double t) { return std::floor(StartAt(container, t)); });
    Add("container_last_seen", [](double t) { return std::floor(t); });
    Add("container_fs_writes_bytes_total", Whole(SinceStart(flow_.cpu, 400000)));
    Add("container_fs_reads_bytes_total", Whole(SinceStart(flow_.cpu, 90000)));
    Add("container_fs_writes_total", Whole(SinceStart(flow_.cpu, 40)));
    Add("container_fs_reads_total", Whole(SinceStart(flow_.cpu, 9)));
    Add("container_processes", [](double) { return 1.0; });
    Add("container_threads", [](double) { return 9.0; });
    // As the kernel counts a request: 1024 shares a core, two at least.
    Add("container_spec_cpu_shares", [request = container_.cpu_request](double) {
      return std::isnan(request) ? 2 : std::max(2.0, std::floor(request * 1024));
    });
    if (!container_.oom) return;
    Add("container_oom_events_total", [&container = container_](double t) {
      return static_cast<double>(RunAt(container.runs, t));
    });
  }

  Sink& sink_;
  const Past& pod_;
  const ContainerPast& container_;
  const ContainerFlow& flow_;
  const Past* const node_;
  const std::string instance_;
};

void Model::Containers(Sink& sink) const {
  for (const PastPtr& pod : traffic_.pods()) {
    for (const ContainerPast& container : pod->containers) {
      if (container.runs.empty()) continue;
      ContainerSeries(sink, *pod, container, *flows_.at(pod->uid + "/" + container.name),
                      NodeOf(pod->node), KubeletOf(*pod))
          .Describe();
    }
    Network(sink, *pod);
  }
}

void Model::Network(Sink& sink, const Past& pod) const {
  if (pod.containers.empty() || pod.containers[0].runs.empty()) return;
  const ContainerPast& first = pod.containers[0];
  const ContainerFlow& flow = *flows_.at(pod.uid + "/" + first.name);
  const Past* node = NodeOf(pod.node);
  const std::string instance = KubeletOf(pod);
  const double received = 2e6 * (0.3 + Chance(pod.workload, seed_ + 7));
  struct Kind {
    const char* metric;
    double factor;
  };
  for (const Kind& kind : {Kind{"container_network_receive_bytes_total", received},
                           Kind{"container_network_transmit_bytes_total", received * 2.4},
                           Kind{"container_network_receive_packets_total", received / 700},
                           Kind{"container_network_transmit_packets_total", received / 500},
                           Kind{"container_network_receive_errors_total", 0},
                           Kind{"container_network_transmit_errors_total", 0},
                           Kind{"container_network_receive_packets_dropped_total", 0},
                           Kind{"container_network_transmit_packets_dropped_total", 0}}) {
    if (!sink.Wants(kind.metric)) continue;
    // The sandbox of a pod outlives its containers: this counter does not begin anew.
    sink.Add(kind.metric,
             {{"namespace", pod.ns},
              {"pod", pod.name},
              {"interface", "eth0"},
              {"node", pod.node},
              {"instance", instance},
              {"job", "kubelet"},
              {"metrics_path", "/metrics/cadvisor"}},
             "kubelet/" + instance, first.runs.front().start, pod.deleted,
             [&flow, node, factor = kind.factor](double t) {
               return node != nullptr && node->up.At(t) == 0
                          ? kNaN
                          : std::floor(flow.cpu.Total(t) * factor);
             });
  }
}

}  // namespace opsmesh::kubesim::prometheus
