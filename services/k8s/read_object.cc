#include "services/k8s/read_object.h"

#include <algorithm>

#include <fmt/format.h>

#include "libs/base/error.h"
#include "libs/base/json_string.h"
#include "libs/base/strings.h"
#include "services/k8s/clean_text.h"
#include "services/k8s/json_writer.h"
#include "services/k8s/listing.h"

namespace opsmesh::k8s {
namespace {

// True for text that YAML reads back as the same string without quotes.
bool IsPlain(std::string_view s) {
  if (s.empty() || s.size() > 200) return false;
  static constexpr std::string_view kFirst = "-?:,[]{}#&*!|>'\"%@`~ =<";
  if (kFirst.find(s.front()) != std::string_view::npos || s.back() == ' ' || s.back() == ':')
    return false;
  if ((s.front() >= '0' && s.front() <= '9') || s.front() == '.' || s.front() == '+') return false;
  for (const char c : s) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return false;
  }
  if (s.find(": ") != std::string_view::npos || s.find(" #") != std::string_view::npos)
    return false;
  const std::string lower = base::AsciiLower(s);
  for (const char* word :
       {"null", "true", "false", "yes", "no", "on", "off", "y", "n", "nan", "inf"}) {
    if (lower == word) return false;
  }
  return true;
}

void AppendScalar(kube::JsonRef value, int indent, std::string& out) {
  if (value.type() != kube::JsonRef::Type::kString) {
    out += value.Text();
    return;
  }
  const std::string text = value.String();
  const bool printable = std::none_of(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\n') || c == 0x7f;
  });
  if (IsPlain(text)) {
    out += text;
  } else if (printable && text.find('\n') != std::string::npos && text.front() != '\n' &&
             text.front() != ' ') {
    // A block scalar keeps scripts and configuration readable.
    const bool ends = text.back() == '\n';
    const std::string body = ends ? text.substr(0, text.size() - 1) : text;
    if (body.ends_with('\n')) return base::AppendJsonString(text, &out);
    out += ends ? "|" : "|-";
    for (const std::string_view line : base::Split(body, '\n')) {
      out += '\n';
      if (!line.empty()) out.append(static_cast<size_t>(indent), ' ') += line;
    }
  } else {
    base::AppendJsonString(text, &out);
  }
}

void AppendValue(kube::JsonRef value, int indent, bool in_list, std::string& out);

void AppendKey(std::string_view raw_key, std::string& out) {
  if (IsPlain(raw_key) && raw_key.find('\\') == std::string_view::npos)
    out += raw_key;
  else
    out += fmt::format("\"{}\"", raw_key);
}

void AppendMembers(kube::JsonRef object, int indent, bool first_inline, std::string& out) {
  object.ForEachMember([&](std::string_view key, kube::JsonRef value) {
    if (!first_inline) out.append(static_cast<size_t>(indent), ' ');
    first_inline = false;
    AppendKey(key, out);
    out += ':';
    AppendValue(value, indent, false, out);
    return true;
  });
}

void AppendValue(kube::JsonRef value, int indent, bool in_list, std::string& out) {
  const auto type = value.type();
  const bool container =
      type == kube::JsonRef::Type::kObject || type == kube::JsonRef::Type::kArray;
  if (container && value.size() == 0) {
    out += type == kube::JsonRef::Type::kObject ? (in_list ? "{}\n" : " {}\n")
                                                : (in_list ? "[]\n" : " []\n");
  } else if (type == kube::JsonRef::Type::kObject) {
    if (!in_list) out += '\n';
    AppendMembers(value, in_list ? indent : indent + 2, in_list, out);
  } else if (type == kube::JsonRef::Type::kArray) {
    if (!in_list) out += '\n';
    bool first_inline = in_list;
    value.ForEachElement([&](kube::JsonRef item) {
      if (!first_inline) out.append(static_cast<size_t>(indent), ' ');
      first_inline = false;
      out += "- ";
      AppendValue(item, indent + 2, true, out);
      return true;
    });
  } else {
    if (!in_list) out += ' ';
    AppendScalar(value, indent + (in_list ? 0 : 2), out);
    out += '\n';
  }
}

base::Error NotFoundError(const kube::ResourceType& type, std::string_view ns,
                          std::string_view name) {
  const std::string where = type.namespaced ? fmt::format(" in namespace '{}'", ns) : "";
  return base::NotFound("OBJECT_NOT_FOUND",
                        fmt::format("There is no {} '{}'{}.", type.singular, name, where))
      .With("kind", type.kind)
      .With("namespace", type.namespaced ? ns : "")
      .With("name", name);
}

// Says where the name exists, or what is nearest to it.
std::string Suggest(const kube::KindSnapshot& kind, const kube::ResourceType& type,
                    std::string_view ns, std::string_view name) {
  std::vector<std::string> names;
  std::string elsewhere;
  int places = 0;
  std::string longer;
  for (const kube::ObjectPtr& object : kind.objects()) {
    if (object->name() == name && ++places <= 3)
      elsewhere += fmt::format("{}'{}'", places == 1 ? "" : ", ", object->ns());
    if (object->ns() == ns || !type.namespaced) {
      names.emplace_back(object->name());
      if (longer.empty() && object->name().starts_with(name)) longer = object->name();
    }
  }
  if (places > 0) return fmt::format("It is in namespace {}.", elsewhere);
  if (!longer.empty()) return fmt::format("Did you mean '{}'?", longer);
  const std::string near(base::Nearest(name, names));
  if (!near.empty()) return fmt::format("Did you mean '{}'?", near);
  return names.empty() ? fmt::format("There are no {} there.", type.plural)
                       : fmt::format("There are {} {} there; list them to see their names.",
                                     names.size(), type.plural);
}

}  // namespace

absl::Status CheckExists(Picture& picture, const kube::ResourceType& type, std::string_view ns,
                         std::string_view name) {
  if (!picture.Readable(type.plural, ns)) return absl::OkStatus();
  if (picture.Find(type.plural, type.namespaced ? ns : "", name)) return absl::OkStatus();
  const kube::KindSnapshot& kind = picture.All(type.plural);
  if (type.namespaced && !picture.NamespaceExists(ns)) {
    const std::string hint = Suggest(kind, type, ns, name);
    return base::NotFound("NAMESPACE_NOT_FOUND", fmt::format("There is no namespace '{}'.", ns))
        .Hint(hint.starts_with("It is in")
                  ? fmt::format("The {} '{}' exists: {}", type.singular, name, hint)
                  : "get_kubernetes_namespaces lists the namespaces.")
        .With("namespace", ns);
  }
  return NotFoundError(type, ns, name).Hint(Suggest(kind, type, ns, name));
}

absl::StatusOr<kube::ObjectPtr> ReadObject(const ToolCall& call, Picture& picture,
                                           const kube::ResourceType& type, std::string_view ns,
                                           std::string_view name) {
  absl::StatusOr<kube::ObjectPtr> read = call.cluster.Get(call.ctx, type, ns, name);
  LedgerEntry entry;
  entry.source = "apiserver";
  entry.subject =
      fmt::format("{} {}{}", type.singular, type.namespaced ? fmt::format("{}/", ns) : "", name);
  if (read.ok()) {
    picture.ledger().Checked(std::move(entry));
    return read;
  }
  if (read.status().code() == absl::StatusCode::kNotFound) {
    OPSMESH_RETURN_IF_ERROR(CheckExists(picture, type, ns, name));
    return NotFoundError(type, ns, name).Hint("It may have been deleted just now.");
  }
  // Without an apiserver the last known state still helps, as long as its age is said.
  if (read.status().code() == absl::StatusCode::kUnavailable ||
      read.status().code() == absl::StatusCode::kDeadlineExceeded) {
    if (const kube::ObjectPtr cached =
            picture.Readable(type.plural)
                ? picture.All(type.plural).Find(type.namespaced ? ns : "", name)
                : nullptr) {
      entry.reason = fmt::format("it does not answer, the cached object is shown: {}",
                                 base::ToStd(read.status().message()));
      picture.ledger().Failed(std::move(entry));
      return cached;
    }
  }
  return read.status();
}

std::string ToYaml(const kube::Object& object) {
  std::string out;
  AppendMembers(object.root(), 0, false, out);
  return out;
}

absl::StatusOr<ToolResult> ReadYaml(const ToolCall& call) {
  OPSMESH_ASSIGN_OR_RETURN(const kube::ResourceType type,
                           call.cluster.Resolve(call.ctx, call.arguments.String("resource_type")));
  const std::string ns = type.namespaced ? NamespaceForOne(call) : "";
  const std::string name = call.arguments.String("name");
  Picture picture(call.cluster.Picture(call.ctx), ns, call.now);
  OPSMESH_ASSIGN_OR_RETURN(const kube::ObjectPtr object, ReadObject(call, picture, type, ns, name));
  const std::string yaml = ToYaml(*object);
  ToolResult out;
  JsonWriter json;
  json.BeginObject()
      .Field("kind", type.kind)
      .Field("namespace", ns)
      .Field("name", name)
      .Field("yaml", yaml);
  json.Key("object").Raw(object->json()).EndObject();
  out.json = json.Take();
  const std::string who = Display(RefOf(*object));
  out.text = {fmt::format("{} 的 YAML：\n\n", who), fmt::format("YAML of {}:\n\n", who)};
  // Configuration may hold any text: what is shown keeps its lines and loses what steers a
  // terminal.
  out.text.AppendBoth("```yaml\n" + CleanText(yaml, 48 << 10, true) + "```");
  out.untrusted = true;
  out.AddFact("object", who);
  out.ledger = picture.ledger();
  return out;
}

}  // namespace opsmesh::k8s
