// What is known about one object beside its fields: its pods, events, findings and health.
#include <algorithm>

#include <fmt/format.h>

#include "services/k8s/clean_text.h"
#include "services/k8s/describe.h"
#include "services/k8s/fields.h"
#include "services/k8s/finding.h"
#include "services/k8s/say.h"
#include "services/k8s/text_table.h"

namespace opsmesh::k8s {

std::vector<kube::ObjectPtr> PodsOf(Picture& picture, const kube::Object& object) {
  const kube::KindSnapshot& pods = picture.All("pods");
  const auto matching = [&](const kube::ObjectSelector& selector) {
    return selector.present ? pods.Matching(object.ns(), selector) : std::vector<kube::ObjectPtr>();
  };
  if (object.As<kube::Pod>()) {
    const kube::ObjectPtr pod = pods.Find(object.ns(), object.name());
    return pod ? std::vector<kube::ObjectPtr>{pod} : std::vector<kube::ObjectPtr>{};
  }
  if (const auto* d = object.As<kube::Deployment>()) return matching(d->selector);
  if (const auto* s = object.As<kube::StatefulSet>()) return matching(s->selector);
  if (const auto* s = object.As<kube::DaemonSet>()) return matching(s->selector);
  if (const auto* r = object.As<kube::ReplicaSet>()) return matching(r->selector);
  if (const auto* s = object.As<kube::Service>()) {
    return s->selector.empty() ? std::vector<kube::ObjectPtr>{}
                               : pods.Matching(object.ns(), s->selector);
  }
  if (object.As<kube::Node>()) {
    const auto span = pods.OnNode(object.name());
    return {span.begin(), span.end()};
  }
  const auto owned = pods.OwnedBy(object.meta().uid);
  return {owned.begin(), owned.end()};
}

std::vector<kube::ObjectPtr> EventsAbout(Picture& picture, const kube::Object& object,
                                         bool with_pods, size_t limit) {
  const kube::KindSnapshot& events = picture.All("events");
  std::vector<kube::ObjectPtr> out =
      events.About(object.meta().kind, object.ns(), object.name(), object.meta().uid);
  if (with_pods && !object.As<kube::Pod>() && !object.As<kube::Node>()) {
    std::vector<kube::ObjectPtr> related = PodsOf(picture, object);
    const auto owned = picture.All("replicasets").OwnedBy(object.meta().uid);
    related.insert(related.end(), owned.begin(), owned.end());
    for (const kube::ObjectPtr& pod : related) {
      const auto more = events.About(pod->meta().kind, pod->ns(), pod->name(), pod->meta().uid);
      out.insert(out.end(), more.begin(), more.end());
    }
  }
  std::stable_sort(out.begin(), out.end(), [](const kube::ObjectPtr& a, const kube::ObjectPtr& b) {
    return a->As<kube::Event>()->last_seen > b->As<kube::Event>()->last_seen;
  });
  if (out.size() > limit) out.resize(limit);
  return out;
}

std::string EventTable(const std::vector<kube::ObjectPtr>& events, absl::Time now) {
  TextTable table({"LAST SEEN", "TYPE", "REASON", "OBJECT", "COUNT", "MESSAGE"});
  for (const kube::ObjectPtr& object : events) {
    const kube::Event* e = object->As<kube::Event>();
    if (!e) continue;
    table.AddRow({HumanAge(now - e->last_seen), std::string(e->type), std::string(e->reason),
                  fmt::format("{}/{}", e->about.kind, e->about.name), std::to_string(e->count),
                  CleanText(e->message, 140)});
  }
  return table.Render();
}

std::vector<Finding> FindingsAbout(Picture& picture, const kube::Object& object) {
  if (object.As<kube::Pod>()) return DiagnosePod(picture, object);
  // The rules look at a namespace; what concerns the object is picked from what they find.
  std::vector<Finding> out;
  const ObjectRef self = RefOf(object);
  std::vector<Finding> all = DiagnoseAll(picture);
  const std::vector<kube::ObjectPtr> pods = PodsOf(picture, object);
  for (Finding& f : all) {
    const auto is = [&](const ObjectRef& ref) {
      return f.object.kind == ref.kind && f.object.name_space == ref.name_space &&
             f.object.name == ref.name;
    };
    const bool own = is(self) || (f.workload.kind == self.kind && f.workload.name == self.name &&
                                  f.workload.name_space == self.name_space);
    const bool pod = f.object.kind == "Pod" &&
                     std::any_of(pods.begin(), pods.end(), [&](const kube::ObjectPtr& p) {
                       return p->name() == f.object.name && p->ns() == f.object.name_space;
                     });
    if (own || pod) out.push_back(std::move(f));
  }
  return out;
}

HealthWord HealthOf(Picture&, const kube::Object& object, const std::vector<Finding>& findings) {
  const std::string who = Display(RefOf(object));
  Severity worst = Severity::kInfo;
  const Finding* first = nullptr;
  for (const Finding& f : findings) {
    // A node is not ill because a pod on it is.
    if (object.As<kube::Node>() && f.object.kind != "Node") continue;
    if (first == nullptr) first = &f;
    worst = std::max(worst, f.severity);
  }
  if (worst > Severity::kInfo) {
    const bool bad = worst == Severity::kCritical;
    return {bad ? "failed" : "degraded", Say("{0} 不健康：{1}", "{0} is not healthy: {2}", who,
                                             first->summary.zh, first->summary.en)};
  }
  const auto replicas = [&](int64_t have, int64_t want) -> HealthWord {
    if (want == 0) return {"healthy", Say("{0} 已缩容到 0。", "{0} is scaled to zero.", who)};
    if (have >= want)
      return {"healthy", Say("{0} 健康，{1}/{2} 就绪。", "{0} is healthy, {1} of {2} ready.", who,
                             have, want)};
    return {"progressing", Say("{0} 正在变化，{1}/{2} 就绪。", "{0} is changing, {1} of {2} ready.",
                               who, have, want)};
  };
  if (const auto* d = object.As<kube::Deployment>())
    return replicas(d->available_replicas, d->replicas);
  if (const auto* s = object.As<kube::StatefulSet>())
    return replicas(s->ready_replicas, s->replicas);
  if (const auto* s = object.As<kube::DaemonSet>()) return replicas(s->available, s->desired);
  if (const auto* r = object.As<kube::ReplicaSet>())
    return replicas(r->ready_replicas, r->replicas);
  if (const auto* pod = object.As<kube::Pod>()) {
    if (pod->healthy())
      return {"healthy",
              Say("{0} 健康，状态 {1}。", "{0} is healthy, its status is {1}.", who, pod->status)};
    return {"progressing", Say("{0} 还没有就绪，状态 {1}。",
                               "{0} is not ready yet, its status is {1}.", who, pod->status)};
  }
  return {"healthy", Say("{0} 没有发现问题。", "{0}: no problems found.", who)};
}

}  // namespace opsmesh::k8s
