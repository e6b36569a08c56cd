// What carries exec, attach and port-forward, and the shell behind them, alone: the client's half
// of SPDY is written here, from the draft.
#include <zlib.h>

#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "libs/kubesim/api/pod_ports.h"
#include "libs/kubesim/api/pod_shell.h"
#include "libs/kubesim/door/spdy.h"

namespace opsmesh::kubesim {
namespace {

std::string Number(uint64_t value, int bytes) {
  std::string text;
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8)
    text.push_back(static_cast<char>(value >> shift));
  return text;
}

// Frames of a client that compresses its headers without the dictionary, as it may.
class SpdyClient {
 public:
  SpdyClient() { deflateInit(&stream_, Z_DEFAULT_COMPRESSION); }
  ~SpdyClient() { deflateEnd(&stream_); }
  std::string Open(uint32_t id, const std::vector<std::pair<std::string, std::string>>& headers,
                   bool ends = false) {
    std::string block = Number(headers.size(), 4);
    for (const auto& [name, value] : headers)
      block += Number(name.size(), 4) + name + Number(value.size(), 4) + value;
    const std::string body = Number(id, 4) + Number(0, 4) + Number(0, 2) + Pack(block);
    return Number(0x8003, 2) + Number(1, 2) + Number(ends ? 1 : 0, 1) + Number(body.size(), 3) +
           body;
  }
  static std::string Data(uint32_t id, const std::string& text, bool end = false) {
    return Number(id, 4) + Number(end ? 1 : 0, 1) + Number(text.size(), 3) + text;
  }

 private:
  std::string Pack(const std::string& text) {
    std::string out(text.size() + 1024, '\0');
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    stream_.avail_in = static_cast<uInt>(text.size());
    stream_.next_out = reinterpret_cast<Bytef*>(out.data());
    stream_.avail_out = static_cast<uInt>(out.size());
    deflate(&stream_, Z_SYNC_FLUSH);
    out.resize(out.size() - stream_.avail_out);
    return out;
  }
  z_stream stream_{};
};

struct Seen {
  std::vector<std::string> lines;
  std::string sent;
  SpdySession session{{[this](SpdySession::StreamId id, const SpdySession::Fields& fields) {
                         std::string line = "open " + std::to_string(id);
                         for (const auto& [name, value] : fields) line += " " + name + "=" + value;
                         lines.push_back(line);
                       },
                       [this](SpdySession::StreamId id, std::string_view data, bool end) {
                         lines.push_back("data " + std::to_string(id) + " " + std::string(data) +
                                         (end ? " end" : ""));
                       }},
                      [this](std::string bytes) { sent += bytes; }};
};

TEST(SpdyTest, StreamsOpenCarryDataAndEndHoweverTheirBytesArrive) {
  for (size_t step : {size_t{1}, size_t{5}, size_t{4096}}) {
    SpdyClient client;
    // One after the other: their headers are one compressed stream.
    std::string text = client.Open(1, {{"streamType", "error"}, {"port", "80"}}, true);
    text += client.Open(3, {{"streamtype", "data"}});
    text += SpdyClient::Data(3, "hello") + SpdyClient::Data(3, "", true);
    Seen seen;
    for (size_t at = 0; at < text.size(); at += step)
      ASSERT_TRUE(seen.session.Read(text.substr(at, step)));
    EXPECT_EQ(seen.lines,
              (std::vector<std::string>{"open 1 port=80 streamtype=error", "data 1  end",
                                        "open 3 streamtype=data", "data 3 hello", "data 3  end"}));
  }
}

TEST(SpdyTest, EachStreamIsAnsweredPingsComeBackAndAnEndIsAnEnd) {
  SpdyClient client;
  Seen seen;
  ASSERT_TRUE(seen.session.Read(client.Open(1, {{"streamtype", "data"}})));
  EXPECT_EQ(seen.sent.substr(0, 4), std::string("\x80\x03\x00\x02", 4)) << "SYN_REPLY";
  seen.sent.clear();
  const std::string ping = Number(0x8003, 2) + Number(6, 2) + Number(0, 1) + Number(4, 3);
  ASSERT_TRUE(seen.session.Read(ping + Number(7, 4)));
  EXPECT_EQ(seen.sent, ping + Number(7, 4));
  seen.sent.clear();
  seen.session.Send(1, "bye", true);
  seen.session.Send(1, "too late", false);
  seen.session.Send(99, "nobody", false);
  EXPECT_EQ(seen.sent, SpdyClient::Data(1, "bye", true));
}

TEST(SpdyTest, BytesThatAreNoSpdyEndTheSession) {
  SpdyClient client;
  const std::string good = client.Open(1, {{"a", "b"}});
  for (const std::string& bad :
       {std::string("GET / HTTP/1.1\r\n\r\n"), Number(0x8002, 2) + std::string(6, '\0'),
        Number(1, 4) + Number(0, 1) + Number(0xffffff, 3), SpdyClient().Open(2, {{"a", "b"}}),
        good.substr(0, 18) + std::string(good.size() - 18, '\xff')}) {
    Seen seen;
    EXPECT_FALSE(seen.session.Read(bad)) << bad.size();
  }
}

struct Typist {
  // Stands in for a container: says what it was told, remembers a directory.
  RunInPod run = [this](const PodCommand& command) {
    CommandResult result;
    command.memory->begun = true;
    command.memory->debian = debian;
    const std::string& line = command.argv[0];
    if (line.starts_with("cd ")) command.memory->directory = line.substr(3);
    if (line.starts_with("for ") && line.find("done") == std::string::npos)
      result.end = CommandResult::End::kUnreadable;
    else if (line == "exit 5")
      result = {CommandResult::End::kExited, 5, "", "", true};
    else if (line == "bad")
      result.errors = "bad: not found\n";
    else if (!line.empty())
      result.output = "ran " + line + "\n";
    command.memory->status = line == "bad" ? 127 : 0;
    return result;
  };
  bool debian = false;
  std::string out, err;
  int code = -1;
  PodShell Shell(bool terminal, bool bash = false) {
    PodCommand command{"ns", "web-0", "c", {}};
    command.memory = std::make_shared<ShellMemory>();
    return PodShell(
        command, run, terminal, bash,
        {[this](std::string_view text) { out += text; },
         [this](std::string_view text) { err += text; }, [this](int ended) { code = ended; }});
  }
};

TEST(PodShellTest, AtATerminalLinesAreEchoedEditedAndPrompted) {
  Typist typist;
  PodShell shell = typist.Shell(true);
  shell.Begin();
  shell.Type("lz\x7fs\r");
  EXPECT_EQ(typist.out, "/ # lz\b \bs\r\nran ls\r\n/ # ");
  typist.out.clear();
  shell.Type("cd /tmp\r");
  EXPECT_EQ(typist.out, "cd /tmp\r\nran cd /tmp\r\n/tmp # ");
  typist.out.clear();
  shell.Type("half\x03");
  EXPECT_EQ(typist.out, "half^C\r\n/tmp # ");
  typist.out.clear();
  shell.Type("\x1b[A\x1b[A\r");  // up, up: "ls" again
  EXPECT_EQ(typist.out, "cd /tmp\b \b\b \b\b \b\b \b\b \b\b \b\b \bls\r\nran ls\r\n/tmp # ");
  typist.out.clear();
  shell.Type("for i in 1 2\rdo x\rdone\r");
  EXPECT_EQ(typist.out,
            "for i in 1 2\r\n> do x\r\n> done\r\nran for i in 1 2\r\ndo x\r\ndone\r\n/tmp # ");
  shell.Type("bad\r\x04");
  EXPECT_EQ(typist.code, 127) << "a shell ends with the status of its last command";
}

TEST(PodShellTest, PromptsAreThoseOfTheImage) {
  Typist typist;
  typist.debian = true;
  PodShell bash = typist.Shell(true, true), dash = typist.Shell(true);
  bash.Begin();
  dash.Begin();
  EXPECT_EQ(typist.out, "root@web-0:/# # ");
}

TEST(PodShellTest, WithoutATerminalLinesRunSilentlyAndStreamsStayApart) {
  Typist typist;
  PodShell shell = typist.Shell(false);
  shell.Begin();
  shell.Type("one\nba");
  shell.Type("d\nexit 5\nnever\n");
  EXPECT_EQ(typist.out, "ran one\n");
  EXPECT_EQ(typist.err, "bad: not found\n");
  EXPECT_EQ(typist.code, 5);

  Typist other;
  PodShell unfinished = other.Shell(false);
  unfinished.Begin();
  unfinished.Type("for x in a");
  unfinished.EndOfInput();
  EXPECT_EQ(other.code, 2);
  EXPECT_EQ(other.err, "sh: syntax error: unexpected end of file\n");
}

struct Forwarded {
  PodPage page{true, true, 200, "text/plain", "hi\n"};
  std::string answer, error = "(open)";
  std::vector<std::string> asked;
  ForwardedPort port{{"ns", "web", 80},
                     [this](const PodRequest& request) {
                       asked.push_back(request.method + " " + request.path);
                       return page;
                     },
                     {[this](std::string_view bytes) { answer += bytes; },
                      [this](std::string_view why) { error = why; }}};
};

TEST(ForwardedPortTest, RequestsAreAnsweredOneAfterTheOther) {
  Forwarded one;
  one.port.Begin();
  for (char c : std::string("GET /a HTTP/1.1\r\nHost: x\r\n\r\nPOST /b HTTP/1.1\r\n"
                            "content-length: 4\r\n\r\nbodyHEAD /c HTTP/1.1\r\nConnection: "
                            "close\r\n\r\n"))
    one.port.Take({&c, 1});
  EXPECT_EQ(one.asked, (std::vector<std::string>{"GET /", "GET /a", "POST /b", "HEAD /c"}));
  EXPECT_TRUE(one.answer.starts_with("HTTP/1.1 200 OK\r\n")) << one.answer;
  EXPECT_NE(one.answer.find("\r\n\r\nhi\nHTTP/1.1 200 OK\r\n"), std::string::npos);
  EXPECT_TRUE(one.answer.ends_with("Connection: close\r\n\r\n")) << "HEAD has no body";
  EXPECT_EQ(one.error, "");
}

TEST(ForwardedPortTest, WhatDoesNotListenOrIsNoHttpEndsTheConnection) {
  Forwarded refused;
  refused.page.listens = false;
  refused.port.Begin();
  EXPECT_NE(refused.error.find("dial tcp4 127.0.0.1:80: connect: connection refused"),
            std::string::npos);
  Forwarded database;
  database.page.http = false;
  database.port.Begin();
  EXPECT_EQ(database.error, "(open)");
  database.port.Take("\x01");
  EXPECT_EQ(database.error, "");
  Forwarded garbage;
  garbage.port.Begin();
  garbage.port.Take("EHLO example.com\r\n\r\n");
  EXPECT_TRUE(garbage.answer.starts_with("HTTP/1.1 400 Bad Request\r\n"));
  EXPECT_EQ(garbage.error, "");
}

}  // namespace
}  // namespace opsmesh::kubesim
