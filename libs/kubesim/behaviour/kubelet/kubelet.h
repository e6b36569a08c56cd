// The kubelets of all nodes: pods on nodes run, are probed, restarted, stopped and reported.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "libs/kubesim/api/pod_exec.h"
#include "libs/kubesim/api/pod_ports.h"
#include "libs/kubesim/behaviour/engine.h"
#include "libs/kubesim/behaviour/faults/fault_table.h"
#include "libs/kubesim/behaviour/kubelet/pod_runtime.h"
#include "libs/kubesim/behaviour/scheduler/pod_info.h"

namespace opsmesh::kubesim {

/// 104857600 -> "100Mi": the largest unit that leaves no rest.
std::string BinaryQuantity(int64_t bytes);

/// The container's part of a pod's spec.
const Json& ContainerSpec(const Json& pod_spec, const ContainerRuntime& container);

struct KubeletOptions {
  /// Of another engine over the same objects (a fork); null = built again from the objects. Copied.
  const KubeletState* state = nullptr;
  /// Usage of what runs is written for metrics.k8s.io.
  bool metrics = true;
  /// False: it lets pods and nodes be what their objects say.
  bool run_pods = true;
};

/// Engine thread only.
class Kubelet final : public Part, public World {
 public:
  Kubelet(Engine& engine, ImageTable images, FaultTable& faults, const KubeletOptions& options);
  void Start() override;

  /// For a fork; between two steps of the engine.
  const KubeletState& state() const { return state_; }
  /// Looks at the pods again that a fault, which came or went, may concern.
  void FaultsChanged(const FaultTarget& target);
  /// At least the pods that a fault with this target concerns; not all there are, where that is
  /// easily said.
  std::vector<ObjectPtr> PodsNear(const FaultTarget& target) const;
  /// Who a pod is, for faults: its workload in the end, its node.
  static FaultSubject SubjectOf(const Json& pod);
  /// Ends the running process of a container (all when "") as if it were killed; false when none
  /// runs.
  bool KillContainer(const std::string& ns, const std::string& pod, const std::string& container,
                     int code, const std::string& reason);

  /// Runs a command of pods/exec or a line typed into a shell; files that it writes stay.
  CommandResult Command(const PodCommand& command);
  /// What a port of a pod answers to a request.
  PodPage Ask(const PodRequest& request) const;

  // World, for scripts.
  bool Resolves(const std::string& host, const std::string& ns) const override;
  Reach Connect(const std::string& host, int port, const std::string& path, const std::string& ns,
                int* status) const override;
  Page Read(const std::string& host, int port, const std::string& path,
            const std::string& ns) const override;
  /// What answers on a port of a pod, at this moment.
  Reach ConnectTo(const PodRuntime& pod, int port, const std::string& path, int* status) const;
  Page ReadFrom(const PodRuntime& pod, int port, const std::string& path) const;

 private:
  struct View {  // a pod while it is looked at
    PodRuntime& runtime;
    const ObjectPtr object;
    const Json& pod;
    const Json& spec;
    absl::Time now;
    absl::Time next = absl::InfiniteFuture();
    bool write = true;

    void At(absl::Time when);
  };

  // world.cc
  /// Where a connection ends; `pod` stays null when that is outside of the cluster's pods.
  Reach Route(const std::string& host, int port, const std::string& ns, const PodRuntime** pod,
              int* pod_port) const;

  // kubelet.cc
  void OnPod(const Seen& seen);
  void OnNode(const Seen& seen);
  void Register(const std::string& name);
  Next Reconcile(const std::string& uid);
  void Adopt(PodRuntime& runtime, const Json& pod);
  void AdoptContainer(PodRuntime& runtime, ContainerRuntime& container, const Json& pod,
                      const Json& spec);
  void LearnImages(const Json& pod);
  bool NodeAnswers(const std::string& node) const;
  FaultSubject SubjectOf(const View& view, const ContainerRuntime* container) const;
  void Tell(const View& view, std::string_view type, std::string_view reason,
            std::string_view message, const ContainerRuntime* container = nullptr);

  // pod_sync.cc
  void SyncPod(View& view);
  bool Deadline(View& view);
  void StopForGood(View& view);
  bool Sandbox(View& view);
  bool SyncInit(View& view);
  void SyncEphemeral(View& view);
  std::string AssignAddress(const std::string& node, const Json& spec);
  void ReleaseAddress(const PodRuntime& runtime);
  void EndPod(View& view, const std::string& reason, const std::string& message, bool disrupted);

  // admission.cc
  bool Admit(View& view);
  bool Reject(View& view, const std::string& reason, const std::string& why);

  // storage.cc
  /// Directories that containers of a pod share: what the others wrote, and what it wrote itself.
  void TakeShared(View& view, ContainerRuntime& container, const Json& spec);
  void GiveShared(View& view, const ContainerRuntime& container, const Json& spec);
  bool WithinStorage(View& view);
  std::string StorageExcess(const View& view) const;
  int64_t DirectoryUse(const View& view, const std::string& volume) const;

  // mounts.cc
  bool Mount(View& view);
  std::string MountError(const View& view, const Json& volume) const;
  std::string ReferenceError(const View& view, const Json& container) const;
  std::optional<Json> Find(const char* plural, const std::string& ns,
                           const std::string& name) const;
  void FillSpec(const View& view, const Json& container, ProcessSpec* spec) const;
  void FillEnvironment(const View& view, const Json& container, ProcessSpec* spec) const;
  void AddServiceVariables(const std::string& ns, std::map<std::string, std::string>* env) const;

  // mounted_files.cc
  /// A field of the pod as the downward API tells it: "metadata.labels['app']".
  std::string FieldOf(const View& view, const std::string& field) const;
  /// The number behind a resourceFieldRef.
  std::string ResourceOf(const View& view, const Json& container, const Json& ref) const;
  std::map<std::string, std::string> VolumeFiles(const View& view, const Json& container,
                                                 const Json& volume) const;
  /// By absolute path; `later`: those that are updated while a container runs.
  std::map<std::string, std::string> MountedFiles(const View& view, const Json& container,
                                                  bool later) const;
  /// A running container sees changed ConfigMaps and labels.
  void RefreshFiles(const View& view, ContainerRuntime& container, const Json& spec) const;

  // container_sync.cc
  void SyncContainer(View& view, ContainerRuntime& container, const Json& spec);
  void RunContainer(View& view, ContainerRuntime& container, const Json& spec);
  void Ended(View& view, ContainerRuntime& container);
  std::string TerminationMessage(const View& view, const ContainerRuntime& container,
                                 int code) const;
  void WaitOrRestart(View& view, ContainerRuntime& container, const Json& spec);
  void BeginStart(View& view, ContainerRuntime& container, const Json& spec);
  void Create(View& view, ContainerRuntime& container, const Json& spec);
  void ShowRunning(View& view, ContainerRuntime& container, const Json& spec);
  void StartFailed(View& view, ContainerRuntime& container, const StartFailure& failure);
  std::string ConfigError(const View& view, const ContainerRuntime& container,
                          const Json& spec) const;
  bool ShouldRestart(const View& view, const ContainerRuntime& container) const;

  // image_pull.cc
  void Pull(View& view, ContainerRuntime& container, const Json& spec);
  void PullRefused(View& view, ContainerRuntime& container, const std::string& image,
                   const std::string& error);
  void PullFailed(View& view, ContainerRuntime& container, const std::string& image);
  bool PullSecrets(const View& view);
  absl::Duration PullTime(const View& view, const ContainerRuntime& container,
                          const std::string& image, bool present) const;

  // hooks.cc
  struct HookResult {
    bool good = true;
    absl::Duration took;
    std::string message;
  };
  HookResult RunHook(const View& view, ContainerRuntime& container, const Json& spec,
                     const Json& handler);
  void PostStart(View& view, ContainerRuntime& container, const Json& spec);
  bool HookIsOver(View& view, ContainerRuntime& container, const Json& spec);
  void StopContainer(View& view, ContainerRuntime& container, const Json& spec,
                     absl::Duration grace);

  // probes.cc
  struct Verdict {
    bool good = false;
    std::string message;
    bool errored = false;  // the probe could not be made: its result does not count
  };
  void ArmProbes(ContainerRuntime& container, const Json& spec, absl::Time from);
  void Probe(View& view, ContainerRuntime& container, const Json& spec);
  Verdict Judge(const View& view, const ContainerRuntime& container, const Json& spec,
                const Json& probe, ProbeKind kind) const;
  static Verdict NoSuchPort(const std::string& name);
  static std::string FailureOf(const View& view, const Json& spec, const Json& probe);
  Verdict JudgeHttp(const View& view, const ContainerRuntime& container, const Json& spec,
                    const Json& get, int64_t timeout) const;

  // termination.cc
  void SyncTermination(View& view);
  /// A step of every container towards its end; true when one still runs.
  bool EndContainers(View& view);
  void EndContainer(View& view, ContainerRuntime& container, absl::Duration grace,
                    absl::Time deadline);
  void Forget(View& view);

  // pod_status.cc
  void WriteStatus(View& view);
  Json MakeStatus(const View& view, const Json& before) const;
  Json RejectedStatus(const View& view, const Json& before) const;
  Json Conditions(const View& view, const Json& before, const std::string& phase) const;
  std::string Phase(const View& view) const;
  void WriteMetrics(const View& view, bool remove);

  // heartbeats.cc
  void Heartbeat();
  void Beat(const Object& node, bool status_due);
  void UpdateNode(Json& node, const std::string& name);
  void SetPressures(Json& node, const std::string& name);
  void SetReadiness(Json& node, const std::string& name);
  void TellOfNode(const std::string& name, const std::string& reason, const std::string& message);
  void TellOfStatus(const std::string& name, const std::string& reason);
  void Evict(const std::string& node);

  Engine& engine_;
  ImageTable images_;
  FaultTable& faults_;
  const bool metrics_;
  const bool run_pods_;
  const ResourceType& pod_type_;
  const ResourceType& node_type_;
  const ResourceType& lease_type_;
  Informer& pods_;
  Informer& nodes_;
  Informer& services_;
  const ObjectIndex& by_node_;
  WorkQueue* queue_ = nullptr;
  KubeletState state_;
  uint64_t beats_ = 0;
};

/// The world as a pod sees it: "localhost" is the pod itself.
class PodWorld final : public World {
 public:
  PodWorld(const Kubelet& kubelet, const PodRuntime& pod) : kubelet_(kubelet), pod_(pod) {}
  bool Resolves(const std::string& host, const std::string& ns) const override {
    return kubelet_.Resolves(host, ns);
  }
  Reach Connect(const std::string& host, int port, const std::string& path, const std::string& ns,
                int* status) const override;
  Page Read(const std::string& host, int port, const std::string& path,
            const std::string& ns) const override;

 private:
  bool IsSelf(const std::string& host) const;

  const Kubelet& kubelet_;
  const PodRuntime& pod_;
};

}  // namespace opsmesh::kubesim
