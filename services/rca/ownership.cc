#include "services/rca/ownership.h"

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "fmt/format.h"

namespace opsmesh::rca {
namespace {

// Labels in the order in which they tell an owner. What an application says of itself counts before
// where it was scraped.
constexpr auto kServiceLabels = std::to_array<const char*>(
    {"service", "service_name", "destination_workload", "destination_service_name", "app",
     "app_kubernetes_io_name", "workload"});
constexpr auto kObjectLabels =
    std::to_array<std::pair<const char*, const char*>>({{"deployment", "Deployment"},
                                                        {"statefulset", "StatefulSet"},
                                                        {"daemonset", "DaemonSet"},
                                                        {"cronjob", "CronJob"},
                                                        {"job_name", "Job"}});
// In the order in which they tell two series of one owner apart; then all others by name.
constexpr auto kTelling =
    std::to_array<const char*>({"pod", "container", "code", "status", "method", "le", "interface",
                                "device", "reason", "cpu", "mode", "node", "instance"});

std::string Label(const MetricSeries& s, const char* name) {
  const auto found = s.labels.find(name);
  return found == s.labels.end() ? "" : found->second;
}

// kube-state-metrics' own words, when its scraper put its own in front of them.
std::string Exported(const MetricSeries& s, const char* name) {
  std::string value = Label(s, ("exported_" + std::string(name)).c_str());
  return value.empty() ? Label(s, name) : value;
}

std::string Namespace(const MetricSeries& s) { return Exported(s, "namespace"); }

CauseObject OfPod(const MetricSeries& s, const Topology& topology, const std::string& pod) {
  return topology.WorkloadOf(Namespace(s), pod);
}

std::optional<CauseObject> OfObject(const MetricSeries& s) {
  for (const auto& [label, kind] : kObjectLabels) {
    if (std::string value = Exported(s, label); !value.empty())
      return CauseObject{kind, Namespace(s), std::move(value)};
  }
  return std::nullopt;
}

std::optional<CauseObject> OfNode(const MetricSeries& s, const Topology& topology) {
  for (const char* label : {"node", "instance"}) {
    if (const std::string value = Exported(s, label); !value.empty()) {
      std::string node = topology.NodeOf(value);
      return CauseObject{topology.IsNode(node) || label[0] == 'n' ? "Node" : "", "",
                         std::move(node)};
    }
  }
  return std::nullopt;
}

CauseObject Find(const MetricSeries& s, const Topology& topology) {
  const std::string_view metric = s.metric;
  const std::string pod = Exported(s, "pod");
  // Exporters that speak of others: their own service and pod labels tell who speaks.
  if (metric.starts_with("container_") && !pod.empty()) return OfPod(s, topology, pod);
  if (metric.starts_with("kube_") || s.titled) {
    if (auto object = OfObject(s)) return *std::move(object);
    if (!pod.empty()) return OfPod(s, topology, pod);
  }
  if (metric.starts_with("node_") || metric.starts_with("kube_node_")) {
    if (auto node = OfNode(s, topology)) return *std::move(node);
  }
  for (const char* name : kServiceLabels) {
    if (const std::string value = Label(s, name); !value.empty())
      return topology.Behind(Namespace(s), value);
  }
  if (auto object = OfObject(s)) return *std::move(object);
  if (!pod.empty()) return OfPod(s, topology, pod);
  if (auto node = OfNode(s, topology)) return *std::move(node);
  for (const char* name : {"container", "job"}) {
    if (std::string value = Label(s, name); !value.empty())
      return {"", Namespace(s), std::move(value)};
  }
  return {"", Namespace(s), s.metric};
}

/// Gives every owner the shortest name that is his alone.
class Namer {
 public:
  void Add(const CauseObject& object) { namespaces_[object.name].insert(object.ns); }
  std::string Of(const CauseObject& object) {
    const auto& all = namespaces_[object.name];
    std::string name = all.size() > 1 && !object.ns.empty()
                           ? fmt::format("{}/{}", object.ns, object.name)
                           : object.name;
    // What has a kind says more about a name than what has none.
    CauseObject& kept = names_.emplace(name, object).first->second;
    if (kept.kind.empty() || (kept.kind == "Service" && !object.kind.empty())) kept = object;
    return name;
  }
  Names Take() { return std::move(names_); }

 private:
  std::map<std::string, std::set<std::string>> namespaces_;
  Names names_;
};

// "cpu" alone, or "cpu{pod=a}" with as few labels as tell the series of a group apart.
void Distinguish(const std::vector<MetricSeries>& series, const std::vector<size_t>& group,
                 std::vector<std::string>& metrics) {
  if (group.size() < 2) return;
  std::vector<std::string> labels(kTelling.begin(), kTelling.end());
  std::set<std::string> others;
  for (const size_t i : group) {
    for (const auto& [label, value] : series[i].labels) others.insert(label);
  }
  for (const std::string& label : others) {
    if (std::find(labels.begin(), labels.end(), label) == labels.end()) labels.push_back(label);
  }
  std::vector<std::string> texts(group.size());
  size_t apart = 1;
  for (const std::string& label : labels) {
    if (apart == group.size()) break;
    std::vector<std::string> longer = texts;
    for (size_t k = 0; k < group.size(); ++k) {
      const auto value = series[group[k]].labels.find(label);
      if (value != series[group[k]].labels.end())
        longer[k] += fmt::format("{}{}={}", longer[k].empty() ? "" : ",", label, value->second);
    }
    const size_t now = std::set<std::string>(longer.begin(), longer.end()).size();
    if (now <= apart) continue;
    apart = now;
    texts = std::move(longer);
  }
  for (size_t k = 0; k < group.size(); ++k) {
    if (!texts[k].empty()) metrics[group[k]] += "{" + texts[k] + "}";
  }
}

struct Call {
  CauseObject caller;
  CauseObject callee;
};

std::optional<Call> CallOf(const MetricSeries& s) {
  const std::string from = Label(s, "source_workload"), to = Label(s, "destination_workload");
  if (from.empty() || to.empty() || from == "unknown" || to == "unknown") return std::nullopt;
  std::string to_ns = Label(s, "destination_workload_namespace");
  if (to_ns.empty()) to_ns = Label(s, "destination_service_namespace");
  return Call{{"", Label(s, "source_workload_namespace"), from}, {"", std::move(to_ns), to}};
}

}  // namespace

Names AssignServices(std::vector<MetricSeries> series, const Topology& topology,
                     analytics::CauseInput& input) {
  std::vector<CauseObject> owners;
  std::vector<std::optional<Call>> calls;
  Namer namer;
  for (const MetricSeries& s : series) {
    calls.push_back(CallOf(s));
    owners.push_back(calls.back() ? CauseObject{} : Find(s, topology));
    for (CauseObject* end : {calls.back() ? &calls.back()->caller : &owners.back(),
                             calls.back() ? &calls.back()->callee : nullptr}) {
      if (end == nullptr) continue;
      if (end->kind.empty()) {
        const CauseObject known = topology.Behind(end->ns, end->name);
        if (known.kind != "Service") *end = known;
      }
      namer.Add(*end);
    }
  }
  std::set<std::pair<std::string, std::string>> edges;
  std::vector<std::string> services, metrics;
  std::map<std::pair<std::string, std::string>, std::vector<size_t>> groups;
  for (size_t i = 0; i < series.size(); ++i) {
    metrics.push_back(series[i].metric);
    if (calls[i]) {
      const std::string from = namer.Of(calls[i]->caller), to = namer.Of(calls[i]->callee);
      edges.emplace(from, to);
      services.push_back(analytics::kEdgeService);
      // The measure of a call stands after the last dot of its name.
      std::replace(metrics[i].begin(), metrics[i].end(), '.', '_');
      metrics[i] = fmt::format("{}>{}.{}", from, to, metrics[i]);
    } else {
      services.push_back(namer.Of(owners[i]));
    }
    groups[{services[i], metrics[i]}].push_back(i);
  }
  for (const auto& [name, group] : groups) Distinguish(series, group, metrics);
  for (size_t i = 0; i < series.size(); ++i) {
    input.series.push_back({services[i], std::move(metrics[i]), std::move(series[i].times),
                            std::move(series[i].values), series[i].noise});
  }
  Names names = namer.Take();
  const auto named = [&names](const CauseObject& object) -> std::string {
    for (const std::string& name : {object.ns + "/" + object.name, object.name}) {
      const auto found = names.find(name);
      if (found != names.end() && found->second.ns == object.ns) return name;
    }
    return "";
  };
  for (const auto& [caller, callee] : topology.Calls()) {
    const std::string from = named(caller), to = named(callee);
    if (!from.empty() && !to.empty() && from != to) edges.emplace(from, to);
  }
  input.edges.insert(input.edges.end(), edges.begin(), edges.end());
  return names;
}

}  // namespace opsmesh::rca
