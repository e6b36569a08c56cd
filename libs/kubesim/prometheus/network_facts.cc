// What kube-state-metrics says about Services, their endpoints and the ways to them.
#include "libs/kubesim/prometheus/fact_writer.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim::prometheus {
namespace {

using promql::Labels;

Labels PortLabels(const Json& port) {
  return {{"port_name", TextAt(port, "name")},
          {"port_protocol", TextAt(port, "protocol")},
          {"port_number", Scalar(At(port, "port"))}};
}

/// A condition of an endpoint: what is not said is not shown.
std::string Told(const Json& endpoint, const char* condition) {
  const Json& value = At(endpoint, {"conditions", condition});
  return !value.is_boolean() ? "" : value.get<bool>() ? "true" : "false";
}

void Path(FactWriter& w, const std::string& host, const Json& path) {
  Labels labels = {
      {"host", host}, {"path", TextAt(path, "path")}, {"path_type", TextAt(path, "pathType")}};
  if (const Json& service = At(path, {"backend", "service"}); service.is_object()) {
    const Json& number = At(service, {"port", "number"});
    labels.emplace_back("service_name", TextAt(service, "name"));
    labels.emplace_back("service_port", number.is_number() ? Scalar(number) : "0");
  } else {
    const Json& resource = At(path, {"backend", "resource"});
    labels.emplace_back("resource_api_group", TextAt(resource, "apiGroup"));
    labels.emplace_back("resource_kind", TextAt(resource, "kind"));
    labels.emplace_back("resource_name", TextAt(resource, "name"));
  }
  w.Add("kube_ingress_path", 1, std::move(labels));
}

}  // namespace

std::vector<Fact> ServiceFacts(const Json& s) {
  FactWriter w(s, "service");
  w.Bear("uid", TextAt(s, {"metadata", "uid"}));
  w.AddCommon("kube_service");
  w.Add("kube_service_info", 1,
        {{"cluster_ip", TextAt(s, {"spec", "clusterIP"})},
         {"external_name", TextAt(s, {"spec", "externalName"})},
         {"external_traffic_policy", TextAt(s, {"spec", "externalTrafficPolicy"})},
         {"load_balancer_ip", TextAt(s, {"spec", "loadBalancerIP"})}});
  w.Add("kube_service_spec_type", 1, {{"type", TextAt(s, {"spec", "type"})}});
  for (const Json& ip : ListAt(s, {"spec", "externalIPs"})) {
    if (ip.is_string())
      w.Add("kube_service_spec_external_ip", 1, {{"external_ip", ip.get<std::string>()}});
  }
  for (const Json& one : ListAt(s, {"status", "loadBalancer", "ingress"})) {
    w.Add("kube_service_status_load_balancer_ingress", 1,
          {{"ip", TextAt(one, "ip")}, {"hostname", TextAt(one, "hostname")}});
  }
  return w.Take();
}

std::vector<Fact> EndpointsFacts(const Json& e) {
  FactWriter w(e, "endpoint");
  w.Add("kube_endpoint_info", 1);
  w.AddCommon("kube_endpoint");
  size_t ready = 0;
  size_t not_ready = 0;
  for (const Json& subset : ListAt(e, {"subsets"})) {
    const Json& good = ListAt(subset, {"addresses"});
    const Json& bad = ListAt(subset, {"notReadyAddresses"});
    ready += good.size();
    not_ready += bad.size();
    for (const Json& port : ListAt(subset, {"ports"})) {
      w.Add("kube_endpoint_ports", 1, PortLabels(port));
      const auto address = [&](const Json& one, const char* is_ready) {
        Labels labels = PortLabels(port);
        labels.emplace_back("ip", TextAt(one, "ip"));
        labels.emplace_back("ready", is_ready);
        w.Add("kube_endpoint_address", 1, std::move(labels));
      };
      for (const Json& one : good) address(one, "true");
      for (const Json& one : bad) address(one, "false");
    }
  }
  // Of kube-state-metrics before 2.14; many an alert still asks for them.
  w.Add("kube_endpoint_address_available", static_cast<double>(ready));
  w.Add("kube_endpoint_address_not_ready", static_cast<double>(not_ready));
  return w.Take();
}

std::vector<Fact> EndpointSliceFacts(const Json& s) {
  FactWriter w(s, "endpointslice");
  w.Add("kube_endpointslice_info", 1, {{"addresstype", TextAt(s, "addressType")}});
  w.AddCommon("kube_endpointslice");
  for (const Json& port : ListAt(s, {"ports"}))
    w.Add("kube_endpointslice_ports", 1, PortLabels(port));
  for (const Json& endpoint : ListAt(s, {"endpoints"})) {
    for (const Json& address : ListAt(endpoint, {"addresses"})) {
      if (!address.is_string()) continue;
      w.Add("kube_endpointslice_endpoints", 1,
            {{"address", address.get<std::string>()},
             {"ready", Told(endpoint, "ready")},
             {"serving", Told(endpoint, "serving")},
             {"terminating", Told(endpoint, "terminating")},
             {"hostname", TextAt(endpoint, "hostname")},
             {"targetref_kind", TextAt(endpoint, {"targetRef", "kind"})},
             {"targetref_name", TextAt(endpoint, {"targetRef", "name"})},
             {"targetref_namespace", TextAt(endpoint, {"targetRef", "namespace"})},
             {"nodename", TextAt(endpoint, "nodeName")},
             {"endpoint_zone", TextAt(endpoint, "zone")}});
    }
  }
  return w.Take();
}

std::vector<Fact> IngressFacts(const Json& i) {
  FactWriter w(i, "ingress");
  w.AddCommon("kube_ingress");
  const std::string ingress_class = TextAt(i, {"spec", "ingressClassName"});
  w.Add("kube_ingress_info", 1,
        {{"ingressclass", ingress_class.empty() ? "_default" : ingress_class}});
  for (const Json& rule : ListAt(i, {"spec", "rules"})) {
    for (const Json& path : ListAt(rule, {"http", "paths"})) Path(w, TextAt(rule, "host"), path);
  }
  for (const Json& tls : ListAt(i, {"spec", "tls"})) {
    for (const Json& host : ListAt(tls, {"hosts"})) {
      if (host.is_string()) {
        w.Add("kube_ingress_tls", 1,
              {{"tls_host", host.get<std::string>()}, {"secret", TextAt(tls, "secretName")}});
      }
    }
  }
  return w.Take();
}

std::vector<Fact> IngressClassFacts(const Json& i) {
  FactWriter w(i, "ingressclass");
  w.AddCommon("kube_ingressclass");
  w.Add("kube_ingressclass_info", 1, {{"controller", TextAt(i, {"spec", "controller"})}});
  return w.Take();
}

std::vector<Fact> NetworkPolicyFacts(const Json& n) {
  FactWriter w(n, "networkpolicy");
  w.AddCommon("kube_networkpolicy");
  w.Add("kube_networkpolicy_spec_ingress_rules",
        static_cast<double>(ListAt(n, {"spec", "ingress"}).size()));
  w.Add("kube_networkpolicy_spec_egress_rules",
        static_cast<double>(ListAt(n, {"spec", "egress"}).size()));
  return w.Take();
}

}  // namespace opsmesh::kubesim::prometheus
