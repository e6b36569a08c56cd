#include "services/k8s/pod_security.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include <fmt/format.h>

#include "libs/base/error.h"
#include "services/k8s/clean_text.h"
#include "services/k8s/json_writer.h"
#include "services/k8s/listing.h"
#include "services/k8s/say.h"
#include "services/k8s/text_table.h"
#include "services/k8s/workloads.h"

namespace opsmesh::k8s {
namespace {

using kube::JsonRef;

constexpr std::array<std::string_view, 13> kBaselineCapabilities = {
    "AUDIT_WRITE",      "CHOWN",   "DAC_OVERRIDE", "FOWNER",  "FSETID", "KILL",      "MKNOD",
    "NET_BIND_SERVICE", "SETFCAP", "SETGID",       "SETPCAP", "SETUID", "SYS_CHROOT"};
constexpr std::array<std::string_view, 10> kSafeSysctls = {"kernel.shm_rmid_forced",
                                                           "net.ipv4.ip_local_port_range",
                                                           "net.ipv4.ip_unprivileged_port_start",
                                                           "net.ipv4.tcp_syncookies",
                                                           "net.ipv4.ping_group_range",
                                                           "net.ipv4.ip_local_reserved_ports",
                                                           "net.ipv4.tcp_keepalive_time",
                                                           "net.ipv4.tcp_fin_timeout",
                                                           "net.ipv4.tcp_keepalive_intvl",
                                                           "net.ipv4.tcp_keepalive_probes"};
constexpr std::array<std::string_view, 8> kRestrictedVolumes = {
    "configMap", "csi",   "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim",
    "projected", "secret"};
constexpr std::array<std::string_view, 5> kSelinuxTypes = {"", "container_t", "container_init_t",
                                                           "container_kvm_t", "container_engine_t"};

template <size_t N>
bool OneOf(const std::array<std::string_view, N>& list, std::string_view value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

class Check {
 public:
  explicit Check(const JsonRef& spec) : spec_(spec), pod_(spec["securityContext"]) {}

  std::vector<Violation> Run() {
    Pod();
    for (const char* list : {"initContainers", "containers", "ephemeralContainers"}) {
      spec_[list].ForEachElement([&](JsonRef container) {
        Container(container);
        return true;
      });
    }
    std::stable_sort(out_.begin(), out_.end(), [](const Violation& a, const Violation& b) {
      return a.baseline > b.baseline;
    });
    return std::move(out_);
  }

 private:
  void Add(std::string control, bool baseline, std::string where) {
    out_.push_back({std::move(control), baseline, std::move(where)});
  }

  void Pod() {
    if (spec_["hostNetwork"].Bool() == true) Add("hostNetwork", true, "pod");
    if (spec_["hostPID"].Bool() == true) Add("hostPID", true, "pod");
    if (spec_["hostIPC"].Bool() == true) Add("hostIPC", true, "pod");
    if (pod_.At("windowsOptions.hostProcess").Bool() == true) Add("hostProcess", true, "pod");
    spec_["volumes"].ForEachElement([&](JsonRef volume) {
      const std::string name = "volume " + volume["name"].String();
      if (!volume["hostPath"].empty()) Add("hostPath", true, name);
      volume.ForEachMember([&](std::string_view key, JsonRef) {
        if (key != "name" && key != "hostPath" && !OneOf(kRestrictedVolumes, key))
          Add("volumeTypes", false, name);
        return true;
      });
      return true;
    });
    pod_["sysctls"].ForEachElement([&](JsonRef sysctl) {
      if (!OneOf(kSafeSysctls, sysctl["name"].String()))
        Add("sysctls", true, "sysctl " + sysctl["name"].String());
      return true;
    });
    Profiles(pod_, "pod");
    if (pod_["runAsUser"].Int() == 0) Add("runAsUser", false, "pod");
  }

  // seccomp, AppArmor and SELinux, which pods and containers can both set.
  void Profiles(const JsonRef& context, const std::string& where) {
    if (context.At("seccompProfile.type").String() == "Unconfined")
      Add("seccompProfile", true, where);
    if (context.At("appArmorProfile.type").String() == "Unconfined")
      Add("appArmorProfile", true, where);
    const JsonRef selinux = context["seLinuxOptions"];
    if (selinux.empty()) return;
    if (!OneOf(kSelinuxTypes, selinux["type"].String()) || !selinux["user"].String().empty() ||
        !selinux["role"].String().empty()) {
      Add("seLinuxOptions", true, where);
    }
  }

  void Container(const JsonRef& container) {
    const JsonRef context = container["securityContext"];
    const std::string where = "container " + container["name"].String();
    if (context["privileged"].Bool() == true) Add("privileged", true, where);
    if (context.At("windowsOptions.hostProcess").Bool() == true) Add("hostProcess", true, where);
    const std::string proc = context["procMount"].String();
    if (!proc.empty() && proc != "Default") Add("procMount", true, where);
    container["ports"].ForEachElement([&](JsonRef port) {
      if (port["hostPort"].Int().value_or(0) != 0)
        Add("hostPorts", true, fmt::format("{} port {}", where, *port["hostPort"].Int()));
      return true;
    });
    Profiles(context, where);
    Capabilities(context["capabilities"], where);
    if (context["allowPrivilegeEscalation"].Bool() != false)
      Add("allowPrivilegeEscalation", false, where);
    const auto own = context["runAsNonRoot"].Bool();
    if (!(own ? *own : pod_["runAsNonRoot"].Bool() == true)) Add("runAsNonRoot", false, where);
    if (context["runAsUser"].Int() == 0) Add("runAsUser", false, where);
    std::string seccomp = context.At("seccompProfile.type").String();
    if (seccomp.empty()) seccomp = pod_.At("seccompProfile.type").String();
    if (seccomp != "RuntimeDefault" && seccomp != "Localhost" && seccomp != "Unconfined")
      Add("seccompProfile", false, where);
  }

  void Capabilities(const JsonRef& capabilities, const std::string& where) {
    bool drops_all = false;
    capabilities["drop"].ForEachElement([&](JsonRef name) {
      drops_all = drops_all || name.String() == "ALL";
      return true;
    });
    std::string unsafe, beyond;
    capabilities["add"].ForEachElement([&](JsonRef name) {
      const std::string added = name.String();
      if (!OneOf(kBaselineCapabilities, added))
        unsafe += (unsafe.empty() ? " adds " : ",") + added;
      else if (added != "NET_BIND_SERVICE")
        beyond += (beyond.empty() ? " adds " : ",") + added;
      return true;
    });
    if (!unsafe.empty()) Add("capabilities", true, where + unsafe);
    if (!drops_all) Add("capabilities", false, where + " does not drop ALL");
    if (!beyond.empty()) Add("capabilities", false, where + beyond);
  }

  const JsonRef spec_;
  const JsonRef pod_;
  std::vector<Violation> out_;
};

struct Judged {
  ObjectRef object;
  int64_t pods = 0;
  std::vector<Violation> violations;
  bool breaks(bool baseline_only) const {
    return std::any_of(violations.begin(), violations.end(),
                       [&](const Violation& v) { return !baseline_only || v.baseline; });
  }
  std::string LevelMet() const {
    return breaks(true) ? "privileged" : breaks(false) ? "baseline" : "restricted";
  }
  /// The controls it breaks at that level.
  std::set<std::string> Broken(bool restricted) const {
    std::set<std::string> broken;
    for (const Violation& v : violations) {
      if (restricted || v.baseline) broken.insert(v.control);
    }
    return broken;
  }
};

// Pods of one workload are judged once, by the first of them: they come from one template.
std::map<std::string, Judged> JudgeWorkloads(Picture& picture, int64_t* pods) {
  std::map<std::string, Judged> judged;
  for (const kube::ObjectPtr& object : picture.In("pods")) {
    const auto* pod = object->As<kube::Pod>();
    if (!pod || pod->phase == "Succeeded" || pod->phase == "Failed") continue;
    ++*pods;
    const ObjectRef owner = WorkloadOf(picture, *object);
    Judged& entry = judged[fmt::format("{}/{}/{}", owner.name_space, owner.kind, owner.name)];
    if (entry.pods++ == 0) {
      entry.object = owner;
      entry.violations = CheckPodSecurity(object->root()["spec"]);
    }
  }
  return judged;
}

void WriteJudged(const Judged& entry, bool restricted, JsonWriter& json) {
  json.BeginObject()
      .Field("kind", entry.object.kind)
      .Field("namespace", entry.object.name_space)
      .Field("name", entry.object.name)
      .Field("pods", entry.pods);
  json.Field("level_met", entry.LevelMet()).Key("violations").BeginArray();
  for (const Violation& v : entry.violations) {
    if (restricted || v.baseline)
      json.BeginObject()
          .Field("control", v.control)
          .Field("level", v.baseline ? "baseline" : "restricted")
          .Field("where", CleanText(v.where, 160))
          .EndObject();
  }
  json.EndArray().EndObject();
}

}  // namespace

std::vector<Violation> CheckPodSecurity(const JsonRef& pod_spec) { return Check(pod_spec).Run(); }

absl::StatusOr<ToolResult> CheckPodSecurityStandards(const ToolCall& call) {
  OPSMESH_ASSIGN_OR_RETURN(Picture picture, PodPicture(call, NamespaceOf(call)));
  const bool restricted = call.arguments.String("level", "baseline") == "restricted";
  int64_t pods = 0;
  const std::map<std::string, Judged> judged = JudgeWorkloads(picture, &pods);
  int64_t bad_workloads = 0, bad_pods = 0;
  std::map<std::string, int64_t> controls;
  TextTable table({"WORKLOAD", "PODS", "LEVEL MET", "BREAKS"});
  JsonWriter json;
  json.BeginObject()
      .Field("level", restricted ? "restricted" : "baseline")
      .Field("pods", pods)
      .Key("items")
      .BeginArray();
  for (const auto& [key, entry] : judged) {
    const bool bad = entry.breaks(!restricted);
    const std::set<std::string> broken = entry.Broken(restricted);
    for (const std::string& control : broken) controls[control] += entry.pods;
    bad_workloads += bad ? 1 : 0;
    bad_pods += bad ? entry.pods : 0;
    std::string words;
    for (const std::string& control : broken) words += (words.empty() ? "" : ", ") + control;
    if (bad)
      table.AddRow(
          {fmt::format("{} {}/{}", entry.object.kind, entry.object.name_space, entry.object.name),
           std::to_string(entry.pods), entry.LevelMet(), words});
    WriteJudged(entry, restricted, json);
  }
  json.EndArray().Key("controls").BeginObject();
  for (const auto& [control, count] : controls) json.Field(control, count);
  json.EndObject().EndObject();
  ToolResult out;
  out.json = json.Take();
  const Text place = PlaceOf(TypeOf("pods"), picture.ns());
  const std::string level = restricted ? "restricted" : "baseline";
  out.text = Say("{0}{2} 个工作负载（{3} 个 Pod）中，{4} 个（{5} 个 Pod）不符合 {6} 级别。\n\n",
                 "{4} of {2} workloads {1} ({5} of {3} pods) do not meet the {6} level.\n\n",
                 place.zh, place.en, judged.size(), pods, bad_workloads, bad_pods, level);
  out.text.AppendBoth(table.Render());
  if (bad_workloads == 0) {
    out.text.TrimNewlines();
  }
  out.AddFact("workloads.below_level", bad_workloads);
  out.AddFact("pods.below_level", bad_pods);
  out.AddFact("pods.total", pods);
  out.ledger = picture.ledger();
  out.ledger.NotChecked("images", "user and content of images",
                        "judged from pod specs; an image's own user and files are not read");
  return out;
}

}  // namespace opsmesh::k8s
