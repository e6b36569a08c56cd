#include "cli/tools_command.h"

#include <memory>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/print.h"
#include "cli/read_command.h"
#include "fmt/core.h"
#include "libs/base/error.h"
#include "libs/base/json.h"
#include "libs/base/strings.h"
#include "nlohmann/json.hpp"

namespace opsmesh::cli {
namespace {

using nlohmann::json;

struct ToolsFlags {
  ReachFlags reach;
  std::string name;
  std::vector<std::string> pairs;  // key=value
  std::string arguments;           // the same as one JSON object
  std::string group;
  std::string format;
  bool all = false;
};

std::string RiskWord(const std::string& risk) {
  constexpr std::string_view kPrefix = "RISK_CLASS_";
  return base::AsciiLower(risk.rfind(kPrefix, 0) == 0 ? risk.substr(kPrefix.size()) : risk);
}

absl::StatusOr<json> FindTool(Reading& reading, const std::string& name) {
  OPSMESH_ASSIGN_OR_RETURN(const json list, reading.Get("/api/v1/tools?include_unavailable=true"));
  std::vector<std::string> names;
  for (const json& tool : list.value("tools", json::array())) {
    names.push_back(tool.value("name", ""));
    if (names.back() == name) return tool;
    for (const json& alias : tool.value("aliases", json::array())) {
      if (alias == name) return tool;
    }
  }
  const std::string_view nearest = base::Nearest(name, names);
  return base::NotFound("TOOL", fmt::format("There is no tool '{}'.", name))
      .Hint(nearest.empty() ? "`opsmesh tools` lists them."
                            : fmt::format("Did you mean '{}'?", nearest));
}

/// A value as the tool's schema wants it: numbers and booleans as such, everything else as text.
json ValueOf(const json& schema, const std::string& text) {
  const std::string type = schema.is_object() ? schema.value("type", "") : "";
  if (type == "integer" || type == "number" || type == "boolean" || type == "array" ||
      type == "object") {
    const auto parsed = base::ParseJson(text);
    if (parsed.ok()) return *parsed;
    if (type == "array") {
      json list = json::array();
      for (const std::string_view one : base::Split(text, ',')) list.push_back(std::string(one));
      return list;
    }
  }
  return text;
}

absl::StatusOr<json> ArgumentsOf(const json& tool, const ToolsFlags& flags) {
  json arguments = json::object();
  if (!flags.arguments.empty()) {
    OPSMESH_ASSIGN_OR_RETURN(arguments, base::ParseJson(flags.arguments));
    if (!arguments.is_object()) {
      return base::InvalidArgument("args", "USAGE", "--args is no JSON object.")
          .Hint("For instance --args '{\"namespace\":\"shop\"}'.");
    }
  }
  const json properties =
      tool.value("parameters", json::object()).value("properties", json::object());
  for (const std::string& pair : flags.pairs) {
    const size_t equals = pair.find('=');
    if (equals == std::string::npos || equals == 0) {
      return base::InvalidArgument("arguments", "USAGE",
                                   fmt::format("'{}' names no argument and value.", pair))
          .Hint("Write name=value.");
    }
    const std::string name = pair.substr(0, equals);
    arguments[name] = ValueOf(properties.value(name, json()), pair.substr(equals + 1));
  }
  return arguments;
}

absl::StatusOr<int> CallTool(Reading& reading, const ToolsFlags& flags) {
  OPSMESH_ASSIGN_OR_RETURN(const json tool, FindTool(reading, flags.name));
  OPSMESH_ASSIGN_OR_RETURN(const json arguments, ArgumentsOf(tool, flags));
  OPSMESH_ASSIGN_OR_RETURN(const json answer, reading.Tool(flags.name, arguments));
  if (flags.format == "json") {
    reading.Print(RenderJson(answer));
  } else if (flags.format == "yaml") {
    reading.Print(RenderYaml(answer));
  } else {
    reading.Print(SafeText(InTerminalLanguage(answer.value("text", json::object()))) + "\n");
  }
  return reading.Ledger(answer);
}

absl::StatusOr<int> ShowTool(Reading& reading, const ToolsFlags& flags) {
  OPSMESH_ASSIGN_OR_RETURN(const json tool, FindTool(reading, flags.name));
  reading.Print(flags.format == "json" ? RenderJson(tool) : RenderYaml(tool));
  return kOk;
}

absl::StatusOr<int> PrintTools(Reading& reading, const std::string& group,
                               const std::string& format, bool all) {
  OPSMESH_ASSIGN_OR_RETURN(
      const json list,
      reading.Get("/api/v1/tools" +
                  QueryOf({{"group", group}, {"include_unavailable", all ? "true" : ""}})));
  if (format == "json") reading.Print(RenderJson(list));
  if (format == "yaml") reading.Print(RenderYaml(list));
  if (format == "json" || format == "yaml") return kOk;
  std::vector<std::vector<std::string>> rows;
  for (const json& tool : list.value("tools", json::array())) {
    rows.push_back({tool.value("group", ""), tool.value("name", ""),
                    RiskWord(tool.value("risk", "")),
                    InTerminalLanguage(tool.value("description", json::object()))});
  }
  if (format == "name") {
    std::string names;
    for (const auto& row : rows) names += row[1] + "\n";
    reading.Print(names);
  } else {
    reading.Print(
        RenderTable({"GROUP", "NAME", "RISK", "DESCRIPTION"}, rows, format == "wide" ? 1000 : 90));
  }
  return kOk;
}

absl::StatusOr<int> PrintModels(Reading& reading, const std::string& format) {
  OPSMESH_ASSIGN_OR_RETURN(const json models, reading.Get("/api/v1/models"));
  if (format == "json") {
    reading.Print(RenderJson(models));
  } else if (format == "yaml") {
    reading.Print(RenderYaml(models));
  } else {
    const std::string current = models.value("current", "");
    std::string text;
    for (const json& model : models.value("models", json::array())) {
      if (!model.is_string()) continue;
      const std::string name = model.get<std::string>();
      text += fmt::format("{} {}\n", name == current ? "*" : " ", name);
    }
    reading.Print(text);
    reading.Note(fmt::format("{} {} ({})", Say("现在回答的是", "answers now:"), current,
                             models.value("provider", "")));
  }
  return kOk;
}

}  // namespace

int ListTools(const ReachFlags& flags, const std::string& group, const std::string& format,
              bool all) {
  return RunReading(flags,
                    [&](Reading& reading) { return PrintTools(reading, group, format, all); });
}

int ListModels(const ReachFlags& flags, const std::string& format) {
  return RunReading(flags, [&](Reading& reading) { return PrintModels(reading, format); });
}

void AddToolsCommand(CLI::App& app, int* exit_code) {
  CLI::App* command = app.add_subcommand("tools", "List the tools, show one, or run one by hand.");
  command->require_subcommand(0, 1);
  auto flags = std::make_shared<ToolsFlags>();
  flags->format = "table";
  const auto add_list_flags = [flags](CLI::App& list) {
    list.add_option("--group", flags->group, "Only this group, for instance diagnostics.");
    list.add_flag("--all", flags->all, "Also tools that are not built yet.");
    list.add_option("-o,--output", flags->format, "table, wide, json, yaml or name.")
        ->check(CLI::IsMember({"table", "wide", "json", "yaml", "name"}));
    AddReachFlags(list, flags->reach);
  };
  add_list_flags(*command);
  command->footer(
      "Examples:\n"
      "  opsmesh tools --group diagnostics\n"
      "  opsmesh tools show get_pod_logs\n"
      "  opsmesh tools call list_kubernetes_pods namespace=shop -o json");
  add_list_flags(*command->add_subcommand("list", "List the tools."));

  CLI::App* show = command->add_subcommand("show", "Show a tool with the schema of its arguments.");
  show->add_option("name", flags->name, "Name or alias.")->required();
  show->add_option("-o,--output", flags->format, "yaml or json.")
      ->check(CLI::IsMember({"yaml", "json"}));
  AddReachFlags(*show, flags->reach);
  show->callback([flags, exit_code] {
    *exit_code =
        RunReading(flags->reach, [&](Reading& reading) { return ShowTool(reading, *flags); });
  });

  CLI::App* call = command->add_subcommand("call", "Run a tool.");
  call->add_option("name", flags->name, "Name or alias.")->required();
  call->add_option("arguments", flags->pairs, "name=value, as often as needed.");
  call->add_option("--args", flags->arguments, "The arguments as one JSON object.");
  call->add_option("-o,--output", flags->format, "text, json or yaml.")
      ->check(CLI::IsMember({"text", "json", "yaml"}));
  AddReachFlags(*call, flags->reach);
  call->callback([flags, exit_code] {
    *exit_code =
        RunReading(flags->reach, [&](Reading& reading) { return CallTool(reading, *flags); });
  });

  command->callback([command, flags, exit_code, show, call] {
    if (show->parsed() || call->parsed()) return;
    *exit_code = ListTools(flags->reach, flags->group, flags->format, flags->all);
  });
}

void AddModelsCommand(CLI::App& app, int* exit_code) {
  CLI::App* command = app.add_subcommand("models", "List the models, and which one answers.");
  auto flags = std::make_shared<ReachFlags>();
  auto format = std::make_shared<std::string>("table");
  command->add_option("-o,--output", *format, "table, json or yaml.")
      ->check(CLI::IsMember({"table", "json", "yaml"}));
  AddReachFlags(*command, *flags);
  command->footer("Examples:\n  opsmesh models\n  opsmesh models -o json");
  command->callback([flags, format, exit_code] { *exit_code = ListModels(*flags, *format); });
}

}  // namespace opsmesh::cli
