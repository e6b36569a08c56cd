#include "services/chat/config.h"

#include "libs/base/error.h"
#include "libs/config/reader.h"

namespace opsmesh::chat {
namespace {

config::IntOptions Between(int64_t min, int64_t max) {
  config::IntOptions options;
  options.min = min;
  options.max = max;
  return options;
}

}  // namespace

absl::StatusOr<ChatConfig> LoadConfig(const config::Source& source) {
  ChatConfig loaded;
  config::Reader reader(source, "chat");
  loaded.history_messages = reader.Int("history_messages", loaded.history_messages, Between(0, 50));
  loaded.max_sessions_per_owner =
      reader.Int("max_sessions_per_owner", loaded.max_sessions_per_owner, Between(1, 1'000'000));
  config::DurationOptions timeout;
  timeout.min = absl::Milliseconds(50);
  timeout.max = absl::Seconds(5);
  loaded.status_timeout = reader.Duration("status_timeout", loaded.status_timeout, timeout);
  OPSMESH_RETURN_IF_ERROR(reader.Finish());
  return loaded;
}

}  // namespace opsmesh::chat
