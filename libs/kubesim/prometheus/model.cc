#include "libs/kubesim/prometheus/model.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>

#include "libs/kubesim/prometheus/steps.h"

namespace opsmesh::kubesim::prometheus {
namespace {

using promql::Labels;

constexpr double kThrottleFrom = 0.8;  // of the limit: short bursts meet it from here on
constexpr const char* kStateTarget = "kube-state-metrics/kube-state-metrics:8080";

/// Index of the run that holds t, or -1.
ptrdiff_t RunAt(const std::vector<Run>& runs, double t) {
  const auto next = std::upper_bound(runs.begin(), runs.end(), t,
                                     [](double time, const Run& run) { return time < run.start; });
  if (next == runs.begin()) return -1;
  const auto run = std::prev(next);
  return t <= run->end ? run - runs.begin() : -1;
}

double EndOf(const Past& past) { return past.deleted; }

}  // namespace

/// What a container uses.
struct Model::ContainerFlow {
  explicit ContainerFlow(const Wave& wave) : cpu(wave), throttled(wave), wave(wave) {}
  Flow cpu;        // cores, as used
  Flow throttled;  // throttled periods a second
  Wave wave;
  double mean_run = 60;
};

Model::Model(std::shared_ptr<const Picture> picture, uint64_t seed)
    : picture_(std::move(picture)), seed_(seed), traffic_(*picture_, seed) {
  for (const PastPtr& node : picture_->Of("nodes")) nodes_[node->name] = node;
  for (const PastPtr& pod : traffic_.pods()) {
    const ServiceTraffic* service = traffic_.Of(pod->uid);
    for (const ContainerPast& container : pod->containers) {
      const std::string who =
          service != nullptr ? service->ns + "/" + service->name : pod->uid + "/" + container.name;
      auto flow = std::make_shared<ContainerFlow>(
          service != nullptr ? Wave(who, seed_, 0.3, 0.12) : Wave(who, seed_, 0.03, 0.15));
      double total = 0;
      double ended = 0;
      for (const Run& run : container.runs) {
        if (!std::isinf(run.end)) {
          total += run.end - run.start;
          ++ended;
        }
        const auto piece = [&](double from, double to, double factor) {
          const double demand = container.cpu * factor;
          const double limit = container.cpu_limit;
          const double used = std::isnan(limit) ? demand : std::min(demand, limit);
          flow->cpu.Add(from, to, used);
          const double over =
              std::isnan(limit) || limit <= 0 ? 0 : std::max(0.0, demand / limit - kThrottleFrom);
          flow->throttled.Add(from, to, 10 * std::min(0.95, 0.002 + over));
        };
        if (service == nullptr) {
          piece(run.start, run.end, 1);
          continue;
        }
        for (const Health& health : service->health) {
          const double from = std::max(run.start, health.from);
          const double to = std::min(run.end, health.to);
          const bool serves = pod->ready.At((from + std::min(to, from + 1)) / 2) == 1;
          piece(from, to, serves ? 0.25 + 0.75 * health.load : 0.25);
        }
      }
      if (ended > 0) flow->mean_run = std::max(1.0, total / ended);
      flows_[pod->uid + "/" + container.name] = std::move(flow);
    }
  }
}

const Past* Model::NodeOf(const std::string& name) const {
  const auto found = nodes_.find(name);
  return found == nodes_.end() ? nullptr : found->second.get();
}

void Model::Describe(Sink& sink) const {
  State(sink);
  Containers(sink);
  Nodes(sink);
  Requests(sink);
  Targets(sink);
}

void Model::State(Sink& sink) const {
  const Labels job = {{"job", "kube-state-metrics"}, {"instance", "kube-state-metrics:8080"}};
  for (const auto& [plural, list] : picture_->kinds) {
    for (const PastPtr& past : list) {
      for (const auto& [key, steps] : past->facts) {
        if (!sink.Wants(key.first)) continue;
        Labels labels = key.second;
        labels.insert(labels.end(), job.begin(), job.end());
        sink.Add(key.first, std::move(labels), kStateTarget, past->created, EndOf(*past),
                 [&steps](double t) { return steps.At(t); });
      }
      if (plural != "pods" || !sink.Wants("kube_pod_container_status_restarts_total")) continue;
      for (const ContainerPast& container : past->containers) {
        Labels labels = {{"namespace", past->ns},
                         {"pod", past->name},
                         {"uid", past->uid},
                         {"container", container.name}};
        labels.insert(labels.end(), job.begin(), job.end());
        sink.Add("kube_pod_container_status_restarts_total", std::move(labels), kStateTarget,
                 past->created, EndOf(*past), [&container](double t) {
                   const auto next = std::upper_bound(
                       container.runs.begin(), container.runs.end(), t,
                       [](double time, const Run& run) { return time < run.start; });
                   return std::max(0.0, static_cast<double>(next - container.runs.begin()) - 1);
                 });
      }
    }
  }
}

void Model::Containers(Sink& sink) const {
  for (const PastPtr& pod : traffic_.pods()) {
    for (const ContainerPast& container : pod->containers) {
      if (!container.runs.empty())
        Container(sink, *pod, container, *flows_.at(pod->uid + "/" + container.name));
    }
    Network(sink, *pod);
  }
}

void Model::Container(Sink& sink, const Past& pod, const ContainerPast& container,
                      const ContainerFlow& flow) const {
  const Past* node = NodeOf(pod.node);
  const std::string instance =
      (node == nullptr || node->ip.empty() ? pod.node : node->ip) + ":10250";
  const double start = container.runs.front().start;
  const double end = std::min(container.runs.back().end, pod.deleted);
  const auto add = [&](const char* metric, ValueAt value, Labels more = {}) {
    if (!sink.Wants(metric)) return;
    more.insert(more.end(), {{"namespace", pod.ns},
                             {"pod", pod.name},
                             {"container", container.name},
                             {"image", container.image},
                             {"node", pod.node},
                             {"instance", instance},
                             {"job", "kubelet"},
                             {"metrics_path", "/metrics/cadvisor"}});
    sink.Add(metric, std::move(more), "kubelet/" + instance, start, end,
             [&container, node, inner = std::move(value)](double t) {
               if (RunAt(container.runs, t) < 0) return kNaN;
               if (node != nullptr && node->up.At(t) == 0) return kNaN;
               return inner(t);
             });
  };
  // Counters begin anew with every run.
  const auto since_start = [&container](const Flow& f, double t) {
    return f.Total(t) -
           f.Total(container.runs[static_cast<size_t>(RunAt(container.runs, t))].start);
  };
  add("container_cpu_usage_seconds_total",
      [&flow, since_start](double t) { return since_start(flow.cpu, t); }, {{"cpu", "total"}});
  add("container_cpu_user_seconds_total",
      [&flow, since_start](double t) { return 0.7 * since_start(flow.cpu, t); });
  add("container_cpu_system_seconds_total",
      [&flow, since_start](double t) { return 0.3 * since_start(flow.cpu, t); });
  const auto run_age = [&container](double t) {
    return t - container.runs[static_cast<size_t>(RunAt(container.runs, t))].start;
  };
  if (!std::isnan(container.cpu_limit)) {
    add("container_cpu_cfs_periods_total",
        [run_age](double t) { return std::floor(10 * run_age(t)); });
    add("container_cpu_cfs_throttled_periods_total",
        [&flow, since_start](double t) { return std::floor(since_start(flow.throttled, t)); });
    add("container_cpu_cfs_throttled_seconds_total",
        [&flow, since_start](double t) { return 0.04 * since_start(flow.throttled, t); });
    add("container_spec_cpu_quota",
        [&container](double) { return std::round(container.cpu_limit * 100000); });
    add("container_spec_cpu_period", [](double) { return 100000.0; });
  }
  // A container that dies of its memory climbs to its limit in every run; others sway about what
  // they need.
  const auto memory = [&container, &flow, run_age](double t) {
    const double level = flow.wave.At(t);
    if (container.oom && !std::isnan(container.memory_limit)) {
      const ptrdiff_t run = RunAt(container.runs, t);
      const Run& now = container.runs[static_cast<size_t>(run)];
      const double length = std::isinf(now.end) ? flow.mean_run : now.end - now.start;
      return std::floor(
          container.memory_limit *
          (0.3 + 0.69 * std::pow(std::min(1.0, run_age(t) / std::max(1.0, length)), 1.3)));
    }
    const double warm = 1 - 0.4 * std::exp(-run_age(t) / 300);  // caches fill in the first minutes
    double bytes = container.memory * warm * (0.93 + 0.07 * level);
    if (!std::isnan(container.memory_limit)) bytes = std::min(bytes, container.memory_limit * 0.98);
    return std::floor(bytes);
  };
  add("container_memory_working_set_bytes", memory);
  add("container_memory_rss", [memory](double t) { return std::floor(memory(t) * 0.86); });
  add("container_memory_usage_bytes", [memory](double t) { return std::floor(memory(t) * 1.12); });
  add("container_memory_cache", [memory](double t) { return std::floor(memory(t) * 0.2); });
  add("container_spec_memory_limit_bytes", [&container](double) {
    return std::isnan(container.memory_limit) ? 0 : container.memory_limit;
  });
  add("container_start_time_seconds", [&container](double t) {
    return std::floor(container.runs[static_cast<size_t>(RunAt(container.runs, t))].start);
  });
  add("container_last_seen", [](double t) { return std::floor(t); });
  add("container_fs_writes_bytes_total",
      [&flow, since_start](double t) { return std::floor(since_start(flow.cpu, t) * 400000); });
  add("container_fs_reads_bytes_total",
      [&flow, since_start](double t) { return std::floor(since_start(flow.cpu, t) * 90000); });
  if (container.oom) {
    add("container_oom_events_total",
        [&container](double t) { return static_cast<double>(RunAt(container.runs, t)); });
  }
}

void Model::Network(Sink& sink, const Past& pod) const {
  if (pod.containers.empty() || pod.containers[0].runs.empty()) return;
  const ContainerPast& first = pod.containers[0];
  const ContainerFlow& flow = *flows_.at(pod.uid + "/" + first.name);
  const Past* node = NodeOf(pod.node);
  const std::string instance =
      (node == nullptr || node->ip.empty() ? pod.node : node->ip) + ":10250";
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

void Model::Nodes(Sink& sink) const {
  for (const auto& [name, node] : nodes_) {
    double load = 0.12;  // cores of the system itself
    for (const PastPtr& pod : picture_->Of("pods")) {
      if (pod->node != name || !std::isinf(pod->deleted)) continue;
      for (const ContainerPast& container : pod->containers) load += container.cpu;
    }
    Node(sink, *node, load);
  }
}

void Model::Node(Sink& sink, const Past& node, double load) const {
  const std::string instance = (node.ip.empty() ? node.name : node.ip) + ":9100";
  auto wave = std::make_shared<const Wave>(node.name, seed_, 0.25, 0.1);
  const auto add = [&](const char* metric, ValueAt value, Labels more = {}) {
    if (!sink.Wants(metric)) return;
    more.insert(more.end(),
                {{"instance", instance}, {"job", "node-exporter"}, {"node", node.name}});
    sink.Add(metric, std::move(more), "node-exporter/" + instance, node.created, node.deleted,
             [&node, inner = std::move(value)](double t) {
               return node.up.At(t) == 0 ? kNaN : inner(t);
             });
  };
  const double boot = node.created - 90;
  // Seconds for which the disk was kept busy by a fault.
  const auto picture = picture_;
  const auto disk_busy = [picture, name = node.name](double t) {
    double seconds = 0;
    for (const Trouble& trouble : picture->troubles) {
      if (trouble.what.kind == Disturbance::Kind::kSlowDisk && trouble.what.node == name)
        seconds += trouble.Before(t);
    }
    return seconds;
  };
  const double used = std::min(load, node.cpus * 0.85) / node.cpus;  // share of each CPU
  for (int cpu = 0; cpu < static_cast<int>(std::min(node.cpus, 64.0)); ++cpu) {
    const auto mode = [&](const char* name, double share, bool idle) {
      add("node_cpu_seconds_total",
          [wave, boot, share, used, idle, disk_busy,
           waits = std::string_view(name) == "iowait"](double t) {
            const double busy = used * wave->Integral(boot, t);
            const double stuck = 0.4 * (1 - used) * disk_busy(t);
            return idle ? (t - boot) - busy - stuck : busy * share + (waits ? stuck : 0);
          },
          {{"cpu", std::to_string(cpu)}, {"mode", name}});
    };
    mode("idle", 0, true), mode("user", 0.66, false), mode("system", 0.24, false),
        mode("iowait", 0.05, false), mode("softirq", 0.05, false);
  }
  const auto busy = [wave, load](double t) { return load * wave->At(t); };
  add("node_load1", [busy](double t) { return std::round(busy(t) * 100) / 100; });
  add("node_load5", [busy](double t) { return std::round((busy(t) + busy(t - 150)) * 50) / 100; });
  add("node_load15", [busy](double t) { return std::round((busy(t) + busy(t - 450)) * 50) / 100; });
  const double total = node.memory;
  const double taken = 0.25 + 0.3 * Chance(node.name, seed_ + 8);
  const auto available = [wave, total, taken](double t) {
    return std::floor(total * (1 - taken * (0.9 + 0.1 * wave->At(t))));
  };
  add("node_memory_MemTotal_bytes", [total](double) { return total; });
  add("node_memory_MemAvailable_bytes", available);
  add("node_memory_MemFree_bytes",
      [available](double t) { return std::floor(available(t) * 0.6); });
  add("node_memory_Cached_bytes",
      [available](double t) { return std::floor(available(t) * 0.35); });
  add("node_memory_Buffers_bytes",
      [available](double t) { return std::floor(available(t) * 0.05); });
  const double disk = 100e9;
  const double growth =
      5000 + 40000 * Chance(node.name, seed_ + 9);  // bytes a second, given back once a day
  const auto free = [disk, growth, boot](double t) {
    return std::floor(disk * 0.62 - growth * std::fmod(t - boot, 86400.0));
  };
  const Labels root = {{"device", "/dev/vda1"}, {"fstype", "ext4"}, {"mountpoint", "/"}};
  add(
      "node_filesystem_size_bytes", [disk](double) { return disk; }, root);
  add("node_filesystem_avail_bytes", free, root);
  add(
      "node_filesystem_free_bytes", [free](double t) { return free(t) + 5e9; }, root);
  add(
      "node_filesystem_files", [](double) { return 6553600.0; }, root);
  add(
      "node_filesystem_files_free", [](double) { return 6101234.0; }, root);
  const auto flow = [&](const char* metric, double rate, Labels labels) {
    add(
        metric, [wave, boot, rate](double t) { return std::floor(rate * wave->Integral(boot, t)); },
        std::move(labels));
  };
  flow("node_disk_read_bytes_total", 180e3, {{"device", "vda"}});
  flow("node_disk_written_bytes_total", 1.3e6, {{"device", "vda"}});
  add("node_disk_io_time_seconds_total",
      [wave, boot, disk_busy](double t) {
        return 0.04 * wave->Integral(boot, t) + 0.93 * disk_busy(t);
      },
      {{"device", "vda"}});
  flow("node_network_receive_bytes_total", 2.1e6, {{"device", "eth0"}});
  flow("node_network_transmit_bytes_total", 2.6e6, {{"device", "eth0"}});
  add("node_network_receive_errs_total", [](double) { return 0.0; }, {{"device", "eth0"}});
  add("node_network_transmit_errs_total", [](double) { return 0.0; }, {{"device", "eth0"}});
  add("node_boot_time_seconds", [boot](double) { return std::floor(boot); });
  add("node_time_seconds", [](double t) { return t; });
  add("node_uname_info", [](double) { return 1.0; },
      {{"nodename", node.name}, {"sysname", "Linux"}, {"machine", "x86_64"}});
}

void Model::Requests(Sink& sink) const {
  bool wanted = false;
  for (const char* metric : {"http_requests_total", "http_request_duration_seconds_bucket",
                             "http_request_duration_seconds_sum",
                             "http_request_duration_seconds_count", "http_requests_in_flight"}) {
    wanted = sink.Wants(metric) || wanted;
  }
  if (!wanted) return;
  for (const auto& [key, traffic] : traffic_.services()) {
    if (!traffic.http) continue;
    for (const PastPtr& pod : traffic.pods) {
      if (!pod->containers.empty() && !pod->containers[0].runs.empty())
        Service(sink, traffic, *pod);
    }
  }
}

void Model::Service(Sink& sink, const ServiceTraffic& traffic, const Past& pod) const {
  const ContainerPast& container = pod.containers[0];
  const Wave wave(traffic.ns + "/" + traffic.name, seed_, 0.45, 0.12);
  const std::string instance =
      pod.ip + ":" + (container.ports.empty() ? "8080" : container.ports[0]);
  const Past* node = NodeOf(pod.node);
  const double pods = [&] {
    int most = 1;
    for (const Health& health : traffic.health)
      most = std::max(most, static_cast<int>(std::lround(health.ready * 1.0)));
    return static_cast<double>(most);
  }();
  // One flow for each series: the service's wave times this pod's share of what the series counts.
  const auto flow_of = [&](auto share) {
    auto flow = std::make_shared<Flow>(wave);
    for (const Health& health : traffic.health) {
      const double from = std::max({health.from, pod.created, picture_->now - 16 * 86400.0});
      const double to = std::min(health.to, pod.deleted);
      const bool serves =
          health.ready > 0 && from < to && pod.ready.At((from + std::min(to, from + 1)) / 2) == 1;
      flow->Add(from, to, serves ? traffic.rate / std::max(1, health.ready) * share(health) : 0);
    }
    return flow;
  };
  (void)pods;
  const auto add = [&](const char* metric, Labels more, std::shared_ptr<const Flow> flow,
                       bool whole = true) {
    more.insert(more.end(), {{"namespace", traffic.ns},
                             {"service", traffic.name},
                             {"pod", pod.name},
                             {"job", traffic.name},
                             {"instance", instance},
                             {"node", pod.node}});
    sink.Add(metric, std::move(more), traffic.name + "/" + instance, container.runs.front().start,
             pod.deleted, [flow = std::move(flow), &container, node, whole](double t) {
               const ptrdiff_t run = RunAt(container.runs, t);
               if (run < 0 || (node != nullptr && node->up.At(t) == 0)) return kNaN;
               const double value =
                   flow->Total(t) - flow->Total(container.runs[static_cast<size_t>(run)].start);
               return whole ? std::floor(value) : value;
             });
  };
  if (sink.Wants("http_requests_total")) {
    for (const auto& [method, part] : {std::pair("GET", 0.82), std::pair("POST", 0.18)}) {
      const double share = part;
      const auto code = [&](const char* text, auto of) {
        add("http_requests_total", {{"method", method}, {"code", text}},
            flow_of([share, of](const Health& h) { return share * of(h); }));
      };
      code("200", [](const Health& h) { return (1 - h.errors) * 0.985; });
      code("404", [](const Health& h) { return (1 - h.errors) * 0.015; });
      code("500", [](const Health& h) { return h.errors * 0.3; });
      code("502", [](const Health& h) { return h.errors * 0.2; });
      code("503", [](const Health& h) { return h.errors * 0.5; });
    }
  }
  if (sink.Wants("http_request_duration_seconds_bucket")) {
    for (const char* le :
         {"0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "+Inf"}) {
      const double bound = le[0] == '+' ? kForever : std::strtod(le, nullptr);
      add("http_request_duration_seconds_bucket", {{"le", le}}, flow_of([bound](const Health& h) {
            return std::isinf(bound) ? 1.0 : ShareWithin(bound, h.latency);
          }));
    }
  }
  if (sink.Wants("http_request_duration_seconds_count")) {
    add("http_request_duration_seconds_count", {}, flow_of([](const Health&) { return 1.0; }));
  }
  if (sink.Wants("http_request_duration_seconds_sum")) {
    // The mean of the distribution: median times exp(sigma^2 / 2).
    add("http_request_duration_seconds_sum", {},
        flow_of([](const Health& h) { return h.latency * std::exp(0.245); }), false);
  }
}

void Model::Targets(Sink& sink) const {
  if (!sink.Wants("up") && !sink.Wants("scrape_duration_seconds")) return;
  const auto target = [&](const std::string& job, const std::string& instance, Labels more,
                          double start, double end, ValueAt up) {
    Labels labels = more;
    labels.insert(labels.end(), {{"job", job}, {"instance", instance}});
    sink.Add("up", labels, job + "/" + instance, start, end, std::move(up));
  };
  target("kube-state-metrics", "kube-state-metrics:8080", {}, 0, kForever,
         [](double) { return 1.0; });
  target("prometheus", "localhost:9090", {}, 0, kForever, [](double) { return 1.0; });
  for (const auto& [name, node] : nodes_) {
    const std::string ip = node->ip.empty() ? name : node->ip;
    const auto up = [past = node.get()](double t) { return past->up.At(t); };
    target("kubelet", ip + ":10250", {{"node", name}, {"metrics_path", "/metrics/cadvisor"}},
           node->created, node->deleted, up);
    target("node-exporter", ip + ":9100", {{"node", name}}, node->created, node->deleted, up);
  }
  for (const auto& [key, traffic] : traffic_.services()) {
    if (!traffic.http) continue;
    for (const PastPtr& pod : traffic.pods) {
      if (pod->containers.empty() || pod->containers[0].runs.empty()) continue;
      const ContainerPast& container = pod->containers[0];
      const Past* node = NodeOf(pod->node);
      const std::string instance =
          pod->ip + ":" + (container.ports.empty() ? "8080" : container.ports[0]);
      target(traffic.name, instance,
             {{"namespace", pod->ns},
              {"pod", pod->name},
              {"service", traffic.name},
              {"node", pod->node}},
             container.runs.front().start, pod->deleted, [&container, node](double t) {
               return RunAt(container.runs, t) >= 0 && (node == nullptr || node->up.At(t) != 0)
                          ? 1.0
                          : 0.0;
             });
    }
  }
}

}  // namespace opsmesh::kubesim::prometheus
