// After pkg/controller/cronjob of Kubernetes 1.32.
#include "libs/kubesim/behaviour/controllers/cronjob.h"

#include <fmt/format.h>

#include <algorithm>

#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

const EventSource kSource{"cronjob-controller", ""};
constexpr int64_t kTooMany = 100;  // missed starts

// "Complete", "Failed" or "".
std::string EndOf(const Json& job) {
  for (const char* type : {"Complete", "Failed"}) {
    if (TextAt(ConditionOf(At(job, "status"), type), "status") == "True") return type;
  }
  return "";
}

}  // namespace

struct CronJobController::Sync {
  ObjectPtr object;
  Json json;
  Json status;
  std::vector<std::pair<ObjectPtr, std::shared_ptr<const Json>>> jobs;
};

CronJobController::CronJobController(Engine& engine)
    : engine_(engine),
      crons_(engine.InformerOf("batch", "cronjobs")),
      jobs_(engine.InformerOf("batch", "jobs")),
      jobs_by_controller_(jobs_.ByController()),
      queue_(engine.AddQueue("cronjob", [this](const std::string& key) { return Run(key); })) {
  crons_.OnChange([this](const Seen& seen) { queue_.Add(KeyOf(seen.any().ns, seen.any().name)); });
  jobs_.OnChange([this](const Seen& seen) {
    const Json& owner = ControllerOf(seen.any_json());
    if (TextAt(owner, "kind") == "CronJob") queue_.Add(KeyOf(seen.any().ns, TextAt(owner, "name")));
  });
}

void CronJobController::Say(const Sync& sync, std::string_view type, std::string_view reason,
                            const std::string& message) {
  engine_.events().Record(kSource, crons_.type(), *sync.object, type, reason, message);
}

Next CronJobController::Run(const std::string& key) {
  const auto [ns, name] = SplitKey(key);
  Sync sync;
  sync.object = crons_.Get(ns, name);
  if (!sync.object) return Next::Done();
  sync.json = *engine_.Parsed(sync.object);
  sync.status = At(sync.json, "status").is_object() ? At(sync.json, "status") : Json::object();
  for (const ObjectPtr& job : jobs_by_controller_.Find(sync.object->uid))
    sync.jobs.emplace_back(job, engine_.Parsed(job));
  Follow(sync);
  Trim(sync);
  if (BeingDeleted(sync.json) || BoolAt(sync.json, {"spec", "suspend"}))
    return Write(sync, Next::Done());
  const std::string zone_name = TextAt(sync.json, {"spec", "timeZone"});
  absl::TimeZone zone = absl::UTCTimeZone();
  if (!zone_name.empty() && !absl::LoadTimeZone(zone_name, &zone)) {
    Say(sync, "Warning", "UnknownTimeZone",
        fmt::format("invalid timeZone: \"{}\": unknown time zone {}", zone_name, zone_name));
    return Write(sync, Next::Done());
  }
  auto schedule = CronSchedule::Parse(TextAt(sync.json, {"spec", "schedule"}), zone);
  if (!schedule.ok()) {
    Say(sync, "Warning", "UnparseableSchedule",
        fmt::format("unparseable schedule: \"{}\" : {}", TextAt(sync.json, {"spec", "schedule"}),
                    base::ToStd(schedule.status().message())));
    return Write(sync, Next::Done());
  }
  return Write(sync, StartDue(sync, *schedule));
}

// Active Jobs leave the list when they end.
void CronJobController::Follow(Sync& sync) {
  Json active = Json::array();
  for (const Json& reference : ListAt(sync.status, {"active"})) {
    const auto job = std::find_if(sync.jobs.begin(), sync.jobs.end(), [&](const auto& one) {
      return one.first->uid == TextAt(reference, "uid");
    });
    if (job == sync.jobs.end()) {
      if (engine_.store().Get(jobs_.type(), sync.object->ns, TextAt(reference, "name"))) {
        active.push_back(reference);  // made in this very moment
        continue;
      }
      Say(sync, "Normal", "MissingJob",
          fmt::format("Active job went missing: {}", TextAt(reference, "name")));
      continue;
    }
    const std::string end = EndOf(*job->second);
    if (end.empty()) {
      active.push_back(reference);
      continue;
    }
    Say(sync, "Normal", "SawCompletedJob",
        fmt::format("Saw completed job: {}, condition: {}", job->first->name, end));
  }
  for (const auto& [job, json] : sync.jobs) {
    const std::string done = TextAt(*json, {"status", "completionTime"});
    if (EndOf(*json) != "Complete" || done.empty()) continue;
    if (done > TextAt(sync.status, "lastSuccessfulTime")) sync.status["lastSuccessfulTime"] = done;
  }
  if (active.empty())
    sync.status.erase("active");
  else
    sync.status["active"] = std::move(active);
}

void CronJobController::Trim(Sync& sync) {
  for (const auto& [end, member] : {std::pair("Complete", "successfulJobsHistoryLimit"),
                                    std::pair("Failed", "failedJobsHistoryLimit")}) {
    if (!At(sync.json, {"spec", member}).is_number()) continue;
    std::vector<std::pair<std::string, ObjectPtr>> ended;
    for (const auto& [job, json] : sync.jobs) {
      if (EndOf(*json) == end && !BeingDeleted(*json))
        ended.emplace_back(TextAt(*json, {"status", "startTime"}), job);
    }
    std::stable_sort(ended.begin(), ended.end(),
                     [](const auto& x, const auto& y) { return x.first < y.first; });
    const int64_t limit = IntAt(sync.json, {"spec", member});
    for (int64_t i = 0; i < static_cast<int64_t>(ended.size()) - limit; ++i) {
      const ObjectPtr& job = ended[static_cast<size_t>(i)].second;
      if (engine_.client().Delete(jobs_.type(), job->ns, job->name,
                                  {{"propagationPolicy", "Background"}}, job->uid))
        continue;
      Say(sync, "Normal", "SuccessfulDelete", "Deleted job " + job->name);
    }
  }
}

Next CronJobController::StartDue(Sync& sync, const CronSchedule& schedule) {
  const absl::Time now = engine_.Now();
  absl::Time since = TimeAt(sync.json, {"metadata", "creationTimestamp"}, now);
  since = std::max(since, TimeAt(sync.status, {"lastScheduleTime"}));
  const Json& deadline = At(sync.json, {"spec", "startingDeadlineSeconds"});
  if (deadline.is_number()) since = std::max(since, now - absl::Seconds(deadline.get<int64_t>()));
  absl::Time due = absl::InfinitePast();
  int64_t missed = 0;
  absl::Time next = schedule.Next(since);
  for (; next <= now && missed < 100'000; next = schedule.Next(next)) {
    due = next;
    ++missed;
  }
  if (next <= now) {  // more than anybody counts: only the latest matters
    next = schedule.Next(std::max(due, now - absl::Hours(1)));
    for (; next <= now; next = schedule.Next(next)) due = next;
  }
  auto wait = [&] {
    return next == absl::InfiniteFuture() ? Next::Done()
                                          : Next::After(next - now + absl::Milliseconds(100));
  };
  if (missed == 0) return wait();
  if (missed > kTooMany) {
    Say(sync, "Warning", "TooManyMissedTimes",
        "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock "
        "skew");
  }
  const std::string policy = TextAt(sync.json, {"spec", "concurrencyPolicy"});
  if (policy == "Forbid" && !ListAt(sync.status, {"active"}).empty()) {
    Say(sync, "Normal", "JobAlreadyActive",
        "Not starting job because prior execution is running and concurrency policy is Forbid");
    return wait();
  }
  if (policy == "Replace") {
    for (const Json& reference : ListAt(sync.status, {"active"})) {
      const std::string name = TextAt(reference, "name");
      if (!engine_.client().Delete(jobs_.type(), sync.object->ns, name,
                                   {{"propagationPolicy", "Background"}},
                                   TextAt(reference, "uid"))) {
        Say(sync, "Normal", "SuccessfulDelete", "Deleted job " + name);
      }
    }
    sync.status.erase("active");
  }
  return MakeJob(sync, due) ? wait() : Next::Retry();
}

bool CronJobController::MakeJob(Sync& sync, absl::Time when) {
  const Json& source = At(sync.json, {"spec", "jobTemplate"});
  const std::string name = fmt::format("{}-{}", sync.object->name, absl::ToUnixSeconds(when) / 60);
  Json job = {
      {"metadata",
       {{"name", name},
        {"namespace", sync.object->ns},
        {"ownerReferences", Json::array({ControllerReference(crons_.type(), *sync.object)})}}},
      {"spec", At(source, "spec")}};
  for (const char* member : {"labels", "annotations"}) {
    if (At(source, {"metadata", member}).is_object())
      job["metadata"][member] = At(source, {"metadata", member});
  }
  job["metadata"]["annotations"]["batch.kubernetes.io/cronjob-scheduled-timestamp"] =
      base::Rfc3339(when);
  auto made = engine_.client().Create(jobs_.type(), std::move(job));
  if (!made.ok() && made.status().reason != "AlreadyExists") {
    if (made.status().causes.empty() || made.status().causes[0].reason != "NamespaceTerminating") {
      Say(sync, "Warning", "FailedCreate", "Error creating job: " + made.status().message);
    }
    return false;
  }
  sync.status["lastScheduleTime"] = base::Rfc3339(when);
  if (!made.ok()) return true;
  Say(sync, "Normal", "SuccessfulCreate", "Created job " + name);
  sync.status["active"].push_back({{"kind", "Job"},
                                   {"apiVersion", "batch/v1"},
                                   {"namespace", sync.object->ns},
                                   {"name", name},
                                   {"uid", (*made)->uid},
                                   {"resourceVersion", std::to_string((*made)->resource_version)}});
  return true;
}

Next CronJobController::Write(Sync& sync, Next next) {
  auto written = engine_.client().Change(
      crons_.type(), sync.object->ns, sync.object->name,
      [&](Json& cron) {
        if (At(cron, "status") == sync.status) return false;
        cron["status"] = sync.status;
        return true;
      },
      sync.object->uid);
  return written.ok() || written.status().code == 404 ? next : Next::Retry();
}

}  // namespace opsmesh::kubesim
