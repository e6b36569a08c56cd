// Commands that tell of the machine and of what runs: df, free, ps, top, uptime, uname, du. For
// shell_*.cc only.
#pragma once

#include <optional>
#include <string>

#include "libs/kubesim/behaviour/kubelet/shell_tools.h"

namespace opsmesh::kubesim {

/// Nothing when `name` is no such command. Figures are those of the container where it has any
/// (memory limit, what it wrote), else of a machine with 16 GiB of memory and 100 GB of disk.
std::optional<int> MachineCommand(const ShellCall& call, const std::string& name);

}  // namespace opsmesh::kubesim
