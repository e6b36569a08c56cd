#include <string>
#include <string_view>

#include "libs/base/strings.h"
#include "libs/http_server/http_server.h"

namespace opsmesh::http_server {

void Headers::Set(std::string_view name, std::string value) {
  std::erase_if(fields_,
                [&](const auto& field) { return base::EqualsIgnoreAsciiCase(field.first, name); });
  Add(std::string(name), std::move(value));
}

std::string_view Headers::Get(std::string_view name) const {
  for (const auto& [key, value] : fields_) {
    if (key.size() == name.size() && base::EqualsIgnoreAsciiCase(key, name)) return value;
  }
  return {};
}

bool Headers::Has(std::string_view name) const {
  for (const auto& [key, value] : fields_) {
    if (key.size() == name.size() && base::EqualsIgnoreAsciiCase(key, name)) return true;
  }
  return false;
}

std::string FormatSse(std::string_view data, std::string_view event) {
  std::string out;
  out.reserve(data.size() + event.size() + 24);
  if (!event.empty()) {
    out.append("event: ");
    // A line end here would let the text start a field of its own.
    for (const char c : event) out.push_back(c == '\n' || c == '\r' ? ' ' : c);
    out.push_back('\n');
  }
  // CR, LF and CRLF all end a line for a reader of events, so each needs a "data: " of its own.
  out.append("data: ");
  for (size_t i = 0; i < data.size(); ++i) {
    if (data[i] == '\r' || data[i] == '\n') {
      if (data[i] == '\r' && i + 1 < data.size() && data[i + 1] == '\n') ++i;
      out.append("\ndata: ");
    } else {
      out.push_back(data[i]);
    }
  }
  out.append("\n\n");
  return out;
}

}  // namespace opsmesh::http_server
