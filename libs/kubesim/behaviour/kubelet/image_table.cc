#include "libs/kubesim/behaviour/kubelet/image_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <cstdlib>

#include "embed/opsmesh_libs_kubesim_nodes.h"
#include "libs/base/strings.h"
#include "libs/kubesim/demo/scenario.h"
#include "libs/kubesim/store/json_path.h"
#include "libs/kubesim/store/yaml.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

constexpr std::string_view kUnknownCode = "rpc error: code = Unknown desc = ";
constexpr std::string_view kNotFoundCode = "rpc error: code = NotFound desc = ";

absl::Duration DurationOf(const Json& object, const char* member, absl::Duration otherwise) {
  absl::Duration duration;
  return absl::ParseDuration(TextAt(object, member), &duration) ? duration : otherwise;
}

std::vector<std::string> Lines(const Json& list) {
  std::vector<std::string> lines;
  for (const Json& line : list) lines.push_back(Scalar(line));
  return lines;
}

Listener ReadListener(const Json& json) {
  Listener listener;
  listener.port = static_cast<int>(IntAt(json, "port"));
  const Json& http = At(json, "http");
  if (!http.is_object()) return listener;
  listener.protocol = Listener::Protocol::kHttp;
  for (const auto& [path, status] : http.items())
    listener.paths[path] = status.is_number() ? status.get<int>() : 200;
  listener.otherwise = static_cast<int>(IntAt(json, "otherwise", 404));
  return listener;
}

ImageProfile ReadProfile(const Json& json) {
  ImageProfile profile;
  profile.family = Scalar(ListAt(json, {"names"})[0]);
  profile.current = TextAt(json, "current");
  for (const Json& one : ListAt(json, {"listens"})) profile.listeners.push_back(ReadListener(one));
  profile.startup = DurationOf(json, "startup", absl::Seconds(1));
  profile.size = IntAt(json, "size", 60) << 20;
  profile.pull_time = DurationOf(json, "pull", absl::ZeroDuration());
  if (std::string cpu = Scalar(At(json, {"usage", "cpu"})); !cpu.empty()) profile.cpu = cpu;
  if (std::string memory = Scalar(At(json, {"usage", "memory"})); !memory.empty())
    profile.memory = memory;
  profile.starts = Lines(ListAt(json, {"starts"}));
  profile.ends = Lines(ListAt(json, {"ends"}));
  profile.repeats = Lines(ListAt(json, {"repeats", "lines"}));
  profile.repeat_every = DurationOf(At(json, "repeats"), "every", absl::Seconds(30));
  if (At(json, "exits").is_object()) {
    profile.exit = ImageProfile::Exit{DurationOf(At(json, "exits"), "after", absl::Seconds(1)),
                                      static_cast<int>(IntAt(json, {"exits", "code"})),
                                      TextAt(json, {"exits", "reason"})};
  }
  profile.shell = BoolAt(json, {"shell"}, true);
  profile.bash = profile.shell && BoolAt(json, {"bash"}, true);
  profile.no_server = BoolAt(json, {"no_server"});
  profile.any_command = BoolAt(json, {"any_command"});
  profile.bare_language = profile.listens_as_declared = BoolAt(json, {"bare_language"});
  profile.root = BoolAt(json, {"root"}, true);
  profile.binaries = Lines(ListAt(json, {"binaries"}));
  if (profile.binaries.empty() && !profile.no_server) {
    for (const Json& name : ListAt(json, {"names"}))
      profile.binaries.push_back(Scalar(name).substr(Scalar(name).rfind('/') + 1));
  }
  profile.one_of_env = Lines(ListAt(json, {"one_of_env"}));
  profile.without_env = TextAt(json, "without_env");
  profile.term_code = static_cast<int>(IntAt(json, "term_code"));
  return profile;
}

ImageProfile FromScenario(const ImageBehaviour& behaviour, ImageProfile base) {
  base.listens_as_declared = true;
  base.any_command = true;
  base.one_of_env.clear();
  base.no_server = false;
  base.startup = absl::Seconds(1);
  base.cpu = behaviour.cpu;
  base.memory = behaviour.memory;
  base.starts = behaviour.starts;
  base.ends = behaviour.ends;
  base.repeats = behaviour.repeats;
  base.repeat_every = behaviour.repeat_every;
  base.pull_error = behaviour.pull_error;
  base.not_ready = behaviour.not_ready;
  if (behaviour.exit)
    base.exit =
        ImageProfile::Exit{behaviour.exit->after, behaviour.exit->code, behaviour.exit->reason};
  return base;
}

bool HostMatches(const std::string& pattern, const std::string& host) {
  return pattern.starts_with("*") ? host.ends_with(pattern.substr(1)) : host == pattern;
}

bool Digits(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c); });
}

// "1.27.3-alpine" -> {1.27.3, alpine}: every part a number below what a release could be, or a
// known word.
bool PlausibleTag(const std::string& tag, int newest_major, const std::vector<std::string>& words) {
  std::string part;
  bool first_number = true;
  auto judge = [&](const std::string& token) {
    if (token.empty()) return true;
    if (Digits(token)) {
      const bool dated = token.size() >= 6;  // 20240815
      const long number = dated ? 0 : std::strtol(token.c_str(), nullptr, 10);
      const bool year = number >= 2019 && number <= 2026;
      // Where any major number will do, minor ones may be large: jenkins 2.426.
      const bool good = dated || year ||
                        (first_number ? number <= std::max(newest_major, 0)
                                      : number < (newest_major >= 99 ? 1000 : 100));
      first_number = false;
      return good;
    }
    if (token.size() >= 7 &&
        std::all_of(token.begin(), token.end(), [](unsigned char c) { return std::isxdigit(c); }))
      return true;  // a commit
    return std::find(words.begin(), words.end(), base::AsciiLower(token)) != words.end();
  };
  for (size_t i = 0; i <= tag.size(); ++i) {
    const bool edge =
        i == tag.size() || tag[i] == '.' || tag[i] == '-' || tag[i] == '_' || tag[i] == '+';
    const bool turn = !edge && !part.empty() &&
                      (std::isdigit(static_cast<unsigned char>(tag[i])) != 0) !=
                          (std::isdigit(static_cast<unsigned char>(part.back())) != 0);
    if (edge || turn) {
      // A token may be a word with digits ("ubi8") or fall into word and number ("alpine3").
      if (!judge(part)) return false;
      part.clear();
    }
    if (!edge) part += tag[i];
  }
  return true;
}

}  // namespace

std::string ImageName::Full() const {
  std::string text = registry + "/" + repository;
  if (!tag.empty()) text += ":" + tag;
  if (!digest.empty()) text += "@" + digest;
  return text;
}

std::optional<ImageName> ImageName::Parse(std::string_view text, std::string* why) {
  ImageName name;
  std::string unheard;
  std::string& reason = why != nullptr ? *why : unheard;
  reason = "invalid reference format";
  std::string rest(text);
  if (const size_t at = rest.find('@'); at != std::string::npos) {
    name.digest = rest.substr(at + 1);
    rest.resize(at);
    if (!name.digest.starts_with("sha256:") || name.digest.size() != 71) return std::nullopt;
  }
  const size_t slash = rest.rfind('/');
  if (const size_t colon = rest.rfind(':');
      colon != std::string::npos && (slash == std::string::npos || colon > slash)) {
    name.tag = rest.substr(colon + 1);
    rest.resize(colon);
    if (name.tag.empty() || name.tag.size() > 128) return std::nullopt;
  } else if (name.digest.empty()) {
    name.tag = "latest";
  }
  if (rest.empty()) return std::nullopt;
  const size_t first = rest.find('/');
  const std::string host = first == std::string::npos ? "" : rest.substr(0, first);
  const bool capitals =
      std::any_of(host.begin(), host.end(), [](unsigned char c) { return std::isupper(c); });
  if (!host.empty() && (host.find('.') != std::string::npos ||
                        host.find(':') != std::string::npos || host == "localhost" || capitals)) {
    name.registry = host == "index.docker.io" ? "docker.io" : host;
    name.repository = rest.substr(first + 1);
  } else {
    name.registry = "docker.io";
    name.repository = rest;
  }
  if (name.registry == "docker.io" && name.repository.find('/') == std::string::npos)
    name.repository = "library/" + name.repository;
  if (name.repository.empty() || name.repository.back() == '/' || name.repository.front() == '/')
    return std::nullopt;
  if (std::any_of(name.repository.begin(), name.repository.end(),
                  [](unsigned char c) { return std::isupper(c); }))
    reason += fmt::format(": repository name ({}) must be lowercase", name.repository);
  for (unsigned char c : name.repository) {
    if (!std::islower(c) && !std::isdigit(c) && c != '/' && c != '.' && c != '_' && c != '-')
      return std::nullopt;
  }
  if (!name.tag.empty() && (name.tag[0] == '-' || name.tag[0] == '.')) return std::nullopt;
  for (unsigned char c : name.tag) {
    if (!std::isalnum(c) && c != '.' && c != '_' && c != '-') return std::nullopt;
  }
  return name;
}

int Listener::StatusOf(std::string_view path) const {
  path = path.substr(0, path.find('?'));
  if (auto it = paths.find(std::string(path)); it != paths.end()) return it->second;
  for (const auto& [pattern, status] : paths) {
    if (pattern.ends_with("*") &&
        path.starts_with(std::string_view(pattern).substr(0, pattern.size() - 1)))
      return status;
  }
  return otherwise;
}

ImageTable ImageTable::Make(const Scenario* scenario) {
  ImageTable table;
  auto documents = ParseYaml(nodes_data::EmbeddedFile("behaviour/kubelet/images.yaml"));
  if (!documents.ok() || documents->size() != 1) {
    std::fprintf(stderr, "kubesim: images.yaml cannot be read\n");
    std::abort();
  }
  const Json& json = *documents->front().value;
  table.absent_words_ = Lines(ListAt(json, {"absent_words"}));
  table.tag_words_ = Lines(ListAt(json, {"tag_words"}));
  table.private_hosts_ = Lines(ListAt(json, {"private_hosts"}));
  table.organisations_ = Lines(ListAt(json, {"organisations"}));
  table.official_ = Lines(ListAt(json, {"official"}));
  for (const Json& family : ListAt(json, {"families"})) {
    const auto profile = std::make_shared<const ImageProfile>(ReadProfile(family));
    for (const Json& one : ListAt(family, {"names"})) {
      const auto name = ImageName::Parse(Scalar(one));
      if (name)
        table.known_.push_back({name->repository,
                                {name->registry},
                                static_cast<int>(IntAt(family, "newest")),
                                profile});
    }
  }
  ImageProfile application;
  application.listens_as_declared = true;
  application.any_command = true;
  application.startup = absl::Seconds(2);
  application.cpu = "12m";
  application.memory = "48Mi";
  application.starts = {"level=info msg=\"starting\" version={tag}", "level=info msg=\"ready\""};
  table.application_ = std::make_shared<const ImageProfile>(std::move(application));
  if (scenario != nullptr) {
    for (const auto& [image, behaviour] : scenario->images) {
      const auto name = ImageName::Parse(image);
      const Known* known = name ? table.FindKnown(*name) : nullptr;
      table.exact_[image] = std::make_shared<const ImageProfile>(
          FromScenario(behaviour, known != nullptr ? *known->profile : *table.application_));
    }
  }
  return table;
}

const ImageTable::Known* ImageTable::FindExact(const ImageName& name) const {
  for (const Known& known : known_) {
    if (known.repository == name.repository && known.registries[0] == name.registry) return &known;
  }
  return nullptr;
}

const ImageTable::Known* ImageTable::FindKnown(const ImageName& name) const {
  if (const Known* exact = FindExact(name)) return exact;
  // The same software out of another registry: mirror.example.com/library/redis,
  // public.ecr.aws/docker/library/nginx.
  if (name.registry == "docker.io") return nullptr;
  const std::string last = name.repository.substr(name.repository.rfind('/') + 1);
  for (const Known& known : known_) {
    if (known.registries[0] == "docker.io" && known.repository == "library/" + last) return &known;
  }
  return nullptr;
}

ImageProfilePtr ImageTable::Find(const std::string& image) const {
  if (auto it = exact_.find(image); it != exact_.end()) return it->second;
  const auto name = ImageName::Parse(image);
  const Known* known = name ? FindKnown(*name) : nullptr;
  return known != nullptr ? known->profile : application_;
}

bool ImageTable::SaysAbsent(std::string_view text) const {
  return std::any_of(absent_words_.begin(), absent_words_.end(), [&](const std::string& word) {
    const size_t at = text.find(word);
    if (at == std::string_view::npos) return false;
    // Whole words only: "invalid" but not "invalidation".
    const size_t end = at + word.size();
    const bool starts = at == 0 || !std::isalpha(static_cast<unsigned char>(text[at - 1]));
    const bool ends = end == text.size() || !std::isalpha(static_cast<unsigned char>(text[end]));
    return starts && ends;
  });
}

void ImageTable::Learn(const std::string& image, const std::string& error) {
  auto [it, fresh] = learned_.try_emplace(image, error);
  if (!fresh && error.empty()) it->second.clear();  // somebody runs it: it exists
}

PullVerdict ImageTable::Pull(const std::string& image, bool has_secret) const {
  if (auto it = exact_.find(image); it != exact_.end()) {
    return {it->second->pull_error};
  }
  if (auto it = learned_.find(image); it != learned_.end()) return {it->second};
  const auto name = ImageName::Parse(image);
  if (!name) return {};
  const std::string full = name->Full();
  const std::string intro = fmt::format(
      "failed to pull and unpack image \"{0}\": failed to resolve reference \"{0}\": ", full);
  const PullVerdict absent{fmt::format("{}{}{}: not found", kNotFoundCode, intro, full)};
  const std::string& host = name->registry;
  const std::string bare_host = host.substr(0, host.find(':'));
  if (bare_host.ends_with(".invalid") || bare_host.ends_with(".test") || SaysAbsent(bare_host)) {
    return {
        fmt::format("{}{}failed to do request: Head \"https://{}/v2/{}/manifests/{}\": dial tcp: "
                    "lookup {} on 10.96.0.10:53: no such host",
                    kUnknownCode, intro, host, name->repository, name->tag, bare_host)};
  }
  const bool is_private =
      std::any_of(private_hosts_.begin(), private_hosts_.end(),
                  [&](const std::string& one) { return HostMatches(one, bare_host); });
  if (is_private && !has_secret) {
    return {fmt::format(
                "{}{}failed to authorize: failed to fetch anonymous token: unexpected status from "
                "GET request to "
                "https://{}/oauth2/token?scope=repository%3A{}%3Apull&service={}: 401 Unauthorized",
                kUnknownCode, intro, host, base::ReplaceAll(name->repository, "/", "%2F"), host),
            true};
  }
  if (const Known* known = FindExact(*name)) {
    if (!name->digest.empty() || PlausibleTag(name->tag, known->newest_major, tag_words_))
      return {};
    return absent;
  }
  if (SaysAbsent(name->repository) && host != "docker.io") return absent;
  if (host == "docker.io" && !has_secret && (SaysAbsent(name->repository) || !OnDockerHub(*name))) {
    return {
        fmt::format("{}{}pull access denied, repository does not exist or may require "
                    "authorization: server message: "
                    "insufficient_scope: authorization failed",
                    kUnknownCode, intro)};
  }
  if (SaysAbsent(name->tag)) return absent;
  return {};
}

bool ImageTable::OnDockerHub(const ImageName& name) const {
  const size_t slash = name.repository.find('/');
  const std::string owner = name.repository.substr(0, slash);
  const auto& list = owner == "library" ? official_ : organisations_;
  const std::string wanted = owner == "library" ? name.repository.substr(slash + 1) : owner;
  return std::find(list.begin(), list.end(), wanted) != list.end();
}

}  // namespace opsmesh::kubesim
