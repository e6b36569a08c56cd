// The planner's own sentences, from lexicon/answers.yaml. Immutable, thread-safe.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "libs/text/language.h"

namespace opsmesh::llm {

using Slots = std::initializer_list<std::pair<std::string_view, std::string>>;

/// Sentence `id` in `language` with {slots} filled in; Traditional is made from Simplified. An
/// unknown id is a bug of ours and yields the id itself (a test reads every id used).
std::string Say(std::string_view id, text::Language language, Slots slots = {});

/// `zh` or `en` as `language` wants it; Traditional is made from Simplified.
std::string InLanguage(std::string_view zh, std::string_view en, text::Language language);

/// Kind as people say it: "Pod", "部署"; "" gives the word for object.
std::string KindWord(std::string_view kind, text::Language language);

/// True when lexicon/answers.yaml has `id` in both languages.
bool HasSentence(std::string_view id);

}  // namespace opsmesh::llm
