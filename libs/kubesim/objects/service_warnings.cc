#include "libs/kubesim/objects/service_warnings.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <string_view>

#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

// As RFC 5952 writes an address of the sixth version, with the length of a prefix behind.
std::string Canonical(std::string_view text) {
  const size_t slash = text.find('/');
  unsigned char bytes[16];
  char out[INET6_ADDRSTRLEN];
  if (inet_pton(AF_INET6, std::string(text.substr(0, slash)).c_str(), bytes) != 1 ||
      inet_ntop(AF_INET6, bytes, out, sizeof(out)) == nullptr)
    return std::string(text);
  return out + std::string(slash == std::string_view::npos ? "" : text.substr(slash));
}

void Addresses(std::vector<std::string>& warnings, const Json& spec, const char* member,
               const char* what) {
  const Json& list = ListAt(spec, {member});
  for (size_t i = 0; i < list.size(); ++i) {
    const std::string text = Scalar(list[i]), canonical = Canonical(text);
    if (text == canonical) continue;
    warnings.push_back(fmt::format(
        "spec.{}[{}]: IPv6 {} \"{}\" is not in RFC 5952 canonical format (\"{}\"), which "
        "may cause controller apply-loops",
        member, i, what, text, canonical));
  }
}

}  // namespace

void WarnOfService(std::vector<std::string>& warnings, const Json& service) {
  if (!At(service, {"metadata", "annotations", "service.kubernetes.io/topology-aware-hints"})
           .is_null()) {
    warnings.emplace_back(
        "annotation service.kubernetes.io/topology-aware-hints is deprecated, please use "
        "service.kubernetes.io/topology-mode instead");
  }
  const Json& spec = At(service, "spec");
  Addresses(warnings, spec, "clusterIPs", "address");
  Addresses(warnings, spec, "externalIPs", "address");
  Addresses(warnings, spec, "loadBalancerSourceRanges", "prefix");
  const bool external = TextAt(service, {"spec", "type"}) == "ExternalName";
  if (external && !ListAt(service, {"spec", "externalIPs"}).empty())
    warnings.emplace_back("spec.externalIPs is ignored when spec.type is \"ExternalName\"");
  if (!external && !TextAt(service, {"spec", "externalName"}).empty())
    warnings.emplace_back("spec.externalName is ignored when spec.type is not \"ExternalName\"");
}

}  // namespace opsmesh::kubesim
