// The configured channels: who gets a notice, how each is reached, and how each is.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "opsmesh/notify/v1/outbox.pb.h"
#include "services/notify/config.h"
#include "services/notify/dispatcher.h"
#include "services/notify/letter.h"
#include "services/notify/store.h"

namespace opsmesh::notify {

/// Immutable; thread-safe.
class Channels {
 public:
  explicit Channels(NotifyConfig config);

  /// Enabled channels that a notice of this severity about this namespace goes to, by name. A
  /// notice that something is over goes wherever one that it began may have gone. A channel with
  /// namespaces gets no notice that is about none.
  std::vector<std::string> Route(v1::Severity severity, const std::string& name_space) const;

  /// The channel to send to. NOT_FOUND (CHANNEL) with the nearest name; FAILED_PRECONDITION
  /// (CHANNEL_DISABLED, NOTIFICATIONS_OFF); UNIMPLEMENTED (NOT_BUILT) for e-mail.
  absl::StatusOr<const ChannelConfig*> Find(const std::string& name) const;
  /// The same, but a disabled one too, for tests of it.
  absl::StatusOr<const ChannelConfig*> FindAny(const std::string& name) const;
  std::shared_ptr<const Platform> PlatformOf(const std::string& name) const;

  /// Lane and reply address of a conversation. INVALID_ARGUMENT (DESTINATION); UNIMPLEMENTED
  /// (NOT_BUILT) for what cannot be answered yet.
  absl::StatusOr<Address> AddressOf(const v1::Conversation& conversation) const;

  /// How the dispatcher reaches a lane.
  Dispatcher::Lane LaneOf(const std::string& lane, const std::string& reply_url,
                          const std::string& language) const;

  /// State of one channel for status pages.
  type::v1::ComponentStatus StatusOf(const ChannelConfig& channel, Store& store) const;
  v1::ListChannelsResponse List(Store& store) const;

  const NotifyConfig& config() const { return config_; }

 private:
  const NotifyConfig config_;
  std::map<std::string, std::shared_ptr<const Platform>> platforms_;
};

}  // namespace opsmesh::notify
