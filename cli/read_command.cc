#include "cli/read_command.h"

#include "cli/exit_codes.h"
#include "cli/settings.h"
#include "fmt/core.h"
#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "libs/text/variants.h"
#include "nlohmann/json.hpp"

namespace opsmesh::cli {

using nlohmann::json;

absl::StatusOr<json> Reading::Get(const std::string& target) {
  return CallGateway(ctx_, reach_.client(), reach_.server(), target);
}

absl::StatusOr<json> Reading::Post(const std::string& target, const json& body) {
  return CallGateway(ctx_, reach_.client(), reach_.server(), target, &body);
}

absl::StatusOr<json> Reading::Tool(const std::string& name, const json& arguments,
                                   const std::string& cluster) {
  json body = {{"arguments", arguments}};
  if (!cluster.empty()) body["context"]["cluster"] = cluster;
  return Post("/api/v1/tools/" + base::PercentEncode(name) + ":call", body);
}

absl::Status Reading::Follow(const std::string& target,
                             const std::function<absl::Status(const json&)>& on_event) {
  return FollowGateway(ctx_, reach_.client(), reach_.server(), target, on_event);
}

int Reading::Ledger(const json& answer) {
  const json ledger = answer.value("ledger", json::object());
  int code = kOk;
  for (const char* kind : {"failed", "not_checked"}) {
    for (const json& entry : ledger.value(kind, json::array())) {
      Note(fmt::format("! {}{}: {}", Say("没有读到 ", "not read: "), entry.value("subject", ""),
                       entry.value("reason", "")));
      code = kPartial;
    }
  }
  return code;
}

int RunReading(const ReachFlags& flags, const std::function<absl::StatusOr<int>(Reading&)>& work) {
  Interrupts interrupts;
  Terminal terminal(flags.no_color);
  const auto reach = OpenReach(flags);
  if (!reach.ok()) return Report(reach.status());
  std::shared_ptr<base::CancelState> cancel;
  const base::Context ctx =
      (*reach)->Within(absl::Seconds(flags.timeout_seconds)).WithCancel(&cancel);
  interrupts.Watch(cancel);
  Reading reading(**reach, ctx, terminal);
  const absl::StatusOr<int> ended = work(reading);
  if (ended.ok()) return *ended;
  if (base::DetailOf(ended.status()).reason == "CALLER_LEFT") return 130;
  return Report(ended.status());
}

std::string InTerminalLanguage(const json& text) {
  if (!text.is_object()) return "";
  const std::string zh = text.value("zh", "");
  const std::string en = text.value("en", "");
  const std::string language = TerminalLanguage();
  if (language == "en" || zh.empty()) return en.empty() ? zh : en;
  return language == "zh-Hant" ? text::ToTraditional(zh) : zh;
}

std::string QueryOf(const std::vector<std::pair<std::string, std::string>>& pairs) {
  std::string query;
  for (const auto& [name, value] : pairs) {
    if (!value.empty())
      query += fmt::format("{}{}={}", query.empty() ? "?" : "&", name, base::PercentEncode(value));
  }
  return query;
}

}  // namespace opsmesh::cli
