#include <fmt/format.h>

#include <set>

#include "libs/base/strings.h"
#include "libs/kubesim/api/printers.h"
#include "libs/kubesim/api/printers_internal.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim::printers {
namespace {

std::string NodeStatus(const Json& node) {
  std::string status = "Unknown";
  for (const Json& condition : ListAt(node, {"status", "conditions"})) {
    if (TextAt(condition, "type") == "Ready")
      status = TextAt(condition, "status") == "True" ? "Ready" : "NotReady";
  }
  if (BoolAt(node, {"spec", "unschedulable"})) status += ",SchedulingDisabled";
  return status;
}

std::string NodeRoles(const Json& node) {
  std::set<std::string> roles;
  const Json& labels = At(node, {"metadata", "labels"});
  if (labels.is_object()) {
    for (const auto& [key, value] : labels.items()) {
      if (key.starts_with("node-role.kubernetes.io/")) roles.insert(key.substr(24));
      if (key == "kubernetes.io/role" && value.is_string()) roles.insert(value.get<std::string>());
    }
  }
  std::string text;
  for (const std::string& role : roles) text += (text.empty() ? "" : ",") + role;
  return OrNone(text);
}

std::string NodeAddress(const Json& node, std::string_view type) {
  for (const Json& address : ListAt(node, {"status", "addresses"})) {
    if (TextAt(address, "type") == type) return TextAt(address, "address");
  }
  return "<none>";
}

std::string OrUnknown(std::string text) { return text.empty() ? "<unknown>" : text; }

std::string AccessModes(const Json& list) {
  std::string text;
  for (const Json& mode : list) {
    const std::string name = Scalar(mode);
    const std::string brief = name == "ReadWriteOnce"      ? "RWO"
                              : name == "ReadOnlyMany"     ? "ROX"
                              : name == "ReadWriteMany"    ? "RWX"
                              : name == "ReadWriteOncePod" ? "RWOP"
                                                           : name;
    text += (text.empty() ? "" : ",") + brief;
  }
  return text;
}

}  // namespace

Cells Node(const Json& o, absl::Time now) {
  const Json& info = At(o, {"status", "nodeInfo"});
  return {NodeStatus(o),
          NodeRoles(o),
          AgeOf(o, now),
          TextAt(info, "kubeletVersion"),
          NodeAddress(o, "InternalIP"),
          NodeAddress(o, "ExternalIP"),
          OrUnknown(TextAt(info, "osImage")),
          OrUnknown(TextAt(info, "kernelVersion")),
          OrUnknown(TextAt(info, "containerRuntimeVersion"))};
}

Cells Event(const Json& o, absl::Time now) {
  const Json& first_time =
      At(o, "firstTimestamp").is_string() ? At(o, "firstTimestamp") : At(o, "eventTime");
  const Json& last_time = At(o, {"series", "lastObservedTime"}).is_string()
                              ? At(o, {"series", "lastObservedTime"})
                          : At(o, "lastTimestamp").is_string() ? At(o, "lastTimestamp")
                                                               : first_time;
  const int64_t count =
      At(o, "series").is_object() ? IntAt(o, {"series", "count"}) : IntAt(o, "count");
  std::string source = TextAt(o, {"source", "component"});
  if (source.empty()) source = TextAt(o, "reportingComponent");
  std::string host = TextAt(o, {"source", "host"});
  if (host.empty() && TextAt(o, {"source", "component"}).empty())
    host = TextAt(o, "reportingInstance");
  if (!host.empty()) source += ", " + host;
  const Json& about = At(o, "involvedObject");
  std::string object = base::AsciiLower(TextAt(about, "kind"));
  if (!TextAt(about, "name").empty()) object += "/" + TextAt(about, "name");
  return {Age(last_time, now),
          TextAt(o, "type"),
          TextAt(o, "reason"),
          object,
          TextAt(about, "fieldPath"),
          source,
          std::string(base::Trim(TextAt(o, "message"))),
          Age(first_time, now),
          count == 0 ? 1 : count,
          TextAt(o, {"metadata", "name"})};
}

Cells Volume(const Json& o, absl::Time now) {
  std::string claim;
  if (At(o, {"spec", "claimRef"}).is_object()) {
    claim = TextAt(o, {"spec", "claimRef", "namespace"}) + "/" +
            TextAt(o, {"spec", "claimRef", "name"});
  }
  std::string phase = TextAt(o, {"status", "phase"});
  if (At(o, {"metadata", "deletionTimestamp"}).is_string()) phase = "Terminating";
  const std::string attributes = TextAt(o, {"spec", "volumeAttributesClassName"});
  return {Scalar(At(o, {"spec", "capacity", "storage"})),
          AccessModes(ListAt(o, {"spec", "accessModes"})),
          TextAt(o, {"spec", "persistentVolumeReclaimPolicy"}),
          phase,
          claim,
          TextAt(o, {"spec", "storageClassName"}),
          attributes.empty() ? "<unset>" : attributes,
          TextAt(o, {"status", "reason"}),
          AgeOf(o, now),
          TextAt(o, {"spec", "volumeMode"})};
}

Cells Claim(const Json& o, absl::Time now) {
  std::string phase = TextAt(o, {"status", "phase"});
  if (At(o, {"metadata", "deletionTimestamp"}).is_string()) phase = "Terminating";
  const bool bound = !TextAt(o, {"spec", "volumeName"}).empty();
  const std::string attributes = TextAt(o, {"spec", "volumeAttributesClassName"});
  return {phase,
          TextAt(o, {"spec", "volumeName"}),
          bound ? Scalar(At(o, {"status", "capacity", "storage"})) : "",
          bound ? AccessModes(ListAt(o, {"status", "accessModes"})) : "",
          TextAt(o, {"spec", "storageClassName"}),
          attributes.empty() ? "<unset>" : attributes,
          AgeOf(o, now),
          TextAt(o, {"spec", "volumeMode"})};
}

Cells Binding(const Json& o, absl::Time now) {
  std::string users, groups, accounts;
  for (const Json& subject : ListAt(o, {"subjects"})) {
    const std::string kind = TextAt(subject, "kind");
    std::string& list = kind == "User" ? users : kind == "Group" ? groups : accounts;
    if (!list.empty()) list += ", ";
    list += kind == "ServiceAccount" ? TextAt(subject, "namespace") + "/" + TextAt(subject, "name")
                                     : TextAt(subject, "name");
  }
  return {TextAt(o, {"roleRef", "kind"}) + "/" + TextAt(o, {"roleRef", "name"}), AgeOf(o, now),
          users, groups, accounts};
}

Cells Quota(const Json& o, absl::Time now) {
  std::string requests, limits;
  const Json& hard = At(o, {"status", "hard"});
  if (hard.is_object()) {
    for (const auto& [name, value] : hard.items()) {
      std::string& list = name.starts_with("limits.") ? limits : requests;
      if (!list.empty()) list += ", ";
      list += fmt::format("{}: {}/{}", name, Scalar(At(o, {"status", "used", name.c_str()})),
                          Scalar(value));
    }
  }
  return {AgeOf(o, now), requests, limits};
}

Cells SigningRequest(const Json& o, absl::Time now) {
  std::string condition = "Pending";
  for (const Json& one : ListAt(o, {"status", "conditions"})) {
    if (TextAt(one, "type") == "Approved" || TextAt(one, "type") == "Denied")
      condition = TextAt(one, "type");
  }
  if (!TextAt(o, {"status", "certificate"}).empty()) condition += ",Issued";
  const Json& seconds = At(o, {"spec", "expirationSeconds"});
  return {AgeOf(o, now), TextAt(o, {"spec", "signerName"}), TextAt(o, {"spec", "username"}),
          seconds.is_number() ? HumanDuration(absl::Seconds(seconds.get<int64_t>())) : "<none>",
          condition};
}

}  // namespace opsmesh::kubesim::printers
