// What node_exporter tells of nodes.
#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "libs/kubesim/prometheus/model.h"

namespace opsmesh::kubesim::prometheus {
namespace {

using promql::Labels;

constexpr double kDiskBytes = 100e9;

/// Seconds before t for which the node's disk was kept busy by a fault.
double DiskBusy(const Picture& picture, const std::string& node, double t) {
  double seconds = 0;
  for (const Trouble& trouble : picture.troubles) {
    if (trouble.what.kind == Disturbance::Kind::kSlowDisk && trouble.what.node == node)
      seconds += trouble.Before(t);
  }
  return seconds;
}

/// The series of one node. `load` = cores it uses on average. Node and picture outlive the values.
class NodeSeries {
 public:
  NodeSeries(Sink& sink, const Past& node, std::shared_ptr<const Picture> picture, uint64_t seed,
             double load)
      : sink_(sink),
        node_(node),
        picture_(std::move(picture)),
        seed_(seed),
        load_(load),
        boot_(node.created - 90),
        instance_((node.ip.empty() ? node.name : node.ip) + ":9100"),
        wave_(std::make_shared<const Wave>(node.name, seed, 0.25, 0.1)) {}

  void Describe() {
    Processors();
    Load();
    Memory();
    Filesystem();
    Devices();
    Stalls();
    System();
  }

 private:
  /// When the node was in that condition.
  std::function<bool(double)> Condition(const char* type) const {
    for (const auto& [key, steps] : node_.facts) {
      if (key.first == "kube_node_status_condition" &&
          promql::ValueOf(key.second, "condition") == type &&
          promql::ValueOf(key.second, "status") == "true")
        return [&steps = steps](double t) { return steps.At(t) == 1; };
    }
    return [](double) { return false; };
  }

  void Add(const std::string& metric, ValueAt value, Labels more = {}) {
    if (!sink_.Wants(metric)) return;
    more.insert(more.end(),
                {{"instance", instance_}, {"job", "node-exporter"}, {"node", node_.name}});
    sink_.Add(metric, std::move(more), "node-exporter/" + instance_, node_.created, node_.deleted,
              [&node = node_, inner = std::move(value)](double t) {
                return node.up.At(t) == 0 ? kNaN : inner(t);
              });
  }

  void Constant(const std::string& metric, double value, Labels more = {}) {
    Add(
        metric, [value](double) { return value; }, std::move(more));
  }

  /// A counter that grows by `rate` a second on average.
  void Growing(const std::string& metric, double rate, Labels more) {
    Add(
        metric,
        [wave = wave_, boot = boot_, rate](double t) {
          return std::floor(rate * wave->Integral(boot, t));
        },
        std::move(more));
  }

  void Processors() {
    const double used = std::min(load_, node_.cpus * 0.85) / node_.cpus;  // share of each CPU
    for (int cpu = 0; cpu < static_cast<int>(std::min(node_.cpus, 64.0)); ++cpu) {
      Mode(cpu, "idle", used, 0);
      Mode(cpu, "user", used, 0.66);
      Mode(cpu, "system", used, 0.24);
      Mode(cpu, "iowait", used, 0.05);
      Mode(cpu, "softirq", used, 0.05);
    }
  }

  /// `share` of the time in which the processor is busy.
  void Mode(int cpu, std::string_view mode, double used, double share) {
    Add("node_cpu_seconds_total",
        [wave = wave_, boot = boot_, picture = picture_, name = node_.name, share, used,
         idle = mode == "idle", waits = mode == "iowait"](double t) {
          const double busy = used * wave->Integral(boot, t);
          const double stuck = 0.4 * (1 - used) * DiskBusy(*picture, name, t);
          return idle ? (t - boot) - busy - stuck : busy * share + (waits ? stuck : 0);
        },
        {{"cpu", std::to_string(cpu)}, {"mode", std::string(mode)}});
  }

  void Load() {
    const auto busy = [wave = wave_, load = load_](double t) { return load * wave->At(t); };
    Add("node_load1", [busy](double t) { return std::round(busy(t) * 100) / 100; });
    Add("node_load5",
        [busy](double t) { return std::round((busy(t) + busy(t - 150)) * 50) / 100; });
    Add("node_load15",
        [busy](double t) { return std::round((busy(t) + busy(t - 450)) * 50) / 100; });
  }

  void Memory() {
    const double taken = 0.25 + 0.3 * Chance(node_.name, seed_ + 8);
    // Under pressure: below the 100 MiB from which on kubelets evict.
    const auto available = [wave = wave_, total = node_.memory, taken,
                            pressed = Condition("MemoryPressure")](double t) {
      const double sway = 0.9 + 0.1 * wave->At(t);
      return std::floor(pressed(t) ? 90e6 * sway : total * (1 - taken * sway));
    };
    Constant("node_memory_MemTotal_bytes", node_.memory);
    Add("node_memory_MemAvailable_bytes", available);
    Add("node_memory_MemFree_bytes",
        [available](double t) { return std::floor(available(t) * 0.6); });
    Add("node_memory_Cached_bytes",
        [available](double t) { return std::floor(available(t) * 0.35); });
    Add("node_memory_Buffers_bytes",
        [available](double t) { return std::floor(available(t) * 0.05); });
    Constant("node_memory_Slab_bytes", std::floor(node_.memory * 0.02));
    Constant("node_memory_SReclaimable_bytes", std::floor(node_.memory * 0.012));
    Constant("node_memory_SwapTotal_bytes", 0);
    Constant("node_memory_SwapFree_bytes", 0);
    Add("node_vmstat_pgmajfault", [wave = wave_, boot = boot_](double t) {
      return std::floor(0.4 * wave->Integral(boot, t));
    });
  }

  void Filesystem() {
    // Bytes a second, given back once a day.
    const double growth = 5000 + 40000 * Chance(node_.name, seed_ + 9);
    const auto available = [growth, boot = boot_, pressed = Condition("DiskPressure")](double t) {
      const double taken = growth * std::fmod(t - boot, 86400.0);
      return std::floor(pressed(t) ? kDiskBytes * 0.08 - 0.1 * taken : kDiskBytes * 0.62 - taken);
    };
    const Labels root = {{"device", "/dev/vda1"}, {"fstype", "ext4"}, {"mountpoint", "/"}};
    Constant("node_filesystem_size_bytes", kDiskBytes, root);
    Add("node_filesystem_avail_bytes", available, root);
    const auto free = [available](double t) { return available(t) + 5e9; };
    Add("node_filesystem_free_bytes", free, root);
    Constant("node_filesystem_files", 6553600, root);
    Constant("node_filesystem_files_free", 6101234, root);
    Constant("node_filesystem_readonly", 0, root);
    Constant("node_filesystem_device_error", 0, root);
  }

  void Devices() {
    Growing("node_disk_read_bytes_total", 180e3, {{"device", "vda"}});
    Growing("node_disk_written_bytes_total", 1.3e6, {{"device", "vda"}});
    Add("node_disk_io_time_seconds_total",
        [wave = wave_, boot = boot_, picture = picture_, name = node_.name](double t) {
          return 0.04 * wave->Integral(boot, t) + 0.93 * DiskBusy(*picture, name, t);
        },
        {{"device", "vda"}});
    // Requests wait for a busy disk: more of them are under way at a time.
    Add("node_disk_io_time_weighted_seconds_total",
        [wave = wave_, boot = boot_, picture = picture_, name = node_.name](double t) {
          return 0.05 * wave->Integral(boot, t) + 24 * DiskBusy(*picture, name, t);
        },
        {{"device", "vda"}});
    Growing("node_disk_reads_completed_total", 6, {{"device", "vda"}});
    Growing("node_disk_writes_completed_total", 38, {{"device", "vda"}});
    Network("receive", 2.1e6);
    Network("transmit", 2.6e6);
  }

  void Network(const std::string& way, double bytes) {
    const Labels device = {{"device", "eth0"}};
    Growing("node_network_" + way + "_bytes_total", bytes, device);
    Growing("node_network_" + way + "_packets_total", bytes / 800, device);
    Constant("node_network_" + way + "_errs_total", 0, device);
    Constant("node_network_" + way + "_drop_total", 0, device);
  }

  /// Stall information of the kernel: seconds in which somebody waited for the disk.
  void Stalls() {
    for (const char* resource : {"cpu", "memory", "io"}) {
      const double calm = 0.004 * (0.5 + Chance(node_.name + resource, seed_ + 11));
      Add(std::string("node_pressure_") + resource + "_waiting_seconds_total",
          [wave = wave_, boot = boot_, picture = picture_, name = node_.name, calm,
           disk = resource[0] == 'i'](double t) {
            return calm * wave->Integral(boot, t) + (disk ? 0.8 * DiskBusy(*picture, name, t) : 0);
          });
    }
  }

  void System() {
    Growing("node_context_switches_total", 5200, {});
    Growing("node_intr_total", 3100, {});
    Add("node_procs_running", [wave = wave_, load = load_](double t) {
      return std::max(1.0, std::round(load * wave->At(t)));
    });
    Add("node_procs_blocked", [picture = picture_, name = node_.name](double t) {
      return DiskBusy(*picture, name, t) > DiskBusy(*picture, name, t - 1) ? 6.0 : 0.0;
    });
    Add("node_filefd_allocated",
        [wave = wave_](double t) { return std::floor(3400 * (0.9 + 0.1 * wave->At(t))); });
    Constant("node_filefd_maximum", 9223372036854775807.0);
    Add("node_nf_conntrack_entries",
        [wave = wave_](double t) { return std::floor(2300 * wave->At(t)); });
    Constant("node_nf_conntrack_entries_limit", 262144);
    Constant("node_timex_sync_status", 1);
    Constant("node_timex_maxerror_seconds", 0.012);
    Constant("node_timex_offset_seconds", 0.0001);
    Constant("node_exporter_build_info", 1, {{"version", "1.8.2"}, {"goversion", "go1.22.5"}});
    Constant("node_boot_time_seconds", std::floor(boot_));
    Add("node_time_seconds", [](double t) { return t; });
    Constant("node_uname_info", 1,
             {{"nodename", node_.name}, {"sysname", "Linux"}, {"machine", "x86_64"}});
  }

  Sink& sink_;
  const Past& node_;
  const std::shared_ptr<const Picture> picture_;
  const uint64_t seed_;
  const double load_;
  const double boot_;
  const std::string instance_;
  const std::shared_ptr<const Wave> wave_;
};

}  // namespace

void Model::Nodes(Sink& sink) const {
  for (const auto& [name, node] : nodes_) {
    double load = 0.12;  // cores of the system itself
    for (const PastPtr& pod : picture_->Of("pods")) {
      if (pod->node != name || !std::isinf(pod->deleted)) continue;
      for (const ContainerPast& container : pod->containers) load += container.cpu;
    }
    NodeSeries(sink, *node, picture_, seed_, load).Describe();
  }
}

}  // namespace opsmesh::kubesim::prometheus
