#include "gateway/route/request_binder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fmt/format.h"
#include "gateway/contract/contract.h"
#include "gateway/testing/toy_contract.h"
#include "google/api/annotations.pb.h"
#include "google/api/httpbody.pb.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/descriptor.pb.h"
#include "libs/base/error.h"
#include "toy.pb.h"

namespace opsmesh::gateway {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class RequestBinderTest : public testing::Test {
 protected:
  void SetUp() override {
    auto contract = Contract::Load(ToyDescriptorSet());
    ASSERT_TRUE(contract.ok()) << contract.status();
    contract_ = *std::move(contract);
    auto routes = RouteTable::Build(*contract_);
    ASSERT_TRUE(routes.ok()) << routes.status();
    routes_ = *std::move(routes);
  }
  template <typename M = toy::v1::EchoRequest>
  absl::StatusOr<M> Bind(std::string_view method, std::string path, RequestParts parts = {}) {
    PathMatcher::Match match;
    const Route* route = routes_->Find(method, path, &match);
    if (route == nullptr) return base::NotFound("NO_ROUTE", path);
    OPSMESH_ASSIGN_OR_RETURN(const std::string wire,
                             BindRequest(routes_->schemas(), *route, match, parts));
    M message;
    if (!message.ParseFromString(wire)) return absl::InternalError("not a message");
    return message;
  }
  template <typename M = toy::v1::EchoRequest>
  std::string Reason(std::string_view method, const std::string& path, RequestParts parts = {}) {
    const auto result = Bind<M>(method, path, parts);
    if (result.ok()) return "accepted";
    return fmt::format("{} {}", base::DetailOf(result.status()).reason,
                       base::DetailOf(result.status()).field);
  }
  std::unique_ptr<Contract> contract_;
  std::unique_ptr<RouteTable> routes_;
};

TEST_F(RequestBinderTest, PathVariablesFillFieldsNestedOnesToo) {
  EXPECT_EQ(Bind("GET", "/toy/abc")->name(), "abc");
  const auto nested = Bind("GET", "/toy/abc/parts/xyz");
  EXPECT_EQ(nested->name(), "abc");
  EXPECT_EQ(nested->part().some_text(), "xyz");
  EXPECT_EQ(Bind("GET", "/files/a/b/c")->name(), "a/b/c");
}

TEST_F(RequestBinderTest, QueryParametersFillTheRestRepeatedNestedAndEnums) {
  const auto request =
      Bind("GET", "/toy/n",
           {.raw_query =
                "text=a+b%2Fc&tags=1&tags=2&part.some_text=p&color=COLOR_RED&number=7&numbers=3"});
  ASSERT_TRUE(request.ok()) << request.status();
  EXPECT_EQ(request->text(), "a b/c");
  EXPECT_THAT(request->tags(), ElementsAre("1", "2"));
  EXPECT_EQ(request->part().some_text(), "p");
  EXPECT_EQ(request->color(), toy::v1::COLOR_RED);
  EXPECT_EQ(request->number(), 7);
  EXPECT_THAT(request->numbers(), ElementsAre(3));
}

TEST_F(RequestBinderTest, AMisspeltQueryParameterIsRefusedAndAStrangeOneIgnored) {
  EXPECT_EQ(Reason("GET", "/toy/n", {.raw_query = "txet=a"}), "UNKNOWN_PARAMETER txet");
  EXPECT_EQ(Reason("GET", "/toy/n", {.raw_query = "_=1712&utm_source=mail"}), "accepted");
  EXPECT_EQ(Reason("GET", "/toy/n", {.raw_query = "number=x"}), "INVALID_FIELD number");
  EXPECT_EQ(Reason("GET", "/toy/n", {.raw_query = "text=a&text=b"}), "DUPLICATE_FIELD text");
  EXPECT_EQ(Reason("GET", "/toy/n", {.raw_query = "text=%zz"}), "MALFORMED_QUERY ");
  EXPECT_EQ(Reason("GET", "/toy/n", {.raw_query = "text=%ff"}), "INVALID_FIELD text");
}

TEST_F(RequestBinderTest, TheBodyMayBeTheWholeMessageAndThePathWins) {
  const RequestParts body{.content_type = "application/json",
                          .body = R"({"name":"body","text":"t"})"};
  EXPECT_EQ(Bind("POST", "/toy", body)->name(), "body");
  EXPECT_EQ(Bind("POST", "/toy/path:run", body)->name(), "path");
  EXPECT_EQ(Bind("POST", "/toy/path:run", body)->text(), "t");
}

TEST_F(RequestBinderTest, TheBodyMayBeOneFieldOfAnyKind) {
  const RequestParts part{
      .raw_query = "text=q", .content_type = "application/json", .body = R"({"some_text":"p"})"};
  const auto put = Bind("PUT", "/toy/things/1", part);
  ASSERT_TRUE(put.ok()) << put.status();
  EXPECT_EQ(put->name(), "things/1");
  EXPECT_EQ(put->part().some_text(), "p");
  EXPECT_EQ(put->text(), "q");
  EXPECT_EQ(
      Bind("POST", "/toy/n/extra", {.content_type = "application/json", .body = R"([1, {"a":42}])"})
          ->extra()
          .raw(),
      R"([1,{"a":42}])");
  EXPECT_THAT(
      Bind("POST", "/toy/n/tags", {.content_type = "application/json", .body = R"(["a","b"])"})
          ->tags(),
      ElementsAre("a", "b"));
}

TEST_F(RequestBinderTest, AnEmptyBodyWithoutATypeIsAnEmptyMessageAndWithJsonItIsMalformed) {
  EXPECT_EQ(Reason("POST", "/toy"), "accepted");
  EXPECT_EQ(Reason("POST", "/toy", {.content_type = "application/json"}), "MALFORMED_JSON ");
  EXPECT_EQ(Reason("POST", "/toy", {.content_type = "application/json", .body = " "}),
            "MALFORMED_JSON ");
}

TEST_F(RequestBinderTest, OnlyJsonIsTaken) {
  EXPECT_EQ(Reason("POST", "/toy", {.content_type = "text/plain", .body = "{}"}), "CONTENT_TYPE ");
  EXPECT_EQ(
      Reason("POST", "/toy", {.content_type = "application/json; charset=utf-8", .body = "{}"}),
      "accepted");
  EXPECT_EQ(Reason("POST", "/toy", {.content_type = "application/merge-patch+json", .body = "{}"}),
            "accepted");
  EXPECT_EQ(Reason("POST", "/toy", {.body = "{}"}), "accepted");
}

TEST_F(RequestBinderTest, TheIdempotencyKeyFillsTheRequestIdUnlessTheBodyHasOne) {
  EXPECT_EQ(Bind("POST", "/toy", {.idempotency_key = "k1"})->request_id(), "k1");
  EXPECT_EQ(Bind("POST", "/toy", {.body = R"({"request_id":"own"})", .idempotency_key = "k1"})
                ->request_id(),
            "own");
  EXPECT_EQ(Reason("POST", "/toy", {.idempotency_key = std::string(200, 'k')}),
            "IDEMPOTENCY_KEY request_id");
}

TEST_F(RequestBinderTest, ARawBodyPassesUntouched) {
  const auto body = Bind<google::api::HttpBody>(
      "POST", "/hook", {.content_type = "text/x", .body = "{not json\xff"});
  ASSERT_TRUE(body.ok());
  EXPECT_EQ(body->content_type(), "text/x");
  EXPECT_EQ(body->data(), "{not json\xff");
}

TEST(ContractTest, OurOwnContractIsWithoutDoubtAndHasTheDocumentedPaths) {
  const auto contract = Contract::Load(OwnDescriptorSet());
  ASSERT_TRUE(contract.ok()) << contract.status();
  const auto routes = RouteTable::Build(**contract);
  ASSERT_TRUE(routes.ok()) << routes.status();
  PathMatcher::Match match;
  for (const char* path : {"/api/v1/chat", "/chat", "/test", "/webhook", "/slack/events", "/run"}) {
    EXPECT_NE((*routes)->Find("POST", path, &match), nullptr) << path;
  }
}

// A copy of the toy contract with one thing changed, so that it is in doubt.
template <typename Change>
absl::Status Refusal(Change change) {
  google::protobuf::FileDescriptorSet files;
  if (!files.ParseFromString(std::string(ToyDescriptorSet())))
    return absl::InternalError("toy.binpb");
  auto* file = files.mutable_file(files.file_size() - 1);
  change(file->mutable_service(0));
  auto contract = Contract::Load(files.SerializeAsString());
  if (!contract.ok()) return contract.status();
  return RouteTable::Build(**contract).status();
}

TEST(ContractTest, ADoubtfulContractIsRefusedWithASentence) {
  using google::protobuf::ServiceDescriptorProto;
  const auto sentence = [](auto change) { return std::string(Refusal(change).message()); };
  EXPECT_EQ(sentence([](ServiceDescriptorProto*) {}), "");
  EXPECT_THAT(sentence([](ServiceDescriptorProto* s) { s->mutable_method(0)->clear_options(); }),
              HasSubstr("ToyService.GetEcho has no policy"));
  const auto rule = [](ServiceDescriptorProto* s, int m) {
    return s->mutable_method(m)->mutable_options()->MutableExtension(google::api::http);
  };
  EXPECT_THAT(sentence([&](ServiceDescriptorProto* s) { rule(s, 0)->set_get("/toy/{nome}"); }),
              HasSubstr("There is no field 'nome'"));
  EXPECT_THAT(sentence([&](ServiceDescriptorProto* s) { rule(s, 0)->set_get("/toy/{tags}"); }),
              HasSubstr("cannot stand in a path"));
  EXPECT_THAT(sentence([&](ServiceDescriptorProto* s) { rule(s, 1)->set_body("nothing"); }),
              HasSubstr("there is no body field 'nothing'"));
  EXPECT_THAT(sentence([&](ServiceDescriptorProto* s) { rule(s, 2)->set_post("/toy"); }),
              HasSubstr("both claim POST /toy"));
  EXPECT_THAT(
      sentence([](ServiceDescriptorProto* s) { s->mutable_method(0)->set_client_streaming(true); }),
      HasSubstr("streams from the client"));
  EXPECT_FALSE(Contract::Load("garbage").ok());
}

}  // namespace
}  // namespace opsmesh::gateway
