// Tool p50 and p99 over many pods, nothing remembered between calls; planner turns over the same
// cluster. Counts are compared with what the cluster was made of: a wrong one ends with 1, and so
// does a scan by every analyzer that takes longer than the floor of 300 ms for 10,000 pods.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "libs/base/error.h"
#include "libs/base/json.h"
#include "services/k8s/fake_cluster.h"
#include "services/k8s/handlers.h"
#include "services/k8s/tool_runner.h"
#include "services/llm/planner/planner.h"

namespace opsmesh {
namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;

constexpr int kPodsOfAWorkload = 10;
constexpr int kWorkloadsOfANamespace = 25;
constexpr double kScanFloorMs = 300;  // for 10,000 pods, more for more

struct Made {
  std::string text;
  int64_t pods = 0, crashing = 0, first_namespace = 0, restarted = 0;
};

json Meta(const std::string& ns, const std::string& name, const std::string& app) {
  json meta = {{"name", name},
               {"uid", ns + "/" + name},
               {"resourceVersion", "1"},
               {"creationTimestamp", "2026-01-09T12:00:00Z"},
               {"labels", {{"app", app}}}};
  if (!ns.empty()) meta["namespace"] = ns;
  return meta;
}

json Spec(const std::string& app, const std::string& node) {
  json spec = {{"containers",
                json::array({{{"name", app},
                              {"image", "registry.example.com/" + app + ":1.0"},
                              {"ports", json::array({{{"name", "http"}, {"containerPort", 8080}}})},
                              {"resources",
                               {{"requests", {{"cpu", "50m"}, {"memory", "64Mi"}}},
                                {"limits", {{"memory", "128Mi"}}}}}}})}};
  if (!node.empty()) spec["nodeName"] = node;
  return spec;
}

// Every 50th pod crashes and has restarted seven times.
Made Make(int64_t pods) {
  Made made;
  json all = json::array();
  const int64_t nodes = std::max<int64_t>(3, pods / 50);
  for (int64_t n = 0; n < nodes; ++n) {
    all.push_back({{"apiVersion", "v1"},
                   {"kind", "Node"},
                   {"metadata", Meta("", fmt::format("node-{}", n), "node")},
                   {"status",
                    {{"allocatable", {{"cpu", "16"}, {"memory", "64Gi"}, {"pods", "110"}}},
                     {"conditions", json::array({{{"type", "Ready"}, {"status", "True"}}})}}}});
  }
  for (int64_t w = 0; w * kPodsOfAWorkload < pods; ++w) {
    const std::string ns = fmt::format("team-{}", w / kWorkloadsOfANamespace),
                      app = fmt::format("app-{}", w);
    if (w % kWorkloadsOfANamespace == 0)
      all.push_back({{"apiVersion", "v1"},
                     {"kind", "Namespace"},
                     {"metadata", Meta("", ns, "ns")},
                     {"status", {{"phase", "Active"}}}});
    const json selector = {{"matchLabels", {{"app", app}}}};
    const json pod_template = {{"metadata", {{"labels", {{"app", app}}}}}, {"spec", Spec(app, "")}};
    all.push_back(
        {{"apiVersion", "apps/v1"},
         {"kind", "Deployment"},
         {"metadata", Meta(ns, app, app)},
         {"spec",
          {{"replicas", kPodsOfAWorkload}, {"selector", selector}, {"template", pod_template}}},
         {"status",
          {{"replicas", kPodsOfAWorkload},
           {"readyReplicas", kPodsOfAWorkload},
           {"availableReplicas", kPodsOfAWorkload},
           {"updatedReplicas", kPodsOfAWorkload}}}});
    json set = {
        {"apiVersion", "apps/v1"},
        {"kind", "ReplicaSet"},
        {"metadata", Meta(ns, app + "-5d4f", app)},
        {"spec",
         {{"replicas", kPodsOfAWorkload}, {"selector", selector}, {"template", pod_template}}}};
    set["metadata"]["ownerReferences"] = json::array({{{"apiVersion", "apps/v1"},
                                                       {"kind", "Deployment"},
                                                       {"name", app},
                                                       {"uid", ns + "/" + app},
                                                       {"controller", true}}});
    set["metadata"]["annotations"] = {{"deployment.kubernetes.io/revision", "1"}};
    all.push_back(std::move(set));
    all.push_back({{"apiVersion", "v1"},
                   {"kind", "Service"},
                   {"metadata", Meta(ns, app, app)},
                   {"spec",
                    {{"type", "ClusterIP"},
                     {"selector", {{"app", app}}},
                     {"ports", json::array({{{"port", 80}, {"targetPort", "http"}}})}}}});
    for (int k = 0; k < kPodsOfAWorkload && made.pods < pods; ++k) {
      const bool bad = made.pods % 50 == 7;
      json pod = {{"apiVersion", "v1"},
                  {"kind", "Pod"},
                  {"metadata", Meta(ns, fmt::format("{}-5d4f-{}", app, k), app)},
                  {"spec", Spec(app, fmt::format("node-{}", made.pods % nodes))}};
      pod["metadata"]["ownerReferences"] = json::array({{{"apiVersion", "apps/v1"},
                                                         {"kind", "ReplicaSet"},
                                                         {"name", app + "-5d4f"},
                                                         {"uid", ns + "/" + app + "-5d4f"},
                                                         {"controller", true}}});
      const json state = bad ? json{{"waiting", {{"reason", "CrashLoopBackOff"}}}}
                             : json{{"running", {{"startedAt", "2026-01-09T12:00:05Z"}}}};
      json status = {
          {"name", app}, {"ready", !bad}, {"restartCount", bad ? 7 : 0}, {"state", state}};
      if (bad)
        status["lastState"] = {
            {"terminated",
             {{"exitCode", 1}, {"reason", "Error"}, {"finishedAt", "2026-01-10T11:58:00Z"}}}};
      pod["status"] = {
          {"phase", "Running"},
          {"podIP", "10.1.2.3"},
          {"qosClass", "Burstable"},
          {"containerStatuses", json::array({status})},
          {"conditions", json::array({{{"type", "Ready"}, {"status", bad ? "False" : "True"}},
                                      {{"type", "PodScheduled"},
                                       {"status", "True"},
                                       {"lastTransitionTime", "2026-01-09T12:00:01Z"}}})}};
      all.push_back(std::move(pod));
      ++made.pods;
      made.crashing += bad;
      made.restarted += bad;
      made.first_namespace += ns == "team-0";
    }
  }
  made.text = all.dump();
  return made;
}

struct Times {
  std::vector<double> ms;
  double at(double q) {
    std::sort(ms.begin(), ms.end());
    return ms.empty() ? 0 : ms[static_cast<size_t>(q * static_cast<double>(ms.size() - 1) + 0.5)];
  }
};

template <typename F>
double Milliseconds(F run) {
  const auto begin = Clock::now();
  run();
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

// The tools without a wire between them and the planner; counts what they take.
class DirectToolBox final : public llm::ToolBox {
 public:
  explicit DirectToolBox(k8s::Handlers& handlers) : handlers_(handlers) {}
  absl::StatusOr<k8s::v1::ListToolsResponse> List(const base::Context&) override {
    if (tools_.tools_size() == 0) {
      auto listed = handlers_.ListTools({});
      if (!listed.ok()) return listed;
      tools_ = *listed;
    }
    return tools_;
  }
  absl::StatusOr<k8s::v1::CallToolResponse> Call(const base::Context& ctx,
                                                 const k8s::v1::CallToolRequest& request) override {
    absl::StatusOr<k8s::v1::CallToolResponse> out = absl::InternalError("not run");
    tool_ms += Milliseconds([&] { out = handlers_.CallTool(ctx, request); });
    return out;
  }
  absl::StatusOr<k8s::v1::DiagnoseResponse> Diagnose(
      const base::Context& ctx, const k8s::v1::DiagnoseRequest& request) override {
    absl::StatusOr<k8s::v1::DiagnoseResponse> out = absl::InternalError("not run");
    tool_ms += Milliseconds([&] { out = handlers_.Diagnose(ctx, request); });
    return out;
  }
  absl::StatusOr<k8s::v1::ResolveObjectsResponse> Resolve(
      const base::Context& ctx, const k8s::v1::ResolveObjectsRequest& request) override {
    return handlers_.ResolveObjects(ctx, request);
  }
  absl::StatusOr<k8s::v1::ListClustersResponse> Clusters(const base::Context& ctx) override {
    return handlers_.ListClusters(ctx);
  }
  double tool_ms = 0;

 private:
  k8s::Handlers& handlers_;
  k8s::v1::ListToolsResponse tools_;
};

// Arguments for tools that need some.
std::string ArgumentsFor(const k8s::Tool& tool) {
  json args = json::object();
  for (const k8s::Param& p : tool.params) {
    if (!p.required && p.name != "deployment_name" && p.name != "replicas") continue;
    if (p.name == "namespace") args["namespace"] = "team-0";
    if (p.name == "resource_type") args["resource_type"] = "pods";
    if (p.name == "name" || p.name == "resource_name" || p.name == "pod_name")
      args[p.name] = "app-0-5d4f-7";
    if (p.name == "deployment_name" && p.required) args[p.name] = "app-0";
    if (p.name == "service_name" || p.name == "destination") args[p.name] = "app-0";
    if (p.name == "replicas") args[p.name] = 12;
  }
  for (const k8s::Param& p : tool.params) {
    if (p.name == "namespace" &&
        (args.contains("pod_name") || args.contains("name") || args.contains("resource_name") ||
         args.contains("deployment_name") || args.contains("service_name") ||
         args.contains("destination")))
      args["namespace"] = "team-0";
  }
  return args.dump();
}

class Bench {
 public:
  explicit Bench(int64_t pods) : made_(Make(pods)) {
    cluster_ = new k8s::FakeCluster(made_.text);
    std::vector<std::unique_ptr<k8s::Cluster>> list;
    list.emplace_back(cluster_);
    clusters_ = std::make_unique<k8s::Clusters>(std::move(list));
    runner_ = std::make_unique<k8s::ToolRunner>(registry_, *clusters_,
                                                k8s::ToolRunnerOptions{.enable_cache = false});
    handlers_ = std::make_unique<k8s::Handlers>(*runner_, indexes_, problems_, base::SystemClock());
  }

  bool Run() {
    fmt::print("== {} pods\n", made_.pods);
    const bool exact = Counts();
    const bool fast = Scan();
    Tools();
    Planner();
    std::fflush(stdout);
    return exact && fast;
  }

 private:
  base::Context Ctx() const {
    return base::Context::Background()
        .WithTimeout(absl::Seconds(60))
        .WithPrincipal({"bench", base::Role::kAdmin});
  }

  bool Is(const char* what, const std::string& name, const std::string& arguments, const char* path,
          int64_t wanted) {
    const auto result = runner_->Run(Ctx(), name, arguments, {});
    int64_t got = -1;
    if (result.ok()) {
      const json data = json::parse(result->json, nullptr, false);
      const json::json_pointer pointer(path);
      if (data.contains(pointer)) got = data[pointer].get<int64_t>();
    }
    fmt::print("{:<44} {:>8} {}\n", what, got,
               got == wanted ? "exact" : fmt::format("WRONG, made {}", wanted));
    return got == wanted;
  }

  bool Counts() {
    bool ok = Is("pods", "list_kubernetes_pods", "{}", "/total", made_.pods);
    ok &= Is("pods of one namespace", "list_kubernetes_pods", R"({"namespace":"team-0"})", "/total",
             made_.first_namespace);
    ok &= Is("crashing pods", "kubectl_get_resources",
             R"({"resource_type":"pods","status":"CrashLoopBackOff"})", "/matched", made_.crashing);
    ok &= Is("pods that restarted more than 5 times", "kubectl_get_resources",
             R"({"resource_type":"pods","where":["restarts>5"],"limit":1})", "/matched",
             made_.restarted);
    ok &= Is("groups by namespace", "kubectl_get_resources",
             R"({"resource_type":"pods","group_by":["namespace"]})", "/group_total",
             (made_.pods + 249) / 250);
    return ok;
  }

  // Every analyzer over the whole cluster, beside one bare pass over the same pods' JSON.
  bool Scan() {
    Times scan, parse;
    int64_t findings = 0;
    size_t objects = 0;
    for (int i = 0; i < 7; ++i) {
      scan.ms.push_back(Milliseconds([&] {
        const auto result = handlers_->Diagnose(Ctx(), {});
        findings = result.ok() ? result->findings_size() : -1;
      }));
      parse.ms.push_back(
          Milliseconds([&] { objects = json::parse(made_.text, nullptr, false).size(); }));
    }
    const double floor = kScanFloorMs * std::max(1.0, static_cast<double>(made_.pods) / 10000.0);
    const bool ok = findings >= 0 && scan.at(0.5) <= floor;
    fmt::print(
        "every analyzer: p50 {:.1f} ms (floor {:.0f}), {} findings; {:.2f} of parsing the objects "
        "once: {}\n",
        scan.at(0.5), floor, findings, scan.at(0.5) / parse.at(0.5), objects, ok ? "ok" : "MISSED");
    return ok;
  }

  void Tools() {
    struct Row {
      std::string name;
      double p50, p99;
    };
    std::vector<Row> rows;
    Times everything;
    for (const k8s::Tool* tool : registry_.List("", false)) {
      if (tool->name == "wait_for_pod_ready") continue;  // waits by design
      const std::string arguments = ArgumentsFor(*tool);
      Times times;
      const auto first = runner_->Run(Ctx(), tool->name, arguments, {});
      if (!first.ok() && base::DetailOf(first.status()).reason == "TOOL_ARGUMENTS") {
        fmt::print("{:<44} not measured: {}\n", tool->name, std::string(first.status().message()));
        continue;
      }
      for (int i = 0; i < 15; ++i)
        times.ms.push_back(
            Milliseconds([&] { (void)runner_->Run(Ctx(), tool->name, arguments, {}); }));
      everything.ms.insert(everything.ms.end(), times.ms.begin(), times.ms.end());
      rows.push_back({tool->name, times.at(0.5), times.at(0.99)});
    }
    std::sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return a.p50 > b.p50; });
    fmt::print("{} tools: p50 {:.2f} ms, p99 {:.2f} ms; the slowest:\n", rows.size(),
               everything.at(0.5), everything.at(0.99));
    for (size_t i = 0; i < rows.size() && i < 12; ++i)
      fmt::print("  {:<42} p50 {:8.2f} ms  p99 {:8.2f} ms\n", rows[i].name, rows[i].p50,
                 rows[i].p99);
  }

  void Planner() {
    DirectToolBox tools(*handlers_);
    const llm::Planner planner(tools, {});
    Times plan, whole;
    const char* const questions[] = {"how many pods are there",
                                     "哪些pod没起来",
                                     "logs of app-17",
                                     "is app-3 ok?",
                                     "pods in team-2",
                                     "top 5 pods by restarts",
                                     "why is app-100 crashing",
                                     "describe deployment app-42",
                                     "每个命名空间有多少pod",
                                     "pods that restarted more than 5 times",
                                     "scale app-9 to 12",
                                     "app-77的事件",
                                     "节点资源还剩多少",
                                     "/pods team-1",
                                     "hello"};
    for (int round = 0; round < 8; ++round) {
      for (const char* question : questions) {
        llm::v1::RunTurnRequest request;
        request.set_query(question);
        tools.tool_ms = 0;
        const double ms = Milliseconds([&] {
          (void)planner.RunTurn(Ctx(), request,
                                [](llm::v1::RunTurnResponse) { return absl::OkStatus(); });
        });
        if (round == 0) continue;  // indexes are built by the first questions
        whole.ms.push_back(ms);
        plan.ms.push_back(ms - tools.tool_ms);
      }
    }
    fmt::print(
        "planner: reading and linking p50 {:.2f} ms, p99 {:.2f} ms; whole turns with their tools "
        "p50 {:.2f} ms, p99 {:.2f} ms\n",
        plan.at(0.5), plan.at(0.99), whole.at(0.5), whole.at(0.99));
  }

  const Made made_;
  const k8s::ToolRegistry registry_ = k8s::AllTools();
  k8s::FakeCluster* cluster_ = nullptr;
  std::unique_ptr<k8s::Clusters> clusters_;
  std::unique_ptr<k8s::ToolRunner> runner_;
  k8s::IndexCaches indexes_{base::SystemClock()};
  const std::vector<k8s::ClusterProblem> problems_;
  std::unique_ptr<k8s::Handlers> handlers_;
};

}  // namespace
}  // namespace opsmesh

int main(int argc, char** argv) {
  bool exact = true;
  for (int i = 1; i < argc; ++i)
    exact = opsmesh::Bench(std::strtoll(argv[i], nullptr, 10)).Run() && exact;
  return exact ? 0 : 1;
}
