// Settings of the notify service: the channels and what is routed to them.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/base/secret.h"
#include "libs/config/source.h"

namespace opsmesh::notify {

/// One channel. Webhook addresses are secrets: who knows one can send.
struct ChannelConfig {
  std::string name;   // unique
  std::string kind;   // "feishu", "dingtalk", "slack", "webhook" or "email"
  bool enabled = true;
  base::Secret url;   // address to send to
  base::Secret secret;   // signs what is sent; empty = unsigned
  std::string least_severity = "info";   // "info", "warning" or "critical"
  std::vector<std::string> namespaces;   // empty = all
};

struct NotifyConfig {
  /// NOTIFICATION_ENABLED.
  bool enabled = true;
  /// Ordered by name; FEISHU_WEBHOOK and DINGTALK_WEBHOOK_URL add "feishu" and "dingtalk".
  std::vector<ChannelConfig> channels;
};

/// Reads the section `notify`. INVALID_ARGUMENT (CONFIG) with every problem.
absl::StatusOr<NotifyConfig> LoadConfig(const config::Source& source);

/// Host of a webhook address, for pages that must not show the rest; "" when it has none.
std::string HostOf(const std::string& url);

}  // namespace opsmesh::notify
