#include "libs/base/json_string.h"

#include <random>
#include <string>

#include "gtest/gtest.h"
#include "libs/base/json.h"
#include "libs/base/strings.h"
#include "nlohmann/json.hpp"

namespace opsmesh::base {
namespace {

std::string Ascii(std::string_view text) {
  std::string out;
  AppendJsonString(text, &out, JsonCharset::kAscii);
  return out;
}

TEST(JsonString, EscapesQuotesBackslashesAndEveryControlCharacter) {
  EXPECT_EQ(JsonString(""), R"("")");
  EXPECT_EQ(JsonString("say \"hi\"\\"), R"("say \"hi\"\\")");
  EXPECT_EQ(JsonString("\n\r\t\b\f"), R"("\n\r\t\b\f")");
  EXPECT_EQ(JsonString(std::string_view("\x00\x1b\x1f\x7f", 4)), R"("\u0000\u001b\u001f\u007f")");
  EXPECT_EQ(JsonString("/<>&'"), R"("/<>&'")");
}

TEST(JsonString, KeepsUtf8AndRepairsWhatIsNotUtf8) {
  EXPECT_EQ(JsonString("重启 é \xF0\x9F\x98\x80"), "\"重启 é \xF0\x9F\x98\x80\"");
  EXPECT_EQ(JsonString("a\xff\xfez"), "\"a\xEF\xBF\xBDz\"");
  EXPECT_EQ(JsonString("\xed\xa0\x80"), "\"\xEF\xBF\xBD\"");
}

TEST(JsonString, AsciiWritesSurrogatePairsBeyondTheBasicPlane) {
  EXPECT_EQ(Ascii("é重\xF0\x9F\x98\x80\"\n"), R"("\u00e9\u91cd\ud83d\ude00\"\n")");
  EXPECT_EQ(Ascii("\xff"), R"("\ufffd")");
}

TEST(JsonString, AWholeDocumentIsEscapedToAsciiWithoutTouchingItsEscapes) {
  std::string out;
  AppendJsonAsAscii("{\"键\": \"a\\n\\\"重\x7f\"}", &out);
  EXPECT_EQ(out, "{\"\\u952e\": \"a\\n\\\"\\u91cd\x7f\"}");
}

// Lengths around the eight bytes that are looked at together, every byte value at every place.
TEST(JsonString, ReadsBackAsTheSameTextWhereverTheEscapesStand) {
  std::mt19937 random(7);
  for (int round = 0; round < 20000; ++round) {
    std::string text(random() % 40, 'x');
    const size_t odd = random() % 5;
    for (size_t i = 0; i < odd && !text.empty(); ++i)
      text[random() % text.size()] = static_cast<char>(random() % 256);
    const std::string clean = SanitizeUtf8(text);
    for (const std::string& json : {JsonString(text), Ascii(text)}) {
      const auto back = ParseJson(json);
      ASSERT_TRUE(back.ok()) << json;
      ASSERT_EQ(back->get<std::string>(), clean);
    }
    for (const char c : Ascii(text)) ASSERT_TRUE(c >= 0x20 && c < 0x7f);
    ASSERT_EQ(IsValidUtf8(text), text == clean);
  }
}

}  // namespace
}  // namespace opsmesh::base
