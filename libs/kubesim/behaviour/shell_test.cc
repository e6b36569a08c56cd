// The shell of containers and the table of images, alone.
#include "libs/kubesim/behaviour/kubelet/shell.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/kubesim/behaviour/kubelet/image_table.h"

namespace opsmesh::kubesim {
namespace {

class NoWorld final : public World {
 public:
  bool Resolves(const std::string&, const std::string&) const override { return false; }
  Reach Connect(const std::string&, int, const std::string&, const std::string&,
                int*) const override {
    return Reach::kRefused;
  }
};

std::string Shell(const std::string& script, int* status = nullptr,
                  absl::Duration* took = nullptr) {
  const auto program = CompileShell(script);
  if (!program) return "(unreadable)";
  const ImageTable table = ImageTable::Make(nullptr);
  ShellState state = MakeShell(program, {}, table.Find("busybox"), absl::UnixEpoch());
  std::vector<LogLine> lines;
  RunShell(&state, absl::UnixEpoch() + absl::Hours(2), NoWorld(), &lines);
  std::string text;
  for (const LogLine& line : lines) text += (text.empty() ? "" : "|") + line.text;
  if (status != nullptr) *status = state.over ? state.status : -1;
  if (took != nullptr) *took = state.now - absl::UnixEpoch();
  return text;
}

TEST(ShellTest, ScriptsOfManifestsDoWhatTheyDo) {
  EXPECT_EQ(Shell("echo a; echo b && echo c || echo d"), "a|b|c");
  EXPECT_EQ(Shell("false && echo no; false || echo yes"), "yes");
  EXPECT_EQ(Shell("i=0; while [ $i -lt 3 ]; do echo n$i; i=$((i+1)); done"), "n0|n1|n2");
  EXPECT_EQ(Shell("for x in a b 'c d'; do echo \"<$x>\"; done"), "<a>|<b>|<c d>");
  EXPECT_EQ(Shell("if [ -f /tmp/x ]; then echo there; else echo gone; fi; touch /tmp/x; [ -e "
                  "/tmp/x ] && echo now"),
            "gone|now");
  EXPECT_EQ(Shell("X=${Y:-dflt}; echo $X ${#X}; echo $(echo in; echo side)"), "dflt 4|in side");
  EXPECT_EQ(Shell("case abc in a*) echo yes;; *) echo no;; esac"), "yes");
  EXPECT_EQ(Shell("cat <<EOF\nline $((1+1))\nEOF\necho end"), "line 2|end");
  EXPECT_EQ(Shell("echo one two | grep two | wc -l"), "1");
  EXPECT_EQ(Shell("set -e; echo a; false; echo b"), "a");
  int status = 0;
  absl::Duration took;
  Shell("sleep 5; sleep 0.5; exit 42", &status, &took);
  EXPECT_EQ(status, 42);
  EXPECT_EQ(took, absl::Milliseconds(5500));
  Shell("while true; do :; done", &status);
  EXPECT_EQ(status, -1) << "it goes round without hanging us";
  Shell("tail -f /dev/null", &status);
  EXPECT_EQ(status, -1);
  EXPECT_EQ(Shell("exec 3<&0; foo() { echo x; }; foo"), "(unreadable)");
  EXPECT_EQ(Shell("echo 'open"), "(unreadable)");
  EXPECT_EQ(Shell(std::string(5000, '(')), "(unreadable)");
}

TEST(ShellTest, ScriptsThatCallThemselvesOrNeverEndCostLittle) {
  for (const char* empty : {"( ) & sleep 5", "{ } &", "! ( )", "echo a && ( )", "! && true"})
    EXPECT_EQ(Shell(empty), "(unreadable)") << empty;
  std::string many;
  for (int i = 0; i < 32'000; ++i) many += "! ";
  EXPECT_EQ(Shell(many + "true"), "(unreadable)");
  int status = 0;
  Shell("echo '. /tmp/a' > /tmp/a; . /tmp/a; exit $?", &status);
  EXPECT_EQ(status, 2);
  Shell("x='eval \"$x\"'; eval \"$x\"; exit $?", &status);
  EXPECT_EQ(status, 2);
  std::string behind;
  for (int i = 0; i < 5000; ++i) behind += "exec ";
  Shell(behind + "true", &status);
  EXPECT_EQ(status, 126);
  Shell("for i in $(seq 900); do for j in $(seq 900); do echo $(echo $(seq 9)); done; done",
        &status);
  EXPECT_EQ(status, -1) << "bounded, and not over";
  Shell("sh -c 'while true; do echo x; sleep 0.001; done'", &status);
  EXPECT_EQ(status, -1);
  absl::Duration took;
  Shell("i=0; while [ $i -lt 500 ]; do sleep 0.0000001; i=$((i+1)); done", &status, &took);
  EXPECT_EQ(status, 0);
  EXPECT_GE(took, absl::Milliseconds(500));
}

// A command as people run it: output byte by byte, input that is given or not.
ShellState Typed(const std::string& script, std::optional<std::string> input,
                 const std::map<std::string, std::string>& files = {}) {
  const ImageTable table = ImageTable::Make(nullptr);
  ShellState state = MakeShell(CompileShell(script), {}, table.Find("busybox"), absl::UnixEpoch());
  state.raw = state.keeps_errors = state.child = true;
  state.may_ask = !input;
  state.input = input.value_or("");
  state.files = files;
  std::vector<LogLine> lines;
  RunShell(&state, absl::UnixEpoch() + absl::Hours(1), NoWorld(), &lines);
  return state;
}

TEST(ShellTest, CommandsThatPeopleRunAnswerByteByByteAndReadTheirInput) {
  EXPECT_EQ(Typed("printf ab", "").written, "ab");
  EXPECT_EQ(Typed("ls /nosuch; echo x", "").errors, "ls: /nosuch: No such file or directory\n");
  EXPECT_EQ(Typed("cat", "one\ntwo").written, "one\ntwo");
  EXPECT_EQ(Typed("sh -c 'cat > /tmp/x; wc -c < /tmp/x'", "12345").files["/tmp/x"], "12345");
  EXPECT_EQ(Typed("read a; read b; echo $b$a", "1\n2\n").written, "21\n");
  EXPECT_EQ(Typed("sh", "echo from input").written, "from input\n");
  for (const char* asks : {"cat", "sh -c 'sort'", "tar xf - -C /tmp", "grep x", "tee /tmp/y"})
    EXPECT_TRUE(Typed(asks, std::nullopt).wants_input) << asks;
  for (const char* needs_none : {"cat /etc/passwd", "ls", "echo hi | cat", "cat < /etc/passwd",
                                 "tar cf - /tmp", "grep root /etc/passwd", "kill -s TERM 2"})
    EXPECT_FALSE(Typed(needs_none, std::nullopt).wants_input) << needs_none;
}

TEST(ShellTest, AScriptThatNamesNewThingsForEverKeepsSoManyOfThem) {
  const ShellState state = Typed(
      "i=1; kept=0; while [ $i -lt 3000 ]; do export v$i=1; rm -f /tmp/gone$i; nc -l $i & "
      "dd if=/dev/zero of=/tmp/$i bs=1M count=1 2>/dev/null && kept=$((kept+1)); i=$((i+1)); done; "
      "echo $i $kept; fallocate -l 1M /tmp/more 2>&1",
      "");
  EXPECT_TRUE(state.over);
  EXPECT_EQ(state.written, "3000 256\nfallocate: /tmp/more: No space left on device\n")
      << "what was there before goes on, and what has no room is told";
  EXPECT_LE(state.variables.size(), 1024u);
  EXPECT_LE(state.files.size(), 256u);
  EXPECT_LE(state.sizes.size(), 256u);
  EXPECT_LE(state.removed.size(), 1u);
  EXPECT_EQ(state.listeners.size(), 64u);
}

TEST(ShellTest, WhatWasRemovedCanBeMadeAgain) {
  EXPECT_EQ(Shell("rm -rf /tmp; [ -d /tmp ] || echo gone; mkdir /tmp; [ -d /tmp ] && echo there"),
            "gone|there");
  EXPECT_EQ(Shell("mkdir -p /a/b; rm -rf /a; [ -d /a ] || echo gone; mkdir /a; [ -d /a ] && echo "
                  "there"),
            "gone|there");
}

TEST(ShellTest, ToolsThatTellOfTheMachineSaySomething) {
  EXPECT_EQ(
      Shell("dd if=/dev/zero of=/tmp/x bs=1M count=2048 2>/dev/null; du -h /tmp/x; rm /tmp/x; "
            "du /tmp/x"),
      "2.0G\t/tmp/x|0\t/tmp/x");
  EXPECT_EQ(Shell("df | wc -l"), "3") << "the title, the root and /dev";
  EXPECT_NE(Shell("free -g").find(" 16           5 "), std::string::npos);
  EXPECT_EQ(Shell("ps aux | head -n 1"), "PID   USER     TIME  COMMAND");
  EXPECT_EQ(Shell("uname; uname -sr"), "Linux|Linux 6.1.0-31-amd64");
  EXPECT_NE(Shell("top -bn1").find("COMMAND"), std::string::npos);
  EXPECT_NE(Shell("uptime").find("load average"), std::string::npos);
}

TEST(ShellTest, ArchivesComeBackAsTheyWere) {
  const std::map<std::string, std::string> files = {
      {"/data/.", ""},
      {"/data/a.txt", "alpha\n"},
      {"/data/deep/er/b.bin", std::string("\0\1\2binary", 9)},
      {"/data/" + std::string(120, 'd') + "/long.txt", "long"}};
  const std::string archive = Typed("tar cf - -C / data", "", files).written;
  EXPECT_EQ(archive.size() % 512, 0u);
  ShellState copy = Typed("tar xmf - -C /tmp", archive);
  EXPECT_EQ(copy.errors, "");
  EXPECT_EQ(copy.files["/tmp/data/a.txt"], "alpha\n");
  EXPECT_EQ(copy.files["/tmp/data/deep/er/b.bin"], std::string("\0\1\2binary", 9));
  EXPECT_EQ(copy.files["/tmp/data/" + std::string(120, 'd') + "/long.txt"], "long");
  EXPECT_EQ(Typed("tar tf -", Typed("tar cf - /data/a.txt", "", files).written).written,
            "data/a.txt\n");
  EXPECT_EQ(Typed("tar cf - /nosuch", "").status, 2);
  EXPECT_EQ(Typed("tar xf - -C /nosuch", archive).status, 1);
  EXPECT_EQ(Typed("tar xf - -C /tmp", archive.substr(0, 700)).errors, "tar: short read\n");
  EXPECT_EQ(Typed("tar xf - -C /tmp", Typed("tar cf - ../../etc/hosts", "").written)
                .files.count("/etc/hosts"),
            0u)
      << "nothing leaves the folder it is unpacked into";
}

TEST(ImageTableTest, NamesAreTakenApartAndJudged) {
  const ImageTable table = ImageTable::Make(nullptr);
  for (const char* image :
       {"nginx", "nginx:1.27.3-alpine", "nginx:latest", "postgres:16", "redis:7.2-alpine3.20",
        "python:3.12-slim-bookworm", "node:22", "busybox:1.36", "mysql:8.0.39",
        "registry.example.com/shop/cart:2.4.1", "ghcr.io/acme/thing:v1",
        "registry.k8s.io/pause:3.10", "mirror.example.com/library/redis:7"}) {
    EXPECT_EQ(table.Pull(image, false).error, "") << image;
  }
  for (const char* image :
       {"nginx:1.161", "nginx:no-such-tag", "nginxx", "acme/app:1",
        "registry.example.com/shop/does-not-exist:1", "ghost.invalid/app:1", "nginx:99.99"}) {
    EXPECT_NE(table.Pull(image, false).error, "") << image;
  }
  EXPECT_FALSE(ImageName::Parse("UPPER/Case:1"));
  EXPECT_FALSE(ImageName::Parse("nginx:"));
  EXPECT_EQ(ImageName::Parse("a.b:5000/x/y:t")->Full(), "a.b:5000/x/y:t");
}

}  // namespace
}  // namespace opsmesh::kubesim
