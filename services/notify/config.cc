#include "services/notify/config.h"

#include <algorithm>
#include <utility>

#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "libs/config/reader.h"

namespace opsmesh::notify {
namespace {

/// A platform whose webhook the documents name by a variable of its own.
struct Documented {
  const char* kind;
  const char* url_key;
  const char* url_env;
  const char* secret_key;
  const char* secret_env;
};
constexpr Documented kDocumented[] = {
    {"feishu", "feishu_webhook", "FEISHU_WEBHOOK", "feishu_secret", "FEISHU_WEBHOOK_SECRET"},
    {"dingtalk", "dingtalk_webhook", "DINGTALK_WEBHOOK_URL", "dingtalk_secret", "DINGTALK_SECRET"},
    {"slack", "slack_webhook", "SLACK_WEBHOOK_URL", "slack_webhook_secret", "SLACK_WEBHOOK_SECRET"},
};

config::Names Env(std::string variable) {
  config::Names names;
  names.env = {std::move(variable)};
  return names;
}

config::StringOptions OneOf(std::vector<std::string> words) {
  config::StringOptions options;
  options.one_of = std::move(words);
  return options;
}

void JudgeUrl(config::Reader& reader, const char* key, const base::Secret& url) {
  if (!url.empty() && OriginOf(url.Reveal()).empty()) {
    reader.Problem(key, "is no http(s) address; paste the webhook address the platform shows.");
  }
}

ChannelConfig ReadChannel(const std::string& name, config::Reader& reader) {
  ChannelConfig channel;
  channel.name = name;
  config::StringOptions kind = OneOf({"feishu", "dingtalk", "slack", "webhook", "email"});
  kind.required = true;
  channel.kind = reader.String("kind", "", kind);
  channel.enabled = reader.Bool("enabled", true);
  channel.url = reader.Secret("url");
  channel.secret = reader.Secret("secret");
  channel.least_severity =
      reader.String("least_severity", "info", OneOf({"info", "warning", "critical"}));
  channel.namespaces = reader.Strings("namespaces", {});
  channel.language = reader.String("language", "", OneOf({"", "zh-Hans", "zh-Hant", "en"}));
  channel.format =
      reader.String("format", "auto", OneOf({"auto", "markdown", "text", "actionCard"}));
  channel.keyword = reader.String("keyword", "");
  config::IntOptions rate;
  rate.min = 0;
  rate.max = 6000;
  channel.per_minute = reader.Int("per_minute", 0, rate);
  const std::string fallback = channel.kind == "webhook" ? "resend" : "hold";
  const std::string unknown = reader.String("after_unknown", fallback, OneOf({"hold", "resend"}));
  channel.after_unknown = unknown == "resend" ? AfterUnknown::kResend : AfterUnknown::kHold;
  if (channel.kind != "email") JudgeUrl(reader, "url", channel.url);
  return channel;
}

OutboxConfig ReadOutbox(config::Reader reader) {
  OutboxConfig outbox;
  const auto count = [&reader](const char* key, int64_t fallback, int64_t max) {
    config::IntOptions options;
    options.min = 1;
    options.max = max;
    return reader.Int(key, fallback, options);
  };
  const auto time = [&reader](const char* key, absl::Duration fallback, absl::Duration min,
                              absl::Duration max) {
    config::DurationOptions options;
    options.min = min;
    options.max = max;
    return reader.Duration(key, fallback, options);
  };
  const absl::Duration instant = absl::Milliseconds(10);
  outbox.max_attempts = count("max_attempts", outbox.max_attempts, 1000);
  outbox.max_waiting = count("max_waiting", outbox.max_waiting, 1000000);
  outbox.max_age = time("max_age", outbox.max_age, absl::Seconds(1), absl::Hours(24 * 30));
  outbox.first_backoff = time("first_backoff", outbox.first_backoff, instant, absl::Minutes(10));
  outbox.max_backoff = time("max_backoff", outbox.max_backoff, instant, absl::Hours(1));
  outbox.fold_window =
      time("fold_window", outbox.fold_window, absl::ZeroDuration(), absl::Hours(24));
  outbox.connect_timeout =
      time("connect_timeout", outbox.connect_timeout, instant, absl::Minutes(1));
  outbox.answer_timeout = time("answer_timeout", outbox.answer_timeout, instant, absl::Minutes(2));
  outbox.keep_sent = time("keep_sent", outbox.keep_sent, absl::Minutes(1), absl::Hours(24 * 366));
  outbox.keep_dead = time("keep_dead", outbox.keep_dead, absl::Minutes(1), absl::Hours(24 * 366));
  return outbox;
}

/// Adds the documented channel, or hands its address to a channel of the same name that has none.
void AddDocumented(const Documented& one, config::Reader& reader,
                   std::vector<ChannelConfig>* channels) {
  ChannelConfig documented;
  documented.name = documented.kind = one.kind;
  documented.url = reader.Secret(one.url_key, Env(one.url_env));
  documented.secret = reader.Secret(one.secret_key, Env(one.secret_env));
  if (documented.url.empty()) return;
  JudgeUrl(reader, one.url_key, documented.url);
  const auto same = std::find_if(channels->begin(), channels->end(),
                                 [&](const auto& c) { return c.name == one.kind; });
  if (same == channels->end()) {
    channels->push_back(std::move(documented));
  } else if (same->kind == one.kind && same->url.empty()) {
    same->url = std::move(documented.url);
    if (same->secret.empty()) same->secret = std::move(documented.secret);
  } else {
    reader.Problem("channels", "names '" + same->name + "' twice, once here and once by " +
                                   one.url_key + "; give one of them another name.");
  }
}

}  // namespace

std::string HostOf(const std::string& url) {
  if (url.rfind("https://", 0) != 0 && url.rfind("http://", 0) != 0) return "";
  const size_t begin = url.find("://") + 3;
  const std::string authority = url.substr(begin, url.find_first_of("/?#", begin) - begin);
  const size_t at = authority.rfind('@');
  return at == std::string::npos ? authority : authority.substr(at + 1);
}

std::string OriginOf(const std::string& url) {
  const std::string host = HostOf(url);
  const size_t begin = url.find("://");
  if (host.empty() || host.front() == ':' || url.compare(begin + 3, host.size(), host) != 0)
    return "";
  return base::AsciiLower(url.substr(0, begin + 3) + host);
}

absl::StatusOr<NotifyConfig> LoadConfig(const config::Source& source) {
  NotifyConfig loaded;
  config::Reader reader(source, "notify");
  loaded.enabled = reader.Bool("enabled", true, Env("NOTIFICATION_ENABLED"));
  auto sections = reader.Map("channels");
  for (auto& [name, section] : sections) loaded.channels.push_back(ReadChannel(name, section));
  for (const Documented& one : kDocumented) AddDocumented(one, reader, &loaded.channels);
  for (auto& [name, section] : sections) {
    const auto channel = std::find_if(loaded.channels.begin(), loaded.channels.end(),
                                      [&name = name](const auto& c) { return c.name == name; });
    if (channel->url.empty())
      section.Problem("url", "is missing: the webhook address the platform shows.");
  }
  loaded.outbox = ReadOutbox(reader.Section("outbox"));
  loaded.reply_origins = reader.Strings("reply_origins", {});
  for (std::string& origin : loaded.reply_origins) {
    if (OriginOf(origin) != base::AsciiLower(origin)) {
      reader.Problem("reply_origins",
                     "holds '" + origin + "', which is no origin such as https://host:port.");
    }
    origin = base::AsciiLower(origin);
  }
  std::sort(loaded.channels.begin(), loaded.channels.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  OPSMESH_RETURN_IF_ERROR(reader.Finish());
  return loaded;
}

}  // namespace opsmesh::notify
