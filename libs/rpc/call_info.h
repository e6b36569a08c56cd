// What a handler may know about a call beside its Context: needed by few (webhooks, replies in the
// person's language).
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace opsmesh::rpc {

/// Facts of one incoming call. Immutable.
struct CallInfo {
  std::string method;    // "opsmesh.chat.v1.ChatService/ReceiveSlack"
  std::string caller;    // service that calls: "gateway"; "" = from outside the mesh
  std::string language;  // accept-language as received; "" = none
  /// HTTP headers the gateway passed on, by lower-case name without prefix ("x-slack-signature").
  /// Only from the gateway.
  std::map<std::string, std::string> http_headers;

  /// Value of an HTTP header by its lower-case name, "" when absent.
  std::string_view HttpHeader(const std::string& name) const {
    const auto it = http_headers.find(name);
    return it == http_headers.end() ? std::string_view() : std::string_view(it->second);
  }
  /// True when the person reads Chinese: the first tag of `language` is zh.
  bool PrefersChinese() const { return language.starts_with("zh"); }
};

}  // namespace opsmesh::rpc
