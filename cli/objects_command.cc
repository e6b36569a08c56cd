// pods, events, describe, diagnose: what is in the cluster, as tables, JSON, YAML or names.
#include <algorithm>
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
#include "libs/base/strings.h"
#include "nlohmann/json.hpp"

namespace opsmesh::cli {
namespace {

using nlohmann::json;

struct ListFlags {
  ReachFlags reach;
  std::string name;
  std::string name_space;
  bool all_namespaces = false;
  std::string selector;
  std::string field_selector;
  std::string cluster;
  std::string format = "table";
  bool no_headers = false;
  // events
  std::string type;
  std::string about;
  std::string since;
  int64_t limit = 0;
};

void AddListFlags(CLI::App& command, ListFlags& flags, const std::vector<std::string>& formats) {
  command.add_option("-n,--namespace", flags.name_space, "Namespace (default: \"default\").");
  command.add_flag("-A,--all-namespaces", flags.all_namespaces, "All namespaces.");
  command.add_option("--cluster", flags.cluster, "Id of a configured cluster.");
  command.add_option("-o,--output", flags.format, "One of " + base::Join(formats, ", ") + ".")
      ->check(CLI::IsMember(formats));
  command.add_flag("--no-headers", flags.no_headers, "No line of column names.");
}

/// Prints a list in the format asked for. `names` of the objects for -o name.
std::string Render(const ListFlags& flags, const std::vector<std::string>& header,
                   const std::vector<std::vector<std::string>>& rows) {
  const std::string table = RenderTable(header, rows);
  return flags.no_headers ? table.substr(table.find('\n') + 1) : table;
}

std::string Where(const ListFlags& flags) {
  return flags.all_namespaces ? "" : flags.name_space.empty() ? "default" : flags.name_space;
}

/// Every page of ListObjects.
absl::StatusOr<json> AllObjects(Reading& reading, const ListFlags& flags, const std::string& kind) {
  const std::string name_space = Where(flags);
  const std::string path =
      name_space.empty()
          ? "/api/v1/objects/" + kind
          : "/api/v1/namespaces/" + base::PercentEncode(name_space) + "/objects/" + kind;
  json whole;
  std::string token;
  do {
    OPSMESH_ASSIGN_OR_RETURN(json page,
                             reading.Get(path + QueryOf({{"label_selector", flags.selector},
                                                         {"field_selector", flags.field_selector},
                                                         {"cluster", flags.cluster},
                                                         {"page_size", "1000"},
                                                         {"page_token", token}})));
    const std::string next = page.value("next_page_token", "");
    if (whole.is_null()) {
      whole = std::move(page);
    } else {
      for (json& object : page["objects"]) whole["objects"].push_back(std::move(object));
    }
    if (next == token) break;  // a server that hands out the same page again would never end
    token = next;
  } while (!token.empty());
  return whole;
}

/// Every page of the structured list, for -o json and yaml.
absl::StatusOr<json> AllItems(Reading& reading, const ListFlags& flags, const std::string& kind) {
  json arguments = {{"resource_type", kind}, {"limit", 500}};
  if (!Where(flags).empty()) arguments["namespace"] = Where(flags);
  if (!flags.selector.empty()) arguments["label_selector"] = flags.selector;
  if (!flags.field_selector.empty()) arguments["field_selector"] = flags.field_selector;
  json items = json::array();
  json total;
  while (true) {
    OPSMESH_ASSIGN_OR_RETURN(const json answer,
                             reading.Tool("kubectl_get_resources", arguments, flags.cluster));
    const json& result = answer.at("result");
    for (const json& item : result.value("items", json::array())) items.push_back(item);
    total = result.value("matched", result.value("total", json()));
    const std::string cursor = answer.value("next_cursor", result.value("next_cursor", ""));
    if (cursor.empty() || arguments.value("cursor", "") == cursor) break;
    arguments["cursor"] = cursor;
  }
  return json{{"kind", "List"}, {"total", total}, {"items", std::move(items)}};
}

absl::StatusOr<int> ShowOne(Reading& reading, const ListFlags& flags) {
  const std::string path = "/api/v1/namespaces/" +
                           base::PercentEncode(Where(flags).empty() ? "default" : Where(flags)) +
                           "/objects/pods/" + base::PercentEncode(flags.name);
  OPSMESH_ASSIGN_OR_RETURN(const json answer,
                           reading.Get(path + QueryOf({{"cluster", flags.cluster}})));
  reading.Print(flags.format == "json" ? RenderJson(answer.at("object"))
                                       : RenderYaml(answer.at("object")));
  return reading.Ledger(answer);
}

absl::StatusOr<int> Pods(Reading& reading, ListFlags flags) {
  const bool structured = flags.format == "json" || flags.format == "yaml";
  if (!flags.name.empty()) {
    if (structured) return ShowOne(reading, flags);
    flags.field_selector +=
        (flags.field_selector.empty() ? "" : ",") + std::string("metadata.name=") + flags.name;
  }
  if (structured) {
    OPSMESH_ASSIGN_OR_RETURN(const json items, AllItems(reading, flags, "pods"));
    reading.Print(flags.format == "json" ? RenderJson(items) : RenderYaml(items));
    return kOk;
  }
  OPSMESH_ASSIGN_OR_RETURN(const json list, AllObjects(reading, flags, "pods"));
  const json& objects = list.at("objects");
  if (objects.empty()) {
    if (!flags.name.empty()) {
      return base::NotFound("OBJECT_NOT_FOUND",
                            fmt::format("There is no pod '{}' in {}.", flags.name,
                                        Where(flags).empty() ? "any namespace"
                                                             : "namespace '" + Where(flags) + "'"))
          .Hint("`opsmesh pods -A` lists all.");
    }
    reading.Note(Where(flags).empty()
                     ? Say("没有 Pod。", "No pods found.")
                     : fmt::format("{} {}", Say("没有 Pod：命名空间", "No pods found in namespace"),
                                   Where(flags)));
    return reading.Ledger(list);
  }
  std::vector<std::string> header;
  std::vector<size_t> shown;
  const std::vector<std::string> columns = list.at("columns").get<std::vector<std::string>>();
  const std::vector<std::string> narrow = {"NAME", "READY", "STATUS", "RESTARTS", "AGE"};
  if (flags.all_namespaces) header.push_back("NAMESPACE");
  for (size_t i = 0; i < columns.size(); ++i) {
    if (flags.format != "wide" &&
        std::find(narrow.begin(), narrow.end(), columns[i]) == narrow.end())
      continue;
    header.push_back(columns[i]);
    shown.push_back(i);
  }
  std::vector<std::vector<std::string>> rows;
  std::string names;
  for (const json& object : objects) {
    std::vector<std::string> row;
    if (flags.all_namespaces) row.push_back(object.value("namespace", ""));
    for (const size_t i : shown) row.push_back(object.at("cells").at(i).get<std::string>());
    rows.push_back(std::move(row));
    names += "pod/" + OneLine(object.value("name", "")) + "\n";
  }
  reading.Print(flags.format == "name" ? names : Render(flags, header, rows));
  return reading.Ledger(list);
}

absl::StatusOr<int> Events(Reading& reading, const ListFlags& flags) {
  json arguments = {{"limit", flags.limit > 0 ? flags.limit : 500}};
  if (!Where(flags).empty()) arguments["namespace"] = Where(flags);
  if (!flags.type.empty()) arguments["type"] = flags.type;
  if (!flags.about.empty()) arguments["object_name"] = flags.about;
  if (!flags.since.empty()) arguments["since"] = flags.since;
  OPSMESH_ASSIGN_OR_RETURN(const json answer,
                           reading.Tool("list_kubernetes_events", arguments, flags.cluster));
  const json& result = answer.at("result");
  if (flags.format == "json" || flags.format == "yaml") {
    const json list = {{"kind", "EventList"},
                       {"total", result.value("matched", json())},
                       {"items", result.value("items", json::array())}};
    reading.Print(flags.format == "json" ? RenderJson(list) : RenderYaml(list));
    return reading.Ledger(answer);
  }
  const json items = result.value("items", json::array());
  if (items.empty()) {
    reading.Note(Say("没有事件。", "No events found."));
    return reading.Ledger(answer);
  }
  std::vector<std::string> header = {"LAST SEEN", "TYPE", "REASON", "OBJECT", "COUNT", "MESSAGE"};
  if (flags.all_namespaces) header.insert(header.begin(), "NAMESPACE");
  std::vector<std::vector<std::string>> rows;
  for (const json& item : items) {
    std::vector<std::string> row = {Age(item.value("last_seen_seconds", 0.0)),
                                    item.value("type", ""),
                                    item.value("reason", ""),
                                    item.value("object", ""),
                                    fmt::format("{}", item.value("count", 1)),
                                    item.value("message", "")};
    if (flags.all_namespaces) row.insert(row.begin(), item.value("namespace", ""));
    rows.push_back(std::move(row));
  }
  const std::string table = RenderTable(header, rows, flags.format == "wide" ? 1000 : 100);
  reading.Print(flags.no_headers ? table.substr(table.find('\n') + 1) : table);
  if (answer.value("truncated", false)) {
    reading.Note(fmt::format("! {} / {} {}", items.size(), result.value("matched", 0),
                             Say("条，用 --limit 看更多", "shown; --limit shows more")));
  }
  return reading.Ledger(answer);
}

struct DescribeFlags {
  ReachFlags reach;
  std::vector<std::string> words;
  std::string name_space;
  std::string cluster;
  std::string format = "text";
};

absl::StatusOr<int> Describe(Reading& reading, const DescribeFlags& flags) {
  std::string kind = flags.words.front();
  std::string name = flags.words.size() > 1 ? flags.words[1] : "";
  if (const size_t slash = kind.find('/'); slash != std::string::npos && name.empty()) {
    name = kind.substr(slash + 1);
    kind.resize(slash);
  }
  if (name.empty()) {
    return base::InvalidArgument("name", "USAGE", "There is no name to describe.")
        .Hint("Write: opsmesh describe pod NAME -n NAMESPACE");
  }
  if (flags.format == "json" || flags.format == "yaml") {
    const std::string scope =
        flags.name_space.empty() ? "" : "/namespaces/" + base::PercentEncode(flags.name_space);
    OPSMESH_ASSIGN_OR_RETURN(
        const json answer,
        reading.Get("/api/v1" + scope + "/objects/" + base::PercentEncode(kind) + "/" +
                    base::PercentEncode(name) + QueryOf({{"cluster", flags.cluster}})));
    reading.Print(flags.format == "json" ? RenderJson(answer.at("object"))
                                         : RenderYaml(answer.at("object")));
    return reading.Ledger(answer);
  }
  json arguments = {{"resource_type", kind}, {"name", name}};
  if (!flags.name_space.empty()) arguments["namespace"] = flags.name_space;
  OPSMESH_ASSIGN_OR_RETURN(const json answer,
                           reading.Tool("describe_kubernetes_resource", arguments, flags.cluster));
  reading.Print(SafeText(InTerminalLanguage(answer.value("text", json::object()))) + "\n");
  return reading.Ledger(answer);
}

struct DiagnoseFlags {
  ReachFlags reach;
  std::string name_space;
  std::string cluster;
  std::string format = "text";
};

absl::StatusOr<int> Diagnose(Reading& reading, const DiagnoseFlags& flags) {
  json body = json::object();
  if (!flags.name_space.empty()) body["namespace"] = flags.name_space;
  if (!flags.cluster.empty()) body["cluster"] = flags.cluster;
  OPSMESH_ASSIGN_OR_RETURN(const json answer, reading.Post("/api/v1/diagnose", body));
  if (flags.format == "json") {
    reading.Print(RenderJson(answer));
  } else if (flags.format == "yaml") {
    reading.Print(RenderYaml(answer));
  } else if (flags.format == "table") {
    std::vector<std::vector<std::string>> rows;
    for (const json& finding : answer.value("findings", json::array())) {
      const json object = finding.value("object", json::object());
      rows.push_back({finding.value("severity", "").substr(std::string_view("SEVERITY_").size()),
                      finding.value("code", ""), object.value("namespace", ""),
                      object.value("kind", "") + "/" + object.value("name", ""),
                      InTerminalLanguage(finding.value("summary", json::object()))});
    }
    reading.Print(RenderTable({"SEVERITY", "CODE", "NAMESPACE", "OBJECT", "SUMMARY"}, rows, 100));
  } else {
    reading.Print(SafeText(InTerminalLanguage(answer.value("text", json::object()))) + "\n");
  }
  return reading.Ledger(answer);
}

}  // namespace

void AddPodsCommand(CLI::App& app, int* exit_code) {
  CLI::App* command = app.add_subcommand("pods", "List pods, or show one.");
  auto flags = std::make_shared<ListFlags>();
  command->add_option("name", flags->name, "Only this pod; with -o json or yaml the whole object.");
  command->add_option("-l,--selector", flags->selector,
                      "Label selector, for instance app=cart,tier!=cache.");
  command->add_option("--field-selector", flags->field_selector,
                      "Field selector, for instance status.phase=Pending.");
  AddListFlags(*command, *flags, {"table", "wide", "json", "yaml", "name"});
  AddReachFlags(*command, flags->reach);
  command->footer(
      "Examples:\n"
      "  opsmesh pods -n shop\n"
      "  opsmesh pods -A -o wide -l app=cart\n"
      "  opsmesh pods cart-8596f4f8f-dv247 -n shop -o yaml");
  command->callback([flags, exit_code] {
    *exit_code = RunReading(flags->reach, [&](Reading& reading) { return Pods(reading, *flags); });
  });
}

void AddEventsCommand(CLI::App& app, int* exit_code) {
  CLI::App* command = app.add_subcommand("events", "List events, newest first.");
  auto flags = std::make_shared<ListFlags>();
  command->add_option("--type", flags->type, "Only Warning or Normal events.")
      ->check(CLI::IsMember({"Warning", "Normal"}));
  command->add_option("--for", flags->about, "Only events about the object of this name.");
  command->add_option("--since", flags->since, "Only events of the last time, for instance 15m.");
  command->add_option("--limit", flags->limit, "At most this many (default 500).")
      ->check(CLI::Range(1, 1000));
  AddListFlags(*command, *flags, {"table", "wide", "json", "yaml"});
  AddReachFlags(*command, flags->reach);
  command->footer(
      "Examples:\n"
      "  opsmesh events -n shop --type Warning --since 15m\n"
      "  opsmesh events -A -o json | jq '.items[].reason'");
  command->callback([flags, exit_code] {
    *exit_code =
        RunReading(flags->reach, [&](Reading& reading) { return Events(reading, *flags); });
  });
}

void AddDescribeCommand(CLI::App& app, int* exit_code) {
  CLI::App* command =
      app.add_subcommand("describe", "Describe one object and what stands around it.");
  auto flags = std::make_shared<DescribeFlags>();
  command->add_option("object", flags->words, "KIND NAME, or KIND/NAME.")
      ->required()
      ->expected(1, 2);
  command->add_option("-n,--namespace", flags->name_space, "Namespace (default: \"default\").");
  command->add_option("--cluster", flags->cluster, "Id of a configured cluster.");
  command->add_option("-o,--output", flags->format, "text, or json or yaml: the object itself.")
      ->check(CLI::IsMember({"text", "json", "yaml"}));
  AddReachFlags(*command, flags->reach);
  command->footer(
      "Examples:\n"
      "  opsmesh describe deployment cart -n shop\n"
      "  opsmesh describe node/node-2 -o yaml");
  command->callback([flags, exit_code] {
    *exit_code =
        RunReading(flags->reach, [&](Reading& reading) { return Describe(reading, *flags); });
  });
}

void AddDiagnoseCommand(CLI::App& app, int* exit_code) {
  CLI::App* command = app.add_subcommand("diagnose", "Find what is wrong, worst first.");
  auto flags = std::make_shared<DiagnoseFlags>();
  command->add_option("-n,--namespace", flags->name_space,
                      "Only this namespace; the whole cluster when absent.");
  command->add_option("--cluster", flags->cluster, "Id of a configured cluster.");
  command->add_option("-o,--output", flags->format, "text, table, json or yaml.")
      ->check(CLI::IsMember({"text", "table", "json", "yaml"}));
  AddReachFlags(*command, flags->reach);
  command->footer(
      "Examples:\n"
      "  opsmesh diagnose -n shop\n"
      "  opsmesh diagnose -o table");
  command->callback([flags, exit_code] {
    *exit_code =
        RunReading(flags->reach, [&](Reading& reading) { return Diagnose(reading, *flags); });
  });
}

}  // namespace opsmesh::cli
