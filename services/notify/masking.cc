#include "services/notify/masking.h"

#include <cstdint>
#include <utility>

#include "fmt/core.h"
#include "libs/text/unicode.h"

namespace opsmesh::notify {
namespace {

/// Control and direction characters, with which text can be made to look like another, as their
/// code points.
std::string Visible(const std::string& text) {
  std::string out;
  for (const char32_t c : text::DecodeUtf8(text)) {
    const bool control = (c < 0x20 && c != '\n' && c != '\t') || (c >= 0x7f && c < 0xa0);
    const bool direction =
        (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0x200e || c == 0x200f;
    if (c == '\r') continue;
    if (control || direction) {
      out += fmt::format("[U+{:04X}]", static_cast<uint32_t>(c));
    } else {
      text::AppendUtf8(c, &out);
    }
  }
  return out;
}

}  // namespace

std::string Masking::Mask(const std::string& text) const {
  redact::Redacted masked = redactor_.RedactAndCount(Visible(text));
  for (const auto& [kind, count] : masked.counts) {
    metrics_
        .AddCounter({.name = "opsmesh_redactions_total",
                     .help = "Secrets masked before text left, by kind.",
                     .labels = {"kind"}})
        .With({kind})
        .Increment(count);
  }
  return std::move(masked.text);
}

type::v1::Text Masking::Mask(const type::v1::Text& text) const {
  type::v1::Text masked;
  if (!text.zh().empty()) masked.set_zh(Mask(text.zh()));
  if (!text.en().empty()) masked.set_en(text.en() == text.zh() ? masked.zh() : Mask(text.en()));
  return masked;
}

v1::Content Masking::Mask(const v1::Content& content) const {
  v1::Content masked =
      content;  // addresses of buttons stay: they are ours and carry one-time tokens on purpose
  *masked.mutable_title() = Mask(content.title());
  *masked.mutable_text() = Mask(content.text());
  for (type::v1::Fact& fact : *masked.mutable_facts()) {
    // The name of a fact is part of what tells a secret: "password: x".
    const std::string line = Mask(fact.key() + ": " + fact.value());
    const size_t colon = line.find(": ");
    const bool name_kept = colon != std::string::npos && line.substr(0, colon) == fact.key();
    fact.set_value(name_kept ? line.substr(colon + 2) : Mask(fact.value()));
  }
  for (v1::Button& button : *masked.mutable_buttons())
    *button.mutable_label() = Mask(button.label());
  return masked;
}

}  // namespace opsmesh::notify
