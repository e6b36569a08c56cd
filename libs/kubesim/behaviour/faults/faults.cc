#include "libs/kubesim/behaviour/faults/faults.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "libs/base/error.h"
#include "libs/kubesim/behaviour/engine.h"
#include "libs/kubesim/behaviour/faults/catalogue.h"
#include "libs/kubesim/behaviour/faults/fault_note.h"
#include "libs/kubesim/behaviour/kubelet/kubelet.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

constexpr std::string_view kPrefix = "/opsmesh-sim/v1/";
constexpr size_t kMaxFaults = 256;
constexpr size_t kLongestValue = 1024;  // of a parameter, in bytes

bool Listed(std::string_view words, std::string_view wanted) {
  for (size_t from = 0; from < words.size();) {
    const size_t end = std::min(words.find(' ', from), words.size());
    if (words.substr(from, end - from) == wanted) return true;
    from = end + 1;
  }
  return false;
}

// "code: exit code (1); after: …" names code and after.
std::vector<std::string> ParameterNames(std::string_view text) {
  std::vector<std::string> names;
  for (size_t from = 0; from < text.size();) {
    const size_t end = std::min(text.find("; ", from), text.size());
    const std::string_view part = text.substr(from, end - from);
    names.emplace_back(part.substr(0, part.find(':')));
    from = end + 2;
  }
  return names;
}

const char* PluralOf(const std::string& kind) {
  if (kind == "node") return "nodes";
  if (kind == "pod") return "pods";
  if (kind == "namespace") return "namespaces";
  if (kind == "deployment") return "deployments";
  if (kind == "statefulset") return "statefulsets";
  if (kind == "daemonset") return "daemonsets";
  return kind == "job" ? "jobs" : nullptr;
}

Json ToJson(const Fault& fault) {
  Json json = {{"id", fault.id},
               {"kind", fault.kind},
               {"target", fault.target.ToString()},
               {"parameters", Json::object()},
               {"since", base::Rfc3339(fault.since)}};
  for (const auto& [name, value] : fault.parameters) json["parameters"][name] = value;
  if (const FaultKind* kind = FindFaultKind(fault.kind)) {
    json["effect"] = kind->effect;
    json["undone"] = kind->undone;
  }
  return json;
}

Reply ErrorReply(const absl::Status& status) {
  const bool absent = status.code() == absl::StatusCode::kNotFound;
  return StatusReply({.code = absent ? 404 : 400,
                      .reason = absent ? "NotFound" : "BadRequest",
                      .message = std::string(status.message()),
                      .has_details = false});
}

absl::Status UnknownFault(std::string_view name) {
  std::string known;
  for (const FaultKind& one : FaultCatalogue())
    known += fmt::format("{}{}", known.empty() ? "" : ", ", one.name);
  return base::InvalidArgument("kind", "FAULT_UNKNOWN",
                               fmt::format("There is no fault '{}'; there are: {}.", name, known));
}

absl::Status WrongParameter(const std::string& why) {
  return base::InvalidArgument("parameters", "FAULT_PARAMETER", why);
}

absl::Status CheckParameter(const FaultKind& kind, const std::string& key,
                            const std::string& value) {
  const auto names = ParameterNames(kind.parameters);
  if (std::find(names.begin(), names.end(), key) == names.end()) {
    return WrongParameter(fmt::format("{} has no parameter '{}'; it takes: {}.", kind.name, key,
                                      kind.parameters.empty() ? "none" : kind.parameters));
  }
  const bool number = key == "code" || key == "after" || key == "seconds" ||
                      key == "mount_seconds" || key == "factor";
  char* end = nullptr;
  const double amount = std::strtod(value.c_str(), &end);
  const double most = key == "code" ? 255 : 86400;
  if (number && (value.empty() || *end != '\0' || !(amount >= 0 && amount <= most))) {
    return WrongParameter(fmt::format("{} is a number from 0 to {}, not '{}'.", key, most, value));
  }
  if (key == "probe" && value != "readiness" && value != "liveness" && value != "startup" &&
      value != "all") {
    return WrongParameter(
        fmt::format("probe is readiness, liveness, startup or all, not '{}'.", value));
  }
  if (value.size() > kLongestValue)
    return WrongParameter(fmt::format("{} is longer than {} bytes.", key, kLongestValue));
  return absl::OkStatus();
}

}  // namespace

Json FaultCatalogueJson() {
  Json list = Json::array();
  for (const FaultKind& kind : FaultCatalogue()) {
    list.push_back({{"name", kind.name},
                    {"targets", kind.targets},
                    {"parameters", kind.parameters},
                    {"effect", kind.effect},
                    {"undone", kind.undone},
                    {"lasting", kind.lasting}});
  }
  return {{"kinds", list}};
}

absl::Status Faults::CheckTarget(const FaultTarget& target) const {
  const char* plural = PluralOf(target.kind);
  if (plural == nullptr) return absl::OkStatus();  // images and the cluster
  const std::string_view group =
      target.kind == "job" ? "batch"
      : target.kind == "deployment" || target.kind == "statefulset" || target.kind == "daemonset"
          ? "apps"
          : "";
  if (engine_.store().Get(engine_.Type(group, plural), target.ns, target.name))
    return absl::OkStatus();
  return base::NotFound("FAULT_TARGET_ABSENT", fmt::format("There is no {}.", target.ToString()));
}

absl::Status Faults::CheckContainer(const FaultTarget& target, const std::string& name) const {
  const char* plural = PluralOf(target.kind);
  if (plural == nullptr || target.ns.empty()) return absl::OkStatus();
  const std::string_view group = target.kind == "job"   ? "batch"
                                 : target.kind == "pod" ? ""
                                                        : "apps";
  const ObjectPtr object = engine_.store().Get(engine_.Type(group, plural), target.ns, target.name);
  if (!object) return absl::OkStatus();
  const Json json = object->Parse();
  const Json& spec =
      target.kind == "pod" ? At(json, "spec") : At(json, {"spec", "template", "spec"});
  std::string known;
  for (const char* list : {"initContainers", "containers", "ephemeralContainers"}) {
    for (const Json& one : ListAt(spec, {list})) {
      if (TextAt(one, "name") == name) return absl::OkStatus();
      known += (known.empty() ? "" : ", ") + TextAt(one, "name");
    }
  }
  return base::InvalidArgument(
      "parameters", "FAULT_PARAMETER",
      fmt::format("{} has no container '{}'; it has: {}.", target.ToString(), name, known));
}

absl::StatusOr<Fault> Faults::Inject(std::string_view name, std::string_view target_text,
                                     std::map<std::string, std::string> parameters,
                                     std::string* note) {
  const FaultKind* kind = FindFaultKind(name);
  if (kind == nullptr) return UnknownFault(name);
  const auto target = FaultTarget::Parse(target_text);
  if (!target || !Listed(kind->targets, target->kind)) {
    return base::InvalidArgument(
        "target", "FAULT_TARGET",
        fmt::format("'{}' is no target of {}: it takes {}, written as node/NAME, image/NAME, "
                    "KIND/NAMESPACE/NAME or cluster.",
                    target_text, name, kind->targets));
  }
  for (const auto& [key, value] : parameters)
    OPSMESH_RETURN_IF_ERROR(CheckParameter(*kind, key, value));
  OPSMESH_RETURN_IF_ERROR(CheckTarget(*target));
  if (auto container = parameters.find("container"); container != parameters.end())
    OPSMESH_RETURN_IF_ERROR(CheckContainer(*target, container->second));
  if (table_.List().size() >= kMaxFaults)
    return base::InvalidArgument("kind", "FAULT_LIMIT",
                                 fmt::format("{} faults are on; clear some first.", kMaxFaults));
  Fault fault{"done", std::string(kind->name), *target, std::move(parameters), engine_.Now()};
  if (note != nullptr) *note = FaultNote(fault, StoredPodsOf(fault), table_.List());
  if (kind->lasting) fault.id = table_.Add(fault);
  engine_.Post([this, fault, lasting = kind->lasting] {
    if (!lasting)
      Kill(fault,
           static_cast<int>(std::strtol(fault.Parameter("code", "137").c_str(), nullptr, 10)));
    if (fault.kind == "image-pull" && fault.Parameter("restart", "true") == "true")
      Kill(fault, 143);
    kubelet_.FaultsChanged(fault.target);
  });
  return fault;
}

std::vector<Json> Faults::StoredPodsOf(const Fault& fault) const {
  const FaultTarget& target = fault.target;
  if (target.kind == "cluster" || target.kind == "node") return {};
  const std::string& ns = target.kind == "namespace" ? target.name : target.ns;
  std::vector<Json> pods;
  for (const ObjectPtr& object : engine_.store().List(engine_.Type("", "pods"), ns).objects) {
    Json pod = object->Parse();
    const std::string phase = TextAt(pod, {"status", "phase"});
    if (phase == "Succeeded" || phase == "Failed" || !IsAbout(fault, pod)) continue;
    pods.push_back(std::move(pod));
  }
  return pods;
}

bool Faults::IsAbout(const Fault& fault, const Json& pod) {
  FaultSubject subject = Kubelet::SubjectOf(pod);
  if (Concerns(fault.target, subject)) return true;
  if (fault.target.kind != "image") return false;
  for (const Json& container : ListAt(pod, {"spec", "containers"})) {
    subject.image = TextAt(container, "image");
    if (Concerns(fault.target, subject)) return true;
  }
  return false;
}

std::vector<ObjectPtr> Faults::PodsOf(const Fault& fault) const {
  std::vector<ObjectPtr> pods = kubelet_.PodsNear(fault.target);
  std::erase_if(pods, [&](const ObjectPtr& pod) { return !IsAbout(fault, *engine_.Parsed(pod)); });
  return pods;
}

void Faults::Kill(const Fault& fault, int code) {
  for (const ObjectPtr& pod : PodsOf(fault))
    kubelet_.KillContainer(pod->ns, pod->name, fault.Parameter("container", ""), code, "");
}

absl::Status Faults::Clear(std::string_view id) {
  const std::optional<Fault> gone = table_.Remove(id);
  if (!gone)
    return base::NotFound("FAULT_ABSENT", fmt::format("There is no fault '{}' that is on.", id));
  engine_.Post([this, target = gone->target] { kubelet_.FaultsChanged(target); });
  return absl::OkStatus();
}

size_t Faults::ClearAll() {
  const auto faults = table_.List();
  for (const Fault& fault : faults) (void)Clear(fault.id);
  return faults.size();
}

std::vector<Disturbance> Faults::Disturbances() const {
  std::vector<Disturbance> list;
  for (const Fault& fault : table_.List()) {
    Disturbance one;
    one.id = fault.id;
    one.since = fault.since;
    if (fault.kind == "slow-responses") {
      one.amount = std::strtod(fault.Parameter("seconds", "5").c_str(), nullptr);
    } else if (fault.kind == "dns") {
      one.kind = Disturbance::Kind::kNoNames;
    } else if (fault.kind == "slow-disk" && fault.target.kind == "node") {
      one.kind = Disturbance::Kind::kSlowDisk;
    } else {
      continue;
    }
    const FaultTarget& target = fault.target;
    one.ns = target.kind == "namespace" ? target.name : target.ns;
    if (target.kind == "node") {
      one.node = target.name;
    } else if (target.kind == "pod") {
      one.pod = target.name;
    } else if (!target.ns.empty()) {
      one.workload = target.name;
    }
    list.push_back(std::move(one));
  }
  return list;
}

std::optional<Reply> Faults::Handle(const Call& call) {
  const std::string_view path = call.http.path;
  if (!path.starts_with(kPrefix)) return std::nullopt;
  const std::string_view rest = path.substr(kPrefix.size());
  const std::string& method = call.http.method;
  if (rest == "catalogue" && method == "GET") {
    return JsonReply(FaultCatalogueJson());
  }
  if (rest == "faults" && method == "GET") {
    Json list = Json::array();
    for (const Fault& fault : List()) list.push_back(ToJson(fault));
    return JsonReply({{"faults", list}});
  }
  if (rest == "faults" && method == "POST") {
    const Json body =
        call.http.body.size() > (64 << 10) ? Json() : Json::parse(call.http.body, nullptr, false);
    if (!body.is_object())
      return ErrorReply(base::InvalidArgument(
          "", "FAULT_BODY", "The body is a JSON object with kind, target and parameters."));
    std::map<std::string, std::string> parameters;
    if (const Json& given = At(body, "parameters"); given.is_object()) {
      for (const auto& [name, value] : given.items())
        parameters[name] = value.is_boolean()        ? (value.get<bool>() ? "true" : "false")
                           : value.is_number_float() ? value.dump()
                                                     : Scalar(value);
    }
    std::string note;
    auto fault = Inject(TextAt(body, "kind"), TextAt(body, "target"), std::move(parameters), &note);
    if (!fault.ok()) return ErrorReply(fault.status());
    Json made = ToJson(*fault);
    if (!note.empty()) made["note"] = note;
    return JsonReply(made, 201);
  }
  if (rest == "faults" && method == "DELETE") return JsonReply({{"cleared", ClearAll()}});
  if (rest.starts_with("faults/") && method == "DELETE") {
    const absl::Status cleared = Clear(rest.substr(7));
    return cleared.ok() ? JsonReply({{"cleared", 1}}) : ErrorReply(cleared);
  }
  return StatusReply({.code = 404,
                      .reason = "NotFound",
                      .message = fmt::format("the simulator has no {} {}", method, path),
                      .has_details = false});
}

}  // namespace opsmesh::kubesim
