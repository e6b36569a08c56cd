#include "libs/kubesim/api/printers.h"

#include <fmt/format.h>

#include <functional>
#include <map>

#include "embed/opsmesh_libs_kubesim_api.h"
#include "libs/base/clock.h"
#include "libs/base/strings.h"
#include "libs/kubesim/api/printers_internal.h"
#include "libs/kubesim/store/json_path.h"
#include "libs/kubesim/store/selectors.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace printers {

std::string Age(const Json& time, absl::Time now) {
  return time.is_string() ? AgeSince(time.get_ref<const std::string&>(), now) : "<unknown>";
}

std::string AgeSince(std::string_view time, absl::Time now) {
  absl::Time then;
  return base::ParseRfc3339(time, &then) ? HumanDuration(now - then) : "<unknown>";
}

std::string AgeOf(const Json& object, absl::Time now) {
  return Age(At(object, {"metadata", "creationTimestamp"}), now);
}

std::string OrNone(std::string text) { return text.empty() ? "<none>" : text; }

namespace {
std::string Joined(const Json& pod_spec, const char* member) {
  std::string text;
  for (const Json& container : ListAt(pod_spec, {"containers"})) {
    if (!text.empty()) text += ",";
    text += TextAt(container, member);
  }
  return text;
}
}  // namespace

std::string ContainerNames(const Json& pod_spec) { return Joined(pod_spec, "name"); }
std::string ContainerImages(const Json& pod_spec) { return Joined(pod_spec, "image"); }

std::string SelectorText(const Json& label_selector) {
  if (!label_selector.is_object()) return "<none>";
  return OrNone(LabelSelector::FromObject(label_selector).ToString());
}

std::string MapText(const Json& map) { return OrNone(LabelSelector::FromMap(map).ToString()); }

}  // namespace printers

namespace {

using printers::AgeOf;
using printers::Cells;
using printers::OrNone;

using Printer = std::function<Cells(const Json&, absl::Time)>;

std::string BoolText(const Json& value, const char* otherwise) {
  return value.is_boolean() ? (value.get<bool>() ? "true" : "false") : otherwise;
}

// The kinds whose row is a few members.
const std::map<std::string, Printer>& Printers() {
  static const auto* printers = new std::map<std::string, Printer>{
      {"/pods", printers::Pod},
      {"/services", printers::Service},
      {"/endpoints", printers::Endpoints},
      {"/nodes", printers::Node},
      {"/events", printers::Event},
      {"/persistentvolumes", printers::Volume},
      {"/persistentvolumeclaims", printers::Claim},
      {"/replicationcontrollers", printers::ReplicaSet},
      {"/resourcequotas", printers::Quota},
      {"apps/deployments", printers::Deployment},
      {"apps/replicasets", printers::ReplicaSet},
      {"apps/statefulsets", printers::StatefulSet},
      {"apps/daemonsets", printers::DaemonSet},
      {"apps/controllerrevisions", printers::ControllerRevision},
      {"batch/jobs", printers::Job},
      {"batch/cronjobs", printers::CronJob},
      {"autoscaling/horizontalpodautoscalers", printers::Autoscaler},
      {"policy/poddisruptionbudgets", printers::DisruptionBudget},
      {"networking.k8s.io/ingresses", printers::Ingress},
      {"discovery.k8s.io/endpointslices", printers::EndpointSlice},
      {"rbac.authorization.k8s.io/rolebindings", printers::Binding},
      {"rbac.authorization.k8s.io/clusterrolebindings", printers::Binding},
      {"certificates.k8s.io/certificatesigningrequests", printers::SigningRequest},
      {"/podtemplates",
       [](const Json& o, absl::Time) -> Cells {
         const Json& spec = At(o, {"template", "spec"});
         return {printers::ContainerNames(spec), printers::ContainerImages(spec),
                 printers::MapText(At(o, {"template", "metadata", "labels"}))};
       }},
      {"/namespaces",
       [](const Json& o, absl::Time now) -> Cells {
         return {TextAt(o, {"status", "phase"}), AgeOf(o, now)};
       }},
      {"/secrets",
       [](const Json& o, absl::Time now) -> Cells {
         return {TextAt(o, "type"), At(o, "data").size(), AgeOf(o, now)};
       }},
      {"/serviceaccounts",
       [](const Json& o, absl::Time now) -> Cells {
         return {ListAt(o, {"secrets"}).size(), AgeOf(o, now)};
       }},
      {"/configmaps",
       [](const Json& o, absl::Time now) -> Cells {
         return {At(o, "data").size() + At(o, "binaryData").size(), AgeOf(o, now)};
       }},
      {"/componentstatuses",
       [](const Json& o, absl::Time) -> Cells {
         const Json& first =
             ListAt(o, {"conditions"}).empty() ? At(o, "none") : ListAt(o, {"conditions"})[0];
         return {TextAt(first, "status") == "True" ? "Healthy" : "Unhealthy",
                 TextAt(first, "message"), TextAt(first, "error")};
       }},
      {"autoscaling/scales",
       [](const Json& o, absl::Time now) -> Cells {
         return {IntAt(o, {"spec", "replicas"}), IntAt(o, {"status", "replicas"}), AgeOf(o, now)};
       }},
      {"networking.k8s.io/ingressclasses",
       [](const Json& o, absl::Time now) -> Cells {
         const Json& parameters = At(o, {"spec", "parameters"});
         std::string text = "<none>";
         if (parameters.is_object()) {
           text = TextAt(parameters, "kind");
           if (!TextAt(parameters, "apiGroup").empty())
             text += "." + TextAt(parameters, "apiGroup");
           text += "/" + TextAt(parameters, "name");
         }
         return {TextAt(o, {"spec", "controller"}), text, AgeOf(o, now)};
       }},
      {"networking.k8s.io/networkpolicies",
       [](const Json& o, absl::Time now) -> Cells {
         return {printers::SelectorText(At(o, {"spec", "podSelector"})), AgeOf(o, now)};
       }},
      {"storage.k8s.io/storageclasses",
       [](const Json& o, absl::Time now) -> Cells {
         const std::string policy = TextAt(o, "reclaimPolicy");
         const std::string mode = TextAt(o, "volumeBindingMode");
         return {TextAt(o, "provisioner"), policy.empty() ? "Delete" : policy,
                 mode.empty() ? "<unset>" : mode, BoolText(At(o, "allowVolumeExpansion"), "false"),
                 AgeOf(o, now)};
       }},
      {"storage.k8s.io/volumeattachments",
       [](const Json& o, absl::Time now) -> Cells {
         return {TextAt(o, {"spec", "attacher"}),
                 TextAt(o, {"spec", "source", "persistentVolumeName"}),
                 TextAt(o, {"spec", "nodeName"}), BoolAt(o, {"status", "attached"}), AgeOf(o, now)};
       }},
      {"storage.k8s.io/csidrivers",
       [](const Json& o, absl::Time now) -> Cells {
         std::vector<std::string> modes, audiences;
         for (const Json& mode : ListAt(o, {"spec", "volumeLifecycleModes"}))
           modes.push_back(Scalar(mode));
         for (const Json& request : ListAt(o, {"spec", "tokenRequests"}))
           audiences.push_back(TextAt(request, "audience"));
         return {BoolAt(o, {"spec", "attachRequired"}, true),
                 BoolAt(o, {"spec", "podInfoOnMount"}),
                 BoolAt(o, {"spec", "storageCapacity"}),
                 audiences.empty() ? "<unset>" : base::Join(audiences, ","),
                 BoolAt(o, {"spec", "requiresRepublish"}),
                 modes.empty() ? "<none>" : base::Join(modes, ","),
                 AgeOf(o, now)};
       }},
      {"storage.k8s.io/csinodes",
       [](const Json& o, absl::Time now) -> Cells {
         return {ListAt(o, {"spec", "drivers"}).size(), AgeOf(o, now)};
       }},
      {"coordination.k8s.io/leases",
       [](const Json& o, absl::Time now) -> Cells {
         return {TextAt(o, {"spec", "holderIdentity"}), AgeOf(o, now)};
       }},
      {"scheduling.k8s.io/priorityclasses",
       [](const Json& o, absl::Time now) -> Cells {
         return {IntAt(o, "value"), BoolAt(o, {"globalDefault"}), AgeOf(o, now),
                 TextAt(o, "preemptionPolicy")};
       }},
      {"node.k8s.io/runtimeclasses",
       [](const Json& o, absl::Time now) -> Cells {
         return {TextAt(o, "handler"), AgeOf(o, now)};
       }},
      {"apiregistration.k8s.io/apiservices",
       [](const Json& o, absl::Time now) -> Cells {
         std::string service = "Local";
         if (At(o, {"spec", "service"}).is_object()) {
           service = TextAt(o, {"spec", "service", "namespace"}) + "/" +
                     TextAt(o, {"spec", "service", "name"});
         }
         std::string available = "Unknown";
         for (const Json& condition : ListAt(o, {"status", "conditions"})) {
           if (TextAt(condition, "type") != "Available") continue;
           available = TextAt(condition, "status");
           if (available != "True") available += " (" + TextAt(condition, "reason") + ")";
         }
         return {service, available, AgeOf(o, now)};
       }},
      {"admissionregistration.k8s.io/validatingwebhookconfigurations",
       [](const Json& o, absl::Time now) -> Cells {
         return {ListAt(o, {"webhooks"}).size(), AgeOf(o, now)};
       }},
      {"admissionregistration.k8s.io/mutatingwebhookconfigurations",
       [](const Json& o, absl::Time now) -> Cells {
         return {ListAt(o, {"webhooks"}).size(), AgeOf(o, now)};
       }},
  };
  return *printers;
}

std::vector<Column> ParseColumns(std::string_view text) {
  std::vector<Column> columns{{"Name", "string", "name", 0}};
  for (std::string_view word : base::Split(text, '|')) {
    Column column;
    if (word.ends_with('*')) {
      column.priority = 1;
      word.remove_suffix(1);
    }
    if (size_t colon = word.find(':'); colon != std::string_view::npos) {
      (word.ends_with(":name") ? column.format : column.type) = word.substr(colon + 1);
      word = word.substr(0, colon);
    }
    column.name = word;
    columns.push_back(std::move(column));
  }
  return columns;
}

const std::map<std::string, std::vector<Column>, std::less<>>& BuiltInColumns() {
  static const auto* columns = [] {
    auto* table = new std::map<std::string, std::vector<Column>, std::less<>>;
    for (std::string_view line : base::Split(api_data::EmbeddedFile("api/columns.txt"), '\n')) {
      const size_t space = line.find(' ');
      if (line.empty() || line.front() == '#' || space == std::string_view::npos) continue;
      table->emplace(line.substr(0, space), ParseColumns(line.substr(space + 1)));
    }
    // An event's name is its last, wide column.
    auto& events = table->at("/events");
    events.erase(events.begin());
    events.back().format = "name";
    return table;
  }();
  return *columns;
}

std::string TableKey(const ResourceType& type) {
  return type.storage_key == "/events" ? "/events" : type.group + "/" + type.plural;
}

}  // namespace

std::string HumanDuration(absl::Duration duration) {
  if (duration == absl::InfiniteDuration()) return "<unknown>";
  const int64_t seconds = absl::ToInt64Seconds(duration);
  if (seconds < -1) return "<invalid>";
  if (seconds < 0) return "0s";
  if (seconds < 120) return fmt::format("{}s", seconds);
  const int64_t minutes = seconds / 60;
  if (minutes < 10) {
    const int64_t rest = seconds % 60;
    return rest == 0 ? fmt::format("{}m", minutes) : fmt::format("{}m{}s", minutes, rest);
  }
  if (minutes < 180) return fmt::format("{}m", minutes);
  const int64_t hours = minutes / 60;
  if (hours < 8) {
    const int64_t rest = minutes % 60;
    return rest == 0 ? fmt::format("{}h", hours) : fmt::format("{}h{}m", hours, rest);
  }
  if (hours < 48) return fmt::format("{}h", hours);
  if (hours < 24 * 8) {
    const int64_t rest = hours % 24;
    return rest == 0 ? fmt::format("{}d", hours / 24) : fmt::format("{}d{}h", hours / 24, rest);
  }
  if (hours < 24 * 365 * 2) return fmt::format("{}d", hours / 24);
  if (hours < 24 * 365 * 8) {
    const int64_t rest = hours / 24 % 365;
    return rest == 0 ? fmt::format("{}y", hours / 24 / 365)
                     : fmt::format("{}y{}d", hours / 24 / 365, rest);
  }
  return fmt::format("{}y", hours / 24 / 365);
}

std::vector<Column> ColumnsOf(const ResourceType& type) {
  if (auto it = BuiltInColumns().find(TableKey(type)); it != BuiltInColumns().end())
    return it->second;
  std::vector<Column> columns{{"Name", "string", "name", 0}};
  if (type.definition && !ListAt(*type.definition, {"additionalPrinterColumns"}).empty()) {
    for (const Json& column : ListAt(*type.definition, {"additionalPrinterColumns"})) {
      std::string description = TextAt(column, "description");
      if (description.empty())
        description =
            "Custom resource definition column (in JSONPath format): " + TextAt(column, "jsonPath");
      columns.push_back({TextAt(column, "name"), TextAt(column, "type"), TextAt(column, "format"),
                         static_cast<int>(IntAt(column, "priority")), std::move(description)});
    }
    return columns;
  }
  columns.push_back({type.custom ? "Age" : "Created At", "date", "", 0});
  return columns;
}

std::vector<Json> CellsOf(const ResourceType& type, const Json& object, absl::Time now) {
  if (type.storage_key == "/events") return printers::Event(object, now);
  std::vector<Json> cells{TextAt(object, {"metadata", "name"})};
  if (auto it = Printers().find(TableKey(type)); it != Printers().end()) {
    for (Json& cell : it->second(object, now)) cells.push_back(std::move(cell));
    return cells;
  }
  if (type.definition && !ListAt(*type.definition, {"additionalPrinterColumns"}).empty()) {
    for (const Json& column : ListAt(*type.definition, {"additionalPrinterColumns"})) {
      cells.push_back(printers::CustomCell(column, object, now));
    }
    return cells;
  }
  cells.push_back(type.custom ? Json(printers::AgeOf(object, now))
                              : At(object, {"metadata", "creationTimestamp"}));
  return cells;
}

std::vector<Json> CellsOf(const ResourceType& type, const Object& object, absl::Time now) {
  if (type.storage_key == "/pods") return printers::StoredPodRow(object, now);
  return CellsOf(type, object.Parse(), now);
}

}  // namespace opsmesh::kubesim
