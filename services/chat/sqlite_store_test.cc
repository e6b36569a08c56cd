#include <filesystem>
#include <fstream>

#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "services/chat/fakes_for_test.h"
#include "services/chat/sessions.h"

namespace opsmesh::chat {
namespace {

FinishedTurn Turn(const std::string& question, absl::Time time) {
  return {.question = question,
          .answer = "a",
          .turn_state = "t",
          .time = time,
          .request_id = {},
          .response = {}};
}

class StoreTest : public ::testing::Test, public ChatFixture {};

TEST_F(StoreTest, NobodySeesOrDeletesAnothersSession) {
  ASSERT_TRUE(store->AddTurn("ann", "s1", Turn("secret plans", clock.Now()), 10).ok());
  v1::GetSessionRequest get;
  get.set_session_id("s1");
  EXPECT_EQ(GetSession(*store, As("bob"), get).status().code(), absl::StatusCode::kNotFound);
  v1::DeleteSessionRequest remove;
  remove.set_session_id("s1");
  EXPECT_EQ(DeleteSession(*store, As("bob"), remove).status().code(), absl::StatusCode::kNotFound);
  EXPECT_TRUE(store->List("bob", 10, 0)->empty());
  EXPECT_EQ(GetSession(*store, As("ann"), get)->messages(0).text(), "secret plans");
}

TEST_F(StoreTest, DeletingASessionDeletesItsMessagesAndKeptAnswers) {
  FinishedTurn turn = Turn("q", clock.Now());
  turn.request_id = "r1";
  turn.response = "kept";
  ASSERT_TRUE(store->AddTurn("ann", "s1", turn, 10).ok());
  EXPECT_EQ(**store->FindAnswer("ann", "r1"), "kept");
  EXPECT_TRUE(*store->Delete("ann", "s1"));
  EXPECT_FALSE(store->FindAnswer("ann", "r1")->has_value());
  EXPECT_TRUE(store->Messages("ann", "s1", 10)->empty());
  EXPECT_FALSE(*store->Delete("ann", "s1"));
}

TEST_F(StoreTest, PagesOfSessionsFollowEachOtherWithoutGapOrDouble) {
  for (int i = 0; i < 5; ++i) {
    clock.Advance(absl::Seconds(1));
    ASSERT_TRUE(store->AddTurn("ann", "s" + std::to_string(i), Turn("q", clock.Now()), 10).ok());
  }
  std::vector<std::string> seen;
  v1::ListSessionsRequest request;
  request.set_page_size(2);
  do {
    const auto page = ListSessions(*store, As("ann"), request);
    ASSERT_TRUE(page.ok());
    for (const auto& session : page->sessions()) seen.push_back(session.session_id());
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  EXPECT_EQ(seen, (std::vector<std::string>{"s4", "s3", "s2", "s1", "s0"}));
  request.set_page_token("-1");
  EXPECT_EQ(base::DetailOf(ListSessions(*store, As("ann"), request).status()).reason, "PAGE_TOKEN");
}

TEST(StoreFile, WhatWasStoredIsThereWhenTheFileIsOpenedAgainWithoutAProperEnd) {
  const std::string folder = ::testing::TempDir() + "/chat-store";
  std::filesystem::remove_all(folder);
  std::string quarantined;
  auto first = OpenSqliteStore(folder + "/chat.db", &quarantined);
  ASSERT_TRUE(first.ok()) << first.status();
  ASSERT_TRUE((*first)->AddTurn("ann", "s1", Turn("q", absl::UnixEpoch()), 10).ok());
  // A copy of the files as they are now is what a killed process leaves behind.
  std::filesystem::copy(
      folder, folder + "-killed",
      std::filesystem::copy_options::recursive | std::filesystem::copy_options::overwrite_existing);
  auto second = OpenSqliteStore(folder + "-killed/chat.db", &quarantined);
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ((*second)->Messages("ann", "s1", 10)->size(), 2u);
  EXPECT_TRUE(quarantined.empty());
}

TEST(StoreFile, ADamagedFileIsMovedAsideAndSaidSo) {
  const std::string folder = ::testing::TempDir() + "/chat-damaged";
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  std::ofstream(folder + "/chat.db") << std::string(8192, 'x');
  std::string quarantined;
  auto store = OpenSqliteStore(folder + "/chat.db", &quarantined);
  ASSERT_TRUE(store.ok()) << store.status();
  EXPECT_FALSE(quarantined.empty());
  EXPECT_TRUE(std::filesystem::exists(quarantined));
}

}  // namespace
}  // namespace opsmesh::chat
