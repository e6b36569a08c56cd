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
constexpr size_t kMaxRemembered = 4096;  // as client-go's caches

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

}  // namespace

EventRecorder::EventRecorder(Engine& engine) : engine_(engine), type_(engine.Type("", "events")) {
  Informer& informer = engine.InformerOf("", "events");
  by_series_ = &informer.AddIndex([](const Object&, const Json& event) {
    return std::vector<std::string>{
        SeriesOf(TextAt(event, {"source", "component"}), TextAt(event, {"source", "host"}),
                 About(At(event, "involvedObject")), TextAt(event, "type"), TextAt(event, "reason"),
                 MessageOfSeries(TextAt(event, "message")))};
  });
  informer.AddIndex([this](const Object& object, const Json& event) {
    const absl::Time last = LastOf(event);
    auto [known, fresh] = ages_.try_emplace(object.uid, last);
    if (!fresh) by_age_.erase({known->second, object.uid});
    known->second = last;
    by_age_.emplace(last, object.uid);
    return std::vector<std::string>();
  });
  informer.OnChange([this](const Seen& seen) {
    if (seen.now) return;
    auto known = ages_.find(seen.before->uid);
    if (known == ages_.end()) return;
    by_age_.erase({known->second, known->first});
    ages_.erase(known);
  });
}

void EventRecorder::Start() {
  engine_.After(
      kSweepEvery, [this] { Sweep(); }, true);
}

absl::Time EventRecorder::LastOf(const Json& event) const {
  absl::Time last = absl::InfinitePast();
  for (const char* member : {"lastTimestamp", "eventTime", "firstTimestamp"}) {
    if (base::ParseRfc3339(TextAt(event, member), &last)) break;
  }
  absl::Time created;
  if (base::ParseRfc3339(TextAt(event, {"metadata", "creationTimestamp"}), &created))
    last = std::max(last, created);
  return last;
}

// An apiserver keeps an event one hour after its last write.
void EventRecorder::Sweep() {
  const absl::Time oldest = engine_.Now() - kTimeToLive;
  Informer& informer = engine_.InformerOf("", "events");
  while (!by_age_.empty() && by_age_.begin()->first < oldest) {
    const std::string uid = by_age_.begin()->second;
    by_age_.erase(by_age_.begin());
    ages_.erase(uid);
    const ObjectPtr event = informer.GetByUid(uid);
    if (event) (void)engine_.client().Remove(type_, event->ns, event->name, uid);
  }
  if (spam_.size() > kMaxRemembered) spam_.clear();
  if (similar_.size() > kMaxRemembered) similar_.clear();
  engine_.After(
      kSweepEvery, [this] { Sweep(); }, true);
}

bool EventRecorder::Allowed(const std::string& key) {
  auto [it, fresh] = spam_.try_emplace(key);
  Spam& spam = it->second;
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
  Similar& similar = similar_[SeriesOf(source.component, source.host, about, type, reason, "")];
  if (engine_.Now() - similar.last > kSimilarWithin) similar.messages.clear();
  similar.last = engine_.Now();
  similar.messages[text] = 1;
  if (static_cast<int>(similar.messages.size()) >= kMaxSimilar) {
    similar.messages.clear();
    for (int i = 0; i + 1 < kMaxSimilar; ++i)
      similar.messages[std::string(1, static_cast<char>('0' + i))] = 1;
    text = std::string(kCombined) + text;
  }
  if (!Allowed(source.component + "\n" + source.host + "\n" + about)) return;
  const std::string series =
      SeriesOf(source.component, source.host, about, type, reason, MessageOfSeries(text));
  Write(source, std::move(involved), type, reason, std::move(text), series);
}

void EventRecorder::Write(const EventSource& source, Json involved, std::string_view type,
                          std::string_view reason, std::string message, const std::string& series) {
  const std::string now = base::Rfc3339(engine_.Now());
  ObjectPtr known;
  if (auto latest = latest_.find(series); latest != latest_.end())
    known = engine_.store().Get(type_, latest->second.first, latest->second.second);
  if (!known && !by_series_->Find(series).empty()) known = *by_series_->Find(series).begin();
  if (known) {
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
    auto made = engine_.store().Create(type_, event, true);
    if (!made.ok()) continue;
    if (latest_.size() > kMaxRemembered) latest_.clear();
    latest_[series] = {ns, (*made)->name};
    return;
  }
}

}  // namespace opsmesh::kubesim
