// The transcoder against protobuf's json_util, over random messages of every type of the contract
// and of toy.proto.
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <random>
#include <set>

#include "gateway/contract/contract.h"
#include "gateway/testing/random_message.h"
#include "gateway/testing/toy_contract.h"
#include "gateway/transcode/json_to_wire.h"
#include "gateway/transcode/wire_to_json.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/dynamic_message.h"
#include "google/protobuf/util/json_util.h"
#include "google/protobuf/util/message_differencer.h"
#include "nlohmann/json.hpp"
#include "opsmesh/type/v1/options.pb.h"
#include "toy.pb.h"

namespace opsmesh::gateway {
namespace {

namespace pb = google::protobuf;

// Set OPSMESH_FUZZ_ROUNDS for a longer run. An unoptimised build does a fifth, to stay within
// seconds.
int Rounds() {
  const char* text = std::getenv("OPSMESH_FUZZ_ROUNDS");
  if (text != nullptr) return std::atoi(text);
#ifdef NDEBUG
  return 120'000;
#else
  return 24'000;
#endif
}

bool MentionsJsonOrOption(const pb::Descriptor& type, std::set<const pb::Descriptor*>* seen) {
  if (type.full_name() == "opsmesh.type.v1.Json" ||
      type.options().GetExtension(opsmesh::type::v1::json).ByteSizeLong() > 0) {
    return true;
  }
  if (!seen->insert(&type).second) return false;
  for (int i = 0; i < type.field_count(); ++i) {
    if (type.field(i)->message_type() != nullptr &&
        MentionsJsonOrOption(*type.field(i)->message_type(), seen)) {
      return true;
    }
  }
  return false;
}

// Requests and responses of all services of the contract, and the messages of toy.proto.
std::vector<const pb::Descriptor*> AllTypes(const Contract& contract) {
  std::set<const pb::Descriptor*> types;
  for (const auto& rpc : contract.rpcs()) {
    types.insert(rpc->method->input_type());
    types.insert(rpc->method->output_type());
  }
  const pb::FileDescriptor* toy = contract.pool().FindFileByName("toy.proto");
  for (int i = 0; toy != nullptr && i < toy->message_type_count(); ++i)
    types.insert(toy->message_type(i));
  std::erase_if(types, [](const auto* type) { return type->full_name() == "google.api.HttpBody"; });
  std::vector<const pb::Descriptor*> sorted(types.begin(), types.end());
  std::sort(sorted.begin(), sorted.end(),
            [](auto* a, auto* b) { return a->full_name() < b->full_name(); });
  return sorted;
}

// Equal as JSON, with numbers compared as the wider of the two notations.
bool SameJson(const nlohmann::json& a, const nlohmann::json& b) {
  if (a.is_number() && b.is_number()) {
    const double x = a.get<double>();
    const double y = b.get<double>();
    return x == y || static_cast<float>(x) == static_cast<float>(y);
  }
  if (a.type() != b.type() || a.size() != b.size()) return false;
  if (a.is_array()) {
    return std::equal(a.begin(), a.end(), b.begin(), SameJson);
  }
  if (a.is_object()) {
    for (const auto& [key, value] : a.items()) {
      if (!b.contains(key) || !SameJson(value, b.at(key))) return false;
    }
    return true;
  }
  return a == b;
}

class DifferentialTest : public testing::Test {
 protected:
  SchemaSet schemas_{*pb::DescriptorPool::generated_pool()};
};

class DifferentialOverTest : public testing::TestWithParam<std::string_view (*)()> {};
INSTANTIATE_TEST_SUITE_P(Contracts, DifferentialOverTest,
                         testing::Values(&OwnDescriptorSet, &ToyDescriptorSet),
                         [](const auto& contract) { return contract.index == 0 ? "Own" : "Toy"; });

pb::util::JsonPrintOptions AsOursPrints() {
  pb::util::JsonPrintOptions print;
  print.preserve_proto_field_names = true;
  print.always_print_primitive_fields = true;
  return print;
}

bool SameMessage(const pb::Message& a, const pb::Message& b) {
  pb::util::MessageDifferencer differencer;
  differencer.set_float_comparison(pb::util::MessageDifferencer::EXACT);
  pb::util::DefaultFieldComparator equal_nan;
  equal_nan.set_treat_nan_as_equal(true);
  differencer.set_field_comparator(&equal_nan);
  return differencer.Compare(a, b);
}

// Ours prints it as `json`, and reads what it printed to the same message.
void CheckRoundTrip(const SchemaSet& schemas, const MessageSchema& schema,
                    const pb::Message& message, bool ascii, bool comparable, std::string* json) {
  const absl::Status printed =
      PrintMessage(schemas, schema, message.SerializeAsString(), {.ascii = ascii}, json);
  ASSERT_TRUE(printed.ok()) << printed << message.DebugString();
  if (ascii) {
    ASSERT_TRUE(std::all_of(json->begin(), json->end(),
                            [](char c) { return static_cast<unsigned char>(c) < 0x80; }));
  }
  std::string back;
  const absl::Status parsed = ParseMessage(schemas, schema, *json, &back);
  ASSERT_TRUE(parsed.ok()) << parsed << "\n" << *json;
  const std::unique_ptr<pb::Message> again(message.New());
  ASSERT_TRUE(again->ParseFromString(back)) << *json;
  if (comparable) {
    ASSERT_TRUE(SameMessage(message, *again)) << *json << "\n" << message.DebugString();
  }
}

// json_util prints the same, and ours reads what json_util prints in its camelCase style.
void CompareWithJsonUtil(const SchemaSet& schemas, const MessageSchema& schema,
                         const pb::Message& message, const std::string& json) {
  std::string theirs, theirs_camel, back, again_printed;
  ASSERT_TRUE(pb::util::MessageToJsonString(message, &theirs, AsOursPrints()).ok());
  ASSERT_TRUE(SameJson(nlohmann::json::parse(json), nlohmann::json::parse(theirs))) << json << "\n"
                                                                                    << theirs;
  ASSERT_TRUE(pb::util::MessageToJsonString(message, &theirs_camel, {}).ok());
  ASSERT_TRUE(ParseMessage(schemas, schema, theirs_camel, &back).ok()) << theirs_camel;
  const std::unique_ptr<pb::Message> again(message.New());
  ASSERT_TRUE(again->ParseFromString(back));
  ASSERT_TRUE(pb::util::MessageToJsonString(*again, &again_printed, AsOursPrints()).ok());
  ASSERT_EQ(nlohmann::json::parse(again_printed), nlohmann::json::parse(theirs));
}

TEST_P(DifferentialOverTest, WhatItPrintsJsonUtilPrintsTooAndBothReadItBack) {
  const auto contract = Contract::Load(GetParam()());
  ASSERT_TRUE(contract.ok()) << contract.status();
  SchemaSet schemas((*contract)->pool());
  pb::DynamicMessageFactory factory(&(*contract)->pool());
  const auto types = AllTypes(**contract);
  ASSERT_GT(types.size(), 9u);
  std::map<const pb::Descriptor*, bool> comparable;
  for (const auto* type : types) {
    std::set<const pb::Descriptor*> seen;
    comparable[type] = !MentionsJsonOrOption(*type, &seen);
  }
  std::mt19937_64 random(20251121);
  size_t compared = 0;
  for (int round = 0; round < Rounds() / 2; ++round) {
    const pb::Descriptor* type = types[random() % types.size()];
    const std::unique_ptr<pb::Message> message(factory.GetPrototype(type)->New());
    FillRandomly(random, static_cast<int>(random() % 3), message.get());
    const MessageSchema& schema = schemas.Compile(*type);
    std::string json;
    ASSERT_NO_FATAL_FAILURE(
        CheckRoundTrip(schemas, schema, *message, random() % 4 == 0, comparable[type], &json));
    if (!comparable[type] || round % 4 != 0) continue;
    ++compared;
    ASSERT_NO_FATAL_FAILURE(CompareWithJsonUtil(schemas, schema, *message, json));
  }
  EXPECT_GT(compared, static_cast<size_t>(Rounds() / 50));
}

TEST_F(DifferentialTest, DamagedWireBytesNeverCrashAndNeverPrintBrokenJson) {
  std::mt19937_64 random(7);
  const MessageSchema& schema = schemas_.Compile(*toy::v1::Everything::descriptor());
  toy::v1::Everything message;
  for (int round = 0; round < Rounds() / 10; ++round) {
    if (round % 50 == 0) {
      message.Clear();
      FillRandomly(random, 2, &message);
    }
    std::string wire = message.SerializeAsString();
    for (size_t n = random() % 4 + 1; n > 0 && !wire.empty(); --n) {
      wire[random() % wire.size()] = static_cast<char>(random());
    }
    if (random() % 3 == 0) wire.resize(random() % (wire.size() + 1));
    std::string json;
    if (PrintMessage(schemas_, schema, wire, {}, &json).ok()) {
      ASSERT_TRUE(nlohmann::json::accept(json)) << json;
    }
  }
}

TEST_F(DifferentialTest, DamagedJsonNeverCrashesAndWhatIsAcceptedIsAMessage) {
  std::mt19937_64 random(8);
  const MessageSchema& schema = schemas_.Compile(*toy::v1::Everything::descriptor());
  toy::v1::Everything message;
  std::string text;
  for (int round = 0; round < Rounds() / 10; ++round) {
    if (round % 50 == 0) {
      message.Clear();
      FillRandomly(random, 2, &message);
      text.clear();
      ASSERT_TRUE(PrintMessage(schemas_, schema, message.SerializeAsString(), {}, &text).ok());
    }
    std::string json = text;
    for (size_t n = random() % 3 + 1; n > 0; --n)
      json[random() % json.size()] = "{}[]:,\"\\0 -e.tn\x80"[random() % 17];
    std::string wire;
    if (ParseMessage(schemas_, schema, json, &wire).ok()) {
      toy::v1::Everything again;
      ASSERT_TRUE(again.ParseFromString(wire)) << json;
    }
  }
}

}  // namespace
}  // namespace opsmesh::gateway
