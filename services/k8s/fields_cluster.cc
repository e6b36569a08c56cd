#include <fmt/format.h>

#include "libs/kube/quantity.h"
#include "services/k8s/clean_text.h"
#include "services/k8s/field_tables.h"

namespace opsmesh::k8s {
namespace {

using kube::Event;
using kube::Node;
using kube::PersistentVolume;
using kube::PersistentVolumeClaim;

std::string JoinStrs(const std::vector<kube::Str>& items) {
  std::string out;
  for (const kube::Str item : items) out += fmt::format("{}{}", out.empty() ? "" : ",", item);
  return out;
}

std::string AccessModes(const std::vector<kube::Str>& modes) {
  std::string out;
  for (const kube::Str mode : modes) {
    const std::string_view brief = mode == "ReadWriteOnce"      ? "RWO"
                                   : mode == "ReadOnlyMany"     ? "ROX"
                                   : mode == "ReadWriteMany"    ? "RWX"
                                   : mode == "ReadWriteOncePod" ? "RWOP"
                                                                : mode;
    out += fmt::format("{}{}", out.empty() ? "" : ",", brief);
  }
  return out;
}

Field NodeAmount(std::string name, Unit unit, std::string resource, bool allocatable) {
  return ViewField<Node>(std::move(name), "", unit,
                         [resource, allocatable](const kube::Object&, const Node& n, Picture&) {
                           const auto amount =
                               kube::Amount(allocatable ? n.allocatable : n.capacity, resource);
                           return amount ? FieldValue::Number(*amount) : FieldValue::None();
                         });
}

std::string Taints(const Node& node) {
  std::string out;
  for (const kube::Taint& t : node.taints) {
    out += fmt::format("{}{}{}{}:{}", out.empty() ? "" : ",", t.key, t.value.empty() ? "" : "=",
                       t.value, t.effect);
  }
  return out;
}

// The conditions of a node that mean trouble while they are true.
std::string Troubles(const Node& node) {
  std::string out;
  for (const char* type : {"MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable"}) {
    if (kube::ConditionTrue(node.conditions, type))
      out += (out.empty() ? "" : ",") + std::string(type);
  }
  return out;
}

std::string QuotaUse(const kube::ResourceQuota& quota) {
  std::string out;
  for (const auto& [name, hard] : quota.hard) {
    std::string_view used = "0";
    for (const auto& [key, value] : quota.used) {
      if (key == name) used = value.text;
    }
    out += fmt::format("{}{}: {}/{}", out.empty() ? "" : ", ", name, used, hard.text);
  }
  return out;
}

}  // namespace

void AddClusterFields(std::map<std::string, std::vector<Field>, std::less<>>& tables) {
  tables["nodes"] = {
      TextField<Node>("status", "STATUS", [](const Node& n) { return n.status; }),
      TextField<Node>("conditions", "CONDITIONS", Troubles),
      TextField<Node>("roles", "ROLES", [](const Node& n) { return n.roles; }),
      AgeField(),
      TextField<Node>("version", "VERSION", [](const Node& n) { return n.kubelet_version; }),
      TextField<Node>("internal_ip", "INTERNAL-IP", [](const Node& n) { return n.internal_ip; }),
      TextField<Node>("os_image", "", [](const Node& n) { return n.os_image; }),
      TextField<Node>("kernel", "", [](const Node& n) { return n.kernel_version; }),
      TextField<Node>("runtime", "", [](const Node& n) { return n.container_runtime; }),
      TextField<Node>("architecture", "", [](const Node& n) { return n.architecture; }),
      TextField<Node>("taints", "", Taints),
      BoolField<Node>("unschedulable", "", [](const Node& n) { return n.unschedulable; }),
      BoolField<Node>("healthy", "",
                      [](const Node& n) { return n.ready() && Troubles(n).empty(); }),
      NodeAmount("cpu_capacity", Unit::kCpu, "cpu", false),
      NodeAmount("memory_capacity", Unit::kBytes, "memory", false),
      NodeAmount("cpu_allocatable", Unit::kCpu, "cpu", true),
      NodeAmount("memory_allocatable", Unit::kBytes, "memory", true),
      NodeAmount("pods_allocatable", Unit::kCount, "pods", true),
      ViewField<Node>("pods", "", Unit::kCount,
                      [](const kube::Object& o, const Node&, Picture& p) {
                        return FieldValue::Number(
                            static_cast<double>(p.All("pods").OnNode(o.name()).size()));
                      }),
  };
  tables["namespaces"] = {
      TextField<kube::Namespace>("status", "STATUS",
                                 [](const kube::Namespace& n) { return n.phase; }),
      AgeField(),
  };
  tables["events"] = {
      SinceField<Event>("last_seen", "LAST SEEN", [](const Event& e) { return e.last_seen; }),
      TextField<Event>("type", "TYPE", [](const Event& e) { return e.type; }),
      TextField<Event>("reason", "REASON", [](const Event& e) { return e.reason; }),
      TextField<Event>(
          "object", "OBJECT",
          [](const Event& e) { return fmt::format("{}/{}", e.about.kind, e.about.name); }),
      CountField<Event>("count", "COUNT", [](const Event& e) { return e.count; }),
      TextField<Event>("message", "MESSAGE",
                       [](const Event& e) { return CleanText(e.message, 512); }),
      TextField<Event>("object_kind", "", [](const Event& e) { return e.about.kind; }),
      TextField<Event>("object_name", "", [](const Event& e) { return e.about.name; }),
      TextField<Event>("source", "", [](const Event& e) { return e.source; }),
      SinceField<Event>("first_seen", "", [](const Event& e) { return e.first_seen; }),
      AgeField(),
  };
  tables["events"].back().header.clear();
  tables["configmaps"] = {
      CountField<kube::ConfigMap>("data", "DATA",
                                  [](const kube::ConfigMap& c) { return c.keys.size(); }),
      AgeField(),
      TextField<kube::ConfigMap>("keys", "KEYS",
                                 [](const kube::ConfigMap& c) { return JoinStrs(c.keys); }),
      ViewField<kube::ConfigMap>("bytes", "", Unit::kBytes,
                                 [](const kube::Object&, const kube::ConfigMap& c, Picture&) {
                                   return FieldValue::Number(static_cast<double>(c.data_bytes));
                                 }),
  };
  tables["secrets"] = {
      TextField<kube::Secret>("type", "TYPE", [](const kube::Secret& s) { return s.type; }),
      CountField<kube::Secret>("data", "DATA", [](const kube::Secret& s) { return s.keys.size(); }),
      AgeField(),
      TextField<kube::Secret>("keys", "KEYS",
                              [](const kube::Secret& s) { return JoinStrs(s.keys); }),
  };
  tables["serviceaccounts"] = {
      CountField<kube::ServiceAccount>(
          "secrets", "SECRETS", [](const kube::ServiceAccount& s) { return s.secrets.size(); }),
      AgeField(),
  };
  tables["persistentvolumeclaims"] = {
      TextField<PersistentVolumeClaim>("status", "STATUS",
                                       [](const PersistentVolumeClaim& c) { return c.phase; }),
      TextField<PersistentVolumeClaim>(
          "volume", "VOLUME", [](const PersistentVolumeClaim& c) { return c.volume_name; }),
      TextField<PersistentVolumeClaim>(
          "capacity", "CAPACITY", [](const PersistentVolumeClaim& c) { return c.capacity.text; }),
      TextField<PersistentVolumeClaim>(
          "access_modes", "ACCESS MODES",
          [](const PersistentVolumeClaim& c) { return AccessModes(c.access_modes); }),
      TextField<PersistentVolumeClaim>(
          "storage_class", "STORAGECLASS",
          [](const PersistentVolumeClaim& c) { return c.storage_class.value_or(""); }),
      AgeField(),
      ViewField<PersistentVolumeClaim>(
          "request", "", Unit::kBytes,
          [](const kube::Object&, const PersistentVolumeClaim& c, Picture&) {
            return c.request.value ? FieldValue::Number(*c.request.value) : FieldValue::None();
          }),
  };
  tables["persistentvolumes"] = {
      TextField<PersistentVolume>("capacity", "CAPACITY",
                                  [](const PersistentVolume& v) { return v.capacity.text; }),
      TextField<PersistentVolume>(
          "access_modes", "ACCESS MODES",
          [](const PersistentVolume& v) { return AccessModes(v.access_modes); }),
      TextField<PersistentVolume>("reclaim_policy", "RECLAIM POLICY",
                                  [](const PersistentVolume& v) { return v.reclaim_policy; }),
      TextField<PersistentVolume>("status", "STATUS",
                                  [](const PersistentVolume& v) { return v.phase; }),
      TextField<PersistentVolume>("claim", "CLAIM",
                                  [](const PersistentVolume& v) {
                                    return v.claim.name.empty()
                                               ? std::string()
                                               : fmt::format("{}/{}", v.claim.ns, v.claim.name);
                                  }),
      TextField<PersistentVolume>("storage_class", "STORAGECLASS",
                                  [](const PersistentVolume& v) { return v.storage_class; }),
      AgeField(),
  };
  tables["storageclasses"] = {
      TextField<kube::StorageClass>("provisioner", "PROVISIONER",
                                    [](const kube::StorageClass& s) { return s.provisioner; }),
      TextField<kube::StorageClass>("reclaim_policy", "RECLAIMPOLICY",
                                    [](const kube::StorageClass& s) { return s.reclaim_policy; }),
      TextField<kube::StorageClass>("binding_mode", "VOLUMEBINDINGMODE",
                                    [](const kube::StorageClass& s) { return s.binding_mode; }),
      BoolField<kube::StorageClass>("default", "DEFAULT",
                                    [](const kube::StorageClass& s) { return s.is_default; }),
      AgeField(),
  };
  tables["resourcequotas"] = {
      TextField<kube::ResourceQuota>("used", "USED/HARD", QuotaUse),
      AgeField(),
  };
  tables["limitranges"] = {
      CountField<kube::LimitRange>("items", "ITEMS",
                                   [](const kube::LimitRange& l) { return l.items.size(); }),
      AgeField(),
  };
}

}  // namespace opsmesh::k8s
