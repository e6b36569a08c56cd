#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "libs/kubesim/content/content.h"
#include "libs/kubesim/objects/defaults.h"
#include "libs/kubesim/objects/validation.h"
#include "libs/kubesim/store/json_path.h"
#include "libs/kubesim/store/yaml.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

namespace fs = std::filesystem;

constexpr uintmax_t kMaxLogBytes = 16 << 20;

absl::Status Invalid(const std::string& file, int line, const std::string& why) {
  return base::InvalidArgument("", "MANIFEST_INVALID", fmt::format("{}:{}: {}", file, line, why))
      .With("file", file);
}

absl::StatusOr<std::string> ReadFile(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  if (!in || !(text << in.rdbuf())) {
    // An empty file sets failbit too.
    std::error_code error;
    if (fs::file_size(path, error) == 0 && !error) return std::string();
    return base::InvalidArgument("", "CLUSTER_DIR_UNREADABLE",
                                 fmt::format("Cannot read '{}'.", path.string()));
  }
  return text.str();
}

class FolderLoader {
 public:
  explicit FolderLoader(const ContentTarget& target) : target_(target) {}

  absl::Status LoadManifests(const std::vector<fs::path>& files) {
    struct Item {
      std::string file;
      int line;
      const ResourceType* type;
      Json object;
    };
    std::vector<Item> items;
    for (const fs::path& path : files) {
      OPSMESH_ASSIGN_OR_RETURN(std::string text, ReadFile(path));
      auto documents = ParseYaml(text);
      if (!documents.ok()) return base::Annotate(documents.status(), path.string());
      for (YamlDocument& document : *documents) {
        OPSMESH_RETURN_IF_ERROR(Collect(
            path.string(), document.line, *document.value, [&](Json object) -> absl::Status {
              const std::string api_version = TextAt(object, "apiVersion");
              const std::string kind = TextAt(object, "kind");
              // Definitions first: the kinds they define may stand in any file.
              if (kind == "CustomResourceDefinition") target_.store.catalog().DefineCustom(object);
              items.push_back({path.string(), document.line, nullptr, std::move(object)});
              return absl::OkStatus();
            }));
      }
    }
    for (Item& item : items) {
      const std::string api_version = TextAt(item.object, "apiVersion");
      const std::string kind = TextAt(item.object, "kind");
      item.type = target_.store.catalog().FindKind(api_version, kind);
      if (item.type == nullptr) {
        return Invalid(item.file, item.line,
                       fmt::format("no kind '{}' in version '{}' is served by Kubernetes 1.32 nor "
                                   "defined in this folder",
                                   kind, api_version));
      }
    }
    std::stable_sort(items.begin(), items.end(), [](const Item& a, const Item& b) {
      return (a.type->storage_key == "/namespaces") > (b.type->storage_key == "/namespaces");
    });
    for (Item& item : items)
      OPSMESH_RETURN_IF_ERROR(Create(item.file, item.line, *item.type, std::move(item.object)));
    return absl::OkStatus();
  }

  absl::Status LoadLogs(const fs::path& root) {
    std::error_code error;
    if (!fs::is_directory(root, error)) return absl::OkStatus();
    std::vector<fs::path> files;
    for (auto it = fs::recursive_directory_iterator(root, error);
         !error && it != fs::recursive_directory_iterator(); it.increment(error)) {
      if (it->is_regular_file() && it->path().extension() == ".log") files.push_back(it->path());
    }
    std::sort(files.begin(), files.end());
    for (const fs::path& path : files)
      OPSMESH_RETURN_IF_ERROR(LoadLog(path, path.lexically_relative(root)));
    return absl::OkStatus();
  }

 private:
  template <typename Visit>
  absl::Status Collect(const std::string& file, int line, Json object, const Visit& visit) {
    if (!object.is_object())
      return Invalid(file, line, "a manifest must be a mapping with apiVersion and kind");
    if (TextAt(object, "kind").ends_with("List") && At(object, "items").is_array()) {
      for (const Json& item : At(object, "items")) {
        Json one = item;
        if (!one.is_object()) return Invalid(file, line, "an item of a list must be a mapping");
        const std::string kind = TextAt(object, "kind");
        if (!one.contains("kind") && kind != "List") one["kind"] = kind.substr(0, kind.size() - 4);
        if (!one.contains("apiVersion")) one["apiVersion"] = TextAt(object, "apiVersion");
        OPSMESH_RETURN_IF_ERROR(Collect(file, line, std::move(one), visit));
      }
      return absl::OkStatus();
    }
    if (TextAt(object, "kind").empty() || TextAt(object, "apiVersion").empty()) {
      return Invalid(file, line, "a manifest must have apiVersion and kind");
    }
    if (!At(object, "metadata").is_object() || TextAt(object, {"metadata", "name"}).empty()) {
      return Invalid(file, line, fmt::format("{} without metadata.name", TextAt(object, "kind")));
    }
    return visit(std::move(object));
  }

  void EnsureNamespace(const std::string& ns) {
    const ResourceType& type = MustFind(target_.store, "", "v1", "namespaces");
    if (target_.store.Get(type, "", ns)) return;
    Json object = {{"metadata", {{"name", ns}}}};
    ApplyDefaults(type, object);
    CompleteNamespace(object);
    if (target_.store.Create(type, object).ok())
      AddNamespaceDefaults(target_, ns, target_.clock.Now());
  }

  absl::Status Create(const std::string& file, int line, const ResourceType& type, Json object) {
    if (type.namespaced) {
      std::string ns = TextAt(object, {"metadata", "namespace"});
      if (ns.empty()) object["metadata"]["namespace"] = ns = "default";
      EnsureNamespace(ns);
    } else {
      object["metadata"].erase("namespace");
    }
    const std::string name = TextAt(object, {"metadata", "name"});
    const ResourceType& stored = *target_.store.catalog().Preferred(
        type.storage_key.substr(0, type.storage_key.find('/')), type.plural);
    if (const ShapeReport shape = CheckShape(stored, object); !shape.wrong.empty())
      return Invalid(file, line, fmt::format("{} '{}': {}", type.kind, name, shape.wrong));
    ApplyDefaults(stored, object);
    if (type.storage_key == "/namespaces") CompleteNamespace(object);
    // What the system or an implied namespace brought is replaced by what the folder says.
    const std::string ns = type.namespaced ? TextAt(object, {"metadata", "namespace"}) : "";
    if (!loaded_.insert(type.storage_key + "/" + ns + "/" + name).second) {
      return Invalid(file, line, fmt::format("{} '{}' is given twice", type.kind, name));
    }
    if (target_.store.Get(stored, ns, name)) (void)target_.store.Remove(stored, ns, name);
    auto made = target_.store.Create(stored, std::move(object), true);
    if (!made.ok()) return Invalid(file, line, made.status().message);
    if (type.storage_key == "/namespaces") AddNamespaceDefaults(target_, name, target_.clock.Now());
    return absl::OkStatus();
  }

  // logs/<ns>/<pod>/<container>.log, and <container>.previous.log for the run before.
  absl::Status LoadLog(const fs::path& path, const fs::path& relative) {
    std::vector<std::string> parts;
    for (const fs::path& part : relative) parts.push_back(part.string());
    if (parts.size() != 3) return absl::OkStatus();
    const ObjectPtr pod =
        target_.store.Get(MustFind(target_.store, "", "v1", "pods"), parts[0], parts[1]);
    if (!pod) {
      return Invalid(
          path.string(), 1,
          fmt::format("there is no pod '{}' in namespace '{}' for this log", parts[1], parts[0]));
    }
    std::error_code error;
    if (fs::file_size(path, error) > kMaxLogBytes || error)
      return Invalid(path.string(), 1, "a log may have at most 16 MiB");
    std::string container = parts[2].substr(0, parts[2].size() - 4);
    const bool previous = container.ends_with(".previous");
    if (previous) container.resize(container.size() - 9);
    OPSMESH_ASSIGN_OR_RETURN(std::string text, ReadFile(path));
    Lines lines;
    absl::Time time = target_.clock.Now();
    for (std::string_view line : base::Split(text, '\n')) {
      // A leading RFC 3339 time, as `kubectl logs --timestamps` writes it, dates the line.
      const size_t space = line.find(' ');
      absl::Time stamped;
      if (space != std::string_view::npos && base::ParseRfc3339(line.substr(0, space), &stamped)) {
        time = stamped;
        line.remove_prefix(space + 1);
      }
      lines.push_back({time, std::string(line)});
    }
    if (!lines.empty() && lines.back().text.empty()) lines.pop_back();
    // Previous runs sort after ("x.log" < "x.previous.log"): keep both and write them in the right
    // order.
    auto& runs = pending_[pod->uid + "/" + container];
    (previous ? runs.first : runs.second) = std::move(lines);
    target_.logs.Forget(pod->uid);
    for (const auto& [key, both] : pending_) {
      if (!key.starts_with(pod->uid + "/")) continue;
      const std::string name = key.substr(pod->uid.size() + 1);
      for (const Lines* run : {&both.first, &both.second}) {
        if (run == &both.first && run->empty()) continue;
        target_.logs.StartRun(pod->uid, name);
        for (const LogLine& line : *run) target_.logs.Append(pod->uid, name, line);
      }
    }
    return absl::OkStatus();
  }

  using Lines = std::vector<LogLine>;
  const ContentTarget target_;
  std::map<std::string, std::pair<Lines, Lines>> pending_;
  std::set<std::string> loaded_;
};

}  // namespace

absl::Status LoadFolder(const ContentTarget& target, const std::string& folder) {
  std::error_code error;
  if (!fs::is_directory(folder, error)) {
    return base::InvalidArgument("", "CLUSTER_DIR_UNREADABLE",
                                 fmt::format("'{}' is not a folder that can be read.", folder))
        .Hint("Give --cluster a folder of YAML or JSON manifests.");
  }
  const fs::path root(folder);
  std::vector<fs::path> files;
  for (auto it = fs::recursive_directory_iterator(root, error);
       !error && it != fs::recursive_directory_iterator(); it.increment(error)) {
    const std::string extension = it->path().extension().string();
    if (it->is_regular_file() &&
        (extension == ".yaml" || extension == ".yml" || extension == ".json"))
      files.push_back(it->path());
  }
  if (error) {
    return base::InvalidArgument("", "CLUSTER_DIR_UNREADABLE",
                                 fmt::format("Cannot read '{}': {}.", folder, error.message()));
  }
  std::sort(files.begin(), files.end());
  FolderLoader loader(target);
  OPSMESH_RETURN_IF_ERROR(loader.LoadManifests(files));
  return loader.LoadLogs(root / "logs");
}

}  // namespace opsmesh::kubesim
