#include "services/k8s/service_chain.h"

#include <algorithm>

#include <fmt/format.h>

#include "libs/base/strings.h"
#include "libs/kube/views_workload.h"

namespace opsmesh::k8s {
namespace {

template <typename View>
void Count(const View& view, ServiceBackends& out) {
  for (const kube::EndpointAddress& address : view.addresses)
    ++(address.ready ? out.ready : out.not_ready);
}

std::string PortKey(const kube::IntOrString& port) {
  return port.number ? std::to_string(*port.number) : std::string(port.name);
}

}  // namespace

bool SelectorMatches(const kube::StrPairs& selector, const kube::StrPairs& labels) {
  return std::all_of(selector.begin(), selector.end(), [&](const auto& term) {
    return kube::Has(labels, term.first) && kube::Lookup(labels, term.first) == term.second;
  });
}

ServiceBackends BackendsOf(Picture& picture, const kube::Object& object,
                           const kube::Service& service) {
  ServiceBackends out;
  bool found = false;
  if (picture.Readable("endpointslices")) {
    out.readable = true;
    for (const kube::ObjectPtr& slice :
         picture.All("endpointslices").WithLabel("kubernetes.io/service-name", object.name())) {
      const auto* view = slice->As<kube::EndpointSlice>();
      if (!view || slice->ns() != object.ns()) continue;
      found = true;
      Count(*view, out);
    }
  }
  if (!found && picture.Readable("endpoints")) {
    out.readable = true;
    const kube::ObjectPtr endpoints = picture.All("endpoints").Find(object.ns(), object.name());
    if (const auto* view = endpoints ? endpoints->As<kube::Endpoints>() : nullptr) {
      found = true;
      Count(*view, out);
    }
  }
  if (!service.selector.empty()) {
    for (const kube::ObjectPtr& pod_object :
         picture.All("pods").Matching(object.ns(), service.selector)) {
      const kube::Pod* pod = pod_object->As<kube::Pod>();
      if (!pod || pod->phase == "Succeeded" || pod->phase == "Failed" ||
          pod_object->meta().terminating())
        continue;
      out.selected.push_back(pod_object);
      if (kube::ConditionTrue(pod->conditions, "Ready")) ++out.selected_ready;
    }
  }
  // A cluster given as files may hold no endpoints at all: then the pods themselves tell.
  if (!found && out.readable && picture.All("endpointslices").objects().empty() &&
      picture.All("endpoints").objects().empty()) {
    out.ready = out.selected_ready;
    out.not_ready = static_cast<int64_t>(out.selected.size()) - out.selected_ready;
  }
  return out;
}

std::vector<BadPort> BadPorts(const kube::Service& service,
                              const std::vector<kube::ObjectPtr>& pods) {
  std::vector<BadPort> out;
  for (const kube::ServicePort& port : service.ports) {
    const std::string target =
        port.target_port.empty() ? std::to_string(port.port) : PortKey(port.target_port);
    const bool named = !port.target_port.empty() && !port.target_port.number;
    bool served = pods.empty();
    bool declares = false;
    std::vector<std::string> declared;
    for (const kube::ObjectPtr& object : pods) {
      const kube::Pod* pod = object->As<kube::Pod>();
      if (!pod) continue;
      for (const kube::Container& container : pod->spec.containers) {
        for (const kube::ContainerPort& p : container.ports) {
          declares = true;
          if (named ? p.name == target : std::to_string(p.port) == target) served = true;
          const std::string shown =
              p.name.empty() ? std::to_string(p.port) : fmt::format("{}={}", p.name, p.port);
          if (std::find(declared.begin(), declared.end(), shown) == declared.end())
            declared.push_back(shown);
        }
      }
    }
    // Declaring a number is optional: only pods that declare others make a missing number
    // suspicious.
    if (served || (!named && !declares)) continue;
    out.push_back({&port, named, target, base::Join(declared, ", ")});
  }
  return out;
}

NearestPods NearestToSelector(Picture& picture, std::string_view ns,
                              const kube::StrPairs& selector) {
  NearestPods best;
  size_t best_score = 0;
  for (const kube::ObjectPtr& pod : picture.All("pods").InNamespace(ns)) {
    size_t score = 0;
    std::string difference;
    bool near = false;
    for (const auto& [key, value] : selector) {
      const kube::Str have = kube::Lookup(pod->meta().labels, key);
      if (kube::Has(pod->meta().labels, key) && have == value) {
        score += 4;
        continue;
      }
      const size_t limit = std::max<size_t>(1, value.size() / 3);
      const bool typo = !have.empty() && base::EditDistance(value, have, limit) <= limit;
      const bool part = !have.empty() && (have.starts_with(value) || value.starts_with(have));
      near = near || typo || part;
      score += typo || part ? 3 : 0;
      difference += fmt::format("{}{}: '{}' / '{}'", difference.empty() ? "" : ", ", key, value,
                                have.empty() ? "-" : have);
    }
    if (score > best_score && (near || score >= 4)) {
      best_score = score;
      const ObjectRef workload = WorkloadOf(picture, *pod);
      best = {fmt::format("{} {}", workload.kind, workload.name), difference};
    }
  }
  return best;
}

std::string ScaledToZero(Picture& picture, std::string_view ns, const kube::StrPairs& selector) {
  std::string out;
  const auto look = [&](const kube::Object& object, const auto& view) {
    if (out.empty() && view.replicas == 0 && SelectorMatches(selector, view.pod_template.labels)) {
      out = fmt::format("{} {}", object.meta().kind, object.name());
    }
  };
  ForEach<kube::Deployment>(picture.All("deployments").InNamespace(ns), look);
  ForEach<kube::StatefulSet>(picture.All("statefulsets").InNamespace(ns), look);
  return out;
}

}  // namespace opsmesh::k8s
