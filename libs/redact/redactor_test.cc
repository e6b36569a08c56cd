#include "libs/redact/redactor.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace opsmesh::redact {
namespace {

const Redactor& Default() {
  static const Redactor redactor;
  return redactor;
}

// Secrets are put together here, so that no scanner takes this file for a leak.
const std::string kRandom = std::string("tG7mQ2xL") + "9vRz4KpW" + "8sYb3NfJ";

struct Case {
  std::string text;
  std::string secret;  // must be gone
};

std::vector<Case> Secrets() {
  const std::string jwt = std::string("eyJhbGciOiJIUzI1NiJ9") + ".eyJzdWIiOiIxMjM0NTY3ODkwIn0" +
                          ".dozjgNryP4J3jVmNHl0w5N";
  const std::string pem = std::string("-----BEGIN RSA PRIVATE ") +
                          "KEY-----\nMIIEpAIBAAKCAQEA7bq\nQ2FzZSBvZiB0ZXN0\n-----END RSA PRIVATE " +
                          "KEY-----";
  return {
      {"Authorization: Bearer abcdefgh12345678", "abcdefgh12345678"},
      {"authorization: Basic dXNlcjpwYXNzd29yZA==", "dXNlcjpwYXNzd29yZA"},
      {"curl -H 'X-Api-Key: 9f8e7d6c5b4a' http://x", "9f8e7d6c5b4a"},
      {"token " + jwt + " expired", jwt},
      {"OPENAI_API_KEY=sk-" + kRandom, "sk-" + kRandom},
      {"using key sk-proj-" + kRandom + " now", kRandom},
      {"aws AKIA" + std::string("IOSFODNN7EXAMPLE") + " used", "IOSFODNN7EXAMPLE"},
      {"aliyun LTAI" + std::string("5tQzRrXxYyZz1234"), "5tQzRrXxYyZz1234"},
      {"pushed with ghp_" + kRandom + "abcdefgh", kRandom},
      {"slack xoxb-" + std::string("1234567890-abcdefghij"), "1234567890-abcdefghij"},
      {"https://hooks.slack.com/services/T000/B000/" + kRandom, kRandom},
      {"https://open.feishu.cn/open-apis/bot/v2/hook/0a1b2c3d-1111-2222-3333-444455556666",
       "0a1b2c3d-1111"},
      {"https://oapi.dingtalk.com/robot/send?access_token=0123456789abcdef0123",
       "0123456789abcdef0123"},
      {"DINGTALK_SECRET=SEC" + std::string("0123456789abcdef0123456789abcdef"), "0123456789abcdef"},
      {"postgres://opsmesh:hunter2@db:5432/x", "hunter2"},
      {"redis://:hunter2@cache:6379", "hunter2"},
      {"db_password: hunter2", "hunter2"},
      {"MYSQL_ROOT_PASSWORD='correct horse battery'", "correct horse battery"},
      {R"({"password":"p@ss\"word","user":"ann"})", "p@ss"},
      {R"("{\"client_secret\":\"abc-def-ghi\"}")", "abc-def-ghi"},
      {"mysql -u root --password S3cretWord", "S3cretWord"},
      {"clientSecret => 'abcdef'", "abcdef"},
      {"the password is Tr0ub4dor&3", "Tr0ub4dor"},
      {"数据库密码：hunter2secret，请保密", "hunter2secret"},
      {"密码是 hunter2secret", "hunter2secret"},
      {"client-key-data: LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRVk=",
       "LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRVk"},
      {"ALTER USER ann IDENTIFIED BY 'hunter2'", "hunter2"},
      {"key material:\n" + pem + "\nend", "MIIEpAIBAAKCAQEA7bq"},
      {"stray " + kRandom + " in a log", kRandom},
      {"http://x/?sig=" + std::string("abcdef123456") + "&page=2", "abcdef123456"},
  };
}

// What stands in logs and manifests all day and must stay readable.
const std::vector<std::string> kKept = {
    "usage: {\"total_tokens\": 512, \"prompt_tokens\": 300}",
    "secretName: tls-cert",
    "imagePullSecrets: [{name: regcred}]",
    "secretKeyRef: {name: db, key: password}",
    "image: "
    "registry.example.com/shop/"
    "cart@sha256:9b2a28eb47540823042a2ba401386845089bb7b62a9637d55816132c4c3c36eb",
    "pod web-7d4b9c6f5-x2x8k in namespace shop restarted 12 times",
    "uid: 550e8400-e29b-41d4-a716-446655440000",
    "commit 3b18e512dba79e4c8300dd08aeb37f8e728b8dad",
    "password: ${DB_PASSWORD}",
    "password: $(cat /run/secrets/db)",
    "token: /var/run/secrets/kubernetes.io/serviceaccount/token",
    "error: invalid password",
    "HorizontalPodAutoscalerConditionScalingLimited",
    "GET /api/v1/namespaces/shop/pods?limit=500&continue= 200",
    "tokens per second: 42",
    "Failed to pull image \"nginx:1.99\": rpc error: code = NotFound",
    "密码错误，请重试",
    "令牌过期",
    "api_key: ***",
    "kubelet-wuhrai-kubeconfig at /root/.kube",
};

TEST(Redactor, MasksEverySecretOfTheCorpus) {
  for (const Case& one : Secrets()) {
    const std::string masked = Default().Redact(one.text);
    EXPECT_EQ(masked.find(one.secret), std::string::npos) << one.text << "\n-> " << masked;
    EXPECT_NE(masked.find("***"), std::string::npos) << one.text;
  }
}

TEST(Redactor, LeavesOrdinaryTextAlone) {
  for (const std::string& text : kKept) EXPECT_EQ(Default().Redact(text), text);
}

TEST(Redactor, KeepsWhatSurroundsASecret) {
  EXPECT_EQ(Default().Redact("user=ann password=hunter2 host=db"), "user=ann password=*** host=db");
  EXPECT_EQ(Default().Redact("https://ann:hunter2@db/x?y=1"), "https://ann:***@db/x?y=1");
}

TEST(Redactor, MasksAlreadyMaskedTextOnce) {
  for (const Case& one : Secrets()) {
    const std::string once = Default().Redact(one.text);
    EXPECT_EQ(Default().Redact(once), once) << one.text;
  }
}

TEST(Redactor, MasksConfiguredSecretsWhereverTheyStand) {
  const Redactor redactor({.literals = {"plain words of ours", "abc"}});
  EXPECT_EQ(redactor.Redact("saw plain words of ours abc"), "saw *** abc")
      << "too short a literal would mask ordinary words";
}

TEST(Redactor, CountsByKind) {
  const Redacted result = Default().RedactAndCount("password=hunter2 and Bearer abcdefgh12345678");
  EXPECT_EQ(result.counts.at("secret"), 1);
  EXPECT_EQ(result.counts.at("authorization"), 1);
  const std::vector<std::string> kinds = Redactor::Kinds();
  for (const auto& [kind, count] : result.counts) {
    EXPECT_NE(std::find(kinds.begin(), kinds.end(), kind), kinds.end()) << kind;
  }
}

TEST(Redactor, StandsAnyBytes) {
  std::string bytes;
  for (int i = 0; i < 4096; ++i) bytes += static_cast<char>((i * 31 + i / 7) % 256);
  EXPECT_NO_FATAL_FAILURE(Default().Redact(bytes));
  EXPECT_EQ(Default().Redact(""), "");
  const std::string huge(1 << 20, 'a');
  EXPECT_EQ(Default().Redact(huge), huge);
}

TEST(StreamRedactor, MasksSecretsSplitAtEveryByte) {
  for (const Case& one : Secrets()) {
    const std::string text = "before " + one.text + " after";
    const std::string whole = Default().Redact(text);
    for (size_t cut = 0; cut <= text.size(); ++cut) {
      StreamRedactor stream(Default());
      std::string out = stream.Push(text.substr(0, cut));
      EXPECT_EQ(out.find(one.secret), std::string::npos);
      out += stream.Push(text.substr(cut));
      out += stream.Finish();
      EXPECT_EQ(out, whole) << "cut at " << cut << " of " << text;
    }
  }
}

TEST(StreamRedactor, MasksSecretsThatComeByteByByte) {
  for (const Case& one : Secrets()) {
    StreamRedactor stream(Default());
    std::string out;
    for (const char c : one.text + "\n") out += stream.Push(std::string_view(&c, 1));
    out += stream.Finish();
    EXPECT_EQ(out, Default().Redact(one.text + "\n"));
  }
}

TEST(StreamRedactor, HoldsOrdinaryTextBackForAWordAtMost) {
  StreamRedactor stream(Default());
  EXPECT_EQ(stream.Push("There are three pods in "), "There are three pods in ");
  EXPECT_EQ(stream.Push("shop"), "");
  EXPECT_EQ(stream.Push(", and"), "shop, ");
  EXPECT_EQ(stream.Push("，共三个"), "and，共三个");
  EXPECT_EQ(stream.Finish(), "");
}

TEST(StreamRedactor, IsBoundedByAKeyWithoutAnEnd) {
  StreamRedactor stream(Default());
  std::string out = stream.Push(std::string("-----BEGIN PRIVATE ") + "KEY-----\n");
  size_t longest = 0;
  for (int i = 0; i < 2000; ++i) {
    const std::string piece = stream.Push("MIIEpAIBAAKCAQEA7bq\n");
    longest = std::max(longest, piece.size());
    out += piece;
  }
  out += stream.Push(std::string("-----END PRIVATE ") + "KEY-----\nafter");
  out += stream.Finish();
  EXPECT_EQ(out, "***\nafter");
  EXPECT_LT(longest, 100u);
}

}  // namespace
}  // namespace opsmesh::redact
