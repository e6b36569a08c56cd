#include "libs/kubesim/behaviour/faults/fault_note.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

bool Silences(const Fault& fault) {
  return fault.kind == "kubelet-stopped" || fault.kind == "node-partition";
}

/// The containers the fault is about.
std::vector<Json> ContainersOf(const Fault& fault, const std::vector<Json>& pods) {
  const std::string only = fault.Parameter("container", "");
  std::vector<Json> found;
  for (const Json& pod : pods) {
    for (const Json& one : ListAt(pod, {"spec", "containers"})) {
      if (!only.empty() && TextAt(one, "name") != only) continue;
      if (fault.target.kind == "image" && TextAt(one, "image") != fault.target.name) continue;
      found.push_back(one);
    }
  }
  return found;
}

bool AnyRuns(const Fault& fault, const std::vector<Json>& pods) {
  const std::string only = fault.Parameter("container", "");
  for (const Json& pod : pods) {
    for (const Json& one : ListAt(pod, {"status", "containerStatuses"})) {
      if ((only.empty() || TextAt(one, "name") == only) &&
          At(one, {"state", "running"}).is_object())
        return true;
    }
  }
  return false;
}

std::string Probes(const Fault& fault, const std::vector<Json>& containers) {
  const std::string probe = fault.Parameter("probe", "readiness");
  const bool any = std::any_of(containers.begin(), containers.end(), [&](const Json& one) {
    const bool all = probe == "all";
    return (all && (At(one, "livenessProbe").is_object() || At(one, "startupProbe").is_object() ||
                    At(one, "readinessProbe").is_object())) ||
           At(one, (probe + "Probe").c_str()).is_object();
  });
  return any ? ""
             : fmt::format("None of its containers has a {} probe: nothing will change.",
                           probe == "all" ? "single" : probe);
}

std::string Answers(const Fault& fault, const std::vector<Json>& containers) {
  const std::string seconds = fault.Parameter("seconds", "5");
  const double longer = std::strtod(seconds.c_str(), nullptr);
  for (const Json& one : containers) {
    for (const char* member : {"readinessProbe", "livenessProbe", "startupProbe"}) {
      const Json& probe = At(one, member);
      if (At(probe, "httpGet").is_object() &&
          longer > static_cast<double>(std::max<int64_t>(1, IntAt(probe, "timeoutSeconds", 1))))
        return "";
    }
  }
  return fmt::format(
      "None of its HTTP probes gives up before {} s: kubectl shows nothing, Prometheus shows it in "
      "http_request_duration_seconds.",
      seconds);
}

/// On pods, however they were named.
std::string OnPods(const Fault& fault, const std::vector<Json>& pods) {
  const bool once = fault.kind == "kill";
  if (pods.empty()) {
    return once ? "No pod of it runs or waits: nothing was ended."
                : "No pod of it runs or waits: the fault shows on those that come.";
  }
  if (once && !AnyRuns(fault, pods)) return "None of its containers runs: nothing was ended.";
  const bool placed = std::any_of(pods.begin(), pods.end(), [](const Json& pod) {
    return !TextAt(pod, {"spec", "nodeName"}).empty();
  });
  if (!placed) return "Its pods have no node: the fault shows when they have one.";
  const std::vector<Json> containers = ContainersOf(fault, pods);
  if (fault.kind == "probe-failure") return Probes(fault, containers);
  if (fault.kind == "slow-responses") return Answers(fault, containers);
  if (fault.kind == "memory-leak") {
    const bool limited = std::any_of(containers.begin(), containers.end(), [](const Json& one) {
      return !At(one, {"resources", "limits", "memory"}).is_null();
    });
    return limited ? ""
                   : "None of its containers has a memory limit: nothing ends them, nothing will "
                     "change.";
  }
  const bool waits = fault.kind == "image-pull" && fault.Parameter("restart", "true") != "true";
  if ((fault.kind == "slow-pull" || fault.kind == "slow-disk" || waits) && AnyRuns(fault, pods))
    return "What runs keeps running: the fault shows on containers that start from now on.";
  return "";
}

}  // namespace

std::string FaultNote(const Fault& fault, const std::vector<Json>& pods,
                      const std::vector<Fault>& on) {
  for (const Fault& other : on) {
    if (other.kind == fault.kind && other.target.ToString() == fault.target.ToString()) {
      return fmt::format("{} is the same fault on the same target, and rules until it is cleared.",
                         other.id);
    }
  }
  const std::string& kind = fault.target.kind;
  for (const Fault& other : on) {
    if (!Silences(other)) continue;
    const bool node = kind == "node" && fault.target.name == other.target.name;
    const bool all = kind != "node" && !pods.empty() &&
                     std::all_of(pods.begin(), pods.end(), [&](const Json& pod) {
                       return TextAt(pod, {"spec", "nodeName"}) == other.target.name;
                     });
    if (node || all) {
      return fmt::format("Nobody hears of {} while {} ({}) is on: this shows when it is cleared.",
                         other.target.ToString(), other.id, other.kind);
    }
  }
  if (kind == "node") {
    return fault.kind == "slow-pull" ? "It shows on containers that start there from now on." : "";
  }
  if (kind == "cluster" || fault.kind == "dns") return "";
  return OnPods(fault, pods);
}

}  // namespace opsmesh::kubesim
