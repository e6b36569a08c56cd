// Bodies and patches that attack: each is refused with a Status, and nothing else changes.
#include <chrono>
#include <new>
#include <string>
#include <vector>

#include "libs/kubesim/api/json_text.h"
#include "libs/kubesim/api/warning_headers.h"
#include "libs/kubesim/api/write_testing.h"

namespace opsmesh::kubesim {
namespace {

// The lines of "members" that stand one after another: {"a0":1,"a1":1, ...}.
std::string Members(int count) {
  std::string text = "{";
  for (int i = 0; i < count; ++i) text += (i == 0 ? "\"a" : ",\"a") + std::to_string(i) + "\":1";
  return text + "}";
}

// Generous: what these tests ask for takes milliseconds, or minutes when it is a fault.
class Soon {
 public:
  ~Soon() { EXPECT_LT(std::chrono::steady_clock::now() - begun_, std::chrono::seconds(20)); }

 private:
  const std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
};

TEST_F(WriteTest, HostileBodiesAreRefusedWithAStatusAndNeverCrash) {
  std::string deep(100'000, '[');
  std::vector<std::string> bodies = {"",
                                     "{",
                                     "{not json",
                                     "null",
                                     "[]",
                                     "3",
                                     "\"x\"",
                                     deep,
                                     "{\"metadata\":3}",
                                     "{\"metadata\":{\"name\":3}}",
                                     "{\"metadata\":{\"name\":\"x\",\"labels\":[]}}",
                                     "{\"metadata\":{\"name\":\"x\"},\"data\":[1]}",
                                     "{\"metadata\":{\"name\":\"x\"},\"data\":{\"a\":{\"b\":1}}}",
                                     "{\"metadata\":{\"name\":\"\xff\"}}",
                                     std::string("\0\0\0", 3)};
  for (const std::string& body : bodies) {
    const auto answer = door_.Send("POST", maps_, body, {{"Content-Type", "application/json"}});
    EXPECT_GE(answer->code(), 400) << body.substr(0, 60);
    EXPECT_LT(answer->code(), 500) << body.substr(0, 60);
    EXPECT_EQ(answer->json()["kind"], "Status");
  }
  const char* wrong[] = {
      R"({"spec":3})",
      R"({"spec":{"replicas":"x"}})",
      R"({"spec":{"template":3}})",
      R"({"spec":{"template":{"spec":{"containers":{}}}}})",
      R"({"spec":{"template":{"spec":{"containers":[3]}}}})",
      R"({"spec":{"selector":[]}})",
      R"({"spec":{"strategy":"x"}})",
      R"({"spec":{"template":{"metadata":[],"spec":{"containers":[{"name":"c","image":"i","env":[3],"resources":{"limits":{"cpu":"lots"}}}]}}}})"};
  for (const char* text : wrong) {
    Json body = Json::parse(text);
    body["metadata"]["name"] = "w";
    const auto answer = door_.Post(deployments_, body);
    EXPECT_GE(answer->code(), 400) << text;
    EXPECT_LT(answer->code(), 500) << text;
  }
  const auto big = door_.Post(
      maps_, {{"metadata", {{"name", "big"}}}, {"data", {{"a", std::string(1 << 20, 'x')}}}});
  EXPECT_EQ(big->code(), 201);
  EXPECT_EQ(door_
                .Post(maps_, {{"metadata", {{"name", "huge"}}},
                              {"data", {{"a", std::string(2 << 20, 'x')}}}})
                ->code(),
            422);
  EXPECT_EQ(door_
                .Send("POST", maps_,
                      "{\"metadata\":{\"name\":\"huge\"},\"data\":{\"a\":\"" +
                          std::string(3 << 20, 'x') + "\"}}")
                ->code(),
            413);
}

TEST_F(WriteTest, HostilePatchesAreRefusedAndLeaveTheObjectAlone) {
  const Json before = door_.Post(deployments_, Deployment("web"))->json();
  for (const char* kind : {"json-patch+json", "merge-patch+json", "strategic-merge-patch+json",
                           "apply-patch+yaml", "xml"}) {
    for (const char* body :
         {"", "3", "null", "[3]", "{\"spec\":null}", "{\"metadata\":null,\"spec\":3}",
          "[{\"op\":\"remove\",\"path\":\"\"}]",
          "[{\"op\":\"replace\",\"path\":\"/metadata\",\"value\":1}]", "&a [*a]"}) {
      const auto answer = door_.Send("PATCH", deployments_ + "/web?fieldManager=t", body,
                                     {{"Content-Type", std::string("application/") + kind}});
      EXPECT_LT(answer->code(), 500) << kind << " " << body << " " << answer->response().body;
      EXPECT_EQ(door_.Get(deployments_ + "/web")["spec"]["template"], before["spec"]["template"])
          << kind << " " << body;
    }
  }
}

TEST(HostileTextTest, PathsThatAreTooLongAreNotTold) {
  const Soon soon;
  const std::string name(5'000, 'n');
  Json value;
  for (const std::string& text :
       {"{\"" + name + "\":" + Members(20'000) + "}",
        std::string(2'000, '[') + Members(20'000) + std::string(2'000, ']')}) {
    const JsonText read = ReadJsonText(text, &value);
    EXPECT_EQ(read.fault, "");
    EXPECT_LE(read.members.size(), 1);
  }
  const JsonText twice = ReadJsonText("{\"" + name + "\":{\"a\":1,\"a\":2},\"b\":1e2}", &value);
  EXPECT_EQ(twice.duplicates.size(), 1);
  EXPECT_EQ(twice.members, std::vector<std::string>{"b"});
  EXPECT_EQ(twice.odd_numbers.count("b"), 1);
}

TEST_F(WriteTest, ALongNameAboveManyMembersIsReadAtOnce) {
  const Soon soon;
  const std::string name(2 << 20, 'n');
  const std::string review = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
  const auto answer = door_.Send("POST", review, "{\"" + name + "\":" + Members(20'000) + "}");
  EXPECT_LT(answer->code(), 500);
  // Members that nobody knows, and lists, below such a name.
  std::string list = "\"x\"";
  for (int i = 0; i < 20'000; ++i) list += ",\"x\"";
  for (const std::string& inside : {Members(20'000), "{\"required\":[" + list + "]}"}) {
    const auto refused = door_.Send(
        "POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions?fieldValidation=Strict",
        "{\"metadata\":{\"name\":\"a.b.c\"},\"spec\":{\"versions\":[{\"schema\":{"
        "\"openAPIV3Schema\":{\"properties\":{\"" +
            name + "\":" + inside + "}}}}]}}");
    EXPECT_GE(refused->code(), 400);
    EXPECT_LT(refused->code(), 500);
  }
}

TEST_F(WriteTest, AHundredUnknownMembersAreToldAndNoMore) {
  const auto refused =
      door_.Send("POST", maps_ + "?fieldValidation=Strict",
                 R"({"metadata":{"name":"m"},"data":{},)" + Members(500).substr(1));
  EXPECT_EQ(refused->code(), 400);
  const std::string message = refused->json()["message"];
  EXPECT_NE(message.find("\"a99\""), std::string::npos);
  EXPECT_EQ(message.find("\"a100\""), std::string::npos);
}

TEST_F(WriteTest, ManyEqualPortsAreWarnedOfWithinBounds) {
  const Soon soon;
  Json pod = {{"metadata", {{"name", "p"}}},
              {"spec", {{"containers", {{{"name", "c"}, {"image", "c:1"}}}}}}};
  Json& ports = pod["spec"]["containers"][0]["ports"];
  for (int i = 0; i < 1'000; ++i) ports.push_back({{"containerPort", 1}});
  const auto made = door_.Post("/api/v1/namespaces/shop/pods", pod);
  EXPECT_EQ(made->code(), 201);
  size_t warnings = 0;
  const http_server::Headers headers = made->response().headers;
  for (const auto& [name, value] : headers.fields()) warnings += name == "Warning";
  EXPECT_GT(warnings, 10);
  EXPECT_LT(warnings, 60);
}

TEST_F(WriteTest, ManyCausesAreToldAtOnce) {
  const Soon soon;
  Json requirements = Json::array();
  for (int i = 0; i < 100'000; ++i) requirements.push_back(Json::object());
  const auto refused = door_.Post(
      "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
      {{"spec", {{"resourceAttributes", {{"labelSelector", {{"requirements", requirements}}}}}}}});
  EXPECT_EQ(refused->code(), 422);
}

TEST(WarningHeadersTest, TextsAreSaidOnceAndCutWhenTheyAreTooManyTogether) {
  auto of = [](const std::vector<std::string>& texts) {
    http_server::Headers headers;
    AddWarnings(texts, &headers);
    std::vector<std::string> said;
    for (const auto& [name, value] : headers.fields()) said.push_back(value);
    return said;
  };
  EXPECT_EQ(of({"a \"b\"", "", "c", "c"}),
            (std::vector<std::string>{"299 - \"a \\\"b\\\"\"", "299 - \"c\""}));
  EXPECT_EQ(of({std::string(4'096, 'x')})[0].size(), 4'096 + 8);
  std::string wide;
  for (int i = 0; i < 300; ++i) wide += "\u00e4";
  std::vector<std::string> many = {wide};
  for (int i = 0; i < 40; ++i) many.push_back(std::to_string(i) + std::string(300, 'x'));
  const auto cut = of(many);
  EXPECT_EQ(cut.size(), 16);
  EXPECT_EQ(cut[0].size(), 2 * 256 + 8);
  EXPECT_EQ(cut[1].size(), 256 + 8);
}

TEST(FaultsOfOursTest, ARequestThatFailsEndsAloneWithA500) {
  FakeDoor door;
  ApiServer server(
      {door.store, door.logs, door.clock}, door.tokens,
      {.own_paths = [](const Call&) -> std::optional<Reply> { throw std::bad_alloc(); }});
  http_server::Request request;
  request.method = "GET";
  request.raw_path = request.path = "/simulator";
  request.remote_is_loopback = true;
  auto exchange = std::make_shared<RecordedExchange>(std::move(request));
  server.Handle(exchange);
  EXPECT_EQ(exchange->code(), 500);
  EXPECT_EQ(exchange->json()["reason"], "InternalError");
}

}  // namespace
}  // namespace opsmesh::kubesim
