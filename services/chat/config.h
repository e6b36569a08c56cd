// Settings of the chat service.
#pragma once

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/config/source.h"

namespace opsmesh::chat {

struct ChatConfig {
  /// Messages of a session handed to the next turn, newest last.
  int64_t history_messages = 20;
  /// Sessions kept for one owner; beyond, the least recently used is deleted.
  int64_t max_sessions_per_owner = 1000;
  /// How long a status page waits for another service.
  absl::Duration status_timeout = absl::Milliseconds(1500);
};

/// Reads the section `chat`. INVALID_ARGUMENT (CONFIG) with every problem.
absl::StatusOr<ChatConfig> LoadConfig(const config::Source& source);

}  // namespace opsmesh::chat
