// ClusterRoles that are made of others: aggregationRule.
#pragma once

#include "libs/kubesim/store/store.h"

namespace opsmesh::kubesim {

/// The rules of every ClusterRole that a selector of `role`'s aggregationRule matches, in order of
/// their names, each once. The role itself never counts.
Json AggregatedRules(const Store& store, const Json& role);

}  // namespace opsmesh::kubesim
