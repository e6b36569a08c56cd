// A service and the pods behind it: who is selected, who is ready, which port is served.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libs/kube/views_network.h"
#include "libs/kube/views_pod.h"
#include "services/k8s/picture.h"

namespace opsmesh::k8s {

struct ServiceBackends {
  bool readable = false;  // endpoints could be read
  int64_t ready = 0;      // addresses that get traffic
  int64_t not_ready = 0;
  std::vector<kube::ObjectPtr> selected;  // pods that the selector matches, without finished ones
  int64_t selected_ready = 0;
};

/// From EndpointSlices, or Endpoints where there are none.
ServiceBackends BackendsOf(Picture& picture, const kube::Object& object,
                           const kube::Service& service);

/// Ports of the service that no selected pod serves, with the reason.
struct BadPort {
  const kube::ServicePort* port = nullptr;
  bool named =
      false;  // the name is declared nowhere; else the number is not among the declared ones
  std::string target;    // "http", "8080"
  std::string declared;  // what the pods declare: "web=8080, 9090"
};
std::vector<BadPort> BadPorts(const kube::Service& service,
                              const std::vector<kube::ObjectPtr>& pods);

/// The pods' labels that come nearest to a selector that matches nothing: "app=web (selector wants
/// app=wbe)"; "" when none.
struct NearestPods {
  std::string workload;    // "Deployment web"
  std::string difference;  // "app: selector 'wbe', pod 'web'"
};
NearestPods NearestToSelector(Picture& picture, std::string_view ns,
                              const kube::StrPairs& selector);

/// A workload scaled to zero whose template matches the selector; "" when there is none.
std::string ScaledToZero(Picture& picture, std::string_view ns, const kube::StrPairs& selector);

bool SelectorMatches(const kube::StrPairs& selector, const kube::StrPairs& labels);

}  // namespace opsmesh::k8s
