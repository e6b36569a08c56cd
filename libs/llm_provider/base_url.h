// Addresses of LLM servers taken apart. What people write becomes a base URL in NormalizeBaseUrl
// (selection.h). Pure.
#pragma once

#include <string>
#include <string_view>

namespace opsmesh::llm_provider {

struct UrlHead {
  std::string scheme;
  std::string host;  // without user info and port
  std::string rest;  // path
};

UrlHead SplitHead(std::string_view url);

/// This machine by name or number; "0.0.0.0" counts, people write it for their own server.
bool IsLoopback(std::string_view host);

}  // namespace opsmesh::llm_provider
