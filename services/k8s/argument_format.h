// What the text of an argument must look like: one rule a ParamFormat. Pure.
#pragma once

#include <string_view>

#include "services/k8s/arguments.h"

namespace opsmesh::k8s {

struct FormatRule {
  bool (*accepts)(std::string_view);
  const char* pattern;  // for the schema; nullptr = none
  const char* says;     // what it must be, after "must be "
  int max_length;
};

const FormatRule& RuleOf(ParamFormat format);

}  // namespace opsmesh::k8s
