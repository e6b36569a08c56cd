#include "services/rca/ownership.h"

#include <array>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "fmt/format.h"

namespace opsmesh::rca {
namespace {

constexpr auto kServiceLabels = std::to_array<const char*>(
    {"service", "service_name", "destination_workload", "destination_service_name", "app",
     "app_kubernetes_io_name", "workload", "deployment", "statefulset", "daemonset"});
constexpr auto kPlaceLabels =
    std::to_array<const char*>({"pod", "node", "container", "instance", "job"});

std::string Label(const MetricSeries& s, const char* name) {
  const auto found = s.labels.find(name);
  return found == s.labels.end() ? "" : found->second;
}

// "web-7d9c5b6f4d-x2x7p" -> "web": the Deployment of a pod, by the names Kubernetes gives.
std::string WorkloadOfName(const std::string& pod) {
  const auto cut = [](const std::string& name, size_t least, size_t most) {
    const size_t dash = name.rfind('-');
    if (dash == std::string::npos || dash == 0) return name;
    const size_t length = name.size() - dash - 1;
    if (length < least || length > most) return name;
    for (size_t i = dash + 1; i < name.size(); ++i) {
      if (std::string_view("bcdfghjklmnpqrstvwxz2456789").find(name[i]) == std::string_view::npos)
        return name;
    }
    return name.substr(0, dash);
  };
  const std::string set = cut(pod, 5, 5);
  if (set == pod) return pod;
  return cut(set, 6, 10);
}

struct Place {
  std::string service;
  std::string used;  // label it was read from
};

Place Find(const MetricSeries& s) {
  for (const char* name : kServiceLabels) {
    if (std::string value = Label(s, name); !value.empty()) return {std::move(value), name};
  }
  for (const char* name : kPlaceLabels) {
    std::string value = Label(s, name);
    if (value.empty()) continue;
    if (name == std::string_view("pod")) {
      return {WorkloadOfName(value), ""};
    }
    return {std::move(value), name};
  }
  return {s.metric, ""};
}

}  // namespace

void AssignServices(std::vector<MetricSeries> series, analytics::CauseInput& input) {
  std::map<std::pair<std::string, std::string>, size_t> uses;
  std::vector<Place> places;
  std::set<std::pair<std::string, std::string>> edges;
  for (MetricSeries& s : series) {
    const std::string from = Label(s, "source_workload"), to = Label(s, "destination_workload");
    if (!from.empty() && !to.empty() && from != "unknown" && to != "unknown") {
      edges.emplace(from, to);
      s.metric = fmt::format("{}>{}.{}", from, to, s.metric);
      places.push_back({analytics::kEdgeService, ""});
    } else {
      places.push_back(Find(s));
    }
    ++uses[{places.back().service, s.metric}];
  }
  for (size_t i = 0; i < series.size(); ++i) {
    std::string metric = series[i].metric;
    if (uses[{places[i].service, metric}] > 1) {
      std::string rest;
      for (const auto& [key, value] : series[i].labels) {
        if (key != places[i].used)
          rest += fmt::format("{}{}={}", rest.empty() ? "" : ",", key, value);
      }
      metric += "{" + rest + "}";
    }
    input.series.push_back({places[i].service, std::move(metric), std::move(series[i].times),
                            std::move(series[i].values)});
  }
  input.edges.insert(input.edges.end(), edges.begin(), edges.end());
}

}  // namespace opsmesh::rca
