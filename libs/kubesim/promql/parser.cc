// What is read first: the query, its operators, and what stands between them.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "libs/kubesim/promql/ast.h"
#include "libs/kubesim/promql/functions.h"
#include "libs/kubesim/promql/lexer.h"
#include "libs/kubesim/promql/parser_internal.h"

namespace opsmesh::kubesim::promql {
namespace {

constexpr int kMaxDepth = 256;
constexpr size_t kMaxBytes = 64 << 10;
constexpr std::array<std::string_view, 12> kAggregators = {
    "avg", "bottomk",  "count",  "count_values", "group", "max",
    "min", "quantile", "stddev", "stdvar",       "sum",   "topk"};

constexpr int kPowPrecedence = 6;
constexpr int kMulPrecedence = 5;
constexpr OpName kOps[] = {
    {"or", BinaryOp::kOr, 1},         {"and", BinaryOp::kAnd, 2},
    {"unless", BinaryOp::kUnless, 2}, {"==", BinaryOp::kEq, 3},
    {"!=", BinaryOp::kNe, 3},         {"<=", BinaryOp::kLe, 3},
    {"<", BinaryOp::kLt, 3},          {">=", BinaryOp::kGe, 3},
    {">", BinaryOp::kGt, 3},          {"+", BinaryOp::kAdd, 4},
    {"-", BinaryOp::kSub, 4},         {"*", BinaryOp::kMul, kMulPrecedence},
    {"/", BinaryOp::kDiv, 5},         {"%", BinaryOp::kMod, 5},
    {"atan2", BinaryOp::kAtan2, 5},   {"^", BinaryOp::kPow, kPowPrecedence},
};

}  // namespace

bool IsAggregator(std::string_view lower) {
  return std::find(kAggregators.begin(), kAggregators.end(), lower) != kAggregators.end();
}

absl::StatusOr<Query> Parser::Run() {
  if (text_.size() > kMaxBytes) return Bad(0, "the query is longer than 65536 bytes");
  std::string message;
  size_t offset = 0;
  if (!Tokenise(text_, &tokens_, &message, &offset)) return Bad(offset, message);
  if (Now().kind == Token::Kind::kEnd) return Bad(0, "no expression found in input");
  ExprPtr root = Binary(1);
  if (root != nullptr && Now().kind != Token::Kind::kEnd) Unexpected("");
  if (!error_.ok()) return error_;
  return Query{std::move(root), next_id_};
}

absl::StatusOr<std::vector<Matcher>> Parser::RunSelector() {
  absl::StatusOr<Query> query = Run();
  if (!query.ok()) return query.status();
  if (query->root->kind != Expr::Kind::kSelector || query->root->shift.offset != 0) {
    return Bad(0, "expected a series selector");
  }
  return std::move(query->root->matchers);
}

absl::Status Parser::Bad(size_t offset, std::string_view what) const {
  return base::InvalidArgument("query", "BAD_QUERY",
                               fmt::format("{}: parse error: {}", Position(text_, offset), what));
}

std::nullptr_t Parser::Fail(size_t offset, std::string_view what) {
  if (error_.ok()) error_ = Bad(offset, what);
  return nullptr;
}

std::nullptr_t Parser::Unexpected(std::string_view where) {
  const Token& token = Now();
  std::string what = fmt::format("\"{}\"", token.text);
  if (token.kind == Token::Kind::kEnd) what = "end of input";
  if (token.kind == Token::Kind::kNumber) what = fmt::format("number \"{}\"", token.text);
  if (token.kind == Token::Kind::kDuration) what = fmt::format("duration \"{}\"", token.text);
  if (token.kind == Token::Kind::kString) what = fmt::format("string \"{}\"", token.text);
  if (token.kind == Token::Kind::kWord) what = fmt::format("identifier \"{}\"", token.text);
  return Fail(token.offset, fmt::format("unexpected {}{}", what, where));
}

const Token& Parser::Now() const { return tokens_[at_]; }

const Token& Parser::Next() const { return tokens_[std::min(at_ + 1, tokens_.size() - 1)]; }

bool Parser::IsSymbol(std::string_view symbol) const {
  return Now().kind == Token::Kind::kSymbol && Now().text == symbol;
}

bool Parser::IsWord(std::string_view lower) const {
  return Now().kind == Token::Kind::kWord && base::AsciiLower(Now().text) == lower;
}

bool Parser::Take(std::string_view symbol) {
  if (!IsSymbol(symbol)) return false;
  ++at_;
  return true;
}

bool Parser::TakeWord(std::string_view lower) {
  if (!IsWord(lower)) return false;
  ++at_;
  return true;
}

bool Parser::Expect(std::string_view symbol, std::string_view where) {
  if (Take(symbol)) return true;
  Unexpected(fmt::format("{}, expected \"{}\"", where, symbol));
  return false;
}

ExprPtr Parser::New(Expr::Kind kind, ValueType type, size_t offset) {
  auto expr = std::make_unique<Expr>();
  expr->kind = kind;
  expr->type = type;
  expr->offset = offset;
  expr->id = next_id_++;
  return expr;
}

const OpName* Parser::Operator() const {
  if (Now().kind != Token::Kind::kSymbol && Now().kind != Token::Kind::kWord) return nullptr;
  const std::string word = base::AsciiLower(Now().text);
  for (const OpName& op : kOps) {
    if (op.text == word) return &op;
  }
  return nullptr;
}

ExprPtr Parser::Binary(int least) {
  if (++depth_ > kMaxDepth) return Fail(Now().offset, "the expression is nested too deeply");
  ExprPtr left = Unary();
  while (left != nullptr) {
    const OpName* op = Operator();
    if (op == nullptr || op->precedence < least) break;
    left = Join(std::move(left), *op);
  }
  --depth_;
  return left;
}

ExprPtr Parser::Join(ExprPtr left, const OpName& op) {
  const size_t start = left->offset;
  ++at_;
  ExprPtr expr = New(Expr::Kind::kBinary, ValueType::kVector, start);
  expr->op = op.op;
  if (IsSetOp(op.op)) expr->matching.card = Matching::Card::kManyToMany;
  if (TakeWord("bool")) {
    if (!IsComparison(op.op))
      return Fail(start, "bool modifier can only be used on comparison operators");
    expr->return_bool = true;
  }
  if (!MatchingOf(expr.get())) return nullptr;
  ExprPtr right = Binary(op.op == BinaryOp::kPow ? op.precedence : op.precedence + 1);
  if (right == nullptr) return nullptr;
  expr->args.push_back(std::move(left));
  expr->args.push_back(std::move(right));
  return Typed(std::move(expr));
}

bool Parser::MatchingOf(Expr* expr) {
  Matching& matching = expr->matching;
  if (!IsWord("on") && !IsWord("ignoring")) return true;
  matching_given_ = true;
  matching.on = IsWord("on");
  ++at_;
  if (!Names(&matching.labels)) return false;
  const bool left = IsWord("group_left");
  if (!left && !IsWord("group_right")) return true;
  const size_t offset = Now().offset;
  ++at_;
  matching.card = left ? Matching::Card::kManyToOne : Matching::Card::kOneToMany;
  if (IsSymbol("(") && !Names(&matching.include)) return false;
  if (IsSetOp(expr->op)) {
    Fail(offset, fmt::format("no grouping allowed for \"{}\" operation", OpText(expr->op)));
    return false;
  }
  for (const std::string& name : matching.include) {
    if (matching.on &&
        std::find(matching.labels.begin(), matching.labels.end(), name) != matching.labels.end()) {
      Fail(offset, fmt::format("label \"{}\" must not occur in ON and GROUP clause at once", name));
      return false;
    }
  }
  return true;
}

ExprPtr Parser::Typed(ExprPtr expr) {
  const ValueType left = expr->args[0]->type;
  const ValueType right = expr->args[1]->type;
  for (const auto& arg : expr->args) {
    if (arg->type != ValueType::kScalar && arg->type != ValueType::kVector) {
      return Fail(arg->offset,
                  "binary expression must contain only scalar and instant vector types");
    }
  }
  const bool scalars = left == ValueType::kScalar && right == ValueType::kScalar;
  const bool any_scalar = left == ValueType::kScalar || right == ValueType::kScalar;
  if (IsComparison(expr->op) && !expr->return_bool && scalars) {
    return Fail(expr->offset, "comparisons between scalars must use BOOL modifier");
  }
  if (IsSetOp(expr->op) && any_scalar) {
    return Fail(expr->offset,
                fmt::format("set operator \"{}\" not allowed in binary scalar expression",
                            OpText(expr->op)));
  }
  if (any_scalar && (!expr->matching.labels.empty() || expr->matching.on)) {
    return Fail(expr->offset, "vector matching only allowed between instant vectors");
  }
  expr->type = scalars ? ValueType::kScalar : ValueType::kVector;
  return expr;
}

/// "(a, b)"; label names may be words that mean something elsewhere.
bool Parser::Names(std::vector<std::string>* names) {
  if (!Expect("(", " in grouping opts")) return false;
  while (!IsSymbol(")")) {
    if (Now().kind != Token::Kind::kWord || !IsLabelName(Now().text)) {
      Unexpected(" in grouping opts, expected label");
      return false;
    }
    names->push_back(Now().text);
    ++at_;
    if (!IsSymbol(")") && !Expect(",", " in grouping opts")) return false;
  }
  ++at_;
  return true;
}

ExprPtr Parser::Unary() {
  if (!IsSymbol("+") && !IsSymbol("-")) return Postfix(Primary());
  const size_t offset = Now().offset;
  const bool negative = IsSymbol("-");
  ++at_;
  ExprPtr inner = Binary(kPowPrecedence);
  if (inner == nullptr) return nullptr;
  if (inner->type != ValueType::kScalar && inner->type != ValueType::kVector) {
    return Fail(offset, fmt::format("unary expression only allowed on expressions of type scalar "
                                    "or instant vector, got \"{}\"",
                                    TypeName(inner->type)));
  }
  if (!negative) return inner;
  if (inner->kind == Expr::Kind::kNumber && !inner->parenthesised) {
    inner->number = -inner->number;
    return inner;
  }
  ExprPtr expr = New(Expr::Kind::kNegate, inner->type, offset);
  expr->args.push_back(std::move(inner));
  return expr;
}

ExprPtr Parser::Primary() {
  const Token& token = Now();
  switch (token.kind) {
    case Token::Kind::kNumber: {
      ExprPtr expr = New(Expr::Kind::kNumber, ValueType::kScalar, token.offset);
      expr->number = token.number;
      ++at_;
      return expr;
    }
    case Token::Kind::kString: {
      ExprPtr expr = New(Expr::Kind::kString, ValueType::kString, token.offset);
      expr->text = token.text;
      ++at_;
      return expr;
    }
    case Token::Kind::kWord:
      return Word();
    case Token::Kind::kSymbol:
      if (Take("(")) {
        ExprPtr inner = Binary(1);
        if (inner == nullptr || !Expect(")", " in paren expression")) return nullptr;
        inner->parenthesised = true;
        return inner;
      }
      if (IsSymbol("{")) return Selector("", token.offset);
      break;
    default:
      break;
  }
  return Unexpected("");
}

ExprPtr Parser::Word() {
  const Token token = Now();
  const std::string lower = base::AsciiLower(token.text);
  const bool call = Next().kind == Token::Kind::kSymbol && Next().text == "(";
  const bool clause =
      Next().kind == Token::Kind::kWord &&
      (base::AsciiLower(Next().text) == "by" || base::AsciiLower(Next().text) == "without");
  if (IsAggregator(lower) && (call || clause)) return Aggregate(lower);
  if (call) return Call(token);
  for (const std::string_view reserved :
       {"and", "or", "unless", "atan2", "on", "ignoring", "group_left", "group_right", "bool", "by",
        "without", "offset"}) {
    if (lower == reserved) return Unexpected("");
  }
  ++at_;
  return Selector(token.text, token.offset);
}

std::string_view TypeName(ValueType type) {
  switch (type) {
    case ValueType::kScalar:
      return "scalar";
    case ValueType::kVector:
      return "instant vector";
    case ValueType::kMatrix:
      return "range vector";
    case ValueType::kString:
      return "string";
  }
  return "";
}

std::string_view OpText(BinaryOp op) {
  for (const OpName& name : kOps) {
    if (name.op == op) return name.text;
  }
  return "";
}

std::optional<int64_t> ParseDuration(std::string_view text) {
  // Units fall and come once each: 1w2d3h4m5s6ms, the year first.
  constexpr std::pair<std::string_view, int64_t> kUnits[] = {{"y", 365LL * 86400000},
                                                             {"w", 7LL * 86400000},
                                                             {"d", 86400000},
                                                             {"h", 3600000},
                                                             {"m", 60000},
                                                             {"s", 1000},
                                                             {"ms", 1}};
  if (text == "0") return 0;
  int64_t total = 0;
  size_t unit = 0;
  bool any = false;
  while (!text.empty()) {
    int64_t number = 0;
    size_t digits = 0;
    for (; digits < text.size() && text[digits] >= '0' && text[digits] <= '9'; ++digits) {
      number = number * 10 + (text[digits] - '0');
      if (number > 1'000'000'000'000) return std::nullopt;
    }
    if (digits == 0) return std::nullopt;
    text.remove_prefix(digits);
    for (; unit < std::size(kUnits); ++unit) {
      const std::string_view name = kUnits[unit].first;
      if (name == "m" && text.starts_with("ms")) continue;
      if (text.starts_with(name)) break;
    }
    if (unit == std::size(kUnits)) return std::nullopt;
    text.remove_prefix(kUnits[unit].first.size());
    if (number > 9'000'000'000'000'000 / kUnits[unit].second) return std::nullopt;
    total += number * kUnits[unit].second;
    ++unit;
    any = true;
  }
  return any ? std::optional(total) : std::nullopt;
}

absl::StatusOr<Query> Parse(std::string_view text) { return Parser(text).Run(); }
absl::StatusOr<std::vector<Matcher>> ParseSelector(std::string_view text) {
  return Parser(text).RunSelector();
}

}  // namespace opsmesh::kubesim::promql
