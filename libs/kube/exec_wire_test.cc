#include <gtest/gtest.h>

#include "libs/kube/exec_plugin.h"
#include "libs/kube/test_support.h"

namespace opsmesh::kube {
namespace {

constexpr char kBeta[] = "client.authentication.k8s.io/v1beta1";

TEST(ExecWire, ACredentialIsReadStrictly) {
  const auto reason = [](const std::string& text) {
    return test::Reason(ParseExecCredential(text, kBeta).status());
  };
  const std::string head =
      R"({"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1beta1","status":)";
  EXPECT_EQ(reason(head + R"({"token":"t"}})"), "OK");
  for (
      const std::string& bad :
      {std::string(), std::string("{}"), std::string("null"), std::string("[]"), head + "{}}",
       head + "null}", head + R"({"token":"a b"}})", head + R"({"token":"a\r\nX: y"}})",
       head + R"({"token":7}})", head + R"({"clientCertificateData":"c"}})",
       head + R"({"clientKeyData":"c"}})",
       head + R"({"token":"t","expirationTimestamp":"tomorrow"}})",
       std::string(
           R"({"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"token":"t"}})"),
       std::string(
           R"({"kind":"Status","apiVersion":"client.authentication.k8s.io/v1beta1","status":{"token":"t"}})"),
       head + R"({"token":"t"}} trailing)", std::string(1000000, '[')}) {
    EXPECT_EQ(reason(bad), "EXEC_PLUGIN_INVALID_OUTPUT") << bad.substr(0, 200);
  }
  const auto round = ParseExecAnswer(FormatExecAnswer(ParseExecCredential(
      head + R"({"token":"t","expirationTimestamp":"2030-01-02T03:04:05.5+08:00"}})", kBeta)));
  ASSERT_TRUE(round.ok()) << round.status();
  EXPECT_EQ(round->expires, absl::FromUnixMillis(1893524645500));
  EXPECT_EQ(test::Reason(ParseExecAnswer("HTTP/1.1 400 Bad Request").status()),
            "EXEC_HELPER_UNREACHABLE");
}

}  // namespace
}  // namespace opsmesh::kube
