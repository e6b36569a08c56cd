#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <set>
#include <string>

#include "CLI/CLI.hpp"
#include "cli/commands.h"
#include "cli/completion.h"
#include "cli/exit_codes.h"
#include "cli/gateway_client.h"
#include "cli/usage.h"
#include "libs/base/strings.h"
#include "nlohmann/json.hpp"

namespace opsmesh::cli {
namespace {

using nlohmann::json;

constexpr char kBash[] = R"sh(# bash completion of opsmesh: source <(opsmesh completion bash)
_opsmesh() {
  local IFS=$'\n'
  COMPREPLY=($(compgen -W "$("${COMP_WORDS[0]}" __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)" -- "${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _opsmesh opsmesh
)sh";

constexpr char kZsh[] = R"sh(#compdef opsmesh
# zsh completion of opsmesh: source <(opsmesh completion zsh)
_opsmesh() {
  local -a candidates
  candidates=("${(@f)$("${words[1]}" __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  candidates=("${(@)candidates:#}")
  (( ${#candidates} )) && compadd -- "${candidates[@]}" || _files
}
compdef _opsmesh opsmesh
)sh";

constexpr char kFish[] = R"sh(# fish completion of opsmesh: opsmesh completion fish | source
function __opsmesh_complete
    set -l words (commandline -opc) (commandline -ct)
    $words[1] __complete $words[2..-1] 2>/dev/null
end
complete -c opsmesh -f -a '(__opsmesh_complete)'
)sh";

/// Names from a running gateway: values of `key` in the list at `target`.
std::vector<std::string> Ask(const std::string& target, const char* list, const char* key) {
  Server server;
  if (const char* address = std::getenv("OPSMESH_SERVER")) server.url = NormalUrl(address);
  if (const char* secret = std::getenv("OPSMESH_API_KEY")) server.api_key = base::Secret(secret);
  const auto client = http_client::Client::Create();
  const auto answer = CallGateway(base::Context::Background().WithTimeout(absl::Seconds(1)),
                                  *client, server, target);
  std::set<std::string> names;
  if (answer.ok() && answer->is_object()) {
    for (const json& one : answer->value(list, json::array())) names.insert(one.value(key, ""));
  }
  return {names.begin(), names.end()};
}

std::vector<std::string> Namespaces() {
  return Ask("/api/v1/objects/namespaces?page_size=1000", "objects", "name");
}

std::vector<std::string> Objects(const std::string& kind, const std::string& name_space) {
  const std::string scope =
      name_space.empty() ? "" : "/namespaces/" + base::PercentEncode(name_space);
  return Ask("/api/v1" + scope + "/objects/" + base::PercentEncode(kind) + "?page_size=1000",
             "objects", "name");
}

/// The words that an option takes, from its check: "TEXT:{table,json}".
std::vector<std::string> Members(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  const size_t open = type.find('{');
  const size_t close = type.find('}', open);
  std::vector<std::string> members;
  if (open == std::string::npos || close == std::string::npos) return members;
  for (const std::string_view one :
       base::Split(std::string_view(type).substr(open + 1, close - open - 1), ','))
    members.emplace_back(one);
  return members;
}

/// The command line so far.
struct Line {
  const CLI::App* command = nullptr;
  std::vector<std::string> positionals;
  std::string name_space;
  const CLI::Option* awaits_value = nullptr;
};

const CLI::Option* OptionOf(const CLI::App& command, const std::string& word) {
  return command.get_option_no_throw(word);
}

Line Read(const CLI::App& app, const std::vector<std::string>& words) {
  Line line{.command = &app};
  for (size_t i = 0; i + 1 < words.size(); ++i) {
    const std::string& word = words[i];
    line.awaits_value = nullptr;
    if (word.size() > 1 && word.front() == '-') {
      const CLI::Option* option = OptionOf(*line.command, word.substr(0, word.find('=')));
      if (option == nullptr || option->get_items_expected_max() == 0 ||
          word.find('=') != std::string::npos)
        continue;
      if (i + 2 == words.size()) {
        line.awaits_value = option;
      } else if (word == "-n" || word == "--namespace") {
        line.name_space = words[++i];
      } else {
        ++i;
      }
      continue;
    }
    CLI::App* chosen = line.positionals.empty() ? SubcommandOf(*line.command, word) : nullptr;
    if (chosen != nullptr) {
      line.command = chosen;
    } else {
      line.positionals.push_back(word);
    }
  }
  return line;
}

std::vector<std::string> Positionals(const Line& line) {
  std::vector<std::string> candidates;
  for (const CLI::App* one :
       const_cast<CLI::App*>(line.command)->get_subcommands([](const CLI::App*) { return true; })) {
    if (!one->get_name().empty()) candidates.push_back(one->get_name());
  }
  const std::string verb = line.command->get_name();
  const auto add = [&candidates](const std::vector<std::string>& more) {
    candidates.insert(candidates.end(), more.begin(), more.end());
  };
  if ((verb == "pods" || verb == "logs") && line.positionals.empty())
    add(Objects("pods", line.name_space));
  if (verb == "describe" && line.positionals.empty()) {
    add({"configmap", "cronjob", "daemonset", "deployment", "hpa", "ingress", "job", "namespace",
         "networkpolicy", "node", "pod", "pv", "pvc", "replicaset", "service", "statefulset"});
  }
  if (verb == "describe" && line.positionals.size() == 1)
    add(Objects(line.positionals[0], line.name_space));
  if ((verb == "call" || verb == "show") && line.positionals.empty())
    add(Ask("/api/v1/tools", "tools", "name"));
  if (verb == "completion") add({"bash", "fish", "zsh"});
  return candidates;
}

}  // namespace

std::vector<std::string> Complete(const CLI::App& app, const std::vector<std::string>& words) {
  const std::string current = words.empty() ? "" : words.back();
  const Line line = Read(app, words);
  std::vector<std::string> candidates;
  if (line.awaits_value != nullptr) {
    const auto is = [&](const char* name) { return line.awaits_value->check_name(name); };
    candidates = is("--namespace") ? Namespaces() : Members(*line.awaits_value);
  } else if (!current.empty() && current.front() == '-') {
    candidates = FlagsOf(*line.command);
  } else {
    candidates = Positionals(line);
  }
  std::erase_if(candidates, [&](const std::string& one) { return one.rfind(current, 0) != 0; });
  std::sort(candidates.begin(), candidates.end());
  candidates.erase(std::unique(candidates.begin(), candidates.end()), candidates.end());
  return candidates;
}

void AddCompletionCommand(CLI::App& app, int* exit_code) {
  CLI::App* command = app.add_subcommand("completion", "Print the completion script of a shell.");
  auto shell = std::make_shared<std::string>();
  command->add_option("shell", *shell, "bash, zsh or fish.")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  command->footer(
      "Examples:\n"
      "  source <(opsmesh completion bash)\n"
      "  opsmesh completion fish | source");
  command->callback([shell, exit_code] {
    std::fputs(*shell == "bash" ? kBash : *shell == "zsh" ? kZsh : kFish, stdout);
    *exit_code = kOk;
  });
}

}  // namespace opsmesh::cli
