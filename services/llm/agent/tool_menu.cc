#include "services/llm/agent/tool_menu.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <set>
#include <utility>

#include "embed/opsmesh_services_llm_agent.h"
#include "libs/base/json.h"
#include "libs/base/strings.h"
#include "libs/text/tokenizer.h"
#include "libs/text/unicode.h"
#include "nlohmann/json.hpp"
#include "yaml-cpp/yaml.h"

namespace opsmesh::llm {
namespace {

using nlohmann::json;

struct MenuData {
  std::vector<std::string> core;
  std::set<std::string, std::less<>> twins;
};

const MenuData& Data() {
  static const MenuData* const kData = [] {
    auto* data = new MenuData;
    try {
      const YAML::Node root =
          YAML::Load(std::string(embedded_agent::EmbeddedFile("agent/menu.yaml")));
      data->core = root["core"].as<std::vector<std::string>>();
      for (const auto& twin : root["twins"].as<std::vector<std::string>>())
        data->twins.insert(twin);
    } catch (const YAML::Exception& error) {
      std::fprintf(stderr, "agent/menu.yaml: %s\n", error.what());
      std::abort();  // our own data, checked when built
    }
    return data;
  }();
  return *kData;
}

// What of the question may name a subject: Latin words without a plural s, and pairs of Han
// characters.
struct Words {
  std::vector<std::string> latin;
  std::vector<std::string> han;
};

Words WordsOf(std::string_view question) {
  Words words;
  for (const text::Token& token : text::Tokenize(question)) {
    if (token.kind == text::Token::Kind::kWord) {
      for (const std::string_view part : base::Split(token.norm, '-')) {
        std::string word(part);
        if (word.size() > 3 && word.ends_with('s')) word.pop_back();
        if (word.size() >= 3) words.latin.push_back(std::move(word));
      }
    } else if (token.kind == text::Token::Kind::kHan) {
      const std::u32string run = text::DecodeUtf8(token.norm);
      for (size_t i = 0; i + 1 < run.size(); ++i)
        words.han.push_back(text::EncodeUtf8(run.substr(i, 2)));
    }
  }
  return words;
}

int Score(const k8s::v1::Tool& tool, const Words& words) {
  const std::string description = base::AsciiLower(tool.description().en());
  int score = 0;
  for (const std::string& word : words.latin) {
    if (tool.name().find(word) != std::string::npos) score += 3;
    if (description.find(word) != std::string::npos) score += 2;
  }
  for (const std::string& pair : words.han) {
    if (tool.description().zh().find(pair) != std::string::npos) score += 3;
  }
  return score;
}

std::string OneLanguage(const std::string& description, text::Language language) {
  const size_t cut = description.find(" / ");
  if (cut == std::string::npos) return description;
  return text::IsChinese(language) ? description.substr(cut + 3) : description.substr(0, cut);
}

void Compact(json* schema, text::Language language) {
  if (!schema->is_object()) return;
  for (const char* key : {"$schema", "pattern", "minLength", "maxLength", "default"})
    schema->erase(key);
  if (const auto it = schema->find("description"); it != schema->end() && it->is_string()) {
    *it = OneLanguage(it->get<std::string>(), language);
  }
  if (const auto it = schema->find("properties"); it != schema->end() && it->is_object()) {
    for (auto& [name, member] : it->items()) Compact(&member, language);
  }
  if (const auto it = schema->find("items"); it != schema->end()) Compact(&*it, language);
  if (const auto it = schema->find("required"); it != schema->end() && it->empty())
    schema->erase(it);
}

}  // namespace

std::string CompactSchema(std::string_view schema, text::Language language) {
  auto parsed = base::ParseJson(schema);
  if (!parsed.ok() || !parsed->is_object()) return R"({"type":"object","properties":{}})";
  Compact(&*parsed, language);
  return base::DumpJson(*parsed);
}

const k8s::v1::Tool& DiagnoseTool() {
  static const k8s::v1::Tool* const kTool = [] {
    auto* tool = new k8s::v1::Tool;
    tool->set_name(std::string(kDiagnoseTool));
    tool->set_group("diagnostics");
    tool->mutable_description()->set_en(
        "Finds what is wrong by rules, worst first, with cause, evidence and next step: in one "
        "namespace or the cluster");
    tool->mutable_description()->set_zh(
        "按规则诊断命名空间或整个集群：故障、原因、证据与下一步，按严重程度排列");
    tool->mutable_parameters()->set_raw(
        R"({"type":"object","properties":{"namespace":{"type":"string","description":"Namespace; absent = the whole cluster)"
        R"( / 命名空间；省略表示整个集群","pattern":"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$","maxLength":63}},"additionalProperties":false})");
    tool->set_risk(k8s::v1::RISK_CLASS_READ);
    tool->set_available(true);
    return tool;
  }();
  return *kTool;
}

ToolMenu::ToolMenu(k8s::v1::ListToolsResponse tools) {
  tools_.push_back(DiagnoseTool());
  for (k8s::v1::Tool& tool : *tools.mutable_tools()) {
    if (tool.name() != kDiagnoseTool) tools_.push_back(std::move(tool));
  }
}

bool ToolMenu::MayRun(const k8s::v1::Tool& tool) {
  return tool.available() && tool.risk() == k8s::v1::RISK_CLASS_READ;
}

const k8s::v1::Tool* ToolMenu::Find(std::string_view name) const {
  for (const k8s::v1::Tool& tool : tools_) {
    if (tool.name() == name) return &tool;
    for (const std::string& alias : tool.aliases()) {
      if (alias == name) return &tool;
    }
  }
  return nullptr;
}

std::string ToolMenu::Nearest(std::string_view name) const {
  std::vector<std::string> names;
  for (const k8s::v1::Tool& tool : tools_) {
    if (MayRun(tool)) names.push_back(tool.name());
  }
  return std::string(base::Nearest(name, names));
}

std::vector<llm_provider::ToolSchema> ToolMenu::Choose(std::string_view question,
                                                       const std::vector<std::string>& suggested,
                                                       text::Language language, size_t most) const {
  const Words words = WordsOf(question);
  std::vector<std::pair<int, const k8s::v1::Tool*>> ranked;
  for (const k8s::v1::Tool& tool : tools_) {
    if (!MayRun(tool)) continue;
    const bool wanted = std::count(suggested.begin(), suggested.end(), tool.name()) > 0;
    if (!wanted && Data().twins.contains(tool.name())) continue;
    const auto core = std::find(Data().core.begin(), Data().core.end(), tool.name());
    int score = Score(tool, words);
    if (core != Data().core.end()) score += 1000 - static_cast<int>(core - Data().core.begin());
    if (wanted) score += 2000;
    ranked.emplace_back(score, &tool);
  }
  std::stable_sort(ranked.begin(), ranked.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  if (ranked.size() > most) ranked.resize(most);
  std::vector<llm_provider::ToolSchema> chosen;
  for (const auto& [score, tool] : ranked) {
    const bool chinese = text::IsChinese(language);
    const std::string& description = chinese ? tool->description().zh() : tool->description().en();
    chosen.push_back(
        {tool->name(), description, CompactSchema(tool->parameters().raw(), language)});
  }
  return chosen;
}

}  // namespace opsmesh::llm
