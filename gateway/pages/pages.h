// The static pages of the gateway: a question box at "/" and the API documents at "/docs".
// Embedded, no third-party host.
#pragma once

#include <optional>
#include <string_view>

namespace opsmesh::gateway {

/// A file as it is served.
struct Page {
  std::string_view content_type;
  std::string_view bytes;  // lives as long as the process
};

/// "/" and "/docs" are pages; "/pages/<name>" are their parts. nullopt for any other path.
std::optional<Page> FindPage(std::string_view path);

}  // namespace opsmesh::gateway
