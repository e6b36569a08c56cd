// The CronJob controller.
#pragma once

#include "libs/kubesim/behaviour/controllers/common.h"
#include "libs/kubesim/objects/cron_schedule.h"

namespace opsmesh::kubesim {

class CronJobController final : public Part {
 public:
  explicit CronJobController(Engine& engine);

 private:
  struct Sync;
  Next Run(const std::string& key);
  void Follow(Sync& sync);
  void Trim(Sync& sync);
  Next StartDue(Sync& sync, const CronSchedule& schedule);
  bool MakeJob(Sync& sync, absl::Time when);
  Next Write(Sync& sync, Next next);
  void Say(const Sync& sync, std::string_view type, std::string_view reason,
           const std::string& message);

  Engine& engine_;
  Informer& crons_;
  Informer& jobs_;
  const ObjectIndex& jobs_by_controller_;
  WorkQueue& queue_;
};

}  // namespace opsmesh::kubesim
