// Requests that attack, each with the verdict it must get. The table is ours and always runs; the
// shared corpora run where they lie beside the clone.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/http_server/request_parser.h"
#include "libs/http_server/verdict.h"

namespace opsmesh::http_server {
namespace {

using namespace std::string_literals;

struct Hostile {
  std::string name;
  std::string bytes;
  std::string verdict;
};

const std::string kHost = "Host: a\r\n";
const std::string kPost = "POST /a HTTP/1.1\r\nHost: a\r\n";
const std::string kChunked = kPost + "Transfer-Encoding: chunked\r\n\r\n";
const std::string kNext = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";

std::string Get(const std::string& target, const std::string& fields = kHost) {
  return "GET " + target + " HTTP/1.1\r\n" + fields + "\r\n";
}

std::vector<Hostile> RequestLines() {
  return {
      {"plain", Get("/"), "1 keep"},
      {"three pipelined", Get("/1") + Get("/2") + Get("/3"), "3 keep"},
      {"one empty line before", "\r\n" + Get("/"), "1 keep"},
      {"two empty lines before", "\r\n\r\n" + Get("/"), "0 400 MALFORMED_REQUEST_LINE"},
      {"LF only", "GET / HTTP/1.1\nHost: a\n\n", "0 400 BARE_LINE_FEED"},
      {"LF in the middle of the head", "GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n",
       "0 400 BARE_LINE_FEED"},
      {"lower-case method", "get / HTTP/1.1\r\nHost: a\r\n\r\n", "0 400 MALFORMED_REQUEST_LINE"},
      {"mixed-case method", "GeT / HTTP/1.1\r\nHost: a\r\n\r\n", "0 405 METHOD_NOT_ALLOWED"},
      {"TRACE", "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", "0 405 METHOD_NOT_ALLOWED"},
      {"CONNECT", "CONNECT 10.0.0.1:80 HTTP/1.1\r\nHost: a\r\n\r\n", "0 405 METHOD_NOT_ALLOWED"},
      {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "0 400 UNSUPPORTED_VERSION"},
      {"HTTP/0.9", "GET /\r\n", "0 400 MALFORMED_REQUEST_LINE"},
      {"HTTP/1.2", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", "0 400 UNSUPPORTED_VERSION"},
      {"version in lower case", "GET / http/1.1\r\nHost: a\r\n\r\n", "0 400 UNSUPPORTED_VERSION"},
      {"two spaces", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", "0 400 UNSUPPORTED_VERSION"},
      {"space behind the version", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n",
       "0 400 UNSUPPORTED_VERSION"},
      {"tab for a space", "GET\t/\tHTTP/1.1\r\nHost: a\r\n\r\n", "0 400 MALFORMED_REQUEST_LINE"},
      {"a TLS hello on a plain port", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"s,
       "0 400 MALFORMED_REQUEST_LINE"},
      {"absolute form", Get("http://10.0.0.1/latest"), "0 400 MALFORMED_TARGET"},
      {"asterisk form", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "0 400 MALFORMED_TARGET"},
      {"fragment", Get("/a#b"), "0 400 MALFORMED_TARGET"},
      {"control character in the query", Get("/a?b=\x01"), "0 400 MALFORMED_TARGET"},
      {"raw UTF-8 in the query", Get("/a?q=中文"), "1 keep"},
      {"broken UTF-8 in the query", Get("/a?q=\xc3("), "0 400 FORBIDDEN_PATH"},
      {"braces and quotes in the query", Get("/a?query=up{job=\"x\"}|y"), "1 keep"},
      {"target of 8 kB", Get("/" + std::string(8191, 'a')), "1 keep"},
      {"target of 8 kB and a byte", Get("/" + std::string(8192, 'a')), "0 414 TARGET_TOO_LONG"},
      {"target without an end", "GET /" + std::string(9000, 'a'), "0 414 TARGET_TOO_LONG"},
  };
}

std::vector<Hostile> Paths() {
  return {
      {"escaped space and UTF-8", Get("/a%20%E4%B8%AD"), "1 keep"},
      {"dots that are no segment", Get("/a..b/.c/d."), "1 keep"},
      {"..", Get("/a/../b"), "0 400 FORBIDDEN_PATH"},
      {".. at the end", Get("/a/.."), "0 400 FORBIDDEN_PATH"},
      {". segment", Get("/./a"), "0 400 FORBIDDEN_PATH"},
      {"encoded ..", Get("/%2e%2E/b"), "0 400 FORBIDDEN_PATH"},
      {"half encoded ..", Get("/.%2e/b"), "0 400 FORBIDDEN_PATH"},
      {"twice encoded ..", Get("/%252e%252e/b"), "0 400 FORBIDDEN_PATH"},
      {"encoded slash", Get("/a%2fb"), "0 400 FORBIDDEN_PATH"},
      {"backslash", Get("/a\\b"), "0 400 FORBIDDEN_PATH"},
      {"encoded backslash", Get("/a%5cb"), "0 400 FORBIDDEN_PATH"},
      {"encoded NUL", Get("/a%00"), "0 400 FORBIDDEN_PATH"},
      {"encoded CRLF", Get("/a%0d%0aX:%201"), "0 400 FORBIDDEN_PATH"},
      {"encoded DEL", Get("/a%7f"), "0 400 FORBIDDEN_PATH"},
      {"broken escape", Get("/a%zz"), "0 400 FORBIDDEN_PATH"},
      {"cut escape", Get("/a%2"), "0 400 FORBIDDEN_PATH"},
      {"overlong UTF-8", Get("/%c0%ae"), "0 400 FORBIDDEN_PATH"},
      {"surrogate in UTF-8", Get("/%ed%a0%80"), "0 400 FORBIDDEN_PATH"},
      {"a per cent sign that escapes nothing", Get("/100%25"), "1 keep"},
  };
}

std::vector<Hostile> Fields() {
  std::string hundred = kHost;
  for (int i = 1; i < 100; ++i) hundred += "X: 1\r\n";
  return {
      {"no Host", Get("/", "X: 1\r\n"), "0 400 MALFORMED_HOST"},
      {"two Hosts", Get("/", "Host: a\r\nHost: a\r\n"), "0 400 MALFORMED_HOST"},
      {"empty Host", Get("/", "Host:\r\n"), "0 400 MALFORMED_HOST"},
      {"Host with a path", Get("/", "Host: a/b\r\n"), "0 400 MALFORMED_HOST"},
      {"Host with a user", Get("/", "Host: u@a\r\n"), "0 400 MALFORMED_HOST"},
      {"Host with a list", Get("/", "Host: a, b\r\n"), "0 400 MALFORMED_HOST"},
      {"Host with a strange port", Get("/", "Host: a:8o80\r\n"), "0 400 MALFORMED_HOST"},
      {"IPv6 Host with a port", Get("/", "Host: [::1]:8888\r\n"), "1 keep"},
      {"folded field", Get("/", kHost + "X: 1\r\n 2\r\n"), "0 400 OBSOLETE_LINE_FOLDING"},
      {"folded first field", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", "0 400 OBSOLETE_LINE_FOLDING"},
      {"space before the colon", Get("/", kHost + "X : 1\r\n"), "0 400 MALFORMED_HEADER"},
      {"no colon", Get("/", kHost + "X\r\n"), "0 400 MALFORMED_HEADER"},
      {"no name", Get("/", kHost + ": 1\r\n"), "0 400 MALFORMED_HEADER"},
      {"NUL in a value", Get("/", kHost + "X: a\0b\r\n"s), "0 400 MALFORMED_HEADER"},
      {"CR in a value", Get("/", kHost + "X: a\rb\r\n"), "0 400 BARE_CARRIAGE_RETURN"},
      {"CR for CRLF", "GET / HTTP/1.1\rHost: a\r\r", "0 400 BARE_CARRIAGE_RETURN"},
      {"form feed in a value", Get("/", kHost + "X: a\fb\r\n"), "0 400 MALFORMED_HEADER"},
      {"UTF-8 in a name", Get("/", kHost + "名: 1\r\n"), "0 400 MALFORMED_HEADER"},
      {"UTF-8 in a value", Get("/", kHost + "X: 名\r\n"), "1 keep"},
      {"100 fields", Get("/", hundred), "1 keep"},
      {"101 fields", Get("/", hundred + "X: 1\r\n"), "0 431 TOO_MANY_HEADERS"},
      {"fields over 16 kB", Get("/", kHost + "X: " + std::string(16 << 10, 'a') + "\r\n"),
       "0 431 HEADER_TOO_LARGE"},
      {"a field without an end", "GET / HTTP/1.1\r\nX: " + std::string(17 << 10, 'a'),
       "0 431 HEADER_TOO_LARGE"},
      {"Expect something else", kPost + "Expect: 200-ok\r\n\r\n", "0 417 EXPECTATION_FAILED"},
      {"Expect twice at once", kPost + "Expect: 100-continue, 100-continue\r\n\r\n",
       "0 417 EXPECTATION_FAILED"},
      {"Expect without a body", kPost + "Expect: 100-continue\r\n\r\n", "1 keep"},
      {"close", Get("/", kHost + "Connection: keep-alive, CLOSE\r\n") + kNext, "1 close"},
      {"HTTP/1.0", "GET / HTTP/1.0\r\nHost: a\r\n\r\n" + kNext, "1 close"},
      {"HTTP/1.0 that asks to stay",
       "GET / HTTP/1.0\r\nHost: a\r\nConnection: Keep-Alive\r\n\r\n" + kNext, "2 keep"},
  };
}

std::vector<Hostile> Lengths() {
  const auto te = [](const std::string& value) {
    return kPost + "Transfer-Encoding:" + value + "\r\n\r\n0\r\n\r\n" + kNext;
  };
  const auto cl = [](const std::string& value) {
    return kPost + "Content-Length:" + value + "\r\n\r\n{}";
  };
  return {
      {"length", cl(" 2"), "1 keep"},
      {"length with zeroes", cl(" 002"), "1 keep"},
      {"length twice the same", cl(" 2\r\nContent-Length: 2"), "1 keep"},
      {"length twice, different", cl(" 2\r\nContent-Length: 3"), "0 400 MALFORMED_CONTENT_LENGTH"},
      {"length list", cl(" 2, 2"), "0 400 MALFORMED_CONTENT_LENGTH"},
      {"signed length", cl(" +2"), "0 400 MALFORMED_CONTENT_LENGTH"},
      {"hexadecimal length", cl(" 0x2"), "0 400 MALFORMED_CONTENT_LENGTH"},
      {"empty length", cl(""), "0 400 MALFORMED_CONTENT_LENGTH"},
      {"fraction", cl(" 2.0"), "0 400 MALFORMED_CONTENT_LENGTH"},
      {"overflowing length", cl(" 18446744073709551618"), "0 400 MALFORMED_CONTENT_LENGTH"},
      {"10 GB announced", cl(" 10737418240"), "0 413 BODY_TOO_LARGE"},
      {"1 MiB and a byte announced", cl(" 1048577"), "0 413 BODY_TOO_LARGE"},
      {"cut body", cl(" 3"), "0 incomplete"},
      {"length and chunked", te(" chunked\r\nContent-Length: 3"), "0 400 CONFLICTING_LENGTH"},
      {"chunked and length",
       kPost + "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + kNext,
       "0 400 CONFLICTING_LENGTH"},
      {"chunked", te(" chunked"), "2 keep"},
      {"chunked in other case", te("\tChUnked "), "2 keep"},
      {"chunked twice", te(" chunked\r\nTransfer-Encoding: chunked"),
       "0 400 UNSUPPORTED_TRANSFER_ENCODING"},
      {"chunked list", te(" chunked, chunked"), "0 400 UNSUPPORTED_TRANSFER_ENCODING"},
      {"gzip, chunked", te(" gzip, chunked"), "0 400 UNSUPPORTED_TRANSFER_ENCODING"},
      {"identity", te(" identity"), "0 400 UNSUPPORTED_TRANSFER_ENCODING"},
      {"quoted", te(" \"chunked\""), "0 400 UNSUPPORTED_TRANSFER_ENCODING"},
      {"with a parameter", te(" chunked;a=b"), "0 400 UNSUPPORTED_TRANSFER_ENCODING"},
      {"empty", te(""), "0 400 UNSUPPORTED_TRANSFER_ENCODING"},
      {"vertical tab", te(" \vchunked"), "0 400 MALFORMED_HEADER"},
      {"NUL", te(" chunked\0"s), "0 400 MALFORMED_HEADER"},
      {"folded", te("\r\n chunked"), "0 400 UNSUPPORTED_TRANSFER_ENCODING"},
      {"in HTTP/1.0", "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
       "0 400 CONFLICTING_LENGTH"},
  };
}

std::vector<Hostile> Chunks() {
  return {
      {"two chunks", kChunked + "2\r\nab\r\n1\r\nc\r\n0\r\n\r\n" + kNext, "2 keep"},
      {"zeroes before the size", kChunked + "0002\r\nab\r\n000\r\n\r\n", "1 keep"},
      {"extension", kChunked + "2;a;b=c;d=\"e\\\"f\"\r\nab\r\n0;x\r\n\r\n", "1 keep"},
      {"extension of 256 bytes", kChunked + "2;" + std::string(255, 'a') + "\r\nab\r\n0\r\n\r\n",
       "1 keep"},
      {"extension of 257 bytes", kChunked + "2;" + std::string(256, 'a') + "\r\nab\r\n0\r\n\r\n",
       "0 400 MALFORMED_CHUNK"},
      {"extension without an end", kChunked + "2;" + std::string(400, 'a'),
       "0 400 MALFORMED_CHUNK"},
      {"empty extension", kChunked + "2;\r\nab\r\n0\r\n\r\n", "0 400 MALFORMED_CHUNK"},
      {"open quote in an extension", kChunked + "2;a=\"b\r\nab\r\n0\r\n\r\n",
       "0 400 MALFORMED_CHUNK"},
      {"LF in an extension", kChunked + "2;a\nb\r\nab\r\n0\r\n\r\n", "0 400 BARE_LINE_FEED"},
      {"space behind the size", kChunked + "2 \r\nab\r\n0\r\n\r\n", "0 400 MALFORMED_CHUNK"},
      {"LF for CRLF", kChunked + "2\nab\n0\n\n", "0 400 BARE_LINE_FEED"},
      {"0x", kChunked + "0x2\r\nab\r\n0\r\n\r\n", "0 400 MALFORMED_CHUNK"},
      {"minus", kChunked + "-1\r\nab\r\n0\r\n\r\n", "0 400 MALFORMED_CHUNK"},
      {"no size", kChunked + "\r\nab\r\n0\r\n\r\n", "0 400 MALFORMED_CHUNK"},
      {"size of 17 digits", kChunked + "10000000000000002\r\nab\r\n0\r\n\r\n",
       "0 400 MALFORMED_CHUNK"},
      {"size of 2^64 - 1", kChunked + "ffffffffffffffff\r\nab\r\n0\r\n\r\n",
       "0 413 BODY_TOO_LARGE"},
      {"data longer than its size", kChunked + "2\r\nabc\r\n0\r\n\r\n", "0 400 MALFORMED_CHUNK"},
      {"data without CRLF", kChunked + "2\r\nab0\r\n\r\n", "0 400 MALFORMED_CHUNK"},
      {"no last chunk", kChunked + "2\r\nab\r\n", "0 incomplete"},
      {"trailer", kChunked + "0\r\nX-Sum: 1\r\n\r\n" + kNext, "2 keep"},
      {"Content-Length as a trailer", kChunked + "0\r\nContent-Length: 9\r\n\r\n",
       "0 400 MALFORMED_TRAILER"},
      {"Authorization as a trailer", kChunked + "0\r\nAuthorization: x\r\n\r\n",
       "0 400 MALFORMED_TRAILER"},
      {"folded trailer", kChunked + "0\r\nX: 1\r\n 2\r\n\r\n", "0 400 MALFORMED_TRAILER"},
      {"trailers over 16 kB", kChunked + "0\r\nX: " + std::string(17 << 10, 'a'),
       "0 431 HEADER_TOO_LARGE"},
  };
}

std::vector<Hostile> AllHostile() {
  std::vector<Hostile> all;
  for (auto part : {RequestLines(), Paths(), Fields(), Lengths(), Chunks()}) {
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream bytes;
  bytes << in.rdbuf();
  return bytes.str();
}

TEST(HostileRequests, EachGetsItsVerdictOverASocket) {
  JudgingServer server;
  for (const Hostile& hostile : AllHostile()) {
    EXPECT_EQ(server.Judge(hostile.bytes), hostile.verdict) << hostile.name;
  }
}

// The parser on its own, fed in pieces.
std::string ParseInPieces(const std::string& bytes, size_t first) {
  std::string outcome;
  Request request;
  RequestParser parser(RequestParser::HeadLimits{});
  parser.Reset(&request);
  std::string buffer;
  for (const std::string& piece : {bytes.substr(0, first), bytes.substr(first)}) {
    buffer += piece;
    while (true) {
      size_t used = 0;
      const auto result = parser.Consume(buffer, &used);
      buffer.erase(0, used);
      if (result == RequestParser::Result::kNeedMore) break;
      if (result == RequestParser::Result::kHeadDone &&
          parser.SetMaxBody(1 << 20) != RequestParser::Result::kError)
        continue;
      if (result == RequestParser::Result::kDone) {
        outcome += request.method + " " + request.path + " " + request.body + "\n";
        request = {};
        parser.Reset(&request);
        continue;
      }
      return outcome + std::string(parser.error().reason);
    }
  }
  return outcome + (parser.started() ? "more" : "end");
}

TEST(HostileRequests, TheVerdictDoesNotDependOnWhereThePacketsAreCut) {
  for (const Hostile& hostile : AllHostile()) {
    const std::string whole = ParseInPieces(hostile.bytes, 0);
    const size_t step = hostile.bytes.size() > 1000 ? 97 : 1;
    for (size_t cut = 1; cut < hostile.bytes.size(); cut += step) {
      ASSERT_EQ(ParseInPieces(hostile.bytes, cut), whole) << hostile.name << " cut at " << cut;
    }
  }
}

TEST(HostileRequests, TheSharedCorpusIsJudgedByItsNames) {
  const char* source = std::getenv("OPSMESH_SOURCE_DIR");
  const auto folder =
      std::filesystem::path(source == nullptr ? "." : source) / "../shared/badinputs/own/http1";
  if (!std::filesystem::exists(folder)) {
    std::cout << "NOT RUN: there is no " << folder << "; only our own corpus was judged.\n";
    GTEST_SKIP();
  }
  JudgingServer server;
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename();
    const std::string verdict = server.Judge(ReadFile(entry.path()));
    if (name.starts_with("accept_")) {
      EXPECT_EQ(verdict, name == "accept_pipelined_3.raw" ? "3 keep" : "1 keep") << name;
    } else {
      EXPECT_THAT(verdict, testing::MatchesRegex("0 4[0-9][0-9] [A-Z_]+")) << name;
    }
    ++files;
  }
  EXPECT_GE(files, 60);
}

}  // namespace
}  // namespace opsmesh::http_server
