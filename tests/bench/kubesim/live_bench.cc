// A live simulated cluster in figures: the demo's hour, thousands of pods that start, rest, roll
// out, lose a node and are copied. One JSON line a measure; run.py judges them.
//
//   opsmesh_bench_kubesim_live demo | cluster PODS NODES [IDLE_MINUTES] | volumes PODS NODES
//
// Machines differ and are shared: beside its processor seconds a measure tells `trips`, the same
// time in round trips of a pod's JSON through the plain library (parse, copy, write), which are
// timed before and after it.
#include <fmt/format.h>
#include <malloc.h>
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "libs/kubesim/behaviour/faults/faults.h"
#include "libs/kubesim/content/content.h"
#include "libs/kubesim/simulator.h"
#include "libs/kubesim/store/json_path.h"
#include "libs/kubesim/store/store.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

constexpr int kReplicas = 1000;  // of the Deployment that is rolled out

class FixedClock final : public base::Clock {
 public:
  absl::Time Now() const override { return absl::FromUnixSeconds(1'764'551'400); }
  absl::Duration Steady() const override { return absl::ZeroDuration(); }
};

double Seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         1e-6 * static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

double MemoryMib(const char* line) {
  std::ifstream status("/proc/self/status");
  for (std::string text; std::getline(status, text);) {
    if (text.starts_with(line))
      return std::strtod(text.c_str() + std::string_view(line).size() + 1, nullptr) / 1024;
  }
  return 0;
}

Json Deployment(const std::string& ns, const std::string& name, int replicas);

// Processor seconds of one round trip: what simulating costs is told in these. It goes round many
// pods, as clusters do: what does not fit the caches costs more on a machine that others use too.
double RoundTrip() {
  constexpr size_t kTrips = 800, kPods = 500;
  static const std::string text = [] {
    Json pod = Deployment("team", "app", 1);
    pod["status"] = pod["spec"];  // about as big as a pod that runs
    return pod.dump();
  }();
  std::vector<Json> pods(kPods, Json::parse(text));
  const double begin = CpuSeconds();
  size_t bytes = 0;
  for (size_t i = 0; i < kTrips; ++i) {
    pods[i * 7 % kPods] = Json::parse(text);
    const Json copy = pods[i * 11 % kPods];
    bytes += copy.dump().size();
  }
  if (bytes != kTrips * text.size()) std::exit(2);
  return (CpuSeconds() - begin) / kTrips;
}

// Wall and processor seconds of a step.
template <typename F>
void Measure(const std::string& name, const F& step, Json more = Json::object()) {
  const double trip_before = RoundTrip();
  const double begin = Seconds(), cpu = CpuSeconds();
  step(more);
  more["measure"] = name;
  more["seconds"] = Seconds() - begin;
  const double took = CpuSeconds() - cpu;
  more["cpu_seconds"] = took;
  more["trips"] = took / ((trip_before + RoundTrip()) / 2);
  more["rss_mib"] = MemoryMib("VmRSS:");
  more["peak_mib"] = MemoryMib("VmHWM:");
  std::printf("%s\n", more.dump().c_str());
  std::fflush(stdout);
}

void Check(const absl::Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s\n", std::string(status.message()).c_str());
  std::exit(2);
}

// Quick, for what looks must not be what is measured.
bool Holds(const Object& object, std::string_view text) {
  return memmem(object.json.data(), object.json.size(), text.data(), text.size()) != nullptr;
}

constexpr std::string_view kReady = "\"status\":\"True\",\"type\":\"Ready\"";

int Ready(Simulator& simulator, std::string_view image) {
  Store& store = simulator.store();
  int ready = 0;
  for (const ObjectPtr& pod : store.List(MustFind(store, "", "v1", "pods")).objects) {
    ready += Holds(*pod, kReady) && (image.empty() || Holds(*pod, image));
  }
  return ready;
}

Json Deployment(const std::string& ns, const std::string& name, int replicas) {
  const Json labels = {{"app", name}};
  return {{"kind", "Deployment"},
          {"apiVersion", "apps/v1"},
          {"metadata", {{"name", name}, {"namespace", ns}, {"labels", labels}}},
          {"spec",
           {{"replicas", replicas},
            {"strategy",
             {{"type", "RollingUpdate"},
              {"rollingUpdate", {{"maxSurge", "25%"}, {"maxUnavailable", "25%"}}}}},
            {"progressDeadlineSeconds", 600},
            {"selector", {{"matchLabels", labels}}},
            {"template",
             {{"metadata", {{"labels", labels}}},
              {"spec",
               {{"containers",
                 {{{"name", "web"},
                   {"image", "nginx:1.27"},
                   {"ports", {{{"containerPort", 80}}}},
                   {"readinessProbe", {{"httpGet", {{"path", "/"}, {"port", 80}}}}},
                   {"resources", {{"requests", {{"cpu", "50m"}, {"memory", "64Mi"}}}}}}}}}}}}}}};
}

Json Service(const std::string& ns, const std::string& name) {
  return {
      {"kind", "Service"},
      {"apiVersion", "v1"},
      {"metadata", {{"name", name}, {"namespace", ns}}},
      {"spec", {{"selector", {{"app", name}}}, {"ports", {{{"port", 80}, {"targetPort", 80}}}}}}};
}

std::vector<GivenObject> Nodes(int nodes) {
  std::vector<GivenObject> objects;
  for (int i = 0; i < nodes; ++i) {
    Json node = {{"kind", "Node"},
                 {"apiVersion", "v1"},
                 {"metadata",
                  {{"name", fmt::format("node-{:04}", i)},
                   {"labels",
                    {{"kubernetes.io/hostname", fmt::format("node-{:04}", i)},
                     {"topology.kubernetes.io/zone", fmt::format("zone-{}", i % 3)}}}}},
                 {"spec", {{"podCIDR", fmt::format("10.{}.{}.0/24", 128 + i / 256, i % 256)}}},
                 {"status",
                  {{"allocatable", {{"cpu", "16"}, {"memory", "64Gi"}, {"pods", "110"}}},
                   {"capacity", {{"cpu", "16"}, {"memory", "64Gi"}, {"pods", "110"}}},
                   {"conditions", {{{"type", "Ready"}, {"status", "True"}}}}}}};
    objects.push_back({node.dump(), "", ""});
  }
  return objects;
}

// Deployments of 20 pods with a Service each, and one of 1,000.
std::vector<GivenObject> Objects(int pods, int nodes) {
  std::vector<GivenObject> objects = Nodes(nodes);
  auto add = [&](int number, int replicas) {
    const std::string ns = fmt::format("team-{:02}", number % 20),
                      name = fmt::format("app-{:04}", number);
    objects.push_back({Deployment(ns, name, replicas).dump(), "", ""});
    objects.push_back({Service(ns, name).dump(), "", ""});
  };
  int left = pods, number = 0;
  if (left > kReplicas) {
    add(number++, kReplicas);
    left -= kReplicas;
  }
  for (; left > 0; left -= 20) add(number++, std::min(left, 20));
  return objects;
}

// StatefulSets of 20 pods that make all their pods at once; each has a claim whose volume is made
// where the pod goes.
std::vector<GivenObject> Claiming(int pods, int nodes) {
  std::vector<GivenObject> objects = Nodes(nodes);
  const Json storage_class = {{"kind", "StorageClass"},
                              {"apiVersion", "storage.k8s.io/v1"},
                              {"metadata", {{"name", "late"}}},
                              {"provisioner", "disks.example.com"},
                              {"volumeBindingMode", "WaitForFirstConsumer"}};
  Json set = Deployment("team-00", "data", 20);
  set["kind"] = "StatefulSet";
  Json& spec = set["spec"];
  spec.erase("strategy");
  spec.erase("progressDeadlineSeconds");
  spec["podManagementPolicy"] = "Parallel";
  spec["template"]["spec"]["containers"][0]["volumeMounts"] = {
      {{"name", "data"}, {"mountPath", "/data"}}};
  spec["volumeClaimTemplates"] = {{{"metadata", {{"name", "data"}}},
                                   {"spec",
                                    {{"accessModes", {"ReadWriteOnce"}},
                                     {"storageClassName", "late"},
                                     {"resources", {{"requests", {{"storage", "1Gi"}}}}}}}}};
  objects.push_back({storage_class.dump(), "", ""});
  for (int left = pods, number = 0; left > 0; left -= 20, ++number) {
    set["metadata"]["name"] = fmt::format("data-{}", number);
    spec["replicas"] = std::min(left, 20);
    spec["selector"]["matchLabels"]["app"] = set["metadata"]["name"];
    spec["template"]["metadata"]["labels"]["app"] = set["metadata"]["name"];
    objects.push_back({set.dump(), "", ""});
  }
  return objects;
}

// A new image for the biggest Deployment: minutes of simulated time until it is out.
int RollOut(Simulator& simulator) {
  Store& store = simulator.store();
  const ResourceType& type = MustFind(store, "apps", "v1", "deployments");
  const ObjectPtr before = store.Get(type, "team-00", "app-0000");
  Json object = before->Parse();
  object["spec"]["template"]["spec"]["containers"][0]["image"] = "nginx:1.28";
  object["metadata"]["generation"] = IntAt(object, {"metadata", "generation"}) + 1;
  if (!store.Update(type, object, before->resource_version).ok()) std::exit(2);
  for (int minute = 1; minute <= 60; ++minute) {
    Check(simulator.Advance(absl::Minutes(1)));
    const Json now = store.Get(type, "team-00", "app-0000")->Parse();
    if (IntAt(now, {"status", "updatedReplicas"}) == IntAt(now, {"spec", "replicas"}) &&
        IntAt(now, {"status", "availableReplicas"}) == IntAt(now, {"spec", "replicas"}) &&
        IntAt(now, {"status", "replicas"}) == IntAt(now, {"spec", "replicas"}))
      return minute;
  }
  return 0;
}

void Demo() {
  const FixedClock clock;
  std::unique_ptr<Simulator> demo;
  Measure("demo start", [&](Json&) {
    auto made = Simulator::Create(
        {.content = Content::kDemo, .live = true, .virtual_time = true, .clock = &clock});
    Check(made.status());
    demo = *std::move(made);
    Check(demo->Advance(absl::ZeroDuration()));
  });
  Measure("demo hour", [&](Json& more) {
    const uint64_t version = demo->store().resource_version();
    Check(demo->Advance(absl::Hours(1)));
    more["writes"] = demo->store().resource_version() - version;
  });
  Measure("demo second hour", [&](Json&) { Check(demo->Advance(absl::Hours(1))); });
}

// A node falls silent: its pods are deleted after five minutes and run elsewhere. Simulated minutes
// until as many are ready as before on the other nodes; 0 when that does not come.
int LoseNode(Simulator& simulator, int pods, Json* more) {
  const std::string node = "node-0000", on_it = "\"nodeName\":\"node-0000\"";
  auto stand = [&](bool ready_elsewhere) {
    int count = 0;
    Store& store = simulator.store();
    for (const ObjectPtr& pod : store.List(MustFind(store, "", "v1", "pods")).objects) {
      const bool here = Holds(*pod, on_it);
      count += ready_elsewhere ? !here && Holds(*pod, kReady) : here;
    }
    return count;
  };
  (*more)["lost"] = stand(false);
  auto fault = simulator.faults()->Inject("kubelet-stopped", "node/" + node, {});
  Check(fault.status());
  int minutes = 0;
  while (stand(true) < pods && minutes < 20) {
    Check(simulator.Advance(absl::Minutes(1)));
    ++minutes;
  }
  (*more)["ready"] = stand(true);
  Check(simulator.faults()->Clear(fault->id));
  return stand(true) >= pods ? minutes : 0;
}

// Memory that was freed goes back first, so that growth is not hidden in it.
void RunFork(Simulator& cluster, const std::string& size) {
  malloc_trim(0);
  const double before = MemoryMib("VmRSS:");
  auto grown = [&](Json& more) {
    more["cluster_mib"] = before;
    more["fork_mib"] = MemoryMib("VmRSS:") - before;
  };
  std::unique_ptr<Simulator> fork;
  Measure(size + ": fork", [&](Json& more) {
    auto made = cluster.Fork({});
    Check(made.status());
    fork = *std::move(made);
    grown(more);
  });
  Measure(size + ": fork's first minute", [&](Json& more) {
    Check(fork->Advance(absl::Minutes(1)));
    more["ready"] = Ready(*fork, "");
    grown(more);
  });
  Measure(size + ": fork's second minute", [&](Json& more) {
    Check(fork->Advance(absl::Minutes(1)));
    grown(more);
  });
}

// Until every pod is ready.
std::unique_ptr<Simulator> Started(const std::string& size, const base::Clock& clock, int pods,
                                   const std::function<std::vector<GivenObject>()>& made_of) {
  std::unique_ptr<Simulator> cluster;
  Measure(size + ": start", [&](Json& more) {
    const auto objects = made_of();
    std::vector<std::string> left_out;
    auto made = Simulator::FromObjects({.live = true, .virtual_time = true, .clock = &clock},
                                       objects, &left_out);
    Check(made.status());
    for (const std::string& one : left_out) std::fprintf(stderr, "left out: %s\n", one.c_str());
    cluster = *std::move(made);
    int minutes = 0;
    while (Ready(*cluster, "") < pods && minutes < 30) {
      Check(cluster->Advance(absl::Minutes(1)));
      ++minutes;
    }
    more["simulated_minutes"] = minutes;
    more["ready"] = Ready(*cluster, "");
  });
  return cluster;
}

void RunVolumes(int pods, int nodes) {
  const FixedClock clock;
  (void)Started(fmt::format("{} pods with a claim", pods), clock, pods,
                [&] { return Claiming(pods, nodes); });
}

void RunCluster(int pods, int nodes, int idle_minutes) {
  const FixedClock clock;
  const std::string size = fmt::format("{} pods", pods);
  const auto cluster = Started(size, clock, pods, [&] { return Objects(pods, nodes); });
  Check(cluster->Advance(absl::Minutes(2)));
  Measure(size + ": idle", [&](Json& more) {
    const uint64_t version = cluster->store().resource_version();
    Check(cluster->Advance(absl::Minutes(idle_minutes)));
    more["simulated_minutes"] = idle_minutes;
    more["writes"] = cluster->store().resource_version() - version;
  });
  if (pods > kReplicas) {
    Measure(size + ": rollout of 1000", [&](Json& more) {
      more["simulated_minutes"] = RollOut(*cluster);
      more["ready"] = Ready(*cluster, "nginx:1.28");
    });
  }
  Measure(size + ": node failure",
          [&](Json& more) { more["simulated_minutes"] = LoseNode(*cluster, pods, &more); });
  RunFork(*cluster, size);
}

}  // namespace
}  // namespace opsmesh::kubesim

int main(int argc, char** argv) {
  const std::string_view what = argc > 1 ? argv[1] : "";
  if (what == "demo") {
    opsmesh::kubesim::Demo();
  } else if (what == "cluster" && argc > 3) {
    opsmesh::kubesim::RunCluster(std::atoi(argv[2]), std::atoi(argv[3]),
                                 argc > 4 ? std::atoi(argv[4]) : 60);
  } else if (what == "volumes" && argc > 3) {
    opsmesh::kubesim::RunVolumes(std::atoi(argv[2]), std::atoi(argv[3]));
  } else {
    std::fprintf(stderr,
                 "usage: %s demo | cluster PODS NODES [IDLE_MINUTES] | volumes PODS NODES\n",
                 argv[0]);
    return 2;
  }
  return 0;
}
