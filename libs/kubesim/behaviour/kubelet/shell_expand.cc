// The expansion of words: variables, substitutions, quotes.
#include <algorithm>
#include <cctype>
#include <utility>

#include "libs/base/strings.h"
#include "libs/kubesim/behaviour/kubelet/shell_program.h"

namespace opsmesh::kubesim {
namespace {

constexpr int kMaxSubstitution = 8;

thread_local int substitution_depth = 0;

bool NameChar(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }

std::string Variable(const std::string& name, const ShellContext& context) {
  const ShellState& state = context.state;
  if (name == "?") return std::to_string(state.status);
  if (name == "$") return "1";
  if (name == "#")
    return std::to_string(state.positional.empty() ? 0 : state.positional.size() - 1);
  if (name == "RANDOM") return std::to_string(absl::ToUnixMicros(state.now) % 32768);
  if (name == "SECONDS") return "0";
  if (name == "PWD") return state.directory;
  if (name.size() == 1 && std::isdigit(static_cast<unsigned char>(name[0]))) {
    const size_t index = static_cast<size_t>(name[0] - '0');
    return index < state.positional.size() ? state.positional[index] : "";
  }
  if (name == "@" || name == "*") {
    std::vector<std::string> rest(state.positional.begin() + (state.positional.empty() ? 0 : 1),
                                  state.positional.end());
    return base::Join(rest, " ");
  }
  auto it = state.variables.find(name);
  return it == state.variables.end() ? "" : it->second;
}

// The output of a command run to its end, without trailing newlines.
std::string Substitute(std::string_view script, ShellContext& context) {
  if (substitution_depth >= kMaxSubstitution) return "";
  const auto program = CompileShell(script);
  if (!program) return "";
  const Level level(&substitution_depth);
  ShellState inner = context.state;
  inner.program = program;
  inner.pc = 0;
  inner.loops.clear();
  inner.jobs.clear();
  inner.wakes = absl::InfinitePast();
  inner.child = inner.keeps_errors = true;
  inner.raw = inner.may_ask = false;
  inner.errors.clear();
  std::vector<LogLine> lines;
  const absl::Time start = inner.now;
  RunShell(&inner, std::min(start + absl::Hours(1), inner.horizon), context.world, &lines);
  context.errors += inner.errors;
  context.state.status = inner.status;
  if (inner.now > start && inner.now != absl::InfiniteFuture()) context.delay += inner.now - start;
  std::string text;
  for (const LogLine& line : lines) text += (text.empty() ? "" : "\n") + line.text;
  return text;
}

struct Piece {
  std::string text;
  bool quoted = false;
};

class Expander {
 public:
  Expander(const std::string& raw, ShellContext& context) : raw_(raw), context_(context) {}

  std::vector<Piece> Run() {
    while (pos_ < raw_.size()) One(false);
    return std::move(pieces_);
  }

 private:
  void Add(std::string text, bool quoted) {
    if (text.size() > kMaxShellText) text.resize(kMaxShellText);
    pieces_.push_back({std::move(text), quoted});
  }

  void One(bool quoted) {
    const char c = raw_[pos_];
    if (c == '\\') {
      const char next = pos_ + 1 < raw_.size() ? raw_[pos_ + 1] : '\\';
      const bool special =
          !quoted || std::string_view("$`\"\\\n").find(next) != std::string_view::npos;
      Add(special ? (next == '\n' ? "" : std::string(1, next)) : std::string("\\") + next, true);
      pos_ = std::min(pos_ + 2, raw_.size());
    } else if (c == '\'' && !quoted) {
      const size_t end = std::min(raw_.find('\'', pos_ + 1), raw_.size());
      Add(raw_.substr(pos_ + 1, end - pos_ - 1), true);
      pos_ = std::min(end + 1, raw_.size());
    } else if (c == '"' && !quoted) {
      Add("", true);  // an empty quoted word is a word
      for (++pos_; pos_ < raw_.size() && raw_[pos_] != '"';) One(true);
      ++pos_;
    } else if (c == '`') {
      const size_t end = std::min(raw_.find('`', pos_ + 1), raw_.size());
      Add(Substitute(raw_.substr(pos_ + 1, end - pos_ - 1), context_), quoted);
      pos_ = std::min(end + 1, raw_.size());
    } else if (c == '$' && pos_ + 1 < raw_.size()) {
      Dollar(quoted);
    } else {
      Add(std::string(1, c), quoted || (c != ' ' && c != '\t'));
      ++pos_;
    }
  }

  // The end of a bracketed stretch whose opening is at `open`.
  size_t Closing(size_t open, char opening, char closing) const {
    int depth = 0;
    for (size_t i = open; i < raw_.size(); ++i) {
      if (raw_[i] == '\\') {
        ++i;
        continue;
      }
      if (raw_[i] == '\'') {
        i = std::min(raw_.find('\'', i + 1), raw_.size());
        continue;
      }
      depth += raw_[i] == opening;
      if (raw_[i] == closing && --depth == 0) return i;
    }
    return raw_.size();
  }

  void Dollar(bool quoted) {
    const char next = raw_[pos_ + 1];
    if (raw_.compare(pos_, 3, "$((") == 0) {
      const size_t end = Closing(pos_ + 1, '(', ')');
      const std::string inside = raw_.substr(pos_ + 3, end > pos_ + 4 ? end - pos_ - 4 : 0);
      Add(std::to_string(EvaluateArithmetic(inside, context_.state)), quoted);
      pos_ = std::min(end + 1, raw_.size());
    } else if (next == '(') {
      const size_t end = Closing(pos_ + 1, '(', ')');
      Add(Substitute(raw_.substr(pos_ + 2, end - pos_ - 2), context_), quoted);
      pos_ = std::min(end + 1, raw_.size());
    } else if (next == '{') {
      const size_t end = Closing(pos_ + 1, '{', '}');
      Braces(raw_.substr(pos_ + 2, end - pos_ - 2), quoted);
      pos_ = std::min(end + 1, raw_.size());
    } else if (NameChar(next) || std::string_view("?$#@*!").find(next) != std::string_view::npos) {
      size_t end = pos_ + 2;
      if (NameChar(next) && !std::isdigit(static_cast<unsigned char>(next))) {
        while (end < raw_.size() && NameChar(raw_[end])) ++end;
      }
      Add(Variable(raw_.substr(pos_ + 1, end - pos_ - 1), context_), quoted);
      pos_ = end;
    } else {
      Add("$", true);
      ++pos_;
    }
  }

  void Braces(const std::string& inside, bool quoted) {
    if (inside.starts_with("#") && inside.size() > 1)
      return Add(std::to_string(Variable(inside.substr(1), context_).size()), quoted);
    size_t end = 0;
    while (end < inside.size() && NameChar(inside[end])) ++end;
    if (end == 0 && !inside.empty()) end = 1;
    const std::string name = inside.substr(0, end);
    std::string op = inside.substr(end);
    const std::string value = Variable(name, context_);
    const bool colon = op.starts_with(":");
    if (colon) op.erase(0, 1);
    if (op.empty()) return Add(value, quoted);
    const bool unset = colon ? value.empty() : !context_.state.variables.contains(name);
    const std::string word = op.substr(1);
    switch (op[0]) {
      case '-':
        return Add(unset ? ExpandText(word, context_) : value, quoted);
      case '+':
        return Add(unset ? "" : ExpandText(word, context_), quoted);
      case '=':
        if (unset) SetVariable(context_.state, name, ExpandText(word, context_));
        return Add(Variable(name, context_), quoted);
      case '?':
        if (unset) context_.exits = true;
        return Add(value, quoted);
      case '%':
      case '#':
        return Add(Trimmed(value, op), quoted);
      default:
        return Add(value, quoted);
    }
  }

  static std::string Trimmed(const std::string& value, const std::string& op) {
    const bool suffix = op[0] == '%';
    const bool longest = op.size() > 1 && op[1] == op[0];
    const std::string pattern = op.substr(longest ? 2 : 1);
    std::string best = value;
    for (size_t i = 0; i <= value.size(); ++i) {
      const size_t cut = (suffix != longest) ? value.size() - i : i;
      const std::string part = suffix ? value.substr(cut) : value.substr(0, cut);
      if (!MatchesPattern(pattern, part)) continue;
      best = suffix ? value.substr(0, cut) : value.substr(cut);
      if (!longest || suffix) break;
    }
    return best;
  }

  const std::string& raw_;
  ShellContext& context_;
  size_t pos_ = 0;
  std::vector<Piece> pieces_;
};

}  // namespace

void SetVariable(ShellState& state, const std::string& name, std::string value) {
  if (state.variables.size() >= kMaxShellVariables && !state.variables.contains(name)) return;
  state.variables[name] = std::move(value);
}

std::string ExpandText(const std::string& raw, ShellContext& context) {
  std::string text;
  for (const Piece& piece : Expander(raw, context).Run()) text += piece.text;
  return text;
}

std::vector<std::string> ExpandWord(const std::string& raw, ShellContext& context) {
  std::vector<std::string> fields;
  bool open = false;
  for (const Piece& piece : Expander(raw, context).Run()) {
    if (piece.quoted) {
      if (!open) fields.emplace_back();
      open = true;
      fields.back() += piece.text;
      continue;
    }
    for (char c : piece.text) {
      if (c == ' ' || c == '\t' || c == '\n') {
        open = false;
        continue;
      }
      if (!open) fields.emplace_back();
      open = true;
      fields.back() += c;
    }
  }
  return fields;
}

}  // namespace opsmesh::kubesim
