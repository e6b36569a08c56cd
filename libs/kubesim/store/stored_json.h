// Stored objects between bytes and values, quickly: every controller's look at an object and every
// write pass here.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "libs/kubesim/store/json.h"

namespace opsmesh::kubesim {

/// The value of bytes that DumpStored() (or any JSON writer) made; a discarded value when they are
/// no JSON. Numbers have the types that Json::parse() gives them. Thread-safe.
Json ParseStored(const std::string& json);

/// Appends base::DumpJson(value).
void AppendStored(const Json& value, std::string* text);

/// The bytes of one member of a stored object, such as "metadata"; "" when it has none. No look at
/// what other members hold.
std::string_view StoredMember(std::string_view object, std::string_view member);

/// base::DumpJson(object), and where the text of metadata.resourceVersion (a string of digits)
/// begins in it; 0 when there is none.
std::string DumpStored(const Json& object, size_t* version_at);

}  // namespace opsmesh::kubesim
