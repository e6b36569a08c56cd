#include "libs/kube/decoder.h"
#include "libs/kube/views_network.h"

namespace opsmesh::kube {
namespace {

View* Decode(const Object& object, std::unique_ptr<Service> v) {
  Decoder d(object, v.get());
  const auto port = [&](ServicePort* p) {
    d.Object("spec.ports", [&](std::string_view key) {
      if (key == "name") d.Read("spec.ports.name", &p->name);
      if (key == "protocol") d.Read("spec.ports.protocol", &p->protocol);
      if (key == "appProtocol") d.Read("spec.ports.appProtocol", &p->app_protocol);
      if (key == "port") d.Read("spec.ports.port", &p->port);
      if (key == "targetPort") d.Read("spec.ports.targetPort", &p->target_port);
      if (key == "nodePort") d.Read("spec.ports.nodePort", &p->node_port);
    });
  };
  const auto ingress = [&] {
    d.Object("status.loadBalancer.ingress", [&](std::string_view key) {
      Str address;
      if (key != "ip" && key != "hostname") return;
      d.Read("status.loadBalancer.ingress", &address);
      v->ingress.push_back(address);
    });
  };
  d.Object("service", [&](std::string_view key) {
    if (key == "spec") {
      d.Object("spec", [&](std::string_view part) {
        if (part == "type") d.Read("spec.type", &v->type);
        if (part == "clusterIP") d.Read("spec.clusterIP", &v->cluster_ip);
        if (part == "externalName") d.Read("spec.externalName", &v->external_name);
        if (part == "selector") d.Read("spec.selector", &v->selector);
        if (part == "externalIPs") d.Read("spec.externalIPs", &v->external_ips);
        if (part == "publishNotReadyAddresses")
          d.Read("spec.publishNotReadyAddresses", &v->publish_not_ready);
        if (part == "ports") d.Vector("spec.ports", &v->ports, port);
      });
    }
    if (key == "status") {
      d.Object("status", [&](std::string_view part) {
        if (part != "loadBalancer") return;
        d.Object("status.loadBalancer", [&](std::string_view field) {
          if (field == "ingress") d.Array("status.loadBalancer.ingress", ingress);
        });
      });
    }
  });
  return v.release();
}

void DecodePorts(Decoder& d, std::vector<EndpointPort>* ports) {
  d.Array("ports", [&] {
    EndpointPort port;
    d.Object("ports", [&](std::string_view key) {
      if (key == "name") d.Read("ports.name", &port.name);
      if (key == "protocol") d.Read("ports.protocol", &port.protocol);
      if (key == "port") d.Read("ports.port", &port.port);
    });
    ports->push_back(port);
  });
}

View* Decode(const Object& object, std::unique_ptr<Endpoints> v) {
  Decoder d(object, v.get());
  const auto addresses = [&](bool ready) {
    d.Array("subsets.addresses", [&] {
      EndpointAddress address;
      address.ready = ready;
      d.Object("subsets.addresses", [&](std::string_view key) {
        if (key == "ip") d.Read("subsets.addresses.ip", &address.ip);
        if (key == "nodeName") d.Read("subsets.addresses.nodeName", &address.node_name);
        if (key == "targetRef") d.Read("subsets.addresses.targetRef", &address.target);
      });
      v->addresses.push_back(address);
    });
  };
  d.Object("endpoints", [&](std::string_view key) {
    if (key != "subsets") return;
    d.Array("subsets", [&] {
      d.Object("subsets", [&](std::string_view part) {
        if (part == "addresses") addresses(true);
        if (part == "notReadyAddresses") addresses(false);
        if (part == "ports") DecodePorts(d, &v->ports);
      });
    });
  });
  return v.release();
}

/// One endpoint of a slice may have several addresses; each becomes one of ours. v1beta1 names the
/// node in `topology`.
void DecodeSliceEndpoint(Decoder& d, std::vector<EndpointAddress>* out) {
  EndpointAddress address;
  std::vector<Str> ips;
  d.Object("endpoints", [&](std::string_view key) {
    if (key == "addresses") d.Read("endpoints.addresses", &ips);
    if (key == "nodeName") d.Read("endpoints.nodeName", &address.node_name);
    if (key == "targetRef") d.Read("endpoints.targetRef", &address.target);
    if (key == "topology") {
      d.Object("endpoints.topology", [&](std::string_view name) {
        if (name == "kubernetes.io/hostname") d.Read("endpoints.topology", &address.node_name);
      });
    }
    if (key == "conditions") {
      d.Object("endpoints.conditions", [&](std::string_view part) {
        if (part == "ready") d.Read("endpoints.conditions.ready", &address.ready);
        if (part == "terminating") d.Read("endpoints.conditions.terminating", &address.terminating);
      });
    }
  });
  for (const Str ip : ips) {
    address.ip = ip;
    out->push_back(address);
  }
}

View* Decode(const Object& object, std::unique_ptr<EndpointSlice> v) {
  v->service = Lookup(object.meta().labels, "kubernetes.io/service-name");
  Decoder d(object, v.get());
  d.Object("endpointslice", [&](std::string_view key) {
    if (key == "addressType") d.Read("addressType", &v->address_type);
    if (key == "ports") DecodePorts(d, &v->ports);
    if (key == "endpoints") d.Array("endpoints", [&] { DecodeSliceEndpoint(d, &v->addresses); });
  });
  return v.release();
}

/// v1: {service: {name, port: {number|name}}}; before: {serviceName, servicePort}.
void DecodeBackend(Decoder& d, IngressPath* path) {
  d.Object("backend", [&](std::string_view key) {
    if (key == "serviceName") d.Read("backend.serviceName", &path->service);
    if (key == "servicePort") d.Read("backend.servicePort", &path->port);
    if (key != "service") return;
    d.Object("backend.service", [&](std::string_view part) {
      if (part == "name") d.Read("backend.service.name", &path->service);
      if (part != "port") return;
      d.Object("backend.service.port", [&](std::string_view field) {
        if (field == "number" || field == "name") d.Read("backend.service.port", &path->port);
      });
    });
  });
}

void DecodeRule(Decoder& d, std::vector<IngressPath>* out) {
  Str host;
  const size_t first = out->size();
  d.Object("spec.rules", [&](std::string_view key) {
    if (key == "host") d.Read("spec.rules.host", &host);
    if (key != "http") return;
    d.Object("spec.rules.http", [&](std::string_view part) {
      if (part != "paths") return;
      d.Array("spec.rules.http.paths", [&] {
        IngressPath path;
        d.Object("spec.rules.http.paths", [&](std::string_view field) {
          if (field == "path") d.Read("spec.rules.http.paths.path", &path.path);
          if (field == "pathType") d.Read("spec.rules.http.paths.pathType", &path.path_type);
          if (field == "backend") DecodeBackend(d, &path);
        });
        out->push_back(path);
      });
    });
  });
  for (size_t i = first; i < out->size(); ++i) (*out)[i].host = host;
}

View* Decode(const Object& object, std::unique_ptr<Ingress> v) {
  Decoder d(object, v.get());
  d.Object("ingress", [&](std::string_view key) {
    if (key == "spec") {
      d.Object("spec", [&](std::string_view part) {
        if (part == "ingressClassName") d.Read("spec.ingressClassName", &v->ingress_class);
        if (part == "rules") d.Array("spec.rules", [&] { DecodeRule(d, &v->paths); });
        if (part == "defaultBackend" || part == "backend") {
          IngressPath path;
          DecodeBackend(d, &path);
          if (!path.service.empty()) v->paths.push_back(path);
        }
        if (part == "tls") {
          d.Vector("spec.tls", &v->tls, [&](IngressTls* tls) {
            d.Object("spec.tls", [&](std::string_view field) {
              if (field == "hosts") d.Read("spec.tls.hosts", &tls->hosts);
              if (field == "secretName") d.Read("spec.tls.secretName", &tls->secret);
            });
          });
        }
      });
    }
    if (key == "status") {
      d.Object("status", [&](std::string_view part) {
        if (part != "loadBalancer") return;
        d.Object("status.loadBalancer", [&](std::string_view field) {
          if (field != "ingress") return;
          d.Array("status.loadBalancer.ingress", [&] {
            d.Object("status.loadBalancer.ingress", [&](std::string_view kind) {
              Str address;
              if (kind != "ip" && kind != "hostname") return;
              d.Read("status.loadBalancer.ingress", &address);
              v->addresses.push_back(address);
            });
          });
        });
      });
    }
  });
  return v.release();
}

void DecodePolicyRule(Decoder& d, std::string_view peers_key, NetworkPolicyRule* rule) {
  d.Object("spec.rules", [&](std::string_view key) {
    if (key == "ports") {
      d.Vector("spec.rules.ports", &rule->ports, [&](NetworkPolicyPort* port) {
        d.Object("spec.rules.ports", [&](std::string_view part) {
          if (part == "protocol") d.Read("spec.rules.ports.protocol", &port->protocol);
          if (part == "port") d.Read("spec.rules.ports.port", &port->port);
          if (part == "endPort") d.Read("spec.rules.ports.endPort", &port->end_port);
        });
      });
    }
    if (key != peers_key) return;
    d.Vector("spec.rules.peers", &rule->peers, [&](NetworkPolicyPeer* peer) {
      d.Object("spec.rules.peers", [&](std::string_view part) {
        if (part == "podSelector") d.Read("spec.rules.peers.podSelector", &peer->pods);
        if (part == "namespaceSelector")
          d.Read("spec.rules.peers.namespaceSelector", &peer->namespaces);
        if (part != "ipBlock") return;
        d.Object("spec.rules.peers.ipBlock", [&](std::string_view field) {
          if (field == "cidr") d.Read("spec.rules.peers.ipBlock.cidr", &peer->cidr);
          if (field == "except") d.Read("spec.rules.peers.ipBlock.except", &peer->except);
        });
      });
    });
  });
}

View* Decode(const Object& object, std::unique_ptr<NetworkPolicy> v) {
  Decoder d(object, v.get());
  std::vector<Str> types;
  d.Object("networkpolicy", [&](std::string_view key) {
    if (key != "spec") return;
    d.Object("spec", [&](std::string_view part) {
      if (part == "podSelector") d.Read("spec.podSelector", &v->pods);
      if (part == "policyTypes") d.Read("spec.policyTypes", &types);
      if (part == "ingress") {
        d.Vector("spec.ingress", &v->ingress,
                 [&](NetworkPolicyRule* rule) { DecodePolicyRule(d, "from", rule); });
      }
      if (part == "egress") {
        d.Vector("spec.egress", &v->egress,
                 [&](NetworkPolicyRule* rule) { DecodePolicyRule(d, "to", rule); });
      }
    });
  });
  // Without policyTypes: always ingress, egress when there are egress rules.
  v->egress_applies = !v->egress.empty();
  if (!types.empty()) {
    v->ingress_applies = v->egress_applies = false;
    for (const Str type : types) {
      v->ingress_applies |= type == "Ingress";
      v->egress_applies |= type == "Egress";
    }
  }
  return v.release();
}

}  // namespace

View* DecodeNetworkView(int view_id, const Object& object) {
  switch (view_id) {
    case kServiceView:
      return Decode(object, std::make_unique<Service>());
    case kEndpointsView:
      return Decode(object, std::make_unique<Endpoints>());
    case kEndpointSliceView:
      return Decode(object, std::make_unique<EndpointSlice>());
    case kIngressView:
      return Decode(object, std::make_unique<Ingress>());
    case kNetworkPolicyView:
      return Decode(object, std::make_unique<NetworkPolicy>());
    default:
      return nullptr;
  }
}

}  // namespace opsmesh::kube
