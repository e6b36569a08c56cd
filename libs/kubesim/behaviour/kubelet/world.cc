// Names and ports as containers see them: Services, endpoints, other pods, the world outside.
#include <algorithm>
#include <cctype>

#include "libs/base/strings.h"
#include "libs/kubesim/behaviour/kubelet/kubelet.h"
#include "libs/kubesim/store/json_path.h"
#include "libs/kubesim/store/selectors.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

bool IsAddress(const std::string& host) {
  return !host.empty() && std::all_of(host.begin(), host.end(), [](unsigned char c) {
    return std::isdigit(c) || c == '.' || c == ':';
  });
}

struct ClusterName {
  std::string service, ns, pod;
  bool inside = false;  // a name of the cluster
};

// "web", "web.shop", "web.shop.svc", "web.shop.svc.cluster.local",
// "db-0.db.shop.svc.cluster.local".
ClusterName ReadName(const std::string& host, const std::string& own_ns) {
  std::vector<std::string> parts;
  for (size_t from = 0; from <= host.size();) {
    const size_t end = std::min(host.find('.', from), host.size());
    parts.push_back(host.substr(from, end - from));
    from = end + 1;
  }
  while (!parts.empty() && parts.back().empty()) parts.pop_back();
  const bool full = parts.size() >= 3 && parts[parts.size() - 1] == "local" &&
                    parts[parts.size() - 2] == "cluster";
  if (full) parts.resize(parts.size() - 2);
  const bool svc = parts.size() >= 3 && parts.back() == "svc";
  if (svc) parts.pop_back();
  ClusterName name;
  name.inside = full || svc || parts.size() <= 2;
  if (parts.size() == 3) {
    name.pod = parts[0];
    parts.erase(parts.begin());
  }
  name.service = parts.empty() ? "" : parts[0];
  name.ns = parts.size() > 1 ? parts[1] : own_ns;
  return name;
}

bool PodReady(const Json& pod) {
  for (const Json& condition : ListAt(pod, {"status", "conditions"})) {
    if (TextAt(condition, "type") == "Ready") return TextAt(condition, "status") == "True";
  }
  return false;
}

}  // namespace

bool Kubelet::Resolves(const std::string& host, const std::string& ns) const {
  if (host.empty()) return false;
  if (IsAddress(host) || host == "localhost") return true;
  if (faults_.OnCluster("dns")) return false;
  FaultSubject subject;
  subject.ns = ns;
  if (faults_.OnSubject("dns", subject)) return false;
  const ClusterName name = ReadName(host, ns);
  if (services_.Get(name.ns, name.service)) return true;
  // Names with a dot that are not the cluster's are somebody else's, out there.
  if (host.find('.') == std::string::npos || host.find(".svc") != std::string::npos ||
      host.ends_with(".local"))
    return false;
  const std::string last = host.substr(host.rfind('.') + 1);
  if (last == "invalid" || last == "test" || last == "example" || images_.SaysAbsent(host))
    return false;
  return !engine_.store().Get(engine_.Type("", "namespaces"), "",
                              last);  // "web.shop": a Service that is not there
}

World::Reach Kubelet::ConnectTo(const PodRuntime& pod, int port, const std::string& path,
                                int* status) const {
  for (const auto* list : {&pod.main, &pod.init}) {
    for (const ContainerRuntime& container : *list) {
      if (!container.process) continue;
      const Listener* listener = container.process->ListenerOn(port, engine_.Now());
      if (listener == nullptr) continue;
      if (listener->protocol == Listener::Protocol::kHttp)
        *status = listener->StatusOf(path) == 200 && images_.SaysAbsent(path)
                      ? 404
                      : listener->StatusOf(path);
      return Reach::kOpen;
    }
  }
  return Reach::kRefused;
}

bool PodWorld::IsSelf(const std::string& host) const {
  return host == "localhost" || host.starts_with("127.") || host == "[::1]" || host == pod_.ip;
}

World::Reach PodWorld::Connect(const std::string& host, int port, const std::string& path,
                               const std::string& ns, int* status) const {
  *status = 0;
  if (IsSelf(host)) return kubelet_.ConnectTo(pod_, port, path, status);
  return kubelet_.Connect(host, port, path, ns, status);
}

World::Page PodWorld::Read(const std::string& host, int port, const std::string& path,
                           const std::string& ns) const {
  return IsSelf(host) ? kubelet_.ReadFrom(pod_, port, path) : kubelet_.Read(host, port, path, ns);
}

World::Reach Kubelet::Connect(const std::string& host, int port, const std::string& path,
                              const std::string& ns, int* status) const {
  *status = 0;
  const PodRuntime* pod = nullptr;
  int pod_port = 0;
  const Reach reach = Route(host, port, ns, &pod, &pod_port);
  if (pod != nullptr) return ConnectTo(*pod, pod_port, path, status);
  if (reach == Reach::kOpen) *status = 200;  // somebody else's, out there
  return reach;
}

World::Page Kubelet::Read(const std::string& host, int port, const std::string& path,
                          const std::string& ns) const {
  const PodRuntime* pod = nullptr;
  int pod_port = 0;
  (void)Route(host, port, ns, &pod, &pod_port);
  return pod == nullptr ? Page{} : ReadFrom(*pod, pod_port, path);
}

World::Reach Kubelet::Route(const std::string& host, int port, const std::string& ns,
                            const PodRuntime** pod, int* pod_port) const {
  if (!Resolves(host, ns)) return Reach::kNoSuchHost;
  if (IsAddress(host)) {
    for (const auto& [uid, one] : state_.pods) {
      if (one.ip != host || one.over) continue;
      *pod = &one;
      *pod_port = port;
      return Reach::kOpen;
    }
  }
  const ClusterName name = ReadName(host, ns);
  ObjectPtr service = services_.Get(name.ns, name.service);
  if (!service && IsAddress(host)) {
    for (const ObjectPtr& one : services_.List()) {
      if (TextAt(*engine_.Parsed(one), {"spec", "clusterIP"}) == host) service = one;
    }
  }
  if (!service) return IsAddress(host) ? Reach::kTimeout : Reach::kOpen;
  const auto json = engine_.Parsed(service);
  const Json& selector = At(*json, {"spec", "selector"});
  const bool headless = TextAt(*json, {"spec", "clusterIP"}) == "None";
  Json target;
  for (const Json& one : ListAt(*json, {"spec", "ports"})) {
    if (IntAt(one, "port") == port)
      target = At(one, "targetPort").is_null() ? At(one, "port") : At(one, "targetPort");
  }
  if (headless) target = port;
  if (target.is_null()) return Reach::kTimeout;  // nobody answers on that port of the address
  if (!selector.is_object() || selector.empty()) return Reach::kOpen;
  const LabelSelector matches = LabelSelector::FromMap(selector);
  for (const ObjectPtr& one : pods_.List(name.ns)) {
    if (!matches.Matches(one->labels) || (!name.pod.empty() && one->name != name.pod)) continue;
    auto runtime = state_.pods.find(one->uid);
    if (runtime == state_.pods.end()) continue;
    const auto pod_json = engine_.Parsed(one);
    if (!PodReady(*pod_json) || At(*pod_json, {"metadata", "deletionTimestamp"}).is_string())
      continue;
    int number = target.is_number_integer() ? target.get<int>() : 0;
    for (const Json& container : ListAt(*pod_json, {"spec", "containers"})) {
      for (const Json& named : ListAt(container, {"ports"})) {
        if (number == 0 && TextAt(named, "name") == Scalar(target))
          number = static_cast<int>(IntAt(named, "containerPort"));
      }
    }
    *pod = &runtime->second;
    *pod_port = number;
    return Reach::kOpen;
  }
  return Reach::kRefused;
}

}  // namespace opsmesh::kubesim
