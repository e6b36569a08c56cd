// What a message shows, in one language, before a platform lays it out.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libs/text/language.h"
#include "services/notify/letter.h"

namespace opsmesh::notify {

struct PictureButton {
  std::string label;
  std::string url;  // "" = it can only be shown where the platform calls back
};

struct Picture {
  text::Language language = text::Language::kSimplified;
  std::string severity;                                    // word: "严重", "Critical"
  std::string mark;                                        // one coloured circle
  std::string title;                                       // one line, without the severity
  std::string text;                                        // Markdown
  std::vector<std::pair<std::string, std::string>> facts;  // plain
  std::vector<std::string> notes;  // plain, one line each: time, namespace, folding
  std::vector<PictureButton> buttons;
  bool needs_a_person = false;

  bool chinese() const { return text::IsChinese(language); }
};

/// The language is that of the letter, else the channel's, else that of a text that exists in one
/// language only, else `fallback`.
Picture Draw(const Mailing& mailing, std::string_view channel_language, text::Language fallback);

/// True when a notice asks for a person by its type or by its words, in Chinese or English.
bool AsksForAPerson(const Letter& letter);

/// `text` in `language`; the other language's when that is all there is.
std::string TextIn(const type::v1::Text& text, text::Language language);

}  // namespace opsmesh::notify
