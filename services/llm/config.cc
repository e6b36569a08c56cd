#include "services/llm/config.h"

#include <utility>

#include "libs/base/error.h"
#include "libs/config/reader.h"
#include "libs/llm_provider/catalog.h"

namespace opsmesh::llm {
namespace {

config::IntOptions Between(int64_t min, int64_t max, std::vector<std::string> aliases = {}) {
  config::IntOptions options;
  options.min = min;
  options.max = max;
  options.aliases = std::move(aliases);
  return options;
}

void ReadZone(config::Reader& reader, LlmConfig* loaded) {
  config::StringOptions names;
  names.env = {"TZ"};
  std::string zone = reader.String("time_zone", "UTC", names);
  if (zone.starts_with(':')) zone.erase(0, 1);
  if (!absl::LoadTimeZone(zone, &loaded->zone)) {
    reader.Problem("time_zone",
                   "is no time zone of this machine; use a name such as Asia/Shanghai or UTC.");
  }
}

}  // namespace

absl::StatusOr<LlmConfig> LoadConfig(const config::Source& source) {
  LlmConfig loaded;
  config::Reader reader(source, "llm");
  ReadZone(reader, &loaded);
  config::DurationOptions ttl;
  ttl.max = absl::Minutes(10);
  loaded.tool_list_ttl = reader.Duration("tool_list_ttl", loaded.tool_list_ttl, ttl);
  config::DurationOptions timeout;
  timeout.min = absl::Milliseconds(100);
  timeout.max =
      absl::Seconds(150);  // a turn ends after 180 s, and the planner may still have to answer
  loaded.timeout = reader.Duration("timeout", loaded.timeout, timeout);
  loaded.max_iterations = static_cast<int>(
      reader.Int("max_iterations", loaded.max_iterations, Between(1, 12, {"max_iterations"})));
  loaded.token_budget = reader.Int("token_budget", loaded.token_budget, Between(1000, 10'000'000));
  loaded.max_tools = reader.Int("max_tools", loaded.max_tools, Between(1, 128));
  loaded.max_tool_result_bytes =
      reader.Int("max_tool_result_bytes", loaded.max_tool_result_bytes, Between(512, 256 << 10));
  loaded.max_history_bytes =
      reader.Int("max_history_bytes", loaded.max_history_bytes, Between(0, 256 << 10));
  loaded.max_attachment_bytes =
      reader.Int("max_attachment_bytes", loaded.max_attachment_bytes, Between(512, 512 << 10));
  const llm_provider::Choice choice =
      llm_provider::ReadChoice(reader, llm_provider::Catalog::Embedded());
  absl::StatusOr<llm_provider::Selection> selection =
      llm_provider::Select(llm_provider::Catalog::Embedded(), choice);
  if (selection.ok()) {
    loaded.providers = *std::move(selection);
  } else {
    const base::ErrorDetail detail = base::DetailOf(selection.status());
    reader.Problem(detail.field.starts_with("llm.") ? detail.field.substr(4) : "provider",
                   std::string(selection.status().message()) + " " + detail.hint);
  }
  OPSMESH_RETURN_IF_ERROR(reader.Finish());
  return loaded;
}

}  // namespace opsmesh::llm
