// What a user may do in a namespace, as the server sums it up (SelfSubjectRulesReview). A hint: the
// server's answer to a request is what counts.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/base/context.h"
#include "libs/kube/config.h"
#include "libs/kube/types.h"

namespace opsmesh::kube {

class Transport;

struct Rights {
  struct Rule {
    std::vector<std::string> verbs;  // "*" = all, as in the other two
    std::vector<std::string> groups;
    std::vector<std::string> resources;
  };
  std::vector<Rule> rules;  // those for named objects only are left out
  /// Not every authorizer could say what it allows: what is not in `rules` may be allowed, too.
  bool incomplete = false;

  /// True unless it is certain that the user may not.
  bool MayAllow(std::string_view verb, const ResourceType& type) const;
};

/// From the JSON of a SelfSubjectRulesReview. Fields of a wrong type count as "incomplete".
Rights ParseRights(std::string_view json);

/// Rights in `ns`, those for all namespaces included. Errors as Client::CanI.
absl::StatusOr<Rights> ReadRights(const base::Context& ctx, Transport& transport,
                                  const Impersonation& who, std::string_view ns);

/// A namespace in which nobody is given rights of its own: what may be done there may be done in
/// all.
inline constexpr std::string_view kNoOnesNamespace = "opsmesh-asks-for-rights-in-all-namespaces";

}  // namespace opsmesh::kube
