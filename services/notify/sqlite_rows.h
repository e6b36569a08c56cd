// The tables of the SQLite outbox and how their rows are read and written. Every function is called
// within Database::Run or Database::Transaction; errors are the storage's.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/storage/sqlite.h"
#include "services/notify/store.h"

namespace opsmesh::notify {

/// The first migration; later ones are added behind it and never change it.
extern const std::string_view kSchema1;

/// The columns ReadDelivery reads, with the tables they come from: "SELECT {kColumns} WHERE ...".
extern const std::string_view kDeliveryColumns;

inline int64_t Micros(absl::Time time) { return absl::ToUnixMicros(time); }
inline absl::Time FromMicros(int64_t micros) { return absl::FromUnixMicros(micros); }

Delivery ReadDelivery(const storage::Statement& row);

absl::Status InsertLetter(storage::Database& db, const Letter& letter);

/// A new row of `delivery`.
struct DeliveryRow {
  const Letter& letter;
  const Address& address;
  State state = State::kQueued;
  std::string fold_key;
  absl::Time fold_until;
  int64_t fold_count = 1;
  bool is_repeat_notice = false;
};
absl::Status InsertDelivery(storage::Database& db, const DeliveryRow& row);

/// The first column of the first row, 0 when there is none.
absl::StatusOr<int64_t> CountOf(storage::Statement&& query);

/// Deliveries that are queued or under way.
absl::StatusOr<int64_t> Waiting(storage::Database& db);

}  // namespace opsmesh::notify
