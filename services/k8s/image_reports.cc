#include "services/k8s/image_reports.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "libs/base/error.h"
#include "libs/base/json.h"
#include "libs/base/strings.h"
#include "services/k8s/clean_text.h"
#include "services/k8s/fields.h"
#include "services/k8s/json_writer.h"
#include "services/k8s/listing.h"
#include "services/k8s/picture.h"
#include "services/k8s/say.h"
#include "services/k8s/text_table.h"

namespace opsmesh::k8s {
namespace {

using nlohmann::json;

constexpr std::array<std::string_view, 5> kSeverities = {"CRITICAL", "HIGH", "MEDIUM", "LOW",
                                                         "UNKNOWN"};
constexpr size_t kMostFiles = 200;
constexpr uintmax_t kMostBytes = 64u << 20;

std::string Upper(std::string text) {
  for (char& c : text) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  return std::find(kSeverities.begin(), kSeverities.end(), text) == kSeverities.end()
             ? (text == "NEGLIGIBLE" ? "LOW" : "UNKNOWN")
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

void ReadFromCluster(const ToolCall& call, std::string_view ns, ImageReports* reports,
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

bool Floating(std::string_view image) {
  if (image.find('@') != std::string_view::npos) return false;
  const size_t slash = image.rfind('/'), colon = image.rfind(':');
  return colon == std::string_view::npos || (slash != std::string_view::npos && colon < slash) ||
         image.substr(colon) == ":latest";
}

}  // namespace

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

absl::StatusOr<ToolResult> ScanImages(const ToolCall& call, const std::string& reports_path) {
  OPSMESH_ASSIGN_OR_RETURN(Picture picture, PodPicture(call, NamespaceOf(call)));
  ImageReports reports;
  if (!reports_path.empty()) reports = ReadReports(reports_path, picture.ledger());
  ReadFromCluster(call, picture.ns(), &reports, picture.ledger());
  std::map<std::string, std::set<std::string>> images;  // image -> pods
  ForEach<kube::Pod>(picture.In("pods"), [&](const kube::Object& object, const kube::Pod& pod) {
    for (const auto* list : {&pod.spec.init_containers, &pod.spec.containers}) {
      for (const kube::Container& c : *list)
        images[std::string(c.image)].insert(object.meta().full_name());
    }
  });
  const std::string least = call.arguments.String("severity", "HIGH");
  const auto rank = [](std::string_view severity) {
    return std::find(kSeverities.begin(), kSeverities.end(), severity) - kSeverities.begin();
  };
  const auto limit = static_cast<size_t>(call.arguments.Integer("limit", 50));
  ToolResult out;
  int64_t scanned = 0, floating = 0, found = 0, critical = 0, high = 0;
  TextTable table({"IMAGE", "PODS", "SCANNED", "CRITICAL", "HIGH", "TAG"}),
      worst({"IMAGE", "CVE", "SEVERITY", "PACKAGE", "INSTALLED", "FIXED"});
  JsonWriter json_out;
  json_out.BeginObject()
      .Field("images_total", static_cast<int64_t>(images.size()))
      .Key("items")
      .BeginArray();
  for (const auto& [image, pods] : images) {
    const auto report = reports.find(NormalImage(image));
    const bool known = report != reports.end();
    int64_t own_critical = 0, own_high = 0;
    json_out.BeginObject()
        .Field("image", image)
        .Field("pods", static_cast<int64_t>(pods.size()))
        .Field("scanned", known)
        .Field("floating_tag", Floating(image))
        .Key("vulnerabilities")
        .BeginArray();
    if (known) {
      std::vector<Vulnerability> list = report->second;
      std::stable_sort(list.begin(), list.end(), [&](const auto& a, const auto& b) {
        return rank(a.severity) < rank(b.severity);
      });
      size_t shown = 0;
      for (const Vulnerability& v : list) {
        own_critical += v.severity == "CRITICAL";
        own_high += v.severity == "HIGH";
        if (rank(v.severity) > rank(least)) continue;
        ++found;
        if (shown++ >= limit) {
          out.truncated = true;
          continue;
        }
        json_out.BeginObject()
            .Field("id", v.id)
            .Field("severity", v.severity)
            .Field("package", v.package)
            .Field("installed", v.installed)
            .OptionalField("fixed", v.fixed)
            .OptionalField("title", v.title)
            .EndObject();
        if (worst.size() < limit)
          worst.AddRow(
              {image, v.id, v.severity, v.package, v.installed, v.fixed.empty() ? "-" : v.fixed});
      }
    }
    json_out.EndArray().EndObject();
    scanned += known;
    floating += Floating(image);
    critical += own_critical;
    high += own_high;
    table.AddRow({image, std::to_string(pods.size()), known ? "yes" : "no",
                  known ? std::to_string(own_critical) : "-",
                  known ? std::to_string(own_high) : "-", Floating(image) ? "latest" : "fixed"});
  }
  json_out.EndArray()
      .Field("scanned", scanned)
      .Field("critical", critical)
      .Field("high", high)
      .Field("floating_tags", floating)
      .EndObject();
  out.json = json_out.Take();
  const Text place = PlaceOf(TypeOf("pods"), picture.ns());
  out.text = scanned == 0
                 ? Say("{0}使用 {2} 个镜像，没有任何扫描报告，漏洞情况未知；{3} "
                       "个镜像没有固定版本（latest）。\n\n",
                       "{2} images are in use {1}; none has a scanner's report, so nothing is "
                       "known about vulnerabilities; {3} have no fixed version (latest).\n\n",
                       place.zh, place.en, images.size(), floating)
                 : Say("{0}使用 {2} 个镜像，{3} 个有扫描报告：{4} 个严重漏洞，{5} 个高危漏洞；{6} "
                       "个镜像没有固定版本（latest）。\n\n",
                       "{2} images are in use {1}, {3} have a scanner's report: {4} critical and "
                       "{5} high vulnerabilities; {6} images have no fixed version (latest).\n\n",
                       place.zh, place.en, images.size(), scanned, critical, high, floating);
  out.text.AppendBoth(table.Render());
  if (!worst.empty()) out.text.AppendBoth("\n" + worst.Render());
  const auto total = static_cast<int64_t>(images.size());
  if (scanned < total) {
    out.text +=
        Say("\n{0} 个镜像没有报告：用 trivy 或 grype 生成 JSON 报告放到 k8s.image_reports "
            "指定的目录，或安装 Trivy operator。",
            "\n{0} images have no report: put JSON reports of trivy or grype into the folder that "
            "k8s.image_reports names, or install the Trivy operator.",
            total - scanned);
    LedgerEntry entry;
    entry.source = "scanner report";
    entry.subject = "images without a report";
    entry.reason = "OpsMesh scans no image itself; nothing is known about their vulnerabilities";
    entry.shown_count = scanned;
    entry.total_count = total;
    picture.ledger().NotChecked(std::move(entry));
  }
  out.untrusted = scanned > 0;
  out.AddFact("images.total", total);
  out.AddFact("images.scanned", scanned);
  out.AddFact("vulnerabilities.critical", critical);
  out.AddFact("vulnerabilities.high", high);
  out.AddFact("images.floating_tag", floating);
  out.ledger = picture.ledger();
  return out;
}

}  // namespace opsmesh::k8s
