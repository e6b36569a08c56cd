#include "libs/llm_provider/stream_decoder.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/http_client/sse_reader.h"

namespace opsmesh::llm_provider {
namespace {

using ::testing::ElementsAre;

std::string Delta(const std::string& delta, const std::string& finish = "null") {
  return R"({"choices":[{"index":0,"delta":)" + delta + R"(,"finish_reason":)" + finish + "}]}";
}

struct Decoded {
  absl::Status chunk;
  absl::StatusOr<ChatReply> reply;
  std::vector<std::string> pieces;
};

Decoded Decode(const std::vector<std::string>& chunks, DecoderLimits limits = {}) {
  Decoded decoded;
  StreamDecoder decoder(
      [&](std::string_view piece) {
        decoded.pieces.emplace_back(piece);
        return absl::OkStatus();
      },
      limits);
  for (const std::string& chunk : chunks) {
    decoded.chunk = decoder.Chunk(chunk);
    if (!decoded.chunk.ok()) break;
  }
  decoded.reply = decoded.chunk.ok() ? decoder.Finish() : absl::StatusOr<ChatReply>(decoded.chunk);
  return decoded;
}

std::string Reason(const Decoded& decoded) { return base::DetailOf(decoded.reply.status()).reason; }

std::string CallsOf(const Decoded& decoded) {
  if (!decoded.reply.ok()) return std::string(decoded.reply.status().message());
  std::string text;
  for (const ToolCall& call : decoded.reply->tool_calls)
    text += call.id + ":" + call.name + call.arguments + " ";
  return text;
}

const std::string kCallsDone = Delta("{}", R"("tool_calls")");

TEST(StreamDecoderTest, TextStreamsPieceByPieceAndUsageComesWithTheLastChunk) {
  const Decoded decoded =
      Decode({Delta(R"({"role":"assistant","content":""})"), Delta(R"({"content":"集群"})"),
              Delta(R"({"content":"正常"})"), Delta("{}", R"("stop")"),
              R"({"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":2}})", "[DONE]"});
  ASSERT_TRUE(decoded.reply.ok()) << decoded.reply.status();
  EXPECT_EQ(decoded.reply->text, "集群正常");
  EXPECT_THAT(decoded.pieces, ElementsAre("集群", "正常"));
  EXPECT_EQ(decoded.reply->usage.input_tokens, 7);
  EXPECT_EQ(decoded.reply->finish, Finish::kStop);
}

TEST(StreamDecoderTest, ToolCallsAreJoinedByIndexAlsoWhenTheyInterleave) {
  const Decoded decoded = Decode(
      {Delta(
           R"({"tool_calls":[{"index":0,"id":"a","function":{"name":"one","arguments":"{\"x\""}}]})"),
       Delta(R"({"tool_calls":[{"index":1,"id":"b","function":{"name":"two","arguments":""}}]})"),
       Delta(
           R"({"tool_calls":[{"index":0,"function":{"arguments":":1}"}},{"index":1,"function":{}}]})"),
       kCallsDone});
  EXPECT_EQ(CallsOf(decoded), "a:one{\"x\":1} b:two{} ");
}

TEST(StreamDecoderTest, RepeatedIdsAndNamesAreNotDoubledAndPiecesOfANameAreJoined) {
  EXPECT_EQ(
      CallsOf(Decode(
          {Delta(
               R"({"tool_calls":[{"index":0,"id":"a","function":{"name":"get_","arguments":"{"}}]})"),
           Delta(
               R"({"tool_calls":[{"index":0,"id":"a","function":{"name":"pods","arguments":"}"}}]})"),
           Delta(
               R"({"tool_calls":[{"index":0,"id":"a","function":{"name":"get_pods","arguments":""}}]})"),
           kCallsDone})),
      "a:get_pods{} ");
}

TEST(StreamDecoderTest, CallsAreToldApartByIdWhenEveryIndexIsZeroOrMissing) {
  EXPECT_EQ(
      CallsOf(Decode(
          {Delta(
               R"({"tool_calls":[{"index":0,"id":"a","function":{"name":"one","arguments":"{}"}}]})"),
           Delta(
               R"({"tool_calls":[{"index":0,"id":"b","function":{"name":"two","arguments":"{}"}}]})"),
           kCallsDone})),
      "a:one{} b:two{} ");
  EXPECT_EQ(CallsOf(Decode(
                {Delta(R"({"tool_calls":[{"id":"a","function":{"name":"one","arguments":"{"}}]})"),
                 Delta(R"({"tool_calls":[{"function":{"arguments":"}"}}]})"),
                 Delta(R"({"tool_calls":[{"function":{"name":"two","arguments":{"y":2}}}]})"),
                 kCallsDone})),
            "a:one{} call_2:two{\"y\":2} ");
}

TEST(StreamDecoderTest, TwoCallsUnderOneIdGetIdsOfTheirOwn) {
  EXPECT_EQ(
      CallsOf(Decode(
          {Delta(R"({"tool_calls":[{"index":0,"id":"a","function":{"name":"one","arguments":"{}"}},
                                                    {"index":1,"id":"a","function":{"name":"two","arguments":"{}"}}]})"),
           kCallsDone})),
      "a:one{} a_2:two{} ");
}

TEST(StreamDecoderTest, ACallIsTrustedWhateverTheFinishReasonIsCalled) {
  EXPECT_EQ(
      CallsOf(Decode({Delta(R"({"tool_calls":[{"index":0,"id":"a","function":{"name":"one"}}]})"),
                      Delta("{}", R"("stop")")})),
      "a:one{} ");
  EXPECT_EQ(CallsOf(Decode({Delta(R"({"function_call":{"name":"one","arguments":"{\"a\":"}})"),
                            Delta(R"({"function_call":{"arguments":"1}"}})"),
                            Delta("{}", R"("function_call")")})),
            "call_1:one{\"a\":1} ");
}

TEST(StreamDecoderTest, AnUnfinishedStreamIsNoReply) {
  const std::string call =
      Delta(R"({"tool_calls":[{"index":0,"id":"a","function":{"name":"one","arguments":"{}"}}]})");
  EXPECT_EQ(Reason(Decode({call})), "LLM_INCOMPLETE");
  EXPECT_EQ(Reason(Decode({call, "[DONE]"})),
            "LLM_INCOMPLETE");  // [DONE] alone does not make a call whole
  EXPECT_EQ(Reason(Decode({Delta(R"({"content":"half"})")})), "LLM_INCOMPLETE");
  EXPECT_TRUE(Decode({Delta(R"({"content":"whole"})"), "[DONE]"}).reply.ok());
  EXPECT_TRUE(Decode({Delta(R"({"content":"whole"})"), Delta("{}", R"("stop")")})
                  .reply.ok());  // [DONE] missing
  EXPECT_EQ(Reason(Decode({call, Delta("{}", R"("length")")})), "LLM_REPLY_TOO_LONG");
}

TEST(StreamDecoderTest, ReasoningIsKeptApartHoweverItComes) {
  const Decoded field =
      Decode({Delta(R"({"reasoning_content":"hm"})"), Delta(R"({"content":"yes"})"), "[DONE]"});
  EXPECT_EQ(field.reply->text + "|" + field.reply->reasoning, "yes|hm");
  for (const std::string cut :
       {"<think>hm</think>\n\nyes", "<thi|nk>h|m</thi|nk>\n\nyes", "\n<think>|hm|</think>|yes"}) {
    std::vector<std::string> chunks;
    for (size_t at = 0; at != std::string::npos;) {
      const size_t bar = cut.find('|', at);
      std::string piece = cut.substr(at, bar - at);
      for (size_t nl; (nl = piece.find('\n')) != std::string::npos;) piece.replace(nl, 1, "\\n");
      chunks.push_back(Delta(R"({"content":")" + piece + R"("})"));
      at = bar == std::string::npos ? bar : bar + 1;
    }
    chunks.emplace_back("[DONE]");
    const Decoded decoded = Decode(chunks);
    ASSERT_TRUE(decoded.reply.ok()) << cut;
    EXPECT_EQ(decoded.reply->text + "|" + decoded.reply->reasoning, "yes|hm") << cut;
  }
  EXPECT_EQ(Decode({Delta(R"({"content":"<thin ice"})"), "[DONE]"}).reply->text, "<thin ice");
  EXPECT_EQ(Decode({Delta(R"({"content":"a <think> b"})"), "[DONE]"}).reply->text, "a <think> b");
  EXPECT_EQ(Reason(Decode({Delta(R"({"content":"<think>for ever"})"), "[DONE]"})), "LLM_EMPTY");
}

TEST(StreamDecoderTest, UsageThatCannotBeIsNotBelieved) {
  for (const char* usage : {R"({"prompt_tokens":-1,"completion_tokens":5})",
                            R"({"prompt_tokens":1e30,"completion_tokens":5})",
                            R"({"prompt_tokens":18446744073709551615,"completion_tokens":5})",
                            R"({"prompt_tokens":"3"})"}) {
    const Decoded decoded =
        Decode({Delta(R"({"content":"x"})"), std::string(R"({"choices":[],"usage":)") + usage + "}",
                "[DONE]"});
    ASSERT_TRUE(decoded.reply.ok());
    EXPECT_FALSE(decoded.reply->usage.reported) << usage;
    EXPECT_EQ(decoded.reply->usage.input_tokens, 0);
  }
}

TEST(StreamDecoderTest, AReplyAboveTheLimitIsCut) {
  const Decoded decoded =
      Decode({Delta(R"({"content":"0123456789"})"), Delta(R"({"reasoning_content":"0123456789"})")},
             {.max_reply_bytes = 15});
  EXPECT_EQ(Reason(decoded), "LLM_REPLY_TOO_LONG");
}

TEST(StreamDecoderTest, BrokenChunksAndErrorObjectsEndTheReply) {
  EXPECT_EQ(Reason(Decode({R"({"id":"1","object":"chat.cdata: {"choices":[]}})"})),
            "LLM_MALFORMED");
  EXPECT_EQ(Reason(Decode({"[1]"})), "LLM_MALFORMED");
  EXPECT_EQ(Reason(Decode({R"({"error":{"message":"overloaded","code":503}})"})), "UPSTREAM_ERROR");
  EXPECT_EQ(Reason(Decode({Delta("{}", R"("content_filter")")})), "LLM_CONTENT_FILTER");
  EXPECT_EQ(Reason(Decode({R"({"choices":null})", "[DONE]"})), "LLM_EMPTY");
  for (const char* odd :
       {R"({"choices":[null]})", R"({"choices":[{"delta":[]}]})", R"({"choices":{"a":1}})",
        R"({"choices":[{"delta":{"content":5,"tool_calls":{"a":1}}}]})"}) {
    EXPECT_EQ(Reason(Decode({odd, "[DONE]"})), "LLM_EMPTY") << odd;
  }
}

TEST(StreamDecoderTest, IllFormedUtf8IsReadableButNothingToActOn) {
  const Decoded text = Decode({Delta("{\"content\":\"a\xFF\"}"), "[DONE]"});
  ASSERT_TRUE(text.reply.ok());
  EXPECT_EQ(text.reply->text, "a\xEF\xBF\xBD");
  EXPECT_EQ(Reason(Decode({Delta("{\"tool_calls\":[{\"index\":0,\"function\":{\"name\":\"a\","
                                 "\"arguments\":\"{\\\"n\\\":\\\"\xFF\\\"}\"}}]}"),
                           kCallsDone})),
            "LLM_MALFORMED");
}

TEST(StreamDecoderTest, AWholeCompletionReadsLikeAStream) {
  const auto reply = StreamDecoder(nullptr).Whole(
      R"({"choices":[{"index":0,"message":{"role":"assistant","content":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"one","arguments":"{}"}}]},
      "finish_reason":"tool_calls"}],"usage":{"prompt_tokens":3,"completion_tokens":4}})");
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_EQ(reply->tool_calls.at(0).name, "one");
  EXPECT_EQ(reply->usage.output_tokens, 4);
  EXPECT_EQ(base::DetailOf(StreamDecoder(nullptr).Whole("<html>").status()).reason,
            "LLM_MALFORMED");
}

}  // namespace
}  // namespace opsmesh::llm_provider
