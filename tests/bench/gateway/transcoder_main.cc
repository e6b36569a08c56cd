// The table transcoder beside protobuf's json_util, on the messages of the toy contract: prints how
// many times less CPU it needs, as JSON {"case": ratio}. Both do the same work: JSON text to wire
// bytes, and wire bytes to JSON text.
#include <ctime>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "bench.pb.h"
#include "gateway/transcode/json_to_wire.h"
#include "gateway/transcode/schema.h"
#include "gateway/transcode/wire_to_json.h"
#include "google/protobuf/util/json_util.h"

namespace {

using opsmesh::bench::v1::LookupRequest;
using opsmesh::bench::v1::LookupResponse;
namespace gateway = opsmesh::gateway;

double CpuSeconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

// CPU seconds of one call, the best of five batches.
template <typename F>
double Cost(F work) {
  double best = 1e9;
  for (int batch = 0; batch < 5; ++batch) {
    constexpr int kCalls = 4000;
    const double before = CpuSeconds();
    for (int i = 0; i < kCalls; ++i) work();
    best = std::min(best, (CpuSeconds() - before) / kCalls);
  }
  return best;
}

void Require(bool ok) {
  if (!ok) std::abort();
}

double RequestRatio(gateway::SchemaSet& schemas) {
  const std::string json =
      R"({"query": "list all pods in payments-production", "session_id": "session_1234567890", "limit": 100})";
  const gateway::MessageSchema& schema = schemas.Compile(*LookupRequest::descriptor());
  const double tables = Cost([&] {
    std::string wire;
    Require(gateway::ParseMessage(schemas, schema, json, &wire).ok());
  });
  const double util = Cost([&] {
    LookupRequest message;
    Require(google::protobuf::util::JsonStringToMessage(json, &message).ok());
    Require(!message.SerializeAsString().empty());
  });
  return util / tables;
}

double ResponseRatio(gateway::SchemaSet& schemas) {
  LookupResponse response;
  for (int i = 0; i < 8; ++i) {
    auto* row = response.add_rows();
    row->set_name("payment-gateway-7d9c6b5f4-" + std::to_string(10000 + i));
    row->set_namespace_("payments-production");
    row->set_status("CrashLoopBackOff");
    row->set_restarts(i * 7);
    row->set_ready(i % 2 == 0);
  }
  const std::string wire = response.SerializeAsString();
  const gateway::MessageSchema& schema = schemas.Compile(*LookupResponse::descriptor());
  const double tables = Cost([&] {
    std::string json;
    Require(gateway::PrintMessage(schemas, schema, wire, {}, &json).ok());
  });
  google::protobuf::util::JsonPrintOptions options;
  options.always_print_primitive_fields = true;
  options.preserve_proto_field_names = true;
  const double util = Cost([&] {
    LookupResponse message;
    Require(message.ParseFromString(wire));
    std::string json;
    Require(google::protobuf::util::MessageToJsonString(message, &json, options).ok());
  });
  return util / tables;
}

}  // namespace

int main() {
  gateway::SchemaSet schemas(*LookupRequest::descriptor()->file()->pool());
  const double request = RequestRatio(schemas);
  const double response = ResponseRatio(schemas);
  std::printf("{\"100 B of JSON in\": %.2f, \"1 kB of JSON out\": %.2f}\n", request, response);
}
