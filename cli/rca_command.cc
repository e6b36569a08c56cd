// rca: what caused the trouble of the last hour, or of a window.
#include <memory>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/time/time.h"
#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/print.h"
#include "cli/read_command.h"
#include "fmt/core.h"
#include "libs/base/clock.h"
#include "libs/base/error.h"
#include "nlohmann/json.hpp"

namespace opsmesh::cli {
namespace {

using nlohmann::json;

struct RcaFlags {
  ReachFlags reach;
  std::vector<std::string> metrics;
  std::string since = "1h";
  std::string start;
  std::string end;
  std::string name_space;
  std::string cluster;
  std::string target;
  std::string onset;
  int causes = 5;
  std::string format = "text";
};

absl::StatusOr<absl::Time> ParseTime(const std::string& flag, const std::string& text) {
  absl::Time time;
  std::string problem;
  if (absl::ParseTime(absl::RFC3339_full, text, &time, &problem)) return time;
  return base::InvalidArgument(flag, "TIME", fmt::format("{} '{}' is no time.", flag, text))
      .Hint("Write it as 2025-01-31T10:00:00Z.");
}

std::string Rfc3339(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone());
}

absl::StatusOr<json> RequestOf(const RcaFlags& flags) {
  absl::Time end = base::SystemClock().Now();
  if (!flags.end.empty()) {
    OPSMESH_ASSIGN_OR_RETURN(end, ParseTime("--end", flags.end));
  }
  absl::Duration window;
  if (!absl::ParseDuration(flags.since, &window) || window <= absl::ZeroDuration()) {
    return base::InvalidArgument("--since", "TIME",
                                 fmt::format("--since '{}' is no time span.", flags.since))
        .Hint("Write it as 30m, 2h or 1h30m.");
  }
  absl::Time start = end - window;
  if (!flags.start.empty()) {
    OPSMESH_ASSIGN_OR_RETURN(start, ParseTime("--start", flags.start));
  }
  json body = {{"start_time", Rfc3339(start)},
               {"end_time", Rfc3339(end)},
               {"metrics", flags.metrics},
               {"max_causes", flags.causes}};
  if (!flags.name_space.empty()) body["context"]["namespace"] = flags.name_space;
  if (!flags.cluster.empty()) body["context"]["cluster"] = flags.cluster;
  if (!flags.target.empty()) {
    // "frontend", "frontend:latency.avg"; a namespace before the name has a slash.
    const size_t colon = flags.target.find(':');
    body["target"] = {{"service", flags.target.substr(0, colon)},
                      {"metric", colon == std::string::npos ? "" : flags.target.substr(colon + 1)}};
  }
  if (!flags.onset.empty()) {
    OPSMESH_ASSIGN_OR_RETURN(const absl::Time onset, ParseTime("--onset", flags.onset));
    body["onset_time"] = absl::ToUnixSeconds(onset);
  }
  return body;
}

std::string NameOf(const json& cause) {
  const json object = cause.value("object", json());
  if (!object.is_object() || object.value("kind", "").empty()) return cause.value("service", "");
  const std::string ns = object.value("namespace", "");
  return fmt::format("{}{}{}/{}", ns, ns.empty() ? "" : " ", object.value("kind", ""),
                     object.value("name", ""));
}

std::string Told(const json& answer) {
  std::string text = InTerminalLanguage(answer.value("report", json::object())) + "\n";
  for (const json& cause : answer.value("root_causes", json::array())) {
    text += fmt::format("\n{}. {}  ({:.2f})\n", cause.value("rank", 0), NameOf(cause),
                        cause.value("score", 0.0));
    const json steps = cause.value("steps", json::array());
    for (const json& step : steps) text += "   - " + InTerminalLanguage(step) + "\n";
    if (steps.empty()) text += "   - " + cause.value("explanation", "") + "\n";
    if (const json next = cause.value("next_step", json()); next.is_object())
      text += "   > " + InTerminalLanguage(next) + "\n";
  }
  return text;
}

absl::StatusOr<int> Rca(Reading& reading, const RcaFlags& flags) {
  OPSMESH_ASSIGN_OR_RETURN(const json body, RequestOf(flags));
  OPSMESH_ASSIGN_OR_RETURN(const json answer, reading.Post("/api/v1/rca", body));
  if (flags.format == "json") {
    reading.Print(RenderJson(answer));
  } else if (flags.format == "yaml") {
    reading.Print(RenderYaml(answer));
  } else if (flags.format == "table") {
    std::vector<std::vector<std::string>> rows;
    for (const json& cause : answer.value("root_causes", json::array())) {
      rows.push_back({std::to_string(cause.value("rank", 0)), NameOf(cause),
                      fmt::format("{:.2f}", cause.value("score", 0.0)), cause.value("metric", ""),
                      OneLine(InTerminalLanguage(cause.value("summary", json::object())))});
    }
    reading.Print(RenderTable({"RANK", "CAUSE", "SCORE", "METRIC", "SUMMARY"}, rows, 100));
  } else {
    reading.Print(SafeText(Told(answer)));
  }
  return reading.Ledger(answer);
}

}  // namespace

void AddRcaCommand(CLI::App& app, int* exit_code) {
  CLI::App* command =
      app.add_subcommand("rca", "Find what caused the trouble of the last hour, from metrics.");
  auto flags = std::make_shared<RcaFlags>();
  command->add_option("metric", flags->metrics,
                      "Metrics, selectors or PromQL to read; the standard ones when absent.");
  command->add_option("--since", flags->since, "How far back the window begins (default 1h).");
  command->add_option("--start", flags->start, "Begin of the window, 2025-01-31T10:00:00Z.");
  command->add_option("--end", flags->end, "End of the window (default now).");
  command->add_option("-n,--namespace", flags->name_space, "Only this namespace.");
  command->add_option("--cluster", flags->cluster, "Id of a configured cluster.");
  command->add_option("--target", flags->target,
                      "What is in trouble, SERVICE or SERVICE:METRIC, for instance "
                      "frontend:latency.avg.");
  command->add_option("--onset", flags->onset, "When it began, when that is known.");
  command->add_option("--causes", flags->causes, "At most this many; 0 = all (default 5).")
      ->check(CLI::Range(0, 10000));
  command->add_option("-o,--output", flags->format, "text, table, json or yaml.")
      ->check(CLI::IsMember({"text", "table", "json", "yaml"}));
  AddReachFlags(*command, flags->reach);
  command->footer(
      "Examples:\n"
      "  opsmesh rca --since 2h\n"
      "  opsmesh rca -n shop --target frontend:errors\n"
      "  opsmesh rca container_cpu_usage_seconds_total -o table");
  command->callback([flags, exit_code] {
    *exit_code = RunReading(flags->reach, [&](Reading& reading) { return Rca(reading, *flags); });
  });
}

}  // namespace opsmesh::cli
