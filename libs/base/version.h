// Which OpsMesh this is: the VERSION file and the git revision it was built from. Pure; safe from
// any thread.
#pragma once

#include <string>
#include <string_view>

namespace opsmesh::base {

/// The release, for instance "0.1.0".
std::string_view Version();
/// Abbreviated git revision, "+" behind it when the tree had changes of its own when configured;
/// "unknown" outside a clone.
std::string_view Revision();
/// Both: "0.1.0 (1848d93)".
std::string VersionLine();

}  // namespace opsmesh::base
