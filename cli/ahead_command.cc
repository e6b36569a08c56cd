#include "cli/ahead_command.h"

#include <cstdio>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/strings/str_split.h"
#include "cli/cluster_copy.h"
#include "cli/exit_codes.h"
#include "cli/print.h"
#include "cli/settings.h"
#include "fmt/core.h"
#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "libs/kubesim/behaviour/engine.h"
#include "libs/kubesim/behaviour/faults/faults.h"
#include "libs/kubesim/rehearsal/picture.h"
#include "nlohmann/json.hpp"

namespace opsmesh::cli {
namespace {

using Json = nlohmann::json;

constexpr size_t kMostEventsInText = 40;

struct AheadFlags {
  CopyFlags copy;
  std::string how_long = "10m", begin = "2026-01-01T00:00:00Z", format = "text";
  std::vector<std::string> faults, manifests;
};

/// Stands still: the copy's own clock moves.
class Standing final : public base::Clock {
 public:
  explicit Standing(absl::Time now) : now_(now) {}
  absl::Time Now() const override { return now_; }
  absl::Duration Steady() const override { return absl::ZeroDuration(); }

 private:
  const absl::Time now_;
};

absl::StatusOr<absl::Duration> HowLong(const std::string& text) {
  absl::Duration duration;
  if (absl::ParseDuration(text, &duration) && duration > absl::ZeroDuration() &&
      duration <= absl::Hours(24 * 366))
    return duration;
  return base::InvalidArgument("for", "USAGE",
                               fmt::format("--for {} is no time from 1s to 8784h.", text))
      .Hint("Write for instance --for 30m or --for 24h.");
}

absl::StatusOr<absl::Time> Begin(const AheadFlags& flags) {
  if (!flags.copy.kubeconfig.empty()) return base::SystemClock().Now();
  absl::Time time;
  if (base::ParseRfc3339(flags.begin, &time)) return time;
  return base::InvalidArgument("begin", "USAGE", fmt::format("--begin {} is no time.", flags.begin))
      .Hint("Write for instance --begin 2026-01-01T00:00:00Z.");
}

// "crash:deployment/shop/cart:code=3,after=10s"
absl::Status InjectFault(kubesim::Faults& faults, const std::string& text) {
  const std::vector<std::string> parts = absl::StrSplit(text, absl::MaxSplits(':', 2));
  if (parts.size() < 2)
    return base::InvalidArgument("fault", "USAGE", fmt::format("--fault {} names no target.", text))
        .Hint(
            "Write KIND:TARGET[:NAME=VALUE,...], for instance crash:deployment/shop/cart:code=3; "
            "`opsmesh sim fault catalogue` lists the kinds of a live cluster.");
  std::map<std::string, std::string> parameters;
  if (parts.size() > 2) {
    for (const absl::string_view setting : absl::StrSplit(parts[2], ',')) {
      const std::pair<std::string, std::string> pair =
          absl::StrSplit(setting, absl::MaxSplits('=', 1));
      parameters.insert(pair);
    }
  }
  return faults.Inject(parts[0], parts[1], std::move(parameters)).status();
}

struct Outcome {
  kubesim::PictureDifference with;
  std::set<std::string> anyway;  // lines that come without the change too
  bool changed = false;          // there was a change to compare with
  absl::Time from, to;
};

std::string NameOf(const kubesim::RowChange& row) {
  return row.ns.empty() ? row.name : row.ns + "/" + row.name;
}

std::string WhatOf(const kubesim::RowChange& row) {
  std::string cells;
  for (const auto& cell : row.cells) {
    const bool both = !row.added && !row.removed;
    cells += fmt::format("{}{} {}", cells.empty() ? "" : ", ", cell.column,
                         both ? fmt::format("{} -> {}", cell.before, cell.after)
                              : (row.added ? cell.after : cell.before));
  }
  if (row.added) return "new: " + cells;
  if (row.removed) return "gone; was: " + cells;
  return cells.empty() ? "replaced by another of this name" : cells;
}

std::string LineOf(const kubesim::RowChange& row) {
  return fmt::format("{} {} {}", row.kind, NameOf(row), WhatOf(row));
}
std::string LineOf(const kubesim::PictureEvent& event) {
  return fmt::format("{} {} {} {}", event.type, event.reason, event.object, event.message);
}

absl::StatusOr<kubesim::PictureDifference> Run(kubesim::Simulator& cluster,
                                               const kubesim::Picture& before,
                                               absl::Duration how_long) {
  OPSMESH_RETURN_IF_ERROR(cluster.Advance(how_long));
  return kubesim::Compare(before, kubesim::Picture::Of(cluster.store(), cluster.engine()->Now()));
}

absl::StatusOr<Outcome> Rehearse(const AheadFlags& flags, ClusterCopy& copy,
                                 absl::Duration how_long) {
  kubesim::Simulator& cluster = *copy.simulator;
  Outcome out;
  out.from = cluster.engine()->Now();
  out.to = out.from + how_long;
  out.changed = !flags.faults.empty() || !flags.manifests.empty();
  const auto before = kubesim::Picture::Of(cluster.store(), out.from);
  if (out.changed) {
    OPSMESH_ASSIGN_OR_RETURN(const auto untouched, cluster.Fork({.seed = flags.copy.seed}));
    OPSMESH_ASSIGN_OR_RETURN(const auto anyway, Run(*untouched, before, how_long));
    for (const auto& row : anyway.rows) out.anyway.insert(LineOf(row));
    for (const auto& event : anyway.events) out.anyway.insert(LineOf(event));
  }
  for (const std::string& file : flags.manifests)
    OPSMESH_RETURN_IF_ERROR(ApplyFile(cluster, file).status());
  for (const std::string& fault : flags.faults)
    OPSMESH_RETURN_IF_ERROR(InjectFault(*cluster.faults(), fault));
  OPSMESH_ASSIGN_OR_RETURN(out.with, Run(cluster, before, how_long));
  return out;
}

std::string Mark(const Outcome& outcome, const std::string& line) {
  return outcome.changed && outcome.anyway.count(line) > 0 ? "  (without the change too)" : "";
}

void PrintText(const ClusterCopy& copy, const Outcome& outcome) {
  std::printf("%s, from %s to %s:\n", copy.description.c_str(), base::Rfc3339(outcome.from).c_str(),
              base::Rfc3339(outcome.to).c_str());
  if (outcome.with.rows.empty()) std::printf("\nNo object looks different.\n");
  std::string_view kind;
  for (const kubesim::RowChange& row : outcome.with.rows) {
    if (row.kind != kind) std::printf("\n%s\n", std::string(kind = row.kind).c_str());
    std::printf("  %s: %s%s\n", OneLine(NameOf(row)).c_str(), OneLine(WhatOf(row)).c_str(),
                Mark(outcome, LineOf(row)).c_str());
  }
  const auto& events = outcome.with.events;
  const size_t first = events.size() > kMostEventsInText ? events.size() - kMostEventsInText : 0;
  if (!events.empty())
    std::printf("\nEvents%s\n", first > 0 ? fmt::format(" (the last {} of {}; -o json has all)",
                                                        kMostEventsInText, events.size())
                                                .c_str()
                                          : "");
  for (size_t i = first; i < events.size(); ++i) {
    const kubesim::PictureEvent& event = events[i];
    std::printf("  %s %s%s %s: %s%s\n", event.type.c_str(), event.reason.c_str(),
                event.count > 1 ? fmt::format(" (x{})", event.count).c_str() : "",
                OneLine(event.object).c_str(), OneLine(event.message).c_str(),
                Mark(outcome, LineOf(event)).c_str());
  }
  for (const std::string& line : copy.failing)
    std::printf("\nas in the real one: %s", OneLine(line).c_str());
  for (const std::string& name : copy.left_out)
    std::printf("\nnot in the copy: %s", OneLine(name).c_str());
  std::printf(
      "%s\nSimulated: controllers, scheduler and kubelets act as in Kubernetes 1.32; what runs "
      "inside an "
      "image is known\nfor common images only, others are taken to start and serve.\n",
      copy.left_out.empty() && copy.failing.empty() ? "" : "\n");
}

void PrintJson(const ClusterCopy& copy, const Outcome& outcome) {
  Json json = {{"cluster", copy.description},     {"from", base::Rfc3339(outcome.from)},
               {"to", base::Rfc3339(outcome.to)}, {"changes", Json::array()},
               {"events", Json::array()},         {"kept_failing", copy.failing},
               {"left_out", copy.left_out}};
  for (const kubesim::RowChange& row : outcome.with.rows) {
    Json cells = Json::array();
    for (const auto& cell : row.cells)
      cells.push_back({{"column", cell.column}, {"before", cell.before}, {"after", cell.after}});
    Json change = {{"kind", row.kind},
                   {"namespace", row.ns},
                   {"name", row.name},
                   {"change", row.added ? "added" : (row.removed ? "removed" : "changed")},
                   {"cells", std::move(cells)}};
    if (outcome.changed) change["anyway"] = outcome.anyway.count(LineOf(row)) > 0;
    json["changes"].push_back(std::move(change));
  }
  for (const kubesim::PictureEvent& event : outcome.with.events) {
    Json shown = {{"type", event.type},     {"reason", event.reason},
                  {"object", event.object}, {"message", event.message},
                  {"count", event.count},   {"last", base::Rfc3339(event.last)}};
    if (outcome.changed) shown["anyway"] = outcome.anyway.count(LineOf(event)) > 0;
    json["events"].push_back(std::move(shown));
  }
  std::printf("%s", RenderJson(json).c_str());
}

int Ahead(const AheadFlags& flags) {
  const auto how_long = HowLong(flags.how_long);
  if (!how_long.ok()) return Report(how_long.status());
  const auto begin = Begin(flags);
  if (!begin.ok()) return Report(begin.status());
  const Standing clock(*begin);
  auto copy = CopyCluster(flags.copy, clock);
  if (!copy.ok()) return Report(copy.status());
  const absl::Duration started = base::SystemClock().Steady();
  const auto outcome = Rehearse(flags, *copy, *how_long);
  if (!outcome.ok()) return Report(outcome.status());
  const absl::Duration took = base::SystemClock().Steady() - started;
  if (flags.format == "json")
    PrintJson(*copy, *outcome);
  else
    PrintText(*copy, *outcome);
  std::fprintf(stderr, "%s of the cluster took %.0f ms.\n", absl::FormatDuration(*how_long).c_str(),
               absl::ToDoubleMilliseconds(took));
  return copy->left_out.empty() ? kOk : kPartial;
}

}  // namespace

void AddAheadCommand(CLI::App& sim, int* exit_code) {
  CLI::App* command = sim.add_subcommand(
      "ahead",
      "Let time pass in a copy of a cluster, and say what changes; nothing real is touched.");
  auto flags = std::make_shared<AheadFlags>();
  command
      ->add_option("--for", flags->how_long, "How much time passes in the copy, for instance 30m.")
      ->capture_default_str();
  command
      ->add_option("--cluster", flags->copy.cluster,
                   "\"demo\", \"empty\", or a folder of manifests.")
      ->capture_default_str();
  command->add_option("--kubeconfig", flags->copy.kubeconfig,
                      "Copy this real cluster instead; it is only read, Secret values never.");
  command->add_option("--context", flags->copy.context, "Context of the kubeconfig.");
  command->add_option("--apply", flags->manifests,
                      "Apply this YAML or JSON file in the copy first; may be repeated.");
  command->add_option(
      "--fault", flags->faults,
      "Break something in the copy first: KIND:TARGET[:NAME=VALUE,...]; may be repeated.");
  command
      ->add_option("--begin", flags->begin,
                   "When the demo's or a folder's time begins; a real cluster's begins now.")
      ->capture_default_str();
  command
      ->add_option("--seed", flags->copy.seed,
                   "Of names and uids: the same seed gives the same answer.")
      ->capture_default_str();
  command->add_option("-o,--output", flags->format, "text or json.")
      ->check(CLI::IsMember({"text", "json"}));
  command->footer(
      "Examples:\n"
      "  opsmesh sim ahead --for 24h\n"
      "  opsmesh sim ahead --fault crash:deployment/shop/cart:code=3,after=10 --for 15m\n"
      "  opsmesh sim ahead --kubeconfig ~/.kube/config --apply fix.yaml --for 30m -o json");
  command->callback([flags, exit_code] { *exit_code = Ahead(*flags); });
}

}  // namespace opsmesh::cli
