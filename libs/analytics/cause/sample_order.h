// Which samples of a series lie before an onset and which after it. Pure.
#pragma once

#include <cstddef>
#include <vector>

namespace opsmesh::analytics {

/// Whether no stamp falls.
bool Rising(const std::vector<double>& times);

/// Position of the first sample at or after the onset. Stamps that do not rise (figures put
/// together from two periods) are no clock: then the sample whose stamp is nearest to the onset
/// begins the trouble.
size_t OnsetIndex(const std::vector<double>& times, double onset);

}  // namespace opsmesh::analytics
