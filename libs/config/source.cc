#include "libs/config/source.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>
#include <utility>

#include "fmt/format.h"
#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "libs/config/tree.h"

extern char** environ;

namespace opsmesh::config {
namespace {

constexpr size_t kMaxIncluded = 1 << 20;

bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }
bool IsLowerOrDigit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

// nullopt when the file does not exist or cannot be read.
std::optional<std::string> ReadFile(const std::string& path, size_t max_bytes) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return std::nullopt;
  std::string text;
  char buffer[16384];
  while (text.size() <= max_bytes && (in.read(buffer, sizeof(buffer)) || in.gcount() > 0)) {
    text.append(buffer, static_cast<size_t>(in.gcount()));
  }
  if (in.bad()) return std::nullopt;
  return text;
}

std::string Unquote(std::string_view value) {
  if (value.size() >= 2 && (value.front() == '"' || value.front() == '\'') &&
      value.back() == value.front()) {
    return std::string(value.substr(1, value.size() - 2));
  }
  // Without quotes a comment begins at " #".
  if (const size_t comment = value.find(" #"); comment != std::string_view::npos)
    value = value.substr(0, comment);
  return std::string(base::Trim(value));
}

void ParseDotenv(std::string_view text, const std::string& name,
                 std::map<std::string, Source::Impl::Value>* out, Problems* problems);

}  // namespace

std::string NormalizeKey(std::string_view key) {
  std::string out;
  for (size_t i = 0; i < key.size(); ++i) {
    const char c = key[i];
    if (c == '-' || c == ' ') {
      out += '_';
    } else if (IsUpper(c)) {
      // A word begins at an upper-case letter after a lower-case one, and at the last of several
      // before a lower-case one.
      const bool after_lower = i > 0 && IsLowerOrDigit(key[i - 1]);
      const bool before_lower = i > 0 && IsUpper(key[i - 1]) && i + 1 < key.size() &&
                                key[i + 1] >= 'a' && key[i + 1] <= 'z';
      if ((after_lower || before_lower) && !out.empty() && out.back() != '_') out += '_';
      out += static_cast<char>(c - 'A' + 'a');
    } else {
      out += c;
    }
  }
  return out;
}

Path SplitKey(std::string_view key) {
  Path path;
  if (key.empty()) return path;
  for (const std::string_view part : base::Split(key, '.')) path.push_back(NormalizeKey(part));
  return path;
}

std::string JoinPath(const Path& path) {
  std::string out;
  for (const std::string& part : path) {
    if (!out.empty() && !part.starts_with("[")) out += '.';
    out += part;
  }
  return out;
}

std::string EnvironmentName(const Path& path) {
  std::string name = "OPSMESH";
  for (const std::string& part : path) {
    name += '_';
    for (const char c : part) {
      name += c >= 'a' && c <= 'z'                     ? static_cast<char>(c - 'a' + 'A')
              : (IsUpper(c) || (c >= '0' && c <= '9')) ? c
                                                       : '_';
    }
  }
  return name;
}

const Node* Child(const Node& node, std::string_view component) {
  if (node.kind == Node::Kind::kList && component.starts_with("[")) {
    const size_t index =
        static_cast<size_t>(std::strtoul(std::string(component.substr(1)).c_str(), nullptr, 10));
    return index < node.items.size() ? &node.items[index] : nullptr;
  }
  for (const auto& [name, child] : node.entries) {
    if (name == component || NormalizeKey(name) == component) return &child;
  }
  return nullptr;
}

const Node* At(const Node& root, const Path& path) {
  const Node* node = &root;
  for (const std::string& component : path) {
    node = Child(*node, component);
    if (node == nullptr) return nullptr;
  }
  return node->kind == Node::Kind::kNull ? nullptr : node;
}

const Node* Source::Impl::Find(const Path& path) const {
  const auto index = std::find_if(path.begin(), path.end(),
                                  [](const std::string& part) { return part.starts_with("["); });
  if (index != path.end()) {
    const Path list(path.begin(), index);
    for (const Layer& layer : layers) {
      if (At(layer.root, list) != nullptr) return At(layer.root, path);
    }
    return nullptr;
  }
  for (const Layer& layer : layers) {
    if (const Node* node = At(layer.root, path)) return node;
  }
  return nullptr;
}

std::optional<Source::Impl::Value> Source::Impl::Variable(const std::string& name) const {
  if (const auto it = environment.find(name); it != environment.end() && !it->second.empty()) {
    return Value{it->second, "env " + name};
  }
  if (const auto it = dotenv.find(name); it != dotenv.end() && !it->second.text.empty())
    return it->second;
  return std::nullopt;
}

std::string Source::Impl::Expand(std::string_view text, const std::string& where,
                                 Problems* problems) const {
  std::string out;
  size_t at = 0;
  while (at < text.size()) {
    const size_t dollar = text.find('$', at);
    out.append(text.substr(at, dollar == std::string_view::npos ? dollar : dollar - at));
    if (dollar == std::string_view::npos) break;
    if (text.substr(dollar, 2) == "$$") {
      out += '$';
      at = dollar + 2;
      continue;
    }
    const size_t close =
        text.substr(dollar, 2) == "${" ? text.find('}', dollar) : std::string_view::npos;
    if (close == std::string_view::npos) {
      out += '$';
      at = dollar + 1;
      continue;
    }
    const std::string_view inside = text.substr(dollar + 2, close - dollar - 2);
    at = close + 1;
    if (inside.starts_with("file:")) {
      const std::string path(inside.substr(5));
      const auto content = ReadFile(path, kMaxIncluded);
      if (!content || content->size() > kMaxIncluded) {
        problems->push_back(fmt::format("{}: the file '{}' cannot be read", where, path));
        continue;
      }
      std::string_view trimmed = *content;
      while (trimmed.ends_with('\n') || trimmed.ends_with('\r')) trimmed.remove_suffix(1);
      out.append(trimmed);
      continue;
    }
    const size_t fallback = inside.find(":-");
    if (const auto value = Variable(std::string(inside.substr(0, fallback)))) {
      out += value->text;
    } else if (fallback != std::string_view::npos) {
      out.append(inside.substr(fallback + 2));
    } else {
      problems->push_back(fmt::format("{}: the environment variable {} is not set", where, inside));
    }
  }
  return out;
}

void Source::Impl::ExpandTree(Node& node, Problems* problems) const {
  if (node.kind == Node::Kind::kScalar && node.value.find('$') != std::string::npos) {
    node.value = Expand(node.value, node.origin, problems);
  }
  for (Node& item : node.items) ExpandTree(item, problems);
  for (auto& [name, child] : node.entries) ExpandTree(child, problems);
}

namespace {

void ParseDotenv(std::string_view text, const std::string& name,
                 std::map<std::string, Source::Impl::Value>* out, Problems* problems) {
  int number = 0;
  for (std::string_view line : base::Split(text, '\n')) {
    ++number;
    line = base::Trim(line);
    if (line.starts_with("export ")) line = base::Trim(line.substr(7));
    if (line.empty() || line.front() == '#') continue;
    const size_t equals = line.find('=');
    if (equals == std::string_view::npos || equals == 0) {
      problems->push_back(fmt::format("{}:{}: expected NAME=value", name, number));
      continue;
    }
    (*out)[std::string(base::Trim(line.substr(0, equals)))] = {
        Unquote(base::Trim(line.substr(equals + 1))), fmt::format("{}:{}", name, number)};
  }
}

void AddFile(const std::string& path, bool must_exist, Source::Impl& impl, Problems* problems) {
  if (path.empty()) return;
  const auto text = ReadFile(path, kMaxIncluded);
  if (!text) {
    if (must_exist) problems->push_back(fmt::format("{}: the file cannot be read", path));
    return;
  }
  impl.layers.push_back({path, {}});
  ParseYaml(*text, path, &impl.layers.back().root, problems);
}

}  // namespace

absl::StatusOr<Source> Source::Load(const SourceOptions& options) {
  auto impl = std::make_shared<Impl>();
  Problems problems;
  impl->environment = options.environment;
  if (!options.dotenv_path.empty()) {
    if (const auto text = ReadFile(options.dotenv_path, kMaxIncluded)) {
      ParseDotenv(*text, options.dotenv_path, &impl->dotenv, &problems);
    }
  }
  for (const auto& [key, value] : options.flags) {
    impl->flags[JoinPath(SplitKey(key))] = {value, fmt::format("flag {}", key)};
  }
  AddFile(options.user_file, false, *impl, &problems);
  if (!options.explicit_file.empty()) {
    AddFile(options.explicit_file, true, *impl, &problems);
  } else {
    AddFile(options.environment_file, false, *impl, &problems);
    AddFile(options.default_file, false, *impl, &problems);
  }
  for (Impl::Layer& layer : impl->layers) impl->ExpandTree(layer.root, &problems);
  OPSMESH_RETURN_IF_ERROR(ProblemsToStatus(problems));
  return Source(std::move(impl));
}

absl::StatusOr<Source> Source::FromYaml(std::string_view yaml, std::string_view name,
                                        std::map<std::string, std::string> environment) {
  auto impl = std::make_shared<Impl>();
  Problems problems;
  impl->environment = std::move(environment);
  impl->layers.push_back({std::string(name), {}});
  ParseYaml(yaml, std::string(name), &impl->layers.back().root, &problems);
  impl->ExpandTree(impl->layers.back().root, &problems);
  OPSMESH_RETURN_IF_ERROR(ProblemsToStatus(problems));
  return Source(std::move(impl));
}

Source Source::Empty() { return Source(std::make_shared<Impl>()); }

bool Source::Has(std::string_view key) const {
  const Path path = SplitKey(key);
  const std::string joined = JoinPath(path);
  if (impl_->Find(path) != nullptr || impl_->Variable(EnvironmentName(path))) return true;
  return std::any_of(impl_->flags.begin(), impl_->flags.end(), [&](const auto& flag) {
    return flag.first == joined || flag.first.starts_with(joined + ".");
  });
}

std::vector<std::string> Source::Keys(std::string_view section) const {
  const Path path = SplitKey(section);
  std::set<std::string> keys;
  for (const Impl::Layer& layer : impl_->layers) {
    if (const Node* node = At(layer.root, path)) {
      for (const auto& [name, child] : node->entries) keys.insert(NormalizeKey(name));
    }
  }
  const std::string prefix = path.empty() ? "" : JoinPath(path) + ".";
  for (const auto& [key, value] : impl_->flags) {
    if (key.starts_with(prefix))
      keys.insert(key.substr(prefix.size(), key.find('.', prefix.size()) - prefix.size()));
  }
  return {keys.begin(), keys.end()};
}

absl::Status Source::CheckTopLevel(const std::vector<std::string>& known) const {
  Problems problems;
  std::set<std::string> older;
  {
    const std::lock_guard lock(impl_->mutex);
    older = impl_->alias_roots;
  }
  const auto check = [&](const std::string& name, const std::string& origin) {
    if (std::find(known.begin(), known.end(), NormalizeKey(name)) != known.end()) return;
    if (older.contains(NormalizeKey(name))) return;
    const std::string_view nearest = base::Nearest(NormalizeKey(name), known);
    problems.push_back(fmt::format(
        "{}: unknown section '{}'{}", origin, name,
        nearest.empty() ? std::string() : fmt::format("; did you mean '{}'?", nearest)));
  };
  for (const Impl::Layer& layer : impl_->layers) {
    for (const auto& [name, child] : layer.root.entries) check(name, child.origin);
  }
  for (const auto& [key, value] : impl_->flags) check(key.substr(0, key.find('.')), value.origin);
  return ProblemsToStatus(problems);
}

std::vector<Effective> Source::EffectiveValues() const {
  const std::lock_guard lock(impl_->mutex);
  std::vector<Effective> values;
  for (const auto& [key, value] : impl_->asked) values.push_back(value);
  return values;
}

std::vector<std::string> Source::SecretValues() const {
  const std::lock_guard lock(impl_->mutex);
  return {impl_->secrets.begin(), impl_->secrets.end()};
}

std::map<std::string, std::string> SystemEnvironment() {
  std::map<std::string, std::string> variables;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const size_t equals = text.find('=');
    if (equals != std::string_view::npos)
      variables.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return variables;
}

absl::Status ProblemsToStatus(const Problems& problems) {
  if (problems.empty()) return absl::OkStatus();
  return base::Error(absl::StatusCode::kInvalidArgument, "CONFIG", base::Join(problems, "\n"))
      .Hint("Mend these places, then `opsmesh config check` shows whether any are left.")
      .With("problems", fmt::format("{}", problems.size()));
}

absl::Status Combine(const std::vector<absl::Status>& statuses) {
  Problems problems;
  for (const absl::Status& status : statuses) {
    if (status.ok()) continue;
    // Two parts that read the same section see the same problem: say it once.
    for (const std::string_view line : base::Split(base::ToStd(status.message()), '\n')) {
      if (std::find(problems.begin(), problems.end(), line) == problems.end())
        problems.emplace_back(line);
    }
  }
  return ProblemsToStatus(problems);
}

}  // namespace opsmesh::config
