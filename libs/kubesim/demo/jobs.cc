// Jobs that have ended, and the cron jobs that make them.
#include <fmt/format.h>

#include "libs/kubesim/demo/builder.h"
#include "libs/kubesim/objects/defaults.h"
#include "libs/kubesim/store/json_path.h"

namespace opsmesh::kubesim {

void DemoBuilder::AddJob(Json job, absl::Time created) {
  const ResourceType& type = Type("batch", "jobs");
  const std::string ns = TextAt(job, {"metadata", "namespace"});
  const std::string name = TextAt(job, {"metadata", "name"});
  ApplyDefaults(type, job);
  const std::string uid = target_.store.ids().NewUuid();
  job["metadata"]["uid"] = uid;
  job["metadata"]["generation"] = 1;
  const Json labels = {{"batch.kubernetes.io/controller-uid", uid},
                       {"batch.kubernetes.io/job-name", name},
                       {"controller-uid", uid},
                       {"job-name", name}};
  job["spec"]["selector"] = {{"matchLabels", {{"batch.kubernetes.io/controller-uid", uid}}}};
  job["spec"]["template"]["metadata"]["labels"].update(labels);
  const ImageBehaviour& behaviour =
      scenario_.BehaviourOf(TextAt(job["spec"]["template"]["spec"]["containers"][0], "image"));
  const bool fails = behaviour.exit && behaviour.exit->code != 0;
  const int tries = fails ? static_cast<int>(IntAt(job, {"spec", "backoffLimit"}, 6)) + 1 : 1;
  const absl::Duration run = behaviour.exit ? behaviour.exit->after : absl::Seconds(5);
  const EventSubject about = About(type, job);
  absl::Time when = created;
  for (int i = 0; i < tries; ++i) {
    const std::string pod_name = name + "-" + NameSuffix(target_.store.ids().Random());
    AddPod({ns, pod_name, name + "-", job["spec"]["template"], OwnerReference(type, job), Json(),
            when, ""});
    AddEvent(about, "Normal", "SuccessfulCreate", "Created pod: " + pod_name, "job-controller", "",
             when, when, 1);
    if (i + 1 < tries) when += run + absl::Seconds(10) * (1 << i);
  }
  EndJob(job, tries, fails, created, when + run + absl::Seconds(4));
  Put(type, std::move(job));
}

void DemoBuilder::EndJob(Json& job, int tries, bool fails, absl::Time created, absl::Time end) {
  const EventSubject about = About(Type("batch", "jobs"), job);
  Json& status = job["status"];
  status = {{"startTime", base::Rfc3339(created)},
            {"ready", 0},
            {"terminating", 0},
            {"uncountedTerminatedPods", Json::object()}};
  auto condition = [&](const char* kind, const char* reason, const char* message) {
    return Json{{"type", kind},
                {"status", "True"},
                {"lastProbeTime", base::Rfc3339(end)},
                {"lastTransitionTime", base::Rfc3339(end)},
                {"reason", reason},
                {"message", message}};
  };
  if (fails) {
    status["failed"] = tries;
    status["conditions"] = {
        condition("FailureTarget", "BackoffLimitExceeded",
                  "Job has reached the specified backoff limit"),
        condition("Failed", "BackoffLimitExceeded", "Job has reached the specified backoff limit")};
    AddEvent(about, "Warning", "BackoffLimitExceeded",
             "Job has reached the specified backoff limit", "job-controller", "", end, end, 1);
  } else {
    status["succeeded"] = 1;
    status["completionTime"] = base::Rfc3339(end);
    status["conditions"] = {
        condition("SuccessCriteriaMet", "CompletionsReached",
                  "Reached expected number of succeeded pods"),
        condition("Complete", "CompletionsReached", "Reached expected number of succeeded pods")};
    AddEvent(about, "Normal", "Completed", "Job completed", "job-controller", "", end, end, 1);
  }
}

// Runs at every half hour; the last three Jobs are kept.
void DemoBuilder::AddCronJob(Json cron) {
  const ResourceType& type = Type("batch", "cronjobs");
  ApplyDefaults(type, cron);
  cron["metadata"]["uid"] = target_.store.ids().NewUuid();
  cron["metadata"]["generation"] = 1;
  const absl::Time last =
      absl::FromUnixSeconds(absl::ToUnixSeconds(now_ - absl::Minutes(2)) / 1800 * 1800);
  for (int i = 2; i >= 0; --i) {
    const absl::Time scheduled = last - absl::Minutes(30) * i;
    const std::string name = fmt::format("{}-{}", TextAt(cron, {"metadata", "name"}),
                                         absl::ToUnixSeconds(scheduled) / 60);
    Json job = {
        {"metadata",
         {{"name", name},
          {"namespace", TextAt(cron, {"metadata", "namespace"})},
          {"ownerReferences", {OwnerReference(type, cron)}},
          {"annotations",
           {{"batch.kubernetes.io/cronjob-scheduled-timestamp", base::Rfc3339(scheduled)}}}}},
        {"spec", At(cron, {"spec", "jobTemplate", "spec"})}};
    AddJob(Stamp(std::move(job), scheduled), scheduled);
  }
  cron["status"] = {{"lastScheduleTime", base::Rfc3339(last)},
                    {"lastSuccessfulTime", base::Rfc3339(last + absl::Seconds(42))}};
  Put(type, std::move(cron));
}

}  // namespace opsmesh::kubesim
