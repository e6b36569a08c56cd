// What the command line clients of common servers say when their server does not answer.
#pragma once

#include <string>
#include <vector>

#include "libs/kubesim/behaviour/kubelet/shell.h"

namespace opsmesh::kubesim {

/// Exit code and output of `argv` (mysqladmin, pg_isready, redis-cli, …) before its server listens.
/// Other commands fail with a plain "connection refused".
ExecResult RefusedClient(const std::vector<std::string>& argv);

}  // namespace opsmesh::kubesim
