#include "libs/kubesim/store/selectors.h"

#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

bool Selects(std::string_view selector, const Json& labels) {
  auto parsed = LabelSelector::Parse(selector);
  EXPECT_TRUE(parsed.ok()) << selector;
  return parsed.ok() && parsed->Matches(labels);
}

std::string Refusal(std::string_view selector) {
  auto parsed = LabelSelector::Parse(selector);
  return parsed.ok() ? "accepted" : parsed.status().message;
}

TEST(LabelSelector, EveryOperatorSelectsAsTheApiDocumentsIt) {
  const Json web = {{"app", "web"}, {"tier", "front"}, {"generation", "7"}};
  EXPECT_TRUE(Selects("", web));
  EXPECT_TRUE(Selects("app=web", web));
  EXPECT_TRUE(Selects("app==web,tier!=back", web));
  EXPECT_TRUE(Selects("app in (web, cart),!absent", web));
  EXPECT_TRUE(Selects("tier notin (back),app", web));
  EXPECT_TRUE(Selects("generation>6,generation<8", web));
  EXPECT_FALSE(Selects("app=cart", web));
  EXPECT_FALSE(Selects("absent", web));
  EXPECT_FALSE(Selects("!app", web));
  EXPECT_FALSE(Selects("app notin (web)", web));
}

TEST(LabelSelector, AKeyThatIsAbsentIsNotInAnySetAndUnequalToEverything) {
  EXPECT_TRUE(Selects("color!=red", Json::object()));
  EXPECT_TRUE(Selects("color notin (red)", Json::object()));
  EXPECT_FALSE(Selects("color in (red)", Json::object()));
}

TEST(LabelSelector, AMalformedSelectorIsRefusedWithTheRealSentence) {
  EXPECT_EQ(Refusal("app==="), "unable to parse requirement: found '=', expected: identifier");
  EXPECT_EQ(Refusal("app in web"), "unable to parse requirement: found 'web' expected: '('");
  EXPECT_NE(Refusal("a=b,"), "accepted");
  EXPECT_NE(Refusal("=b"), "accepted");
  EXPECT_NE(Refusal("a in (b"), "accepted");
  EXPECT_NE(Refusal("-bad-=x"), "accepted");
}

TEST(LabelSelector, AnObjectSelectorWithoutBodySelectsNothingAndAnEmptyOneEverything) {
  EXPECT_FALSE(LabelSelector::FromObject(Json()).Matches(Json{{"a", "b"}}));
  EXPECT_TRUE(LabelSelector::FromObject(Json::object()).Matches(Json{{"a", "b"}}));
}

TEST(LabelSelector, TheCanonicalTextParsesBackToTheSameSelection) {
  auto parsed = LabelSelector::Parse("app = web, tier in (a,b) ,!x");
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed->ToString(), "app=web,tier in (a,b),!x");
}

}  // namespace
}  // namespace opsmesh::kubesim
