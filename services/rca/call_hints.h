// Whom a workload calls, as far as its own specification tells: the addresses of services in its
// environment and arguments ("http://cart", "redis:6379", "db.payments.svc.cluster.local:5432").
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace opsmesh::rca {

/// Namespace and name.
using ServiceNames = std::set<std::pair<std::string, std::string>>;

/// Services that `object` (JSON of a workload of the namespace `ns`) has addresses of. A bare word
/// is no address: it takes a scheme before it, a port or a domain behind it, or a variable whose
/// name says that it is one (..._HOST, ..._URL). Takes any bytes. Pure.
ServiceNames CallHints(std::string_view object, const std::string& ns,
                       const ServiceNames& services);

}  // namespace opsmesh::rca
