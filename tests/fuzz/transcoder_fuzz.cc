// The transcoder in both directions. The first byte chooses: JSON -> wire, whose result must be a
// message that prints as JSON and reads back the same; or wire -> JSON, whose result must be JSON.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "gateway/transcode/json_to_wire.h"
#include "gateway/transcode/json_value.h"
#include "gateway/transcode/schema.h"
#include "gateway/transcode/wire_to_json.h"
#include "google/protobuf/descriptor.h"
#include "opsmesh/chat/v1/adk.pb.h"
#include "opsmesh/chat/v1/chat.pb.h"
#include "opsmesh/k8s/v1/action.pb.h"
#include "opsmesh/llm/v1/turn.pb.h"

namespace {

using opsmesh::gateway::MessageSchema;
using opsmesh::gateway::SchemaSet;

const google::protobuf::Descriptor* const kTypes[] = {
    opsmesh::chat::v1::ChatRequest::descriptor(),
    opsmesh::chat::v1::ChatResponse::descriptor(),
    opsmesh::chat::v1::RunAdkRequest::descriptor(),
    opsmesh::k8s::v1::Proposal::descriptor(),
    opsmesh::llm::v1::RunTurnRequest::descriptor(),
    opsmesh::llm::v1::RunTurnResponse::descriptor()};

void Check(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  static auto& schemas = *new SchemaSet(*google::protobuf::DescriptorPool::generated_pool());
  const MessageSchema& schema = schemas.Compile(*kTypes[data[0] / 2 % std::size(kTypes)]);
  const std::string_view input(reinterpret_cast<const char*>(data + 1), size - 1);
  std::string wire;
  std::string json;
  if (data[0] % 2 == 0) {
    if (!ParseMessage(schemas, schema, input, &wire).ok()) return 0;
    Check(PrintMessage(schemas, schema, wire, {}, &json).ok());
    std::string again;
    Check(ParseMessage(schemas, schema, json, &again).ok());
    std::string once_more;
    Check(PrintMessage(schemas, schema, again, {}, &once_more).ok());
    Check(json == once_more);
    return 0;
  }
  for (const bool ascii : {false, true}) {
    json.clear();
    if (!PrintMessage(schemas, schema, input, {.ascii = ascii}, &json).ok()) continue;
    // Nested messages may be deeper than requests may nest: only the shape is judged.
    Check(!json.empty() && (json.front() == '{' || json.front() == '"' || json.front() == 'n'));
    for (const char c : json) Check(!ascii || static_cast<unsigned char>(c) < 0x80);
  }
  return 0;
}
