#include "services/k8s/orphans.h"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "libs/base/error.h"
#include "services/k8s/fields.h"
#include "services/k8s/finding.h"
#include "services/k8s/json_writer.h"
#include "services/k8s/listing.h"
#include "services/k8s/service_chain.h"
#include "services/k8s/text_table.h"

namespace opsmesh::k8s {
namespace {

// "ConfigMap/shop/app" of everything that a pod, template, ingress or service account refers to.
class Uses {
 public:
  explicit Uses(Picture& picture) {
    ForEach<kube::Pod>(picture.In("pods"),
                       [&](const auto& o, const kube::Pod& v) { Add(o.ns(), v.spec); });
    ForEach<kube::Deployment>(picture.In("deployments"), [&](const auto& o, const auto& v) {
      Add(o.ns(), v.pod_template.spec);
    });
    ForEach<kube::StatefulSet>(picture.In("statefulsets"), [&](const auto& o, const auto& v) {
      Add(o.ns(), v.pod_template.spec);
      for (const kube::Str claim : v.claim_templates)
        prefixes_.insert(fmt::format("{}/{}-{}-", o.ns(), claim, o.name()));
    });
    ForEach<kube::DaemonSet>(picture.In("daemonsets"), [&](const auto& o, const auto& v) {
      Add(o.ns(), v.pod_template.spec);
    });
    ForEach<kube::Job>(picture.In("jobs"),
                       [&](const auto& o, const auto& v) { Add(o.ns(), v.pod_template.spec); });
    ForEach<kube::CronJob>(picture.In("cronjobs"),
                           [&](const auto& o, const auto& v) { Add(o.ns(), v.pod_template.spec); });
    ForEach<kube::Ingress>(picture.In("ingresses"), [&](const auto& o, const kube::Ingress& v) {
      for (const kube::IngressTls& tls : v.tls) Use("Secret", o.ns(), tls.secret);
    });
    ForEach<kube::ServiceAccount>(picture.In("serviceaccounts"),
                                  [&](const auto& o, const kube::ServiceAccount& v) {
                                    for (const kube::Str s : v.secrets) Use("Secret", o.ns(), s);
                                    for (const kube::Str s : v.image_pull_secrets)
                                      Use("Secret", o.ns(), s);
                                  });
  }
  bool Has(std::string_view kind, const kube::Object& object) const {
    return used_.count(fmt::format("{}/{}/{}", kind, object.ns(), object.name())) > 0;
  }
  bool FromTemplate(const kube::Object& claim) const {
    const std::string name = fmt::format("{}/{}", claim.ns(), claim.name());
    return std::any_of(prefixes_.begin(), prefixes_.end(),
                       [&](const std::string& p) { return name.starts_with(p); });
  }

 private:
  void Use(std::string_view kind, std::string_view ns, std::string_view name) {
    used_.insert(fmt::format("{}/{}/{}", kind, ns, name));
  }
  void Use(std::string_view ns, const kube::ConfigRef& ref) {
    Use(ref.kind == kube::ConfigRef::Kind::kConfigMap ? "ConfigMap" : "Secret", ns, ref.name);
  }
  void Add(std::string_view ns, const kube::PodSpec& spec) {
    for (const auto* list : {&spec.init_containers, &spec.containers}) {
      for (const kube::Container& c : *list) {
        for (const kube::ConfigRef& ref : c.config_refs) Use(ns, ref);
      }
    }
    for (const kube::Volume& v : spec.volumes) {
      for (const kube::ConfigRef& ref : v.config_refs) Use(ns, ref);
      if (!v.claim_name.empty()) Use("PersistentVolumeClaim", ns, v.claim_name);
    }
    for (const kube::Str s : spec.image_pull_secrets) Use("Secret", ns, s);
  }
  std::set<std::string, std::less<>> used_;
  std::set<std::string> prefixes_;
};

bool IsSystem(std::string_view ns) {
  return ns == "kube-system" || ns == "kube-public" || ns == "kube-node-lease";
}

using Orphans = std::vector<Orphan>;

void UnusedConfigMaps(Picture& picture, const Uses& uses, Orphans& out) {
  for (const kube::ObjectPtr& o : picture.In("configmaps")) {
    const bool kept = IsSystem(o->ns()) || o->name().ends_with("-ca.crt") || o->meta().controller();
    if (!kept && !uses.Has("ConfigMap", *o))
      out.push_back({RefOf(*o), {"没有 Pod 或工作负载引用", "no pod or workload refers to it"}});
  }
}

void UnusedSecrets(Picture& picture, const Uses& uses, Orphans& out) {
  ForEach<kube::Secret>(picture.In("secrets"), [&](const kube::Object& o,
                                                   const kube::Secret& secret) {
    const bool kept = IsSystem(o.ns()) || secret.type == "kubernetes.io/service-account-token" ||
                      secret.type == "helm.sh/release.v1" ||
                      secret.type == "bootstrap.kubernetes.io/token" || o.meta().controller();
    if (!kept && !uses.Has("Secret", o)) {
      out.push_back({RefOf(o),
                     {"没有 Pod、工作负载、Ingress 或 ServiceAccount 引用",
                      "no pod, workload, ingress or service account refers to it"}});
    }
  });
}

void UnusedClaims(Picture& picture, const Uses& uses, Orphans& out) {
  for (const kube::ObjectPtr& o : picture.In("persistentvolumeclaims")) {
    if (uses.Has("PersistentVolumeClaim", *o)) continue;
    out.push_back(
        {RefOf(*o), uses.FromTemplate(*o)
                        ? Text{"StatefulSet 缩容后留下，目前没有 Pod 挂载",
                               "left by a StatefulSet that was scaled down; no pod mounts it now"}
                        : Text{"没有 Pod 挂载", "no pod mounts it"}});
  }
}

void ServicesWithoutPods(Picture& picture, Orphans& out) {
  ForEach<kube::Service>(picture.In("services"), [&](const kube::Object& o,
                                                     const kube::Service& service) {
    if (service.selector.empty() || service.type == "ExternalName") return;
    const bool selects = !picture.All("pods").Matching(o.ns(), service.selector).empty();
    if (!selects && ScaledToZero(picture, o.ns(), service.selector).empty()) {
      out.push_back({RefOf(o), Say("选择器 {0} 没有选中任何 Pod", "its selector {0} matches no pod",
                                   JoinLabels(service.selector))});
    }
  });
}

void UnusedVolumes(Picture& picture, Orphans& out) {
  ForEach<kube::PersistentVolume>(
      picture.In("persistentvolumes"), [&](const kube::Object& o, const kube::PersistentVolume& v) {
        if (v.phase == "Released")
          out.push_back(
              {RefOf(o),
               {"原来的 PVC 已删除，卷还保留着", "its claim is gone, the volume is kept"}});
        if (v.phase == "Available")
          out.push_back({RefOf(o), {"没有 PVC 使用", "no claim uses it"}});
      });
}

void AutoscalersWithoutTarget(Picture& picture, Orphans& out) {
  ForEach<kube::HorizontalPodAutoscaler>(
      picture.In("horizontalpodautoscalers"), [&](const kube::Object& o, const auto& hpa) {
        const std::string_view plural = hpa.target.kind == "Deployment"    ? "deployments"
                                        : hpa.target.kind == "StatefulSet" ? "statefulsets"
                                                                           : "";
        if (!plural.empty() && picture.Readable(plural) &&
            !picture.All(plural).Find(o.ns(), hpa.target.name)) {
          out.push_back(
              {RefOf(o), Say("它的目标 {0} {1} 不存在", "its target {0} {1} does not exist",
                             hpa.target.kind, hpa.target.name)});
        }
      });
}

void PodsWithoutController(Picture& picture, Orphans& out) {
  for (const kube::ObjectPtr& o : picture.In("pods")) {
    const kube::Pod* pod = o->As<kube::Pod>();
    if (pod && !o->meta().controller() && pod->phase == "Running") {
      out.push_back({RefOf(*o),
                     {"没有控制器，节点故障后不会重建",
                      "it has no controller and is not replaced when its node fails"}});
    }
  }
}

}  // namespace

std::vector<Orphan> FindOrphans(Picture& picture) {
  std::vector<Orphan> out;
  const Uses uses(picture);
  // Without the users nothing can be called unused.
  const bool users_known = picture.Readable("pods") && picture.Readable("deployments") &&
                           picture.Readable("statefulsets") && picture.Readable("daemonsets") &&
                           picture.Readable("cronjobs");
  if (users_known) {
    UnusedConfigMaps(picture, uses, out);
    UnusedSecrets(picture, uses, out);
    UnusedClaims(picture, uses, out);
    ServicesWithoutPods(picture, out);
  }
  if (picture.ns().empty()) UnusedVolumes(picture, out);
  AutoscalersWithoutTarget(picture, out);
  PodsWithoutController(picture, out);
  std::stable_sort(out.begin(), out.end(), [](const Orphan& a, const Orphan& b) {
    return std::tie(a.object.kind, a.object.name_space, a.object.name) <
           std::tie(b.object.kind, b.object.name_space, b.object.name);
  });
  return out;
}

absl::StatusOr<ToolResult> OrphanedResources(const ToolCall& call) {
  OPSMESH_ASSIGN_OR_RETURN(Picture picture, PodPicture(call, NamespaceOf(call)));
  const std::vector<Orphan> orphans = FindOrphans(picture);
  const auto limit = static_cast<size_t>(call.arguments.Integer("limit", 100));
  std::map<std::string, int64_t> by_kind;
  for (const Orphan& o : orphans) ++by_kind[o.object.kind];
  ToolResult out;
  out.truncated = orphans.size() > limit;
  JsonWriter json;
  json.BeginObject()
      .Field("total", static_cast<int64_t>(orphans.size()))
      .Key("by_kind")
      .BeginObject();
  std::string kinds;
  for (const auto& [kind, count] : by_kind) {
    json.Field(kind, count);
    kinds += fmt::format("{}{} {}", kinds.empty() ? "" : ", ", count, kind);
    out.AddFact("orphans." + kind, count);
  }
  json.EndObject().Key("items").BeginArray();
  TextTable zh({"类型", "对象", "原因"}), en({"KIND", "OBJECT", "REASON"});
  for (size_t i = 0; i < orphans.size() && i < limit; ++i) {
    const Orphan& o = orphans[i];
    const std::string name =
        o.object.name_space.empty() ? o.object.name : o.object.name_space + "/" + o.object.name;
    zh.AddRow({o.object.kind, name, o.reason.zh});
    en.AddRow({o.object.kind, name, o.reason.en});
    json.BeginObject()
        .Field("kind", o.object.kind)
        .OptionalField("namespace", o.object.name_space)
        .Field("name", o.object.name);
    json.Key("reason")
        .BeginObject()
        .Field("zh", o.reason.zh)
        .Field("en", o.reason.en)
        .EndObject()
        .EndObject();
  }
  json.EndArray().Field("truncated", out.truncated).EndObject();
  out.json = json.Take();
  const Text place = PlaceOf(TypeOf("pods"), picture.ns());
  out.text =
      orphans.empty()
          ? Say("{0}没有发现无人使用的资源。", "Nothing unused was found {1}.", place.zh, place.en)
          : Say("{0}有 {2} 个可能无人使用的资源：{3}。\n\n",
                "{2} resource{4} {1} that nothing seems to use: {3}.\n\n", place.zh, place.en,
                orphans.size(), kinds, orphans.size() == 1 ? "" : "s");
  out.text += Text{zh.Render(), en.Render()};
  if (!orphans.empty()) {
    out.text += Text{"\n直接通过 API 读取的 ConfigMap 和 Secret 看不出来，删除前请确认。",
                     "\nConfigMaps and Secrets that a program reads through the API cannot be "
                     "seen; check before you delete."};
  }
  out.AddFact("orphans.total", static_cast<int64_t>(orphans.size()));
  out.ledger = picture.ledger();
  return out;
}

}  // namespace opsmesh::k8s
