// A request as the apiserver understands it: path, verb, resource, options, user. Parsing only;
// nothing here answers.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libs/kubesim/store/api_status.h"
#include "libs/kubesim/store/resources.h"

namespace opsmesh::kubesim {

/// Who asks, after authentication and impersonation.
struct User {
  std::string name = "system:anonymous";
  std::string uid;
  std::vector<std::string> groups = {"system:unauthenticated"};
  std::map<std::string, std::vector<std::string>> extra;

  bool InGroup(std::string_view group) const;
};

/// The query, decoded; the first of repeated names counts, as in Go.
class Query {
 public:
  explicit Query(std::string_view raw = {});
  /// "" when absent.
  const std::string& Get(std::string_view name) const;
  bool Has(std::string_view name) const;
  std::vector<std::string> All(std::string_view name) const;
  /// "true", "1", "" (present without a value) are true.
  bool Flag(std::string_view name) const;
  const std::vector<std::pair<std::string, std::string>>& pairs() const { return pairs_; }

 private:
  std::vector<std::pair<std::string, std::string>> pairs_;
};

/// The parts of a path under /api or /apis. `is_resource` is false for everything else (discovery
/// included).
struct RequestInfo {
  bool is_resource = false;
  std::string
      verb;  // get list watch create update patch delete deletecollection, or the lower-case method
  std::string group;
  std::string version;
  std::string ns;
  std::string resource;  // plural as in the path
  std::string subresource;
  std::string name;
  std::vector<std::string> rest;  // segments after the subresource (proxy)
  std::string path;
};
RequestInfo ParseRequestInfo(std::string_view method, std::string_view path, const Query& query);

/// The name that a list or watch asks for with metadata.name=...; "" when it asks for no one name.
std::string SelectedName(const Query& query);

/// What form of answer the client asked for.
enum class Form { kObject, kTable, kMetadata };
struct Accepted {
  Form form = Form::kObject;
  bool yaml = false;
  bool pretty = false;
  bool metadata_list = false;  // kMetadata as PartialObjectMetadataList
  std::string version = "v1";  // of meta.k8s.io, for Tables and metadata: v1 or v1beta1
  std::string
      include;  // includeObject of Tables: "" and Metadata, Object, None; anything else is refused
};
/// 406 when none of the media types can be served. `routed` = a built-in kind, whose router judges
/// the bare types before; `collection` = the path of a list.
Outcome<Accepted> Negotiate(std::string_view accept, const Query& query, bool routed,
                            bool collection);

/// A media type with its parameters, lower case.
struct MediaRange {
  std::string type;
  std::map<std::string, std::string> parameters;
};
std::vector<MediaRange> ParseAccept(std::string_view accept);

}  // namespace opsmesh::kubesim
