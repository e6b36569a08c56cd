// SQLite as the services use it: one file a service, write-ahead log, migrations, a check at start.
// PostgreSQL will stand beside it behind each service's own store interface; this room is not that
// interface.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

struct sqlite3;
struct sqlite3_stmt;

namespace opsmesh::storage {

/// A step of the schema; steps are applied in order, each in a transaction, and counted in PRAGMA
/// user_version.
using Migration = std::string_view;

struct Options {
  /// File path, or ":memory:" for tests. The folder is made (mode 0700), the file has mode 0600.
  std::string path;
  std::vector<Migration> migrations;
  /// True: a committed transaction survives power loss (PRAGMA synchronous=FULL). False: it
  /// survives a killed process.
  bool survives_power_loss = true;
  /// How long a statement waits for another process's lock.
  absl::Duration busy_timeout = absl::Seconds(5);
};

/// What Open found.
struct OpenReport {
  /// Where a corrupted file was moved to; empty when the file was sound or new.
  std::string quarantined_path;
};

class Database;

/// A prepared statement with its bound values. Not thread-safe; made and used inside one
/// Database::Run callback. The first error sticks: later calls do nothing, and Finish() or status()
/// tell it.
class Statement {
 public:
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&&) = delete;
  ~Statement();

  /// Binds the next parameter, from 1.
  Statement& Bind(int64_t value) &;
  Statement& Bind(double value) &;
  Statement& Bind(std::string_view text) &;
  Statement& BindBlob(std::string_view bytes) &;
  template <typename T>
  Statement&& Bind(T value) && {
    static_cast<Statement&>(*this).Bind(value);
    return std::move(*this);
  }
  Statement&& BindBlob(std::string_view bytes) && {
    static_cast<Statement&>(*this).BindBlob(bytes);
    return std::move(*this);
  }

  /// Moves to the next row; false at the end and on an error (see status()).
  bool Step();
  /// Runs to the end, for statements without rows.
  absl::Status Finish();
  const absl::Status& status() const { return status_; }

  int64_t Int(int column) const;
  double Double(int column) const;
  std::string Text(int column) const;  // also blobs; "" for NULL
  bool IsNull(int column) const;

 private:
  friend class Database;
  Statement(Database* database, sqlite3_stmt* statement, absl::Status status);
  void Check(int code);

  Database* database_;
  sqlite3_stmt* statement_;
  int next_ = 1;
  absl::Status status_;
};

/// One connection, used by one thread at a time (it locks itself). Thread-safe.
class Database {
 public:
  /// Opens or makes the file, checks it (PRAGMA quick_check) and applies the migrations. A
  /// corrupted file is moved to
  /// "<path>.corrupt-<time>" with its -wal and -shm and a new one begun; `report` says so, and the
  /// caller must log it. FAILED_PRECONDITION (SCHEMA_TOO_NEW) when a later version wrote the file;
  /// UNAVAILABLE (STORAGE_OPEN) when the path cannot be used.
  static absl::StatusOr<std::unique_ptr<Database>> Open(const Options& options, OpenReport* report);
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  ~Database();

  /// Runs `work` alone on the connection. For reads.
  absl::Status Run(const std::function<absl::Status(Database&)>& work);
  /// The same inside BEGIN IMMEDIATE ... COMMIT; rolled back when `work` fails. When it returns OK
  /// the change is stored as Options::survives_power_loss promises. RESOURCE_EXHAUSTED (DISK_FULL),
  /// UNAVAILABLE (STORAGE_BUSY, STORAGE_IO).
  absl::Status Transaction(const std::function<absl::Status(Database&)>& work);

  /// Inside Run or Transaction only: prepares one statement (kept for reuse).
  Statement Prepare(std::string_view sql);
  /// Inside Run or Transaction only: runs statements without parameters.
  absl::Status Execute(std::string_view sql);
  /// Rows the last statement changed.
  int64_t changes() const;

  /// Writes a consistent copy to `path` (VACUUM INTO), which must not exist.
  absl::Status SnapshotTo(const std::string& path);

 private:
  friend class Statement;
  Database() = default;
  absl::Status Configure(const Options& options);
  absl::Status Migrate(const std::vector<Migration>& migrations);
  absl::Status ErrorOf(int code) const;

  std::recursive_mutex mutex_;
  sqlite3* handle_ = nullptr;
};

}  // namespace opsmesh::storage
