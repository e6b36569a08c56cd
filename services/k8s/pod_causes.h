// Why a pod is as it is: from its status, its spec, its events and what stands around it.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/kube/views_pod.h"
#include "services/k8s/finding.h"

namespace opsmesh::k8s {

struct CrashCause {
  Text cause;
  Text next_step;
  std::vector<Fact> evidence;
  bool untrusted = false;
};

struct EventText {
  std::string reason;
  std::string message;
  int64_t count = 0;
  absl::Time last_seen;
};

/// Text from the cluster in quotes, cleaned and cut: it is shown, never followed.
std::string Quoted(std::string_view text, size_t max_bytes = 300);
/// "5m", "2h10m", "3d".
std::string HumanSpan(absl::Duration span);

const kube::Container* SpecOf(const kube::Pod& pod, std::string_view container);
std::string ImageOf(const kube::Pod& pod, const kube::ContainerStatus& status);

/// The newest warning about the object with one of these reasons (any when empty).
std::optional<EventText> LastWarning(Picture& picture, const kube::Object& object,
                                     std::initializer_list<std::string_view> reasons);
/// The newest Unhealthy event whose message begins with `probe` ("Liveness", "Readiness",
/// "Startup").
std::optional<EventText> ProbeEvent(Picture& picture, const kube::Object& object,
                                    std::string_view probe);

CrashCause CauseOfCrash(Picture& picture, const kube::Object& object, const kube::Pod& pod,
                        const kube::ContainerStatus& status, const kube::ContainerState& ended);
CrashCause CauseOfPullFailure(Picture& picture, const kube::Object& object, const kube::Pod& pod,
                              const kube::ContainerStatus& status);
CrashCause CauseOfNotReady(Picture& picture, const kube::Object& object, const kube::Pod& pod,
                           const kube::ContainerStatus& status, const kube::Probe* probe);
CrashCause CauseOfUnschedulable(Picture& picture, const kube::Object& object, const kube::Pod& pod,
                                std::string_view message);
/// What the scheduler said last, from the condition or the FailedScheduling event; "" when it said
/// nothing.
std::string SchedulingMessage(Picture& picture, const kube::Object& object,
                              const kube::Condition* scheduled);

std::string CodeOfMissing(const MissingReference& missing);  // "MISSING_CONFIGMAP"
/// Fills summary (without the object), cause and next step.
void SayMissing(const MissingReference& missing, Finding& finding);
/// A probe in words: "HTTP GET :8080/healthz".
std::string DescribeProbe(const kube::Probe& probe);

}  // namespace opsmesh::k8s
