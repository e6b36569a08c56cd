#include "gateway/document/openapi.h"

#include <fstream>
#include <iterator>
#include <set>
#include <string>

#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "nlohmann/json.hpp"

namespace opsmesh::gateway {
namespace {

nlohmann::json Document() {
  std::ifstream file(OPSMESH_DESCRIPTOR_SET, std::ios::binary);
  const std::string set((std::istreambuf_iterator<char>(file)), {});
  const auto document = OpenApiDocument(set, {.version = "1.2.3"});
  EXPECT_TRUE(document.ok()) << document.status();
  return nlohmann::json::parse(document.ok() ? *document : "{}");
}

TEST(OpenApi, EveryBindingIsAnOperationWithAnIdOfItsOwn) {
  const auto document = Document();
  std::set<std::string> ids;
  size_t count = 0;
  for (const auto& [path, operations] : document["paths"].items()) {
    for (const auto& [method, operation] : operations.items()) {
      ids.insert(operation["operationId"].get<std::string>());
      ++count;
    }
  }
  EXPECT_EQ(ids.size(), count);
  EXPECT_TRUE(document["paths"]["/webhook"].contains("post"));
  EXPECT_TRUE(document["paths"]["/dingtalk/webhook"].contains("post"));
}

TEST(OpenApi, PathVariablesAreParametersAndTheRestOfAGetIsQuery) {
  const auto document = Document();
  const auto& operation = document["paths"]["/api/v1/namespaces/{namespace}/objects/{kind}"]["get"];
  std::set<std::string> in_path, in_query;
  for (const auto& parameter : operation["parameters"]) {
    (parameter["in"] == "path" ? in_path : in_query).insert(parameter["name"].get<std::string>());
  }
  EXPECT_EQ(in_path, (std::set<std::string>{"namespace", "kind"}));
  EXPECT_TRUE(in_query.contains("label_selector"));
  EXPECT_FALSE(in_query.contains("namespace"));
}

TEST(OpenApi, AMessageThatSaysSoIsWrittenInCamelCaseAndInlinedJsonIsAnyValue) {
  const auto document = Document();
  const auto& session = document["components"]["schemas"]["chat.v1.AdkSession"]["properties"];
  EXPECT_TRUE(session.contains("lastUpdateTime"));
  EXPECT_FALSE(session["state"].contains("type"));
  const auto& chat = document["components"]["schemas"]["chat.v1.ChatRequest"];
  EXPECT_TRUE(chat["properties"].contains("session_id"));
  EXPECT_EQ(chat["required"], nlohmann::json::array({"query"}));
}

TEST(OpenApi, AStreamIsDescribedAsEvents) {
  const auto document = Document();
  EXPECT_TRUE(
      document["paths"]["/api/v1/chat/stream"]["post"]["responses"]["200"]["content"].contains(
          "text/event-stream"));
}

TEST(OpenApi, EveryReferenceLeadsSomewhere) {
  const auto document = Document();
  const auto check = [&](const auto& self, const nlohmann::json& json) -> void {
    if (json.is_object() && json.contains("$ref")) {
      const std::string path = json["$ref"].get<std::string>().substr(1);
      EXPECT_TRUE(document.contains(nlohmann::json::json_pointer(path))) << path;
    }
    if (json.is_structured()) {
      for (const auto& child : json) self(self, child);
    }
  };
  check(check, document);
}

TEST(OpenApi, EveryOperationSaysWhatItDoesAndHowItFails) {
  for (const auto& [path, operations] : Document()["paths"].items()) {
    for (const auto& [method, operation] : operations.items()) {
      EXPECT_GT(operation["summary"].get<std::string>().size(), 5u) << method << " " << path;
      EXPECT_TRUE(operation["responses"].contains("4XX")) << method << " " << path;
    }
  }
}

TEST(OpenApi, BytesThatAreNoDescriptorSetAreRefused) {
  EXPECT_EQ(base::DetailOf(OpenApiDocument("\xff\xff", {}).status()).reason, "DESCRIPTOR_SET");
}

}  // namespace
}  // namespace opsmesh::gateway
