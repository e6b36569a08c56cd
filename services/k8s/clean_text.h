// Words that come from the cluster, made safe to show: they may inform an answer and never steer a
// terminal or a card.
#pragma once

#include <string>
#include <string_view>

namespace opsmesh::k8s {

/// `text` in well-formed UTF-8 without terminal escape sequences, control characters (tab becomes a
/// space, line ends become "⏎" unless `keep_lines`), bidirectional overrides and zero-width
/// characters. At most `max_bytes`, then "…".
std::string CleanText(std::string_view text, size_t max_bytes = 4096, bool keep_lines = false);

}  // namespace opsmesh::k8s
