#include "libs/http_client/url.h"

#include <curl/curl.h>

#include <cstdlib>
#include <memory>

#include "libs/base/error.h"

namespace opsmesh::http_client {
namespace {

struct CurlUrlDeleter {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};

std::string Part(CURLU* url, CURLUPart part, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, flags) != CURLUE_OK || text == nullptr) return "";
  std::string result(text);
  curl_free(text);
  return result;
}

base::Error Invalid(std::string_view why) {
  return base::InvalidArgument("url", "INVALID_URL",
                               "The URL cannot be used: " + std::string(why) + ".")
      .Hint(
          "Write an absolute URL such as https://host:port/path, without a user name or password "
          "in it.");
}

}  // namespace

absl::StatusOr<UrlParts> SplitUrl(const std::string& url) {
  for (const unsigned char c : url) {
    if (c <= 0x20 || c == 0x7f) return Invalid("it holds a space or a control character");
  }
  const std::unique_ptr<CURLU, CurlUrlDeleter> parsed(curl_url());
  if (curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), CURLU_NON_SUPPORT_SCHEME) !=
      CURLUE_OK) {
    return Invalid("it is not well-formed");
  }
  UrlParts parts;
  parts.scheme = Part(parsed.get(), CURLUPART_SCHEME);
  if (parts.scheme != "http" && parts.scheme != "https")
    return Invalid("its scheme is not http or https");
  if (!Part(parsed.get(), CURLUPART_USER).empty() ||
      !Part(parsed.get(), CURLUPART_PASSWORD).empty()) {
    return Invalid("it holds a user name or password");
  }
  parts.host = Part(parsed.get(), CURLUPART_HOST);
  if (parts.host.empty()) return Invalid("it names no host");
  parts.port_given = !Part(parsed.get(), CURLUPART_PORT).empty();
  parts.port = std::atoi(Part(parsed.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT).c_str());
  parts.target = Part(parsed.get(), CURLUPART_PATH);
  if (const std::string query = Part(parsed.get(), CURLUPART_QUERY); !query.empty())
    parts.target += "?" + query;
  return parts;
}

}  // namespace opsmesh::http_client
