#include "gateway/route/request_binder.h"

#include <algorithm>

#include "fmt/format.h"
#include "gateway/transcode/json_to_wire.h"
#include "gateway/transcode/wire.h"
#include "libs/base/error.h"
#include "libs/base/strings.h"

namespace opsmesh::gateway {
namespace {

constexpr size_t kMaxIdempotencyKey = 128;

bool IsJsonType(std::string_view content_type) {
  const std::string_view media = base::Trim(content_type.substr(0, content_type.find(';')));
  if (base::EqualsIgnoreAsciiCase(media, "application/json") ||
      base::EqualsIgnoreAsciiCase(media, "text/json")) {
    return true;
  }
  return media.size() > 5 && base::EqualsIgnoreAsciiCase(media.substr(media.size() - 5), "+json");
}

// `value` as the leaf of a path of fields, each of the outer ones wrapping it.
absl::Status AppendAt(const SchemaSet& schemas, const FieldPath& path, std::string_view value,
                      std::string* out) {
  if (path.size() == 1) return ParseText(schemas, *path.front(), value, out);
  std::string bytes;
  OPSMESH_RETURN_IF_ERROR(ParseText(schemas, *path.back(), value, &bytes));
  for (size_t i = path.size() - 1; i-- > 0;) {
    std::string outer;
    AppendLengthDelimited(path[i]->tag, bytes, &outer);
    bytes = std::move(outer);
  }
  out->append(bytes);
  return absl::OkStatus();
}

// The same error, with the field it is about.
absl::Status AtField(const absl::Status& status, std::string_view field) {
  if (status.ok()) return status;
  base::ErrorDetail detail = base::DetailOf(status);
  detail.field = field;
  return base::WithDetail(
      absl::Status(status.code(), base::ToAbsl(fmt::format("Field '{}': {}", field,
                                                           base::ToStd(status.message())))),
      detail);
}

bool DecodeQueryPart(std::string_view raw, std::string* out) {
  if (raw.find_first_of("+%") == std::string_view::npos) {
    out->assign(raw);
    return true;
  }
  return base::PercentDecode(base::ReplaceAll(raw, "+", " "), out);
}

class Binder {
 public:
  Binder(const SchemaSet& schemas, const Route& route, const RequestParts& parts)
      : schemas_(schemas), route_(route), parts_(parts) {}

  absl::StatusOr<std::string> Bind(const PathMatcher::Match& match) {
    if (route_.rpc->raw_request) return RawBody();
    out_.reserve(parts_.body.size() + 64);
    OPSMESH_RETURN_IF_ERROR(IdempotencyKey());
    OPSMESH_RETURN_IF_ERROR(Body());
    OPSMESH_RETURN_IF_ERROR(Query());
    for (size_t i = 0; i < match.values.size(); ++i) {
      const absl::Status status = AppendAt(schemas_, route_.path_fields[i], match.values[i], &out_);
      if (!status.ok()) return AtField(status, route_.binding->path.variables[i].field_path);
    }
    return std::move(out_);
  }

 private:
  // google.api.HttpBody: content_type = 1, data = 2.
  std::string RawBody() {
    AppendLengthDelimited(MakeTag(1, WireType::kLength), parts_.content_type, &out_);
    AppendLengthDelimited(MakeTag(2, WireType::kLength), parts_.body, &out_);
    return std::move(out_);
  }

  absl::Status IdempotencyKey() {
    const std::string_view key = parts_.idempotency_key;
    if (key.empty() || route_.request_id_field == nullptr) return absl::OkStatus();
    const bool printable =
        std::all_of(key.begin(), key.end(), [](char c) { return c > ' ' && c < 0x7f; });
    if (key.size() > kMaxIdempotencyKey || !printable) {
      return base::InvalidArgument(
                 "request_id", "IDEMPOTENCY_KEY",
                 "The Idempotency-Key header is too long or holds characters it must not.")
          .Hint("Send at most 128 visible ASCII characters, for instance a UUID.");
    }
    return ParseText(schemas_, *route_.request_id_field, key,
                     &out_);  // first: a later one of the body wins
  }

  absl::Status Body() {
    const bool takes_body = route_.whole_body || route_.body_field != nullptr;
    if (!takes_body || (parts_.body.empty() && parts_.content_type.empty()))
      return absl::OkStatus();
    if (!parts_.content_type.empty() && !IsJsonType(parts_.content_type)) {
      return base::InvalidArgument("", "CONTENT_TYPE",
                                   fmt::format("The body is '{}'; this address takes JSON.",
                                               base::Utf8Prefix(parts_.content_type, 100)))
          .Hint("Send the header Content-Type: application/json.");
    }
    if (route_.whole_body) return ParseMessage(schemas_, *route_.request, parts_.body, &out_);
    return AtBodyField(ParseField(schemas_, *route_.body_field, parts_.body, &out_));
  }

  // A fault inside the body field is told from where the body's author sees it; only the field
  // itself gets a name.
  absl::Status AtBodyField(const absl::Status& status) const {
    if (status.ok() || base::DetailOf(status).reason != "INVALID_FIELD" ||
        !base::DetailOf(status).field.empty()) {
      return status;
    }
    return AtField(status, route_.body_field->name);
  }

  absl::Status Query() {
    if (parts_.raw_query.empty() || route_.whole_body) return absl::OkStatus();
    std::string name;
    std::string value;
    for (const std::string_view pair : base::Split(parts_.raw_query, '&')) {
      if (pair.empty()) continue;
      const size_t equals = std::min(pair.find('='), pair.size());
      if (!DecodeQueryPart(pair.substr(0, equals), &name) ||
          !DecodeQueryPart(pair.substr(std::min(equals + 1, pair.size())), &value) ||
          !base::IsValidUtf8(name)) {
        return base::InvalidArgument("", "MALFORMED_QUERY",
                                     "A query parameter is not well-formed percent-encoding.");
      }
      const auto path = ResolveField(*route_.request, name);
      if (!path.ok()) {
        OPSMESH_RETURN_IF_ERROR(UnknownParameter(name));
        continue;
      }
      if (path->size() == 1 && path->front() == route_.body_field) continue;  // the body fills it
      if (const absl::Status status = OneParameter(*path, value); !status.ok())
        return AtField(status, name);
    }
    return absl::OkStatus();
  }

  absl::Status OneParameter(const FieldPath& path, std::string_view value) {
    const FieldSchema& leaf = *path.back();
    if (leaf.shape == Shape::kMap) {
      return base::InvalidArgument("", "INVALID_FIELD", "a map cannot be given in the query.");
    }
    // What may appear once is refused when it appears again, as in a body.
    if (leaf.shape == Shape::kSingular) {
      if (std::find(seen_.begin(), seen_.end(), path) != seen_.end()) {
        return base::InvalidArgument("", "DUPLICATE_FIELD", "given twice.").Hint("Give it once.");
      }
      seen_.push_back(path);
    }
    return AppendAt(schemas_, path, value, &out_);
  }

  absl::Status UnknownParameter(const std::string& name) const {
    std::vector<std::string> names;
    for (const FieldSchema& field : route_.request->fields) names.push_back(field.name);
    const std::string_view near = base::Nearest(name, names);
    if (near.empty()) return absl::OkStatus();
    return base::InvalidArgument(
               name, "UNKNOWN_PARAMETER",
               fmt::format("There is no query parameter '{}' here.", base::Utf8Prefix(name, 64)))
        .Hint(fmt::format("Did you mean '{}'?", near));
  }

  const SchemaSet& schemas_;
  const Route& route_;
  const RequestParts& parts_;
  std::vector<FieldPath> seen_;
  std::string out_;
};

}  // namespace

absl::StatusOr<std::string> BindRequest(const SchemaSet& schemas, const Route& route,
                                        const PathMatcher::Match& match,
                                        const RequestParts& parts) {
  return Binder(schemas, route, parts).Bind(match);
}

}  // namespace opsmesh::gateway
