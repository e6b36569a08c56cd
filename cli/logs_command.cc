// logs: lines of a pod's container, or of the pods of a workload.
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

struct LogsFlags {
  ReachFlags reach;
  std::string pod;  // NAME, pod/NAME or KIND/NAME of a workload
  std::string container;
  std::string name_space;
  std::string cluster;
  int64_t tail = 0;
  std::string since;
  bool previous = false;
  bool follow = false;
  std::string format = "text";
};

/// "90", "90s", "15m", "2h", "1d" in seconds; 0 for "". INVALID_ARGUMENT (USAGE) otherwise.
absl::StatusOr<int64_t> Seconds(const std::string& text) {
  if (text.empty()) return 0;
  const size_t digits = text.find_first_not_of("0123456789");
  const std::string unit = digits == std::string::npos ? "s" : text.substr(digits);
  const int64_t factor = unit == "s"   ? 1
                         : unit == "m" ? 60
                         : unit == "h" ? 3600
                         : unit == "d" ? 86400
                                       : 0;
  if (digits == 0 || factor == 0 || text.size() > 9) {
    return base::InvalidArgument("since", "USAGE", fmt::format("--since {} is no time span.", text))
        .Hint("For instance 90s, 15m, 2h.");
  }
  return std::stoll(text) * factor;
}

/// Kind of a workload by what people type.
std::string WorkloadKind(const std::string& word) {
  const std::string kind = base::AsciiLower(word);
  const auto is = [&kind](std::initializer_list<const char*> names) {
    return std::any_of(names.begin(), names.end(),
                       [&kind](const char* name) { return kind == name; });
  };
  if (is({"deploy", "deployment", "deployments"})) return "Deployment";
  if (is({"sts", "statefulset", "statefulsets"})) return "StatefulSet";
  if (is({"ds", "daemonset", "daemonsets"})) return "DaemonSet";
  if (is({"job", "jobs"})) return "Job";
  return is({"rs", "replicaset", "replicasets"}) ? "ReplicaSet" : "";
}

struct Pod {
  std::string name_space;
  std::string name;
};

absl::StatusOr<std::vector<Pod>> Search(Reading& reading, const LogsFlags& flags,
                                        const std::string& name, const std::string& workload) {
  json arguments = {{"resource_type", "pods"}, {"limit", 500}};
  if (!flags.name_space.empty()) arguments["namespace"] = flags.name_space;
  if (workload.empty()) arguments["field_selector"] = "metadata.name=" + name;
  OPSMESH_ASSIGN_OR_RETURN(const json answer,
                           reading.Tool("kubectl_get_resources", arguments, flags.cluster));
  std::vector<Pod> found;
  for (const json& item : answer.at("result").value("items", json::array())) {
    const json owner = item.value("workload", json());
    if (!workload.empty() && (!owner.is_string() || owner.get<std::string>() != workload)) continue;
    found.push_back({item.value("namespace", ""), item.value("name", "")});
  }
  return found;
}

/// The one pod that is meant: the only match is taken, else the choice is the person's.
absl::StatusOr<Pod> Find(Reading& reading, const LogsFlags& flags) {
  std::string name = flags.pod;
  std::string workload;
  if (const size_t slash = name.find('/'); slash != std::string::npos) {
    const std::string kind = name.substr(0, slash);
    name = name.substr(slash + 1);
    if (base::AsciiLower(kind) != "pod" && base::AsciiLower(kind) != "pods" &&
        base::AsciiLower(kind) != "po") {
      const std::string known = WorkloadKind(kind);
      if (known.empty()) {
        return base::InvalidArgument("pod", "USAGE", fmt::format("'{}' has no logs.", kind))
            .Hint("Write POD, or deploy/NAME, sts/NAME, ds/NAME, job/NAME.");
      }
      workload = fmt::format("{}/{}", known, name);
    }
  }
  if (workload.empty() && !flags.name_space.empty()) return Pod{flags.name_space, name};
  OPSMESH_ASSIGN_OR_RETURN(const std::vector<Pod> found, Search(reading, flags, name, workload));
  if (found.empty()) {
    return base::NotFound("OBJECT_NOT_FOUND",
                          fmt::format("There is no pod {} '{}'.", workload.empty() ? "named" : "of",
                                      workload.empty() ? name : workload))
        .Hint("`opsmesh pods -A` lists all.");
  }
  const bool one_namespace = std::all_of(found.begin(), found.end(), [&](const Pod& p) {
    return p.name_space == found.front().name_space;
  });
  if (!one_namespace) {
    std::vector<std::string> places;
    for (const Pod& pod : found) places.push_back(pod.name_space + "/" + pod.name);
    return base::InvalidArgument("namespace", "USAGE",
                                 "More than one is meant: " + base::Join(places, ", ") + ".")
        .Hint("Say which with -n NAMESPACE.");
  }
  if (found.size() > 1) {
    reading.Note(fmt::format("! {} {}: {}", found.size(),
                             Say("个 Pod，取第一个", "pods; the first is taken"),
                             found.front().name));
  }
  return found.front();
}

absl::StatusOr<int> Logs(Reading& reading, const LogsFlags& flags) {
  OPSMESH_ASSIGN_OR_RETURN(const int64_t since, Seconds(flags.since));
  OPSMESH_ASSIGN_OR_RETURN(const Pod pod, Find(reading, flags));
  const std::string target =
      fmt::format("/api/v1/namespaces/{}/pods/{}/log", base::PercentEncode(pod.name_space),
                  base::PercentEncode(pod.name)) +
      QueryOf({{"container", flags.container},
               {"cluster", flags.cluster},
               {"previous", flags.previous ? "true" : ""},
               {"follow", flags.follow ? "true" : ""},
               {"tail_lines", flags.tail > 0 ? fmt::format("{}", flags.tail) : ""},
               {"since_seconds", since > 0 ? fmt::format("{}", since) : ""}});
  json lines = json::array();
  OPSMESH_RETURN_IF_ERROR(reading.Follow(target, [&](const json& event) {
    for (const json& line : event.value("lines", json::array())) {
      if (!line.is_string()) continue;
      if (flags.format == "json") {
        lines.push_back(line);
      } else {
        reading.Print(SafeText(line.get<std::string>()) + "\n");
      }
    }
    return absl::OkStatus();
  }));
  if (flags.format == "json") {
    reading.Print(RenderJson(
        {{"namespace", pod.name_space}, {"pod", pod.name}, {"lines", std::move(lines)}}));
  }
  return kOk;
}

}  // namespace

void AddLogsCommand(CLI::App& app, int* exit_code) {
  CLI::App* command = app.add_subcommand("logs", "Print a pod's log.");
  auto flags = std::make_shared<LogsFlags>();
  command->add_option("pod", flags->pod, "POD, or deploy/NAME, sts/NAME, ds/NAME, job/NAME.")
      ->required();
  command->add_option("-c,--container", flags->container, "Container; the only one when absent.");
  command->add_option("-n,--namespace", flags->name_space,
                      "Namespace; the only pod of that name is taken when absent.");
  command->add_option("--cluster", flags->cluster, "Id of a configured cluster.");
  command->add_option("--tail", flags->tail, "Last lines to begin with (default 100).")
      ->check(CLI::Range(1, 2000));
  command->add_option("--since", flags->since, "Only lines of the last time, for instance 15m.");
  command->add_flag("-p,--previous", flags->previous, "The run before the last restart.");
  command->add_flag("-f,--follow", flags->follow, "Keep printing new lines until Ctrl-C.");
  command->add_option("-o,--output", flags->format, "text or json.")
      ->check(CLI::IsMember({"text", "json"}));
  AddReachFlags(*command, flags->reach);
  command->footer(
      "Examples:\n"
      "  opsmesh logs cart-8596f4f8f-dv247 -n shop --tail 20\n"
      "  opsmesh logs deploy/checkout -n shop --previous\n"
      "  opsmesh logs -f sts/db-0 --since 15m");
  command->callback([command, flags, exit_code] {
    // Following ends when the person does, unless they said otherwise.
    if (flags->follow && command->get_option("--timeout")->count() == 0)
      flags->reach.timeout_seconds = 7 * 86400;
    *exit_code = RunReading(flags->reach, [&](Reading& reading) { return Logs(reading, *flags); });
  });
}

}  // namespace opsmesh::cli
