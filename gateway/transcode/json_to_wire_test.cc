#include "gateway/transcode/json_to_wire.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "fmt/format.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/util/json_util.h"
#include "libs/base/error.h"
#include "toy.pb.h"

namespace opsmesh::gateway {
namespace {

using testing::HasSubstr;

class JsonToWireTest : public testing::Test {
 protected:
  template <typename M>
  absl::StatusOr<M> Parse(std::string_view json) {
    std::string wire;
    OPSMESH_RETURN_IF_ERROR(
        ParseMessage(schemas_, schemas_.Compile(*M::descriptor()), json, &wire));
    M message;
    if (!message.ParseFromString(wire)) return absl::InternalError("not a message");
    return message;
  }
  // Reason, field and message of what Everything refuses.
  std::string Refusal(std::string_view json) {
    const auto result = Parse<toy::v1::Everything>(json);
    if (result.ok()) return "accepted";
    const base::ErrorDetail detail = base::DetailOf(result.status());
    return fmt::format("{} {}", detail.reason, detail.field);
  }

  SchemaSet schemas_{*google::protobuf::DescriptorPool::generated_pool()};
};

TEST_F(JsonToWireTest, BothNameStylesAreRead) {
  EXPECT_EQ(Parse<toy::v1::Everything>(R"({"string_value":"a"})")->string_value(), "a");
  EXPECT_EQ(Parse<toy::v1::Everything>(R"({"stringValue":"a"})")->string_value(), "a");
}

TEST_F(JsonToWireTest, UnknownNamesAndNullsAreIgnored) {
  const auto message =
      Parse<toy::v1::Everything>(R"({"nothing":[1,{"x":2}],"string_value":null,"nested":null})");
  ASSERT_TRUE(message.ok());
  EXPECT_EQ(message->ByteSizeLong(), 0u);
}

TEST_F(JsonToWireTest, IntegersMayBeStringsExponentsAndWholeReals) {
  for (const char* text : {"1000", "\"1000\"", "1e3", "1000.0", "\"1e3\""}) {
    EXPECT_EQ(
        Parse<toy::v1::Everything>(
            fmt::format(R"({{"int32_value":{0},"uint64_value":{0},"sint64_value":{0}}})", text))
            ->int32_value(),
        1000)
        << text;
  }
  EXPECT_EQ(Parse<toy::v1::Everything>(R"({"uint64_value":18446744073709551615})")->uint64_value(),
            UINT64_MAX);
  EXPECT_EQ(Parse<toy::v1::Everything>(R"({"int64_value":"-9223372036854775808"})")->int64_value(),
            INT64_MIN);
}

TEST_F(JsonToWireTest, ValuesOutOfRangeOrOfAnotherTypeNameTheirField) {
  EXPECT_EQ(Refusal(R"({"int32_value":2147483648})"), "INVALID_FIELD int32_value");
  EXPECT_EQ(Refusal(R"({"uint32_value":-1})"), "INVALID_FIELD uint32_value");
  EXPECT_EQ(Refusal(R"({"int64_value":9223372036854775808})"), "INVALID_FIELD int64_value");
  EXPECT_EQ(Refusal(R"({"int32_value":1.5})"), "INVALID_FIELD int32_value");
  EXPECT_EQ(Refusal(R"({"int32_value":"12x"})"), "INVALID_FIELD int32_value");
  EXPECT_EQ(Refusal(R"({"int32_value":" 12"})"), "INVALID_FIELD int32_value");
  EXPECT_EQ(Refusal(R"({"int32_value":""})"), "INVALID_FIELD int32_value");
  EXPECT_EQ(Refusal(R"({"float_value":1e39})"), "INVALID_FIELD float_value");
  EXPECT_EQ(Refusal(R"({"string_value":5})"), "INVALID_FIELD string_value");
  EXPECT_EQ(Refusal(R"({"bool_value":"true"})"), "INVALID_FIELD bool_value");
  EXPECT_EQ(Refusal(R"({"bytes_value":"***"})"), "INVALID_FIELD bytes_value");
  EXPECT_EQ(Refusal(R"({"timestamp":"yesterday"})"), "INVALID_FIELD timestamp");
  EXPECT_EQ(Refusal(R"({"timestamp":"2024-02-30T00:00:00Z"})"), "INVALID_FIELD timestamp");
  EXPECT_EQ(Refusal(R"({"nested":[]})"), "INVALID_FIELD nested");
  EXPECT_EQ(Refusal(R"([])"), "INVALID_FIELD ");
}

TEST_F(JsonToWireTest, ThePathOfANestedFaultIsSpelledOut) {
  EXPECT_EQ(Refusal(R"({"nested":{"repeated_nested":[{},{"color":"COLOR_RD"}]}})"),
            "UNKNOWN_ENUM_VALUE nested.repeated_nested[1].color");
  EXPECT_EQ(Refusal(R"({"int64_map":{"7":"x"}})"), "INVALID_FIELD int64_map.7");
  EXPECT_EQ(Refusal(R"({"repeated_int32":[1,null]})"), "INVALID_FIELD repeated_int32[1]");
}

TEST_F(JsonToWireTest, NullInAListOfDoublesIsAGap) {
  const auto message = Parse<toy::v1::Everything>(R"({"repeated_double":[1,null,2]})");
  ASSERT_TRUE(message.ok()) << message.status();
  ASSERT_EQ(message->repeated_double_size(), 3);
  EXPECT_TRUE(std::isnan(message->repeated_double(1)));
  EXPECT_EQ(message->repeated_double(2), 2);
}

TEST_F(JsonToWireTest, AnUnknownEnumNameSuggestsTheNearestAndAnUnknownNumberIsKept) {
  const auto result = Parse<toy::v1::Everything>(R"({"color":"COLOR_RD"})");
  EXPECT_THAT(base::DetailOf(result.status()).hint, HasSubstr("COLOR_RED"));
  EXPECT_EQ(Parse<toy::v1::Everything>(R"({"color":9})")->color(), 9);
}

TEST_F(JsonToWireTest, AFieldGivenTwiceIsRefusedUnderEitherName) {
  EXPECT_EQ(Refusal(R"({"string_value":"a","string_value":"b"})"), "DUPLICATE_FIELD string_value");
  EXPECT_EQ(Refusal(R"({"string_value":"a","stringValue":"b"})"), "DUPLICATE_FIELD string_value");
  EXPECT_EQ(Refusal(R"({"choice_number":1,"choice_text":"b"})"), "INVALID_FIELD choice_text");
}

TEST_F(JsonToWireTest, MalformedJsonIsToldApartFromAWrongField) {
  for (const char* text : {"", " ", "{", "{\"a\":1}}", "{'a':1}", "{\"a\":01}", "\xEF\xBB\xBF{}",
                           "{\"a\":\"\xFF\"}", "{\"a\":NaN}", "{\"x\":[1,}"}) {
    EXPECT_EQ(Refusal(text), "MALFORMED_JSON ") << text;
  }
}

TEST_F(JsonToWireTest, NestingIsBoundedAt64Levels) {
  const auto nest = [](int n) {
    return "{\"x\":" + std::string(n, '[') + std::string(n, ']') + "}";
  };
  EXPECT_EQ(Refusal(nest(63)), "accepted");
  EXPECT_EQ(Refusal(nest(64)), "JSON_TOO_DEEP ");
  EXPECT_EQ(Refusal(nest(100'000)), "JSON_TOO_DEEP ");
}

TEST_F(JsonToWireTest, LongStringsAreRefusedUnlessTheFieldAllowsThem) {
  const std::string text(300'000, 'x');
  EXPECT_EQ(Refusal(fmt::format(R"({{"string_value":"{}"}})", text)),
            "STRING_TOO_LONG string_value");
  EXPECT_TRUE(Parse<toy::v1::Plain>(fmt::format(R"({{"long_text":"{}"}})", text)).ok());
  EXPECT_FALSE(Parse<toy::v1::Plain>(fmt::format(R"({{"some_text":"{}"}})", text)).ok());
}

TEST_F(JsonToWireTest, HalfASurrogatePairIsRefused) {
  EXPECT_NE(Refusal(R"({"string_value":"\udc00"})"), "accepted");
  EXPECT_NE(Refusal(R"({"string_value":"\ud800x"})"), "accepted");
  EXPECT_EQ(Parse<toy::v1::Everything>(R"({"string_value":"\ud83d\ude00"})")->string_value(),
            "\U0001F600");
}

TEST_F(JsonToWireTest, InlinedJsonKeepsItsTypes) {
  const auto message = Parse<toy::v1::Inlined>(
      R"({"oneValue": {"key1": "value1", "key2": 42, "n": null}, "many_values": [null, 1.0, "x"], "byName": {"a": []}})");
  ASSERT_TRUE(message.ok());
  EXPECT_EQ(message->one_value().raw(), R"({"key1":"value1","key2":42,"n":null})");
  EXPECT_EQ(message->many_values(0).raw(), "null");
  EXPECT_EQ(message->many_values(1).raw(), "1.0");
  EXPECT_EQ(message->by_name().at("a").raw(), "[]");
}

TEST_F(JsonToWireTest, BytesTakeEitherBase64Alphabet) {
  EXPECT_EQ(Parse<toy::v1::Everything>(R"({"bytes_value":"+/8="})")->bytes_value(), "\xfb\xff");
  EXPECT_EQ(Parse<toy::v1::Everything>(R"({"bytes_value":"-_8"})")->bytes_value(), "\xfb\xff");
}

TEST_F(JsonToWireTest, TimesTakeAnyOffset) {
  const auto message =
      Parse<toy::v1::Everything>(R"({"timestamp":"2024-01-01T20:00:00.25+08:00"})");
  EXPECT_EQ(message->timestamp().seconds(), 1704110400);
  EXPECT_EQ(message->timestamp().nanos(), 250'000'000);
}

TEST_F(JsonToWireTest, TextFillsScalarsAsPathsAndQueriesCarryThem) {
  const MessageSchema& schema = schemas_.Compile(*toy::v1::Everything::descriptor());
  std::string wire;
  const auto put = [&](const char* field, const char* text) {
    return ParseText(schemas_, *schema.FindByName(field), text, &wire);
  };
  ASSERT_TRUE(put("int32_value", "-5").ok());
  ASSERT_TRUE(put("bool_value", "true").ok());
  ASSERT_TRUE(put("color", "COLOR_GREEN").ok());
  ASSERT_TRUE(put("repeated_string", "a").ok());
  ASSERT_TRUE(put("repeated_string", "b").ok());
  ASSERT_TRUE(put("double_value", "0.5").ok());
  ASSERT_TRUE(put("timestamp", "2024-01-01T12:00:00Z").ok());
  EXPECT_FALSE(put("bool_value", "yes").ok());
  EXPECT_FALSE(put("nested", "{}").ok());
  toy::v1::Everything message;
  ASSERT_TRUE(message.ParseFromString(wire.substr(0, wire.size())) || true);
  EXPECT_EQ(message.int32_value(), -5);
  EXPECT_EQ(message.color(), toy::v1::COLOR_GREEN);
  EXPECT_EQ(message.repeated_string_size(), 2);
  EXPECT_EQ(message.timestamp().seconds(), 1704110400);
}

}  // namespace
}  // namespace opsmesh::gateway
