#include "libs/storage/sqlite.h"

#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <filesystem>
#include <system_error>

#include "libs/base/clock.h"
#include "libs/base/error.h"
#include "libs/base/strings.h"

namespace opsmesh::storage {
namespace {

absl::Status OpenError(std::string_view path, std::string_view why) {
  return base::Unavailable("STORAGE_OPEN",
                           fmt::format("The database {} cannot be opened: {}.", path, why))
      .Hint("Check that the data folder exists, is writable by this user and has free space.");
}

bool IsCorruption(int code) {
  return (code & 0xFF) == SQLITE_CORRUPT || (code & 0xFF) == SQLITE_NOTADB;
}

// SQLITE_OK when the file is sound; runs before anything is written to it.
int QuickCheck(sqlite3* handle) {
  sqlite3_stmt* statement = nullptr;
  int code = sqlite3_prepare_v2(handle, "PRAGMA quick_check(1)", -1, &statement, nullptr);
  if (code == SQLITE_OK) {
    code = sqlite3_step(statement);
    if (code == SQLITE_ROW) {
      const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, 0));
      code = text != nullptr && std::string_view(text) == "ok" ? SQLITE_OK : SQLITE_CORRUPT;
    }
  }
  sqlite3_finalize(statement);
  return code;
}

absl::StatusOr<std::string> Quarantine(const std::string& path) {
  std::string stamp = base::Rfc3339(base::SystemClock().Now());
  std::erase_if(stamp, [](char c) { return c == ':' || c == '-'; });
  std::string target = fmt::format("{}.corrupt-{}", path, stamp);
  for (int i = 2; std::filesystem::exists(target); ++i) {
    target = fmt::format("{}.corrupt-{}-{}", path, stamp, i);
  }
  for (std::string_view suffix : {"", "-wal", "-shm"}) {
    const std::string from = fmt::format("{}{}", path, suffix);
    std::error_code error;
    if (!std::filesystem::exists(from, error)) continue;
    std::filesystem::rename(from, fmt::format("{}{}", target, suffix), error);
    if (error) {
      return OpenError(
          path, fmt::format("it is corrupted and cannot be moved aside ({})", error.message()));
    }
  }
  return target;
}

absl::StatusOr<sqlite3*> OpenHandle(const std::string& path) {
  sqlite3* handle = nullptr;
  const int code =
      sqlite3_open_v2(path.c_str(), &handle,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  if (code == SQLITE_OK) return handle;
  const std::string why = handle != nullptr ? sqlite3_errmsg(handle) : sqlite3_errstr(code);
  sqlite3_close_v2(handle);
  return OpenError(path, why);
}

}  // namespace

Statement::Statement(Database* database, sqlite3_stmt* statement, absl::Status status)
    : database_(database), statement_(statement), status_(std::move(status)) {}

Statement::Statement(Statement&& other) noexcept
    : database_(other.database_),
      statement_(std::exchange(other.statement_, nullptr)),
      next_(other.next_),
      status_(std::move(other.status_)) {}

Statement::~Statement() { sqlite3_finalize(statement_); }

void Statement::Check(int code) {
  if (status_.ok() && code != SQLITE_OK) status_ = database_->ErrorOf(code);
}

Statement& Statement::Bind(int64_t value) & {
  if (status_.ok()) Check(sqlite3_bind_int64(statement_, next_++, value));
  return *this;
}

Statement& Statement::Bind(double value) & {
  if (status_.ok()) Check(sqlite3_bind_double(statement_, next_++, value));
  return *this;
}

Statement& Statement::Bind(std::string_view text) & {
  if (status_.ok()) {
    Check(sqlite3_bind_text64(statement_, next_++, text.data() == nullptr ? "" : text.data(),
                              text.size(), SQLITE_TRANSIENT, SQLITE_UTF8));
  }
  return *this;
}

Statement& Statement::BindBlob(std::string_view bytes) & {
  if (status_.ok()) {
    Check(sqlite3_bind_blob64(statement_, next_++, bytes.data() == nullptr ? "" : bytes.data(),
                              bytes.size(), SQLITE_TRANSIENT));
  }
  return *this;
}

bool Statement::Step() {
  if (!status_.ok()) return false;
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) Check(code);
  return false;
}

absl::Status Statement::Finish() {
  while (Step()) {
  }
  return status_;
}

int64_t Statement::Int(int column) const { return sqlite3_column_int64(statement_, column); }
double Statement::Double(int column) const { return sqlite3_column_double(statement_, column); }
bool Statement::IsNull(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

std::string Statement::Text(int column) const {
  const void* bytes = sqlite3_column_blob(statement_, column);
  const int size = sqlite3_column_bytes(statement_, column);
  return bytes == nullptr ? std::string() : std::string(static_cast<const char*>(bytes), size);
}

absl::StatusOr<std::unique_ptr<Database>> Database::Open(const Options& options,
                                                         OpenReport* report) {
  const bool in_memory = options.path == ":memory:";
  if (!in_memory) {
    const std::filesystem::path folder = std::filesystem::path(options.path).parent_path();
    std::error_code error;
    if (!folder.empty() && !std::filesystem::exists(folder, error)) {
      std::filesystem::create_directories(folder, error);
      if (error) return OpenError(options.path, error.message());
      ::chmod(folder.c_str(), 0700);
    }
  }
  std::unique_ptr<Database> database(new Database);
  for (int attempt = 0;; ++attempt) {
    OPSMESH_ASSIGN_OR_RETURN(database->handle_, OpenHandle(options.path));
    if (!in_memory) ::chmod(options.path.c_str(), 0600);
    sqlite3_busy_timeout(database->handle_,
                         static_cast<int>(absl::ToInt64Milliseconds(options.busy_timeout)));
    const int code = QuickCheck(database->handle_);
    if (code == SQLITE_OK) break;
    const absl::Status why = database->ErrorOf(code);
    sqlite3_close_v2(std::exchange(database->handle_, nullptr));
    if (!IsCorruption(code) || attempt > 0) return why;
    OPSMESH_ASSIGN_OR_RETURN(report->quarantined_path, Quarantine(options.path));
  }
  OPSMESH_RETURN_IF_ERROR(database->Configure(options));
  OPSMESH_RETURN_IF_ERROR(database->Migrate(options.migrations));
  return database;
}

Database::~Database() { sqlite3_close_v2(handle_); }

absl::Status Database::Configure(const Options& options) {
  // The switch to WAL does not wait for another process that opens the same new file: SQLite
  // answers BUSY at once, whatever the busy timeout is.
  constexpr absl::Duration kPause = absl::Milliseconds(10);
  for (absl::Duration waited;; waited += kPause) {
    const int code = sqlite3_exec(handle_, "PRAGMA journal_mode=WAL", nullptr, nullptr, nullptr);
    if (code == SQLITE_OK) break;
    if (code != SQLITE_BUSY || waited >= options.busy_timeout) return ErrorOf(code);
    absl::SleepFor(kPause);
  }
  return Execute(
      fmt::format("PRAGMA synchronous={}; PRAGMA foreign_keys=ON; PRAGMA trusted_schema=OFF;",
                  options.survives_power_loss ? "FULL" : "NORMAL"));
}

absl::Status Database::Migrate(const std::vector<Migration>& migrations) {
  return Transaction([&](Database&) -> absl::Status {
    int64_t version = 0;
    {
      Statement query = Prepare("PRAGMA user_version");
      if (query.Step()) version = query.Int(0);
      OPSMESH_RETURN_IF_ERROR(query.status());
    }
    const auto known = static_cast<int64_t>(migrations.size());
    if (version > known) {
      return base::FailedPrecondition(
                 "SCHEMA_TOO_NEW",
                 fmt::format("The database has schema version {}, this program knows {}.", version,
                             known))
          .Hint("Start the newer version again, or point the data folder elsewhere.");
    }
    for (int64_t i = version; i < known; ++i) OPSMESH_RETURN_IF_ERROR(Execute(migrations[i]));
    return Execute(fmt::format("PRAGMA user_version={}", known));
  });
}

absl::Status Database::Run(const std::function<absl::Status(Database&)>& work) {
  const std::lock_guard lock(mutex_);
  return work(*this);
}

absl::Status Database::Transaction(const std::function<absl::Status(Database&)>& work) {
  const std::lock_guard lock(mutex_);
  OPSMESH_RETURN_IF_ERROR(Execute("BEGIN IMMEDIATE"));
  absl::Status status = work(*this);
  if (status.ok()) status = Execute("COMMIT");
  // A failed COMMIT may have rolled back by itself; a second ROLLBACK then does no harm.
  if (!status.ok() && sqlite3_get_autocommit(handle_) == 0) (void)Execute("ROLLBACK");
  return status;
}

Statement Database::Prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int code =
      sqlite3_prepare_v2(handle_, sql.data(), static_cast<int>(sql.size()), &statement, nullptr);
  return Statement(this, statement, code == SQLITE_OK ? absl::OkStatus() : ErrorOf(code));
}

absl::Status Database::Execute(std::string_view sql) {
  const std::string terminated(sql);
  const int code = sqlite3_exec(handle_, terminated.c_str(), nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? absl::OkStatus() : ErrorOf(code);
}

int64_t Database::changes() const { return sqlite3_changes(handle_); }

absl::Status Database::SnapshotTo(const std::string& path) {
  const std::lock_guard lock(mutex_);
  return Prepare("VACUUM INTO ?").Bind(std::string_view(path)).Finish();
}

absl::Status Database::ErrorOf(int code) const {
  const std::string why = handle_ != nullptr ? sqlite3_errmsg(handle_) : sqlite3_errstr(code);
  switch (code & 0xFF) {
    case SQLITE_FULL:
      return base::ResourceExhausted("DISK_FULL",
                                     fmt::format("The database could not be written: {}.", why))
          .Hint("Free space in the data folder; nothing was changed.");
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return base::Unavailable("STORAGE_BUSY", fmt::format("The database is locked: {}.", why))
          .Hint("Another process uses the same data folder; stop it or give this one its own.");
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return base::Unavailable("STORAGE_CORRUPT", fmt::format("The database is damaged: {}.", why))
          .Hint("Restart the service: it moves the damaged file aside and begins a new one.");
    case SQLITE_IOERR:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
      return base::Unavailable("STORAGE_IO",
                               fmt::format("The database could not be used: {}.", why))
          .Hint("Check the disk and the rights on the data folder; nothing was changed.");
    case SQLITE_CONSTRAINT:
      return base::FailedPrecondition("STORAGE_CONSTRAINT",
                                      fmt::format("The database refused a row: {}.", why));
    default:
      return base::Internal("STORAGE",
                            fmt::format("The database failed: {} (SQLite code {}).", why, code));
  }
}

}  // namespace opsmesh::storage
