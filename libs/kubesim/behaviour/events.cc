#include "libs/kubesim/behaviour/events.h"

#include <fmt/format.h>

#include <algorithm>

#include "libs/kubesim/behaviour/engine.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

// Events that are folded are one, whose message is the latest.
constexpr std::string_view kCombined = "(combined from similar events): ";
std::string_view MessageOfSeries(std::string_view message) {
  return message.starts_with(kCombined) ? kCombined : message;
}

constexpr double kBurst = 25;
constexpr absl::Duration kRefill = absl::Seconds(300);
constexpr int kMaxSimilar = 10;
constexpr absl::Duration kSimilarWithin = absl::Minutes(10);
constexpr absl::Duration kTimeToLive = absl::Hours(1);
constexpr absl::Duration kSweepEvery = absl::Minutes(1);
// A client-go recorder remembers 4096 each; here all components share one.
constexpr size_t kMaxRemembered = 16384;

std::string About(const Json& involved) {
  std::string text;
  for (const char* member : {"kind", "namespace", "name", "uid", "apiVersion", "fieldPath"})
    text += TextAt(involved, member) + '\n';
  return text;
}

std::string SeriesOf(const std::string& component, const std::string& host,
                     const std::string& about, std::string_view type, std::string_view reason,
                     std::string_view message) {
  return fmt::format("{}\n{}\n{}{}\n{}\n{}", component, host, about, type, reason, message);
}

// Keys of the index are short: an event's series is some 300 bytes, and there are many events.
std::string Short(const std::string& series) {
  const size_t hash = std::hash<std::string>()(series);
  return std::string(reinterpret_cast<const char*>(&hash), sizeof(hash));
}

std::string SeriesOf(const Json& event) {
  return SeriesOf(TextAt(event, {"source", "component"}), TextAt(event, {"source", "host"}),
                  About(At(event, "involvedObject")), TextAt(event, "type"),
                  TextAt(event, "reason"), MessageOfSeries(TextAt(event, "message")));
}

absl::Time LastOf(const Json& event) {
  absl::Time last = absl::InfinitePast();
  for (const char* member : {"lastTimestamp", "eventTime", "firstTimestamp"}) {
    if (base::ParseRfc3339(TextAt(event, member), &last)) break;
  }
  absl::Time created;
  if (base::ParseRfc3339(TextAt(event, {"metadata", "creationTimestamp"}), &created))
    last = std::max(last, created);
  return last;
}

}  // namespace

EventRecorder::EventRecorder(Engine& engine)
    : engine_(engine),
      type_(engine.Type("", "events")),
      spam_(kMaxRemembered),
      similar_(kMaxRemembered),
      latest_(kMaxRemembered) {
  Informer& informer = engine.InformerOf("", "events");
  by_series_ = &informer.AddIndex([](const Object&, const Json& event) {
    return std::vector<std::string>{Short(SeriesOf(event))};
  });
  informer.OnChange([this](const Seen& seen) {
    if (seen.before) by_age_.erase({LastOf(seen.before_json), seen.before->resource_version});
    if (seen.now) by_age_[{LastOf(seen.now_json), seen.now->resource_version}] = seen.now;
  });
}

void EventRecorder::Start() {
  engine_.After(kSweepEvery, [this] { Sweep(); });
}

// An apiserver keeps an event one hour after its last write.
void EventRecorder::Sweep() {
  const absl::Time oldest = engine_.Now() - kTimeToLive;
  while (!by_age_.empty() && by_age_.begin()->first.first < oldest) {
    const ObjectPtr event = by_age_.begin()->second;
    by_age_.erase(by_age_.begin());
    (void)engine_.client().Remove(type_, event->ns, event->name, event->uid);
  }
  engine_.After(kSweepEvery, [this] { Sweep(); });
}

bool EventRecorder::Allowed(std::string key) {
  bool fresh = false;
  Spam& spam = spam_.Of(std::move(key), &fresh);
  if (fresh) spam.since = engine_.Now();
  spam.tokens =
      std::min(kBurst, spam.tokens + absl::FDivDuration(engine_.Now() - spam.since, kRefill));
  spam.since = engine_.Now();
  if (spam.tokens < 1) return false;
  spam.tokens -= 1;
  return true;
}

void EventRecorder::Record(const EventSource& source, const ResourceType& object_type,
                           const Object& object, std::string_view type, std::string_view reason,
                           std::string_view message, std::string_view field_path) {
  Json involved = {{"kind", object_type.kind},
                   {"apiVersion", object_type.ApiVersion()},
                   {"name", object.name},
                   {"uid", object.uid},
                   {"resourceVersion", std::to_string(object.resource_version)}};
  if (!object.ns.empty()) involved["namespace"] = object.ns;
  if (!field_path.empty()) involved["fieldPath"] = field_path;
  Record(source, std::move(involved), type, reason, message);
}

void EventRecorder::Record(const EventSource& source, Json involved, std::string_view type,
                           std::string_view reason, std::string_view message) {
  const std::string about = About(involved);
  std::string text(message.substr(0, 1024));  // the API's limit
  Similar& similar = similar_.Of(SeriesOf(source.component, source.host, about, type, reason, ""));
  if (engine_.Now() - similar.last > kSimilarWithin) similar.messages.clear();
  similar.last = engine_.Now();
  similar.messages.insert(std::hash<std::string>()(text));
  if (static_cast<int>(similar.messages.size()) >= kMaxSimilar) {
    similar.messages.clear();
    for (int i = 0; i + 1 < kMaxSimilar; ++i) similar.messages.insert(static_cast<size_t>(i));
    text = std::string(kCombined) + text;
  }
  if (!Allowed(source.component + "\n" + source.host + "\n" + about)) return;
  const std::string series =
      SeriesOf(source.component, source.host, about, type, reason, MessageOfSeries(text));
  Write(source, std::move(involved), type, reason, std::move(text), series);
}

// The event of a series that is there already.
ObjectPtr EventRecorder::KnownAs(const std::string& series) {
  if (const auto& [ns, name] = latest_.Of(series); !name.empty()) {
    if (ObjectPtr known = engine_.store().Get(type_, ns, name)) return known;
  }
  for (const ObjectPtr& one : by_series_->Find(Short(series))) {
    if (SeriesOf(*engine_.Parsed(one)) == series) return one;
  }
  return nullptr;
}

void EventRecorder::Write(const EventSource& source, Json involved, std::string_view type,
                          std::string_view reason, std::string message, const std::string& series) {
  const std::string now = base::Rfc3339(engine_.Now());
  if (const ObjectPtr known = KnownAs(series)) {
    auto written = engine_.client().Change(type_, known->ns, known->name, [&](Json& event) {
      event["count"] = IntAt(event, "count", 1) + 1;
      event["lastTimestamp"] = now;
      event["message"] = message;
      return true;
    });
    if (written.ok()) return;
  }
  const std::string ns =
      TextAt(involved, "namespace").empty() ? "default" : TextAt(involved, "namespace");
  Json event = {{"metadata", {{"namespace", ns}, {"creationTimestamp", now}}},
                {"reason", reason},
                {"message", message},
                {"type", type},
                {"count", 1},
                {"firstTimestamp", now},
                {"lastTimestamp", now},
                {"eventTime", nullptr},
                {"source", {{"component", source.component}}},
                {"reportingComponent", source.component},
                {"reportingInstance", source.host}};
  if (!source.host.empty()) event["source"]["host"] = source.host;
  const std::string name = TextAt(involved, "name");
  event["involvedObject"] = std::move(involved);
  for (int attempt = 0; attempt < 8; ++attempt) {
    event["metadata"]["name"] =
        fmt::format("{}.{:x}", name,
                    absl::ToUnixNanos(engine_.Now()) + static_cast<int64_t>(++serial_ % 1'000'000));
    Json sealed;
    auto made = engine_.store().Create(type_, event, true, &sealed);
    if (!made.ok()) continue;
    engine_.Remember(*made, std::move(sealed));
    latest_.Of(series) = {ns, (*made)->name};
    return;
  }
}

}  // namespace opsmesh::kubesim
