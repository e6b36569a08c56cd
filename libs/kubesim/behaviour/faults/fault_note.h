// What somebody who injects a fault should know when it will not be seen, or not at once.
#pragma once

#include <string>
#include <vector>

#include "libs/kubesim/behaviour/faults/fault_table.h"
#include "libs/kubesim/store/json.h"

namespace opsmesh::kubesim {

/// A sentence or two; "" when the effect will show on the target as the catalogue says. `pods` =
/// those the fault is about and that have not ended, `on` = the faults that were on before it.
std::string FaultNote(const Fault& fault, const std::vector<Json>& pods,
                      const std::vector<Fault>& on);

}  // namespace opsmesh::kubesim
