// Writes response heads by hand: one append into one string, which is what makes an answer one
// write.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "libs/base/clock.h"
#include "libs/http_server/http_server.h"

namespace opsmesh::http_server {

/// How the end of a body is told.
enum class Framing { kLength, kChunked, kUntilClose, kNone };

struct HeadSpec {
  int status = 200;
  const Headers* headers = nullptr;
  Framing framing = Framing::kLength;
  uint64_t length = 0;  // with kLength
  bool keep_alive = true;
  bool http_1_0 = false;  // of the request: keep-alive must then be said
  std::string_view server_name;
};

/// Appends status line, our own fields (Date, Server, Content-Length or Transfer-Encoding,
/// Connection), the handler's fields (less those, and with line ends replaced, so that no value can
/// start a field), and the empty line.
void AppendHead(const HeadSpec& spec, const base::Clock& clock, std::string* out);

/// The standard phrase, or "Status".
std::string_view ReasonPhrase(int status);

/// True for answers that never have a body: 1xx, 204, 304.
inline bool IsBodiless(int status) { return status < 200 || status == 204 || status == 304; }

}  // namespace opsmesh::http_server
