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

}  // namespace

ptrdiff_t RunAt(const std::vector<Run>& runs, double t) {
  const auto next = std::upper_bound(runs.begin(), runs.end(), t,
                                     [](double time, const Run& run) { return time < run.start; });
  if (next == runs.begin()) return -1;
  const auto run = std::prev(next);
  return t <= run->end ? run - runs.begin() : -1;
}

std::string InstanceOf(const Past& pod) {
  const ContainerPast& first = pod.containers[0];
  return pod.ip + ":" + (first.ports.empty() ? "8080" : first.ports[0]);
}

Model::Model(std::shared_ptr<const Picture> picture, uint64_t seed)
    : picture_(std::move(picture)), seed_(seed), traffic_(*picture_, seed) {
  for (const PastPtr& node : picture_->Of("nodes")) nodes_[node->name] = node;
  for (const PastPtr& pod : traffic_.pods()) {
    for (const ContainerPast& container : pod->containers)
      flows_[pod->uid + "/" + container.name] = FlowOf(*pod, container);
  }
}

std::shared_ptr<const Model::ContainerFlow> Model::FlowOf(const Past& pod,
                                                          const ContainerPast& container) const {
  const ServiceTraffic* service = traffic_.Of(pod.uid);
  const std::string who =
      service != nullptr ? service->ns + "/" + service->name : pod.uid + "/" + container.name;
  auto flow = std::make_shared<ContainerFlow>(service != nullptr ? Wave(who, seed_, 0.3, 0.12)
                                                                 : Wave(who, seed_, 0.03, 0.15));
  const auto piece = [&](double from, double to, double factor) {
    const double demand = container.cpu * factor;
    const double limit = container.cpu_limit;
    const double used = std::isnan(limit) ? demand : std::min(demand, limit);
    flow->cpu.Add(from, to, used);
    const double over =
        std::isnan(limit) || limit <= 0 ? 0 : std::max(0.0, demand / limit - kThrottleFrom);
    flow->throttled.Add(from, to, 10 * std::min(0.95, 0.002 + over));
  };
  double total = 0;
  double ended = 0;
  for (const Run& run : container.runs) {
    if (!std::isinf(run.end)) {
      total += run.end - run.start;
      ++ended;
    }
    if (service == nullptr) {
      piece(run.start, run.end, 1);
      continue;
    }
    for (const Health& health : service->health) {
      const double from = std::max(run.start, health.from);
      const double to = std::min(run.end, health.to);
      const bool serves = pod.ready.At((from + std::min(to, from + 1)) / 2) == 1;
      piece(from, to, serves ? 0.25 + 0.75 * health.load : 0.25);
    }
  }
  if (ended > 0) flow->mean_run = std::max(1.0, total / ended);
  return flow;
}

const Past* Model::NodeOf(const std::string& name) const {
  const auto found = nodes_.find(name);
  return found == nodes_.end() ? nullptr : found->second.get();
}

std::string Model::KubeletOf(const Past& pod) const {
  const Past* node = NodeOf(pod.node);
  return (node == nullptr || node->ip.empty() ? pod.node : node->ip) + ":10250";
}

void Model::Describe(Sink& sink) const {
  State(sink);
  Containers(sink);
  Nodes(sink);
  Kubelets(sink);
  ControlPlane(sink);
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
        sink.Add(key.first, std::move(labels), kStateTarget, past->created, past->deleted,
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
                 past->created, past->deleted, [&container](double t) {
                   const auto next = std::upper_bound(
                       container.runs.begin(), container.runs.end(), t,
                       [](double time, const Run& run) { return time < run.start; });
                   return std::max(0.0, static_cast<double>(next - container.runs.begin()) - 1);
                 });
      }
    }
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
    target("node-exporter", ip + ":9100", {{"node", name}}, node->created, node->deleted, up);
  }
  for (const auto& [key, traffic] : traffic_.services()) {
    if (!traffic.http) continue;
    for (const PastPtr& pod : traffic.pods) {
      if (pod->containers.empty() || pod->containers[0].runs.empty()) continue;
      const ContainerPast& container = pod->containers[0];
      const Past* node = NodeOf(pod->node);
      const std::string instance = InstanceOf(*pod);
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
