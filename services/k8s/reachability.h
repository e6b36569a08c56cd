// Whether network policies let one pod reach another: the set rules of networking.k8s.io/v1, over
// the cached objects.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "services/k8s/picture.h"

namespace opsmesh::k8s {

/// One end of a connection. A source outside the cluster, or one nobody named, has no pod.
struct Peer {
  kube::ObjectPtr pod;  // null = only namespace and labels are known
  std::string name_space;
  kube::StrPairs labels;
  std::string ip;  // "" = not known
};

struct PortAsked {
  int64_t number = 0;  // on the destination pod; 0 = any
  std::string protocol = "TCP";
};

struct PolicyVerdict {
  bool restricted = false;  // some policy applies in this direction
  bool allowed = true;
  std::vector<std::string> policies;  // "ns/name" that apply
  std::string by;                     // the rule that allows: "ns/name rule 2"; "" when none does
  bool unsure = false;                // a rule by IP block could not be judged
};

/// Ingress at `to` from `from`. A pod without ingress policies takes everything.
PolicyVerdict JudgeIngress(Picture& picture, const Peer& from, const Peer& to,
                           const PortAsked& port);
/// Egress of `from` towards `to`.
PolicyVerdict JudgeEgress(Picture& picture, const Peer& from, const Peer& to,
                          const PortAsked& port);

/// True when `ip` is in `cidr` (IPv4 or IPv6); nullopt when one of them cannot be read.
std::optional<bool> InCidr(std::string_view ip, std::string_view cidr);

}  // namespace opsmesh::k8s
