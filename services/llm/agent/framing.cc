#include "services/llm/agent/framing.h"

#include "fmt/format.h"
#include "libs/base/strings.h"
#include "libs/text/unicode.h"

namespace opsmesh::llm {
namespace {

bool IsHidden(char32_t c) {
  if (c == U'\t' || c == U'\n') return false;
  if (c < 0x20 || (c >= 0x7F && c < 0xA0)) return true;
  if (c == 0xAD || c == 0x61C || c == 0xFEFF) return true;
  if (c >= 0x200B && c <= 0x200F) return true;  // zero width, marks of direction
  if (c >= 0x202A && c <= 0x202E) return true;  // embeddings and overrides of direction
  if (c >= 0x2060 && c <= 0x206F) return true;  // invisible operators, isolates
  return c >= 0xE0000 && c <= 0xE007F;          // tags
}

bool MayHide(std::string_view text) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\n' && c != '\t') || byte >= 0x7F) return true;
  }
  return false;
}

}  // namespace

std::string VisibleText(std::string_view text) {
  if (!MayHide(text)) return std::string(text);
  std::string visible;
  visible.reserve(text.size());
  for (const char32_t c : text::DecodeUtf8(text)) {
    if (!IsHidden(c)) text::AppendUtf8(c, &visible);
  }
  return visible;
}

Frame::Frame(base::IdSource& ids) : nonce_(fmt::format("{:016x}", ids.Random())) {}

std::string Frame::Wrap(std::string_view source, std::string_view text) const {
  const std::string clean = base::ReplaceAll(VisibleText(text), nonce_, "");
  return fmt::format("<<data {0}\nsource: {1}\n{2}\ndata {0}>>", nonce_, source, clean);
}

}  // namespace opsmesh::llm
