// Hands a change of one service down its calls. Pure, deterministic, O(V + E).
#pragma once

#include <map>
#include <set>
#include <string>

namespace opsmesh::analytics {

/// Who calls whom: caller -> callees.
using CallGraph = std::map<std::string, std::set<std::string>>;

/// Own parts of the target's change, as shares of it, of every service the target reaches: a
/// service passes on to its callees what they changed, at most what it was handed itself (what runs
/// aside of the request cannot have slowed it), and keeps the rest as its own, which may be
/// negative. `change` = what each measured service contributes, `requests` = how busy it is (1 when
/// unknown): a callee is shared among its callers by their requests. Empty when the target is not
/// measured or did not change.
std::map<std::string, double> OwnShares(const std::string& target, const CallGraph& callees,
                                        const std::map<std::string, double>& change,
                                        const std::map<std::string, double>& requests);

}  // namespace opsmesh::analytics
