#include "libs/llm_provider/selection.h"

#include <map>
#include <string>

#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/config/source.h"

namespace opsmesh::llm_provider {
namespace {

using Environment = std::map<std::string, std::string>;

absl::StatusOr<Selection> Chosen(Environment environment, std::string_view yaml = "") {
  const auto source = config::Source::FromYaml(yaml, "test.yaml", std::move(environment));
  if (!source.ok()) return source.status();
  config::Reader reader(*source, "llm");
  const Choice choice = ReadChoice(reader, Catalog::Embedded());
  const absl::Status problems = reader.Finish();
  if (!problems.ok()) return problems;
  return Select(Catalog::Embedded(), choice);
}

// "deepseek:deepseek-chat@https://api.deepseek.com/v1 qwen:..."
std::string Chain(const Environment& environment, std::string_view yaml = "") {
  const auto selection = Chosen(environment, yaml);
  if (!selection.ok())
    return base::DetailOf(selection.status()).reason + ": " +
           std::string(selection.status().message());
  std::string text;
  for (const ProviderSettings& settings : selection->chain) {
    text +=
        (text.empty() ? "" : " ") + settings.name + ":" + settings.model + "@" + settings.base_url;
  }
  if (!selection->unusable.ok()) text += "!" + std::string(selection->unusable.message());
  return text;
}

TEST(SelectionTest, WithoutAnyKeyThereIsNoLlm) { EXPECT_EQ(Chain({}), ""); }

TEST(SelectionTest, TheFirstProviderWithAKeyIsUsedAndTheOthersStandBehindIt) {
  EXPECT_EQ(Chain({{"QWEN_API_KEY", "q"}}),
            "qwen:qwen-plus@https://dashscope.aliyuncs.com/compatible-mode/v1");
  EXPECT_EQ(Chain({{"VOLCES_API_KEY", "v"}, {"DEEPSEEK_API_KEY", "d"}}),
            "deepseek:deepseek-chat@https://api.deepseek.com/v1 "
            "doubao:doubao-pro-32k@https://ark.cn-beijing.volces.com/api/v3");
}

TEST(SelectionTest, AnExplicitProviderWinsOverOthersWithKeys) {
  EXPECT_EQ(
      Chain({{"LLM_PROVIDER", "dashscope"}, {"DEEPSEEK_API_KEY", "d"}, {"DASHSCOPE_API_KEY", "q"}}),
      "qwen:qwen-plus@https://dashscope.aliyuncs.com/compatible-mode/v1 "
      "deepseek:deepseek-chat@https://api.deepseek.com/v1");
  EXPECT_EQ(Chain({{"LLM_PROVIDER", "deterministic"}, {"DEEPSEEK_API_KEY", "d"}}), "");
}

TEST(SelectionTest, AModelAloneFindsItsProvider) {
  const std::string qwen = "@https://dashscope.aliyuncs.com/compatible-mode/v1";
  EXPECT_EQ(Chain({{"LLM_MODEL", "qwen-turbo"}, {"QWEN_API_KEY", "q"}}), "qwen:qwen-turbo" + qwen);
  EXPECT_EQ(Chain({{"LLM_MODEL", "fast"}, {"QWEN_API_KEY", "q"}}), "qwen:qwen-turbo" + qwen);
  EXPECT_EQ(Chain({{"LLM_MODEL", "qwen2.5-coder-32b"}, {"QWEN_API_KEY", "q"}}),
            "qwen:qwen2.5-coder-32b" + qwen);
  EXPECT_EQ(Chain({{"LLM_MODEL", "qwen2.5:3b"}}), "ollama:qwen2.5:3b@http://127.0.0.1:11434/v1");
  EXPECT_EQ(Chain({{"LLM_MODEL", "ep-20250101-abc"}, {"LLM_API_KEY", "k"}}),
            "doubao:ep-20250101-abc@https://ark.cn-beijing.volces.com/api/v3");
  EXPECT_EQ(Chain({{"LLM_MODEL", "no-such-thing"}}),
            "!model not found: no known provider has a model 'no-such-thing'.");
}

TEST(SelectionTest, AMissingKeyIsSaidInTheDocumentedWords) {
  const auto selection = Chosen({{"LLM_PROVIDER", "deepseek"}, {"QWEN_API_KEY", "q"}});
  ASSERT_TRUE(selection.ok());
  EXPECT_EQ(selection->chain.at(0).name, "qwen");
  EXPECT_NE(selection->unusable.message().find("API key not found"), absl::string_view::npos);
  EXPECT_EQ(base::DetailOf(selection->unusable).hint,
            "Set DEEPSEEK_API_KEY or LLM_API_KEY to a key of deepseek.");
}

TEST(SelectionTest, TheDocumentedWaysToNameAServerOfOnesOwnWork) {
  EXPECT_EQ(Chain({{"LLM_BASE_URL", "vllm://10.0.0.5:8000"}, {"LLM_MODEL", "my-model"}}),
            "vllm:my-model@http://10.0.0.5:8000/v1");
  EXPECT_EQ(
      Chain({{"LLM_PROVIDER", "vllm"}, {"LLM_BASE_URL", "http://gpu:8000/"}, {"LLM_MODEL", "m"}}),
      "vllm:m@http://gpu:8000/v1");
  EXPECT_EQ(
      Chain({{"LLM_PROVIDER", "openai"},
             {"LLM_MODEL", "qwen2.5:3b"},
             {"LLM_API_KEY", "k"},
             {"LLM_BASE_URL", "http://127.0.0.1:11434/v1"},
             {"OLLAMA_MODEL", "qwen2.5:3b"},
             {"OLLAMA_BASE_URL", "http://127.0.0.1:11434"}}),
      "openai:qwen2.5:3b@http://127.0.0.1:11434/v1 ollama:qwen2.5:3b@http://127.0.0.1:11434/v1");
  EXPECT_EQ(Chain({{"LLM_PROVIDER", "ollama"},
                   {"OLLAMA_MODEL", "llama3"},
                   {"LLM_MODEL", "gpt-4o"},
                   {"LLM_API_KEY", "k"},
                   {"LLM_BASE_URL", "https://api.example.com/v1"}}),
            "ollama:llama3@https://api.example.com/v1 openai:gpt-4o@https://api.example.com/v1");
  EXPECT_EQ(Chain({{"LLM_API_KEY", "k"}}), "openai:gpt-3.5-turbo@https://api.openai.com/v1");
  EXPECT_EQ(Chain({{"OPENAI_API_KEY", "k"},
                   {"OPENAI_API_BASE", "https://gateway.corp/openai/v1/chat/completions"}}),
            "openai:gpt-3.5-turbo@https://gateway.corp/openai/v1");
  EXPECT_EQ(Chain({{"AZURE_OPENAI_API_KEY", "k"},
                   {"AZURE_OPENAI_ENDPOINT", "https://res.openai.azure.com/"},
                   {"AZURE_OPENAI_DEPLOYMENT", "gpt4"}}),
            "azopenai:gpt4@https://res.openai.azure.com");
}

TEST(SelectionTest, TheUserFileOfTheDocumentsIsRead) {
  EXPECT_EQ(Chain({{"DEEPSEEK_API_KEY", "d"}, {"QWEN_API_KEY", "q"}},
                  "llm-provider: qwen\nmodel: qwen-max\n"),
            "qwen:qwen-max@https://dashscope.aliyuncs.com/compatible-mode/v1 "
            "deepseek:deepseek-chat@https://api.deepseek.com/v1");
}

TEST(SelectionTest, ProvidersOfOnesOwnAreData) {
  constexpr std::string_view kYaml = R"(
llm:
  provider: corp
  fallback: [qwen]
  providers:
    corp:
      base_url: https://llm.corp.example/v2
      api_key: secret-key
      model: corp-large
      headers: ["X-Team: sre"]
      extra_body: '{"top_p":0.9}'
)";
  const auto selection = Chosen({{"QWEN_API_KEY", "q"}, {"DEEPSEEK_API_KEY", "d"}}, kYaml);
  ASSERT_TRUE(selection.ok()) << selection.status();
  ASSERT_EQ(selection->chain.size(), 2u);
  EXPECT_EQ(selection->chain[0].base_url, "https://llm.corp.example/v2");
  EXPECT_EQ(selection->chain[0].headers.at(0).second, "sre");
  EXPECT_EQ(selection->chain[0].api_key.Reveal(), "secret-key");
  EXPECT_EQ(selection->chain[1].name, "qwen");
}

TEST(SelectionTest, AnUnknownProviderIsAProblemWithASuggestion) {
  const auto selection = Chosen({{"LLM_PROVIDER", "deepsek"}});
  EXPECT_EQ(base::DetailOf(selection.status()).reason, "UNKNOWN_PROVIDER");
  EXPECT_EQ(base::DetailOf(selection.status()).hint, "Did you mean 'deepseek'?");
  EXPECT_EQ(base::DetailOf(Chosen({{"LLM_BASE_URL", "ftp://x"}}).status()).reason, "LLM_BASE_URL");
}

TEST(SelectionTest, RetiredNamesAreTranslatedOnTheProvidersOwnHostOnly) {
  const auto own = Chosen({{"DEEPSEEK_API_KEY", "d"}});
  EXPECT_EQ(own->chain.at(0).wire_model, "deepseek-v4-flash");
  EXPECT_EQ(own->chain.at(0).extra_body, R"({"thinking":{"type":"disabled"}})");
  const auto proxied =
      Chosen({{"DEEPSEEK_API_KEY", "d"}, {"DEEPSEEK_BASE_URL", "http://127.0.0.1:9/v1"}});
  EXPECT_EQ(proxied->chain.at(0).wire_model, "");
  EXPECT_EQ(proxied->chain.at(0).extra_body, "");
}

TEST(SelectionTest, ProxiesAreUsedByTheirSchemeAndNeverForThisMachine) {
  const Environment proxies = {{"HTTPS_PROXY", "http://proxy:3128"},
                               {"NO_PROXY", "corp.example"},
                               {"DEEPSEEK_API_KEY", "d"},
                               {"OLLAMA_BASE_URL", "http://localhost:11434"},
                               {"LLM_SKIP_VERIFY_SSL", "true"}};
  const auto selection = Chosen(proxies);
  ASSERT_EQ(selection->chain.size(), 2u);
  EXPECT_EQ(selection->chain[0].proxy_url, "http://proxy:3128");
  EXPECT_EQ(selection->chain[0].no_proxy, "corp.example");
  EXPECT_TRUE(selection->chain[0].skip_tls_verify);
  EXPECT_EQ(selection->chain[1].proxy_url, "");
}

TEST(SelectionTest, ThinkingModelsOfOpenAiGetNoTemperature) {
  const auto selection = Chosen({{"OPENAI_API_KEY", "k"}, {"LLM_MODEL", "o3-mini"}});
  EXPECT_FALSE(selection->chain.at(0).dialect.temperature);
  EXPECT_TRUE(selection->chain.at(0).dialect.completion_tokens);
}

TEST(SelectionTest, EveryProviderIsListedWithWhatItLacks) {
  const auto selection = Chosen({{"QWEN_API_KEY", "q"}});
  bool deepseek = false;
  for (const Listed& listed : selection->listed) {
    if (listed.name == "qwen") {
      EXPECT_TRUE(listed.configured);
    }
    if (listed.name != "deepseek") continue;
    deepseek = true;
    EXPECT_FALSE(listed.configured);
    EXPECT_NE(listed.message.find("API key not found"), std::string::npos);
  }
  EXPECT_TRUE(deepseek);
}

TEST(CatalogTest, EveryRouteNamesAModelWithAProvider) {
  for (const auto& [route, model] : Catalog::Embedded().routes()) {
    EXPECT_NE(Catalog::Embedded().OfModel(model), nullptr) << route;
  }
  EXPECT_EQ(Catalog::Embedded().Find("智谱AI")->name, "zhipu");
  EXPECT_EQ(Catalog::Embedded().Find("volces")->name, "doubao");
  EXPECT_FALSE(Catalog::Load("providers: [{base_url: x}]").ok());
  EXPECT_FALSE(Catalog::Load("providers: [").ok());
}

}  // namespace
}  // namespace opsmesh::llm_provider
