#include "gateway/serve/http_error.h"

#include <cmath>

#include "fmt/format.h"
#include "libs/base/error.h"
#include "libs/base/json_string.h"
#include "libs/base/strings.h"

namespace opsmesh::gateway {
namespace {

// Writes one JSON object, member by member.
class ObjectWriter {
 public:
  explicit ObjectWriter(std::string* out, base::JsonCharset charset = base::JsonCharset::kUtf8)
      : out_(*out), charset_(charset) {
    out_.push_back('{');
  }
  void Text(std::string_view name, std::string_view value) {
    Name(name);
    base::AppendJsonString(value, &out_, charset_);
  }
  void Raw(std::string_view name, std::string_view json) {
    Name(name);
    out_.append(json);
  }
  void End() { out_.push_back('}'); }

 private:
  void Name(std::string_view name) {
    if (!first_) out_.push_back(',');
    first_ = false;
    base::AppendJsonString(name, &out_, charset_);
    out_.push_back(':');
  }
  std::string& out_;
  const base::JsonCharset charset_;
  bool first_ = true;
};

std::string Details(const base::ErrorDetail& detail) {
  std::string out;
  ObjectWriter object(&out);
  if (!detail.field.empty()) object.Text("field", detail.field);
  for (const auto& [key, value] : detail.metadata) {
    if (key != "field" || detail.field.empty()) object.Text(key, value);
  }
  object.End();
  return out;
}

std::string HouseBody(const absl::Status& status, const base::ErrorDetail& detail, int code,
                      std::string_view request_id) {
  std::string inner;
  ObjectWriter error(&inner);
  error.Raw("code", std::to_string(code));
  error.Text("status", base::CodeName(status.code()));
  error.Text("message", base::ToStd(status.message()));
  error.Text("reason", detail.reason);
  error.Text("hint", detail.hint);
  error.Text("request_id", request_id);
  error.Raw("details", Details(detail));
  error.End();
  std::string body;
  ObjectWriter object(&body);
  object.Raw("error", inner);
  object.End();
  return body;
}

std::string Sentence(const absl::Status& status, const base::ErrorDetail& detail) {
  const std::string message(base::ToStd(status.message()));
  return detail.hint.empty() ? message : fmt::format("{} {}", message, detail.hint);
}

// A fault of a field is a list of one, as FastAPI validates; anything else is a sentence.
std::string DetailBody(const absl::Status& status, const base::ErrorDetail& detail) {
  std::string body;
  ObjectWriter object(&body);
  if (status.code() == absl::StatusCode::kInvalidArgument && !detail.field.empty()) {
    std::string location = "[\"body\"";
    for (const std::string_view step : base::Split(detail.field, '.')) {
      location += ',';
      base::AppendJsonString(step, &location);
    }
    std::string fault;
    ObjectWriter inner(&fault);
    inner.Text("type", base::AsciiLower(detail.reason));
    inner.Raw("loc", location + "]");
    inner.Text("msg", Sentence(status, detail));
    inner.End();
    object.Raw("detail", "[" + fault + "]");
  } else {
    object.Text("detail", Sentence(status, detail));
  }
  object.End();
  return body;
}

}  // namespace

int HttpStatusOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return 200;
    case absl::StatusCode::kCancelled:
      return 499;
    case absl::StatusCode::kInvalidArgument:
      return base::DetailOf(status).reason == "CONTENT_TYPE" ? 415 : 400;
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kOutOfRange:
      return 400;
    case absl::StatusCode::kDeadlineExceeded:
      return 504;
    case absl::StatusCode::kNotFound:
      return 404;
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kAborted:
      return 409;
    case absl::StatusCode::kPermissionDenied:
      return 403;
    case absl::StatusCode::kUnauthenticated:
      return 401;
    case absl::StatusCode::kResourceExhausted:
      return 429;
    case absl::StatusCode::kUnimplemented:
      return base::DetailOf(status).reason == "METHOD_NOT_ALLOWED" ? 405 : 501;
    case absl::StatusCode::kUnavailable:
      return 503;
    default:
      return 500;
  }
}

http_server::Response ErrorResponse(const absl::Status& status, ErrorStyle style,
                                    std::string_view request_id) {
  const base::ErrorDetail detail = base::DetailOf(status);
  http_server::Response response;
  response.status = HttpStatusOf(status);
  if (style == ErrorStyle::kDetail) {
    if (response.status == 400) response.status = 422;
    response.body = DetailBody(status, detail);
  } else {
    response.body = HouseBody(status, detail, response.status, request_id);
  }
  response.headers.Add("Content-Type", "application/json");
  if (response.status == 503 || response.status == 429) {
    const double seconds = detail.retry_after ? absl::ToDoubleSeconds(*detail.retry_after) : 1;
    response.headers.Add("Retry-After",
                         std::to_string(std::max<int64_t>(1, std::llround(std::ceil(seconds)))));
  }
  if (response.status == 401) response.headers.Add("WWW-Authenticate", "Bearer realm=\"opsmesh\"");
  if (const auto allow = detail.metadata.find("allow");
      response.status == 405 && allow != detail.metadata.end()) {
    response.headers.Add("Allow", allow->second);
  }
  return response;
}

std::string FailedStreamEvent(const absl::Status& status, ErrorStyle style,
                              std::string_view outcome, std::string_view session_id) {
  const base::ErrorDetail detail = base::DetailOf(status);
  std::string event;
  ObjectWriter object(&event, base::JsonCharset::kAscii);
  if (style == ErrorStyle::kDetail) {
    object.Text("error", Sentence(status, detail));
    object.End();
    return event;
  }
  if (!session_id.empty()) object.Text("session_id", session_id);
  object.Text("status", outcome);
  object.Text("error", Sentence(status, detail));
  object.Text("reason", detail.reason);
  object.Raw("done", "true");
  object.End();
  return event;
}

void AddSecurityHeaders(http_server::Headers* headers) {
  headers->Add("X-Content-Type-Options", "nosniff");
  headers->Add("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
  headers->Add("Referrer-Policy", "no-referrer");
  headers->Add("Cache-Control", "no-store");
}

}  // namespace opsmesh::gateway
