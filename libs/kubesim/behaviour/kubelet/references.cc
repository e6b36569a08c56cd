#include "libs/kubesim/behaviour/kubelet/references.h"

namespace opsmesh::kubesim {
namespace {

constexpr size_t kLongest = 1 << 20;  // values can be multiplied: no more than a server takes

}  // namespace

std::string ExpandReferences(std::string_view text,
                             const std::map<std::string, std::string>& variables) {
  std::string out;
  for (size_t i = 0; i < text.size() && out.size() < kLongest; ++i) {
    if (text[i] != '$' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    const size_t end = text[i + 1] == '(' ? text.find(')', i) : std::string_view::npos;
    if (end != std::string_view::npos) {
      const auto known = variables.find(std::string(text.substr(i + 2, end - i - 2)));
      out += known == variables.end() ? text.substr(i, end - i + 1) : known->second;
      i = end;
      continue;
    }
    out += '$';
    if (text[i + 1] == '$') ++i;
  }
  return out;
}

}  // namespace opsmesh::kubesim
