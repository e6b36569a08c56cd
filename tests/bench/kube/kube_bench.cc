// What libs/kube costs: time to the first list, memory of a cached pod, time to rebuild and to scan
// the cache.
//
//   opsmesh_bench_kube fill KUBECONFIG PODS   creates that many pods that differ as real ones do
//   opsmesh_bench_kube list KUBECONFIG        reads them all through the cache; prints one JSON
//   line of figures
//
// run.py puts both side by side with kubectl on the same server in the same run.
#include <fmt/format.h>
#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "libs/base/strings.h"
#include "libs/http_client/http_client.h"
#include "libs/kube/cache.h"
#include "libs/kube/views.h"

namespace opsmesh::bench {
namespace {

constexpr int kNamespaces = 40;
constexpr int kWriters = 16;

/// Hexadecimal digits that look random and are the same for the same seed: ids of containers,
/// digests, suffixes.
std::string Hex(uint64_t seed, size_t digits) {
  std::string text;
  while (text.size() < digits) {
    seed += 0x9e3779b97f4a7c15;  // splitmix64
    uint64_t z = (seed ^ (seed >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    text += fmt::format("{:016x}", z ^ (z >> 31));
  }
  return text.substr(0, digits);
}

/// Some seconds of a day that differ from pod to pod and from place to place.
std::string Stamp(int number, int place) {
  const int seconds = (number * 7919 + place * 104729) % 86400;
  return fmt::format("2026-11-{:02}T{:02}:{:02}:{:02}Z", 10 + number % 10, seconds / 3600,
                     seconds / 60 % 60, seconds % 60);
}

/// A pod as a deployment of a usual cluster has it: two containers, probes, a token volume,
/// conditions. What differs between pods of a real cluster differs here: uids, ids of containers,
/// times, addresses, the name of the token volume; and from app to app images, digests,
/// environment, arguments and limits. Five pods an app.
struct PodText {
  std::string ns;
  std::string name;
  std::string object;  // to be created
  std::string status;  // {"status": ...}, to be patched in
};

std::string ContainerJson(int family, std::string_view which, const std::string& token) {
  return fmt::format(
      R"({{"name":"{0}","image":"registry.example.com/team/{0}:1.{1}.0","ports":[{{"name":"http-{0}","containerPort":8080,"protocol":"TCP"}}],)"
      R"("args":["--listen=:8080","--upstream=http://svc-{1}.team-{3}.svc:80","--shard={3}"],)"
      R"("env":[{{"name":"LOG_LEVEL","value":"info"}},{{"name":"SERVICE_{3}","value":"{4}"}},{{"name":"POD_NAME","valueFrom":{{"fieldRef":{{"apiVersion":"v1","fieldPath":"metadata.name"}}}}}},{{"name":"DB_PASSWORD","valueFrom":{{"secretKeyRef":{{"name":"db","key":"password"}}}}}}],)"
      R"("resources":{{"limits":{{"cpu":"{1}00m","memory":"{5}Mi"}},"requests":{{"cpu":"100m","memory":"256Mi"}}}},)"
      R"("volumeMounts":[{{"name":"{2}","readOnly":true,"mountPath":"/var/run/secrets/kubernetes.io/serviceaccount"}}],)"
      R"("livenessProbe":{{"httpGet":{{"path":"/healthz","port":8080,"scheme":"HTTP"}},"timeoutSeconds":1,"periodSeconds":10,"successThreshold":1,"failureThreshold":3}},)"
      R"("readinessProbe":{{"httpGet":{{"path":"/ready","port":8080,"scheme":"HTTP"}},"timeoutSeconds":1,"periodSeconds":5,"successThreshold":1,"failureThreshold":3}},)"
      R"("terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File","imagePullPolicy":"IfNotPresent"}})",
      which, family % 30 + 1, token, family, Hex(static_cast<uint64_t>(family) + 2000000, 24),
      256 + family);
}

std::string ContainerStatusJson(int number, std::string_view which) {
  const int family = number / 5;
  const auto id = static_cast<uint64_t>(number) * 16 + (which == "web" ? 2 : 7);
  return fmt::format(
      R"({{"name":"{0}","state":{{"running":{{"startedAt":"{2}"}}}},"lastState":{{}},"ready":true,"restartCount":{1},)"
      R"("image":"registry.example.com/team/{0}:1.{5}.0","imageID":"registry.example.com/team/{0}@sha256:{3}",)"
      R"("containerID":"containerd://{4}","started":true}})",
      which, number % 3, Stamp(number, 1), Hex(static_cast<uint64_t>(family % 30) + 3000000, 64),
      Hex(id, 64), family % 30 + 1);
}

std::string StatusJson(int number) {
  std::string conditions;
  for (const char* type : {"Initialized", "Ready", "ContainersReady", "PodScheduled"}) {
    conditions += fmt::format(
        R"({}{{"type":"{}","status":"True","lastProbeTime":null,"lastTransitionTime":"{}"}})",
        conditions.empty() ? "" : ",", type, Stamp(number, 2));
  }
  return fmt::format(
      R"({{"status":{{"phase":"Running","conditions":[{}],"hostIP":"10.0.0.{}","podIP":"10.244.{}.{}","podIPs":[{{"ip":"10.244.{}.{}"}}],)"
      R"("startTime":"{}","containerStatuses":[{},{}]}}}})",
      conditions, number % 100 + 1, number / 250 % 250, number % 250, number / 250 % 250,
      number % 250, Stamp(number, 0), ContainerStatusJson(number, "web"),
      ContainerStatusJson(number, "sidecar"));
}

PodText MakePod(int number) {
  const int family = number / 5;
  const auto id = static_cast<uint64_t>(number) * 16;
  const std::string app = fmt::format("app-{}", family);
  const std::string hash = Hex(static_cast<uint64_t>(family) + 1000000, 9);
  const std::string token = "kube-api-access-" + Hex(id + 1, 5);
  PodText pod;
  pod.ns = fmt::format("team-{}", family % kNamespaces);
  pod.name = fmt::format("{}-{}-{}", app, hash, Hex(id, 5));
  pod.object = fmt::format(
      R"({{"apiVersion":"v1","kind":"Pod","metadata":{{"name":"{0}","generateName":"{1}-{2}-","namespace":"{3}",)"
      R"("labels":{{"app.kubernetes.io/name":"{1}","app.kubernetes.io/part-of":"shop","pod-template-hash":"{2}","tier":"backend"}},)"
      R"("annotations":{{"prometheus.io/scrape":"true","prometheus.io/port":"8080"}},"ownerReferences":[{{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"{1}-{2}","uid":"{4:08x}-0000-4000-8000-000000000000","controller":true,"blockOwnerDeletion":true}}]}},)"
      R"("spec":{{"automountServiceAccountToken":false,"volumes":[{{"name":"{5}","projected":{{"sources":[{{"serviceAccountToken":{{"expirationSeconds":3607,"path":"token"}}}},{{"configMap":{{"name":"kube-root-ca.crt","items":[{{"key":"ca.crt","path":"ca.crt"}}]}}}}],"defaultMode":420}}}}],)"
      R"("containers":[{6},{7}],"restartPolicy":"Always","terminationGracePeriodSeconds":30,"dnsPolicy":"ClusterFirst","serviceAccountName":"default","serviceAccount":"default","nodeName":"node-{8}","securityContext":{{}},"schedulerName":"default-scheduler",)"
      R"("tolerations":[{{"key":"node.kubernetes.io/not-ready","operator":"Exists","effect":"NoExecute","tolerationSeconds":300}},{{"key":"node.kubernetes.io/unreachable","operator":"Exists","effect":"NoExecute","tolerationSeconds":300}}],"enableServiceLinks":true}}}})",
      pod.name, app, hash, pod.ns, family, token, ContainerJson(family, "web", token),
      ContainerJson(family, "sidecar", token), number % 100);
  pod.status = StatusJson(number);
  return pod;
}

/// Creates objects over connections that are kept: kube::Client opens one for each write, so that
/// none is ever sent twice, and twenty thousand handshakes are not what is measured here.
class Filler {
 public:
  explicit Filler(const kube::ClusterConfig& config)
      : config_(config), http_(http_client::Client::Create()) {
    auto connection = std::make_shared<http_client::Connection>();
    connection->ca_pem = config.ca_pem;
    connection->client_cert_pem = config.client_cert_pem;
    connection->client_key_pem = config.client_key_pem;
    connection_ = std::move(connection);
  }
  /// True when it was made, or is there already.
  bool Send(const char* method, const std::string& path, std::string body) {
    http_client::Request request;
    request.method = method;
    request.url = config_.server + path;
    request.connection = connection_;
    request.body = std::move(body);
    request.headers.emplace_back("Content-Type", *method == 'P' && method[1] == 'A'
                                                     ? "application/merge-patch+json"
                                                     : "application/json");
    if (!config_.token.empty())
      request.secret_headers.emplace_back("Authorization",
                                          base::Secret("Bearer " + config_.token.Reveal()));
    const auto response =
        http_->Fetch(base::Context::Background().WithTimeout(absl::Minutes(1)), std::move(request));
    if (!response.ok()) return std::cerr << response.status() << "\n", false;
    if (response->status / 100 == 2 || response->status == 409) return true;
    return std::cerr << method << " " << path << ": " << response->status << " "
                     << response->body.substr(0, 500) << "\n",
           false;
  }
  bool SendPod(int number) {
    const PodText pod = MakePod(number);
    const std::string pods = "/api/v1/namespaces/" + pod.ns + "/pods";
    return Send("POST", pods, pod.object) &&
           Send("PATCH", pods + "/" + pod.name + "/status", pod.status);
  }
  bool SendNamespace(int number) {
    const std::string ns = fmt::format("team-{}", number);
    return Send(
               "POST", "/api/v1/namespaces",
               fmt::format(R"({{"apiVersion":"v1","kind":"Namespace","metadata":{{"name":"{}"}}}})",
                           ns)) &&
           Send("POST", "/api/v1/namespaces/" + ns + "/serviceaccounts",
                R"({"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"default"}})");
  }

 private:
  const kube::ClusterConfig config_;
  const std::unique_ptr<http_client::Client> http_;
  std::shared_ptr<const http_client::Connection> connection_;
};

/// Creates the pods, several at a time; prints one JSON line.
int Fill(const std::string& kubeconfig, int pods) {
  const auto config = kube::LoadCluster({.kubeconfig_flag = kubeconfig});
  if (!config.ok()) return std::cerr << config.status() << "\n", 1;
  Filler filler(*config);
  const absl::Duration start = base::SystemClock().Steady();
  for (int i = 0; i < kNamespaces; ++i) {
    if (!filler.SendNamespace(i)) return 1;
  }
  std::atomic<int> next{0};
  std::atomic<int> failed{0};
  std::vector<std::thread> writers;
  for (int i = 0; i < kWriters; ++i) {
    writers.emplace_back([&] {
      for (int number = next++; number < pods && failed < 10; number = next++)
        failed += filler.SendPod(number) ? 0 : 1;
    });
  }
  for (std::thread& writer : writers) writer.join();
  if (failed > 0) return 1;
  std::cout << fmt::format(R"({{"pods":{},"fill_seconds":{:.1f}}})", pods,
                           absl::ToDoubleSeconds(base::SystemClock().Steady() - start))
            << std::endl;
  return 0;
}

/// Resident bytes of this process, free memory given back first.
size_t ResidentBytes() {
  malloc_trim(0);
  std::ifstream file("/proc/self/statm");
  size_t all = 0;
  size_t resident = 0;
  file >> all >> resident;
  return resident * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}
double Seconds(absl::Duration from) {
  return absl::ToDoubleSeconds(base::SystemClock().Steady() - from);
}
double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

int List(const std::string& kubeconfig) {
  const auto http = http_client::Client::Create();
  const auto config = kube::LoadCluster({.kubeconfig_flag = kubeconfig});
  if (!config.ok()) return std::cerr << config.status() << "\n", 1;
  kube::Client::Options client_options;
  client_options.config = *config;
  client_options.http = http.get();
  client_options.requests_per_second = 0;
  const auto client = kube::Client::Create(client_options);
  if (!client.ok()) return std::cerr << client.status() << "\n", 1;
  const size_t before = ResidentBytes();
  const absl::Duration start = base::SystemClock().Steady();
  kube::Cache::Options cache_options;
  cache_options.kinds = {"pods"};
  const auto cache = kube::Cache::Start(**client, cache_options);
  if (!cache.ok()) return std::cerr << cache.status() << "\n", 1;
  const absl::Status synced =
      (*cache)->WaitForSync(base::Context::Background().WithTimeout(absl::Minutes(5)));
  if (!synced.ok()) return std::cerr << synced << "\n", 1;
  const auto pods = (*cache)->Get("pods");
  const double first_list = Seconds(start);
  const double cpu = CpuSeconds();
  const size_t count = pods->objects().size();
  const size_t listed = ResidentBytes();
  const absl::Duration decode_start = base::SystemClock().Steady();
  int64_t restarts = 0;
  for (const auto& object : pods->objects()) restarts += object->As<kube::Pod>()->restarts;
  const double decode = Seconds(decode_start);
  const size_t decoded = ResidentBytes();
  const absl::Duration scan_start = base::SystemClock().Steady();
  size_t unhealthy = 0;
  for (const auto& object : pods->objects())
    unhealthy += object->As<kube::Pod>()->healthy() ? 0 : 1;
  const double scan = Seconds(scan_start);
  const double each = count == 0 ? 1 : static_cast<double>(count);
  const auto all_text = [&] {
    size_t bytes = 0;
    for (const auto& object : pods->objects()) bytes += object->json().size();
    return bytes;
  };
  const double kept = static_cast<double>((*cache)->MemoryBytes());
  const absl::Duration text_start = base::SystemClock().Steady();
  const size_t text = all_text();
  const double unpack = Seconds(text_start);
  std::cout
      << fmt::format(
             R"({{"pods":{},"first_list_seconds":{:.4f},"cpu_seconds":{:.4f},"decode_seconds":{:.4f},"scan_seconds":{:.6f},)"
             R"("bytes_a_pod":{:.0f},"bytes_a_pod_with_view":{:.0f},"bytes_a_pod_own_count":{:.0f},"json_bytes_a_pod":{:.0f},"unpack_seconds":{:.4f},"restarts":{},"unhealthy":{}}})",
             count, first_list, cpu, decode, scan, static_cast<double>(listed - before) / each,
             static_cast<double>(decoded - before) / each, kept / each,
             static_cast<double>(text) / each, unpack, restarts, unhealthy)
      << std::endl;
  return 0;
}

}  // namespace
}  // namespace opsmesh::bench

int main(int argc, char** argv) {
  const std::string what = argc >= 3 ? argv[1] : "";
  if (what == "fill" && argc == 4) return opsmesh::bench::Fill(argv[2], std::atoi(argv[3]));
  if (what == "list" && argc == 3) return opsmesh::bench::List(argv[2]);
  std::cerr << "usage: opsmesh_bench_kube fill KUBECONFIG PODS | list KUBECONFIG\n";
  return 64;
}
