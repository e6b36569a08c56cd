// predict: how many replicas a load needs, what is ahead, and what an autoscaler would have done.
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/time/time.h"
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

constexpr size_t kMostFileBytes = 8 << 20;
constexpr size_t kForecastRows = 24;

struct PredictFlags {
  ReachFlags reach;
  std::string workload;  // deploy/NAME, sts/NAME, NAME
  std::string name_space;
  std::string cluster;
  std::string query;
  std::string file;  // CSV: time,value
  std::string at;
  std::string format = "table";
  std::vector<double> hpa;  // per cent
  double qps = -1;
  double capacity = 0;
  double target = 0;  // per cent
  double cost = 0;
  double hours = 0;
  int least = 0;
  int most = 0;
};

absl::StatusOr<json> WorkloadOf(const PredictFlags& flags) {
  std::string kind = "Deployment";
  std::string name = flags.workload;
  if (const size_t slash = name.find('/'); slash != std::string::npos) {
    const std::string word = base::AsciiLower(name.substr(0, slash));
    name = name.substr(slash + 1);
    if (word == "sts" || word == "statefulset" || word == "statefulsets") {
      kind = "StatefulSet";
    } else if (word != "deploy" && word != "deployment" && word != "deployments") {
      return base::InvalidArgument("workload", "USAGE",
                                   fmt::format("'{}' has no replicas to plan.", word))
          .Hint("Write deploy/NAME or sts/NAME.");
    }
  }
  json workload = {{"kind", kind}, {"name", name}};
  if (!flags.name_space.empty()) workload["namespace"] = flags.name_space;
  if (!flags.cluster.empty()) workload["cluster"] = flags.cluster;
  return workload;
}

// Epoch seconds or RFC 3339.
bool ParseTime(const std::string& text, double* seconds) {
  char* end = nullptr;
  *seconds = std::strtod(text.c_str(), &end);
  if (end != text.c_str() && *end == '\0') return std::isfinite(*seconds);
  absl::Time time;
  std::string problem;
  if (!absl::ParseTime(absl::RFC3339_full, text, &time, &problem)) return false;
  *seconds = absl::ToDoubleSeconds(time - absl::UnixEpoch());
  return true;
}

// {"times","values"} of a CSV file with a time and a value a line; a heading is skipped.
absl::StatusOr<json> HistoryOf(const std::string& path) {
  std::ifstream file(path);
  if (!file) {
    return base::InvalidArgument("file", "USAGE", fmt::format("The file {} cannot be read.", path))
        .Hint("Give a CSV file with a time (epoch seconds or RFC 3339) and a value a line.");
  }
  json times = json::array(), values = json::array();
  std::string line;
  size_t number = 0, bytes = 0;
  while (std::getline(file, line)) {
    ++number;
    bytes += line.size();
    if (!line.empty() && line.back() == '\r') line.pop_back();
    const size_t comma = line.find(',');
    if (line.empty()) continue;
    double time = 0;
    char* end = nullptr;
    const std::string text = comma == std::string::npos ? "" : line.substr(comma + 1);
    const double value = std::strtod(text.c_str(), &end);
    const bool good = comma != std::string::npos && ParseTime(line.substr(0, comma), &time) &&
                      end != text.c_str() && *end == '\0' && std::isfinite(value);
    if (good && bytes <= kMostFileBytes) {
      times.push_back(time);
      values.push_back(value);
    } else if (number > 1) {
      return base::InvalidArgument(
                 "file", "USAGE",
                 bytes > kMostFileBytes
                     ? fmt::format("{} is larger than 8 MiB.", path)
                     : fmt::format("Line {} of {} is no 'time,value'.", number, path))
          .Hint(
              "A time is epoch seconds or RFC 3339, a value a number, for instance "
              "1718000000,42.5.");
    }
  }
  return json{{"times", std::move(times)}, {"values", std::move(values)}};
}

// Where the load comes from: a workload, a query, or a file; `needed` when one of them must be
// there.
absl::Status AddSource(const PredictFlags& flags, json& body, bool needed) {
  if (!flags.query.empty() && !flags.file.empty()) {
    return base::InvalidArgument("query", "USAGE",
                                 "--query and --file are two sources of the load.")
        .Hint("Give one of them.");
  }
  if (!flags.workload.empty()) {
    OPSMESH_ASSIGN_OR_RETURN(body["workload"], WorkloadOf(flags));
  }
  if (!flags.query.empty()) body["prometheus"] = {{"query", flags.query}};
  if (!flags.file.empty()) {
    OPSMESH_ASSIGN_OR_RETURN(body["history"], HistoryOf(flags.file));
  }
  if (needed && body.empty()) {
    return base::InvalidArgument("workload", "USAGE", "Whose load?")
        .Hint("Give deploy/NAME, --query PROMQL, or --file load.csv.");
  }
  return absl::OkStatus();
}

void AddRules(const PredictFlags& flags, json& body) {
  if (flags.capacity > 0) body["capacity_qps"] = flags.capacity;
  if (flags.target > 0) body["target_utilization"] = flags.target / 100;
  if (flags.least > 0) body["min_replicas"] = flags.least;
  if (flags.most > 0) body["max_replicas"] = flags.most;
  if (flags.cost > 0) body["shortage_cost"] = flags.cost;
}

bool PrintRaw(Reading& reading, const json& answer, const std::string& format) {
  if (format == "json") reading.Print(RenderJson(answer));
  if (format == "yaml") reading.Print(RenderYaml(answer));
  return format == "json" || format == "yaml";
}

std::string Clock(double seconds) {
  return absl::FormatTime("%m-%d %H:%M", absl::UnixEpoch() + absl::Seconds(seconds),
                          absl::LocalTimeZone());
}

void PrintText(Reading& reading, const json& answer, const char* key) {
  reading.Print(SafeText(InTerminalLanguage(answer.value(key, json::object()))) + "\n");
}

absl::StatusOr<int> Now(Reading& reading, const PredictFlags& flags) {
  json body = json::object();
  if (!flags.workload.empty()) {
    OPSMESH_ASSIGN_OR_RETURN(body["workload"], WorkloadOf(flags));
  }
  if (flags.qps >= 0) body["current_qps"] = flags.qps;
  if (!flags.at.empty()) body["timestamp"] = flags.at;
  OPSMESH_ASSIGN_OR_RETURN(const json answer, reading.Post("/api/v1/predict", body));
  if (!PrintRaw(reading, answer, flags.format)) {
    std::string there;
    if (answer.contains("current_instances"))
      there = fmt::format(" ({})", answer.value("current_instances", 0));
    reading.Print(RenderTable(
        {"INSTANCES", "REACTIVE", "REQUESTS/S", "EXPECTED", "MODEL"},
        {{fmt::format("{}{}", answer.value("instances", 0), there),
          fmt::format("{}", answer.value("reactive_instances", 0)),
          fmt::format("{:.4g}", answer.value("current_qps", 0.0)),
          fmt::format("{:.4g}", answer.value("predicted_qps", 0.0)), answer.value("model", "")}}));
    PrintText(reading, answer, "reason");
  }
  return reading.Ledger(answer);
}

absl::StatusOr<int> Plan(Reading& reading, const PredictFlags& flags) {
  json body = json::object();
  OPSMESH_RETURN_IF_ERROR(AddSource(flags, body, true));
  AddRules(flags, body);
  if (flags.hours > 0) body["horizon_seconds"] = std::llround(flags.hours * 3600);
  OPSMESH_ASSIGN_OR_RETURN(const json answer, reading.Post("/api/v1/predict/plan", body));
  if (!PrintRaw(reading, answer, flags.format)) {
    std::vector<std::vector<std::string>> rows;
    for (const json& step : answer.value("steps", json::array())) {
      double from = 0;
      ParseTime(step.value("start_time", ""), &from);
      rows.push_back({Clock(from), fmt::format("{}", step.value("replicas", 0)),
                      fmt::format("{:.4g}", step.value("predicted_qps", 0.0)),
                      fmt::format("{:.4g}", step.value("planned_qps", 0.0)),
                      step.value("decided_by", "")});
    }
    reading.Print(RenderTable({"FROM", "REPLICAS", "EXPECTED/S", "PLANNED/S", "DECIDED BY"}, rows));
    PrintText(reading, answer, "summary");
  }
  return reading.Ledger(answer);
}

absl::StatusOr<int> Replay(Reading& reading, const PredictFlags& flags) {
  json body = json::object();
  OPSMESH_RETURN_IF_ERROR(AddSource(flags, body, true));
  AddRules(flags, body);
  for (const double target : flags.hpa) body["hpa_targets"].push_back(target / 100);
  OPSMESH_ASSIGN_OR_RETURN(const json answer, reading.Post("/api/v1/predict/replay", body));
  if (!PrintRaw(reading, answer, flags.format)) {
    std::vector<std::vector<std::string>> rows;
    for (const json& outcome : answer.value("outcomes", json::array())) {
      rows.push_back({outcome.value("name", ""),
                      fmt::format("{:.0f}", outcome.value("saturated_minutes", 0.0)),
                      fmt::format("{:.2f} %", 100 * outcome.value("lost_load_share", 0.0)),
                      fmt::format("{:.1f}", outcome.value("mean_replicas", 0.0)),
                      fmt::format("{}", outcome.value("most_replicas", 0)),
                      fmt::format("{:.2f}", outcome.value("pods_over_oracle", 0.0)),
                      fmt::format("{:.2f}", outcome.value("cost", 0.0)),
                      fmt::format("{}", outcome.value("change_count", 0))});
    }
    reading.Print(RenderTable({"SCALED BY", "SATURATED MIN", "LOST LOAD", "MEAN PODS", "MOST",
                               "PODS/LEAST", "COST", "CHANGES"},
                              rows));
    PrintText(reading, answer, "summary");
  }
  return reading.Ledger(answer);
}

absl::StatusOr<int> Forecast(Reading& reading, const PredictFlags& flags) {
  json body = json::object();
  OPSMESH_RETURN_IF_ERROR(AddSource(flags, body, true));
  // Hours ahead in steps of the history: of five minutes for Prometheus, else of the file.
  double step = 300;
  if (body.contains("history")) {
    const json& times = body["history"]["times"];
    if (times.size() < 2) {
      return base::InvalidArgument("file", "USAGE",
                                   fmt::format("{} has fewer than two samples.", flags.file));
    }
    step = (times.back().get<double>() - times.front().get<double>()) /
           static_cast<double>(times.size() - 1);
  }
  const double hours = flags.hours > 0 ? flags.hours : 24;
  body["horizon_steps"] =
      std::clamp<int64_t>(std::llround(hours * 3600 / std::max(step, 1.0)), 1, 2016);
  body["levels"] = {0.8, 0.95};
  OPSMESH_ASSIGN_OR_RETURN(const json answer, reading.Post("/api/v1/forecasts", body));
  if (!PrintRaw(reading, answer, flags.format)) {
    const json points = answer.value("points", json::array());
    const size_t stride = std::max<size_t>(1, (points.size() + kForecastRows - 1) / kForecastRows);
    std::vector<std::vector<std::string>> rows;
    for (size_t i = 0; i < points.size(); i += stride) {
      std::vector<std::string> row{Clock(points[i].value("time", 0.0)),
                                   fmt::format("{:.4g}", points[i].value("mean", 0.0))};
      for (const json& interval : points[i].value("intervals", json::array())) {
        row.push_back(fmt::format("{:.4g} .. {:.4g}", interval.value("lower", 0.0),
                                  interval.value("upper", 0.0)));
      }
      rows.push_back(std::move(row));
    }
    reading.Print(RenderTable({"TIME", "EXPECTED", "80 %", "95 %"}, rows));
    PrintText(reading, answer, "summary");
  }
  return reading.Ledger(answer);
}

using Work = absl::StatusOr<int> (*)(Reading&, const PredictFlags&);

void Common(CLI::App& command, const std::shared_ptr<PredictFlags>& flags) {
  command.add_option("-o,--output", flags->format, "table, json or yaml.")
      ->check(CLI::IsMember({"table", "json", "yaml"}));
  AddReachFlags(command, flags->reach);
}

void Source(CLI::App& command, const std::shared_ptr<PredictFlags>& flags, bool workload) {
  if (workload) {
    command.add_option("workload", flags->workload, "deploy/NAME, sts/NAME or NAME.");
    command.add_option("-n,--namespace", flags->name_space, "Its namespace.");
    command.add_option("--cluster", flags->cluster, "Id of a configured cluster.");
  }
  command.add_option("--query", flags->query,
                     "PromQL that yields the load in requests per second.");
  command.add_option("--file", flags->file, "CSV file of the load: a time and a value a line.");
}

void Rules(CLI::App& command, const std::shared_ptr<PredictFlags>& flags) {
  command
      .add_option("--capacity", flags->capacity, "Requests per second one pod serves at full use.")
      ->check(CLI::PositiveNumber);
  command.add_option("--target", flags->target, "Per cent of that a pod should be used to.")
      ->check(CLI::Range(5, 100));
  command.add_option("--min", flags->least, "Fewest replicas.")->check(CLI::Range(1, 10000));
  command.add_option("--max", flags->most, "Most replicas.")->check(CLI::Range(1, 10000));
  command
      .add_option("--shortage-cost", flags->cost,
                  "Cost of a missing pod against one too many (default 10).")
      ->check(CLI::Range(0.01, 10000.0));
}

CLI::App* AddView(CLI::App& command, const char* name, const char* what, Work work,
                  const std::shared_ptr<PredictFlags>& flags, int* exit_code) {
  CLI::App* view = command.add_subcommand(name, what);
  Common(*view, flags);
  view->callback([flags, exit_code, work] {
    *exit_code = RunReading(flags->reach, [&](Reading& reading) { return work(reading, *flags); });
  });
  return view;
}

}  // namespace

void AddPredictCommand(CLI::App& app, int* exit_code) {
  CLI::App* command =
      app.add_subcommand("predict", "How many replicas a load needs, now and ahead.");
  command->require_subcommand(1);
  auto flags = std::make_shared<PredictFlags>();

  CLI::App* now = AddView(*command, "now", "Instances the load needs now, or at a time.", Now,
                          flags, exit_code);
  now->add_option("workload", flags->workload,
                  "deploy/NAME, sts/NAME or NAME; the configured load when absent.");
  now->add_option("-n,--namespace", flags->name_space, "Its namespace.");
  now->add_option("--cluster", flags->cluster, "Id of a configured cluster.");
  now->add_option("--qps", flags->qps, "Requests per second now, in place of what Prometheus says.")
      ->check(CLI::NonNegativeNumber);
  now->add_option("--at", flags->at, "Time to predict for, RFC 3339.");

  CLI::App* plan = AddView(*command, "plan", "Replicas for the next step and the hours after it.",
                           Plan, flags, exit_code);
  Source(*plan, flags, true);
  Rules(*plan, flags);
  plan->add_option("--hours", flags->hours, "How far ahead (default 24).")
      ->check(CLI::Range(0.01, 168.0));

  CLI::App* replay =
      AddView(*command, "replay", "What an autoscaler and the plan would have done with the past.",
              Replay, flags, exit_code);
  Source(*replay, flags, true);
  Rules(*replay, flags);
  replay
      ->add_option("--hpa", flags->hpa, "Target of an autoscaler in per cent, as often as needed.")
      ->check(CLI::Range(5, 100));

  CLI::App* forecast =
      AddView(*command, "forecast", "How a series goes on.", Forecast, flags, exit_code);
  Source(*forecast, flags, false);
  forecast->add_option("--hours", flags->hours, "How far ahead (default 24).")
      ->check(CLI::Range(0.01, 2016.0));

  command->footer(
      "Examples:\n"
      "  opsmesh predict now --qps 120\n"
      "  opsmesh predict plan deploy/nginx -n shop --hours 6\n"
      "  opsmesh predict replay deploy/nginx -n shop --hpa 60 --hpa 80\n"
      "  opsmesh predict replay --file load.csv --capacity 40\n"
      "  opsmesh predict forecast --query 'sum(rate(http_requests_total[5m]))'");
}

}  // namespace opsmesh::cli
