#include "libs/text/numbers.h"

#include "gtest/gtest.h"

namespace opsmesh::text {
namespace {

TEST(ParseNumber, ReadsDigitsAndWordsOfBothLanguages) {
  const std::pair<std::string_view, int64_t> cases[] = {
      {"5", 5},          {"1,200", 1200},     {"五", 5},       {"十", 10},
      {"十二", 12},      {"二十", 20},        {"两", 2},       {"三十五", 35},
      {"一百零三", 103}, {"两千", 2000},      {"一万", 10000}, {"five", 5},
      {"Twelve", 12},    {"twenty-five", 25}, {"thirty", 30},  {"0", 0}};
  for (const auto& [text, value] : cases) EXPECT_EQ(ParseNumber(text), value) << text;
}

TEST(ParseNumber, RefusesWhatIsNoNumber) {
  for (std::string_view text : {"", "5m", "nginx", "个", "三五", "twenty-zero", "99999999999999"}) {
    EXPECT_FALSE(ParseNumber(text).has_value()) << text;
  }
}

TEST(ParseOrdinal, ReadsBothLanguages) {
  EXPECT_EQ(ParseOrdinal("second"), 2);
  EXPECT_EQ(ParseOrdinal("3rd"), 3);
  EXPECT_EQ(ParseOrdinal("第二"), 2);
  EXPECT_EQ(ParseOrdinal("第12"), 12);
  EXPECT_EQ(ParseOrdinal("last"), -1);
  EXPECT_EQ(ParseOrdinal("最后"), -1);
  EXPECT_FALSE(ParseOrdinal("nth").has_value());
}

}  // namespace
}  // namespace opsmesh::text
