#include <cstdio>
#include <filesystem>
#include <fstream>

#include "fmt/format.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "libs/config/reader.h"
#include "libs/config/source.h"

namespace opsmesh::config {
namespace {

class Files : public ::testing::Test {
 protected:
  Files() {
    std::string name = (std::filesystem::temp_directory_path() / "opsmesh-config-XXXXXX").string();
    folder_ = mkdtemp(name.data());
  }
  ~Files() override { std::filesystem::remove_all(folder_); }
  std::string Write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ + "/" + name) << text;
    return folder_ + "/" + name;
  }
  std::string folder_;
};

std::string Text(const absl::Status& status) { return std::string(status.message()); }
std::string Message(const absl::StatusOr<Source>& source) { return Text(source.status()); }

Source Yaml(std::string_view yaml, std::map<std::string, std::string> environment = {}) {
  auto source = Source::FromYaml(yaml, "test.yaml", std::move(environment));
  EXPECT_TRUE(source.ok()) << source.status();
  return source.ok() ? *source : Source::Empty();
}

TEST_F(Files, AreStrongestFirstFlagsEnvironmentDotenvUserEnvironmentFileDefaultFileCode) {
  SourceOptions options;
  options.default_file =
      Write("config.yaml", "llm: {a: file, b: file, c: file, d: file, e: file, f: file}");
  options.environment_file =
      Write("config.production.yaml", "llm: {a: prod, b: prod, c: prod, d: prod, e: prod}");
  options.user_file = Write("user.yaml", "llm: {a: user, b: user, c: user, d: user}");
  options.dotenv_path = Write(".env",
                              "OPSMESH_LLM_A=dotenv\nexport OPSMESH_LLM_B='dotenv'\n# "
                              "remark\nOPSMESH_LLM_C=dotenv # remark\n");
  options.environment = {{"OPSMESH_LLM_A", "env"}, {"OPSMESH_LLM_B", "env"}};
  options.flags = {{"llm.a", "flag"}};
  const auto source = Source::Load(options);
  ASSERT_TRUE(source.ok()) << source.status();
  Reader r(*source, "llm");
  EXPECT_EQ(r.String("a", "code"), "flag");
  EXPECT_EQ(r.String("b", "code"), "env");
  EXPECT_EQ(r.String("c", "code"), "dotenv");
  EXPECT_EQ(r.String("d", "code"), "user");
  EXPECT_EQ(r.String("e", "code"), "prod");
  EXPECT_EQ(r.String("f", "code"), "file");
  EXPECT_EQ(r.String("g", "code"), "code");
  EXPECT_TRUE(r.Finish().ok());

  std::map<std::string, std::string> origins;
  for (const Effective& value : source->EffectiveValues()) origins[value.key] = value.origin;
  EXPECT_EQ(origins["llm.a"], "flag llm.a");
  EXPECT_EQ(origins["llm.b"], "env OPSMESH_LLM_B");
  EXPECT_EQ(origins["llm.c"], folder_ + "/.env:4");
  EXPECT_EQ(origins["llm.f"], folder_ + "/config.yaml:1");
  EXPECT_EQ(origins["llm.g"], "default");
}

TEST_F(Files, NamedByTheUserMustExist) {
  SourceOptions options;
  options.explicit_file = folder_ + "/none.yaml";
  EXPECT_NE(Message(Source::Load(options)).find("none.yaml: the file cannot be read"),
            std::string::npos);
}

TEST_F(Files, GiveSecretsByReference) {
  const std::string path = Write("key", "s3cret\n");
  const Source source = Yaml("llm: {api_key: '${file:" + path +
                                 "}', url: 'http://${HOST:-localhost}/$$x', model: '${MODEL}'}",
                             {{"MODEL", "qwen"}});
  Reader r(source, "llm");
  EXPECT_EQ(r.Secret("api_key").Reveal(), "s3cret");
  EXPECT_EQ(r.String("url", ""), "http://localhost/$x");
  EXPECT_EQ(r.String("model", ""), "qwen");
  EXPECT_EQ(source.SecretValues(), std::vector<std::string>{"s3cret"});
}

TEST(Source, NamesAVariableThatIsNotSetWithItsPlace) {
  EXPECT_EQ(Message(Source::FromYaml("llm:\n  key: ${NO_SUCH}\n", "c.yaml")),
            "c.yaml:2: the environment variable NO_SUCH is not set");
}

TEST(Source, RefusesWhatIsNoConfiguration) {
  EXPECT_NE(Message(Source::FromYaml("a: [1, 2", "c.yaml")).find("c.yaml:1:"), std::string::npos);
  EXPECT_EQ(Message(Source::FromYaml("- a\n", "c.yaml")),
            "c.yaml:1: a configuration is a map of sections");
  EXPECT_EQ(Message(Source::FromYaml("a: 1\na: 2\n", "c.yaml")), "c.yaml:2: 'a' is given twice");
  EXPECT_NE(Message(Source::FromYaml(std::string((1 << 20) + 1, '#'), "c.yaml"))
                .find("larger than 1 MiB"),
            std::string::npos);
  EXPECT_NE(Message(Source::FromYaml("a: \xff", "c.yaml")).find("not UTF-8"), std::string::npos);
}

TEST(Source, StopsAliasesThatMultiply) {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 9; ++i) {
    bomb += fmt::format(
        "a{0}: &a{0} [*a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}]\n", i,
        i - 1);
  }
  EXPECT_NE(Message(Source::FromYaml(bomb, "c.yaml")).find("more than 100000 values"),
            std::string::npos);
}

TEST(Source, StopsEndlessNesting) {
  const std::string deep = "a: " + std::string(200, '[') + std::string(200, ']');
  EXPECT_NE(Message(Source::FromYaml(deep, "c.yaml")).find("nested deeper than 64 levels"),
            std::string::npos);
}

TEST(Source, NamesUnknownSections) {
  const Source source = Yaml("lml: {a: 1}\nlog: {}\n");
  EXPECT_EQ(Text(source.CheckTopLevel({"llm", "log"})),
            "test.yaml:1: unknown section 'lml'; did you mean 'llm'?");
}

TEST(Reader, TellsEveryProblemAtOnceWithItsPlace) {
  const Source source = Yaml(R"(llm:
  timeout: 20
  tries: many
  tempature: 0.3
  mode: turbo
  size: 10 parsecs
)",
                             {{"OPSMESH_LLM_TRISE", "3"}});
  Reader r(source, "llm");
  r.Duration("timeout", absl::Seconds(1));
  r.Int("tries", 3, {.min = 1, .max = 9});
  r.Double("temperature", 0.2);
  r.String("mode", "fast", {.one_of = {"fast", "slow"}});
  r.Bytes("size", 10);
  r.Secret("api_key", {.env = {"LLM_API_KEY"}, .required = true});
  const std::string text = Text(r.Finish());
  for (const char* line :
       {"test.yaml:2: llm.timeout: '20' is not a duration of at least 0 with its unit",
        "test.yaml:3: llm.tries: 'many' is not a whole number from 1 to 9",
        "test.yaml:4: llm.tempature: unknown key; did you mean 'temperature'?",
        "test.yaml:5: llm.mode: 'turbo' is not one of fast, slow",
        "test.yaml:6: llm.size: '10 parsecs' is not a size",
        "llm.api_key: required, and not set (or the variable LLM_API_KEY)",
        "environment: unknown variable OPSMESH_LLM_TRISE; did you mean OPSMESH_LLM_TRIES?"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << "\nin\n" << text;
  }
  EXPECT_EQ(base::DetailOf(r.Finish()).reason, "CONFIG");
}

TEST(Reader, TakesKebabCamelAndSnakeForTheSameKey) {
  for (const char* yaml : {"llm: {max-iterations: 7}", "llm: {maxIterations: 7}",
                           "llm: {max_iterations: 7}", "LLM: {MAX_ITERATIONS: 7}"}) {
    const Source source = Yaml(yaml);
    Reader r(source, "llm");
    EXPECT_EQ(r.Int("max_iterations", 1), 7) << yaml;
    EXPECT_TRUE(r.Finish().ok()) << yaml;
  }
  EXPECT_EQ(NormalizeKey("userID"), "user_id");
  EXPECT_EQ(NormalizeKey("HTTPServer"), "http_server");
}

TEST(Reader, ReadsOlderNamesAfterTheOwnOne) {
  const Source source = Yaml("llm-provider: qwen\nllm: {}\n", {{"LLM_MODEL", "m"}});
  Reader r(source, "llm");
  EXPECT_EQ(r.String("provider", "none", {.aliases = {"llm_provider"}}), "qwen");
  EXPECT_EQ(r.String("model", "none", {.env = {"LLM_MODEL"}}), "m");
  EXPECT_TRUE(r.Finish().ok());
  EXPECT_TRUE(source.CheckTopLevel({"llm"}).ok()) << "llm-provider was asked for";
}

TEST(Reader, TreatsAnEmptyVariableAsNotSet) {
  const Source source = Yaml("llm: {model: m}", {{"LLM_MODEL", ""}});
  Reader r(source, "llm");
  EXPECT_EQ(r.String("model", "none", {.env = {"LLM_MODEL"}}), "m");
}

TEST(Reader, ReadsListsAndMapsOfSections) {
  const Source source = Yaml(R"(notify:
  channels:
    - {name: ops, url: http://a}
    - {name: dev, ulr: http://b}
  routes:
    team-A: {to: ops}
    team_b: {to: dev}
)");
  Reader r(source, "notify");
  std::vector<std::string> names;
  for (Reader& channel : r.List("channels")) {
    names.push_back(channel.String("name", ""));
    channel.String("url", "");
  }
  EXPECT_EQ(names, (std::vector<std::string>{"ops", "dev"}));
  std::vector<std::string> routes;
  for (auto& [name, route] : r.Map("routes")) routes.push_back(name + ">" + route.String("to", ""));
  EXPECT_EQ(routes, (std::vector<std::string>{"team-A>ops", "team_b>dev"}));
  EXPECT_EQ(Text(r.Finish()),
            "test.yaml:4: notify.channels[1].ulr: unknown key; did you mean 'url'?");
}

TEST(Reader, ShowsSecretsOnlyAsSet) {
  const Source source = Yaml("llm: {api_key: abcdef}");
  Reader r(source, "llm");
  r.Secret("api_key");
  r.Secret("other_key");
  const auto values = source.EffectiveValues();
  ASSERT_EQ(values.size(), 2u);
  EXPECT_EQ(values[0].value, "***");
  EXPECT_TRUE(values[0].secret);
  EXPECT_EQ(values[1].value, "(unset)");
}

TEST(Reader, ParsesUnits) {
  const Source source = Yaml(
      "x: {a: 1h30m, b: 250ms, c: 7d, d: 0, e: 64KiB, f: 10MB, g: 4096, h: 1.5s, i: off, j: [p, "
      "q], k: 'p, q'}");
  Reader r(source, "x");
  EXPECT_EQ(r.Duration("a", {}), absl::Minutes(90));
  EXPECT_EQ(r.Duration("b", {}), absl::Milliseconds(250));
  EXPECT_EQ(r.Duration("c", {}), absl::Hours(168));
  EXPECT_EQ(r.Duration("d", absl::Seconds(1)), absl::ZeroDuration());
  EXPECT_EQ(r.Bytes("e", 0), 65536);
  EXPECT_EQ(r.Bytes("f", 0), 10000000);
  EXPECT_EQ(r.Bytes("g", 0), 4096);
  EXPECT_EQ(r.Duration("h", {}), absl::Milliseconds(1500));
  EXPECT_FALSE(r.Bool("i", true));
  EXPECT_EQ(r.Strings("j", {}), (std::vector<std::string>{"p", "q"}));
  EXPECT_EQ(r.Strings("k", {}), (std::vector<std::string>{"p", "q"}));
  EXPECT_TRUE(r.Finish().ok()) << r.Finish();
}

TEST(Combine, SaysAProblemOfTwoPartsOnce) {
  const Source source = Yaml("a: {x: no-number}");
  Reader first(source, "a"), second(source, "a");
  first.Int("x", 1);
  second.Int("x", 1);
  const absl::Status status = Combine({first.Finish(), absl::OkStatus(), second.Finish()});
  EXPECT_EQ(Text(status), "test.yaml:1: a.x: 'no-number' is not a whole number");
}

}  // namespace
}  // namespace opsmesh::config
