// Reports of image scanners, read from files or from the cluster: Trivy JSON, Grype JSON, Trivy
// operator's VulnerabilityReports. OpsMesh scans nothing itself and asks no server: it joins what a
// scanner wrote with what runs.
#pragma once

#include <array>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "services/k8s/tool.h"

namespace opsmesh::k8s {

struct Vulnerability {
  std::string id;        // "CVE-2024-1234"
  std::string severity;  // "CRITICAL", "HIGH", "MEDIUM", "LOW", "UNKNOWN"
  std::string package;
  std::string installed;
  std::string fixed;  // "" = no fixed version known
  std::string title;
};

/// Worst first.
inline constexpr std::array<std::string_view, 5> kSeverities = {"CRITICAL", "HIGH", "MEDIUM", "LOW",
                                                                "UNKNOWN"};
/// Place in kSeverities; their number for any other word.
size_t SeverityRank(std::string_view severity);

/// By image, as the scanner wrote it.
using ImageReports = std::map<std::string, std::vector<Vulnerability>>;

/// Adds the vulnerabilities of one report. INVALID_ARGUMENT (BAD_REPORT) when it is none of the
/// formats.
absl::Status AddReport(std::string_view json, ImageReports* reports);
/// Reads a file, or every *.json of a folder; at most 200 files of 64 MiB. Notes in the ledger what
/// was read and what failed.
ImageReports ReadReports(const std::string& path, Ledger& ledger);

/// Adds the VulnerabilityReports of the Trivy operator, where it is installed; "" = all namespaces.
void ReadOperatorReports(const ToolCall& call, std::string_view ns, ImageReports* reports,
                         Ledger& ledger);

/// "docker.io/library/nginx:1.27" and "nginx:1.27" are the same image.
std::string NormalImage(std::string_view image);

}  // namespace opsmesh::k8s
