#include "gateway/transcode/wire_to_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "google/protobuf/descriptor.h"
#include "libs/base/error.h"
#include "toy.pb.h"

namespace opsmesh::gateway {
namespace {

using testing::HasSubstr;

class WireToJsonTest : public testing::Test {
 protected:
  std::string Print(const google::protobuf::Message& message, PrintOptions options = {}) {
    return PrintWire(*message.GetDescriptor(), message.SerializeAsString(), options);
  }
  std::string PrintWire(const google::protobuf::Descriptor& type, std::string_view wire,
                        PrintOptions options = {}) {
    std::string json;
    const absl::Status status =
        PrintMessage(schemas_, schemas_.Compile(type), wire, options, &json);
    return status.ok() ? json : std::string(status.message());
  }
  std::string PrintOne(const google::protobuf::Message& message, const char* field) {
    const MessageSchema& schema = schemas_.Compile(*message.GetDescriptor());
    std::string json;
    EXPECT_TRUE(PrintField(schemas_, schema, *schema.FindByName(field), message.SerializeAsString(),
                           {}, &json)
                    .ok());
    return json;
  }

  SchemaSet schemas_{*google::protobuf::DescriptorPool::generated_pool()};
};

TEST_F(WireToJsonTest, ScalarsWithoutPresenceAlwaysPrintInTheOrderDeclared) {
  toy::v1::Plain plain;
  EXPECT_EQ(Print(plain), R"({"some_text":""})");
  toy::v1::EchoRequest request;
  request.set_number(1L << 53);
  EXPECT_EQ(Print(request),
            R"({"number":"9007199254740992","color":"COLOR_UNSPECIFIED","tags":[],"fail_with":"",)"
            R"("delay_ms":0,"labels":{},"numbers":[]})");
}

TEST_F(WireToJsonTest,
       TheMessageOptionChoosesCamelCaseAndLeavesOutWhatIsEmptyAndNestedMessagesDoNotInheritIt) {
  toy::v1::Inlined message;
  EXPECT_EQ(Print(message), "{}");
  message.mutable_one_value()->set_raw(R"({"a": [1,
  2]})");
  message.mutable_plain_part();
  EXPECT_EQ(Print(message), R"({"oneValue":{"a":[1,2]},"plainPart":{"some_text":""}})");
}

TEST_F(WireToJsonTest, AsciiOnlyEscapesEverythingAboveSevenBits) {
  toy::v1::Inlined message;
  message.mutable_plain_part()->set_some_text("\u4e2d\U0001F600\u00e9");
  message.mutable_one_value()->set_raw("\"\u4e2d\"");
  EXPECT_EQ(Print(message, {.ascii = true}),
            R"({"oneValue":"\u4e2d","plainPart":{"some_text":"\u4e2d\ud83d\ude00\u00e9"}})");
}

TEST_F(WireToJsonTest, MapKeysComeInOrder) {
  toy::v1::EchoRequest request;
  for (const char* key : {"b", "a", "c"}) (*request.mutable_labels())[key] = "1";
  EXPECT_THAT(Print(request), HasSubstr(R"("labels":{"a":"1","b":"1","c":"1"})"));
  toy::v1::Everything everything;
  for (const int64_t key : {5, -3, 100}) (*everything.mutable_int64_map())[key] = 0.5;
  EXPECT_THAT(Print(everything), HasSubstr(R"("int64_map":{"-3":0.5,"5":0.5,"100":0.5})"));
}

TEST_F(WireToJsonTest, TheLastMemberOfAOneofOnTheWireCounts) {
  toy::v1::Everything a, b;
  a.set_choice_number(1);
  b.set_choice_text("x");
  const std::string json =
      PrintWire(*a.GetDescriptor(), a.SerializeAsString() + b.SerializeAsString());
  EXPECT_THAT(json, HasSubstr(R"("choice_text":"x")"));
  EXPECT_THAT(json, testing::Not(HasSubstr("choice_number")));
}

TEST_F(WireToJsonTest, AMessageSentInPartsIsMergedAndScatteredListsAreGathered) {
  toy::v1::EchoResponse a, b;
  a.mutable_request()->set_name("n");
  a.mutable_request()->add_tags("1");
  b.mutable_request()->set_text("t");
  b.mutable_request()->add_tags("2");
  const std::string json =
      PrintWire(*a.GetDescriptor(), a.SerializeAsString() + b.SerializeAsString());
  EXPECT_THAT(json, HasSubstr(R"("name":"n","text":"t")"));
  EXPECT_THAT(json, HasSubstr(R"("tags":["1","2"])"));
}

TEST_F(WireToJsonTest, OneFieldAloneIsAnArrayOrNullWhenItIsEmpty) {
  toy::v1::ListItemsResponse list;
  EXPECT_EQ(PrintOne(list, "items"), "[]");
  list.add_items()->set_some_text("a");
  EXPECT_EQ(PrintOne(list, "items"), R"([{"some_text":"a"}])");
  EXPECT_EQ(PrintOne(toy::v1::Inlined(), "one_value"), "null");
  EXPECT_EQ(PrintOne(toy::v1::Inlined(), "many_values"), "[]");
  EXPECT_EQ(PrintOne(toy::v1::CountResponse(), "number"), "0");
}

TEST_F(WireToJsonTest, IllFormedTextIsReplacedAndBrokenJsonIsTheServicesFault) {
  toy::v1::Inlined message;
  EXPECT_EQ(PrintWire(*toy::v1::Plain::descriptor(), "\x0a\x02\xff!"),
            "{\"some_text\":\"\uFFFD!\"}");
  message.mutable_one_value()->set_raw("{oops");
  EXPECT_THAT(Print(message),
              HasSubstr("a Json that is not JSON in opsmesh.toy.v1.Inlined at one_value"));
  message.mutable_one_value()->set_raw(std::string(65, '[') + std::string(65, ']'));
  EXPECT_THAT(Print(message), HasSubstr("not JSON"));
}

TEST_F(WireToJsonTest, NumbersThatAreNoneAreQuotedAsProtobufDoes) {
  toy::v1::Everything message;
  message.add_repeated_double(std::numeric_limits<double>::quiet_NaN());
  message.add_repeated_double(-std::numeric_limits<double>::infinity());
  message.add_repeated_double(0.1);
  message.add_repeated_float(0.1f);
  EXPECT_THAT(Print(message),
              HasSubstr(R"("repeated_double":["NaN","-Infinity",0.1],"repeated_float":[0.1])"));
}

TEST_F(WireToJsonTest, NestingWithoutEndIsRefused) {
  std::string wire;
  for (int i = 0; i < 200; ++i) {
    std::string outer = "\x8a\x01";  // field 17, nested
    for (size_t n = wire.size();; n >>= 7) {
      outer.push_back(static_cast<char>(n < 128 ? n : (n & 127) | 128));
      if (n < 128) break;
    }
    wire = outer + wire;
  }
  EXPECT_THAT(PrintWire(*toy::v1::Everything::descriptor(), wire), HasSubstr("nested too deep"));
}

}  // namespace
}  // namespace opsmesh::gateway
