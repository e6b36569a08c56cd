#include "services/llm/config.h"

#include "libs/base/error.h"
#include "libs/config/reader.h"

namespace opsmesh::llm {

absl::StatusOr<LlmConfig> LoadConfig(const config::Source& source) {
  LlmConfig loaded;
  config::Reader reader(source, "llm");
  config::StringOptions zone_names;
  zone_names.env = {"TZ"};
  std::string zone = reader.String("time_zone", "UTC", zone_names);
  if (zone.starts_with(':')) zone.erase(0, 1);
  if (!absl::LoadTimeZone(zone, &loaded.zone)) {
    reader.Problem("time_zone", "is no time zone of this machine; use a name such as Asia/Shanghai or UTC.");
  }
  config::DurationOptions ttl;
  ttl.max = absl::Minutes(10);
  loaded.tool_list_ttl = reader.Duration("tool_list_ttl", loaded.tool_list_ttl, ttl);
  OPSMESH_RETURN_IF_ERROR(reader.Finish());
  return loaded;
}

}  // namespace opsmesh::llm
