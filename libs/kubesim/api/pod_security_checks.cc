#include "libs/kubesim/api/pod_security_checks.h"

#include <fmt/format.h>

#include <functional>
#include <map>
#include <set>

#include "libs/base/strings.h"
#include "libs/kubesim/objects/app_armor.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

using Texts = std::vector<std::string>;

std::string Quote(const std::string& text) { return "\"" + text + "\""; }

std::string QuoteAll(const Texts& texts) {
  Texts quoted;
  for (const std::string& text : texts) quoted.push_back(Quote(text));
  return base::Join(quoted, ", ");
}

std::string Plural(const char* word, const Texts& items) {
  return items.size() == 1 ? word : std::string(word) + "s";
}
std::string Named(const char* word, const Texts& items) {
  return Plural(word, items) + " " + QuoteAll(items);
}

// What every check looks at.
struct PodSpec {
  const Json& pod;  // metadata and spec: a pod, or the template of one
  const Json& spec;
  std::vector<const Json*> containers;

  explicit PodSpec(const Json& value) : pod(value), spec(At(value, "spec")) {
    for (const char* list : {"initContainers", "containers", "ephemeralContainers"}) {
      for (const Json& container : ListAt(spec, {list})) containers.push_back(&container);
    }
  }
  const Json& context() const { return At(spec, "securityContext"); }
  bool windows() const { return TextAt(spec, {"os", "name"}) == "windows"; }
  /// Names of the containers for which it holds.
  Texts Where(const std::function<bool(const Json& container)>& holds) const {
    Texts names;
    for (const Json* container : containers) {
      if (holds(*container)) names.push_back(TextAt(*container, "name"));
    }
    return names;
  }
};

const Json& ContextOf(const Json& container) { return At(container, "securityContext"); }

void Add(Violations& out, const char* reason, Texts details) {
  if (!details.empty()) out.push_back({reason, base::Join(details, "; ")});
}

// -- baseline --

void AppArmor(const PodSpec& pod, Violations& out) {
  Texts setters;
  std::set<std::string> values;
  auto forbidden = [&values](const Json& context) {
    const std::string type = TextAt(context, {"appArmorProfile", "type"});
    const bool bad = !type.empty() && type != "RuntimeDefault" && type != "Localhost";
    if (bad) values.insert(type);
    return bad;
  };
  if (forbidden(pod.context())) setters.emplace_back("pod");
  const Texts names = pod.Where([&](const Json& c) { return forbidden(ContextOf(c)); });
  if (!names.empty()) setters.push_back(Named("container", names));
  const Json& annotations = At(pod.pod, {"metadata", "annotations"});
  Texts marked;
  for (const auto& [key, value] : annotations.items()) {
    const std::string profile = Scalar(value);
    if (key.starts_with(kAppArmorNote) && !profile.empty() && profile != "runtime/default" &&
        !profile.starts_with("localhost/"))
      marked.push_back(key + "=" + Quote(profile));
  }
  if (!marked.empty()) setters.push_back(Plural("annotation", marked));
  if (setters.empty()) return;
  Texts bad(values.begin(), values.end());
  bad.insert(bad.end(), marked.begin(), marked.end());
  Add(out, bad.size() > 1 ? "forbidden AppArmor profiles" : "forbidden AppArmor profile",
      {base::Join(setters, " and ") + " must not set AppArmor profile type to " + QuoteAll(bad)});
}

const std::set<std::string>& DefaultCapabilities() {
  static const auto* set = new std::set<std::string>{
      "AUDIT_WRITE",      "CHOWN",   "DAC_OVERRIDE", "FOWNER",  "FSETID", "KILL",      "MKNOD",
      "NET_BIND_SERVICE", "SETFCAP", "SETGID",       "SETPCAP", "SETUID", "SYS_CHROOT"};
  return *set;
}

// Containers that add capabilities beyond `allowed`, as a detail; "" when there are none.
std::string AddedCapabilities(const PodSpec& pod, const std::set<std::string>& allowed) {
  std::set<std::string> added;
  const Texts names = pod.Where([&](const Json& container) {
    bool bad = false;
    for (const Json& one : ListAt(container, {"securityContext", "capabilities", "add"})) {
      if (allowed.contains(Scalar(one))) continue;
      added.insert(Scalar(one));
      bad = true;
    }
    return bad;
  });
  if (names.empty()) return "";
  return fmt::format("{} must not include {} in securityContext.capabilities.add",
                     Named("container", names), QuoteAll({added.begin(), added.end()}));
}

void BaselineCapabilities(const PodSpec& pod, Violations& out) {
  if (std::string detail = AddedCapabilities(pod, DefaultCapabilities()); !detail.empty())
    Add(out, "non-default capabilities", {detail});
}

void HostNamespaces(const PodSpec& pod, Violations& out) {
  Texts set;
  for (const char* member : {"hostNetwork", "hostPID", "hostIPC"}) {
    if (BoolAt(pod.spec, {member})) set.push_back(std::string(member) + "=true");
  }
  if (!set.empty()) Add(out, "host namespaces", {base::Join(set, ", ")});
}

void HostPaths(const PodSpec& pod, Violations& out) {
  Texts names;
  for (const Json& volume : ListAt(pod.spec, {"volumes"})) {
    if (volume.contains("hostPath")) names.push_back(TextAt(volume, "name"));
  }
  if (!names.empty()) Add(out, "hostPath volumes", {Named("volume", names)});
}

void HostPorts(const PodSpec& pod, Violations& out) {
  std::set<int64_t> ports;
  const Texts names = pod.Where([&](const Json& container) {
    bool bad = false;
    for (const Json& port : ListAt(container, {"ports"})) {
      if (IntAt(port, "hostPort") == 0) continue;
      ports.insert(IntAt(port, "hostPort"));
      bad = true;
    }
    return bad;
  });
  if (names.empty()) return;
  Texts numbers;
  for (const int64_t port : ports) numbers.push_back(std::to_string(port));
  Add(out, "hostPort",
      {fmt::format("{} {} {} {}", Named("container", names), names.size() == 1 ? "uses" : "use",
                   Plural("hostPort", numbers), base::Join(numbers, ", "))});
}

void Privileged(const PodSpec& pod, Violations& out) {
  const Texts names = pod.Where([](const Json& c) {
    return BoolAt(c, {"securityContext", "privileged"});
  });
  if (!names.empty())
    Add(out, "privileged",
        {Named("container", names) + " must not set securityContext.privileged=true"});
}

void ProcMount(const PodSpec& pod, Violations& out) {
  const Texts names = pod.Where([](const Json& c) {
    const std::string mount = TextAt(c, {"securityContext", "procMount"});
    return !mount.empty() && mount != "Default";
  });
  if (!names.empty())
    Add(out, "procMount",
        {Named("container", names) + " must not set securityContext.procMount to \"Unmasked\""});
}

void SeLinux(const PodSpec& pod, Violations& out) {
  static const std::set<std::string> kTypes = {"", "container_t", "container_init_t",
                                               "container_kvm_t", "container_engine_t"};
  std::set<std::string> types;
  bool user = false, role = false;
  auto bad = [&](const Json& context) {
    const Json& options = At(context, "seLinuxOptions");
    const std::string type = TextAt(options, "type");
    const bool wrong = !kTypes.contains(type);
    if (wrong) types.insert(type);
    user = user || !TextAt(options, "user").empty();
    role = role || !TextAt(options, "role").empty();
    return wrong || !TextAt(options, "user").empty() || !TextAt(options, "role").empty();
  };
  Texts setters;
  if (bad(pod.context())) setters.emplace_back("pod");
  const Texts names = pod.Where([&](const Json& c) { return bad(ContextOf(c)); });
  if (!names.empty()) setters.push_back(Named("container", names));
  if (setters.empty()) return;
  Texts what;
  if (!types.empty())
    what.push_back(Plural("type", {types.begin(), types.end()}) + " " +
                   QuoteAll({types.begin(), types.end()}));
  if (user) what.emplace_back("user may not be set");
  if (role) what.emplace_back("role may not be set");
  Add(out, "seLinuxOptions",
      {fmt::format("{} set forbidden securityContext.seLinuxOptions: {}",
                   base::Join(setters, " and "), base::Join(what, "; "))});
}

// Setters of a seccomp profile that may not be.
Texts ForbiddenSeccomp(const PodSpec& pod) {
  std::set<std::string> types;
  auto bad = [&](const Json& context) {
    const std::string type = TextAt(context, {"seccompProfile", "type"});
    if (type.empty() || type == "RuntimeDefault" || type == "Localhost") return false;
    types.insert(type);
    return true;
  };
  Texts setters;
  if (bad(pod.context())) setters.emplace_back("pod");
  const Texts names = pod.Where([&](const Json& c) { return bad(ContextOf(c)); });
  if (!names.empty()) setters.push_back(Named("container", names));
  if (setters.empty()) return {};
  return {fmt::format("{} must not set securityContext.seccompProfile.type to {}",
                      base::Join(setters, " and "), QuoteAll({types.begin(), types.end()}))};
}

void BaselineSeccomp(const PodSpec& pod, Violations& out) {
  Add(out, "seccompProfile", ForbiddenSeccomp(pod));
}

void Sysctls(const PodSpec& pod, Violations& out) {
  static const std::set<std::string> kSafe = {
      "kernel.shm_rmid_forced",           "net.ipv4.ip_local_port_range",
      "net.ipv4.ip_local_reserved_ports", "net.ipv4.ip_unprivileged_port_start",
      "net.ipv4.ping_group_range",        "net.ipv4.tcp_fin_timeout",
      "net.ipv4.tcp_keepalive_intvl",     "net.ipv4.tcp_keepalive_probes",
      "net.ipv4.tcp_keepalive_time",      "net.ipv4.tcp_rmem",
      "net.ipv4.tcp_syncookies",          "net.ipv4.tcp_wmem"};
  Texts names;
  for (const Json& one : ListAt(pod.context(), {"sysctls"})) {
    if (!kSafe.contains(TextAt(one, "name"))) names.push_back(TextAt(one, "name"));
  }
  if (!names.empty()) Add(out, "forbidden sysctls", {base::Join(names, ", ")});
}

void HostProcess(const PodSpec& pod, Violations& out) {
  auto bad = [](const Json& context) { return BoolAt(context, {"windowsOptions", "hostProcess"}); };
  Texts setters;
  if (bad(pod.context())) setters.emplace_back("pod");
  const Texts names = pod.Where([&](const Json& c) { return bad(ContextOf(c)); });
  if (!names.empty()) setters.push_back(Named("container", names));
  if (!setters.empty())
    Add(out, "hostProcess",
        {base::Join(setters, " and ") +
         " must not set securityContext.windowsOptions.hostProcess=true"});
}

// -- restricted --

void Escalation(const PodSpec& pod, Violations& out) {
  if (pod.windows()) return;
  const Texts names = pod.Where([](const Json& c) {
    return BoolAt(c, {"securityContext", "allowPrivilegeEscalation"}, true);
  });
  if (!names.empty())
    Add(out, "allowPrivilegeEscalation != false",
        {Named("container", names) + " must set securityContext.allowPrivilegeEscalation=false"});
}

void RestrictedCapabilities(const PodSpec& pod, Violations& out) {
  if (pod.windows()) return;
  Texts details;
  const Texts names = pod.Where([](const Json& c) {
    const Json& dropped = ListAt(c, {"securityContext", "capabilities", "drop"});
    return std::find(dropped.begin(), dropped.end(), Json("ALL")) == dropped.end();
  });
  if (!names.empty())
    details.push_back(Named("container", names) +
                      " must set securityContext.capabilities.drop=[\"ALL\"]");
  if (std::string added = AddedCapabilities(pod, {"NET_BIND_SERVICE"}); !added.empty())
    details.push_back(std::move(added));
  Add(out, "unrestricted capabilities", std::move(details));
}

void RestrictedVolumes(const PodSpec& pod, Violations& out) {
  static const std::set<std::string> kFine = {"configMap", "csi",       "downwardAPI",
                                              "emptyDir",  "ephemeral", "persistentVolumeClaim",
                                              "projected", "secret",    "name"};
  Texts names;
  std::set<std::string> types;
  for (const Json& volume : ListAt(pod.spec, {"volumes"})) {
    if (!volume.is_object()) continue;
    for (const auto& [member, value] : volume.items()) {
      if (kFine.contains(member) || value.is_null()) continue;
      names.push_back(TextAt(volume, "name"));
      types.insert(member);
    }
  }
  if (names.empty()) return;
  const Texts kinds(types.begin(), types.end());
  Add(out, "restricted volume types",
      {fmt::format("{} {} restricted volume {} {}", Named("volume", names),
                   names.size() == 1 ? "uses" : "use", Plural("type", kinds), QuoteAll(kinds))});
}

void NonRoot(const PodSpec& pod, Violations& out) {
  const Json& whole = At(pod.context(), "runAsNonRoot");
  Texts details;
  if (whole == Json(false)) {
    details.emplace_back("pod must not set securityContext.runAsNonRoot=false");
  }
  const Texts no = pod.Where([](const Json& c) {
    return At(c, {"securityContext", "runAsNonRoot"}) == Json(false);
  });
  if (!no.empty())
    details.push_back(Named("container", no) + " must not set securityContext.runAsNonRoot=false");
  const Texts silent = pod.Where([](const Json& c) {
    return !At(c, {"securityContext", "runAsNonRoot"}).is_boolean();
  });
  if (details.empty() && whole != Json(true) && !silent.empty())
    details.push_back("pod or " + Named("container", silent) +
                      " must set securityContext.runAsNonRoot=true");
  Add(out, "runAsNonRoot != true", std::move(details));
}

void RootUser(const PodSpec& pod, Violations& out) {
  auto root = [](const Json& context) { return At(context, "runAsUser") == Json(0); };
  Texts setters;
  if (root(pod.context())) setters.emplace_back("pod");
  const Texts names = pod.Where([&](const Json& c) { return root(ContextOf(c)); });
  if (!names.empty()) setters.push_back(Named("container", names));
  if (!setters.empty())
    Add(out, "runAsUser=0", {base::Join(setters, " and ") + " must not set runAsUser=0"});
}

void RestrictedSeccomp(const PodSpec& pod, Violations& out) {
  if (pod.windows()) return;
  Texts details = ForbiddenSeccomp(pod);
  const bool whole = !TextAt(pod.context(), {"seccompProfile", "type"}).empty();
  const Texts silent = pod.Where([](const Json& c) {
    return TextAt(c, {"securityContext", "seccompProfile", "type"}).empty();
  });
  if (details.empty() && !whole && !silent.empty())
    details.push_back("pod or " + Named("container", silent) +
                      " must set securityContext.seccompProfile.type to \"RuntimeDefault\" or "
                      "\"Localhost\"");
  Add(out, "seccompProfile", std::move(details));
}

}  // namespace

Violations JudgeSecurity(SecurityLevel level, const Json& pod_like) {
  Violations out;
  if (level == SecurityLevel::kPrivileged) return out;
  const PodSpec pod(pod_like);
  const bool restricted = level == SecurityLevel::kRestricted;
  AppArmor(pod, out);
  if (!restricted) BaselineCapabilities(pod, out);
  HostNamespaces(pod, out);
  if (!restricted) HostPaths(pod, out);
  HostPorts(pod, out);
  Privileged(pod, out);
  ProcMount(pod, out);
  SeLinux(pod, out);
  if (!restricted) BaselineSeccomp(pod, out);
  Sysctls(pod, out);
  HostProcess(pod, out);
  if (!restricted) return out;
  Escalation(pod, out);
  RestrictedCapabilities(pod, out);
  RestrictedVolumes(pod, out);
  NonRoot(pod, out);
  RootUser(pod, out);
  RestrictedSeccomp(pod, out);
  return out;
}

std::string SayViolations(const Violations& violations, bool details) {
  Texts texts;
  for (const Violation& one : violations)
    texts.push_back(details ? fmt::format("{} ({})", one.reason, one.detail) : one.reason);
  return base::Join(texts, ", ");
}

}  // namespace opsmesh::kubesim
