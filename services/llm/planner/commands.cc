#include "services/llm/planner/commands.h"

#include "libs/base/strings.h"
#include "libs/text/numbers.h"

namespace opsmesh::llm {
namespace {

Command Usage(std::string_view usage) {
  Command command;
  command.usage_error = usage;
  return command;
}

// "web" or "shop/web".
void Name(std::string_view text, std::string_view kind, Intent* intent) {
  NameMention mention;
  const size_t slash = text.find('/');
  if (slash != std::string_view::npos) {
    intent->name_space = text.substr(0, slash);
    text.remove_prefix(slash + 1);
  }
  mention.text = text;
  mention.kind = kind;
  mention.must_exist = true;
  intent->names.push_back(std::move(mention));
}

}  // namespace

std::optional<Command> ParseCommand(std::string_view query) {
  query = base::Trim(query);
  if (query.size() < 2 || query[0] != '/' ||
      !((query[1] | 0x20) >= 'a' && (query[1] | 0x20) <= 'z'))
    return std::nullopt;
  const std::vector<std::string_view> words = base::SplitWhitespace(query);
  const std::string name = base::AsciiLower(words[0].substr(1));
  if (name.find('/') != std::string::npos) return std::nullopt;  // a path, not a command
  Command command;
  Intent& intent = command.intent;
  if (name == "pods" || name == "pod") {
    if (words.size() > 2) return Usage("/pods [namespace]");
    intent.action = "list";
    intent.kind = "Pod";
    if (words.size() == 2) intent.name_space = words[1];
  } else if (name == "logs" || name == "log") {
    if (words.size() < 2 || words.size() > 3) return Usage("/logs <pod> [lines]");
    intent.action = "logs";
    Name(words[1], "Pod", &intent);
    if (words.size() == 3) {
      intent.limit = text::ParseNumber(words[2]);
      if (!intent.limit) return Usage("/logs <pod> [lines]");
    }
  } else if (name == "scale" || name == "sre-bot:scale") {
    const auto replicas = words.size() == 3 ? text::ParseNumber(words[2]) : std::nullopt;
    if (!replicas) return Usage("/scale <deployment> <replicas>");
    intent.action = "scale";
    intent.is_write = true;
    intent.replicas = replicas;
    Name(words[1], "", &intent);
  } else if (name == "status") {
    intent.action = "status";
    intent.kind = "Cluster";
  } else if (name == "help" || name == "start") {
    intent.action = "help";
  } else {
    command.unknown = true;
  }
  return command;
}

}  // namespace opsmesh::llm
