// Kubernetes quantities: "250m", "1.5Gi", "1e3", "12E".
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace opsmesh::kube {

/// Value in base units (cores, bytes, pieces) or nullopt when `text` is no quantity. Suffixes n u m
/// k M G T P E, Ki Mi Gi Ti Pi Ei, or a decimal exponent; "1E" is exa, "1E3" an exponent. Negative
/// values are quantities, too.
std::optional<double> ParseQuantity(std::string_view text);

/// For people: cores as "250m" or "1.5", bytes as "12Mi" or "1.5Gi".
std::string FormatCpu(double cores);
std::string FormatBytes(double bytes);

}  // namespace opsmesh::kube
