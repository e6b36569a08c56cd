// Reading JSON of unknown shape without surprises: wrong types read as absent.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "libs/kubesim/store/json.h"

namespace opsmesh::kubesim {

/// The member at the path, or a null value.
const Json& At(const Json& object, std::initializer_list<const char*> path);
const Json& At(const Json& object, const char* member);
/// The text there; "" when absent or not a string.
std::string TextAt(const Json& object, std::initializer_list<const char*> path);
std::string TextAt(const Json& object, const char* member);
int64_t IntAt(const Json& object, std::initializer_list<const char*> path, int64_t otherwise = 0);
int64_t IntAt(const Json& object, const char* member, int64_t otherwise = 0);
bool BoolAt(const Json& object, std::initializer_list<const char*> path, bool otherwise = false);
/// The array there, or an empty one.
const Json& ListAt(const Json& object, std::initializer_list<const char*> path);
/// A string as it is, a number in decimal; "" otherwise (ports, IntOrString).
std::string Scalar(const Json& value);

}  // namespace opsmesh::kubesim
