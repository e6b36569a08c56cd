// What libs/kube costs: time to the first list, memory of a cached pod, time to rebuild and to scan the cache.
//
//   opsmesh_bench_kube serve PODS        an API server of many pods in memory; prints its URL, ends with stdin
//   opsmesh_bench_kube list KUBECONFIG   reads them all through the cache; prints one JSON line of figures
//
// run.py puts both side by side with kubectl on the same server in the same run.
#include <fmt/format.h>
#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include "libs/base/strings.h"
#include "libs/http_client/http_client.h"
#include "libs/http_server/http_server.h"
#include "libs/kube/cache.h"
#include "libs/kube/views.h"

namespace opsmesh::bench {
namespace {

using http_server::Exchange;

/// Hexadecimal digits that look random and are the same for the same seed: ids of containers, digests, suffixes.
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
  return fmt::format("2026-11-{:02}T{:02}:{:02}:{:02}Z", 10 + number % 10, seconds / 3600, seconds / 60 % 60, seconds % 60);
}

/// A pod as a deployment of a usual cluster has it: two containers, probes, a token volume, conditions, managedFields.
/// What differs between pods of a real cluster differs here: uids, ids of containers, times, addresses, the name of the
/// token volume; and from app to app images, digests, environment, arguments and limits. Five pods an app.
std::string PodJson(int number) {
  const int family = number / 5;
  const auto id = static_cast<uint64_t>(number) * 16;
  const std::string app = fmt::format("app-{}", family);
  const std::string hash = Hex(static_cast<uint64_t>(family) + 1000000, 9);
  const std::string name = fmt::format("{}-{}-{}", app, hash, Hex(id, 5));
  const std::string token = "kube-api-access-" + Hex(id + 1, 5);
  const auto container = [&](std::string_view which) {
    return fmt::format(
        R"({{"name":"{0}","image":"registry.example.com/team/{0}:1.{1}.0","ports":[{{"name":"http","containerPort":8080,"protocol":"TCP"}}],)"
        R"("args":["--listen=:8080","--upstream=http://svc-{1}.team-{3}.svc:80","--shard={3}"],)"
        R"("env":[{{"name":"LOG_LEVEL","value":"info"}},{{"name":"SERVICE_{3}","value":"{4}"}},{{"name":"POD_NAME","valueFrom":{{"fieldRef":{{"apiVersion":"v1","fieldPath":"metadata.name"}}}}}},{{"name":"DB_PASSWORD","valueFrom":{{"secretKeyRef":{{"name":"db","key":"password"}}}}}}],)"
        R"("resources":{{"limits":{{"cpu":"{1}00m","memory":"{3}Mi"}},"requests":{{"cpu":"100m","memory":"256Mi"}}}},)"
        R"("volumeMounts":[{{"name":"{2}","readOnly":true,"mountPath":"/var/run/secrets/kubernetes.io/serviceaccount"}}],)"
        R"("livenessProbe":{{"httpGet":{{"path":"/healthz","port":"http","scheme":"HTTP"}},"timeoutSeconds":1,"periodSeconds":10,"successThreshold":1,"failureThreshold":3}},)"
        R"("readinessProbe":{{"httpGet":{{"path":"/ready","port":8080,"scheme":"HTTP"}},"timeoutSeconds":1,"periodSeconds":5,"successThreshold":1,"failureThreshold":3}},)"
        R"("terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File","imagePullPolicy":"IfNotPresent"}})",
        which, family % 30 + 1, token, family, Hex(static_cast<uint64_t>(family) + 2000000, 24));
  };
  const auto status = [&](std::string_view which) {
    return fmt::format(
        R"({{"name":"{0}","state":{{"running":{{"startedAt":"{2}"}}}},"lastState":{{}},"ready":true,"restartCount":{1},)"
        R"("image":"registry.example.com/team/{0}:1.{5}.0","imageID":"registry.example.com/team/{0}@sha256:{3}",)"
        R"("containerID":"containerd://{4}","started":true}})",
        which, number % 3, Stamp(number, 1), Hex(static_cast<uint64_t>(family % 30) + 3000000, 64), Hex(id + (which == "web" ? 2 : 7), 64),
        family % 30 + 1);
  };
  const auto condition = [&](std::string_view type) {
    return fmt::format(R"({{"type":"{}","status":"True","lastProbeTime":null,"lastTransitionTime":"{}"}})", type, Stamp(number, 2));
  };
  return fmt::format(
      R"({{"metadata":{{"name":"{0}","generateName":"{1}-{17}-","namespace":"team-{2}","uid":"{18}","resourceVersion":"{4}",)"
      R"("creationTimestamp":"{19}","labels":{{"app.kubernetes.io/name":"{1}","app.kubernetes.io/part-of":"shop","pod-template-hash":"{17}","tier":"backend"}},)"
      R"("annotations":{{"prometheus.io/scrape":"true","prometheus.io/port":"8080"}},"ownerReferences":[{{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"{1}-{17}","uid":"{5:08x}-0000-4000-8000-000000000000","controller":true,"blockOwnerDeletion":true}}],)"
      R"("managedFields":[{{"manager":"kube-controller-manager","operation":"Update","apiVersion":"v1","time":"2026-11-20T01:02:00Z","fieldsType":"FieldsV1","fieldsV1":{{"f:metadata":{{"f:generateName":{{}},"f:labels":{{".":{{}},"f:app.kubernetes.io/name":{{}},"f:pod-template-hash":{{}}}},"f:ownerReferences":{{}}}},"f:spec":{{"f:containers":{{"k:{{\"name\":\"web\"}}":{{".":{{}},"f:env":{{}},"f:image":{{}},"f:ports":{{}},"f:resources":{{}}}}}},"f:dnsPolicy":{{}},"f:restartPolicy":{{}},"f:schedulerName":{{}}}}}}}},)"
      R"({{"manager":"kubelet","operation":"Update","apiVersion":"v1","time":"2026-11-20T01:02:03Z","fieldsType":"FieldsV1","fieldsV1":{{"f:status":{{"f:conditions":{{}},"f:containerStatuses":{{}},"f:hostIP":{{}},"f:phase":{{}},"f:podIP":{{}},"f:startTime":{{}}}}}},"subresource":"status"}}]}},)"
      R"("spec":{{"volumes":[{{"name":"{20}","projected":{{"sources":[{{"serviceAccountToken":{{"expirationSeconds":3607,"path":"token"}}}},{{"configMap":{{"name":"kube-root-ca.crt","items":[{{"key":"ca.crt","path":"ca.crt"}}]}}}}],"defaultMode":420}}}}],)"
      R"("containers":[{6},{7}],"restartPolicy":"Always","terminationGracePeriodSeconds":30,"dnsPolicy":"ClusterFirst","serviceAccountName":"default","serviceAccount":"default","nodeName":"node-{8}","securityContext":{{}},"schedulerName":"default-scheduler",)"
      R"("tolerations":[{{"key":"node.kubernetes.io/not-ready","operator":"Exists","effect":"NoExecute","tolerationSeconds":300}},{{"key":"node.kubernetes.io/unreachable","operator":"Exists","effect":"NoExecute","tolerationSeconds":300}}],"priority":0,"enableServiceLinks":true,"preemptionPolicy":"PreemptLowerPriority"}},)"
      R"("status":{{"phase":"Running","conditions":[{9},{10},{11},{12}],"hostIP":"10.0.0.{8}","podIP":"10.244.{13}.{14}","podIPs":[{{"ip":"10.244.{13}.{14}"}}],"startTime":"{19}","containerStatuses":[{15},{16}],"qosClass":"Burstable"}}}})",
      name, app, family % 40, number, 1000 + number * 7, family, container("web"), container("sidecar"), number % 100,
      condition("Initialized"), condition("Ready"), condition("ContainersReady"), condition("PodScheduled"), number / 250 % 250,
      number % 250, status("web"), status("sidecar"), hash,
      fmt::format("{}-{}-4{}-8{}-{}", Hex(id + 3, 8), Hex(id + 4, 4), Hex(id + 5, 3), Hex(id + 6, 3), Hex(id + 8, 12)), Stamp(number, 0), token);
}

/// Serves the pods with and without paging, and the discovery that kubectl wants.
class ManyPods {
 public:
  explicit ManyPods(int pods) {
    for (int i = 0; i < pods; ++i) items_.push_back(PodJson(i));
  }
  void Serve(std::shared_ptr<Exchange> exchange) const {
    const auto& request = exchange->request();
    if (request.path == "/api/v1/pods") return List(*exchange, request.raw_query);
    if (request.path == "/api") return Json(*exchange, R"({"kind":"APIVersions","versions":["v1"]})");
    if (request.path == "/apis") return Json(*exchange, R"({"kind":"APIGroupList","apiVersion":"v1","groups":[]})");
    if (request.path == "/version") return Json(*exchange, R"({"major":"1","minor":"32","gitVersion":"v1.32.0"})");
    if (request.path == "/api/v1") {
      return Json(*exchange, R"({"kind":"APIResourceList","groupVersion":"v1","resources":[{"name":"pods","singularName":"pod","namespaced":true,"kind":"Pod","verbs":["get","list","watch"],"shortNames":["po"]}]})");
    }
    exchange->Respond({404, {}, ""});
  }

 private:
  static void Json(Exchange& exchange, std::string body) {
    http_server::Response response;
    response.headers.Set("Content-Type", "application/json");
    response.body = std::move(body);
    exchange.Respond(std::move(response));
  }
  void List(Exchange& exchange, std::string_view query) const {
    size_t limit = items_.size();
    size_t from = 0;
    for (const auto pair : base::Split(query, '&')) {
      if (pair.starts_with("watch=true") || pair.starts_with("watch=1")) return exchange.Start({});
      if (pair.starts_with("limit=")) limit = std::strtoul(std::string(pair.substr(6)).c_str(), nullptr, 10);
      if (pair.starts_with("continue=")) from = std::strtoul(std::string(pair.substr(9)).c_str(), nullptr, 10);
    }
    const size_t to = std::min(items_.size(), from + limit);
    std::string body = R"({"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"99999")";
    if (to < items_.size()) body += fmt::format(R"(,"continue":"{}","remainingItemCount":{})", to, items_.size() - to);
    body += "},\"items\":[";
    for (size_t i = from; i < to; ++i) body.append(i == from ? "" : ",").append(items_[i]);
    Json(exchange, body + "]}");
  }
  std::vector<std::string> items_;
};

int Serve(int pods) {
  const ManyPods cluster(pods);
  auto server = http_server::Server::Start({}, [&](std::shared_ptr<Exchange> exchange) { cluster.Serve(std::move(exchange)); });
  if (!server.ok()) return 1;
  std::cout << "http://127.0.0.1:" << (*server)->port() << std::endl;
  std::cin.get();
  (*server)->Stop(absl::ZeroDuration());
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
double Seconds(absl::Duration from) { return absl::ToDoubleSeconds(base::SystemClock().Steady() - from); }
double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6; };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

int List(const std::string& kubeconfig) {
  const auto config = kube::LoadCluster({.kubeconfig_flag = kubeconfig});
  if (!config.ok()) return std::cerr << config.status() << "\n", 1;
  const auto http = http_client::Client::Create();
  kube::Client::Options options;
  options.config = *config;
  options.http = http.get();
  options.requests_per_second = 0;
  const auto client = kube::Client::Create(options);
  if (!client.ok()) return std::cerr << client.status() << "\n", 1;
  const size_t before = ResidentBytes();
  const absl::Duration start = base::SystemClock().Steady();
  kube::Cache::Options cache_options;
  cache_options.kinds = {"pods"};
  const auto cache = kube::Cache::Start(**client, cache_options);
  if (!cache.ok()) return std::cerr << cache.status() << "\n", 1;
  const absl::Status synced = (*cache)->WaitForSync(base::Context::Background().WithTimeout(absl::Minutes(5)));
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
  for (const auto& object : pods->objects()) unhealthy += object->As<kube::Pod>()->healthy() ? 0 : 1;
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
  std::cout << fmt::format(
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
  const std::string what = argc == 3 ? argv[1] : "";
  if (what == "serve") return opsmesh::bench::Serve(std::atoi(argv[2]));
  if (what == "list") return opsmesh::bench::List(argv[2]);
  std::cerr << "usage: opsmesh_bench_kube serve PODS | list KUBECONFIG\n";
  return 64;
}
