#include "libs/llm_provider/base_url.h"

#include "fmt/format.h"
#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "libs/llm_provider/selection.h"

namespace opsmesh::llm_provider {

UrlHead SplitHead(std::string_view url) {
  UrlHead head;
  const size_t colon = url.find("://");
  if (colon != std::string_view::npos) {
    head.scheme = base::AsciiLower(url.substr(0, colon));
    url.remove_prefix(colon + 3);
  }
  const size_t slash = url.find('/');
  std::string_view authority = url.substr(0, slash);
  if (slash != std::string_view::npos) head.rest = url.substr(slash);
  if (authority.starts_with('[')) {
    head.host = authority.substr(0, authority.find(']') + 1);
  } else {
    head.host = authority.substr(0, authority.find(':'));
  }
  return head;
}

bool IsLoopback(std::string_view host) {
  return host == "localhost" || host == "[::1]" || host.starts_with("127.") || host == "0.0.0.0";
}

absl::StatusOr<std::string> NormalizeBaseUrl(std::string_view url, std::string_view path) {
  url = base::Trim(url);
  UrlHead head = SplitHead(url);
  const auto refuse = [&]() -> absl::Status {
    return base::InvalidArgument("llm.base_url", "LLM_BASE_URL",
                                 fmt::format("'{}' is no address of an LLM.", url))
        .Hint(
            "Write it as https://host/v1, http://host:port/v1 or vllm://host:port; keys go into "
            "llm.api_key.");
  };
  if (head.host.empty() || url.find_first_of(" \t\r\n\"<>?#@") != std::string_view::npos)
    return refuse();
  std::string scheme = head.scheme;
  if (scheme == "vllm" || scheme == "ollama" || (scheme.empty() && IsLoopback(head.host)))
    scheme = "http";
  if (scheme.empty()) scheme = "https";
  if (scheme != "http" && scheme != "https") return refuse();
  const size_t after = head.scheme.empty() ? 0 : url.find("://") + 3;
  std::string rest(url.substr(after));
  constexpr std::string_view kEndpoint = "/chat/completions";
  while (rest.ends_with('/')) rest.pop_back();
  if (rest.ends_with(kEndpoint)) rest.resize(rest.size() - kEndpoint.size());
  while (rest.ends_with('/')) rest.pop_back();
  if (rest.find('/') == std::string::npos) rest += path;
  return scheme + "://" + rest;
}

}  // namespace opsmesh::llm_provider
