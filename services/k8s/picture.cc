#include "services/k8s/picture.h"

#include <algorithm>

#include <fmt/format.h>

#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "services/k8s/say.h"

namespace opsmesh::k8s {
namespace {

using State = kube::KindStatus::State;

constexpr char kRights[] = "rights";
constexpr size_t kMostSingle = 2;

std::string Sentence(const absl::Status& status) {
  std::string out(status.message());
  const std::string hint = base::DetailOf(status).hint;
  if (!hint.empty()) out += " " + hint;
  return out;
}

/// A kind that is read namespace by namespace, and this is none of them: nobody asked there.
absl::Status NotThere(const kube::KindStatus& status, std::string_view ns) {
  const auto all = status.refused.find("");
  const base::ErrorDetail detail =
      base::DetailOf(all == status.refused.end() ? absl::OkStatus() : all->second);
  const auto user = detail.metadata.find("user");
  return base::PermissionDenied(
             "FORBIDDEN",
             fmt::format("This user cannot list {} in namespace '{}'.", status.type.plural, ns))
      .Hint(fmt::format("Allow it by a rule in a Role in namespace '{}' bound to this user: "
                        "apiGroups: [\"{}\"], resources: [\"{}\"], verbs: [\"get\", \"list\", "
                        "\"watch\"].",
                        ns, status.type.group, status.type.plural))
      .With("verb", "list")
      .With("group", status.type.group)
      .With("resource", status.type.plural)
      .With("namespace", ns)
      .With("user", user == detail.metadata.end() ? "" : user->second);
}

}  // namespace

Picture::Picture(std::shared_ptr<const kube::Snapshot> snapshot, std::string ns, absl::Time now)
    : snapshot_(std::move(snapshot)), ns_(std::move(ns)), now_(now) {}

std::span<const kube::ObjectPtr> Picture::In(std::string_view plural) {
  const kube::KindSnapshot& kind = snapshot_->Of(plural);
  const bool narrowed = !ns_.empty() && kind.status().type.namespaced;
  Note(plural, !narrowed);
  if (narrowed) return kind.InNamespace(ns_);
  return kind.objects();
}

const kube::KindSnapshot& Picture::All(std::string_view plural) {
  Note(plural, true);
  return snapshot_->Of(plural);
}

State Picture::StateIn(std::string_view plural, std::string_view ns) const {
  const kube::KindStatus& status = snapshot_->Of(plural).status();
  const bool elsewhere = status.synced() && status.type.namespaced && !ns.empty();
  return elsewhere && !status.Covers(ns) ? State::kForbidden : status.state;
}

kube::ObjectPtr Picture::Find(std::string_view plural, std::string_view ns, std::string_view name) {
  // What other namespaces hold does not matter: their lack is not worth a word.
  Note(plural, ns != ns_);
  return snapshot_->Of(plural).Find(ns, name);
}

bool Picture::Readable(std::string_view plural, std::string_view ns) {
  const State state = StateIn(plural, ns);
  return state == State::kLive || state == State::kStale;
}

absl::Status Picture::CheckReadable(std::string_view plural, std::string_view ns) {
  const kube::KindStatus& status = snapshot_->Of(plural).status();
  switch (StateIn(plural, ns)) {
    case State::kLive:
    case State::kStale:
      return absl::OkStatus();
    case State::kForbidden:
      if (const auto there = status.refused.find(ns); there != status.refused.end())
        return there->second;
      if (!ns.empty() && status.type.namespaced && status.synced()) return NotThere(status, ns);
      if (const auto all = status.refused.find(""); all != status.refused.end()) return all->second;
      if (!status.last_error.ok()) return status.last_error;
      return base::PermissionDenied(
                 "FORBIDDEN", fmt::format("The cluster does not let OpsMesh list {}.", plural))
          .Hint(fmt::format(
              "Add a rule with the verbs get, list and watch on {} to OpsMesh's ClusterRole.",
              plural))
          .With("verb", "list")
          .With("resource", plural)
          .With("namespace", ns);
    case State::kNotServed:
      return base::NotFound("KIND_NOT_SERVED",
                            fmt::format("This cluster does not serve {}.", plural))
          .Hint("list_kubernetes_api_resources shows what it serves.");
    case State::kSyncing:
      break;
  }
  if (!status.last_error.ok()) return status.last_error;
  return base::Unavailable(
             "CACHE_SYNCING",
             fmt::format("The apiserver has not sent the first list of {} yet.", plural))
      .Hint("Ask again in a few seconds.")
      .RetryAfter(absl::Seconds(2));
}

void Picture::Note(std::string_view plural, bool all) {
  const std::string key = fmt::format("{}{}", plural, all ? "*" : "");
  if (!noted_.insert(key).second) return;
  const kube::KindStatus& status = snapshot_->Of(plural).status();
  LedgerEntry entry;
  entry.source = "watch cache";
  entry.subject = all ? std::string(plural) : fmt::format("{} in {}", plural, ns_);
  if (status.as_of != absl::InfinitePast()) {
    entry.age_seconds = std::max(0.0, absl::ToDoubleSeconds(now_ - status.as_of));
  }
  const State state = StateIn(plural, all ? std::string_view() : ns_);
  const bool partly = all && status.synced() && !status.only_in.empty();
  if (partly) {
    const std::string where = base::Join(status.only_in, ", ");
    entry.subject = fmt::format("{} in {}", plural, where);
    LedgerEntry outside;
    outside.subject = std::string(plural);
    NoteForbidden({std::move(outside), where});
  }
  if (!ns_.empty() && status.type.namespaced) {
    const State there = StateIn(plural, ns_);
    ledger_.read_there |= there == State::kLive || there == State::kStale;
    if (there == State::kForbidden && ledger_.refused_there.ok())
      ledger_.refused_there = CheckReadable(plural);
  }
  switch (state) {
    case State::kLive:
      ledger_.Checked(entry);
      break;
    case State::kStale:
      ledger_.Checked(entry);
      entry.source = "apiserver";
      entry.reason = fmt::format("it does not answer, what was last known is shown: {}",
                                 Sentence(status.last_error));
      ledger_.Failed(entry);
      break;
    case State::kNotServed:
      entry.reason = "the cluster does not serve this kind";
      entry.age_seconds.reset();
      ledger_.NotChecked(entry);
      break;
    case State::kForbidden:
      entry.reason = "cannot be read: " + Sentence(CheckReadable(plural));
      entry.age_seconds.reset();
      NoteForbidden({std::move(entry), ""});
      break;
    case State::kSyncing:
      entry.reason = Sentence(CheckReadable(plural));
      entry.age_seconds.reset();
      ledger_.Failed(entry);
      break;
  }
  if (status.synced() && !status.unparseable.empty()) {
    const kube::Unparseable& first = status.unparseable.front();
    const std::string name =
        first.name.empty() ? "" : fmt::format(" is {}/{}", first.ns, first.name);
    ledger_.Failed("watch cache", std::string(plural),
                   fmt::format("{} objects could not be read and are left out, the first{}: {}",
                               status.unparseable.size(), name, first.why));
  }
}

void Picture::NoteForbidden(Forbidden what) {
  what.entry.source = kRights;
  forbidden_.push_back(std::move(what));
  FoldForbidden();
}

void Picture::FoldForbidden() {
  std::map<std::string, std::vector<std::string>> only_in;  // kinds by where they can be read
  std::vector<std::string> nowhere;
  for (const Forbidden& what : forbidden_) {
    (what.only_in.empty() ? nowhere : only_in[what.only_in]).push_back(what.entry.subject);
  }
  for (auto& [where, kinds] : only_in) std::sort(kinds.begin(), kinds.end());
  std::erase_if(ledger_.failed, [](const LedgerEntry& entry) { return entry.source == kRights; });
  // A kind or two stand there with the rule to add; a user of one namespace lacks twenty.
  if (only_in.empty() && forbidden_.size() <= kMostSingle) {
    for (const Forbidden& what : forbidden_) ledger_.Failed(what.entry);
    return;
  }
  std::vector<std::string> parts;
  for (const auto& [where, kinds] : only_in)
    parts.push_back(fmt::format("{} can be read in {} only", base::Join(kinds, ", "), where));
  if (!nowhere.empty()) parts.push_back(base::Join(nowhere, ", ") + " cannot be read");
  ledger_.Failed(kRights, "rights of this user", base::Join(parts, "; "));
}

Text RightsText(const kube::Snapshot& snapshot) {
  size_t readable = 0;
  size_t known = 0;
  std::vector<std::string> forbidden;
  std::map<std::string, std::vector<std::string>> only_in;  // kinds by where they can be read
  for (const auto& [plural, kind] : snapshot.kinds()) {
    const kube::KindStatus& status = kind->status();
    if (status.state == State::kNotServed) continue;
    ++known;
    readable += status.synced() ? 1 : 0;
    if (status.state == State::kForbidden) forbidden.push_back(plural);
    if (status.synced() && !status.only_in.empty())
      only_in[base::Join(status.only_in, ", ")].push_back(plural);
  }
  if (forbidden.empty() && only_in.empty()) return {};
  Text out = readable == known
                 ? Say("{0} 类资源可读", "all {0} kinds can be read", known)
                 : Say("{1} 类资源中可读 {0} 类", "{0} of {1} kinds can be read", readable, known);
  for (const auto& [where, kinds] : only_in) {
    out += Say("；{0} 只能在命名空间 {1} 中读取", "; {0} in namespace {1} only",
               base::Join(kinds, ", "), where);
  }
  if (!forbidden.empty())
    out += Say("；没有权限读取：{0}", "; not allowed: {0}", base::Join(forbidden, ", "));
  return out;
}

bool Picture::NamespaceExists(std::string_view name) {
  const kube::KindSnapshot& namespaces = snapshot_->Of("namespaces");
  if (!namespaces.status().synced()) return true;
  return namespaces.Find("", name) != nullptr;
}

absl::Status Picture::CheckNamespace() {
  if (ns_.empty() || NamespaceExists(ns_)) return absl::OkStatus();
  std::vector<std::string> names;
  for (const kube::ObjectPtr& object : snapshot_->Of("namespaces").objects())
    names.emplace_back(object->name());
  const std::string near(base::Nearest(ns_, names));
  return base::NotFound("NAMESPACE_NOT_FOUND", fmt::format("There is no namespace '{}'.", ns_))
      .Hint(near.empty()
                ? fmt::format("There are {}: get_kubernetes_namespaces lists them.", names.size())
                : fmt::format("Did you mean '{}'?", near))
      .With("namespace", ns_);
}

ObjectRef RefOf(const kube::Object& object) {
  ObjectRef ref;
  const kube::Meta& meta = object.meta();
  ref.kind = meta.kind;
  const size_t slash = meta.api_version.find('/');
  if (slash != std::string_view::npos) ref.group = meta.api_version.substr(0, slash);
  ref.name_space = meta.ns;
  ref.name = meta.name;
  ref.resource_version = meta.resource_version;
  return ref;
}

ObjectRef WorkloadOf(Picture& picture, const kube::Object& object) {
  const kube::OwnerRef* owner = object.meta().controller();
  if (!owner) return RefOf(object);
  const std::string_view plural = owner->kind == "ReplicaSet" ? "replicasets"
                                  : owner->kind == "Job"      ? "jobs"
                                                              : "";
  if (!plural.empty()) {
    const kube::ObjectPtr parent = picture.Find(plural, object.ns(), owner->name);
    if (parent && parent->meta().controller()) return WorkloadOf(picture, *parent);
    // The ReplicaSet is not readable: its name is the Deployment's, a dash and the hash in the
    // pod's label.
    const kube::Str hash = kube::Lookup(object.meta().labels, "pod-template-hash");
    const std::string suffix = "-" + std::string(hash);
    if (!parent && !hash.empty() && owner->name.ends_with(suffix)) {
      ObjectRef ref;
      ref.kind = "Deployment";
      ref.group = "apps";
      ref.name_space = object.ns();
      ref.name = owner->name.substr(0, owner->name.size() - suffix.size());
      return ref;
    }
  }
  ObjectRef ref;
  ref.kind = owner->kind;
  const size_t slash = owner->api_version.find('/');
  if (slash != std::string_view::npos) ref.group = owner->api_version.substr(0, slash);
  // A cluster-scoped owner (a Node for mirror pods) has no namespace.
  ref.name_space = owner->kind == "Node" ? "" : std::string(object.ns());
  ref.name = owner->name;
  return ref;
}

}  // namespace opsmesh::k8s
