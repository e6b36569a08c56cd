// The simulated cluster alone, for tests and benchmarks:
//
//   opsmesh_kubesim [--tls] [--demo | --folder DIR] [--nodes N --pods N] [--kubeconfig FILE]
//   [--user NAME=FILE] [--live [--no-kubelets] [--fork-every SECONDS]]
//
// Prints one JSON line {"url", "version"} when it listens, and ends when its standard input does.
// --fork-every: copies of the cluster live a minute ahead and are thrown away; a last JSON line
// {"forks", "failed"} tells how many, and what the first that went wrong said.
#include <sys/stat.h>

#include <fmt/format.h>
#include <malloc.h>

#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "libs/base/clock.h"
#include "libs/kubesim/simulator.h"
#include "libs/kubesim/store/store.h"
#include "nlohmann/json.hpp"

namespace opsmesh {
namespace {

using kubesim::Json;

Json Container(const std::string& name, int number) {
  return {{"name", name},
          {"image", fmt::format("registry.example.com/team/{}:1.{}.0", name, number % 30)},
          {"ports", {{{"name", "http"}, {"containerPort", 8080}, {"protocol", "TCP"}}}},
          {"env",
           {{{"name", "LOG_LEVEL"}, {"value", "info"}},
            {{"name", "DB_PASSWORD"},
             {"valueFrom", {{"secretKeyRef", {{"name", "db"}, {"key", "password"}}}}}}}},
          {"resources",
           {{"limits", {{"cpu", "500m"}, {"memory", "512Mi"}}},
            {"requests", {{"cpu", "100m"}, {"memory", "256Mi"}}}}},
          {"volumeMounts",
           {{{"name", "kube-api-access-x2x7z"},
             {"readOnly", true},
             {"mountPath", "/var/run/secrets/kubernetes.io/serviceaccount"}}}},
          {"livenessProbe",
           {{"httpGet", {{"path", "/healthz"}, {"port", "http"}, {"scheme", "HTTP"}}},
            {"timeoutSeconds", 1},
            {"periodSeconds", 10},
            {"successThreshold", 1},
            {"failureThreshold", 3}}},
          {"terminationMessagePath", "/dev/termination-log"},
          {"terminationMessagePolicy", "File"},
          {"imagePullPolicy", "IfNotPresent"}};
}

Json ContainerStatus(const std::string& name, int number, const std::string& time) {
  return {
      {"name", name},
      {"state", {{"running", {{"startedAt", time}}}}},
      {"lastState", Json::object()},
      {"ready", true},
      {"restartCount", number % 3},
      {"image", fmt::format("registry.example.com/team/{}:1.{}.0", name, number % 30)},
      {"imageID",
       fmt::format("registry.example.com/team/"
                   "{}@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                   name)},
      {"containerID",
       fmt::format("containerd://60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c{:06x}",
                   number)},
      {"started", true}};
}

/// A pod as a Deployment of a usual cluster has it, running on one of `nodes` nodes.
Json Pod(int number, int nodes, const std::string& time) {
  const std::string app = fmt::format("app-{}", number / 20);
  const std::string ip =
      fmt::format("10.{}.{}.{}", 244 + number / 62500, number / 250 % 250, number % 250 + 1);
  Json conditions = Json::array();
  for (const char* type :
       {"PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"}) {
    conditions.push_back({{"type", type},
                          {"status", "True"},
                          {"lastProbeTime", nullptr},
                          {"lastTransitionTime", time}});
  }
  return {{"metadata",
           {{"name", fmt::format("{}-7d9f8b6c5-{:05x}", app, number)},
            {"generateName", app + "-7d9f8b6c5-"},
            {"namespace", fmt::format("team-{}", number % 40)},
            {"labels",
             {{"app", app},
              {"app.kubernetes.io/part-of", "shop"},
              {"pod-template-hash", "7d9f8b6c5"},
              {"tier", "backend"}}},
            {"annotations", {{"prometheus.io/scrape", "true"}, {"prometheus.io/port", "8080"}}},
            {"ownerReferences",
             {{{"apiVersion", "apps/v1"},
               {"kind", "ReplicaSet"},
               {"name", app + "-7d9f8b6c5"},
               {"uid", fmt::format("{:08x}-0000-4000-8000-000000000000", number / 20)},
               {"controller", true},
               {"blockOwnerDeletion", true}}}}}},
          {"spec",
           {{"volumes",
             {{{"name", "kube-api-access-x2x7z"},
               {"projected",
                {{"sources",
                  {{{"serviceAccountToken", {{"expirationSeconds", 3607}, {"path", "token"}}}},
                   {{"configMap",
                     {{"name", "kube-root-ca.crt"},
                      {"items", {{{"key", "ca.crt"}, {"path", "ca.crt"}}}}}}}}},
                 {"defaultMode", 420}}}}}},
            {"containers", {Container("web", number), Container("sidecar", number)}},
            {"restartPolicy", "Always"},
            {"terminationGracePeriodSeconds", 30},
            {"dnsPolicy", "ClusterFirst"},
            {"serviceAccountName", "default"},
            {"serviceAccount", "default"},
            {"nodeName", fmt::format("node-{}", number % nodes)},
            {"securityContext", Json::object()},
            {"schedulerName", "default-scheduler"},
            {"tolerations",
             {{{"key", "node.kubernetes.io/not-ready"},
               {"operator", "Exists"},
               {"effect", "NoExecute"},
               {"tolerationSeconds", 300}},
              {{"key", "node.kubernetes.io/unreachable"},
               {"operator", "Exists"},
               {"effect", "NoExecute"},
               {"tolerationSeconds", 300}}}},
            {"priority", 0},
            {"enableServiceLinks", true},
            {"preemptionPolicy", "PreemptLowerPriority"}}},
          {"status",
           {{"phase", "Running"},
            {"conditions", conditions},
            {"hostIP", fmt::format("10.0.{}.{}", number % nodes / 250, number % nodes % 250 + 1)},
            {"podIP", ip},
            {"podIPs", {{{"ip", ip}}}},
            {"startTime", time},
            {"containerStatuses",
             {ContainerStatus("web", number, time), ContainerStatus("sidecar", number, time)}},
            {"qosClass", "Burstable"}}}};
}

void Fill(kubesim::Store& store, int nodes, int pods) {
  const std::string time = base::Rfc3339(store.clock().Now());
  const auto& node_type = kubesim::MustFind(store, "", "v1", "nodes");
  const auto& pod_type = kubesim::MustFind(store, "", "v1", "pods");
  const auto& namespaces = kubesim::MustFind(store, "", "v1", "namespaces");
  for (int i = 0; i < 40 && pods > 0; ++i) {
    (void)store.Create(namespaces, {{"metadata", {{"name", fmt::format("team-{}", i)}}},
                                    {"spec", {{"finalizers", {"kubernetes"}}}},
                                    {"status", {{"phase", "Active"}}}});
  }
  for (int i = 0; i < nodes; ++i) {
    (void)store.Create(node_type,
                       {{"metadata",
                         {{"name", fmt::format("node-{}", i)},
                          {"labels", {{"kubernetes.io/hostname", fmt::format("node-{}", i)}}}}},
                        {"spec", Json::object()},
                        {"status",
                         {{"capacity", {{"cpu", "16"}, {"memory", "64Gi"}, {"pods", "110"}}},
                          {"allocatable", {{"cpu", "16"}, {"memory", "64Gi"}, {"pods", "110"}}},
                          {"conditions",
                           {{{"type", "Ready"},
                             {"status", "True"},
                             {"reason", "KubeletReady"},
                             {"lastHeartbeatTime", time},
                             {"lastTransitionTime", time}}}}}}});
  }
  for (int i = 0; i < pods; ++i) (void)store.Create(pod_type, Pod(i, std::max(1, nodes), time));
}

bool Save(const std::string& path, const absl::StatusOr<std::string>& text) {
  if (!text.ok()) {
    std::cerr << text.status() << "\n";
    return false;
  }
  umask(0077);  // it has an administrator's key
  std::ofstream(path) << *text;
  return true;
}

/// Copies of a living cluster, one after another, on a thread of its own.
class Forks {
 public:
  Forks(const kubesim::Simulator& simulator, int every_seconds)
      : thread_([this, &simulator, every_seconds](const std::stop_token& stop) {
          std::mutex mutex;
          std::unique_lock lock(mutex);
          std::condition_variable_any wake;
          while (!wake.wait_for(lock, stop, std::chrono::seconds(every_seconds), [&] {
            return stop.stop_requested();
          }) && !stop.stop_requested()) {
            if (std::string why = LiveAhead(simulator); !why.empty() && failed_.empty())
              failed_ = std::move(why);
            ++made_;
          }
        }) {}

  /// After the last one.
  Json End() {
    thread_.request_stop();
    thread_.join();
    return {{"forks", made_}, {"failed", failed_}};
  }

 private:
  static std::string LiveAhead(const kubesim::Simulator& simulator) {
    auto fork = simulator.Fork({});
    if (!fork.ok()) return std::string(fork.status().message());
    const uint64_t version = (*fork)->store().resource_version();
    if (auto status = (*fork)->Advance(absl::Minutes(1)); !status.ok())
      return std::string(status.message());
    return (*fork)->store().resource_version() > version ? "" : "nothing happened in a minute";
  }

  int made_ = 0;
  std::string failed_;
  std::jthread thread_;
};

int Run(const std::vector<std::string>& arguments) {
  kubesim::SimulatorOptions options;
  kubesim::DoorOptions door;
  int nodes = 0, pods = 0, fork_every = 0;
  std::string kubeconfig, user;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& word = arguments[i];
    auto value = [&] { return i + 1 < arguments.size() ? arguments[++i] : std::string(); };
    if (word == "--tls")
      door.tls = true;
    else if (word == "--demo")
      options.content = kubesim::Content::kDemo;
    else if (word == "--folder")
      options.content = kubesim::Content::kFolder, options.cluster_dir = value();
    else if (word == "--live")
      options.live = true;
    else if (word == "--no-kubelets")
      options.kubelets = false;
    else if (word == "--nodes")
      nodes = std::atoi(value().c_str());
    else if (word == "--pods")
      pods = std::atoi(value().c_str());
    else if (word == "--kubeconfig")
      kubeconfig = value();
    else if (word == "--fork-every")
      fork_every = std::atoi(value().c_str());
    else if (word == "--user")
      user = value();
    else
      return std::cerr << "opsmesh_kubesim: unknown option " << word << "\n", 64;
  }
  auto simulator = kubesim::Simulator::Create(options);
  if (!simulator.ok()) return std::cerr << simulator.status() << "\n", 1;
  Fill((*simulator)->store(), nodes, pods);
  malloc_trim(0);
  if (auto status = (*simulator)->Start(door); !status.ok()) return std::cerr << status << "\n", 1;
  if (!kubeconfig.empty() && !Save(kubeconfig, (*simulator)->Kubeconfig())) return 1;
  if (const size_t equals = user.find('='); equals != std::string::npos) {
    if (!Save(user.substr(equals + 1), (*simulator)->KubeconfigFor(user.substr(0, equals), {})))
      return 1;
  }
  std::cout << Json{{"url", (*simulator)->url()},
                    {"version", (*simulator)->store().resource_version()}}
                   .dump()
            << std::endl;
  std::optional<Forks> forks;
  if (fork_every > 0) forks.emplace(**simulator, fork_every);
  for (char byte; std::cin.get(byte);) {
  }
  if (forks) std::cout << forks->End().dump() << std::endl;
  return 0;
}

}  // namespace
}  // namespace opsmesh

int main(int argc, char** argv) {
  return opsmesh::Run(std::vector<std::string>(argv + 1, argv + argc));
}
