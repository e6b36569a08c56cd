#include "services/k8s/image_reports.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "libs/base/error.h"
#include "libs/base/json.h"
#include "libs/base/strings.h"
#include "services/k8s/clean_text.h"
#include "services/k8s/picture.h"

namespace opsmesh::k8s {
namespace {

using nlohmann::json;

constexpr size_t kMostFiles = 200;
constexpr uintmax_t kMostBytes = 64u << 20;

std::string Upper(std::string text) {
  for (char& c : text) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  return SeverityRank(text) == kSeverities.size() ? (text == "NEGLIGIBLE" ? "LOW" : "UNKNOWN")
                                                  : text;
}

std::string Str(const json& object, const char* key) {
  if (!object.is_object()) return "";
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? CleanText(found->get<std::string>(), 200)
                                                     : "";
}

const json& Member(const json& object, const char* key) {
  static const json kNull;
  if (!object.is_object()) return kNull;
  const auto found = object.find(key);
  return found == object.end() ? kNull : *found;
}

void AddTrivy(const json& results, const std::string& image, ImageReports* reports) {
  std::vector<Vulnerability>& list = (*reports)[NormalImage(image)];
  for (const json& result : results) {
    for (const json& v : Member(result, "Vulnerabilities")) {
      list.push_back({Str(v, "VulnerabilityID"), Upper(Str(v, "Severity")), Str(v, "PkgName"),
                      Str(v, "InstalledVersion"), Str(v, "FixedVersion"), Str(v, "Title")});
    }
  }
}

void AddGrype(const json& matches, const std::string& image, ImageReports* reports) {
  std::vector<Vulnerability>& list = (*reports)[NormalImage(image)];
  for (const json& match : matches) {
    const json& v = Member(match, "vulnerability");
    const json& artifact = Member(match, "artifact");
    const json& versions = Member(Member(v, "fix"), "versions");
    list.push_back({Str(v, "id"), Upper(Str(v, "severity")), Str(artifact, "name"),
                    Str(artifact, "version"),
                    versions.is_array() && !versions.empty() && versions[0].is_string()
                        ? CleanText(versions[0].get<std::string>(), 80)
                        : "",
                    Str(v, "description")});
  }
}

// VulnerabilityReport of the Trivy operator.
void AddOperatorReport(const json& report, ImageReports* reports) {
  const json& artifact = Member(report, "artifact");
  const std::string registry = Str(Member(report, "registry"), "server");
  std::string image = Str(artifact, "repository");
  if (!registry.empty() && registry != "index.docker.io") image = registry + "/" + image;
  if (const std::string tag = Str(artifact, "tag"); !tag.empty()) image += ":" + tag;
  std::vector<Vulnerability>& list = (*reports)[NormalImage(image)];
  for (const json& v : Member(report, "vulnerabilities")) {
    list.push_back({Str(v, "vulnerabilityID"), Upper(Str(v, "severity")), Str(v, "resource"),
                    Str(v, "installedVersion"), Str(v, "fixedVersion"), Str(v, "title")});
  }
}

}  // namespace

size_t SeverityRank(std::string_view severity) {
  return static_cast<size_t>(std::find(kSeverities.begin(), kSeverities.end(), severity) -
                             kSeverities.begin());
}

std::string NormalImage(std::string_view image) {
  for (std::string_view prefix : {"docker.io/library/", "index.docker.io/library/", "docker.io/",
                                  "index.docker.io/", "library/"}) {
    if (image.starts_with(prefix)) {
      image.remove_prefix(prefix.size());
      break;
    }
  }
  if (const size_t at = image.find('@');
      at != std::string_view::npos && image.substr(0, at).find(':') != std::string_view::npos)
    image = image.substr(0, at);
  return std::string(image);
}

absl::Status AddReport(std::string_view text, ImageReports* reports) {
  OPSMESH_ASSIGN_OR_RETURN(const json report, base::ParseJson(text));
  if (Member(report, "Results").is_array() || !Str(report, "ArtifactName").empty()) {
    AddTrivy(Member(report, "Results"), Str(report, "ArtifactName"), reports);
    return absl::OkStatus();
  }
  if (Member(report, "Resources").is_array()) {  // trivy k8s
    for (const json& resource : Member(report, "Resources")) {
      for (const json& result : Member(resource, "Results")) {
        std::string target = Str(result, "Target");
        AddTrivy(json::array({result}), target.substr(0, target.find(" (")), reports);
      }
    }
    return absl::OkStatus();
  }
  if (Member(report, "matches").is_array()) {
    const json& target = Member(Member(report, "source"), "target");
    AddGrype(Member(report, "matches"),
             target.is_string() ? target.get<std::string>() : Str(target, "userInput"), reports);
    return absl::OkStatus();
  }
  if (Str(report, "kind") == "VulnerabilityReport") {
    AddOperatorReport(Member(report, "report"), reports);
    return absl::OkStatus();
  }
  return base::InvalidArgument("report", "BAD_REPORT",
                               "This is no report of Trivy or Grype in JSON.")
      .Hint("Write it with `trivy image -f json` or `grype -o json`.");
}

ImageReports ReadReports(const std::string& path, Ledger& ledger) {
  ImageReports reports;
  std::error_code error;
  std::vector<std::filesystem::path> files;
  if (std::filesystem::is_directory(path, error)) {
    for (const auto& entry : std::filesystem::directory_iterator(path, error)) {
      if (entry.path().extension() == ".json") files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
  } else {
    files.emplace_back(path);
  }
  if (files.size() > kMostFiles) files.resize(kMostFiles);
  for (const std::filesystem::path& file : files) {
    LedgerEntry entry;
    entry.source = "scanner report";
    entry.subject = file.filename().string();
    const uintmax_t size = std::filesystem::file_size(file, error);
    std::ifstream in(file, std::ios::binary);
    if (error || !in || size > kMostBytes) {
      entry.reason = size > kMostBytes && !error ? "it is larger than 64 MiB" : "it cannot be read";
      ledger.Failed(std::move(entry));
      continue;
    }
    std::ostringstream text;
    text << in.rdbuf();
    if (const absl::Status status = AddReport(text.str(), &reports); !status.ok()) {
      entry.reason = std::string(base::ToStd(status.message()));
      ledger.Failed(std::move(entry));
    } else {
      ledger.Checked(std::move(entry));
    }
  }
  return reports;
}

void ReadOperatorReports(const ToolCall& call, std::string_view ns, ImageReports* reports,
                         Ledger& ledger) {
  const auto type = call.cluster.Resolve(call.ctx, "vulnerabilityreports");
  LedgerEntry entry;
  entry.source = "apiserver";
  entry.subject = "VulnerabilityReports of the Trivy operator";
  if (!type.ok()) return;  // not installed: nothing to say
  const auto listed = call.cluster.List(call.ctx, *type, ns, {.max_objects = 5000});
  if (!listed.ok()) {
    entry.reason = std::string(base::ToStd(listed.status().message()));
    return ledger.Failed(std::move(entry));
  }
  for (const kube::ObjectPtr& object : listed->items) {
    const auto parsed = base::ParseJson(object->root()["report"].Text());
    if (parsed.ok()) AddOperatorReport(*parsed, reports);
  }
  entry.total_count = static_cast<int64_t>(listed->items.size());
  ledger.Checked(std::move(entry));
}

}  // namespace opsmesh::k8s
