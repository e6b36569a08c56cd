#include "libs/base/strings.h"

#include "gtest/gtest.h"

namespace opsmesh::base {
namespace {

TEST(Strings, Utf8ValidationRefusesOverlongSurrogateAndTruncatedForms) {
  EXPECT_TRUE(IsValidUtf8("plain 中文 \xF0\x9F\x98\x80"));
  for (const char* bad :
       {"\xC0\x80", "\xED\xA0\x80", "\xE4\xB8", "\xF4\x90\x80\x80", "\x80", "\xFE"}) {
    EXPECT_FALSE(IsValidUtf8(bad));
  }
}

TEST(Strings, SanitizeKeepsGoodTextAndMarksEachBadRunOnce) {
  EXPECT_EQ(SanitizeUtf8("a\xFF\xFE\x80z中"), "a\xEF\xBF\xBDz中");
}

TEST(Strings, Utf8PrefixNeverCutsACharacter) {
  EXPECT_EQ(Utf8Prefix("中文", 4), "中");
  EXPECT_EQ(Utf8Prefix("中文", 2), "");
  EXPECT_EQ(Utf8Prefix("ab", 9), "ab");
}

TEST(Strings, Base64RoundTripsEveryLength) {
  for (const std::string text : {"", "a", "ab", "abc", "abcd", "\xff\x00\x10"}) {
    std::string back;
    ASSERT_TRUE(Base64Decode(Base64Encode(text), &back));
    EXPECT_EQ(back, text);
  }
  std::string out;
  EXPECT_FALSE(Base64Decode("a", &out));
  EXPECT_FALSE(Base64Decode("a!b=", &out));
}

TEST(Strings, NearestSuggestsOnlyWhatIsClose) {
  EXPECT_EQ(Nearest("shpo", {"shop", "payments"}), "shop");
  EXPECT_EQ(Nearest("zzzz", {"shop", "payments"}), "");
}

TEST(Strings, GoDurationMatchesGo) {
  EXPECT_EQ(GoDuration(9015), "2h30m15s");
  EXPECT_EQ(GoDuration(3600), "1h0m0s");
  EXPECT_EQ(GoDuration(61), "1m1s");
  EXPECT_EQ(GoDuration(0), "0s");
}

TEST(Strings, PercentDecodingRefusesBrokenEscapes) {
  std::string out;
  EXPECT_TRUE(PercentDecode("a%2Fb+c", &out));
  EXPECT_EQ(out, "a/b+c");
  EXPECT_FALSE(PercentDecode("a%2", &out));
  EXPECT_FALSE(PercentDecode("%zz", &out));
  EXPECT_EQ(PercentEncode("a/b c中"), "a%2Fb%20c%E4%B8%AD");
}

}  // namespace
}  // namespace opsmesh::base
