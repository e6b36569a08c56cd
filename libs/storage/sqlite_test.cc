#include "libs/storage/sqlite.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "gtest/gtest.h"
#include "libs/base/error.h"

namespace opsmesh::storage {
namespace {

constexpr Migration kNotes =
    "CREATE TABLE notes(id INTEGER PRIMARY KEY, body TEXT NOT NULL, bytes BLOB)";

class StorageTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "/opsmesh-storage-XXXXXX";
    folder_ = mkdtemp(pattern.data());
    options_.path = folder_ + "/sub/notes.db";
    options_.migrations = {kNotes};
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::unique_ptr<Database> Open() {
    report_ = {};
    auto opened = Database::Open(options_, &report_);
    EXPECT_TRUE(opened.ok()) << opened.status();
    return opened.ok() ? *std::move(opened) : nullptr;
  }
  static absl::Status Add(Database& database, std::string_view body) {
    return database.Transaction([&](Database& db) {
      return db.Prepare("INSERT INTO notes(body) VALUES(?)").Bind(body).Finish();
    });
  }
  static int64_t Count(Database& database) {
    int64_t count = -1;
    EXPECT_TRUE(database
                    .Run([&](Database& db) {
                      Statement query = db.Prepare("SELECT count(*) FROM notes");
                      if (query.Step()) count = query.Int(0);
                      return query.status();
                    })
                    .ok());
    return count;
  }

  std::string folder_;
  Options options_;
  OpenReport report_;
};

TEST_F(StorageTest, KeepsTextAndBlobsByteForByte) {
  auto database = Open();
  const std::string bytes("\0\xff x", 4);
  ASSERT_TRUE(database
                  ->Transaction([&](Database& db) {
                    return db.Prepare("INSERT INTO notes(body, bytes) VALUES(?, ?)")
                        .Bind(std::string_view("命名空间 'quoted'; DROP TABLE notes"))
                        .BindBlob(bytes)
                        .Finish();
                  })
                  .ok());
  ASSERT_TRUE(database
                  ->Run([&](Database& db) {
                    Statement query = db.Prepare("SELECT body, bytes FROM notes");
                    EXPECT_TRUE(query.Step());
                    EXPECT_EQ(query.Text(0), "命名空间 'quoted'; DROP TABLE notes");
                    EXPECT_EQ(query.Text(1), bytes);
                    EXPECT_FALSE(query.Step());
                    return query.status();
                  })
                  .ok());
}

TEST_F(StorageTest, RollsBackWhenTheWorkFails) {
  auto database = Open();
  const absl::Status status = database->Transaction([&](Database& db) -> absl::Status {
    EXPECT_TRUE(db.Execute("INSERT INTO notes(body) VALUES('half')").ok());
    return absl::AbortedError("changed my mind");
  });
  EXPECT_EQ(status.code(), absl::StatusCode::kAborted);
  EXPECT_EQ(Count(*database), 0);
  ASSERT_TRUE(Add(*database, "whole").ok());
  EXPECT_EQ(Count(*database), 1);
}

TEST_F(StorageTest, MovesACorruptedFileAsideAndBeginsAnew) {
  {
    auto database = Open();
    for (int i = 0; i < 200; ++i) ASSERT_TRUE(Add(*database, std::string(200, 'x')).ok());
  }
  {
    std::fstream file(options_.path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(4096);
    file << std::string(12'000, '\x5a');
  }
  auto database = Open();
  ASSERT_NE(database, nullptr);
  EXPECT_FALSE(report_.quarantined_path.empty());
  EXPECT_TRUE(std::filesystem::exists(report_.quarantined_path));
  EXPECT_EQ(Count(*database), 0);
  EXPECT_TRUE(Add(*database, "new life").ok());
}

TEST_F(StorageTest, MovesAsideAFileThatIsNoDatabase) {
  std::filesystem::create_directories(folder_ + "/sub");
  std::ofstream(options_.path) << std::string(8192, 'n');
  auto database = Open();
  ASSERT_NE(database, nullptr);
  EXPECT_FALSE(report_.quarantined_path.empty());
}

TEST_F(StorageTest, KeepsACommittedRowWhenTheProcessIsKilled) {
  const pid_t child = fork();
  if (child == 0) {
    OpenReport report;
    auto opened = Database::Open(options_, &report);
    if (!opened.ok() || !Add(**opened, "kept").ok()) _exit(1);
    kill(getpid(), SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  auto database = Open();
  EXPECT_TRUE(report_.quarantined_path.empty());
  EXPECT_EQ(Count(*database), 1);
}

TEST_F(StorageTest, AppliesOnlyNewMigrationsAndRefusesANewerFile) {
  { ASSERT_TRUE(Add(*Open(), "old").ok()); }
  options_.migrations.push_back("ALTER TABLE notes ADD COLUMN tag TEXT NOT NULL DEFAULT 'none'");
  { EXPECT_EQ(Count(*Open()), 1); }
  options_.migrations = {kNotes};
  OpenReport report;
  const auto refused = Database::Open(options_, &report);
  EXPECT_EQ(base::DetailOf(refused.status()).reason, "SCHEMA_TOO_NEW");
}

TEST_F(StorageTest, SaysWhyAPathCannotBeUsed) {
  options_.path = "/proc/opsmesh/none.db";
  OpenReport report;
  const auto refused = Database::Open(options_, &report);
  EXPECT_EQ(base::DetailOf(refused.status()).reason, "STORAGE_OPEN");
}

TEST_F(StorageTest, OnlyTheOwnerCanReadTheFile) {
  auto database = Open();
  struct stat info = {};
  ASSERT_EQ(stat(options_.path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST_F(StorageTest, ABadStatementIsAnErrorNotACrash) {
  auto database = Open();
  EXPECT_FALSE(database
                   ->Run([](Database& db) {
                     return db.Prepare("SELECT nonsense FROM nowhere").Bind(int64_t{1}).Finish();
                   })
                   .ok());
}

TEST_F(StorageTest, WritesAConsistentSnapshot) {
  auto database = Open();
  ASSERT_TRUE(Add(*database, "one").ok());
  options_.path = folder_ + "/copy.db";
  ASSERT_TRUE(database->SnapshotTo(options_.path).ok());
  EXPECT_EQ(Count(*Open()), 1);
}

}  // namespace
}  // namespace opsmesh::storage
