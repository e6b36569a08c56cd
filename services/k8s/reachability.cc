#include "services/k8s/reachability.h"

#include <arpa/inet.h>

#include <array>
#include <cstdlib>

#include <fmt/format.h>

#include "services/k8s/network_policies.h"

namespace opsmesh::k8s {
namespace {

enum class Answer { kNo, kYes, kUnsure };

const kube::StrPairs& NamespaceLabels(Picture& picture, std::string_view ns) {
  static const kube::StrPairs kNone;
  const kube::ObjectPtr object = picture.All("namespaces").Find("", ns);
  return object ? object->meta().labels : kNone;
}

Answer PeerMatches(Picture& picture, const kube::NetworkPolicyPeer& rule,
                   std::string_view policy_ns, const Peer& peer) {
  if (!rule.cidr.empty()) {
    if (peer.ip.empty()) return Answer::kUnsure;
    const auto in = InCidr(peer.ip, rule.cidr);
    if (!in) return Answer::kUnsure;
    if (!*in) return Answer::kNo;
    for (const kube::Str except : rule.except) {
      if (InCidr(peer.ip, except).value_or(false)) return Answer::kNo;
    }
    return Answer::kYes;
  }
  const bool place = rule.namespaces.present
                         ? rule.namespaces.Matches(NamespaceLabels(picture, peer.name_space))
                         : peer.name_space == policy_ns;
  if (!place) return Answer::kNo;
  return !rule.pods.present || rule.pods.Matches(peer.labels) ? Answer::kYes : Answer::kNo;
}

bool PortMatches(const kube::NetworkPolicyPort& rule, const PortAsked& port,
                 const Peer& destination) {
  const std::string_view protocol = rule.protocol.empty() ? "TCP" : rule.protocol;
  if (protocol != port.protocol) return false;
  if (rule.port.empty() || port.number == 0) return true;
  if (rule.port.number)
    return port.number == *rule.port.number ||
           (rule.end_port && port.number >= *rule.port.number && port.number <= *rule.end_port);
  const auto* pod = destination.pod ? destination.pod->As<kube::Pod>() : nullptr;
  if (!pod) return false;
  for (const kube::Container& c : pod->spec.containers) {
    for (const kube::ContainerPort& p : c.ports) {
      if (p.name == rule.port.name && p.port == port.number) return true;
    }
  }
  return false;
}

// Policies of `selected` in one direction, with `other` as the peer and ports on `destination`.
PolicyVerdict Judge(Picture& picture, const Peer& selected, const Peer& other,
                    const Peer& destination, const PortAsked& port, bool ingress) {
  PolicyVerdict out;
  if (!selected.pod) return out;
  const PoliciesOfPod policies = PoliciesFor(picture, *selected.pod);
  const auto& list = ingress ? policies.ingress : policies.egress;
  out.restricted = !list.empty();
  out.allowed = list.empty();
  for (const kube::ObjectPtr& object : list) {
    const auto* policy = object->As<kube::NetworkPolicy>();
    out.policies.push_back(object->meta().full_name());
    size_t number = 0;
    for (const kube::NetworkPolicyRule& rule : ingress ? policy->ingress : policy->egress) {
      ++number;
      bool port_fits = rule.ports.empty();
      for (const kube::NetworkPolicyPort& p : rule.ports)
        port_fits = port_fits || PortMatches(p, port, destination);
      if (!port_fits) continue;
      Answer peer = rule.peers.empty() ? Answer::kYes : Answer::kNo;
      for (const kube::NetworkPolicyPeer& p : rule.peers) {
        const Answer one = PeerMatches(picture, p, object->ns(), other);
        if (one == Answer::kYes) peer = one;
        if (one == Answer::kUnsure && peer == Answer::kNo) peer = one;
      }
      out.unsure = out.unsure || peer == Answer::kUnsure;
      if (peer != Answer::kYes || out.allowed) continue;
      out.allowed = true;
      out.by = fmt::format("{} rule {}", object->meta().full_name(), number);
    }
  }
  return out;
}

bool ReadIp(std::string_view text, std::array<unsigned char, 16>* out, int* bits) {
  const std::string copy(text);
  if (inet_pton(AF_INET, copy.c_str(), out->data()) == 1) {
    *bits = 32;
    return true;
  }
  if (inet_pton(AF_INET6, copy.c_str(), out->data()) == 1) {
    *bits = 128;
    return true;
  }
  return false;
}

}  // namespace

PolicyVerdict JudgeIngress(Picture& picture, const Peer& from, const Peer& to,
                           const PortAsked& port) {
  return Judge(picture, to, from, to, port, true);
}
PolicyVerdict JudgeEgress(Picture& picture, const Peer& from, const Peer& to,
                          const PortAsked& port) {
  return Judge(picture, from, to, to, port, false);
}

std::optional<bool> InCidr(std::string_view ip, std::string_view cidr) {
  const size_t slash = cidr.find('/');
  std::array<unsigned char, 16> address{}, network{};
  int bits = 0, network_bits = 0;
  if (slash == std::string_view::npos || !ReadIp(ip, &address, &bits) ||
      !ReadIp(cidr.substr(0, slash), &network, &network_bits))
    return std::nullopt;
  const std::string length(cidr.substr(slash + 1));
  char* end = nullptr;
  const long prefix = std::strtol(length.c_str(), &end, 10);
  if (length.empty() || *end != '\0' || prefix < 0 || prefix > network_bits) return std::nullopt;
  if (bits != network_bits) return false;
  for (long i = 0; i < prefix; ++i) {
    const auto byte = static_cast<size_t>(i / 8);
    const int bit = 7 - static_cast<int>(i % 8);
    if (((address[byte] ^ network[byte]) >> bit) & 1) return false;
  }
  return true;
}

}  // namespace opsmesh::k8s
