// What names, keys and values of labels may look like, and the sentences of a real server about
// those that do not. Clients show these sentences and people search for them. Thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace opsmesh::kubesim {

/// Everything that is wrong with a text; empty = nothing.
using Faults = std::vector<std::string>;

/// RFC 1123 label.
Faults LabelFault(std::string_view text);
/// RFC 1123 subdomain.
Faults SubdomainFault(std::string_view text);
/// "*." and an RFC 1123 subdomain.
Faults WildcardFault(std::string_view text);
/// DNS-1035 label.
Faults Label1035Fault(std::string_view text);
/// [prefix/]name, as keys of labels, annotations, taints and finalizers are.
Faults QualifiedFault(std::string_view text);
Faults LabelValueFault(std::string_view text);
/// A name that is to stand between two slashes of a path.
Faults PathSegmentFault(std::string_view name);
/// A key of a ConfigMap or Secret.
Faults ConfigKeyFault(std::string_view key);

}  // namespace opsmesh::kubesim
