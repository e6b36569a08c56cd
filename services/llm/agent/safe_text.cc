#include "services/llm/agent/safe_text.h"

#include <utility>

#include "libs/base/strings.h"
#include "services/llm/agent/framing.h"

namespace opsmesh::llm {

std::string SafeText::Push(std::string_view piece) {
  held_ += VisibleText(piece);
  // A "!" at the end may begin an image.
  const size_t ready = held_.ends_with('!') ? held_.size() - 1 : held_.size();
  const std::string out = held_.substr(0, ready);
  held_.erase(0, ready);
  return base::ReplaceAll(out, "![", "[");
}

std::string SafeText::Finish() { return std::exchange(held_, {}); }

}  // namespace opsmesh::llm
