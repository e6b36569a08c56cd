#include "gateway/pages/pages.h"

#include <string>

#include "embed/opsmesh_gateway_pages.h"

namespace opsmesh::gateway {
namespace {

std::string_view ContentType(std::string_view name) {
  if (name.ends_with(".html")) return "text/html; charset=utf-8";
  if (name.ends_with(".css")) return "text/css; charset=utf-8";
  return "text/javascript; charset=utf-8";
}

}  // namespace

std::optional<Page> FindPage(std::string_view path) {
  constexpr std::string_view kParts = "/pages/";
  std::string_view name;
  if (path == "/") {
    name = "index.html";
  } else if (path == "/docs" || path == "/docs/") {
    name = "docs.html";
  } else if (path.starts_with(kParts) && !path.ends_with(".html")) {
    name = path.substr(kParts.size());
  }
  const std::string_view bytes = name.empty() ? std::string_view() : pages::EmbeddedFile(name);
  if (bytes.data() == nullptr) return std::nullopt;
  return Page{ContentType(name), bytes};
}

}  // namespace opsmesh::gateway
