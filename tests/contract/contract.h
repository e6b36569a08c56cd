// The whole contract as descriptors: what the tests in this folder and the golden file are made
// from.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "google/protobuf/descriptor.h"

namespace opsmesh::contract {

/// One HTTP route of an RPC.
struct Binding {
  std::string http_method;    // upper case
  std::string path_template;  // as in google.api.http
  std::string body;           // field the body fills, "*" or empty
  std::string response_body;  // field the answer is taken from, or empty
};

/// Descriptors with comments, built from the descriptor set that the build writes. Immutable.
class Contract {
 public:
  /// Reads a FileDescriptorSet with imports and source info.
  static absl::StatusOr<std::unique_ptr<Contract>> Load(const std::string& path);

  /// Our own files (package opsmesh.*), ordered by name.
  const std::vector<const google::protobuf::FileDescriptor*>& files() const { return files_; }
  /// Every service, ordered by full name.
  std::vector<const google::protobuf::ServiceDescriptor*> Services() const;
  /// Every RPC, in the order of its file.
  std::vector<const google::protobuf::MethodDescriptor*> Methods() const;

 private:
  google::protobuf::DescriptorPool pool_;
  std::vector<const google::protobuf::FileDescriptor*> files_;
};

/// Routes of `method`: the rule itself first, then its additional bindings; empty when it has none.
std::vector<Binding> BindingsOf(const google::protobuf::MethodDescriptor& method);

/// True when `path` ("/apps/a/users/u") is an instance of `path_template`
/// ("/apps/{app}/users/{user}").
bool MatchesTemplate(std::string_view path_template, std::string_view path);

/// The contract as text: services, RPCs, routes, policies, messages, fields and numbers, without
/// comments.
std::string Render(const Contract& contract);

/// Leading comment of an element, trimmed; empty when it has none.
template <typename Descriptor>
std::string CommentOf(const Descriptor& descriptor) {
  google::protobuf::SourceLocation location;
  if (!descriptor.GetSourceLocation(&location)) return "";
  std::string text = location.leading_comments;
  const size_t first = text.find_first_not_of(" \n\t");
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(" \n\t") - first + 1);
}

}  // namespace opsmesh::contract
