#include "services/rca/call_hints.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "nlohmann/json.hpp"

namespace opsmesh::rca {
namespace {

using nlohmann::json;

constexpr size_t kMaxBytes = 1 << 20;
constexpr auto kAddressWords = std::to_array<std::string_view>(
    {"HOST", "ADDR", "URL", "URI", "ENDPOINT", "SERVICE", "SERVER", "DSN", "BROKER", "UPSTREAM"});

bool HostChar(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
}

bool NamesAnAddress(std::string variable) {
  for (char& c : variable) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return std::any_of(kAddressWords.begin(), kAddressWords.end(), [&](std::string_view word) {
    return variable.find(word) != std::string::npos;
  });
}

void Scan(std::string_view text, bool address, const std::string& ns, const ServiceNames& services,
          ServiceNames& found) {
  for (size_t i = 0; i < text.size();) {
    if (!HostChar(text[i])) {
      ++i;
      continue;
    }
    const size_t from = i;
    while (i < text.size() && HostChar(text[i])) ++i;
    const std::string_view host = text.substr(from, i - from);
    const bool scheme = from >= 3 && text.substr(from - 3, 3) == "://";
    const bool user = from >= 1 && text[from - 1] == '@';
    const bool port =
        i + 1 < text.size() && text[i] == ':' && text[i + 1] >= '0' && text[i + 1] <= '9';
    const size_t dot = host.find('.');
    const std::string name(host.substr(0, dot));
    std::string other = ns;
    if (dot != std::string_view::npos) {
      const std::string_view rest = host.substr(dot + 1);
      other = std::string(rest.substr(0, rest.find('.')));
      const std::string_view domain =
          rest.size() > other.size() ? rest.substr(other.size() + 1) : std::string_view();
      if (!domain.empty() && !domain.starts_with("svc")) continue;
    } else if (!scheme && !port && !user && !(address && host == text)) {
      continue;
    }
    if (services.contains({other, name})) found.emplace(other, name);
  }
}

void ScanContainer(const json& container, const std::string& ns, const ServiceNames& services,
                   ServiceNames& found) {
  for (const char* list : {"args", "command"}) {
    for (const json& word : container.value(list, json::array())) {
      if (word.is_string()) Scan(word.get_ref<const std::string&>(), false, ns, services, found);
    }
  }
  for (const json& variable : container.value("env", json::array())) {
    if (!variable.is_object()) continue;
    const auto value = variable.find("value");
    const auto name = variable.find("name");
    if (value == variable.end() || !value->is_string()) continue;
    const bool address =
        name != variable.end() && name->is_string() && NamesAnAddress(name->get<std::string>());
    Scan(value->get_ref<const std::string&>(), address, ns, services, found);
  }
}

}  // namespace

ServiceNames CallHints(std::string_view object, const std::string& ns,
                       const ServiceNames& services) {
  ServiceNames found;
  if (object.size() > kMaxBytes) return found;
  const json root = json::parse(object, nullptr, /*allow_exceptions=*/false);
  const json::json_pointer spec("/spec/template/spec");
  if (!root.is_object() || !root.contains(spec) || !root.at(spec).is_object()) return found;
  for (const char* list : {"containers", "initContainers"}) {
    const auto containers = root.at(spec).find(list);
    if (containers == root.at(spec).end() || !containers->is_array()) continue;
    for (const json& container : *containers) {
      if (container.is_object()) ScanContainer(container, ns, services, found);
    }
  }
  return found;
}

}  // namespace opsmesh::rca
