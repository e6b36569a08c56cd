// What kubectl does inside of containers: exec, cp, run and attach, over either protocol.
#include "gmock/gmock.h"
#include "libs/kubesim/kubectl_verb_testing.h"

namespace opsmesh::kubesim {
namespace {

using testing::HasSubstr;

TEST_F(VerbTest, ExecRunsACommandInAContainer) {
  Becomes("exec -n shop deploy/nginx -- hostname", "^nginx-");  // once its kubelet has looked
  Good("exec -n shop deploy/nginx -- cat /etc/resolv.conf", "search shop\\.svc\\.cluster\\.local");
  Good("exec -n shop deploy/nginx -- printenv KUBERNETES_SERVICE_HOST", "^10\\.96\\.0\\.1\n");
  Good("exec -n shop redis-0 -- sh -c 'mkdir -p /tmp/a; echo kept > /tmp/a/b'", "^$");
  Good("exec -n shop redis-0 -- cat /tmp/a/b", "^kept\n$");
  EXPECT_EQ(session_->Run("exec -n shop deploy/nginx -- sh -c 'exit 3'").code, 3);
  Good("run plain --image=busybox:1.36 -- sleep 3600", "pod/plain created");
  Becomes("get pod plain", "plain +1/1 +Running");
  Bad("exec plain -- nosuch", "executable file not found in $PATH");
  Bad("exec -n shop deploy/nginx -c other -- ls", "container other is not valid for pod nginx-");
  Bad("exec -n shop deploy/nginx -- sleep 100000", "the simulator runs commands that end");
  Bad("exec -n infra deploy/log-shipper -- ls", "container not found (\"log-shipper\")");
}

// SPDY is what kubectl spoke before WebSockets, and what it falls back to.
constexpr char kSpdyOnly[] =
    "KUBECTL_REMOTE_COMMAND_WEBSOCKETS=false KUBECTL_PORT_FORWARD_WEBSOCKETS=false";

TEST_F(VerbTest, ExecReadsItsInputOverEitherProtocol) {
  session_->Write("script", "cd /tmp\nexport A=kept\necho \"$PWD $A\"\nls /nosuch\nexit 6\n");
  session_->Write("text", "one\ntwo\nthree");
  for (const char* environment : {"", kSpdyOnly}) {
    const auto shell = session_->Run("exec -i -n shop deploy/nginx -- sh", environment, "script");
    EXPECT_EQ(shell.code, 6) << shell.text;
    EXPECT_THAT(shell.text, HasSubstr("/tmp kept\n"));
    EXPECT_THAT(shell.text, HasSubstr("/nosuch"));
    EXPECT_EQ(session_->Run("exec -i -n shop deploy/nginx -- wc -l", environment, "text").text,
              "2\n");
    EXPECT_EQ(session_->Run("exec -n shop deploy/nginx -- sh -c 'exit 3'", environment).code, 3);
    EXPECT_EQ(session_->Run("exec -i -n shop deploy/nginx -- hostname", environment, "text").code,
              0);
  }
}

TEST_F(VerbTest, CpCopiesFilesBothWays) {
  session_->Write("there.txt", "copied\n");
  for (const char* environment : {"", kSpdyOnly}) {
    EXPECT_EQ(session_->Run("cp there.txt shop/redis-0:/tmp/there.txt", environment).text, "");
    Good("exec -n shop redis-0 -- cat /tmp/there.txt", "^copied\n$");
    const auto back = session_->Run("cp shop/redis-0:/tmp/there.txt back.txt", environment);
    EXPECT_EQ(back.code, 0) << back.text;
    const auto same = session_->Run("version --client >/dev/null; cmp there.txt back.txt");
    EXPECT_EQ(same.code, 0) << same.text;
  }
  Bad("cp shop/redis-0:/nosuch x", "No such file or directory");
}

TEST_F(VerbTest, RunAndAttachReachTheShellOfAContainer) {
  session_->Write("typed", "echo said $((6*7))\nexit 0\n");
  const auto answer =
      session_->Run("run typed --rm -i --restart=Never --image=busybox:1.36 -- sh", "", "typed");
  EXPECT_THAT(answer.text, HasSubstr("said 42\n"));
  EXPECT_THAT(answer.text, HasSubstr("pod \"typed\" deleted"));
  EXPECT_EQ(answer.code, 0) << answer.text;
  Good("run says --rm -i --restart=Never --image=busybox:1.36 -- sh -c 'sleep 2; echo done'",
       "done");
}

}  // namespace
}  // namespace opsmesh::kubesim
