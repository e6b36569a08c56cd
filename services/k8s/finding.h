// What is wrong with a cluster, found by rules: the same objects give the same findings in the same
// order.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "services/k8s/answer.h"
#include "services/k8s/picture.h"
#include "services/k8s/say.h"

namespace opsmesh::k8s {

/// The numbers equal opsmesh.k8s.v1.Finding.Severity.
enum class Severity { kInfo = 1, kWarning = 2, kCritical = 3 };

struct Finding {
  std::string code;  // stable, UPPER_SNAKE: "CRASH_LOOP"
  Severity severity = Severity::kWarning;
  ObjectRef object;
  Text summary;    // what is so
  Text cause;      // most likely cause
  Text next_step;  // what to do
  std::vector<Fact> evidence;
  ObjectRef workload;      // controller of a pod; the object itself otherwise
  int64_t affected = 1;    // objects in the same state that this finding stands for
  bool untrusted = false;  // quotes text from the cluster

  Finding& With(std::string key, std::string value) {
    evidence.push_back({std::move(key), std::move(value), {}});
    return *this;
  }
};

/// Findings under way. Pods of one workload in the same state become one finding that counts them.
class Findings {
 public:
  explicit Findings(Picture& picture) : picture_(picture) {}
  Picture& picture() { return picture_; }

  void Add(Finding finding);
  /// Adds to the finding with the same `fold_key`, naming the object, or begins it.
  void AddFolded(std::string fold_key, Finding finding);
  /// Codes found so far about pods of the workload, worst first; empty when none.
  std::vector<std::string> CodesOf(const ObjectRef& workload) const;
  bool Has(std::string_view code, const ObjectRef& workload) const;

  /// Worst first, then by namespace, kind, name and code. The collector is empty afterwards.
  std::vector<Finding> Take();

 private:
  Picture& picture_;
  std::vector<Finding> list_;
  std::map<std::string, size_t> folded_;
  std::map<std::string, std::set<std::pair<int, std::string>>, std::less<>> by_workload_;
};

/// Everything that the rules find in the picture's namespace, or in the whole cluster.
std::vector<Finding> DiagnoseAll(Picture& picture);

// The rules by what they look at. Order matters: pods first, so that workloads can name the cause.
void DiagnosePods(Findings& findings);       // diagnose_pods.cc
void DiagnoseWorkloads(Findings& findings);  // diagnose_workloads.cc
void DiagnoseJobs(Findings& findings);
void DiagnoseAutoscalers(Findings& findings);
void DiagnoseServices(Findings& findings);  // diagnose_network.cc
void DiagnoseIngresses(Findings& findings);
void DiagnoseStorage(Findings& findings);  // diagnose_config.cc
void DiagnoseReferences(Findings& findings);
void DiagnoseQuotas(Findings& findings);
void DiagnoseNodes(Findings& findings);  // diagnose_nodes.cc
void DiagnoseNamespaces(Findings& findings);

/// Rules for one pod alone, without folding.
std::vector<Finding> DiagnosePod(Picture& picture, const kube::Object& object);

/// A ConfigMap, Secret, key, claim or service account that a pod spec needs and that is not there.
struct MissingReference {
  std::string kind;  // "ConfigMap", "Secret", "PersistentVolumeClaim"
  std::string name;
  std::string key;  // "" = the whole object
};
std::vector<MissingReference> MissingReferences(Picture& picture, std::string_view ns,
                                                const kube::PodSpec& spec);

/// The diagnosis in words, with its JSON and facts.
ToolResult AnswerFindings(const std::vector<Finding>& findings, Picture& picture,
                          size_t max_findings = 50);

std::string_view SeverityName(Severity severity);  // "critical"

/// In words: what exit code `code` with `reason` means.
Text ExitMeaning(int64_t code, std::string_view reason);

}  // namespace opsmesh::k8s
