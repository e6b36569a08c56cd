// Common Markdown as each platform understands it. What comes from a cluster may be in the text, so
// nothing in it may load a picture, mention people or forge markup. Pure.
#pragma once

#include <string>
#include <string_view>

namespace opsmesh::notify {

/// DingTalk's subset: no fences (quoted lines instead), no tables (one line a row), line breaks as
/// two spaces and "\n".
std::string DingtalkMarkdown(std::string_view markdown);
/// Feishu's card Markdown: tags (<at id=all>, <font ...>) are shown, not obeyed.
std::string FeishuMarkdown(std::string_view markdown);
/// Slack's mrkdwn: *bold*, <url|text>, no headings; "&", "<" and ">" escaped, so that <!here> is
/// shown, not obeyed.
std::string SlackMrkdwn(std::string_view markdown);
/// Without markup, for channels that show text as it is.
std::string PlainText(std::string_view markdown);

/// A name or value that must show as it is written inside Markdown: its special characters get a
/// backslash.
std::string EscapeMarkdown(std::string_view plain);
/// The same for mrkdwn: "&", "<", ">" as entities.
std::string EscapeMrkdwn(std::string_view plain);

/// `text` when it has at most `max_bytes`; else as much of it as fits in whole lines or characters,
/// and a last line that says how much is missing, in Chinese or English.
std::string FitText(std::string_view text, size_t max_bytes, bool chinese);

}  // namespace opsmesh::notify
