// Deliveries of the outbox as messages of the API, and lists of them by pages.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "google/protobuf/timestamp.pb.h"
#include "opsmesh/notify/v1/message.pb.h"
#include "opsmesh/notify/v1/outbox.pb.h"
#include "services/notify/store.h"

namespace opsmesh::notify {

google::protobuf::Timestamp ToProto(absl::Time time);
v1::Delivery ToProto(const Delivery& stored);
/// Titles are cut to 120 bytes; where there is none the text stands in.
v1::OutboxMessage ToOutboxMessage(const Delivery& stored);

/// One page of what waits and of dead letters. INVALID_ARGUMENT (PAGE_SIZE, PAGE_TOKEN), and the
/// storage's errors.
absl::StatusOr<v1::ListOutboxResponse> ListPage(Store& store, const v1::ListOutboxRequest& request);
absl::StatusOr<v1::ListDeadLettersResponse> ListPage(Store& store,
                                                     const v1::ListDeadLettersRequest& request);

}  // namespace opsmesh::notify
