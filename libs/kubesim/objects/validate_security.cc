// Security contexts of pods and containers, and what depends on their system; what a real server
// refuses.
#include <fmt/format.h>

#include <set>

#include "libs/base/strings.h"
#include "libs/kubesim/objects/validate_pod.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

void Id(Causes& causes, const Json& context, const char* member, const std::string& field) {
  const Json& id = At(context, member);
  if (id.is_number_integer() && (id.get<int64_t>() < 0 || id.get<int64_t>() > INT32_MAX)) {
    InvalidNumber(causes, field + "." + member, id.get<int64_t>(),
                  "must be between 0 and 2147483647, inclusive");
  }
}

void Profile(Causes& causes, const Json& context, const std::string& field, bool seccomp) {
  const char* member = seccomp ? "seccompProfile" : "appArmorProfile";
  const char* word = seccomp ? "seccomp" : "AppArmor";
  const Json& profile = At(context, member);
  if (!profile.is_object()) return;
  const std::string at = field + "." + member, type = TextAt(profile, "type");
  const Json& local = At(profile, "localhostProfile");
  if (type.empty())
    Required(causes, at + ".type", fmt::format("type is required when {} is set", member));
  else
    OneOf(causes, at + ".type", type, {"Localhost", "RuntimeDefault", "Unconfined"});
  if (type == "Localhost") {
    if (local.is_null() || (!seccomp && Scalar(local).empty()))
      Required(causes, at + ".localhostProfile",
               fmt::format("must be set when {} type is Localhost", word));
    else if (seccomp)
      ValidateDescendingPath(causes, Scalar(local), at + ".localhostProfile");
    else if (base::Trim(Scalar(local)) != Scalar(local))
      InvalidText(causes, at + ".localhostProfile", Scalar(local),
                  "must not be padded with whitespace");
  } else if (!local.is_null() && (seccomp || type == "RuntimeDefault" || type == "Unconfined")) {
    const std::string value =
        seccomp
            ? fmt::format(
                  "core.SeccompProfile{{Type:\"{}\", LocalhostProfile:(*string)(0xc0000100a0)}}",
                  type)
            : GoQuoted(Scalar(local));
    Invalid(causes, at + ".localhostProfile", value,
            fmt::format("can only be set when {} type is Localhost", word));
  }
}

// Parts of lower-case letters, digits, "-" and "_" between dots or slashes, none of which begins or
// ends with a sign.
bool SysctlName(const std::string& name) {
  auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  if (name.empty() || name.size() > 253) return false;
  for (size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    const bool sign = c == '-' || c == '_', cut = c == '.' || c == '/';
    if (!plain(c) && !sign && !cut) return false;
    const char before = i == 0 ? '.' : name[i - 1],
               after = i + 1 == name.size() ? '.' : name[i + 1];
    if ((sign || cut) && (before == '.' || before == '/' || after == '.' || after == '/'))
      return false;
  }
  return true;
}

// Of a namespace that the pod shares with its host: what it sets there would be set for all.
void HostSysctl(Causes& causes, const Json& spec, const std::string& name, const std::string& at) {
  std::string dotted = name;
  for (char& c : dotted) c = c == '/' ? '.' : c;
  if (BoolAt(spec, {"hostNetwork"}) && dotted.starts_with("net."))
    return InvalidText(causes, at, name, "may not be specified when 'hostNetwork' is true");
  const bool ipc = dotted == "kernel.sem" || dotted.starts_with("kernel.shm") ||
                   dotted.starts_with("kernel.msg") || dotted.starts_with("fs.mqueue.");
  if (BoolAt(spec, {"hostIPC"}) && ipc)
    InvalidText(causes, at, name, "may not be specified when 'hostIPC' is true");
}

void Sysctls(Causes& causes, const Json& spec, const Json& context, const std::string& field) {
  const Json& sysctls = ListAt(context, {"sysctls"});
  std::set<std::string> names;
  for (size_t i = 0; i < sysctls.size(); ++i) {
    const std::string name = TextAt(sysctls[i], "name"),
                      at = fmt::format("{}.sysctls[{}].name", field, i);
    if (name.empty()) {
      Required(causes, at);
    } else if (!SysctlName(name)) {
      InvalidText(causes, at, name,
                  "must have at most 253 characters and match regex "
                  "^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$");
    } else if (!names.insert(name).second) {
      Duplicate(causes, at, "\"" + name + "\"");
    }
    HostSysctl(causes, spec, name, at);
  }
}

// A user of Windows: [DOMAIN\]USER.
void WindowsUser(Causes& causes, const std::string& at, const std::string& name) {
  auto bad = [&](const char* why) {
    InvalidText(causes, at, name, fmt::format("runAsUserName{}", why));
  };
  if (name.empty()) return bad(" cannot be an empty string");
  for (unsigned char c : name) {
    if (c < 0x20 || c == 0x7f) return bad(" cannot contain control characters");
  }
  const size_t slash = name.find('\\');
  const bool has_domain = slash != std::string::npos;
  if (has_domain && name.find('\\', slash + 1) != std::string::npos)
    return bad(" cannot contain more than one backslash");
  const std::string domain = has_domain ? name.substr(0, slash) : "",
                    user = has_domain ? name.substr(slash + 1) : name;
  if (domain.size() >= 256) bad("'s Domain length must be under 256 characters");
  if (has_domain) {
    const bool net_bios = !domain.empty() && domain.size() <= 15 && domain[0] != '.' &&
                          domain.find_first_of("/:*?\"<>|") == std::string::npos;
    if (!net_bios && !SubdomainFault(base::AsciiLower(domain)).empty())
      bad("'s Domain doesn't match the NetBios nor the DNS format");
  }
  if (user.empty()) bad("'s User cannot be empty");
  if (user.size() > 104) bad("'s User length must not be longer than 104 characters");
  if (!user.empty() && user.find_first_not_of(". ") == std::string::npos)
    bad("'s User cannot contain only periods or spaces");
  if (user.find_first_of("\"/\\:;|=,+*?<>@[]") != std::string::npos)
    bad("'s User cannot contain the following characters: \"/\\:;|=,+*?<>@[]");
}

void WindowsOptions(Causes& causes, const Json& context, const std::string& field) {
  const Json& options = At(context, "windowsOptions");
  if (!options.is_object()) return;
  const std::string at = field + ".windowsOptions";
  if (const Json& name = At(options, "gmsaCredentialSpecName"); name.is_string())
    InvalidText(causes, at + ".gmsaCredentialSpecName", Scalar(name), SubdomainFault(Scalar(name)));
  if (const Json& text = At(options, "gmsaCredentialSpec"); text.is_string()) {
    if (Scalar(text).empty())
      InvalidText(causes, at + ".gmsaCredentialSpec", "",
                  "gmsaCredentialSpec cannot be an empty string");
    else if (Scalar(text).size() > 64 * 1024)
      InvalidText(causes, at + ".gmsaCredentialSpec", Scalar(text),
                  "gmsaCredentialSpec size must be under 64 KiB");
  }
  if (const Json& user = At(options, "runAsUserName"); user.is_string())
    WindowsUser(causes, at + ".runAsUserName", Scalar(user));
}

}  // namespace

void ValidateSecurity(Causes& causes, const Json& context, const std::string& field) {
  if (!context.is_object()) return;
  Id(causes, context, "runAsUser", field);
  Id(causes, context, "runAsGroup", field);
  Profile(causes, context, field, true);
  if (At(context, "allowPrivilegeEscalation") == Json(false)) {
    if (BoolAt(context, {"privileged"}))
      Invalid(causes, field, "core.SecurityContext{...}",
              "cannot set `allowPrivilegeEscalation` to false and `privileged` to true");
    for (const Json& capability : ListAt(context, {"capabilities", "add"})) {
      if (capability == "CAP_SYS_ADMIN")
        Invalid(causes, field, "core.SecurityContext{...}",
                "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` "
                "CAP_SYS_ADMIN");
    }
  }
  WindowsOptions(causes, context, field);
  Profile(causes, context, field, false);
}

void ValidatePodSecurity(Causes& causes, const Json& spec, const std::string& pod_field) {
  const Json& context = At(spec, "securityContext");
  const std::string field = pod_field + ".securityContext";
  if (!context.is_object()) return;
  for (const char* member : {"fsGroup", "runAsUser", "runAsGroup"})
    Id(causes, context, member, field);
  const Json& groups = ListAt(context, {"supplementalGroups"});
  for (size_t i = 0; i < groups.size(); ++i) {
    if (groups[i].is_number_integer() && (groups[i] < 0 || groups[i] > INT32_MAX))
      InvalidNumber(causes, fmt::format("{}.supplementalGroups[{}]", field, i),
                    groups[i].get<int64_t>(), "must be between 0 and 2147483647, inclusive");
  }
  if (BoolAt(spec, {"hostPID"}) && BoolAt(spec, {"shareProcessNamespace"}))
    Invalid(causes, field + ".shareProcessNamespace", "true",
            "ShareProcessNamespace and HostPID cannot both be enabled");
  Sysctls(causes, spec, context, field);
  if (const Json& policy = At(context, "fsGroupChangePolicy"); !policy.is_null())
    OneOf(causes, field + ".fsGroupChangePolicy", Scalar(policy), {"Always", "OnRootMismatch"});
  Profile(causes, context, field, true);
  WindowsOptions(causes, context, field);
  Profile(causes, context, field, false);
}

namespace {

// Every container of a pod with its path; init containers first, as a real server visits them.
template <typename Visit>
void VisitContainers(const Json& spec, const std::string& field, const Visit& visit) {
  for (const char* list : {"initContainers", "containers", "ephemeralContainers"}) {
    const Json& containers = ListAt(spec, {list});
    for (size_t i = 0; i < containers.size(); ++i)
      visit(containers[i], fmt::format("{}.{}[{}]", field, list, i));
  }
}

// What only the other system knows.
void ForeignOptions(Causes& causes, const Json& spec, const std::string& field, bool windows) {
  constexpr const char* kLinux = "windows options cannot be set for a linux pod";
  constexpr const char* kWindows = "cannot be set for a windows pod";
  static constexpr std::initializer_list<const char*> kOfPod = {
      "appArmorProfile", "seLinuxOptions",      "seccompProfile",
      "fsGroup",         "fsGroupChangePolicy", "sysctls",
      "runAsUser",       "runAsGroup",          "supplementalGroups"};
  static constexpr std::initializer_list<const char*> kOfContainer = {"appArmorProfile",
                                                                      "seLinuxOptions",
                                                                      "seccompProfile",
                                                                      "capabilities",
                                                                      "readOnlyRootFilesystem",
                                                                      "privileged",
                                                                      "allowPrivilegeEscalation",
                                                                      "procMount",
                                                                      "runAsUser",
                                                                      "runAsGroup"};
  auto judge = [&](const Json& context, const std::string& at,
                   std::initializer_list<const char*> members) {
    if (!windows && At(context, "windowsOptions").is_object())
      Forbidden(causes, at + ".windowsOptions", kLinux);
    if (!windows) return;
    for (const char* member : members) {
      if (!At(context, member).is_null())
        Forbidden(causes, fmt::format("{}.{}", at, member), kWindows);
    }
  };
  judge(At(spec, "securityContext"), field + ".securityContext", kOfPod);
  for (const char* member : {"hostPID", "hostIPC"}) {
    if (windows && BoolAt(spec, {member}))
      Forbidden(causes, fmt::format("{}.{}", field, member), kWindows);
  }
  if (windows && !At(spec, "shareProcessNamespace").is_null())
    Forbidden(causes, field + ".shareProcessNamespace", kWindows);
  VisitContainers(spec, field, [&](const Json& container, const std::string& at) {
    judge(At(container, "securityContext"), at + ".securityContext", kOfContainer);
  });
}

}  // namespace

void ValidateHostProcess(Causes& causes, const Json& spec, const std::string& field) {
  const Json& of_pod = At(spec, {"securityContext", "windowsOptions", "hostProcess"});
  size_t all = 0, privileged = 0;
  VisitContainers(spec, field, [&](const Json& container, const std::string& at) {
    ++all;
    const Json& own = At(container, {"securityContext", "windowsOptions", "hostProcess"});
    if (of_pod.is_boolean() && own.is_boolean() && of_pod != own)
      Invalid(causes, at + ".securityContext.windowsOptions.hostProcess", own.dump(),
              fmt::format("pod hostProcess value must be identical if both are specified, was {}",
                          of_pod.dump()));
    if (own == Json(true) || (own.is_null() && of_pod == Json(true))) ++privileged;
  });
  if (privileged == 0) return;
  if (privileged != all)
    InvalidText(causes, field, "",
                "If pod contains any hostProcess containers then all containers must be "
                "HostProcess containers");
  if (!BoolAt(spec, {"hostNetwork"}))
    Invalid(causes, field + ".hostNetwork", "false",
            "hostNetwork must be true if pod contains any hostProcess containers");
}

void ValidateSystem(Causes& causes, const Json& spec, const std::string& field) {
  const Json& os = At(spec, "os");
  if (!os.is_object()) return;
  const std::string name = TextAt(os, "name");
  if (name.empty()) return Required(causes, field + ".os.name", "cannot be empty");
  if (name != "linux" && name != "windows")
    return OneOf(causes, field + ".os", name, {"linux", "windows"});
  ForeignOptions(causes, spec, field, name == "windows");
}

}  // namespace opsmesh::kubesim
