// A model's stream: any bytes, in pieces cut where the first bytes say. Whatever comes, a reply is
// whole or there is none.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "libs/base/json.h"
#include "libs/base/strings.h"
#include "libs/http_client/sse_reader.h"
#include "libs/llm_provider/stream_decoder.h"
#include "nlohmann/json.hpp"

namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using opsmesh::llm_provider::StreamDecoder;
  if (size < 2) return 0;
  const size_t step = 1 + data[0] % 64;
  const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  std::string streamed;
  StreamDecoder decoder(
      [&](std::string_view piece) {
        Require(opsmesh::base::IsValidUtf8(piece));
        streamed += piece;
        return absl::OkStatus();
      },
      {.max_reply_bytes = 4096, .max_tool_calls = 8});
  opsmesh::http_client::SseReader events(
      [&](std::string_view, std::string_view event) { return decoder.Chunk(event); }, 8192);
  absl::Status status;
  for (size_t at = 0; at < bytes.size() && status.ok(); at += step)
    status = events.Feed(bytes.substr(at, step));
  if (status.ok()) status = events.Finish();
  if (status.ok()) {
    const auto reply = decoder.Finish();
    if (reply.ok()) {
      Require(reply->text == streamed);
      Require(reply->text.size() <= 4096);
      Require(!reply->text.empty() || !reply->tool_calls.empty());
      Require(reply->usage.input_tokens >= 0 && reply->usage.output_tokens >= 0);
      for (size_t i = 0; i < reply->tool_calls.size(); ++i) {
        Require(!reply->tool_calls[i].id.empty());
        for (size_t j = 0; j < i; ++j) Require(reply->tool_calls[i].id != reply->tool_calls[j].id);
      }
    }
  }
  (void)StreamDecoder(nullptr, {.max_reply_bytes = 4096}).Whole(bytes);
  return 0;
}
