// What the notify service does, without its transport: checks, masks secrets, routes, stores, and
// looks things up.
#pragma once

#include <atomic>
#include <string>

#include "absl/status/statusor.h"
#include "libs/base/context.h"
#include "libs/base/ids.h"
#include "libs/http_client/http_client.h"
#include "libs/redact/redactor.h"
#include "libs/telemetry/metrics.h"
#include "opsmesh/notify/v1/message.pb.h"
#include "opsmesh/notify/v1/outbox.pb.h"
#include "services/notify/channels.h"
#include "services/notify/dispatcher.h"
#include "services/notify/masking.h"
#include "services/notify/store.h"
#include "services/notify/stored_messages.h"

namespace opsmesh::notify {

/// Everything referred to outlives the Notifier.
struct NotifierParts {
  const Channels& channels;
  Store& store;
  Dispatcher& dispatcher;
  http_client::Client& client;
  const redact::Redactor& redactor;
  base::IdSource& ids;
  telemetry::Registry& metrics;
};

/// Thread-safe. The errors of each are those of its RPC in notify_service.proto, and the storage's.
class Notifier {
 public:
  explicit Notifier(NotifierParts parts) : parts_(parts), masking_(parts.redactor, parts.metrics) {}

  absl::StatusOr<v1::NotifyResponse> Notify(const base::Context& ctx,
                                            const v1::NotifyRequest& request);
  absl::StatusOr<v1::SendMessageResponse> SendMessage(const base::Context& ctx,
                                                      const v1::SendMessageRequest& request);
  v1::ListChannelsResponse ListChannels() const { return parts_.channels.List(parts_.store); }
  absl::StatusOr<v1::TestChannelResponse> TestChannel(const base::Context& ctx,
                                                      const v1::TestChannelRequest& request);
  absl::StatusOr<v1::ListOutboxResponse> ListOutbox(const v1::ListOutboxRequest& request) {
    return ListPage(parts_.store, request);
  }
  absl::StatusOr<v1::ListDeadLettersResponse> ListDeadLetters(
      const v1::ListDeadLettersRequest& request) {
    return ListPage(parts_.store, request);
  }
  absl::StatusOr<v1::RetryDeadLetterResponse> RetryDeadLetter(
      const base::Context& ctx, const v1::RetryDeadLetterRequest& request);
  v1::GetNotifyStatusResponse Status() const;

 private:
  void WaitABit(const base::Context& ctx, const std::string& message_id, size_t deliveries);
  v1::TestChannelResponse SendTest(const base::Context& ctx, const ChannelConfig& channel,
                                   const std::string& message);

  const NotifierParts parts_;
  const Masking masking_;
  std::atomic<int> waiting_callers_{0};
};

}  // namespace opsmesh::notify
