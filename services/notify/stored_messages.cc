#include "services/notify/stored_messages.h"

#include <algorithm>
#include <cstdlib>

#include "fmt/core.h"
#include "google/protobuf/util/time_util.h"
#include "libs/base/error.h"
#include "libs/base/strings.h"

namespace opsmesh::notify {
namespace {

using google::protobuf::Timestamp;
using google::protobuf::util::TimeUtil;

constexpr int64_t kDefaultPage = 50;
constexpr int64_t kMaxPage = 500;

struct PageRequest {
  int64_t size = kDefaultPage;
  int64_t offset = 0;
};

template <typename Request>
absl::StatusOr<PageRequest> PageOf(const Request& request) {
  PageRequest page;
  if (request.page_size() < 0)
    return base::InvalidArgument("page_size", "PAGE_SIZE", "page_size is negative.");
  if (request.page_size() > 0) page.size = std::min<int64_t>(request.page_size(), kMaxPage);
  const std::string& token = request.page_token();
  if (token.empty()) return page;
  if (token.size() > 12 || token.find_first_not_of("0123456789") != std::string::npos) {
    return base::InvalidArgument("page_token", "PAGE_TOKEN",
                                 "This page_token was not given out by this list.")
        .Hint("Take next_page_token of the page before, or none for the first page.");
  }
  page.offset = std::strtoll(token.c_str(), nullptr, 10);
  return page;
}

template <typename Response, typename Request>
absl::StatusOr<Response> PageOfList(Store& store, bool dead, const Request& request) {
  OPSMESH_ASSIGN_OR_RETURN(const PageRequest asked, PageOf(request));
  OPSMESH_ASSIGN_OR_RETURN(const Page page,
                           store.List(dead, request.channel(), asked.size, asked.offset));
  Response response;
  for (const Delivery& delivery : page.deliveries)
    *response.add_messages() = ToOutboxMessage(delivery);
  response.set_total_count(page.total);
  if (page.more) response.set_next_page_token(fmt::format("{}", asked.offset + asked.size));
  return response;
}

}  // namespace

Timestamp ToProto(absl::Time time) {
  return TimeUtil::MicrosecondsToTimestamp(absl::ToUnixMicros(time));
}

v1::Delivery ToProto(const Delivery& stored) {
  v1::Delivery delivery;
  delivery.set_channel(stored.lane);
  switch (stored.state) {
    case State::kSent:
      delivery.set_state(v1::Delivery::STATE_SENT);
      break;
    case State::kFolded:
      delivery.set_state(v1::Delivery::STATE_FOLDED);
      break;
    case State::kDead:
      delivery.set_state(v1::Delivery::STATE_DEAD);
      break;
    default:
      delivery.set_state(v1::Delivery::STATE_QUEUED);
  }
  delivery.set_attempt_count(static_cast<int32_t>(stored.attempts));
  if (!stored.platform_message_id.empty())
    delivery.set_platform_message_id(stored.platform_message_id);
  if (!stored.error.empty() && stored.state != State::kSent)
    delivery.set_error(stored.reason + ": " + stored.error);
  if (stored.state == State::kQueued)
    *delivery.mutable_next_attempt_time() = ToProto(stored.next_attempt);
  return delivery;
}

v1::OutboxMessage ToOutboxMessage(const Delivery& stored) {
  v1::OutboxMessage message;
  message.set_message_id(stored.letter.message_id);
  *message.mutable_delivery() = ToProto(stored);
  const type::v1::Text& title = stored.letter.content.title();
  const type::v1::Text& text = stored.letter.content.text();
  const bool titled = !title.zh().empty() || !title.en().empty();
  message.mutable_title()->set_zh(
      std::string(base::Utf8Prefix(titled ? title.zh() : text.zh(), 120)));
  message.mutable_title()->set_en(
      std::string(base::Utf8Prefix(titled ? title.en() : text.en(), 120)));
  message.set_severity(stored.letter.severity);
  *message.mutable_create_time() = ToProto(stored.letter.created);
  *message.mutable_update_time() = ToProto(stored.updated);
  message.set_fold_count(static_cast<int32_t>(stored.fold_count));
  return message;
}

absl::StatusOr<v1::ListOutboxResponse> ListPage(Store& store,
                                                const v1::ListOutboxRequest& request) {
  return PageOfList<v1::ListOutboxResponse>(store, false, request);
}

absl::StatusOr<v1::ListDeadLettersResponse> ListPage(Store& store,
                                                     const v1::ListDeadLettersRequest& request) {
  return PageOfList<v1::ListDeadLettersResponse>(store, true, request);
}

}  // namespace opsmesh::notify
