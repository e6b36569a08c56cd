#include "libs/base/json.h"

#include <string>

#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "nlohmann/json.hpp"

namespace opsmesh::base {
namespace {

TEST(Json, RefusesNestingBeyondTheLimitBeforeBuildingAnything) {
  const std::string deep = std::string(100000, '[') + std::string(100000, ']');
  EXPECT_EQ(DetailOf(ParseJson(deep).status()).reason, "JSON_TOO_DEEP");
}

TEST(Json, BracketsInsideStringsDoNotCountAsNesting) {
  EXPECT_EQ(JsonDepth(R"({"a":"[[[[","b":"\"["})"), 1u);
}

TEST(Json, RefusesWhatRfc8259Refuses) {
  for (const char* bad :
       {"", "{", "[1,]", "NaN", "\xEF\xBB\xBF{}", "{} {}", "[1e999]", "\"\xff\""}) {
    EXPECT_EQ(DetailOf(ParseJson(bad).status()).reason, "MALFORMED_JSON") << bad;
  }
}

TEST(Json, DumpReplacesBrokenUtf8InsteadOfThrowing) {
  EXPECT_EQ(DumpJson(nlohmann::json("a\xffz")), "\"a\xEF\xBF\xBDz\"");
  EXPECT_EQ(DumpJson(nlohmann::json("中"), /*ascii=*/true), "\"\\u4e2d\"");
}

}  // namespace
}  // namespace opsmesh::base
