#include "libs/text/language.h"

#include "gtest/gtest.h"

namespace opsmesh::text {
namespace {

TEST(DetectLanguage, ReadsTheScriptOfTheQuestion) {
  EXPECT_EQ(DetectLanguage("預設命名空間中有多少個 pod 正在執行？"), Language::kTraditional);
  EXPECT_EQ(DetectLanguage("默认命名空间里有多少个 pod 在运行？"), Language::kSimplified);
  EXPECT_EQ(DetectLanguage("list all pods in default namespace"), Language::kEnglish);
  EXPECT_EQ(DetectLanguage("nginx 的日誌"), Language::kTraditional);
}

TEST(DetectLanguage, TakesTheFallbackWhereTheTextSaysNothing) {
  EXPECT_EQ(DetectLanguage("/pods production", Language::kTraditional), Language::kTraditional);
  EXPECT_EQ(DetectLanguage("有哪些 pod", Language::kEnglish), Language::kSimplified);
  EXPECT_EQ(DetectLanguage("有哪些 pod", Language::kTraditional), Language::kTraditional);
  EXPECT_FALSE(DetectLanguageIfClear("web-7d9 42").has_value());
}

TEST(LanguageTag, RoundTripsAndReadsAcceptLanguage) {
  for (Language l : {Language::kEnglish, Language::kSimplified, Language::kTraditional}) {
    EXPECT_EQ(ParseLanguageTag(LanguageTag(l)), l);
  }
  EXPECT_EQ(ParseLanguageTag("fr;q=0.9, zh-TW;q=0.8"), Language::kTraditional);
  EXPECT_FALSE(ParseLanguageTag("fr").has_value());
}

}  // namespace
}  // namespace opsmesh::text
