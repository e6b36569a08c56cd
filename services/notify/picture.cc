#include "services/notify/picture.h"

#include "fmt/core.h"
#include "libs/base/clock.h"
#include "libs/base/strings.h"
#include "libs/text/duration.h"
#include "libs/text/variants.h"

namespace opsmesh::notify {
namespace {

using text::Language;

struct Words {
  const char* zh;
  const char* en;
};

std::string Say(const Words& words, Language language) {
  if (language == Language::kEnglish) return words.en;
  return language == Language::kTraditional ? text::ToTraditional(words.zh) : words.zh;
}

Words SeverityWords(v1::Severity severity) {
  switch (severity) {
    case v1::SEVERITY_CRITICAL:
      return {"严重", "Critical"};
    case v1::SEVERITY_WARNING:
      return {"警告", "Warning"};
    case v1::SEVERITY_RESOLVED:
      return {"已恢复", "Resolved"};
    default:
      return {"通知", "Notice"};
  }
}

const char* MarkOf(v1::Severity severity) {
  switch (severity) {
    case v1::SEVERITY_CRITICAL:
      return "🔴";
    case v1::SEVERITY_WARNING:
      return "🟠";
    case v1::SEVERITY_RESOLVED:
      return "🟢";
    default:
      return "🔵";
  }
}

/// Title of a notice that has none, by its type.
std::string TypeTitle(const std::string& type, Language language) {
  if (type == "human_help") return Say({"需要人工协助", "A person is needed"}, language);
  if (type == "incident") return Say({"故障通知", "Incident"}, language);
  if (type == "approval") return Say({"等待审批", "Approval needed"}, language);
  if (type == "report") return Say({"运维报告", "Report"}, language);
  if (type == "test") return Say({"测试消息", "Test message"}, language);
  return type == "message" ? Say({"OpsMesh 消息", "Message from OpsMesh"}, language) : type;
}

Language LanguageOf(const Letter& letter, std::string_view channel_language, Language fallback) {
  if (const auto asked = text::ParseLanguageTag(letter.language)) return *asked;
  if (const auto configured = text::ParseLanguageTag(channel_language)) return *configured;
  const type::v1::Text& text = letter.content.text();
  const std::string& words = text.zh().empty() ? text.en() : text.zh();
  const bool one_language = text.zh().empty() || text.en().empty() || text.zh() == text.en();
  return one_language && !words.empty() ? text::DetectLanguage(words, fallback) : fallback;
}

std::vector<std::string> NotesOf(const Mailing& mailing, Language language) {
  const Letter& letter = mailing.letter;
  std::vector<std::string> notes;
  if (!letter.name_space.empty())
    notes.push_back(Say({"命名空间：", "Namespace: "}, language) + letter.name_space);
  notes.push_back(Say({"时间：", "Time: "}, language) + base::Rfc3339(letter.created));
  if (mailing.is_repeat_notice) {
    notes.push_back(fmt::format(
        fmt::runtime(Say({"同样的消息又来了 {} 次，已合并为这一条。",
                          "The same message came {} more times; they are folded into this one."},
                         language)),
        mailing.fold_count));
  } else if (mailing.fold_count > 1) {
    notes.push_back(fmt::format(
        fmt::runtime(Say(
            {"{} 条相同的消息已合并为一条。", "{} equal messages are folded into one."}, language)),
        mailing.fold_count));
  }
  return notes;
}

}  // namespace

std::string TextIn(const type::v1::Text& text, Language language) {
  if (language == Language::kEnglish) return text.en().empty() ? text.zh() : text.en();
  const std::string& chinese = text.zh().empty() ? text.en() : text.zh();
  return language == Language::kTraditional ? text::ToTraditional(chinese) : chinese;
}

bool AsksForAPerson(const Letter& letter) {
  if (letter.type == "human_help" || letter.type == "approval") return true;
  const std::string words = text::NormalizeForMatching(
      letter.content.text().zh() + "\n" + letter.content.text().en() + "\n" +
      letter.content.title().zh() + "\n" + letter.content.title().en());
  for (const std::string_view sign :
       {"需要人工", "人工介入", "人工处理", "人工协助", "人工干预", "人工确认", "请人工",
        "human help", "human intervention", "needs a human", "need a human", "needs a person",
        "manual intervention", "manual action", "manual help"}) {
    if (words.find(sign) != std::string::npos) return true;
  }
  return false;
}

Picture Draw(const Mailing& mailing, std::string_view channel_language, Language fallback) {
  const Letter& letter = mailing.letter;
  Picture picture;
  picture.language = LanguageOf(letter, channel_language, fallback);
  picture.severity = Say(SeverityWords(letter.severity), picture.language);
  picture.mark = MarkOf(letter.severity);
  picture.title = base::ReplaceAll(TextIn(letter.content.title(), picture.language), "\n", " ");
  if (picture.title.empty()) picture.title = TypeTitle(letter.type, picture.language);
  picture.text = TextIn(letter.content.text(), picture.language);
  for (const type::v1::Fact& fact : letter.content.facts())
    picture.facts.emplace_back(fact.key(), fact.value());
  for (const v1::Button& button : letter.content.buttons()) {
    picture.buttons.push_back({TextIn(button.label(), picture.language), button.url()});
  }
  picture.needs_a_person = AsksForAPerson(letter);
  if (picture.needs_a_person && letter.type != "human_help") {
    picture.notes.push_back(Say({"👤 需要人工处理", "👤 A person is needed"}, picture.language));
  }
  for (std::string& note : NotesOf(mailing, picture.language))
    picture.notes.push_back(std::move(note));
  return picture;
}

}  // namespace opsmesh::notify
