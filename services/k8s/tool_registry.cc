#include "services/k8s/tool_registry.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include <fmt/format.h>

#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "services/k8s/clean_text.h"

namespace opsmesh::k8s {

void ToolRegistry::Add(Tool tool) {
  std::string kebab = base::ReplaceAll(tool.name, "_", "-");
  if (std::find(tool.aliases.begin(), tool.aliases.end(), kebab) == tool.aliases.end()) {
    tool.aliases.insert(tool.aliases.begin(), std::move(kebab));
  }
  tools_.push_back(std::make_unique<Tool>(std::move(tool)));
  const Tool* added = tools_.back().get();
  std::vector<std::string> names = added->aliases;
  names.push_back(added->name);
  for (const std::string& name : names) {
    if (!by_name_.emplace(name, added).second) {
      std::fprintf(stderr, "Two tools are called '%s'.\n", name.c_str());
      std::abort();
    }
  }
}

absl::StatusOr<const Tool*> ToolRegistry::Find(std::string_view name) const {
  if (const auto it = by_name_.find(name); it != by_name_.end()) return it->second;
  // "k8s_get_pods" means k8s-get-pods.
  if (const auto it = by_name_.find(base::ReplaceAll(name, "_", "-")); it != by_name_.end())
    return it->second;
  std::vector<std::string> names;
  for (const auto& [known, tool] : by_name_) names.push_back(known);
  const std::string near(base::Nearest(name.substr(0, 128), names));
  const std::string shown = CleanText(name, 80);
  return base::NotFound("UNKNOWN_TOOL", fmt::format("There is no tool '{}'.", shown))
      .Hint(near.empty() ? "GET /api/v1/tools lists them."
                         : fmt::format("Did you mean '{}'?", near))
      .With("tool", shown);
}

std::vector<const Tool*> ToolRegistry::List(std::string_view group,
                                            bool include_unavailable) const {
  std::vector<const Tool*> out;
  for (const auto& tool : tools_) {
    if ((group.empty() || tool->group == group) && (tool->available || include_unavailable))
      out.push_back(tool.get());
  }
  std::sort(out.begin(), out.end(), [](const Tool* a, const Tool* b) {
    return std::tie(a->group, a->name) < std::tie(b->group, b->name);
  });
  return out;
}

namespace {

Tool MakeTool(std::string_view group, std::string name, Text description, std::vector<Param> params,
              ToolHandler handler, std::vector<std::string> aliases) {
  Tool tool;
  tool.name = std::move(name);
  tool.group = group;
  tool.description = std::move(description);
  tool.params = std::move(params);
  tool.handler = std::move(handler);
  tool.aliases = std::move(aliases);
  return tool;
}

}  // namespace

void ToolGroup::Cached(std::string name, Text description, std::vector<Param> params,
                       ToolHandler handler, std::vector<std::string> aliases) {
  registry_.Add(MakeTool(name_, std::move(name), std::move(description), std::move(params),
                         std::move(handler), std::move(aliases)));
}

void ToolGroup::Live(std::string name, Text description, std::vector<Param> params,
                     ToolHandler handler, std::vector<std::string> aliases) {
  Tool tool = MakeTool(name_, std::move(name), std::move(description), std::move(params),
                       std::move(handler), std::move(aliases));
  tool.cacheable = false;
  registry_.Add(std::move(tool));
}

void ToolGroup::Planned(std::string name, Text description, std::vector<Param> params,
                        ToolHandler handler, Risk risk, std::vector<std::string> aliases) {
  Tool tool = MakeTool(name_, std::move(name), std::move(description), std::move(params),
                       std::move(handler), std::move(aliases));
  tool.risk = risk;
  tool.available = false;
  tool.cacheable = false;
  registry_.Add(std::move(tool));
}

ToolRegistry AllTools(const ToolSettings& settings) {
  ToolRegistry registry;
  AddResourceTools(registry);
  AddDetailTools(registry);
  AddDiagnosticTools(registry);
  AddClusterTools(registry);
  AddQueryTools(registry);
  AddAnalysisTools(registry);
  AddServiceChainTool(registry);
  AddTracingTools(registry);
  AddRestartTools(registry);
  AddRolloutTools(registry);
  AddWriteTools(registry);
  AddOptimizationTools(registry);
  AddAvailabilityTools(registry);
  AddProbeTools(registry);
  AddPerformanceTools(registry);
  AddSchedulingTools(registry);
  AddNetworkPathTool(registry);
  AddSecurityTools(registry, settings);
  return registry;
}

}  // namespace opsmesh::k8s
