// Sets of completion indexes as a Job's status writes them: "1,3-5,7".
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

namespace opsmesh::kubesim {

/// Malformed parts are left out; indexes of `limit` and above too.
std::set<int64_t> ParseIndexes(std::string_view text, int64_t limit);
std::string FormatIndexes(const std::set<int64_t>& indexes);

}  // namespace opsmesh::kubesim
