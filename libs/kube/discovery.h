// What a cluster serves: its kinds, by any name people use for them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/kube/types.h"

namespace opsmesh::kube {

struct ServerVersion {
  int major = 0;
  int minor = 0;            // 32 also for "32+"
  std::string git_version;  // "v1.32.13"
  std::string platform;     // "linux/amd64"
  bool AtLeast(int want_major, int want_minor) const {
    return major > want_major || (major == want_major && minor >= want_minor);
  }
};

/// A picture of discovery at one time. Immutable, thread-safe.
class Discovery {
 public:
  Discovery(std::vector<ResourceType> types, std::vector<std::string> failed_groups,
            absl::Time as_of);

  /// One type for each group and plural: the newest version that this client can read, else the
  /// server's preferred one. Kinds that two groups serve alike (events, ingresses) are each listed
  /// once, under the group this client prefers. Core first, then by group and plural.
  const std::vector<ResourceType>& types() const { return types_; }
  /// Group versions that did not answer ("metrics.k8s.io/v1beta1"): their kinds are missing here.
  const std::vector<std::string>& failed_groups() const { return failed_groups_; }
  absl::Time as_of() const { return as_of_; }

  /// By plural, singular, kind, short name or "plural.group[.version]", case-insensitive. Core and
  /// built-in groups win over others. NOT_FOUND (UNKNOWN_KIND) with the nearest name, or saying
  /// which groups did not answer.
  absl::StatusOr<ResourceType> Find(std::string_view name) const;
  /// Exact kind in a group, whatever the version; null when absent.
  const ResourceType* FindKind(std::string_view group, std::string_view kind) const;

 private:
  std::vector<ResourceType> types_;
  std::vector<ResourceType>
      doubles_;  // other groups' names for kinds in types_: found by qualified name only
  std::vector<std::string> failed_groups_;
  absl::Time as_of_;
};

}  // namespace opsmesh::kube
