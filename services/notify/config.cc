#include "services/notify/config.h"

#include <algorithm>
#include <utility>

#include "libs/base/error.h"
#include "libs/config/reader.h"

namespace opsmesh::notify {
namespace {

config::Names Env(std::string variable) {
  config::Names names;
  names.env = {std::move(variable)};
  return names;
}

ChannelConfig ReadChannel(const std::string& name, config::Reader& reader) {
  ChannelConfig channel;
  channel.name = name;
  config::StringOptions kind;
  kind.required = true;
  kind.one_of = {"feishu", "dingtalk", "slack", "webhook", "email"};
  channel.kind = reader.String("kind", "", kind);
  channel.enabled = reader.Bool("enabled", true);
  config::Names required;
  required.required = true;
  channel.url = reader.Secret("url", required);
  channel.secret = reader.Secret("secret");
  config::StringOptions severity;
  severity.one_of = {"info", "warning", "critical"};
  channel.least_severity = reader.String("least_severity", "info", severity);
  channel.namespaces = reader.Strings("namespaces", {});
  if (!channel.url.empty() && channel.kind != "email" && HostOf(channel.url.Reveal()).empty()) {
    reader.Problem("url", "is no http(s) address; paste the webhook address the platform shows.");
  }
  return channel;
}

}  // namespace

std::string HostOf(const std::string& url) {
  const size_t scheme = url.find("://");
  if (scheme == std::string::npos || (url.rfind("https://", 0) != 0 && url.rfind("http://", 0) != 0)) return "";
  const size_t begin = scheme + 3;
  const std::string authority = url.substr(begin, url.find_first_of("/?#", begin) - begin);
  const size_t at = authority.rfind('@');
  return at == std::string::npos ? authority : authority.substr(at + 1);
}

absl::StatusOr<NotifyConfig> LoadConfig(const config::Source& source) {
  NotifyConfig loaded;
  config::Reader reader(source, "notify");
  loaded.enabled = reader.Bool("enabled", true, Env("NOTIFICATION_ENABLED"));
  for (auto& [name, section] : reader.Map("channels")) loaded.channels.push_back(ReadChannel(name, section));

  const auto add = [&](const char* kind, const char* url_key, const char* url_env, const char* secret_key,
                       const char* secret_env) {
    ChannelConfig channel;
    channel.name = channel.kind = kind;
    channel.url = reader.Secret(url_key, Env(url_env));
    channel.secret = reader.Secret(secret_key, Env(secret_env));
    if (channel.url.empty()) return;
    if (HostOf(channel.url.Reveal()).empty()) {
      reader.Problem(url_key, "is no http(s) address; paste the webhook address the platform shows.");
    }
    loaded.channels.push_back(std::move(channel));
  };
  add("feishu", "feishu_webhook", "FEISHU_WEBHOOK", "feishu_secret", "FEISHU_WEBHOOK_SECRET");
  add("dingtalk", "dingtalk_webhook", "DINGTALK_WEBHOOK_URL", "dingtalk_secret", "DINGTALK_SECRET");

  const auto by_name = [](const ChannelConfig& a, const ChannelConfig& b) { return a.name < b.name; };
  std::stable_sort(loaded.channels.begin(), loaded.channels.end(), by_name);
  const auto twice = std::adjacent_find(loaded.channels.begin(), loaded.channels.end(),
                                        [](const auto& a, const auto& b) { return a.name == b.name; });
  if (twice != loaded.channels.end()) {
    reader.Problem("channels", "names '" + twice->name + "' twice, once here and once by " + twice->kind +
                                   "_webhook; give one of them another name.");
  }
  OPSMESH_RETURN_IF_ERROR(reader.Finish());
  return loaded;
}

}  // namespace opsmesh::notify
