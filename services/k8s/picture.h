// What an analyzer looks at: the cached picture, narrowed to a namespace, which notes in the ledger
// what was read from it.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "libs/kube/cache.h"
#include "libs/kube/views.h"
#include "services/k8s/answer.h"

namespace opsmesh::k8s {

/// For one call; not thread-safe. Objects live as long as the Picture.
class Picture {
 public:
  /// `ns` "" = the whole cluster.
  Picture(std::shared_ptr<const kube::Snapshot> snapshot, std::string ns, absl::Time now);

  const std::string& ns() const { return ns_; }
  absl::Time now() const { return now_; }

  /// Objects of the kind in the namespace in question (all of them for cluster-scoped kinds). Empty
  /// when it cannot be read.
  std::span<const kube::ObjectPtr> In(std::string_view plural);
  /// The kind in every namespace.
  const kube::KindSnapshot& All(std::string_view plural);
  /// False when the kind is forbidden in the namespace in question, not served or not listed yet:
  /// nothing may be concluded from its absence. Without a namespace it is enough that some
  /// namespaces can be read; the ledger says that the others cannot.
  bool Readable(std::string_view plural) { return Readable(plural, ns_); }
  /// The same for another namespace than the one in question.
  bool Readable(std::string_view plural, std::string_view ns);
  /// OK, or why the kind cannot be read: a typed error for tools that are about this kind.
  absl::Status CheckReadable(std::string_view plural) { return CheckReadable(plural, ns_); }
  absl::Status CheckReadable(std::string_view plural, std::string_view ns);
  /// One object, or null. `ns` "" for cluster-scoped kinds.
  kube::ObjectPtr Find(std::string_view plural, std::string_view ns, std::string_view name);

  /// True when `name` exists, also when namespaces cannot be read.
  bool NamespaceExists(std::string_view name);
  /// NOT_FOUND (NAMESPACE_NOT_FOUND) with the nearest name, when the namespace in question does not
  /// exist.
  absl::Status CheckNamespace();

  Ledger& ledger() { return ledger_; }
  const kube::Snapshot& snapshot() const { return *snapshot_; }

 private:
  /// How the kind stands in a namespace ("" = wherever it can be read).
  kube::KindStatus::State StateIn(std::string_view plural, std::string_view ns) const;
  /// What a user may not see of a kind.
  struct Forbidden {
    LedgerEntry entry;    // says all of it: "pods", "pods in shop"
    std::string only_in;  // the namespaces where the kind can be read; "" = nowhere in question
  };
  void Note(std::string_view plural, bool all);
  /// One entry for all kinds takes the place of several.
  void NoteForbidden(Forbidden what);
  void FoldForbidden();

  const std::shared_ptr<const kube::Snapshot> snapshot_;
  const std::string ns_;
  const absl::Time now_;
  Ledger ledger_;
  std::set<std::string, std::less<>> noted_;
  std::vector<Forbidden> forbidden_;
};

/// "12 of 26 kinds can be read (pods, services in namespace shop only); not: nodes, ..." over
/// everything that is cached; empty when nothing is forbidden.
Text RightsText(const kube::Snapshot& snapshot);

/// Ref to an object as the answers name it.
ObjectRef RefOf(const kube::Object& object);

/// The controller a person thinks of: the Deployment behind a ReplicaSet, the CronJob behind a Job,
/// else the direct controller, else the object itself.
ObjectRef WorkloadOf(Picture& picture, const kube::Object& object);

/// Calls `visit(const kube::Object&, const View&)` for each object of the kind that decodes as
/// View.
template <typename View, typename Visit>
void ForEach(std::span<const kube::ObjectPtr> objects, Visit visit) {
  for (const kube::ObjectPtr& object : objects) {
    if (const View* view = object->As<View>()) visit(*object, *view);
  }
}

}  // namespace opsmesh::k8s
