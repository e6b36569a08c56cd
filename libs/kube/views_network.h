// Typed views of services and of what stands behind and before them.
#pragma once

#include "libs/kube/views_common.h"

namespace opsmesh::kube {

struct ServicePort {
  Str name;
  Str protocol;
  Str app_protocol;
  int64_t port = 0;
  IntOrString target_port;
  int64_t node_port = 0;
};

struct Service : View {
  static constexpr int kViewId = kServiceView;
  Str type;        // "ClusterIP", "NodePort", "LoadBalancer", "ExternalName"
  Str cluster_ip;  // "None" = headless
  Str external_name;
  StrPairs selector;
  std::vector<ServicePort> ports;
  std::vector<Str> external_ips;
  std::vector<Str> ingress;  // addresses or host names of the load balancer
  bool publish_not_ready = false;
};

struct EndpointAddress {
  Str ip;
  Str node_name;
  bool ready = true;
  bool terminating = false;
  ObjectReference target;
};
struct EndpointPort {
  Str name;
  Str protocol;
  int64_t port = 0;
};

/// Core Endpoints: subsets flattened; `ports` are those of all subsets.
struct Endpoints : View {
  static constexpr int kViewId = kEndpointsView;
  std::vector<EndpointAddress> addresses;
  std::vector<EndpointPort> ports;
};

/// discovery.k8s.io EndpointSlice, v1 and v1beta1. `service` is the label
/// kubernetes.io/service-name.
struct EndpointSlice : View {
  static constexpr int kViewId = kEndpointSliceView;
  Str service;
  Str address_type;
  std::vector<EndpointAddress> addresses;
  std::vector<EndpointPort> ports;
};

struct IngressPath {
  Str host;
  Str path;
  Str path_type;
  Str service;
  IntOrString port;
};
struct IngressTls {
  std::vector<Str> hosts;
  Str secret;
};

/// networking.k8s.io/v1; v1beta1 and extensions/v1beta1 (serviceName, servicePort) as well.
struct Ingress : View {
  static constexpr int kViewId = kIngressView;
  Str ingress_class;
  std::vector<IngressPath> paths;  // the default backend has no host and no path
  std::vector<IngressTls> tls;
  std::vector<Str> addresses;
};

struct NetworkPolicyPeer {
  ObjectSelector pods;
  ObjectSelector namespaces;
  Str cidr;
  std::vector<Str> except;
};
struct NetworkPolicyPort {
  Str protocol;
  IntOrString port;
  std::optional<int64_t> end_port;
};
struct NetworkPolicyRule {
  std::vector<NetworkPolicyPeer> peers;  // none = everyone
  std::vector<NetworkPolicyPort> ports;  // none = every port
};
struct NetworkPolicy : View {
  static constexpr int kViewId = kNetworkPolicyView;
  ObjectSelector pods;
  bool ingress_applies = true;
  bool egress_applies = false;
  std::vector<NetworkPolicyRule> ingress;
  std::vector<NetworkPolicyRule> egress;
};

}  // namespace opsmesh::kube
