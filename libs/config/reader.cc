#include "libs/config/reader.h"

#include <algorithm>

#include "fmt/format.h"
#include "libs/base/strings.h"
#include "libs/config/reader_state.h"
#include "libs/config/values.h"

namespace opsmesh::config {
namespace {

constexpr char kUnset[] = "(unset)";
constexpr char kMasked[] = "***";

template <typename Options>
Names NamesOf(const Options& options) {
  return {.env = options.env, .aliases = options.aliases, .required = options.required};
}

std::string DurationText(absl::Duration duration) { return absl::FormatDuration(duration); }

}  // namespace

Reader::Reader(const Source& source, std::string_view section)
    : state_(std::make_shared<State>()), path_(SplitKey(section)) {
  state_->source = source.impl_;
  state_->section = path_;
}

Reader::Reader(std::shared_ptr<State> state, Path path)
    : state_(std::move(state)), path_(std::move(path)) {}

Reader::Path Reader::PathOf(std::string_view key) const {
  Path path = path_;
  for (std::string& part : SplitKey(key)) path.push_back(std::move(part));
  return path;
}

std::optional<Reader::State::Found> Reader::State::Look(const Path& path, const Names& names) {
  if (const auto it = source->flags.find(JoinPath(path)); it != source->flags.end()) {
    return Found{it->second.text, it->second.origin};
  }
  std::vector<std::string> variables = {EnvironmentName(path)};
  variables.insert(variables.end(), names.env.begin(), names.env.end());
  known_variables.insert(names.env.begin(), names.env.end());
  // The whole environment is stronger than .env, whatever the name.
  for (const std::string& name : variables) {
    const auto it = source->environment.find(name);
    if (it != source->environment.end() && !it->second.empty())
      return Found{it->second, "env " + name};
  }
  for (const std::string& name : variables) {
    const auto it = source->dotenv.find(name);
    if (it != source->dotenv.end() && !it->second.text.empty())
      return Found{it->second.text, it->second.origin};
  }
  std::vector<Path> places = {path};
  for (const std::string& alias : names.aliases) {
    places.push_back(SplitKey(alias));
    asked.insert(places.back());
    const std::lock_guard lock(source->mutex);
    source->alias_roots.insert(places.back().front());
  }
  for (const Path& place : places) {
    if (place.empty()) continue;
    if (const Node* node = source->Find(place)) return Found{node->value, node->origin, node};
  }
  return std::nullopt;
}

void Reader::State::Record(const Path& path, std::string value, std::string origin, bool secret) {
  asked.insert(path);
  const std::lock_guard lock(source->mutex);
  const std::string key = JoinPath(path);
  source->asked[key] = {key, std::move(value), std::move(origin), secret};
}

void Reader::State::Missing(const Path& path, const Names& names) {
  if (!names.required) return;
  std::string also;
  if (!names.env.empty()) also = fmt::format(" (or the variable {})", names.env.front());
  problems.push_back(fmt::format("{}: required, and not set{}", JoinPath(path), also));
}

template <typename T>
T Reader::State::Read(const Path& path, const Names& names, T fallback, std::string_view expected,
                      const std::function<std::optional<T>(const std::string&)>& parse,
                      const std::function<std::string(T)>& show) {
  const auto found = Look(path, names);
  if (!found) {
    Missing(path, names);
    Record(path, show(fallback), "default", false);
    return fallback;
  }
  Record(path, found->text, found->origin, false);
  if (found->node != nullptr && found->node->kind != Node::Kind::kScalar) {
    problems.push_back(fmt::format("{}: {}: expected {}, not a {}", found->origin, JoinPath(path),
                                   expected,
                                   found->node->kind == Node::Kind::kList ? "list" : "map"));
    return fallback;
  }
  if (auto value = parse(found->text)) return *std::move(value);
  problems.push_back(
      fmt::format("{}: {}: '{}' is not {}", found->origin, JoinPath(path), found->text, expected));
  return fallback;
}

std::string Reader::String(std::string_view key, std::string_view fallback, StringOptions options) {
  std::string expected = "text";
  if (!options.one_of.empty()) expected = "one of " + base::Join(options.one_of, ", ");
  return state_->Read<std::string>(
      PathOf(key), NamesOf(options), std::string(fallback), expected,
      [&](const std::string& text) -> std::optional<std::string> {
        if (options.one_of.empty()) return text;
        for (const std::string& allowed : options.one_of) {
          if (base::EqualsIgnoreAsciiCase(text, allowed)) return allowed;
        }
        return std::nullopt;
      },
      [](const std::string& value) { return value.empty() ? std::string(kUnset) : value; });
}

base::Secret Reader::Secret(std::string_view key, Names names) {
  const Path path = PathOf(key);
  const auto found = state_->Look(path, names);
  if (!found || found->text.empty()) {
    if (found && found->node != nullptr && found->node->kind != Node::Kind::kScalar) {
      state_->problems.push_back(
          fmt::format("{}: {}: expected text", found->origin, JoinPath(path)));
    }
    state_->Missing(path, names);
    state_->Record(path, kUnset, found ? found->origin : "default", true);
    return base::Secret();
  }
  state_->Record(path, kMasked, found->origin, true);
  {
    const std::lock_guard lock(state_->source->mutex);
    state_->source->secrets.insert(found->text);
  }
  return base::Secret(found->text);
}

int64_t Reader::Int(std::string_view key, int64_t fallback, IntOptions options) {
  const bool bounded = options.min != std::numeric_limits<int64_t>::min() ||
                       options.max != std::numeric_limits<int64_t>::max();
  return state_->Read<int64_t>(
      PathOf(key), NamesOf(options), fallback,
      !bounded ? std::string("a whole number")
      : options.max == std::numeric_limits<int64_t>::max()
          ? fmt::format("a whole number of at least {}", options.min)
          : fmt::format("a whole number from {} to {}", options.min, options.max),
      [&](const std::string& text) -> std::optional<int64_t> {
        const auto value = ParseInt(text);
        return value && *value >= options.min && *value <= options.max ? value : std::nullopt;
      },
      [](int64_t value) { return fmt::format("{}", value); });
}

double Reader::Double(std::string_view key, double fallback, DoubleOptions options) {
  const bool bounded = options.min != std::numeric_limits<double>::lowest() ||
                       options.max != std::numeric_limits<double>::max();
  return state_->Read<double>(
      PathOf(key), NamesOf(options), fallback,
      bounded ? fmt::format("a number from {} to {}", options.min, options.max)
              : std::string("a number"),
      [&](const std::string& text) -> std::optional<double> {
        const auto value = ParseDouble(text);
        return value && *value >= options.min && *value <= options.max ? value : std::nullopt;
      },
      [](double value) { return fmt::format("{}", value); });
}

bool Reader::Bool(std::string_view key, bool fallback, Names names) {
  return state_->Read<bool>(
      PathOf(key), names, fallback, "true or false",
      [](const std::string& text) { return ParseBool(text); },
      [](bool value) { return std::string(value ? "true" : "false"); });
}

absl::Duration Reader::Duration(std::string_view key, absl::Duration fallback,
                                DurationOptions options) {
  const std::string range =
      options.max == absl::InfiniteDuration()
          ? fmt::format("a duration of at least {}", DurationText(options.min))
          : fmt::format("a duration from {} to {}", DurationText(options.min),
                        DurationText(options.max));
  return state_->Read<absl::Duration>(
      PathOf(key), NamesOf(options), fallback, range + " with its unit (250ms, 30s, 5m, 1h30m, 7d)",
      [&](const std::string& text) -> std::optional<absl::Duration> {
        const auto value = ParseDuration(text);
        return value && *value >= options.min && *value <= options.max ? value : std::nullopt;
      },
      DurationText);
}

int64_t Reader::Bytes(std::string_view key, int64_t fallback, IntOptions options) {
  return state_->Read<int64_t>(
      PathOf(key), NamesOf(options), fallback, "a size (4096, 64KiB, 10MB)",
      [&](const std::string& text) -> std::optional<int64_t> {
        const auto value = ParseBytes(text);
        return value && *value >= options.min && *value <= options.max ? value : std::nullopt;
      },
      [](int64_t value) { return fmt::format("{}", value); });
}

std::vector<std::string> Reader::Strings(std::string_view key, std::vector<std::string> fallback,
                                         Names names) {
  const Path path = PathOf(key);
  const auto found = state_->Look(path, names);
  if (!found) {
    state_->Missing(path, names);
    state_->Record(path, base::Join(fallback, ","), "default", false);
    return fallback;
  }
  std::vector<std::string> values;
  if (found->node != nullptr && found->node->kind == Node::Kind::kList) {
    for (const Node& item : found->node->items) {
      if (item.kind != Node::Kind::kScalar) {
        state_->problems.push_back(
            fmt::format("{}: {}: expected a list of words", item.origin, JoinPath(path)));
        continue;
      }
      values.push_back(item.value);
    }
  } else if (found->node != nullptr && found->node->kind == Node::Kind::kMap) {
    state_->problems.push_back(
        fmt::format("{}: {}: expected a list, not a map", found->origin, JoinPath(path)));
  } else {
    for (const std::string_view part : base::Split(found->text, ',')) {
      if (!base::Trim(part).empty()) values.emplace_back(base::Trim(part));
    }
  }
  state_->Record(path, base::Join(values, ","), found->origin, false);
  return values;
}

std::vector<Reader> Reader::List(std::string_view key) {
  const Path path = PathOf(key);
  state_->inner.insert(path);
  std::vector<Reader> readers;
  const Node* node = state_->source->Find(path);
  if (node == nullptr) return readers;
  if (node->kind != Node::Kind::kList) {
    state_->problems.push_back(
        fmt::format("{}: {}: expected a list", node->origin, JoinPath(path)));
    state_->asked.insert(path);
    return readers;
  }
  for (size_t i = 0; i < node->items.size(); ++i) {
    Path item = path;
    item.push_back(fmt::format("[{}]", i));
    if (node->items[i].kind != Node::Kind::kMap) {
      state_->problems.push_back(
          fmt::format("{}: {}: expected a map", node->items[i].origin, JoinPath(item)));
      state_->asked.insert(item);
      continue;
    }
    state_->inner.insert(item);
    readers.push_back(Reader(state_, std::move(item)));
  }
  return readers;
}

std::vector<std::pair<std::string, Reader>> Reader::Map(std::string_view key) {
  const Path path = PathOf(key);
  state_->inner.insert(path);
  std::vector<std::pair<std::string, Reader>> readers;
  for (const Source::Impl::Layer& layer : state_->source->layers) {
    const Node* node = At(layer.root, path);
    if (node == nullptr) continue;
    if (node->kind != Node::Kind::kMap) {
      state_->problems.push_back(
          fmt::format("{}: {}: expected a map", node->origin, JoinPath(path)));
      state_->asked.insert(path);
      continue;
    }
    for (const auto& [name, child] : node->entries) {
      Path item = path;
      item.push_back(name);
      if (!state_->inner.insert(item).second)
        continue;  // a stronger layer has it; values are looked up over all
      readers.emplace_back(name, Reader(state_, std::move(item)));
    }
  }
  return readers;
}

Reader Reader::Section(std::string_view key) {
  Path path = PathOf(key);
  state_->inner.insert(path);
  return Reader(state_, std::move(path));
}

bool Reader::Has(std::string_view key, const Names& names) {
  return state_->Look(PathOf(key), names).has_value();
}

void Reader::Allow(std::string_view key) { state_->asked.insert(PathOf(key)); }

void Reader::Problem(std::string_view key, std::string_view sentence) {
  const Path path = PathOf(key);
  const auto found = state_->Look(path, {});
  state_->problems.push_back(
      found ? fmt::format("{}: {}: {}", found->origin, JoinPath(path), sentence)
            : fmt::format("{}: {}", JoinPath(path), sentence));
}

}  // namespace opsmesh::config
