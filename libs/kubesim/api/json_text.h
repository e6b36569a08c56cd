// JSON as an apiserver reads it: what Go's decoder says of a fault, which members are there twice,
// in which order.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "libs/kubesim/store/json.h"

namespace opsmesh::kubesim {

/// What there is to say of one JSON text. Value type.
struct JsonText {
  /// Empty, or the decoder's sentence: "invalid character 'n' looking for beginning of value".
  std::string fault;
  /// Every member as a path ("spec.containers[0].image") in the order of the text; only when
  /// `fault` is empty. Without those whose path is longer than 4,096 bytes, and at most 20,000.
  std::vector<std::string> members;
  /// Members that their object holds already, as paths, each once, in the order of the text. One
  /// whose path is too long is told by the path of what holds it.
  std::vector<std::string> duplicates;
  /// Numbers that are not written as whole ones of 64 bits ("1e2", "2.0"), by their paths, as they
  /// are written: that is how sentences name them.
  std::map<std::string, std::string> odd_numbers;
  /// The first number beyond every range ("1e400"), as it is written; `value` has the greatest
  /// there is in its place. "" when there is none.
  std::string overflow;
};

/// Reads one document into `value` (left alone when there is a fault). Ill-formed UTF-8 and lone
/// surrogates become U+FFFD, one for each byte as in Go; the last of equal members counts. At most
/// 10,000 levels
/// ("exceeded max depth"). Never throws; needs no more stack for deep texts. `with_members` = false
/// leaves `members` empty (texts of machines, where nobody asks for their order).
JsonText ReadJsonText(std::string_view text, Json* value, bool with_members = true);

/// A text without faults that has duplicates, as it is read into a type that is known: an object
/// that is written twice has the members of both. Null when it cannot be read.
Json ReadJoined(std::string_view text);

}  // namespace opsmesh::kubesim
