#include "cli/fault_command.h"

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "cli/exit_codes.h"
#include "cli/settings.h"
#include "fmt/core.h"
#include "libs/base/context.h"
#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "libs/http_client/http_client.h"
#include "libs/kube/api_call.h"
#include "libs/kube/client.h"
#include "libs/kube/transport.h"
#include "libs/kubesim/behaviour/faults/faults.h"
#include "nlohmann/json.hpp"

namespace opsmesh::cli {
namespace {

using Json = nlohmann::json;

struct FaultFlags {
  std::string kubeconfig, kind, target, id;
  std::vector<std::string> settings;
  bool all = false, json = false;
};

// What the simulator itself refuses, without the words about a call to a cluster.
absl::Status OwnWords(const absl::Status& status) {
  const std::string_view message = base::ToStd(status.message());
  const size_t colon = message.find(": ");
  const bool refused = status.code() == absl::StatusCode::kNotFound ||
                       status.code() == absl::StatusCode::kInvalidArgument;
  if (!refused || !message.starts_with("Cannot call /opsmesh-sim/") ||
      colon == std::string_view::npos)
    return status;
  return base::InvalidArgument("fault", "FAULT", std::string(message.substr(colon + 2)))
      .Hint(message.find("is on") != std::string_view::npos
                ? "See: opsmesh sim fault list"
                : "See: opsmesh sim fault catalogue, and kubectl get for what is there.");
}

// One call at the door of the simulator that the kubeconfig names.
absl::StatusOr<Json> Ask(const FaultFlags& flags, const char* method, const std::string& path,
                         const Json& body) {
  kube::LoadOptions load;
  load.kubeconfig_flag = flags.kubeconfig;
  OPSMESH_ASSIGN_OR_RETURN(kube::ClusterConfig config, kube::LoadCluster(load));
  const std::unique_ptr<http_client::Client> http = http_client::Client::Create();
  kube::Client::Options options;
  options.config = std::move(config);
  options.http = http.get();
  options.allow_writes = true;
  kube::Transport transport(std::move(options));
  kube::ApiCall call;
  call.verb = "call";
  call.method = method;
  call.path = "/opsmesh-sim/v1/" + path;
  call.retry = false;
  if (!body.is_null()) call.body = body.dump(-1, ' ', false, Json::error_handler_t::replace);
  auto answer = transport.Do(base::Context::Background().WithTimeout(absl::Seconds(15)), call, {});
  if (!answer.ok()) {
    const bool other = answer.status().code() == absl::StatusCode::kNotFound && path == "faults" &&
                       std::string_view(method) == "GET";
    if (!other) return OwnWords(answer.status());
    return base::FailedPrecondition("NOT_A_LIVE_SIMULATOR",
                                    "The cluster of this kubeconfig is no live simulated one, so "
                                    "nothing can be broken on purpose there.")
        .Hint("Start one with: opsmesh sim serve --live --kubeconfig-out FILE");
  }
  Json json = Json::parse(answer->body, nullptr, false);
  if (!json.is_object())
    return base::Unavailable("NOT_A_LIVE_SIMULATOR",
                             "The answer is not one of a simulated cluster.");
  return json;
}

std::string Parameters(const Json& fault) {
  std::string text;
  const Json parameters = fault.value("parameters", Json::object());
  for (const auto& [name, value] : parameters.items())
    text += (text.empty() ? "" : ",") + name + "=" +
            (value.is_string() ? value.get<std::string>() : value.dump());
  return text.empty() ? "-" : text;
}

int Show(const FaultFlags& flags, const absl::StatusOr<Json>& answer) {
  if (!answer.ok()) return Report(answer.status());
  if (flags.json) {
    std::printf("%s\n", answer->dump(2, ' ', false, Json::error_handler_t::replace).c_str());
    return kOk;
  }
  if (answer->contains("kinds")) {
    for (const Json& kind : (*answer)["kinds"]) {
      std::printf("%s\n  on:         %s\n", kind.value("name", "").c_str(),
                  kind.value("targets", "").c_str());
      if (!kind.value("parameters", "").empty())
        std::printf("  parameters: %s\n", kind.value("parameters", "").c_str());
      std::printf("  effect:     %s\n  undone:     %s\n", kind.value("effect", "").c_str(),
                  kind.value("undone", "").c_str());
    }
  } else if (answer->contains("faults")) {
    if ((*answer)["faults"].empty())
      std::printf("No fault is on.\n");
    else
      std::printf("%-10s %-16s %-40s %-24s %s\n", "ID", "KIND", "TARGET", "PARAMETERS", "SINCE");
    for (const Json& fault : (*answer)["faults"]) {
      std::printf("%-10s %-16s %-40s %-24s %s\n", fault.value("id", "").c_str(),
                  fault.value("kind", "").c_str(), fault.value("target", "").c_str(),
                  Parameters(fault).c_str(), fault.value("since", "").c_str());
    }
  } else if (answer->contains("cleared")) {
    std::printf("%d cleared.\n", answer->value("cleared", 0));
  } else {
    std::printf("%s: %s on %s. %s\n", answer->value("id", "").c_str(),
                answer->value("kind", "").c_str(), answer->value("target", "").c_str(),
                answer->value("effect", "").c_str());
    if (const std::string note = answer->value("note", ""); !note.empty())
      std::printf("Note: %s\n", note.c_str());
  }
  return kOk;
}

int Inject(const FaultFlags& flags) {
  Json body = {{"kind", flags.kind}, {"target", flags.target}, {"parameters", Json::object()}};
  for (const std::string& setting : flags.settings) {
    const size_t equals = setting.find('=');
    if (equals == std::string::npos || equals == 0) {
      return Report(
          base::InvalidArgument("set", "USAGE", fmt::format("--set {} is not NAME=VALUE.", setting))
              .Hint("Write for instance --set code=3."));
    }
    body["parameters"][setting.substr(0, equals)] = setting.substr(equals + 1);
  }
  return Show(flags, Ask(flags, "POST", "faults", body));
}

int Clear(const FaultFlags& flags) {
  if (flags.id.empty() == !flags.all)
    return Report(base::InvalidArgument("id", "USAGE", "Name the fault to clear, or say --all.")
                      .Hint("See: opsmesh sim fault list"));
  return Show(flags, Ask(flags, "DELETE", flags.all ? "faults" : "faults/" + flags.id, Json()));
}

}  // namespace

void AddFaultCommand(CLI::App& sim, int* exit_code) {
  CLI::App* command =
      sim.add_subcommand("fault", "Break a live simulated cluster on purpose, and mend it.");
  command->require_subcommand(1);
  command->footer(
      "Examples:\n"
      "  opsmesh sim fault catalogue\n"
      "  opsmesh sim fault inject crash deployment/shop/cart --set code=3\n"
      "  opsmesh sim fault list\n"
      "  opsmesh sim fault clear --all\n"
      "The cluster is the one of --kubeconfig, else the one kubectl would use; it must have been\n"
      "started with: opsmesh sim serve --live --kubeconfig-out FILE");
  auto flags = std::make_shared<FaultFlags>();
  auto common = [flags](CLI::App* verb) {
    verb->add_option("--kubeconfig", flags->kubeconfig,
                     "Of the simulated cluster; without it, the one kubectl would use.");
    verb->add_flag("--json", flags->json, "Print the answer as JSON.");
  };
  CLI::App* list = command->add_subcommand("list", "The faults that are on.");
  common(list);
  list->footer("Example:\n  opsmesh sim fault list --kubeconfig sim.kubeconfig");
  list->callback(
      [flags, exit_code] { *exit_code = Show(*flags, Ask(*flags, "GET", "faults", Json())); });
  CLI::App* catalogue = command->add_subcommand(
      "catalogue", "What can be broken: targets, parameters, effects, how each is undone.");
  common(catalogue);
  catalogue->footer(
      "Without --kubeconfig: what this program's own simulator knows; no cluster is asked.\n"
      "Example:\n  opsmesh sim fault catalogue");
  catalogue->callback([flags, exit_code] {
    *exit_code =
        Show(*flags, flags->kubeconfig.empty() ? absl::StatusOr<Json>(kubesim::FaultCatalogueJson())
                                               : Ask(*flags, "GET", "catalogue", Json()));
  });
  CLI::App* inject = command->add_subcommand("inject", "Break something.");
  common(inject);
  inject->add_option("kind", flags->kind, "Name in the catalogue, for instance crash.")->required();
  inject
      ->add_option(
          "target", flags->target,
          "node/NAME, pod/NAMESPACE/NAME, deployment/NAMESPACE/NAME, image/NAME, cluster …")
      ->required();
  inject->add_option("--set", flags->settings, "A parameter, NAME=VALUE; may be repeated.");
  inject->footer(
      "Examples:\n"
      "  opsmesh sim fault inject node-partition node/node-2\n"
      "  opsmesh sim fault inject crash deployment/shop/cart --set code=3 --set after=10\n"
      "  opsmesh sim fault inject image-pull image/redis:7.2.5\n"
      "  opsmesh sim fault inject no-metrics cluster");
  inject->callback([flags, exit_code] { *exit_code = Inject(*flags); });
  CLI::App* clear = command->add_subcommand("clear", "Mend it.");
  common(clear);
  clear->add_option("id", flags->id, "Which fault.");
  clear->add_flag("--all", flags->all, "Every fault.");
  clear->footer(
      "Examples:\n"
      "  opsmesh sim fault clear fault-1\n"
      "  opsmesh sim fault clear --all");
  clear->callback([flags, exit_code] { *exit_code = Clear(*flags); });
}

}  // namespace opsmesh::cli
