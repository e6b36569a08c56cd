// YAML <-> JSON with YAML 1.2's core types, bounded.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/kubesim/store/json.h"

namespace opsmesh::kubesim {

/// One document of a stream and the line it starts on (from 1).
struct YamlDocument {
  std::shared_ptr<Json> value;  // never null
  int line = 1;
  /// "line 3: key "a" already set in map", for each key that its mapping holds already; the last
  /// one counts.
  std::vector<std::string> duplicates{};
};

/// Every document that is not empty. INVALID_ARGUMENT (MALFORMED_YAML, YAML_TOO_LARGE) with the
/// line. JSON is YAML too. At most 16 MiB and, after aliases are followed, 1,000,000 nodes with 64
/// MiB of text.
absl::StatusOr<std::vector<YamlDocument>> ParseYaml(std::string_view text);

/// One document in the layout of Kubernetes' own tools (sigs.k8s.io/yaml): keys in natural order,
/// lists as far in as their key, text quoted where it could be read as something else (y, no, on,
/// 012, 1:30, a date), lines of more than 80 columns folded at their spaces.
std::string DumpYaml(const Json& value);

}  // namespace opsmesh::kubesim
