// Rules about configuration and storage: references to what is not there, claims, quotas.
#include <algorithm>

#include "libs/kube/quantity.h"
#include "services/k8s/clean_text.h"
#include "services/k8s/finding.h"
#include "services/k8s/pod_causes.h"

namespace opsmesh::k8s {
namespace {

constexpr absl::Duration kClaimGrace = absl::Seconds(60);
constexpr absl::Duration kHopelessClaimGrace = absl::Seconds(5);

// Published into every namespace by a controller; a cluster given as files may not have them.
bool IsPublished(std::string_view name) {
  return name == "kube-root-ca.crt" || name == "openshift-service-ca.crt";
}

bool HasKey(const std::vector<kube::Str>& keys, std::string_view key) {
  return std::find(keys.begin(), keys.end(), key) != keys.end();
}

void CheckReference(Picture& picture, std::string_view ns, const kube::ConfigRef& ref,
                    std::vector<MissingReference>& out) {
  if (ref.optional || ref.name.empty() || IsPublished(ref.name)) return;
  const bool config_map = ref.kind == kube::ConfigRef::Kind::kConfigMap;
  const std::string_view plural = config_map ? "configmaps" : "secrets";
  const std::string_view kind = config_map ? "ConfigMap" : "Secret";
  if (!picture.Readable(plural)) return;
  const kube::ObjectPtr object = picture.All(plural).Find(ns, ref.name);
  std::string key;
  if (object) {
    if (ref.key.empty()) return;
    const auto* map = object->As<kube::ConfigMap>();
    const auto* secret = object->As<kube::Secret>();
    if (map ? HasKey(map->keys, ref.key) : !secret || HasKey(secret->keys, ref.key)) return;
    key = ref.key;
  }
  const auto same = [&](const MissingReference& m) {
    return m.kind == kind && m.name == ref.name && m.key == key;
  };
  if (std::none_of(out.begin(), out.end(), same))
    out.push_back({std::string(kind), std::string(ref.name), key});
}

// Workloads whose template refers to something missing: they run until the next restart.
template <typename View>
void LookAtTemplate(Findings& findings, const kube::Object& object, const View& view,
                    int64_t wanted) {
  if (wanted == 0 || object.meta().terminating()) return;
  for (const MissingReference& missing :
       MissingReferences(findings.picture(), object.ns(), view.pod_template.spec)) {
    // A claim may be made together with the pods.
    if (missing.kind == "PersistentVolumeClaim") continue;
    const ObjectRef ref = RefOf(object);
    if (findings.Has(CodeOfMissing(missing), ref)) continue;
    Finding f;
    f.code = CodeOfMissing(missing);
    f.severity = Severity::kWarning;
    f.object = ref;
    SayMissing(missing, f);
    f.summary =
        Say("{0} {1}/{2} 下次重启会失败：{3}", "{0} {1}/{2} will fail at its next restart: {4}",
            object.meta().kind, object.ns(), object.name(), f.summary.zh, f.summary.en);
    findings.Add(std::move(f));
  }
}

bool HasConsumer(Picture& picture, std::string_view ns, std::string_view claim) {
  bool used = false;
  ForEach<kube::Pod>(picture.All("pods").InNamespace(ns),
                     [&](const kube::Object&, const kube::Pod& pod) {
                       for (const kube::Volume& volume : pod.spec.volumes)
                         used = used || volume.claim_name == claim;
                     });
  return used;
}

std::string DefaultClass(Picture& picture) {
  std::string name;
  ForEach<kube::StorageClass>(picture.All("storageclasses").objects(),
                              [&](const kube::Object& o, const kube::StorageClass& s) {
                                if (s.is_default && name.empty()) name = o.name();
                              });
  return name;
}

void LookAtClaim(Findings& findings, const kube::Object& object,
                 const kube::PersistentVolumeClaim& claim) {
  Picture& picture = findings.picture();
  if (object.meta().terminating() || (claim.phase != "Pending" && claim.phase != "Lost")) return;
  Finding f;
  f.object = RefOf(object);
  f.severity = Severity::kCritical;
  f.With("phase", std::string(claim.phase)).With("request", std::string(claim.request.text));
  if (claim.phase == "Lost") {
    f.code = "PVC_LOST";
    f.summary = Say("PVC {0}/{1} 已丢失它绑定的卷 {2}。",
                    "PVC {0}/{1} has lost the volume {2} it was bound to.", object.ns(),
                    object.name(), claim.volume_name);
    f.cause = {"PV 被删除。", "The PersistentVolume was deleted."};
    f.next_step = {"从备份恢复，或重建 PVC；其中的数据可能已不存在。",
                   "Restore from a backup, or make the claim anew; its data may be gone."};
    return findings.Add(std::move(f));
  }
  f.code = "PVC_PENDING";
  const std::string class_name(claim.storage_class ? std::string(*claim.storage_class)
                                                   : DefaultClass(picture));
  // Without a class nobody makes a volume: there is nothing to wait for, but a volume that fits.
  const bool hopeless = class_name.empty() && picture.Readable("storageclasses") &&
                        picture.Readable("persistentvolumes") &&
                        picture.All("persistentvolumes").objects().empty();
  if (object.meta().Age(picture.now()) < (hopeless ? kHopelessClaimGrace : kClaimGrace)) return;
  const kube::ObjectPtr class_object =
      class_name.empty() ? nullptr : picture.All("storageclasses").Find("", class_name);
  const kube::StorageClass* storage =
      class_object ? class_object->As<kube::StorageClass>() : nullptr;
  // A claim that waits for its first consumer is healthy until a pod wants it.
  if (storage && storage->binding_mode == "WaitForFirstConsumer" &&
      !HasConsumer(picture, object.ns(), object.name()))
    return;
  f.summary = Say("PVC {0}/{1} 已等待绑定 {2}。", "PVC {0}/{1} has waited {2} to be bound.",
                  object.ns(), object.name(), HumanSpan(object.meta().Age(picture.now())));
  const auto event = LastWarning(picture, object, {"ProvisioningFailed", "FailedBinding"});
  if (!claim.storage_class && class_name.empty() && picture.Readable("storageclasses")) {
    f.cause = {"没有指定存储类，集群也没有默认存储类。",
               "It names no storage class and the cluster has no default one."};
    f.next_step = {"指定 storageClassName，或设置一个默认存储类。",
                   "Name a storageClassName, or make one the default."};
  } else if (!class_name.empty() && !class_object && picture.Readable("storageclasses")) {
    f.cause = Say("存储类 {0} 不存在。", "The storage class {0} does not exist.", class_name);
    f.next_step = Say("创建存储类 {0}，或改正 storageClassName。",
                      "Create the storage class {0}, or correct storageClassName.", class_name);
    f.With("storage_class", class_name);
  } else if (event) {
    f.cause = Say("供给失败：{0}", "Provisioning failed: {0}", Quoted(event->message));
    f.next_step = {"检查存储供给器（provisioner）和后端容量。",
                   "Check the provisioner and the capacity behind it."};
    f.untrusted = true;
  } else if (claim.storage_class && claim.storage_class->empty()) {
    f.cause = {"它不用动态供给，也没有符合的 PV。",
               "It asks for no dynamic provisioning, and no PersistentVolume fits."};
    f.next_step = {"创建大小、访问模式相符的 PV。",
                   "Create a PersistentVolume of fitting size and access modes."};
  } else {
    f.cause = {"没有事件说明原因；供给器可能没有运行。",
               "No event says why; the provisioner may not run."};
    f.next_step = {"检查存储供给器（provisioner）。", "Check the provisioner."};
  }
  findings.Add(std::move(f));
}

void LookAtQuota(Findings& findings, const kube::Object& object, const kube::ResourceQuota& quota) {
  for (const auto& [resource, hard] : quota.hard) {
    const std::optional<double> used = kube::Amount(quota.used, resource);
    // A hard limit of 0 forbids the resource on purpose.
    if (!hard.value || !used || *hard.value <= 0 || *used < *hard.value) continue;
    std::string_view used_text;
    for (const auto& [name, value] : quota.used) {
      if (name == resource) used_text = value.text;
    }
    Finding f;
    f.code = "QUOTA_EXHAUSTED";
    f.severity = Severity::kWarning;
    f.object = RefOf(object);
    f.object.field_path = fmt::format("status.used.{}", resource);
    f.summary = Say("命名空间 {0} 的配额 {1} 已用尽：{2} 用了 {3}，上限 {4}。",
                    "Quota {1} of namespace {0} is used up: {2} is {3} of {4}.", object.ns(),
                    object.name(), resource, used_text, hard.text);
    f.cause = {"新的对象会被拒绝，扩容和重建会失败。",
               "New objects are refused; scaling up and replacing pods fails."};
    f.next_step = {"提高配额，或减少用量。", "Raise the quota, or use less."};
    findings.Add(std::move(f.With("resource", std::string(resource))
                               .With("used", std::string(used_text))
                               .With("hard", std::string(hard.text))));
  }
}

}  // namespace

std::vector<MissingReference> MissingReferences(Picture& picture, std::string_view ns,
                                                const kube::PodSpec& spec) {
  std::vector<MissingReference> out;
  for (const auto* containers : {&spec.init_containers, &spec.containers}) {
    for (const kube::Container& container : *containers) {
      for (const kube::ConfigRef& ref : container.config_refs)
        CheckReference(picture, ns, ref, out);
    }
  }
  for (const kube::Volume& volume : spec.volumes) {
    for (const kube::ConfigRef& ref : volume.config_refs) CheckReference(picture, ns, ref, out);
    const bool claim_missing = !volume.claim_name.empty() &&
                               picture.Readable("persistentvolumeclaims") &&
                               !picture.All("persistentvolumeclaims").Find(ns, volume.claim_name);
    if (claim_missing) out.push_back({"PersistentVolumeClaim", std::string(volume.claim_name), ""});
  }
  return out;
}

void DiagnoseReferences(Findings& findings) {
  Picture& picture = findings.picture();
  ForEach<kube::Deployment>(picture.In("deployments"), [&](const auto& o, const auto& v) {
    LookAtTemplate(findings, o, v, v.replicas);
  });
  ForEach<kube::StatefulSet>(picture.In("statefulsets"), [&](const auto& o, const auto& v) {
    LookAtTemplate(findings, o, v, v.replicas);
  });
  ForEach<kube::DaemonSet>(picture.In("daemonsets"), [&](const auto& o, const auto& v) {
    LookAtTemplate(findings, o, v, v.desired);
  });
}

void DiagnoseStorage(Findings& findings) {
  ForEach<kube::PersistentVolumeClaim>(
      findings.picture().In("persistentvolumeclaims"),
      [&](const auto& o, const auto& v) { LookAtClaim(findings, o, v); });
}

void DiagnoseQuotas(Findings& findings) {
  ForEach<kube::ResourceQuota>(findings.picture().In("resourcequotas"),
                               [&](const auto& o, const auto& v) { LookAtQuota(findings, o, v); });
}

}  // namespace opsmesh::k8s
