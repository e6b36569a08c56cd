// What a pod takes from other objects: volumes, environment, files.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <functional>

#include "libs/base/strings.h"
#include "libs/kubesim/behaviour/kubelet/kubelet.h"
#include "libs/kubesim/behaviour/kubelet/references.h"
#include "libs/kubesim/objects/defaults.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

constexpr absl::Duration kFirstMountBackOff = absl::Milliseconds(500),
                         kMaxMountBackOff = absl::Seconds(122);
constexpr absl::Duration kMountTimeout = absl::Seconds(123);

bool HasKey(const Json& object, const std::string& key) {
  for (const char* member : {"data", "binaryData", "stringData"}) {
    const Json& map = At(object, member);
    if (map.is_object() && map.contains(key)) return true;
  }
  return false;
}

using FindObject = std::function<std::optional<Json>(const char* plural, const std::string& name)>;

// Paths that every node has: whether one is of another type than a volume wants.
bool IsOtherwise(std::string_view path, std::string_view type) {
  static constexpr std::string_view kFiles[] = {
      "/etc/fstab",       "/etc/group",      "/etc/hostname",   "/etc/hosts",
      "/etc/localtime",   "/etc/machine-id", "/etc/os-release", "/etc/passwd",
      "/etc/resolv.conf", "/etc/shadow",     "/proc/cpuinfo",   "/proc/meminfo"};
  static constexpr std::string_view kFolders[] = {"/",
                                                  "/boot",
                                                  "/dev",
                                                  "/etc",
                                                  "/etc/kubernetes",
                                                  "/etc/ssl",
                                                  "/home",
                                                  "/lib",
                                                  "/mnt",
                                                  "/opt",
                                                  "/proc",
                                                  "/root",
                                                  "/run",
                                                  "/sys",
                                                  "/tmp",
                                                  "/usr",
                                                  "/var",
                                                  "/var/lib",
                                                  "/var/lib/kubelet",
                                                  "/var/log",
                                                  "/var/log/pods",
                                                  "/srv",
                                                  "/var/run"};
  if (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  return type == "Directory" ? std::ranges::find(kFiles, path) != std::end(kFiles)
                             : std::ranges::find(kFolders, path) != std::end(kFolders);
}

void FillCommand(const Json& container, ProcessSpec* spec) {
  for (const Json& word : ListAt(container, {"command"})) spec->argv.push_back(Scalar(word));
  spec->command_given = !spec->argv.empty();
  for (const Json& word : ListAt(container, {"args"})) spec->argv.push_back(Scalar(word));
  // An entry point that hands over to what it is given runs arguments like a command.
  if (!spec->command_given && !spec->argv.empty() && !spec->argv[0].starts_with("-") &&
      (spec->argv[0] == "sh" || spec->argv[0] == "bash" || spec->argv[0] == "/bin/sh" ||
       spec->argv[0] == "sleep"))
    spec->command_given = true;
}

void FillLimits(const Json& container, ProcessSpec* spec) {
  spec->directory = TextAt(container, "workingDir");
  if (const std::string end = TextAt(container, "terminationMessagePath"); !end.empty())
    spec->message_path = end;
  if (BoolAt(container, {"securityContext", "readOnlyRootFilesystem"})) spec->read_only.insert("/");
  spec->tty = BoolAt(container, {"stdin"}) || BoolAt(container, {"tty"});
  spec->memory_limit = static_cast<int64_t>(
      ParseQuantity(At(container, {"resources", "limits", "memory"})).value_or(0) / 1000);
  spec->cpu_limit = static_cast<int64_t>(
      ParseQuantity(At(container, {"resources", "limits", "cpu"})).value_or(0));
  for (const Json& port : ListAt(container, {"ports"}))
    spec->declared.push_back(
        {static_cast<int>(IntAt(port, "containerPort")), Listener::Protocol::kTcp, {}, 404});
}

// Secrets give names only: their values are not needed to run.
void FillFromSources(const Json& container, const FindObject& find, ProcessSpec* spec) {
  auto take_all = [&](const std::optional<Json>& object, const std::string& prefix) {
    if (!object || !At(*object, "data").is_object()) return;
    for (const auto& [name, value] : At(*object, "data").items())
      spec->env[prefix + name] = Scalar(value);
  };
  for (const Json& from : ListAt(container, {"envFrom"})) {
    take_all(find("configmaps", TextAt(from, {"configMapRef", "name"})), TextAt(from, "prefix"));
    if (const auto secret = find("secrets", TextAt(from, {"secretRef", "name"}));
        secret && At(*secret, "data").is_object()) {
      for (const auto& [name, value] : At(*secret, "data").items())
        spec->env[TextAt(from, "prefix") + name] = "***";
    }
  }
}

}  // namespace

std::optional<Json> Kubelet::Find(const char* plural, const std::string& ns,
                                  const std::string& name) const {
  const ObjectPtr object = engine_.store().Get(engine_.Type("", plural), ns, name);
  if (!object) return std::nullopt;
  return object->Parse();
}

std::string Kubelet::MountError(const View& view, const Json& volume) const {
  const std::string& ns = view.runtime.ns;
  const std::string name = TextAt(volume, "name");
  auto failed = [&](const std::string& why) {
    return fmt::format("MountVolume.SetUp failed for volume \"{}\" : {}", name, why);
  };
  auto keys = [&](const Json& object, const Json& items, const char* kind,
                  const std::string& which) -> std::string {
    for (const Json& item : items) {
      if (!HasKey(object, TextAt(item, "key")))
        return failed(fmt::format("{}references non-existent {} key: {}",
                                  kind[0] == 'c' ? "configmap " : "", kind, TextAt(item, "key")));
    }
    (void)which;
    return "";
  };
  auto check = [&](const char* plural, const char* kind, const std::string& which,
                   const Json& source) -> std::string {
    if (which.empty()) return "";
    const auto object = Find(plural, ns, which);
    if (!object)
      return BoolAt(source, {"optional"}) ? ""
                                          : failed(fmt::format("{} \"{}\" not found", kind, which));
    return BoolAt(source, {"optional"}) ? ""
                                        : keys(*object, ListAt(source, {"items"}),
                                               kind[0] == 'c' ? "config" : "secret", which);
  };
  if (const Json& source = At(volume, "configMap"); source.is_object())
    return check("configmaps", "configmap", TextAt(source, "name"), source);
  if (const Json& source = At(volume, "secret"); source.is_object())
    return check("secrets", "secret", TextAt(source, "secretName"), source);
  for (const Json& source : ListAt(volume, {"projected", "sources"})) {
    if (const Json& map = At(source, "configMap");
        map.is_object() && TextAt(map, "name") != "kube-root-ca.crt") {
      if (auto error = check("configmaps", "configmap", TextAt(map, "name"), map); !error.empty())
        return error;
    }
    if (const Json& secret = At(source, "secret"); secret.is_object()) {
      if (auto error = check("secrets", "secret", TextAt(secret, "name"), secret); !error.empty())
        return error;
    }
  }
  if (const std::string type = TextAt(volume, {"hostPath", "type"});
      (type == "Directory" || type == "File") &&
      (images_.SaysAbsent(TextAt(volume, {"hostPath", "path"})) ||
       IsOtherwise(TextAt(volume, {"hostPath", "path"}), type))) {
    return failed(fmt::format("hostPath type check failed: {} is not a {}",
                              TextAt(volume, {"hostPath", "path"}),
                              type == "File" ? "file" : "directory"));
  }
  std::string claim = TextAt(volume, {"persistentVolumeClaim", "claimName"});
  if (At(volume, "ephemeral").is_object()) claim = view.runtime.name + "-" + name;
  if (!claim.empty()) {
    const auto object = Find("persistentvolumeclaims", ns, claim);
    if (!object) return fmt::format("persistentvolumeclaim \"{}\" not found", claim);
    if (TextAt(*object, {"status", "phase"}) != "Bound")
      return "error processing PVC " + ns + "/" + claim + ": PVC is not bound";
  }
  return "";
}

// True when everything is mounted.
bool Kubelet::Mount(View& view) {
  PodRuntime& runtime = view.runtime;
  if (runtime.mounted) return true;
  if (runtime.mount_since == absl::InfinitePast()) runtime.mount_since = view.now;
  if (view.now < runtime.mount_again) {
    view.At(runtime.mount_again);
    return false;
  }
  std::string error, bad;
  for (const Json& volume : ListAt(view.spec, {"volumes"})) {
    if (std::string why = MountError(view, volume); !why.empty()) {
      if (error.empty()) error = why;
      bad += (bad.empty() ? "" : " ") + TextAt(volume, "name");
    }
  }
  if (auto fault = faults_.OnSubject("slow-disk", SubjectOf(view, nullptr));
      fault && error.empty()) {
    const absl::Time ready =
        runtime.mount_since +
        absl::Seconds(std::strtol(fault->Parameter("mount_seconds", "20").c_str(), nullptr, 10));
    if (view.now < ready) {
      runtime.mount_again = ready;
      view.At(ready);
      return false;
    }
  }
  if (error.empty()) {
    runtime.mounted = true;
    return true;
  }
  runtime.mount_back_off =
      std::clamp(runtime.mount_back_off * 2, kFirstMountBackOff, kMaxMountBackOff);
  runtime.mount_again = view.now + runtime.mount_back_off;
  Tell(view, "Warning", "FailedMount", error);
  if (view.now - runtime.mount_since >= kMountTimeout) {
    runtime.mount_since = view.now;
    Tell(
        view, "Warning", "FailedMount",
        fmt::format("Unable to attach or mount volumes: unmounted volumes=[{}], unattached "
                    "volumes=[], failed to process volumes=[]: timed out waiting for the condition",
                    bad));
  }
  view.At(runtime.mount_again);
  return false;
}

std::string Kubelet::ReferenceError(const View& view, const Json& container) const {
  const std::string& ns = view.runtime.ns;
  auto missing = [&](const char* plural, const char* word, const Json& ref) -> std::string {
    const std::string name = TextAt(ref, "name");
    if (!ref.is_object() || name.empty() || BoolAt(ref, {"optional"}) || Find(plural, ns, name))
      return "";
    return fmt::format("{} \"{}\" not found", word, name);
  };
  auto key = [&](const char* plural, const char* word, const char* kind,
                 const Json& ref) -> std::string {
    if (!ref.is_object()) return "";
    if (auto error = missing(plural, word, ref); !error.empty()) return error;
    const auto object = Find(plural, ns, TextAt(ref, "name"));
    if (!object || BoolAt(ref, {"optional"}) || HasKey(*object, TextAt(ref, "key"))) return "";
    return fmt::format("couldn't find key {} in {} {}/{}", TextAt(ref, "key"), kind, ns,
                       TextAt(ref, "name"));
  };
  for (const Json& from : ListAt(container, {"envFrom"})) {
    if (auto error = missing("configmaps", "configmap", At(from, "configMapRef")); !error.empty())
      return error;
    if (auto error = missing("secrets", "secret", At(from, "secretRef")); !error.empty())
      return error;
  }
  for (const Json& env : ListAt(container, {"env"})) {
    if (auto error =
            key("configmaps", "configmap", "ConfigMap", At(env, {"valueFrom", "configMapKeyRef"}));
        !error.empty())
      return error;
    if (auto error = key("secrets", "secret", "Secret", At(env, {"valueFrom", "secretKeyRef"}));
        !error.empty())
      return error;
  }
  return "";
}

// "redis-master" on port 6379 -> REDIS_MASTER_SERVICE_HOST, REDIS_MASTER_SERVICE_PORT.
void Kubelet::AddServiceVariables(const std::string& ns,
                                  std::map<std::string, std::string>* env) const {
  for (const ObjectPtr& service : services_.List(ns)) {
    const auto json = engine_.Parsed(service);
    const std::string address = TextAt(*json, {"spec", "clusterIP"});
    const Json& ports = ListAt(*json, {"spec", "ports"});
    if (address.empty() || address == "None" || ports.empty()) continue;
    std::string name = service->name;
    for (char& c : name) c = c == '-' ? '_' : static_cast<char>(std::toupper(c));
    (*env)[name + "_SERVICE_HOST"] = address;
    (*env)[name + "_SERVICE_PORT"] = std::to_string(IntAt(ports[0], "port"));
  }
}

void Kubelet::FillEnvironment(const View& view, const Json& container, ProcessSpec* spec) const {
  for (const Json& env : ListAt(container, {"env"})) {
    std::string value = ExpandReferences(Scalar(At(env, "value")), spec->env);
    if (const Json& ref = At(env, {"valueFrom", "configMapKeyRef"}); ref.is_object()) {
      if (const auto object = Find("configmaps", view.runtime.ns, TextAt(ref, "name")))
        value = TextAt(At(*object, "data"), TextAt(ref, "key").c_str());
    } else if (At(env, {"valueFrom", "secretKeyRef"}).is_object()) {
      value = "***";
    } else if (const std::string field = TextAt(env, {"valueFrom", "fieldRef", "fieldPath"});
               !field.empty()) {
      value = FieldOf(view, field);
    } else if (const Json& amount = At(env, {"valueFrom", "resourceFieldRef"});
               amount.is_object()) {
      value = ResourceOf(view, container, amount);
    }
    spec->env[TextAt(env, "name")] = std::move(value);
  }
}

// Environment (Secrets give names only: their values are not needed to run), ports, limits, mounted
// files.
void Kubelet::FillSpec(const View& view, const Json& container, ProcessSpec* spec) const {
  const std::string& ns = view.runtime.ns;
  spec->image = TextAt(container, "image");
  spec->profile = images_.Find(spec->image);
  spec->ns = ns;
  spec->pod_name = view.runtime.name;
  spec->env["HOSTNAME"] = view.runtime.name;
  if (const auto api = Find("services", "default", "kubernetes")) {
    spec->env["KUBERNETES_SERVICE_HOST"] = TextAt(*api, {"spec", "clusterIP"});
    spec->env["KUBERNETES_SERVICE_PORT"] = "443";
  }
  if (!At(view.spec, "enableServiceLinks").is_boolean() ||
      BoolAt(view.spec, {"enableServiceLinks"}))
    AddServiceVariables(ns, &spec->env);
  FillCommand(container, spec);
  FillLimits(container, spec);
  const FindObject find = [&](const char* plural, const std::string& name) {
    return Find(plural, ns, name);
  };
  FillFromSources(container, find, spec);
  FillEnvironment(view, container, spec);
  for (std::string& word : spec->argv) word = ExpandReferences(word, spec->env);
  for (const Json& mount : ListAt(container, {"volumeMounts"})) {
    std::string path = TextAt(mount, "mountPath");
    while (path.size() > 1 && path.back() == '/') path.pop_back();
    spec->mounts.insert(path);
    if (BoolAt(mount, {"readOnly"})) spec->read_only.insert(path);
  }
  spec->files = MountedFiles(view, container, false);
  const auto number = [&](const char* member) {
    const Json& own = At(container, {"securityContext", member});
    return own.is_number() ? own.get<int64_t>() : IntAt(view.spec, {"securityContext", member});
  };
  if (const int64_t user = number("runAsUser"), group = number("runAsGroup"); user + group > 0)
    spec->files["/proc/self/status"] = fmt::format("Uid:\t{}\nGid:\t{}\n", user, group);
}

}  // namespace opsmesh::kubesim
