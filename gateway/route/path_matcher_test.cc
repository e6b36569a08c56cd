#include "gateway/route/path_matcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/base/error.h"

namespace opsmesh::gateway {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(HttpTemplateTest, ReadsVariablesPatternsAndVerbs) {
  const auto t = HttpTemplate::Parse("/v1/{name=shelves/*}/books/{book.id}:publish");
  ASSERT_TRUE(t.ok()) << t.status();
  EXPECT_EQ(t->segments.size(), 5u);
  EXPECT_EQ(t->variables[0].field_path, "name");
  EXPECT_EQ(t->variables[0].first, 1u);
  EXPECT_EQ(t->variables[0].last, 3u);
  EXPECT_EQ(t->variables[1].field_path, "book.id");
  EXPECT_EQ(t->verb, "publish");
  EXPECT_EQ(t->Display(), "/v1/{name}/books/{book.id}:publish");
}

TEST(HttpTemplateTest, TheRootHasNoSegments) {
  const auto t = HttpTemplate::Parse("/");
  ASSERT_TRUE(t.ok());
  EXPECT_TRUE(t->segments.empty());
  EXPECT_EQ(t->Display(), "/");
}

TEST(HttpTemplateTest, ADoubtfulTemplateIsRefusedWithTheReason) {
  const auto refusal = [](std::string_view text) {
    return std::string(HttpTemplate::Parse(text).status().message());
  };
  EXPECT_THAT(refusal("v1"), HasSubstr("must begin with '/'"));
  EXPECT_THAT(refusal("/v1//x"), HasSubstr("an empty segment"));
  EXPECT_THAT(refusal("/{a=**}/x"), HasSubstr("may only come last"));
  EXPECT_THAT(refusal("/{a={b}}"), HasSubstr("a variable inside a variable"));
  EXPECT_THAT(refusal("/{a"), HasSubstr("'}' was expected"));
  EXPECT_THAT(refusal("/{1a}"), HasSubstr("a field name was expected"));
  EXPECT_THAT(refusal("/{a}/{a}"), HasSubstr("bound twice"));
  EXPECT_THAT(refusal("/x:"), HasSubstr("an empty verb"));
}

class PathMatcherTest : public testing::Test {
 protected:
  void Add(std::string_view method, std::string_view text, uint32_t route) {
    ASSERT_TRUE(matcher_.Add(method, *HttpTemplate::Parse(text), route, "Rpc").ok());
  }
  // "3(a,b)" for route 3 with values a and b; "-" for no route.
  std::string Find(std::string_view method, std::string_view path) {
    PathMatcher::Match match;
    if (!matcher_.Find(method, path, &match)) return "-";
    std::string text = std::to_string(match.route);
    for (size_t i = 0; i < match.values.size(); ++i) {
      text += (i == 0 ? "(" : ",") + std::string(match.values[i]);
    }
    return match.values.empty() ? text : text + ")";
  }
  PathMatcher matcher_;
};

TEST_F(PathMatcherTest, LiteralsWinOverVariablesAndVariablesOverTheRest) {
  Add("GET", "/tools", 1);
  Add("GET", "/{a}", 2);
  Add("GET", "/{a=**}", 3);
  Add("GET", "/tools/{a}/x", 4);
  EXPECT_EQ(Find("GET", "/tools"), "1");
  EXPECT_EQ(Find("GET", "/other"), "2(other)");
  EXPECT_EQ(Find("GET", "/other/x"), "3(other/x)");
  EXPECT_EQ(Find("GET", "/tools/a/x"), "4(a)");
  EXPECT_EQ(Find("GET", "/tools/a/y"), "3(tools/a/y)");
  EXPECT_EQ(Find("GET", "/"), "3()");
}

TEST_F(PathMatcherTest, AVerbIsTakenOffTheLastSegmentOnlyWhereARouteHasIt) {
  Add("POST", "/tools/{name}:call", 1);
  Add("GET", "/sessions/{id}", 2);
  Add("POST", "/objects:resolve", 3);
  EXPECT_EQ(Find("POST", "/tools/list:call"), "1(list)");
  EXPECT_EQ(Find("POST", "/tools/a:b:call"), "1(a:b)");
  EXPECT_EQ(Find("GET", "/sessions/a:b"), "2(a:b)");
  EXPECT_EQ(Find("GET", "/sessions/a:call"), "2(a:call)");
  EXPECT_EQ(Find("POST", "/objects:resolve"), "3");
  EXPECT_EQ(Find("POST", "/tools/list"), "-");
}

TEST_F(PathMatcherTest, AVariableMaySpanSegments) {
  Add("GET", "/v1/{name=shelves/*/books/*}", 1);
  EXPECT_EQ(Find("GET", "/v1/shelves/a/books/b"), "1(shelves/a/books/b)");
  EXPECT_EQ(Find("GET", "/v1/shelves/a/chairs/b"), "-");
}

TEST_F(PathMatcherTest, EmptySegmentsAndTrailingSlashesFitNoVariable) {
  Add("GET", "/a/{x}", 1);
  EXPECT_EQ(Find("GET", "/a/"), "-");
  EXPECT_EQ(Find("GET", "/a//b"), "-");
  EXPECT_EQ(Find("GET", "/a/b/"), "-");
}

TEST_F(PathMatcherTest, TwoRoutesForTheSamePathsAreAConflictThatNamesBoth) {
  Add("GET", "/a/{x}", 1);
  const absl::Status status = matcher_.Add("GET", *HttpTemplate::Parse("/a/{y}"), 2, "Other");
  EXPECT_EQ(base::DetailOf(status).reason, "ROUTE_CONFLICT");
  EXPECT_THAT(std::string(status.message()), HasSubstr("Rpc and Other both claim GET /a/{y}"));
  EXPECT_TRUE(matcher_.Add("POST", *HttpTemplate::Parse("/a/{y}"), 2, "Other").ok());
}

TEST_F(PathMatcherTest, KnowsTheMethodsOfAPathAndTheNearestTemplate) {
  Add("GET", "/api/v1/tools", 1);
  Add("POST", "/api/v1/tools", 2);
  Add("DELETE", "/api/v1/sessions/{id}", 3);
  EXPECT_THAT(matcher_.MethodsAt("/api/v1/tools"), ElementsAre("GET", "POST"));
  EXPECT_THAT(matcher_.MethodsAt("/api/v1/sessions/x"), ElementsAre("DELETE"));
  EXPECT_THAT(matcher_.MethodsAt("/nothing"), ElementsAre());
  EXPECT_EQ(matcher_.Nearest("/api/v1/tool"), "/api/v1/tools");
  EXPECT_EQ(matcher_.Nearest("/zzzzzzzzzzzzzzz"), "");
}

}  // namespace
}  // namespace opsmesh::gateway
