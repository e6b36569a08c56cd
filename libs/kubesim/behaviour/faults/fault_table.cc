#include "libs/kubesim/behaviour/faults/fault_table.h"

#include <algorithm>

namespace opsmesh::kubesim {

std::string FaultTarget::ToString() const {
  std::string text = kind;
  if (!ns.empty()) text += "/" + ns;
  if (!name.empty()) text += "/" + name;
  return text;
}

namespace {

/// Kinds as kubectl takes them, too: "deploy", "deployments", "po".
std::string KindOf(std::string_view word) {
  static constexpr std::pair<std::string_view, std::string_view> kShort[] = {
      {"no", "node"},           {"po", "pod"},          {"ns", "namespace"},
      {"deploy", "deployment"}, {"sts", "statefulset"}, {"ds", "daemonset"}};
  for (const auto& [from, to] : kShort) {
    if (word == from) return std::string(to);
  }
  if (word.size() > 1 && word.ends_with('s')) word.remove_suffix(1);
  return std::string(word);
}

}  // namespace

std::optional<FaultTarget> FaultTarget::Parse(std::string_view text) {
  FaultTarget target;
  const size_t slash = text.find('/');
  target.kind = KindOf(text.substr(0, slash));
  const std::string rest(slash == std::string_view::npos ? "" : text.substr(slash + 1));
  if (target.kind == "cluster") return rest.empty() ? std::optional(target) : std::nullopt;
  if (rest.empty()) return std::nullopt;
  if (target.kind == "node" || target.kind == "image" || target.kind == "namespace") {
    target.name = rest;
    return target;
  }
  static constexpr std::string_view kWorkloads[] = {"pod", "deployment", "statefulset", "daemonset",
                                                    "job"};
  if (std::find(std::begin(kWorkloads), std::end(kWorkloads), target.kind) == std::end(kWorkloads))
    return std::nullopt;
  const size_t second = rest.find('/');
  if (second == std::string::npos || second == 0 || second + 1 == rest.size()) return std::nullopt;
  target.ns = rest.substr(0, second);
  target.name = rest.substr(second + 1);
  return target;
}

std::string Fault::Parameter(const std::string& name, std::string_view otherwise) const {
  auto it = parameters.find(name);
  return it == parameters.end() ? std::string(otherwise) : it->second;
}

bool Concerns(const FaultTarget& target, const FaultSubject& subject) {
  if (target.kind == "cluster") return true;
  if (target.kind == "node") return target.name == subject.node;
  if (target.kind == "image") return target.name == subject.image;
  if (target.kind == "namespace") return target.name == subject.ns;
  if (target.ns != subject.ns) return false;
  return target.kind == "pod"
             ? target.name == subject.pod
             : target.kind == subject.workload_kind && target.name == subject.workload;
}

std::string FaultTable::Add(Fault fault) {
  std::lock_guard lock(mutex_);
  fault.id = "fault-" + std::to_string(++serial_);
  ++version_;
  faults_.push_back(std::move(fault));
  return faults_.back().id;
}

std::optional<Fault> FaultTable::Remove(std::string_view id) {
  std::lock_guard lock(mutex_);
  auto it = std::find_if(faults_.begin(), faults_.end(),
                         [&](const Fault& fault) { return fault.id == id; });
  if (it == faults_.end()) return std::nullopt;
  Fault fault = std::move(*it);
  faults_.erase(it);
  ++version_;
  return fault;
}

std::vector<Fault> FaultTable::List() const {
  std::lock_guard lock(mutex_);
  return faults_;
}

void FaultTable::CopyFrom(const FaultTable& other) {
  if (this == &other) return;
  std::scoped_lock lock(mutex_, other.mutex_);
  faults_ = other.faults_;
  serial_ = other.serial_;
  ++version_;
}

std::optional<Fault> FaultTable::OnNode(std::string_view kind, std::string_view node) const {
  FaultSubject subject;
  subject.node = node;
  std::lock_guard lock(mutex_);
  for (const Fault& fault : faults_) {
    if (fault.kind == kind && (fault.target.kind == "node" || fault.target.kind == "cluster") &&
        Concerns(fault.target, subject))
      return fault;
  }
  return std::nullopt;
}

std::optional<Fault> FaultTable::OnSubject(std::string_view kind,
                                           const FaultSubject& subject) const {
  std::lock_guard lock(mutex_);
  for (const Fault& fault : faults_) {
    if (fault.kind != kind || !Concerns(fault.target, subject)) continue;
    auto container = fault.parameters.find("container");
    if (container == fault.parameters.end() || subject.container.empty() ||
        container->second == subject.container)
      return fault;
  }
  return std::nullopt;
}

std::optional<Fault> FaultTable::OnCluster(std::string_view kind) const {
  std::lock_guard lock(mutex_);
  for (const Fault& fault : faults_) {
    if (fault.kind == kind && fault.target.kind == "cluster") return fault;
  }
  return std::nullopt;
}

bool FaultTable::empty() const {
  std::lock_guard lock(mutex_);
  return faults_.empty();
}

uint64_t FaultTable::version() const {
  std::lock_guard lock(mutex_);
  return version_;
}

}  // namespace opsmesh::kubesim
