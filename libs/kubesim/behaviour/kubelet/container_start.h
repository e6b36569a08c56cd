// What the steps of a container's start share. For container_sync.cc and image_pull.cc only.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "libs/kubesim/behaviour/kubelet/pod_runtime.h"

namespace opsmesh::kubesim {

inline constexpr absl::Duration kFirstBackOff = absl::Seconds(10);
inline constexpr absl::Duration kMaxBackOff = absl::Minutes(5);
/// How often a kubelet comes back to what fails, on average.
inline constexpr absl::Duration kSync = absl::Seconds(13);
/// A process that pauses for less is looked at after this, and then has gone on several times.
inline constexpr absl::Duration kShortestLook = absl::Milliseconds(10);
inline constexpr absl::Duration kCreateTime = absl::Milliseconds(250);

/// Waits for something that is not the crash itself; how the last run ended stays known.
void WaitFor(ContainerRuntime& container, std::string reason, std::string message);

/// The same number for the same text and seed, spread over all 64 bits.
uint64_t SpreadHash(std::string_view text, uint64_t seed);

/// 64 hexadecimal digits, as ids of containers and of images have; the same for the same text.
std::string Digest(std::string_view text);

}  // namespace opsmesh::kubesim
