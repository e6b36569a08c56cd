// What the tests of kubectl's verbs stand on: one living demo cluster, and what is expected of a
// command in a line.
#pragma once

#include <string>

#include "gmock/gmock.h"
#include "libs/kubesim/kubectl_testing.h"

namespace opsmesh::kubesim {

class VerbTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (KubectlSession::Found())
      session_ = new KubectlSession({.content = Content::kDemo, .live = true});
  }
  static void TearDownTestSuite() {
    delete session_;
    session_ = nullptr;
  }
  void SetUp() override {
    if (session_ == nullptr)
      GTEST_SKIP()
          << "NOTE: there is no kubectl on PATH: its judgement of the living cluster is skipped.";
  }
  /// It ends well and says something that matches.
  void Good(const std::string& command, const std::string& regex) {
    const auto answer = session_->Run(command);
    EXPECT_EQ(answer.code, 0) << "kubectl " << command << "\n" << answer.text;
    EXPECT_THAT(answer.text, ::testing::ContainsRegex(regex)) << "kubectl " << command;
  }
  /// It fails with these words.
  void Bad(const std::string& command, const std::string& words) {
    const auto answer = session_->Run(command);
    EXPECT_NE(answer.code, 0) << "kubectl " << command << "\n" << answer.text;
    EXPECT_THAT(answer.text, ::testing::HasSubstr(words)) << "kubectl " << command;
  }
  void Becomes(const std::string& command, const std::string& regex) {
    const auto answer = session_->Until(command, regex);
    EXPECT_THAT(answer.text, ::testing::ContainsRegex(regex)) << "kubectl " << command;
  }
  bool AtLeast(int minor) const { return session_->minor() >= minor; }

  static inline KubectlSession* session_ = nullptr;
};

}  // namespace opsmesh::kubesim
