// Amounts of pages and quotas, and counts of a Job.
#pragma once

#include <string>

#include "libs/kubesim/objects/causes.h"

namespace opsmesh::kubesim {

/// Of large pages ("hugepages-2Mi") only whole ones can be had.
void WholePages(Causes& causes, const std::string& name, const Json& value,
                const std::string& path);

/// Names and amounts of a quota's map at `field` (spec.hard, status.used ...).
void ValidateQuotaAmounts(Causes& causes, const Json& amounts, const std::string& field);

/// The status of a Job, which is judged where it differs from the one of before.
void ValidateJobStatus(Causes& causes, const Json& job, const Json& before);

}  // namespace opsmesh::kubesim
