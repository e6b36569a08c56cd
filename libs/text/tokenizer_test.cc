#include "libs/text/tokenizer.h"

#include "gtest/gtest.h"
#include "libs/base/strings.h"

namespace opsmesh::text {
namespace {

std::string Norms(std::string_view sentence) {
  std::vector<std::string> out;
  for (const Token& token : Tokenize(sentence)) out.push_back(token.norm);
  return base::Join(out, "|");
}

TEST(Tokenize, SplitsMixedTextAtTheChangeOfScript) {
  EXPECT_EQ(Norms("帮我看看nginx-7d9的日志"), "帮我看看|nginx-7d9|的日志");
  EXPECT_EQ(Norms("扩容到5个"), "扩容到|5|个");
  EXPECT_EQ(Norms("Ｎｇｉｎｘ　５個"), "nginx|5|个");
}

TEST(Tokenize, KeepsObjectNamesWholeAndPunctuationApart) {
  EXPECT_EQ(Norms("logs for shop/cart-1?"), "logs|for|shop/cart-1|?");
  EXPECT_EQ(Norms("app=web,tier!=db"), "app=web|,|tier!=db");
  EXPECT_EQ(Norms("What's nginx's image v1.2.3."), "what|nginx|image|v1.2.3|.");
}

TEST(Tokenize, TakesQuotedTextAsOneToken) {
  const auto tokens = Tokenize("看 “My App” 和 `web 1`");
  ASSERT_EQ(tokens.size(), 4u);
  EXPECT_EQ(tokens[1].kind, Token::Kind::kQuoted);
  EXPECT_EQ(tokens[1].text, "My App");
  EXPECT_EQ(tokens[3].text, "web 1");
}

TEST(Tokenize, SurvivesBadInput) {
  EXPECT_TRUE(Tokenize("").empty());
  EXPECT_EQ(Norms("\"unclosed"), "\"|unclosed");
  EXPECT_FALSE(Tokenize("\xff\xfe nginx").empty());
}

}  // namespace
}  // namespace opsmesh::text
