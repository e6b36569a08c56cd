// How a try ended, and what comes of it: sent, tried again later, or a dead letter.
#include <algorithm>
#include <cmath>
#include <string>

#include "fmt/core.h"
#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "services/notify/dispatcher_lane.h"

namespace opsmesh::notify {
namespace {

constexpr absl::Duration kLongestPause = absl::Minutes(10);

}  // namespace

/// Notes how an attempt ended. A store that cannot (a full disk) is asked again: until then the
/// lane stands still, and nothing is sent twice.
void Dispatcher::Settle(const std::shared_ptr<Attempt>& attempt) {
  LaneState& lane = *lanes_.at(attempt->delivery.lane);
  const Verdict verdict = VerdictOf(*attempt);
  const absl::Time paused_before = lane.paused_until;
  const int64_t pauses_before = lane.pauses;
  const Outcome outcome = OutcomeOf(*attempt, verdict, lane);
  Step("before_noted");
  if (!store_.EndAttempt(attempt->delivery.sequence, outcome, options_.clock->Now()).ok()) {
    lane.paused_until = paused_before;
    lane.pauses = pauses_before;
    unsettled_.push_back(attempt);
    return;
  }
  Step("noted");
  if (attempt->on_wire) lane.rate.Note(options_.clock->Now());
  lane.in_flight = nullptr;
  --in_flight_;
  const bool sent = outcome.state == State::kSent;
  Count(attempt->lane.metric, sent ? "sent" : outcome.state == State::kDead ? "dead" : "retried");
  if (sent) return;
  options_.logger->Warn(base::Context::Background(),
                        outcome.state == State::kDead ? "a message could not be delivered"
                                                      : "a delivery failed and is tried again",
                        {{"message_id", attempt->delivery.letter.message_id},
                         {"channel", attempt->delivery.lane},
                         {"attempt", attempt->delivery.attempts},
                         {"reason", outcome.reason},
                         {"error", outcome.error}});
}

Verdict Dispatcher::VerdictOf(const Attempt& attempt) const {
  if (attempt.status.ok())
    return attempt.lane.platform->Judge(attempt.answer, MailingOf(attempt.delivery));
  const base::ErrorDetail detail = base::DetailOf(attempt.status);
  if (!attempt.on_wire) {
    // Not a byte left: trying again cannot repeat anything.
    Verdict verdict{.kind = Verdict::Kind::kRetry,
                    .reason = detail.reason,
                    .error = std::string(attempt.status.message()) +
                             (detail.hint.empty() ? "" : " " + detail.hint)};
    if (attempt.status.code() == absl::StatusCode::kInvalidArgument)
      verdict.kind = Verdict::Kind::kDead;
    return verdict;
  }
  if (attempt.has_head) {
    const Verdict verdict =
        attempt.lane.platform->Judge(attempt.answer, MailingOf(attempt.delivery));
    if (verdict.kind != Verdict::Kind::kUnknown) return verdict;
  }
  Verdict verdict{.kind = Verdict::Kind::kUnknown, .reason = "OUTCOME_UNKNOWN"};
  const bool resend = attempt.lane.after_unknown == AfterUnknown::kResend;
  verdict.error = fmt::format(
      "The message was sent and no answer came ({}): the platform may have it or not. {}",
      base::ToStd(attempt.status.message()),
      resend
          ? "It is sent again under the same idempotency key."
          : "Look there, and send it again when it is missing (POST /api/v1/notify/dead-letters/" +
                attempt.delivery.letter.message_id + ":retry).");
  return verdict;
}

/// Makes a dead letter of a delivery that was tried too often or waited too long.
void Dispatcher::GiveUpWhenSpent(const Attempt& attempt, const Verdict& verdict, absl::Time now,
                                 Outcome* outcome) const {
  const int64_t bound = verdict.max_tries > 0
                            ? std::min(verdict.max_tries, options_.outbox.max_attempts)
                            : options_.outbox.max_attempts;
  const bool too_often = outcome->counts && attempt.delivery.tries + 1 >= bound;
  const bool too_old = now - attempt.delivery.queued > options_.outbox.max_age;
  if (too_often || too_old) {
    outcome->state = State::kDead;
    outcome->error += too_often
                          ? fmt::format(" Given up after {} tries.", attempt.delivery.attempts)
                          : fmt::format(" Given up: it waited longer than {}.",
                                        absl::FormatDuration(options_.outbox.max_age));
  }
}

Outcome Dispatcher::OutcomeOf(const Attempt& attempt, const Verdict& verdict, LaneState& lane) {
  const absl::Time now = options_.clock->Now();
  Outcome outcome{.reason = verdict.reason,
                  .error = verdict.error,
                  .platform_message_id = verdict.platform_message_id};
  const int64_t tries = attempt.delivery.tries + 1;
  const auto pause = [&](absl::Duration first) {
    lane.pauses = std::min<int64_t>(lane.pauses + 1, 20);
    lane.paused_until =
        now + std::min(first * std::exp2(static_cast<double>(lane.pauses - 1)), kLongestPause);
  };
  switch (verdict.kind) {
    case Verdict::Kind::kSent:
      lane.pauses = 0;
      return outcome;
    case Verdict::Kind::kDead:
      outcome.state = State::kDead;
      return outcome;
    case Verdict::Kind::kUnknown:
      // The next message of the lane waits: should the platform hang, few messages end in doubt.
      pause(options_.outbox.first_backoff * 5);
      outcome.state =
          attempt.lane.after_unknown == AfterUnknown::kResend ? State::kQueued : State::kDead;
      break;
    case Verdict::Kind::kRateLimited:
      pause(std::max(verdict.after, options_.outbox.first_backoff));
      lane.paused_until = std::max(lane.paused_until, now + verdict.after);
      outcome.state = State::kQueued;
      outcome.counts = false;
      outcome.next_attempt = lane.paused_until;
      break;
    case Verdict::Kind::kRetry:
      outcome.state = State::kQueued;
      break;
  }
  if (outcome.state == State::kDead) return outcome;
  if (verdict.kind != Verdict::Kind::kRateLimited) {
    outcome.next_attempt =
        std::max(now + std::max(Backoff(tries), verdict.after), lane.paused_until);
  }
  GiveUpWhenSpent(attempt, verdict, now, &outcome);
  return outcome;
}

/// Doubles from the first one to the longest, of which a random half to whole is taken.
absl::Duration Dispatcher::Backoff(int64_t tries) const {
  const double doublings = static_cast<double>(std::min<int64_t>(tries - 1, 30));
  const absl::Duration whole =
      std::min(options_.outbox.first_backoff * std::exp2(doublings), options_.outbox.max_backoff);
  const double share =
      0.5 + 0.5 * static_cast<double>(options_.ids->Random() >> 11) / 9007199254740992.0;
  return whole * share;
}

}  // namespace opsmesh::notify
