// Bodies and patches that attack: each is refused with a Status, and nothing else changes.
#include <string>
#include <vector>

#include "libs/kubesim/api/write_testing.h"

namespace opsmesh::kubesim {
namespace {

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

}  // namespace
}  // namespace opsmesh::kubesim
