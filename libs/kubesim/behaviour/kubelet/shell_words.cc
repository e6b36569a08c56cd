// Arithmetic, tests and patterns of the shell.
#include <algorithm>
#include <cctype>
#include <cstdlib>

#include "libs/kubesim/behaviour/kubelet/shell_program.h"
#include "libs/kubesim/behaviour/kubelet/shell_tools.h"

namespace opsmesh::kubesim {
namespace {

constexpr int kMaxDepth = 50;

// Precedence climbing over 64-bit integers; overflow wraps.
class Arithmetic {
 public:
  Arithmetic(std::string_view text, const ShellState& state) : text_(text), state_(state) {}
  int64_t Run() { return Binary(0, 0); }

 private:
  void Space() {
    while (pos_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[pos_]))) ++pos_;
  }
  std::string_view Operator() {
    Space();
    for (std::string_view op :
         {"&&", "||", "==", "!=", "<=", ">=", "+", "-", "*", "/", "%", "<", ">"}) {
      if (text_.substr(pos_, op.size()) == op) return op;
    }
    return {};
  }
  static int Level(std::string_view op) {
    if (op == "||") return 1;
    if (op == "&&") return 2;
    if (op == "==" || op == "!=") return 3;
    if (op == "<" || op == ">" || op == "<=" || op == ">=") return 4;
    if (op == "+" || op == "-") return 5;
    return 6;
  }
  static int64_t Apply(std::string_view op, int64_t x, int64_t y) {
    const auto a = static_cast<uint64_t>(x), b = static_cast<uint64_t>(y);
    if (op == "+") return static_cast<int64_t>(a + b);
    if (op == "-") return static_cast<int64_t>(a - b);
    if (op == "*") return static_cast<int64_t>(a * b);
    if (op == "/") return y == 0 || y == -1 ? static_cast<int64_t>(y == 0 ? 0 : 0 - a) : x / y;
    if (op == "%") return y == 0 || y == -1 ? 0 : x % y;
    if (op == "==") return x == y;
    if (op == "!=") return x != y;
    if (op == "<") return x < y;
    if (op == ">") return x > y;
    if (op == "<=") return x <= y;
    if (op == ">=") return x >= y;
    return op == "&&" ? (x && y) : (x || y);
  }
  int64_t Binary(int level, int depth) {
    int64_t value = Unary(depth);
    while (true) {
      const std::string_view op = Operator();
      if (op.empty() || Level(op) <= level || depth > kMaxDepth) return value;
      pos_ += op.size();
      value = Apply(op, value, Binary(Level(op), depth + 1));
    }
  }
  int64_t Unary(int depth) {
    Space();
    if (pos_ >= text_.size() || depth > kMaxDepth) return 0;
    const char c = text_[pos_];
    if (c == '-' || c == '+' || c == '!') {
      ++pos_;
      const int64_t value = Unary(depth + 1);
      return c == '-'   ? static_cast<int64_t>(0 - static_cast<uint64_t>(value))
             : c == '!' ? !value
                        : value;
    }
    if (c == '(') {
      ++pos_;
      const int64_t value = Binary(0, depth + 1);
      Space();
      if (pos_ < text_.size()) ++pos_;
      return value;
    }
    if (c == '$') ++pos_;
    size_t end = pos_;
    while (end < text_.size() &&
           (std::isalnum(static_cast<unsigned char>(text_[end])) || text_[end] == '_'))
      ++end;
    const std::string word(text_.substr(pos_, end - pos_));
    pos_ = std::max(end, pos_ + (word.empty() ? 1 : 0));
    if (word.empty()) return 0;
    if (std::isdigit(static_cast<unsigned char>(word[0])))
      return std::strtoll(word.c_str(), nullptr, 0);
    if (word == "RANDOM") return absl::ToUnixMicros(state_.now) % 32768;
    auto it = state_.variables.find(word);
    return it == state_.variables.end() ? 0 : std::strtoll(it->second.c_str(), nullptr, 10);
  }

  std::string_view text_;
  const ShellState& state_;
  size_t pos_ = 0;
};

bool FileThere(const ShellState& state, const std::string& name, bool directory) {
  const std::string path = AbsolutePath(state, name);
  if (state.removed.contains(path)) return false;
  return directory ? IsDirectory(state, path) : FindFile(state, path).has_value();
}

bool Unary(const std::string& op, const std::string& value, const ShellState& state) {
  if (op == "-z") return value.empty();
  if (op == "-n") return !value.empty();
  if (op == "-d") return FileThere(state, value, true);
  if (op == "-e") return FileThere(state, value, false) || FileThere(state, value, true);
  if (op == "-s") {
    const std::string path = AbsolutePath(state, value);
    if (auto it = state.sizes.find(path); it != state.sizes.end()) return it->second > 0;
    return !FindFile(state, path).value_or("").empty();
  }
  if (op == "-f" || op == "-r" || op == "-w" || op == "-x" || op == "-S" || op == "-L")
    return FileThere(state, value, false);
  return false;
}

bool Binary(const std::string& x, const std::string& op, const std::string& y) {
  if (op == "=") return x == y;
  if (op == "==") return MatchesPattern(y, x);
  if (op == "!=") return x != y;
  const int64_t a = std::strtoll(x.c_str(), nullptr, 10), b = std::strtoll(y.c_str(), nullptr, 10);
  if (op == "-eq") return a == b;
  if (op == "-ne") return a != b;
  if (op == "-lt") return a < b;
  if (op == "-le") return a <= b;
  if (op == "-gt") return a > b;
  if (op == "-ge") return a >= b;
  if (op == "=~") return x.find(y) != std::string::npos;
  return false;
}

}  // namespace

int64_t EvaluateArithmetic(std::string_view text, const ShellState& state) {
  return Arithmetic(text, state).Run();
}

int EvaluateTest(const std::vector<std::string>& argv, const ShellState& state, std::string* err) {
  std::vector<std::string> words(argv.begin() + 1, argv.end());
  if (argv[0] != "test") {
    if (words.empty() || words.back() != (argv[0] == "[" ? "]" : "]]")) {
      *err += state.shell_name + ": [: missing ]\n";
      return 2;
    }
    words.pop_back();
  }
  // a -o b, a && b …: from left to right.
  bool result = false, conjunction = false, first = true;
  for (size_t i = 0; i < words.size();) {
    bool negate = false;
    while (i < words.size() && words[i] == "!") {
      negate = !negate;
      ++i;
    }
    bool value = false;
    if (i + 2 < words.size() && words[i + 1] != "-a" && words[i + 1] != "-o" &&
        words[i + 1] != "&&" && words[i + 1] != "||") {
      value = Binary(words[i], words[i + 1], words[i + 2]);
      i += 3;
    } else if (i + 1 < words.size() && words[i].size() == 2 && words[i][0] == '-') {
      value = Unary(words[i], words[i + 1], state);
      i += 2;
    } else if (i < words.size()) {
      value = !words[i].empty();
      ++i;
    }
    value = value != negate;
    result = first ? value : conjunction ? result && value : result || value;
    first = false;
    if (i < words.size()) conjunction = words[i] == "-a" || words[i] == "&&";
    ++i;
  }
  return result ? 0 : 1;
}

bool MatchesPattern(std::string_view pattern, std::string_view text) {
  size_t p = 0, t = 0, star = std::string_view::npos, mark = 0;
  while (t < text.size()) {
    if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t]) && pattern[p] != '*') {
      ++p;
      ++t;
    } else if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      mark = t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++mark;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace opsmesh::kubesim
