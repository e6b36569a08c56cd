#include "gateway/contract/http_template.h"

#include <algorithm>

#include "fmt/format.h"
#include "libs/base/error.h"

namespace opsmesh::gateway {
namespace {

bool IsIdentifier(std::string_view name) {
  if (name.empty() || (name[0] >= '0' && name[0] <= '9')) return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

// Recursive descent over
//   Template = "/" [ Segments ] [ ":" LITERAL ] ;  Segments = Segment { "/" Segment } ;
//   Segment = "*" | "**" | LITERAL | "{" FieldPath [ "=" Segments ] "}" ;
class TemplateParser {
 public:
  explicit TemplateParser(std::string_view text) : text_(text) { out_.text = text; }

  absl::StatusOr<HttpTemplate> Parse() {
    if (!Take('/')) return Fail("must begin with '/'");
    if (!AtEnd() && Peek() != ':') {
      OPSMESH_RETURN_IF_ERROR(Segments(/*inside_variable=*/false));
    }
    if (Take(':')) {
      out_.verb = Literal();
      if (out_.verb.empty()) return Fail("an empty verb");
    }
    if (!AtEnd()) return Fail("unexpected text");
    for (size_t i = 0; i + 1 < out_.segments.size(); ++i) {
      if (out_.segments[i].kind == HttpTemplate::Kind::kRest)
        return Fail("'**' may only come last");
    }
    return std::move(out_);
  }

 private:
  bool AtEnd() const { return at_ == text_.size(); }
  char Peek() const { return AtEnd() ? '\0' : text_[at_]; }
  bool Take(char c) {
    if (Peek() != c) return false;
    ++at_;
    return true;
  }
  absl::Status Fail(std::string_view what) const {
    return base::FailedPrecondition(
        "HTTP_TEMPLATE",
        fmt::format("The path template '{}' is wrong at character {}: {}.", text_, at_ + 1, what));
  }

  absl::Status Segments(bool inside_variable) {
    do {
      OPSMESH_RETURN_IF_ERROR(OneSegment(inside_variable));
    } while (Take('/'));
    return absl::OkStatus();
  }

  absl::Status OneSegment(bool inside_variable) {
    if (Take('*')) {
      Add(Take('*') ? HttpTemplate::Kind::kRest : HttpTemplate::Kind::kOne);
      return absl::OkStatus();
    }
    if (Take('{')) {
      if (inside_variable) return Fail("a variable inside a variable");
      return Variable();
    }
    std::string literal = Literal();
    if (literal.empty()) return Fail("an empty segment");
    Add(HttpTemplate::Kind::kLiteral, std::move(literal));
    return absl::OkStatus();
  }

  absl::Status Variable() {
    HttpTemplate::Variable variable;
    variable.first = out_.segments.size();
    do {
      std::string name;
      while (!AtEnd() && Peek() != '.' && Peek() != '=' && Peek() != '}') name += text_[at_++];
      if (!IsIdentifier(name)) return Fail("a field name was expected");
      variable.field_path += (variable.field_path.empty() ? "" : ".") + name;
    } while (Take('.'));
    if (Take('=')) {
      OPSMESH_RETURN_IF_ERROR(Segments(/*inside_variable=*/true));
    } else {
      Add(HttpTemplate::Kind::kOne);
    }
    if (!Take('}')) return Fail("'}' was expected");
    variable.last = out_.segments.size();
    variable.to_end = out_.segments.back().kind == HttpTemplate::Kind::kRest;
    for (const auto& other : out_.variables) {
      if (other.field_path == variable.field_path) return Fail("a field that is bound twice");
    }
    out_.variables.push_back(std::move(variable));
    return absl::OkStatus();
  }

  std::string Literal() {
    const size_t start = at_;
    while (!AtEnd() && std::string_view("/:{}*=").find(Peek()) == std::string_view::npos) ++at_;
    return std::string(text_.substr(start, at_ - start));
  }

  void Add(HttpTemplate::Kind kind, std::string literal = {}) {
    out_.segments.push_back({kind, std::move(literal)});
  }

  const std::string_view text_;
  size_t at_ = 0;
  HttpTemplate out_;
};

}  // namespace

bool HttpTemplate::has_wildcard() const {
  return std::any_of(segments.begin(), segments.end(),
                     [](const Segment& s) { return s.kind != Kind::kLiteral; });
}

std::string HttpTemplate::Display() const {
  std::string out;
  for (size_t i = 0; i < segments.size();) {
    const auto variable = std::find_if(variables.begin(), variables.end(),
                                       [i](const auto& v) { return v.first == i; });
    out += '/';
    if (variable != variables.end()) {
      out += "{" + variable->field_path + "}";
      i = variable->last;
      continue;
    }
    out += segments[i].kind == Kind::kLiteral ? segments[i].literal
           : segments[i].kind == Kind::kOne   ? "*"
                                              : "**";
    ++i;
  }
  if (out.empty()) out = "/";
  return verb.empty() ? out : out + ":" + verb;
}

absl::StatusOr<HttpTemplate> HttpTemplate::Parse(std::string_view text) {
  return TemplateParser(text).Parse();
}

}  // namespace opsmesh::gateway
