// Sentences in two languages from one set of arguments.
#pragma once

#include <string_view>

#include <fmt/format.h>

#include "services/k8s/answer.h"

namespace opsmesh::k8s {

/// One sentence in both languages from the same arguments; use positional fields: Say("{0} 个",
/// "{0} pieces", n).
template <typename... Args>
Text Say(std::string_view zh, std::string_view en, const Args&... args) {
  return {fmt::format(fmt::runtime(zh), args...), fmt::format(fmt::runtime(en), args...)};
}

}  // namespace opsmesh::k8s
