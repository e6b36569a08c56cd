#include "libs/kubesim/api/reads.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <tuple>

#include "libs/base/json.h"
#include "libs/base/strings.h"
#include "libs/kubesim/api/json_text.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

// Where a page ends: the version listed at (-1: whatever is now) and the key to go on after, as the
// real token holds.
struct Token {
  int64_t version = 0;
  std::string start;  // "ns/name\0"

  std::string Encode() const {
    std::string text = base::Base64Encode(
        Json({{"v", "meta.k8s.io/v1"}, {"rv", version}, {"start", start}}).dump());
    while (text.ends_with('=')) text.pop_back();
    std::replace(text.begin(), text.end(), '+', '-');
    std::replace(text.begin(), text.end(), '/', '_');
    return text;
  }

  static Outcome<Token> Decode(const std::string& text) {
    auto invalid = [](const std::string& why) {
      return BadRequestStatus("invalid continue token: continue key is not valid: " + why);
    };
    std::string decoded;
    if (!base::Base64Decode(text, &decoded)) {
      const size_t odd = text.find_first_not_of(
          "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");
      return invalid(
          fmt::format("illegal base64 data at input byte {}", std::min(odd, text.size())));
    }
    Json json;
    if (const JsonText read = ReadJsonText(decoded, &json, false); !read.fault.empty())
      return invalid(read.fault);
    if (TextAt(json, "v") != "meta.k8s.io/v1")
      return invalid(
          fmt::format("server does not recognize this encoded version {}", TextAt(json, "v")));
    if (!At(json, "rv").is_number_integer())
      return invalid("incorrect encoded start resourceVersion (version meta.k8s.io/v1)");
    Token token{At(json, "rv").get<int64_t>(), TextAt(json, "start")};
    if (token.version == 0)
      return invalid("incorrect encoded start resourceVersion (version meta.k8s.io/v1)");
    if (token.start.empty()) return invalid("encoded start key empty (version meta.k8s.io/v1)");
    // A key that would climb out of its kind's part of the store.
    for (std::string_view part : base::Split(token.start, '/')) {
      if (part == "." || part == "..") return invalid(token.start);
    }
    return token;
  }
};

std::string KeyOf(const Object& object, std::string_view ns) {
  return ns.empty() && !object.ns.empty() ? object.ns + "/" + object.name : object.name;
}

struct ListOptions {
  size_t limit = 0;
  std::optional<uint64_t> version;
  bool exact = false;
  std::optional<Token> token;
};

Outcome<ListOptions> OptionsOf(const Call& call) {
  ListOptions options;
  auto limit = NumberOf(call.query, "limit");
  if (!limit.ok()) return limit.status();
  options.limit = limit->value_or(0) > 0 ? static_cast<size_t>(**limit) : 0;
  if (auto seconds = NumberOf(call.query, "timeoutSeconds"); !seconds.ok()) return seconds.status();
  if (auto refused = CheckListOptions(call)) return *refused;
  const std::string& match = call.query.Get("resourceVersionMatch");
  // The store itself is asked where its cache cannot answer; it words things its own way.
  const bool from_store = match == "Exact" || (match.empty() && options.limit > 0);
  auto version = VersionOf(call);
  if (!version.ok() && from_store) {
    return BadRequestStatus("invalid resource version: " + version.status().message);
  }
  if (!version.ok()) return version.status();
  options.version = *version;
  options.exact = from_store;
  // "Any version will do" is answered from the cache, which knows no pages.
  if (options.version == 0 && !call.query.Has("continue")) options.limit = 0;
  if (const std::string& text = call.query.Get("continue"); !text.empty()) {
    auto token = Token::Decode(text);
    if (!token.ok()) return token.status();
    options.token = *std::move(token);
    if (options.version.value_or(0) != 0) {
      return BadRequestStatus("specifying resource version is not allowed when using continue");
    }
  }
  return options;
}

// The snapshot the options ask for.
Outcome<Snapshot> SnapshotOf(const Cluster& cluster, const Call& call, const ListOptions& options) {
  const ResourceType& type = *call.type;
  const std::string& ns = call.info.ns;
  const uint64_t current = cluster.store.resource_version();
  const bool future = options.token && options.token->version > 0 &&
                      static_cast<uint64_t>(options.token->version) > current;
  if (future || (options.exact && options.version.value_or(0) > current)) {
    return ApiStatus{.code = 500,
                     .message = "etcdserver: mvcc: required revision is a future revision"};
  }
  if (options.token && options.token->version > 0) {
    auto past = cluster.store.ListAt(type, ns, static_cast<uint64_t>(options.token->version));
    if (past) return *std::move(past);
    ApiStatus expired = ExpiredStatus(
        "The provided continue parameter is too old to display a consistent list result. You can "
        "start a new list without "
        "the continue parameter, or use the continue token in this response to retrieve the "
        "remainder of the results. "
        "Continuing with the provided token results in an inconsistent list - objects that were "
        "created, modified, or "
        "deleted between the time the first chunk was returned and now may show up in the list.");
    expired.continue_token = Token{-1, options.token->start}.Encode();
    return expired;
  }
  if (options.version.value_or(0) > current)
    return TooLargeResourceVersionStatus(*options.version, current);
  if (options.exact && options.version.value_or(0) != 0) {
    auto past = cluster.store.ListAt(type, ns, *options.version);
    if (!past) return ExpiredStatus("The resourceVersion for the provided list is too old.");
    return *std::move(past);
  }
  return cluster.store.List(type, ns);
}

}  // namespace

MaybeStatus CheckListOptions(const Call& call) {
  const std::string& match = call.query.Get("resourceVersionMatch");
  const std::string& version = call.query.Get("resourceVersion");
  const bool initial = call.query.Has("sendInitialEvents"), watch = call.info.verb == "watch";
  std::vector<Cause> causes;
  auto forbid = [&](const char* field, const char* why) {
    causes.push_back({"FieldValueForbidden", fmt::format("Forbidden: {}", why), field});
  };
  auto unsupported = [&](const char* list) {
    causes.push_back({"FieldValueNotSupported",
                      fmt::format("Unsupported value: \"{}\": supported values: {}", match, list),
                      "resourceVersionMatch"});
  };
  if (watch && initial && match != "NotOlderThan")
    forbid("resourceVersionMatch",
           "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
  if (!match.empty()) {
    if (watch && !initial)
      forbid("resourceVersionMatch",
             "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided");
    if (watch && match != "NotOlderThan") unsupported("\"NotOlderThan\"");
    if (!watch && version.empty())
      forbid("resourceVersionMatch",
             "resourceVersionMatch is forbidden unless resourceVersion is provided");
    if (!call.query.Get("continue").empty())
      forbid("resourceVersionMatch", "resourceVersionMatch is forbidden when continue is provided");
    if (!watch && match != "Exact" && match != "NotOlderThan")
      unsupported("\"Exact\", \"NotOlderThan\", \"\"");
    if (!watch && match == "Exact" && version == "0")
      forbid("resourceVersionMatch",
             "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"");
  }
  if (watch && !call.query.Get("continue").empty())
    forbid("resourceVersionMatch", "resourceVersionMatch is forbidden when continue is provided");
  if (!watch && initial) forbid("sendInitialEvents", "sendInitialEvents is forbidden for list");
  if (causes.empty()) return std::nullopt;
  return InvalidStatus("meta.k8s.io", "ListOptions", "", std::move(causes));
}

std::string ContinueToken(uint64_t version, const Object& last, std::string_view ns) {
  return Token{static_cast<int64_t>(version), KeyOf(last, ns) + std::string(1, '\0')}.Encode();
}

Outcome<std::optional<int64_t>> NumberOf(const Query& query, const char* name) {
  std::string_view text = query.Get(name);
  if (!query.Has(name)) return std::optional<int64_t>();
  const std::string_view digits = text.starts_with('+') ? text.substr(1) : text;
  int64_t number = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  const bool whole = end == digits.data() + digits.size() &&
                     !(text.size() > 1 && text[0] == '+' && text[1] == '-');
  if (error == std::errc() && whole) return std::optional<int64_t>(number);
  return BadRequestStatus(fmt::format(
      "strconv.ParseInt: parsing \"{}\": {}", text,
      error == std::errc::result_out_of_range && whole ? "value out of range" : "invalid syntax"));
}

Outcome<std::optional<uint64_t>> VersionOf(const Call& call) {
  const std::string& text = call.query.Get("resourceVersion");
  if (text.empty()) return std::optional<uint64_t>();
  uint64_t version = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), version);
  if (error != std::errc() || end != text.data() + text.size()) {
    const bool whole = text.find_first_not_of("0123456789") == std::string::npos;
    return InternalStatus(
        fmt::format("resourceVersion: Invalid value: \"{}\": strconv.ParseUint: parsing \"{}\": {}",
                    text, text, whole ? "value out of range" : "invalid syntax"));
  }
  return std::optional<uint64_t>(version);
}

Outcome<Selection> SelectionOf(const Call& call) {
  auto labels = LabelSelector::Parse(call.query.Get("labelSelector"));
  if (!labels.ok()) return labels.status();
  std::string selector = call.query.Get("fieldSelector");
  if (call.info.verb == "watch" && !call.info.name.empty())  // the old path of one object
    selector += (selector.empty() ? "metadata.name=" : ",metadata.name=") + call.info.name;
  auto fields = FieldSelector::Parse(selector, *call.type);
  if (!fields.ok()) return fields.status();
  return Selection{*std::move(labels), *std::move(fields)};
}

namespace {

constexpr std::string_view kParts[] = {"controller-manager", "etcd-0", "scheduler"};

// What runs a living cluster is asked for its health, not kept; null for no such part.
ObjectPtr HealthOf(const Cluster& cluster, std::string_view name) {
  if (!cluster.collector_runs || std::ranges::find(kParts, name) == std::end(kParts))
    return nullptr;
  auto part = std::make_shared<Object>();
  part->name = name;
  part->json = base::DumpJson(
      {{"metadata", {{"name", name}, {"creationTimestamp", nullptr}}},
       {"conditions",
        Json::array({{{"type", "Healthy"}, {"status", "True"}, {"message", "ok"}}})}});
  return part;
}

}  // namespace

Reply HandleGet(const Cluster& cluster, const Call& call) {
  const ResourceType& type = *call.type;
  if (type.storage_key == "/componentstatuses") {
    if (const ObjectPtr part = HealthOf(cluster, call.info.name))
      return RenderedReply(RenderObject(type, *part, call.accepted, cluster.clock.Now()),
                           call.accepted);
  }
  if (call.query.Flag("export"))
    return StatusReply(
        BadRequestStatus("the export parameter, deprecated since v1.14, is no longer supported"));
  auto version = VersionOf(call);
  if (!version.ok()) return StatusReply(version.status());
  const uint64_t current = cluster.store.resource_version();
  if (version->value_or(0) > current)
    return StatusReply(TooLargeResourceVersionStatus(**version, current));
  const ObjectPtr object =
      cluster.store.Get(type, type.namespaced ? call.info.ns : "", call.info.name);
  if (!object) return StatusReply(NotFoundStatus(type, call.info.name));
  if (auto refused = Unservable(type, call.accepted, false)) return StatusReply(*refused);
  return RenderedReply(RenderObject(type, *object, call.accepted, cluster.clock.Now()),
                       call.accepted);
}

Reply HandleList(const Cluster& cluster, const Call& call) {
  auto selection = SelectionOf(call);
  if (!selection.ok()) return StatusReply(selection.status());
  auto options = OptionsOf(call);
  if (!options.ok()) return StatusReply(options.status());
  auto snapshot = SnapshotOf(cluster, call, *options);
  if (!snapshot.ok()) return StatusReply(snapshot.status());
  if (auto refused = Unservable(*call.type, call.accepted, true)) return StatusReply(*refused);
  if (call.type->storage_key == "/componentstatuses") {
    for (const std::string_view part : kParts) {
      if (ObjectPtr health = HealthOf(cluster, part)) snapshot->objects.push_back(health);
    }
  }

  const std::string ns = call.type->namespaced ? call.info.ns : "";
  std::vector<ObjectPtr> page;
  Json metadata = {{"resourceVersion", std::to_string(snapshot->resource_version)}};
  auto& objects = snapshot->objects;
  auto it = objects.begin();
  if (options->token) {
    // Ordered by namespace, then name; compared as such, for '/' does not sort before every
    // character of a namespace.
    const std::string start = options->token->start.substr(0, options->token->start.find('\0'));
    const size_t slash = ns.empty() ? start.find('/') : std::string::npos;
    const std::string start_ns = slash == std::string::npos ? ns : start.substr(0, slash);
    const std::string start_name = slash == std::string::npos ? start : start.substr(slash + 1);
    it = std::partition_point(objects.begin(), objects.end(), [&](const ObjectPtr& object) {
      return std::tie(object->ns, object->name) <= std::tie(start_ns, start_name);
    });
  }
  // A list of one name is a look at one key: there is nothing to go on with.
  const bool single = !SelectedName(call.query).empty() && (!call.type->namespaced || !ns.empty());
  for (; it != objects.end(); ++it) {
    // Whether what follows matches is seen on the next page.
    if (options->limit > 0 && page.size() == options->limit) {
      if (single) break;
      metadata["continue"] = ContinueToken(snapshot->resource_version, *page.back(), ns);
      if (selection->empty()) metadata["remainingItemCount"] = objects.end() - it;
      break;
    }
    if (!selection->empty() && !selection->Matches(**it)) continue;
    page.push_back(std::move(*it));
  }
  return RenderedReply(RenderList(*call.type, page, metadata, call.accepted, cluster.clock.Now()),
                       call.accepted);
}

}  // namespace opsmesh::kubesim
