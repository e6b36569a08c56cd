#include "services/llm/planner/routes.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "embed/opsmesh_services_llm_planner.h"
#include "libs/base/error.h"

namespace opsmesh::llm {
namespace {

std::vector<std::string> Strings(const YAML::Node& node) {
  std::vector<std::string> out;
  if (!node) return out;
  if (node.IsScalar()) return {node.as<std::string>()};
  for (const YAML::Node& element : node) out.push_back(element.as<std::string>());
  return out;
}

std::vector<Step> Steps(const YAML::Node& node) {
  std::vector<Step> steps;
  for (const YAML::Node& element : node) {
    Step step;
    step.tool = element.IsScalar() ? element.as<std::string>() : element["tool"].as<std::string>();
    if (element.IsMap()) {
      for (const auto& argument : element["args"]) {
        std::string value;
        for (const std::string& one : Strings(argument.second))
          value += (value.empty() ? "" : "\n") + one;
        step.arguments.emplace_back(argument.first.as<std::string>(), value);
      }
    }
    steps.push_back(std::move(step));
  }
  return steps;
}

bool OneOf(const std::vector<std::string>& accepted, const std::string& value) {
  return accepted.empty() || std::find(accepted.begin(), accepted.end(), value) != accepted.end();
}

}  // namespace

bool Route::Accepts(const Intent& intent) const {
  if (!OneOf(actions, intent.action) || !OneOf(kinds, intent.kind) ||
      !OneOf(conditions, intent.condition) || !OneOf(topics, intent.topic) ||
      !OneOf(metrics, intent.metric)) {
    return false;
  }
  if (name && *name != intent.HasTarget()) return false;
  if (grouped && *grouped != !intent.group_by.empty()) return false;
  if (where && *where != (!intent.where.empty() || !intent.sort_by.empty())) return false;
  if (between && *between != intent.between) return false;
  if (several && *several != (intent.compares && intent.objects.size() > 1)) return false;
  if (name_space && *name_space != !intent.name_space.empty()) return false;
  if (!linked.empty() && (intent.objects.empty() || !OneOf(linked, intent.objects.front().kind)))
    return false;
  return !single || intent.objects.size() == 1;
}

absl::StatusOr<Routes> Routes::Load(std::string_view yaml) {
  Routes routes;
  try {
    for (const YAML::Node& entry : YAML::Load(std::string(yaml))) {
      Route route;
      const YAML::Node when = entry["when"];
      route.actions = Strings(when["action"]);
      route.kinds = Strings(when["kind"]);
      route.conditions = Strings(when["condition"]);
      route.topics = Strings(when["topic"]);
      route.metrics = Strings(when["metric"]);
      route.linked = Strings(when["linked"]);
      if (when["name"]) route.name = when["name"].as<bool>();
      if (when["grouped"]) route.grouped = when["grouped"].as<bool>();
      if (when["where"]) route.where = when["where"].as<bool>();
      if (when["between"]) route.between = when["between"].as<bool>();
      if (when["several"]) route.several = when["several"].as<bool>();
      if (when["namespace"]) route.name_space = when["namespace"].as<bool>();
      route.single = when["single"].as<bool>(false);
      route.steps = Steps(entry["steps"]);
      route.otherwise = Steps(entry["otherwise"]);
      route.target = entry["target"].as<std::string>("");
      route.needs_name = entry["needs_name"].as<bool>(false);
      route.needs_kind = entry["needs_kind"].as<bool>(false);
      routes.routes_.push_back(std::move(route));
    }
  } catch (const YAML::Exception& error) {
    return base::InvalidArgument("routes", "LEXICON",
                                 fmt::format("lexicon/routes.yaml: {}", error.what()));
  }
  return routes;
}

const Routes& Routes::Embedded() {
  static const Routes* const routes = [] {
    auto loaded = Load(embedded::EmbeddedFile("lexicon/routes.yaml"));
    if (!loaded.ok()) {
      std::fprintf(stderr, "%s\n", loaded.status().ToString().c_str());
      std::abort();  // our own data, checked when built
    }
    return new Routes(*std::move(loaded));
  }();
  return *routes;
}

const Route* Routes::Find(const Intent& intent) const {
  for (const Route& route : routes_) {
    if (route.Accepts(intent)) return &route;
  }
  return nullptr;
}

}  // namespace opsmesh::llm
