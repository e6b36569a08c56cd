// What can be broken on purpose, each with its target, parameters, effect and undoing.
#pragma once

#include <string_view>
#include <vector>

namespace opsmesh::kubesim {

struct FaultKind {
  std::string_view name;
  /// Kinds of targets it takes, separated by blanks.
  std::string_view targets;
  /// "name: meaning (default)" of each parameter, separated by "; ".
  std::string_view parameters;
  std::string_view effect;
  /// What clear does.
  std::string_view undone;
  /// False: it happens once and is not kept.
  bool lasting = true;
};

const std::vector<FaultKind>& FaultCatalogue();
/// Null when there is no such kind.
const FaultKind* FindFaultKind(std::string_view name);

}  // namespace opsmesh::kubesim
