// The tools a model is offered for one question: few enough for a small model, the fitting ones
// first, reading ones only.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libs/llm_provider/chat.h"
#include "libs/text/language.h"
#include "opsmesh/k8s/v1/tool.pb.h"

namespace opsmesh::llm {

/// The name under which the rule-based diagnosis is offered beside the cluster's own tools.
inline constexpr std::string_view kDiagnoseTool = "diagnose";

/// Immutable after construction.
class ToolMenu {
 public:
  explicit ToolMenu(k8s::v1::ListToolsResponse tools);

  /// By name or alias; nullptr when unknown.
  const k8s::v1::Tool* Find(std::string_view name) const;
  /// True for a tool that exists in this version and only reads: the only kind a model's call may
  /// run.
  static bool MayRun(const k8s::v1::Tool& tool);

  /// At most `most` tools for `question` (and what was said before it), best first; the ones named
  /// in `suggested` come first.
  std::vector<llm_provider::ToolSchema> Choose(std::string_view question,
                                               const std::vector<std::string>& suggested,
                                               text::Language language, size_t most) const;
  /// Names near `name`, for "did you mean".
  std::string Nearest(std::string_view name) const;

 private:
  std::vector<k8s::v1::Tool> tools_;
};

/// A tool's schema with what a model does not need taken out: patterns, lengths, the other
/// language's descriptions.
std::string CompactSchema(std::string_view schema, text::Language language);

/// The tool the rule-based diagnosis is offered as.
const k8s::v1::Tool& DiagnoseTool();

}  // namespace opsmesh::llm
