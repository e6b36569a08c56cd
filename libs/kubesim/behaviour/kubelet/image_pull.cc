// The image of a container: looked for on the node, pulled, or waited for.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <string>

#include "libs/kubesim/behaviour/kubelet/container_start.h"
#include "libs/kubesim/behaviour/kubelet/kubelet.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

constexpr double kPullBytesPerSecond = 40e6;

// As Go prints a duration below a minute or above: "1.532s", "1m12.4s".
std::string GoSeconds(absl::Duration duration) {
  const double seconds = absl::ToDoubleSeconds(duration);
  if (seconds < 1) return fmt::format("{}ms", absl::ToInt64Milliseconds(duration));
  if (seconds < 60) return fmt::format("{:.3f}s", seconds);
  return fmt::format("{}m{:.3f}s", static_cast<int>(seconds) / 60,
                     seconds - static_cast<int>(seconds) / 60 * 60);
}

}  // namespace

void Kubelet::Pull(View& view, ContainerRuntime& container, const Json& spec) {
  const std::string image = TextAt(spec, "image");
  std::string malformed;
  const auto name = ImageName::Parse(image, &malformed);
  if (!name) {
    WaitFor(container, "InvalidImageName",
            fmt::format(
                "Failed to apply default image tag \"{0}\": couldn't parse image name \"{0}\": {1}",
                image, malformed));
    Tell(view, "Warning", "InspectFailed", container.status.waiting_message, &container);
    Tell(view, "Warning", "Failed", "Error: InvalidImageName", &container);
    container.next = view.now + kSync;
    return;
  }
  const std::string policy = TextAt(spec, "imagePullPolicy");
  const bool present = state_.nodes[view.runtime.node].images.contains(name->Full());
  const auto fault = faults_.OnSubject("image-pull", SubjectOf(view, &container));
  if (present && policy != "Always" && !fault) {
    Tell(view, "Normal", "Pulled",
         fmt::format("Container image \"{}\" already present on machine", image), &container);
    container.step = ContainerRuntime::Step::kCreating;
    container.next = view.now + kCreateTime;
    return;
  }
  if (policy == "Never") {
    const std::string why =
        fmt::format("Container image \"{}\" is not present with pull policy of Never", image);
    WaitFor(container, "ErrImageNeverPull", why);
    Tell(view, "Warning", "ErrImageNeverPull", why, &container);
    Tell(view, "Warning", "Failed", "Error: ErrImageNeverPull", &container);
    container.next = view.now + kSync;
    return;
  }
  if (view.now < container.pull_again) return PullFailed(view, container, image);
  const bool has_secret = PullSecrets(view);
  Tell(view, "Normal", "Pulling", fmt::format("Pulling image \"{}\"", image), &container);
  std::string error = images_.Pull(image, has_secret).error;
  if (fault)
    error = fault->Parameter(
        "message", fmt::format("rpc error: code = NotFound desc = failed to pull and unpack image "
                               "\"{0}\": failed to resolve reference \"{0}\": {0}: not found",
                               name->Full()));
  if (!error.empty()) return PullRefused(view, container, image, error);
  const absl::Duration time = PullTime(view, container, image, present);
  container.step = ContainerRuntime::Step::kPulling;
  container.next = view.now + time;
  container.start_error = fmt::format(
      "Successfully pulled image \"{0}\" in {1} ({1} including waiting). Image size: {2} bytes.",
      image, GoSeconds(time), images_.Find(image)->size);
}

// The registry says no: the next try waits, longer each time.
void Kubelet::PullRefused(View& view, ContainerRuntime& container, const std::string& image,
                          const std::string& error) {
  container.pull_error = error;
  container.pull_back_off = std::clamp(container.pull_back_off * 2, kFirstBackOff, kMaxBackOff);
  container.pull_again = view.now + absl::Seconds(1) + container.pull_back_off;
  WaitFor(container, "ErrImagePull", error);
  Tell(view, "Warning", "Failed", fmt::format("Failed to pull image \"{}\": {}", image, error),
       &container);
  Tell(view, "Warning", "Failed", "Error: ErrImagePull", &container);
  container.next = view.now + kSync;
}

absl::Duration Kubelet::PullTime(const View& view, const ContainerRuntime& container,
                                 const std::string& image, bool present) const {
  const ImageProfilePtr profile = images_.Find(image);
  const auto up_to = [](uint64_t hash, uint64_t most) { return static_cast<int64_t>(hash % most); };
  absl::Duration time =
      present ? absl::Milliseconds(500 + up_to(SpreadHash(view.runtime.uid, 7), 400))
              : absl::Milliseconds(700 + up_to(SpreadHash(image, 8), 900)) +
                    absl::Seconds(static_cast<double>(profile->size) / kPullBytesPerSecond);
  if (!present && profile->pull_time > absl::ZeroDuration()) time = profile->pull_time;
  const FaultSubject subject = SubjectOf(view, &container);
  if (const auto slow = faults_.OnSubject("slow-disk", subject))
    time *= std::max(2.0, std::strtod(slow->Parameter("factor", "10").c_str(), nullptr));
  if (const auto slow = faults_.OnSubject("slow-pull", subject))
    time += absl::Seconds(std::strtol(slow->Parameter("seconds", "120").c_str(), nullptr, 10));
  return time;
}

// Whether one of the pod's pull secrets is there; those that are not are told of.
bool Kubelet::PullSecrets(const View& view) {
  bool any = false;
  std::string absent;
  for (const Json& secret : ListAt(view.spec, {"imagePullSecrets"})) {
    const std::string name = TextAt(secret, "name");
    if (Find("secrets", view.runtime.ns, name)) {
      any = true;
    } else {
      absent += (absent.empty() ? "" : ", ") + name;
    }
  }
  if (!absent.empty()) {
    Tell(view, "Warning", "FailedToRetrieveImagePullSecret",
         fmt::format("Unable to retrieve some image pull secrets ({}); attempting to pull the "
                     "image may not succeed.",
                     absent));
  }
  return any;
}

void Kubelet::PullFailed(View& view, ContainerRuntime& container, const std::string& image) {
  WaitFor(
      container, "ImagePullBackOff",
      fmt::format("Back-off pulling image \"{}\": ErrImagePull: {}", image, container.pull_error));
  Tell(view, "Normal", "BackOff", fmt::format("Back-off pulling image \"{}\"", image), &container);
  Tell(view, "Warning", "Failed", "Error: ImagePullBackOff", &container);
  container.next = std::min(container.pull_again, view.now + kSync);
}

}  // namespace opsmesh::kubesim
