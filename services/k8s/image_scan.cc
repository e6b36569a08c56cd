#include "services/k8s/image_scan.h"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "libs/base/error.h"
#include "services/k8s/fields.h"
#include "services/k8s/image_reports.h"
#include "services/k8s/json_writer.h"
#include "services/k8s/listing.h"
#include "services/k8s/picture.h"
#include "services/k8s/say.h"
#include "services/k8s/text_table.h"

namespace opsmesh::k8s {
namespace {

bool Floating(std::string_view image) {
  if (image.find('@') != std::string_view::npos) return false;
  const size_t slash = image.rfind('/'), colon = image.rfind(':');
  return colon == std::string_view::npos || (slash != std::string_view::npos && colon < slash) ||
         image.substr(colon) == ":latest";
}

using ImageUse = std::map<std::string, std::set<std::string>>;  // image -> pods

ImageUse ImagesOf(Picture& picture) {
  ImageUse images;
  ForEach<kube::Pod>(picture.In("pods"), [&](const kube::Object& object, const kube::Pod& pod) {
    for (const auto* list : {&pod.spec.init_containers, &pod.spec.containers}) {
      for (const kube::Container& c : *list)
        images[std::string(c.image)].insert(object.meta().full_name());
    }
  });
  return images;
}

/// The answer as it grows, image by image.
class ScanAnswer {
 public:
  ScanAnswer(const ImageUse& images, std::string_view least_severity, size_t limit)
      : images_(images), least_(SeverityRank(least_severity)), limit_(limit) {}

  ToolResult Write(const ImageReports& reports, Picture& picture) {
    json_.BeginObject().Field("images_total", Total()).Key("items").BeginArray();
    for (const auto& [image, pods] : images_) {
      const auto report = reports.find(NormalImage(image));
      Image(image, pods.size(), report == reports.end() ? nullptr : &report->second);
    }
    json_.EndArray()
        .Field("scanned", scanned_)
        .Field("critical", critical_)
        .Field("high", high_)
        .Field("floating_tags", floating_)
        .EndObject();
    out_.json = json_.Take();
    Describe(PlaceOf(TypeOf("pods"), picture.ns()));
    if (scanned_ < Total()) NoteUnscanned(picture.ledger());
    out_.untrusted = scanned_ > 0;
    out_.AddFact("images.total", Total());
    out_.AddFact("images.scanned", scanned_);
    out_.AddFact("vulnerabilities.critical", critical_);
    out_.AddFact("vulnerabilities.high", high_);
    out_.AddFact("images.floating_tag", floating_);
    out_.ledger = picture.ledger();
    return std::move(out_);
  }

 private:
  int64_t Total() const { return static_cast<int64_t>(images_.size()); }

  void Image(const std::string& image, size_t pods, const std::vector<Vulnerability>* list) {
    json_.BeginObject()
        .Field("image", image)
        .Field("pods", pods)
        .Field("scanned", list != nullptr)
        .Field("floating_tag", Floating(image))
        .Key("vulnerabilities")
        .BeginArray();
    if (list != nullptr) Vulnerabilities(image, *list);
    json_.EndArray().EndObject();
    const auto count = [list](std::string_view severity) {
      return list == nullptr ? 0 : std::count_if(list->begin(), list->end(), [&](const auto& v) {
        return v.severity == severity;
      });
    };
    const int64_t critical = count("CRITICAL"), high = count("HIGH");
    scanned_ += list != nullptr;
    floating_ += Floating(image);
    critical_ += critical;
    high_ += high;
    table_.AddRow({image, std::to_string(pods), list ? "yes" : "no",
                   list ? std::to_string(critical) : "-", list ? std::to_string(high) : "-",
                   Floating(image) ? "latest" : "fixed"});
  }

  // Worst first, up to the limit.
  void Vulnerabilities(const std::string& image, std::vector<Vulnerability> list) {
    std::stable_sort(list.begin(), list.end(), [](const auto& a, const auto& b) {
      return SeverityRank(a.severity) < SeverityRank(b.severity);
    });
    size_t shown = 0;
    for (const Vulnerability& v : list) {
      if (SeverityRank(v.severity) > least_) continue;
      if (shown++ >= limit_) {
        out_.truncated = true;
        continue;
      }
      json_.BeginObject()
          .Field("id", v.id)
          .Field("severity", v.severity)
          .Field("package", v.package)
          .Field("installed", v.installed)
          .OptionalField("fixed", v.fixed)
          .OptionalField("title", v.title)
          .EndObject();
      if (worst_.size() < limit_)
        worst_.AddRow(
            {image, v.id, v.severity, v.package, v.installed, v.fixed.empty() ? "-" : v.fixed});
    }
  }

  void Describe(const Text& place) {
    out_.text =
        scanned_ == 0
            ? Say("{0}使用 {2} 个镜像，没有任何扫描报告，漏洞情况未知；{3} "
                  "个镜像没有固定版本（latest）。\n\n",
                  "{2} images are in use {1}; none has a scanner's report, so nothing is "
                  "known about vulnerabilities; {3} have no fixed version (latest).\n\n",
                  place.zh, place.en, images_.size(), floating_)
            : Say("{0}使用 {2} 个镜像，{3} 个有扫描报告：{4} 个严重漏洞，{5} 个高危漏洞；{6} "
                  "个镜像没有固定版本（latest）。\n\n",
                  "{2} images are in use {1}, {3} have a scanner's report: {4} critical and "
                  "{5} high vulnerabilities; {6} images have no fixed version (latest).\n\n",
                  place.zh, place.en, images_.size(), scanned_, critical_, high_, floating_);
    out_.text.AppendBoth(table_.Render());
    if (!worst_.empty()) out_.text.AppendBoth("\n" + worst_.Render());
  }

  void NoteUnscanned(Ledger& ledger) {
    out_.text +=
        Say("\n{0} 个镜像没有报告：用 trivy 或 grype 生成 JSON 报告放到 k8s.image_reports "
            "指定的目录，或安装 Trivy operator。",
            "\n{0} images have no report: put JSON reports of trivy or grype into the folder that "
            "k8s.image_reports names, or install the Trivy operator.",
            Total() - scanned_);
    LedgerEntry entry;
    entry.source = "scanner report";
    entry.subject = "images without a report";
    entry.reason = "OpsMesh scans no image itself; nothing is known about their vulnerabilities";
    entry.shown_count = scanned_;
    entry.total_count = Total();
    ledger.NotChecked(std::move(entry));
  }

  const ImageUse& images_;
  const size_t least_;
  const size_t limit_;
  ToolResult out_;
  JsonWriter json_;
  TextTable table_{{"IMAGE", "PODS", "SCANNED", "CRITICAL", "HIGH", "TAG"}};
  TextTable worst_{{"IMAGE", "CVE", "SEVERITY", "PACKAGE", "INSTALLED", "FIXED"}};
  int64_t scanned_ = 0, floating_ = 0, critical_ = 0, high_ = 0;
};

}  // namespace

absl::StatusOr<ToolResult> ScanImages(const ToolCall& call, const std::string& reports_path) {
  OPSMESH_ASSIGN_OR_RETURN(Picture picture, PodPicture(call, NamespaceOf(call)));
  ImageReports reports;
  if (!reports_path.empty()) reports = ReadReports(reports_path, picture.ledger());
  ReadOperatorReports(call, picture.ns(), &reports, picture.ledger());
  const ImageUse images = ImagesOf(picture);
  ScanAnswer answer(images, call.arguments.String("severity", "HIGH"),
                    static_cast<size_t>(call.arguments.Integer("limit", 50)));
  return answer.Write(reports, picture);
}

}  // namespace opsmesh::k8s
