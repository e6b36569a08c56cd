#include "services/k8s/revisions.h"

#include <algorithm>
#include <cstdlib>
#include <map>

#include <fmt/format.h>

#include "services/k8s/clean_text.h"
#include "services/k8s/fields.h"
#include "services/k8s/pod_causes.h"

namespace opsmesh::k8s {
namespace {

std::string Amounts(const kube::ResourceList& list) {
  std::string out;
  for (const auto& [name, q] : list)
    out += fmt::format("{}{}={}", out.empty() ? "" : ",", name, q.text);
  return out.empty() ? "-" : out;
}

std::string Words(const std::vector<kube::Str>& words) {
  std::string out;
  for (const kube::Str w : words)
    out += fmt::format("{}{}", out.empty() ? "" : " ", CleanText(w, 80));
  return out.empty() ? "-" : out;
}

void CompareContainers(const kube::Container& a, const kube::Container& b,
                       std::vector<std::string>& out) {
  const auto differ = [&](std::string_view what, const std::string& from, const std::string& to) {
    if (from != to) out.push_back(fmt::format("{} of {}: {} -> {}", what, b.name, from, to));
  };
  differ("image", std::string(a.image), std::string(b.image));
  differ("requests", Amounts(a.requests), Amounts(b.requests));
  differ("limits", Amounts(a.limits), Amounts(b.limits));
  differ("command", Words(a.command), Words(b.command));
  differ("args", Words(a.args), Words(b.args));
  differ("readiness probe", DescribeProbe(a.readiness), DescribeProbe(b.readiness));
  differ("liveness probe", DescribeProbe(a.liveness), DescribeProbe(b.liveness));
  // Values of variables may be secret: only their names are shown.
  std::map<kube::Str, kube::Str> before;
  for (const kube::EnvVar& e : a.env) before[e.name] = e.value;
  for (const kube::EnvVar& e : b.env) {
    const auto it = before.find(e.name);
    if (it == before.end())
      out.push_back(fmt::format("env of {}: {} added", b.name, e.name));
    else if (it->second != e.value)
      out.push_back(fmt::format("env of {}: {} changed", b.name, e.name));
    if (it != before.end()) before.erase(it);
  }
  for (const auto& [name, value] : before)
    out.push_back(fmt::format("env of {}: {} removed", b.name, name));
}

}  // namespace

std::vector<Revision> RevisionsOf(Picture& picture, const kube::Object& deployment) {
  std::vector<Revision> out;
  for (const kube::ObjectPtr& object : picture.All("replicasets").OwnedBy(deployment.meta().uid)) {
    const auto* set = object->As<kube::ReplicaSet>();
    if (!set || set->revision.empty()) continue;
    Revision r;
    r.number = std::atoll(std::string(set->revision).c_str());
    r.replica_set = object->name();
    r.images = Images(set->pod_template.spec);
    r.change_cause = CleanText(object->Annotation("kubernetes.io/change-cause").value_or(""), 200);
    r.created = object->meta().created;
    r.replicas = set->replicas;
    r.ready = set->ready_replicas;
    r.object = object;
    out.push_back(std::move(r));
  }
  std::sort(out.begin(), out.end(),
            [](const Revision& a, const Revision& b) { return a.number > b.number; });
  if (!out.empty()) out[0].current = true;
  return out;
}

std::vector<std::string> TemplateChanges(const kube::PodTemplate& from,
                                         const kube::PodTemplate& to) {
  std::vector<std::string> out;
  for (const kube::Container& b : to.spec.containers) {
    const auto a = std::find_if(from.spec.containers.begin(), from.spec.containers.end(),
                                [&](const auto& c) { return c.name == b.name; });
    if (a == from.spec.containers.end())
      out.push_back(fmt::format("container {} added ({})", b.name, b.image));
    else
      CompareContainers(*a, b, out);
  }
  for (const kube::Container& a : from.spec.containers) {
    const bool kept = std::any_of(to.spec.containers.begin(), to.spec.containers.end(),
                                  [&](const auto& c) { return c.name == a.name; });
    if (!kept) out.push_back(fmt::format("container {} removed", a.name));
  }
  if (from.spec.service_account != to.spec.service_account) {
    out.push_back(fmt::format("service account: {} -> {}", from.spec.service_account,
                              to.spec.service_account));
  }
  return out;
}

}  // namespace opsmesh::k8s
