// The contract as the gateway reads it: every RPC with its policy and HTTP bindings, from a
// descriptor set. Immutable.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gateway/contract/http_template.h"
#include "libs/base/principal.h"

namespace google::protobuf {
class DescriptorPool;
class MethodDescriptor;
}  // namespace google::protobuf

namespace opsmesh::gateway {

/// The most an RPC changes; the numbers equal opsmesh.type.v1.Effect.
enum class Effect { kRead = 1, kWrite = 2, kCluster = 3 };

/// How its errors look over HTTP.
enum class ErrorStyle { kHouse, kDetail };

/// One RPC with its policy (opsmesh.type.v1.RpcPolicy), defaults filled in.
struct Rpc {
  const google::protobuf::MethodDescriptor* method = nullptr;
  std::string service;  // "opsmesh.chat.v1.ChatService"
  std::string path;     // "/opsmesh.chat.v1.ChatService/Chat", as gRPC names it
  std::string name;     // "ChatService.Chat"
  bool server_streaming = false;
  bool raw_request = false;  // google.api.HttpBody
  bool raw_response = false;

  base::Role role = base::Role::kAdmin;
  Effect effect = Effect::kCluster;
  size_t max_request_bytes = 0;
  absl::Duration timeout;
  bool signed_webhook = false;
  ErrorStyle error_style = ErrorStyle::kHouse;
  std::string tag;
};

/// One HTTP route to an RPC.
struct Binding {
  const Rpc* rpc = nullptr;
  std::string http_method;  // upper case
  HttpTemplate path;
  std::string body;           // "*", a field's name, or "" = no body
  std::string response_body;  // a field's name, or "" = the whole message
  int index = 0;              // 0 = the rule itself, 1.. = additional bindings
};

/// Reads once, then immutable and thread-safe.
class Contract {
 public:
  /// FAILED_PRECONDITION (CONTRACT) with a sentence: bytes that are no descriptor set, an RPC
  /// without role or effect, a template that does not parse, client streaming with an http rule.
  static absl::StatusOr<std::unique_ptr<Contract>> Load(std::string_view descriptor_set);
  ~Contract();

  const google::protobuf::DescriptorPool& pool() const { return *pool_; }
  /// In the order of the files' names and of declaration.
  const std::vector<std::unique_ptr<Rpc>>& rpcs() const { return rpcs_; }
  const std::vector<std::unique_ptr<Binding>>& bindings() const { return bindings_; }

 private:
  Contract();
  absl::Status AddRpc(const google::protobuf::MethodDescriptor& method);

  std::unique_ptr<google::protobuf::DescriptorPool> pool_;
  std::vector<std::unique_ptr<Rpc>> rpcs_;
  std::vector<std::unique_ptr<Binding>> bindings_;
};

/// The descriptor set of OpsMesh's own contract, built into the library.
std::string_view OwnDescriptorSet();

}  // namespace opsmesh::gateway
