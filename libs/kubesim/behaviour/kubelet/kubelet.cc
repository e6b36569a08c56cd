#include "libs/kubesim/behaviour/kubelet/kubelet.h"

#include <fmt/format.h>

#include <algorithm>

#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

constexpr absl::Duration kKubeletStart = absl::Milliseconds(100);
constexpr absl::Duration kLogTick = absl::Milliseconds(500);

absl::Duration BackOffAfter(int restarts) {
  absl::Duration back_off = absl::ZeroDuration();
  for (int i = 0; i < restarts && i < 8; ++i)
    back_off = std::clamp(back_off * 2, absl::Seconds(10), absl::Minutes(5));
  return back_off;
}

}  // namespace

void Kubelet::View::At(absl::Time when) {
  if (when == absl::InfiniteFuture()) return;
  next = std::min(next, when);
}

Kubelet::Kubelet(Engine& engine, ImageTable images, FaultTable& faults,
                 const KubeletOptions& options)
    : engine_(engine),
      images_(std::move(images)),
      faults_(faults),
      metrics_(options.metrics),
      run_pods_(options.run_pods),
      pod_type_(engine.Type("", "pods")),
      node_type_(engine.Type("", "nodes")),
      lease_type_(engine.Type("coordination.k8s.io", "leases")),
      pods_(engine.InformerOf("", "pods")),
      nodes_(engine.InformerOf("", "nodes")),
      services_(engine.InformerOf("", "services")),
      by_node_(pods_.AddIndex([](const Object&, const Json& pod) {
        return std::vector<std::string>{TextAt(pod, {"spec", "nodeName"})};
      })) {
  if (options.state != nullptr) state_ = *options.state;
  queue_ = &engine.AddQueue("kubelet", [this](const std::string& uid) { return Reconcile(uid); });
  if (!run_pods_) return;
  nodes_.OnChange([this](const Seen& seen) { OnNode(seen); });
  pods_.OnChange([this](const Seen& seen) { OnPod(seen); });
}

void Kubelet::Start() {
  if (!run_pods_) return;
  engine_.After(absl::Seconds(1), [this] { Heartbeat(); });
  if (!engine_.virtual_time()) {
    // Followers of logs are woken by real time only; readers always see what is written by their
    // moment.
    struct Tick {
      static void Run(Engine& engine) {
        engine.logs().Advance();
        engine.After(kLogTick, [&engine] { Run(engine); });
      }
    };
    Tick::Run(engine_);
  }
}

void Kubelet::OnNode(const Seen& seen) {
  if (!seen.now) {
    state_.nodes.erase(seen.before->name);
    return;
  }
  auto [it, fresh] = state_.nodes.try_emplace(seen.now->name);
  if (!fresh) return;
  NodeRuntime& node = it->second;
  for (const Json& image : ListAt(seen.now_json, {"status", "images"})) {
    for (const Json& name : ListAt(image, {"names"})) node.images.insert(Scalar(name));
  }
  for (const Json& condition : ListAt(seen.now_json, {"status", "conditions"})) {
    // Nobody has heard of its kubelet when the cluster was taken up: it stays dead until somebody
    // clears the fault.
    if (TextAt(condition, "type") != "Ready" || TextAt(condition, "status") != "Unknown") continue;
    absl::Time since = engine_.Now();
    base::ParseRfc3339(TextAt(condition, "lastTransitionTime"), &since);
    faults_.Add({"", "kubelet-stopped", {"node", "", seen.now->name}, {}, since});
  }
  // A node that joins is heard of when its kubelet has started; those that were there at the start,
  // with the first round of heartbeats.
  if (beats_ > 0) engine_.After(kKubeletStart, [this, name = seen.now->name] { Register(name); });
}

void Kubelet::Register(const std::string& name) {
  const ObjectPtr node = nodes_.Get("", name);
  if (node != nullptr && NodeAnswers(name)) Beat(*node, true);
}

void Kubelet::LearnImages(const Json& pod) {
  const std::string node = TextAt(pod, {"spec", "nodeName"});
  for (const char* list : {"initContainers", "containers"}) {
    for (const Json& container : ListAt(pod, {"spec", list})) {
      const std::string image = TextAt(container, "image");
      const auto status =
          FindStatus(pod, list[0] == 'i' ? "initContainerStatuses" : "containerStatuses",
                     TextAt(container, "name"));
      if (!status) continue;
      if (!status->image_id.empty() || status->state != ContainerStatus::State::kWaiting) {
        images_.Learn(image, "");
        if (const auto name = ImageName::Parse(image))
          state_.nodes[node].images.insert(name->Full());
      } else if (status->waiting_reason.starts_with("CreateContainer") ||
                 status->waiting_reason == "RunContainerError") {
        images_.Learn(image, "");  // it was pulled, and then something else was missing
        if (const auto name = ImageName::Parse(image))
          state_.nodes[node].images.insert(name->Full());
      } else if (status->waiting_reason == "ErrImagePull") {
        images_.Learn(image, status->waiting_message);
      } else if (status->waiting_reason == "ImagePullBackOff") {
        constexpr std::string_view kMark = "ErrImagePull: ";
        const size_t at = status->waiting_message.find(kMark);
        images_.Learn(
            image,
            at == std::string::npos
                ? fmt::format("rpc error: code = NotFound desc = failed to pull and unpack image "
                              "\"{0}\": failed to resolve reference \"{0}\": {0}: not found",
                              image)
                : status->waiting_message.substr(at + kMark.size()));
      }
    }
  }
}

void Kubelet::OnPod(const Seen& seen) {
  if (!seen.now) {
    auto it = state_.pods.find(seen.before->uid);
    if (it != state_.pods.end()) {
      ReleaseAddress(it->second);
      state_.pods.erase(it);
    }
    engine_.logs().Forget(seen.before->uid);
    if (metrics_) {
      if (const ResourceType* type = engine_.store().catalog().Preferred("metrics.k8s.io", "pods"))
        (void)engine_.client().Remove(*type, seen.before->ns, seen.before->name);
    }
    return;
  }
  const std::string node = TextAt(seen.now_json, {"spec", "nodeName"});
  if (node.empty()) return;
  if (!seen.before) {
    LearnImages(seen.now_json);
    if (const std::string ip = TextAt(seen.now_json, {"status", "podIP"}); !ip.empty())
      state_.nodes[node].addresses.insert(ip);
  }
  const bool concerns = !seen.before || At(seen.before_json, "spec") != At(seen.now_json, "spec") ||
                        At(seen.before_json, {"metadata", "deletionTimestamp"}) !=
                            At(seen.now_json, {"metadata", "deletionTimestamp"}) ||
                        At(seen.before_json, {"metadata", "deletionGracePeriodSeconds"}) !=
                            At(seen.now_json, {"metadata", "deletionGracePeriodSeconds"});
  if (!concerns) return;
  // A fork's pods go on where they were.
  auto known = state_.pods.find(seen.now->uid);
  if (!seen.before && known != state_.pods.end()) {
    for (const auto* list : {&known->second.init, &known->second.main}) {
      for (const ContainerRuntime& one : *list) {
        if (!one.process) continue;
        auto script = one.process->MakeLogScript(engine_.cluster().clock);
        if (!script) continue;
        std::vector<LogLine> last;
        (void)engine_.logs().Read(seen.now->uid, one.status.name, {.tail_lines = 1}, &last);
        engine_.logs().SetScript(seen.now->uid, one.status.name, std::move(script),
                                 last.empty() ? one.status.started_at : last.back().time);
      }
    }
    if (known->second.next != absl::InfiniteFuture())
      queue_->AddAfter(seen.now->uid, known->second.next - engine_.Now());
    return;
  }
  queue_->Add(seen.now->uid);
}

bool Kubelet::NodeAnswers(const std::string& node) const {
  auto it = state_.nodes.find(node);
  if (it == state_.nodes.end()) return false;
  return !faults_.OnNode("kubelet-stopped", node) && !faults_.OnNode("node-partition", node);
}

void Kubelet::Tell(const View& view, std::string_view type, std::string_view reason,
                   std::string_view message, const ContainerRuntime* container) {
  std::string path;
  if (container != nullptr)
    path = fmt::format("spec.{}{{{}}}", container->init ? "initContainers" : "containers",
                       container->status.name);
  engine_.events().Record({"kubelet", view.runtime.node}, pod_type_, *view.object, type, reason,
                          message, path);
}

void Kubelet::AdoptContainer(PodRuntime& runtime, ContainerRuntime& container, const Json& pod,
                             const Json& spec) {
  const auto known = FindStatus(pod, container.init ? "initContainerStatuses" : "containerStatuses",
                                container.status.name);
  if (!known) return;
  container.status = *known;
  container.back_off = BackOffAfter(known->restarts);
  const auto& last = known->terminated ? known->terminated : known->last;
  if (last) container.back_off_updated = last->started;
  if (known->state == ContainerStatus::State::kRunning) {
    View view{runtime, pods_.GetByUid(runtime.uid), pod, At(pod, "spec"), engine_.Now()};
    ProcessSpec process_spec;
    FillSpec(view, spec, &process_spec);
    process_spec.initialised = container.initialised = true;
    Process process;
    if (Process::Start(process_spec, images_, known->started_at, &process)) {
      // It runs, whatever the table thinks of its command.
      process_spec.argv.clear();
      if (Process::Start(process_spec, images_, known->started_at, &process)) return;
    }
    process.Adopt(known->started_at);
    if (known->ready && !process_spec.profile->not_ready.empty()) process.Adopt(known->started_at);
    container.process = std::move(process);
    if (known->last) container.back_off_updated = known->started_at;
    engine_.logs().SetScript(runtime.uid, container.status.name,
                             container.process->MakeLogScript(engine_.cluster().clock),
                             engine_.Now());
    ArmProbes(container, spec, engine_.Now());
    return;
  }
  if (known->waiting_reason == "ImagePullBackOff" || known->waiting_reason == "ErrImagePull") {
    container.pull_back_off = absl::Minutes(5);
    container.pull_again = engine_.Now() + absl::Seconds(40);
    container.pull_error = images_.Pull(TextAt(spec, "image"), true).error;
    container.next = engine_.Now() + absl::Seconds(2);
  } else if (known->waiting_reason == "CrashLoopBackOff" && known->last) {
    container.status.terminated = known->last;
    container.next = engine_.Now() + absl::Seconds(1);
  } else if (known->state == ContainerStatus::State::kTerminated) {
    container.next = engine_.Now();
  }
}

// A pod that was there before its kubelet: its status says how far it is.
void Kubelet::Adopt(PodRuntime& runtime, const Json& pod) {
  const Json& status = At(pod, "status");
  for (const char* list : {"initContainers", "containers"}) {
    const bool init = list[0] == 'i';
    for (const Json& spec : ListAt(pod, {"spec", list})) {
      ContainerRuntime container;
      container.init = init;
      container.sidecar = init && TextAt(spec, "restartPolicy") == "Always";
      container.status.name = TextAt(spec, "name");
      container.status.image = TextAt(spec, "image");
      (init ? runtime.init : runtime.main).push_back(std::move(container));
    }
  }
  if (!runtime.init.empty()) {
    for (ContainerRuntime& container : runtime.main)
      container.status.waiting_reason = "PodInitializing";
    for (ContainerRuntime& container : runtime.init)
      container.status.waiting_reason = "PodInitializing";
  }
  if (!base::ParseRfc3339(TextAt(status, "startTime"), &runtime.started)) return;
  runtime.begun = true;
  runtime.ip = TextAt(status, "podIP");
  runtime.mounted = runtime.sandbox = !runtime.ip.empty();
  const std::string phase = TextAt(status, "phase");
  runtime.over = phase == "Succeeded" || phase == "Failed";
  runtime.reason = TextAt(status, "reason");
  runtime.message = TextAt(status, "message");
  if (runtime.over) return;
  for (auto* list : {&runtime.init, &runtime.main}) {
    for (ContainerRuntime& container : *list) {
      for (const Json& spec :
           ListAt(pod, {"spec", container.init ? "initContainers" : "containers"})) {
        if (TextAt(spec, "name") == container.status.name)
          AdoptContainer(runtime, container, pod, spec);
      }
    }
  }
}

Next Kubelet::Reconcile(const std::string& uid) {
  const ObjectPtr object = pods_.GetByUid(uid);
  if (!object) return Next::Done();
  const auto pod = engine_.Parsed(object);
  const std::string node = TextAt(*pod, {"spec", "nodeName"});
  auto [it, fresh] = state_.pods.try_emplace(uid);
  PodRuntime& runtime = it->second;
  if (fresh) {
    runtime.ns = object->ns;
    runtime.name = object->name;
    runtime.uid = uid;
    runtime.node = node;
    Adopt(runtime, *pod);
  }
  runtime.next = absl::InfiniteFuture();
  if (!NodeAnswers(node)) return Next::Done();  // FaultsChanged() comes back to it
  View view{runtime, object, *pod, At(*pod, "spec"), engine_.Now()};
  if (At(*pod, {"metadata", "deletionTimestamp"}).is_string()) {
    SyncTermination(view);
  } else {
    SyncPod(view);
  }
  if (view.next == absl::InfiniteFuture()) return Next::Done();
  runtime.next = view.next;
  queue_->AddAfter(uid, view.next - engine_.Now());
  return Next::Done();
}

}  // namespace opsmesh::kubesim
