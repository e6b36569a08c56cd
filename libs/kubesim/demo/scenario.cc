#include "libs/kubesim/demo/scenario.h"

#include <fmt/format.h>

#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "libs/kubesim/store/json_path.h"
#include "libs/kubesim/store/yaml.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

std::vector<std::string> Lines(const Json& list) {
  std::vector<std::string> lines;
  for (const Json& line : list) lines.push_back(Scalar(line));
  return lines;
}

absl::Duration DurationAt(const Json& object, const char* member, absl::Duration otherwise) {
  absl::Duration age;
  return ParseAge(TextAt(object, member), &age) ? age : otherwise;
}

ImageBehaviour ParseBehaviour(const Json& json) {
  ImageBehaviour behaviour;
  behaviour.pull_error = TextAt(json, "pull_error");
  behaviour.not_ready = TextAt(json, "not_ready");
  behaviour.starts = Lines(ListAt(json, {"starts"}));
  behaviour.ends = Lines(ListAt(json, {"ends"}));
  behaviour.repeats = Lines(ListAt(json, {"repeats", "lines"}));
  behaviour.repeat_every = DurationAt(At(json, "repeats"), "every", absl::Seconds(30));
  if (At(json, "exits").is_object()) {
    behaviour.exit = ImageBehaviour::Exit{DurationAt(At(json, "exits"), "after", absl::Seconds(1)),
                                          static_cast<int>(IntAt(json, {"exits", "code"})),
                                          TextAt(json, {"exits", "reason"})};
  }
  if (std::string cpu = Scalar(At(json, {"usage", "cpu"})); !cpu.empty()) behaviour.cpu = cpu;
  if (std::string memory = Scalar(At(json, {"usage", "memory"})); !memory.empty())
    behaviour.memory = memory;
  return behaviour;
}

}  // namespace

bool ParseAge(std::string_view text, absl::Duration* age) {
  if (text.empty()) return false;
  absl::Duration total;
  int64_t number = 0;
  bool digits = false;
  for (char c : text) {
    if (c >= '0' && c <= '9') {
      number = number * 10 + (c - '0');
      digits = true;
      if (number > 1'000'000) return false;
      continue;
    }
    if (!digits) return false;
    switch (c) {
      case 'd':
        total += absl::Hours(24 * number);
        break;
      case 'h':
        total += absl::Hours(number);
        break;
      case 'm':
        total += absl::Minutes(number);
        break;
      case 's':
        total += absl::Seconds(number);
        break;
      default:
        return false;
    }
    number = 0;
    digits = false;
  }
  *age = total;
  return !digits;
}

absl::Duration Scenario::AgeOf(const std::string& ns, const std::string& name) const {
  for (const std::string& key : {ns + "/" + name, ns, std::string("default")}) {
    if (auto it = ages.find(key); it != ages.end()) return it->second;
  }
  return absl::Hours(24);
}

const ImageBehaviour& Scenario::BehaviourOf(const std::string& image) const {
  static const auto* plain = new ImageBehaviour();
  auto it = images.find(image);
  return it == images.end() ? *plain : it->second;
}

absl::StatusOr<Scenario> ParseScenario(std::string_view yaml) {
  OPSMESH_ASSIGN_OR_RETURN(auto documents, ParseYaml(yaml));
  if (documents.size() != 1 || !documents[0].value->is_object()) {
    return base::InvalidArgument("", "SCENARIO_INVALID", "A scenario is one YAML mapping.");
  }
  const Json& json = *documents[0].value;
  Scenario scenario;
  auto ages = [&](const char* member,
                  std::map<std::string, absl::Duration>* table) -> absl::Status {
    const Json& map = At(json, member);
    if (!map.is_object()) return absl::OkStatus();
    for (const auto& [key, value] : map.items()) {
      if (!ParseAge(Scalar(value), &(*table)[key])) {
        return base::InvalidArgument(
            "", "SCENARIO_INVALID",
            fmt::format("{}.{}: '{}' is not an age such as 26h.", member, key, Scalar(value)));
      }
    }
    return absl::OkStatus();
  };
  OPSMESH_RETURN_IF_ERROR(ages("ages", &scenario.ages));
  OPSMESH_RETURN_IF_ERROR(ages("silent_nodes", &scenario.silent_nodes));
  if (const Json& rollouts = At(json, "rollouts"); rollouts.is_object()) {
    for (const auto& [key, list] : rollouts.items()) {
      for (const Json& one : list) {
        Rollout rollout{absl::ZeroDuration(), TextAt(one, "image"), TextAt(one, "cause")};
        if (!ParseAge(TextAt(one, "ago"), &rollout.ago)) {
          return base::InvalidArgument("", "SCENARIO_INVALID",
                                       fmt::format("rollouts.{}: a rollout without an age.", key));
        }
        scenario.rollouts[key].push_back(std::move(rollout));
      }
    }
  }
  if (const Json& stranded = At(json, "stranded"); stranded.is_object()) {
    for (const auto& [key, node] : stranded.items()) scenario.stranded[key] = Scalar(node);
  }
  if (const Json& images = At(json, "images"); images.is_object()) {
    for (const auto& [image, behaviour] : images.items())
      scenario.images[image] = ParseBehaviour(behaviour);
  }
  return scenario;
}

}  // namespace opsmesh::kubesim
