// Formats of texts that the schema of a custom resource can ask for, judged as a server's validator
// judges them. Pure functions. Internal to this folder.
#pragma once

#include <string>
#include <string_view>

namespace opsmesh::kubesim {

/// `name` when the validator knows it; "" for formats that servers do not check, such
/// as int32 or one that nobody knows.
std::string ValueFormat(std::string_view name);
/// Whether a text has a format that ValueFormat() returned. Not everything a format's definition
/// asks for is checked by servers: durations also take "3 days", single-word host names take few
/// dashes.
bool FitsFormat(std::string_view format, const std::string& text);

}  // namespace opsmesh::kubesim
