// Whether the store behind an API server is still the one that a picture was made of, or was wiped
// or set back (a restored backup) while nobody watched.
#pragma once

#include <string_view>

#include "absl/status/statusor.h"
#include "libs/base/context.h"
#include "libs/kube/client.h"
#include "libs/kube/kind_store.h"
#include "libs/kube/types.h"

namespace opsmesh::kube {

/// True when `a` is surely older than `b`: versions of one kind can be compared where they are
/// numbers (KEP-5504). False where either is not one.
bool IsBefore(std::string_view a, std::string_view b);

/// After the server was away: is this the history that the picture in `store` is of? Asks for one
/// object of `type` in `ns` ("" = all namespaces), and compares version, count and that object.
/// Blocks for two minutes at most. Errors: those of Client::List.
absl::StatusOr<bool> SameHistory(const base::Context& ctx, Client& client, const ResourceType& type,
                                 std::string_view ns, const KindStore& store);

}  // namespace opsmesh::kube
