// Bodies nobody sends by accident, through a real gateway: ours always, the shared collections
// where they lie beside the clone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "fmt/format.h"
#include "gateway/testing/gateway_harness.h"

namespace opsmesh::gateway {
namespace {

std::vector<std::filesystem::path> SharedFiles(const std::string& folder) {
  const char* source = std::getenv("OPSMESH_SOURCE_DIR");
  const std::filesystem::path path =
      std::filesystem::path(source == nullptr ? "." : source) / "../shared/badinputs" / folder;
  std::vector<std::filesystem::path> files;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(path, error))
    files.push_back(entry.path());
  if (files.empty())
    std::cout << "NOT CHECKED: ../shared/badinputs/" << folder
              << " does not lie beside the clone\n";
  std::sort(files.begin(), files.end());
  return files;
}

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST(HostileJsonTest, OurOwnBadBodiesGetTheDesignedError) {
  GatewayHarness harness;
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "400 MALFORMED_JSON"},
      {"   ", "400 MALFORMED_JSON"},
      {"{\"name\":\"a\"", "400 MALFORMED_JSON"},
      {"{\"name\":\"a\"} x", "400 MALFORMED_JSON"},
      {"{\"name\":\"\xc0\xaf\"}", "400 MALFORMED_JSON"},
      {"\xff\xfe{\0}\0", "400 MALFORMED_JSON"},
      {"{\"number\":1e400}", "400 MALFORMED_JSON"},
      {"[]", "400 INVALID_FIELD"},
      {"\"text\"", "400 INVALID_FIELD"},
      {"{\"number\":9223372036854775808}", "400 INVALID_FIELD"},
      {"{\"name\":\"" + std::string(300'000, 'x') + "\"}", "400 STRING_TOO_LONG"},
      {std::string(200, '[') + std::string(200, ']'), "400 JSON_TOO_DEEP"},
      {"{\"extra\":" + std::string(100, '[') + std::string(100, ']') + "}", "400 JSON_TOO_DEEP"},
  };
  for (const auto& [body, expected] : cases) {
    EXPECT_EQ(harness.Post("/toy", body).Reason(), expected) << body.substr(0, 60);
  }
  EXPECT_EQ(harness.service().calls(), 0);
}

TEST(HostileJsonTest, TheConformanceSuiteJudgesTheParser) {
  GatewayHarness harness;
  int accepted = 0;
  int refused = 0;
  for (const auto& file : SharedFiles("JSONTestSuite/test_parsing")) {
    const std::string name = file.filename().string();
    const TestAnswer answer = harness.Post("/toy", ReadFile(file));
    const bool malformed =
        answer.Reason() == "400 MALFORMED_JSON" || answer.Reason() == "400 JSON_TOO_DEEP";
    if (name.starts_with("y_")) {
      EXPECT_FALSE(malformed) << name << ": " << answer.body();
      ++accepted;
    } else if (name.starts_with("n_")) {
      // Nesting of 100,000 is refused for its depth before anything else is wrong with it.
      EXPECT_TRUE(malformed) << name << ": " << answer.Reason();
      ++refused;
    }
    EXPECT_LT(answer.status, 500) << name;
    EXPECT_GT(answer.status, 0) << name;
  }
  std::cout << accepted << " well-formed, " << refused << " malformed documents\n";
}

TEST(HostileJsonTest, OddBodiesAreAnsweredWithTwoHundredOrTheDesignedErrorAndNothingIsLost) {
  GatewayHarness harness;
  for (const auto& file : SharedFiles("own/json")) {
    const std::string body = ReadFile(file);
    for (const char* path : {"/toy", "/everything", "/toy/n/extra"}) {
      const TestAnswer answer = harness.Post(path, body);
      const std::string where =
          fmt::format("{} at {}: {}", file.filename().string(), path, answer.body().substr(0, 200));
      if (answer.status == 200) {
        EXPECT_TRUE(answer.json().is_object()) << where;
        continue;
      }
      EXPECT_GE(answer.status, 400) << where;
      EXPECT_LT(answer.status, 500) << where;
      EXPECT_NE(answer.Reason(), fmt::format("{} ?", answer.status)) << where;
    }
  }
}

}  // namespace
}  // namespace opsmesh::gateway
