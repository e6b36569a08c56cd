#include "services/llm/planner/answers.h"

#include <yaml-cpp/yaml.h>

#include <cstdio>
#include <cstdlib>
#include <map>

#include "embed/opsmesh_services_llm_planner.h"
#include "libs/base/strings.h"
#include "libs/text/variants.h"

namespace opsmesh::llm {
namespace {

using Sentences = std::map<std::string, std::pair<std::string, std::string>, std::less<>>;

const Sentences& All() {
  static const Sentences* const sentences = [] {
    auto* made = new Sentences;
    try {
      const YAML::Node root =
          YAML::Load(std::string(embedded::EmbeddedFile("lexicon/answers.yaml")));
      for (const auto& entry : root) {
        // Block texts end with a line break of YAML's; sentences do not.
        const auto text = [&](const char* language) {
          std::string value = entry.second[language].as<std::string>("");
          while (value.ends_with('\n')) value.pop_back();
          return value;
        };
        (*made)[entry.first.as<std::string>()] = {text("zh"), text("en")};
      }
    } catch (const YAML::Exception& error) {
      std::fprintf(stderr, "lexicon/answers.yaml: %s\n", error.what());
      std::abort();  // our own data, checked when built
    }
    return made;
  }();
  return *sentences;
}

}  // namespace

bool HasSentence(std::string_view id) {
  const auto found = All().find(id);
  return found != All().end() && !found->second.first.empty() && !found->second.second.empty();
}

std::string InLanguage(std::string_view zh, std::string_view en, text::Language language) {
  if (language == text::Language::kEnglish) return std::string(en.empty() ? zh : en);
  const std::string_view chosen = zh.empty() ? en : zh;
  return language == text::Language::kTraditional ? text::ToTraditional(chosen)
                                                  : std::string(chosen);
}

std::string Say(std::string_view id, text::Language language, Slots slots) {
  const auto found = All().find(id);
  if (found == All().end()) return std::string(id);
  // Slots go in after the conversion of script: names stay as they are.
  std::string out = InLanguage(found->second.first, found->second.second, language);
  for (const auto& [name, value] : slots) {
    out = base::ReplaceAll(out, "{" + std::string(name) + "}", value);
  }
  return out;
}

std::string KindWord(std::string_view kind, text::Language language) {
  static const std::map<std::string_view, std::pair<std::string_view, std::string_view>> kWords = {
      {"Namespace", {"命名空间", "namespace"}},
      {"Node", {"节点", "node"}},
      {"Workload", {"应用", "app"}},
      {"Pod", {" Pod", "pod"}},
      {"Deployment", {" Deployment", "deployment"}},
      {"Service", {"服务", "service"}},
      {"Container", {"容器", "container"}}};
  const auto found = kWords.find(kind);
  if (found != kWords.end()) return InLanguage(found->second.first, found->second.second, language);
  if (kind.empty() || kind == "All" || kind == "Cluster") return Say("object_word", language);
  return language == text::Language::kEnglish ? std::string(kind) : " " + std::string(kind);
}

}  // namespace opsmesh::llm
