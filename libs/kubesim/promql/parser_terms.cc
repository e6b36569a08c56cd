// What follows an expression: ranges, offsets, arguments, aggregations.
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

bool TakesParameter(std::string_view aggregator) {
  return aggregator == "topk" || aggregator == "bottomk" || aggregator == "quantile" ||
         aggregator == "count_values";
}

}  // namespace

ExprPtr Parser::Selector(std::string name, size_t offset) {
  ExprPtr expr = New(Expr::Kind::kSelector, ValueType::kVector, offset);
  bool named = !name.empty();
  if (named)
    expr->matchers.push_back(
        {std::string(kMetricName), Matcher::Op::kEqual, std::move(name), nullptr});
  if (Take("{")) {
    while (!IsSymbol("}")) {
      if (!Term(expr.get(), named)) return nullptr;
      if (!IsSymbol("}") && !Expect(",", " in label matching")) return nullptr;
    }
    ++at_;
  }
  const bool some = std::any_of(expr->matchers.begin(), expr->matchers.end(),
                                [](const Matcher& m) { return !m.Matches(""); });
  if (!some) return Fail(offset, "vector selector must contain at least one non-empty matcher");
  return expr;
}

bool Parser::Term(Expr* expr, bool named) {
  if (Now().kind != Token::Kind::kWord || !IsLabelName(Now().text)) {
    Unexpected(" in label matching, expected identifier or \"}\"");
    return false;
  }
  const Token name = Now();
  ++at_;
  std::optional<Matcher::Op> op;
  if (Take("="))
    op = Matcher::Op::kEqual;
  else if (Take("!="))
    op = Matcher::Op::kNotEqual;
  else if (Take("=~"))
    op = Matcher::Op::kMatch;
  else if (Take("!~"))
    op = Matcher::Op::kNotMatch;
  if (!op) {
    Unexpected(" in label matching, expected label matching operator");
    return false;
  }
  if (Now().kind != Token::Kind::kString) {
    Unexpected(" in label matching, expected string");
    return false;
  }
  if (named && name.text == kMetricName) {
    Fail(name.offset, "metric name must not be set twice");
    return false;
  }
  auto matcher = Matcher::Make(name.text, *op, Now().text);
  if (!matcher.ok()) {
    Fail(Now().offset, base::ToStd(matcher.status().message()));
    return false;
  }
  expr->matchers.push_back(*std::move(matcher));
  ++at_;
  return true;
}

/// Ranges, subqueries, offset and @ behind an expression.
ExprPtr Parser::Postfix(ExprPtr expr) {
  while (expr != nullptr) {
    if (IsSymbol("[")) {
      expr = Brackets(std::move(expr));
    } else if (IsWord("offset")) {
      expr = Offset(std::move(expr));
    } else if (IsSymbol("@")) {
      expr = At(std::move(expr));
    } else {
      break;
    }
  }
  return expr;
}

bool Parser::TakeDuration(int64_t* ms, std::string_view where) {
  if (Now().kind != Token::Kind::kDuration) {
    Unexpected(fmt::format("{}, expected duration", where));
    return false;
  }
  const auto value = ParseDuration(Now().text);
  if (!value || *value == 0) {
    Fail(Now().offset, value ? "duration must be greater than 0"
                             : fmt::format("not a valid duration string: \"{}\"", Now().text));
    return false;
  }
  *ms = *value;
  ++at_;
  return true;
}

ExprPtr Parser::Brackets(ExprPtr inner) {
  const size_t offset = inner->offset;
  const bool shifted =
      inner->shift.offset != 0 || inner->shift.at != TimeShift::At::kNone || inner->parenthesised;
  ++at_;
  int64_t range = 0;
  if (!TakeDuration(&range, " in subquery selector")) return nullptr;
  if (Take("]")) {
    if (inner->kind != Expr::Kind::kSelector)
      return Fail(offset, "ranges only allowed for vector selectors");
    if (shifted) return Fail(offset, "no offset modifiers allowed before range");
    ExprPtr expr = New(Expr::Kind::kMatrix, ValueType::kMatrix, offset);
    expr->range = range;
    expr->args.push_back(std::move(inner));
    return expr;
  }
  if (!Expect(":", " in subquery selector")) return nullptr;
  if (inner->type != ValueType::kVector && inner->type != ValueType::kScalar) {
    return Fail(offset, fmt::format("subquery is only allowed on instant vector, got {} instead",
                                    TypeName(inner->type)));
  }
  if (inner->type == ValueType::kScalar) {
    return Fail(offset, "subquery is only allowed on instant vector, got scalar instead");
  }
  ExprPtr expr = New(Expr::Kind::kSubquery, ValueType::kMatrix, offset);
  expr->range = range;
  if (!IsSymbol("]") && !TakeDuration(&expr->step, " in subquery selector")) return nullptr;
  if (!Expect("]", " in subquery selector")) return nullptr;
  expr->args.push_back(std::move(inner));
  return expr;
}

/// Where the shift of an expression is kept; null when it cannot have one.
TimeShift* Parser::ShiftOf(Expr* expr) {
  if (expr->parenthesised) return nullptr;
  if (expr->kind == Expr::Kind::kSelector || expr->kind == Expr::Kind::kSubquery)
    return &expr->shift;
  if (expr->kind == Expr::Kind::kMatrix) return &expr->args[0]->shift;
  return nullptr;
}

ExprPtr Parser::Offset(ExprPtr expr) {
  TimeShift* shift = ShiftOf(expr.get());
  if (shift == nullptr) {
    return Fail(Now().offset,
                "offset modifier must be preceded by an instant vector selector or range vector "
                "selector or a subquery");
  }
  ++at_;
  const bool negative = Take("-");
  if (shift->offset != 0) return Fail(Now().offset, "offset may not be set multiple times");
  if (!TakeDuration(&shift->offset, " in offset")) return nullptr;
  if (negative) shift->offset = -shift->offset;
  return expr;
}

ExprPtr Parser::At(ExprPtr expr) {
  TimeShift* shift = ShiftOf(expr.get());
  if (shift == nullptr) {
    return Fail(Now().offset,
                "@ modifier must be preceded by an instant vector selector or range vector "
                "selector or a subquery");
  }
  ++at_;
  if (shift->at != TimeShift::At::kNone)
    return Fail(Now().offset, "@ <timestamp> may not be set multiple times");
  if (IsWord("start") || IsWord("end")) {
    shift->at = IsWord("start") ? TimeShift::At::kStart : TimeShift::At::kEnd;
    ++at_;
    if (!Expect("(", " in @") || !Expect(")", " in @")) return nullptr;
    return expr;
  }
  const bool negative = Take("-");
  if (!negative) Take("+");
  if (Now().kind != Token::Kind::kNumber) return Unexpected(" in @, expected timestamp");
  const double seconds = negative ? -Now().number : Now().number;
  if (!(std::fabs(seconds) < 9e12))
    return Fail(Now().offset, fmt::format("timestamp out of bounds for @ modifier: {}", seconds));
  shift->at = TimeShift::At::kTimestamp;
  shift->at_ms = static_cast<int64_t>(std::llround(seconds * 1000));
  ++at_;
  return expr;
}

bool Parser::Arguments(std::vector<ExprPtr>* args, std::string_view where) {
  if (!Expect("(", where)) return false;
  while (!IsSymbol(")")) {
    ExprPtr arg = Binary(1);
    if (arg == nullptr) return false;
    args->push_back(std::move(arg));
    if (IsSymbol(")")) break;
    if (!Expect(",", where)) return false;
    if (IsSymbol(")")) {
      Fail(Now().offset, "trailing commas not allowed in function call args");
      return false;
    }
  }
  ++at_;
  return true;
}

bool Parser::CheckType(const Expr& arg, ValueType wanted, std::string_view where) {
  if (arg.type == wanted) return true;
  Fail(arg.offset,
       fmt::format("expected type {} in {}, got {}", TypeName(wanted), where, TypeName(arg.type)));
  return false;
}

ExprPtr Parser::Call(const Token& token) {
  const Function* function = FindFunction(token.text);
  if (function == nullptr)
    return Fail(token.offset, fmt::format("unknown function with name \"{}\"", token.text));
  ++at_;
  ExprPtr expr = New(Expr::Kind::kCall, function->result, token.offset);
  expr->function = function;
  if (!Arguments(&expr->args, " in function call")) return nullptr;
  const size_t given = expr->args.size();
  const size_t named = function->args.size();
  if (function->variadic == 0 && given != named) {
    return Fail(token.offset, fmt::format("expected {} argument(s) in call to \"{}\", got {}",
                                          named, function->name, given));
  }
  if (function->variadic != 0 && given + 1 < named) {
    return Fail(token.offset,
                fmt::format("expected at least {} argument(s) in call to \"{}\", got {}", named - 1,
                            function->name, given));
  }
  if (function->variadic > 0 && given > named - 1 + static_cast<size_t>(function->variadic)) {
    return Fail(
        token.offset,
        fmt::format("expected at most {} argument(s) in call to \"{}\", got {}",
                    named - 1 + static_cast<size_t>(function->variadic), function->name, given));
  }
  for (size_t i = 0; i < given; ++i) {
    const ValueType wanted = function->args[std::min(i, named - 1)];
    if (!CheckType(*expr->args[i], wanted, fmt::format("call to function \"{}\"", function->name)))
      return nullptr;
  }
  return expr;
}

ExprPtr Parser::Aggregate(const std::string& name) {
  ExprPtr expr = New(Expr::Kind::kAggregate, ValueType::kVector, Now().offset);
  expr->text = name;
  ++at_;
  bool clause = false;
  if (!Clause(expr.get(), &clause)) return nullptr;
  if (!Arguments(&expr->args, " in aggregation")) return nullptr;
  if (!clause && !Clause(expr.get(), &clause)) return nullptr;
  if (!clause) expr->by = true;
  const size_t wanted = TakesParameter(name) ? 2 : 1;
  if (expr->args.empty())
    return Fail(expr->offset, "no arguments for aggregate expression provided");
  if (expr->args.size() != wanted) {
    return Fail(
        expr->offset,
        fmt::format(
            "wrong number of arguments for aggregate expression provided, expected {}, got {}",
            wanted, expr->args.size()));
  }
  if (wanted == 2) {
    const ValueType parameter = name == "count_values" ? ValueType::kString : ValueType::kScalar;
    if (!CheckType(*expr->args[0], parameter, fmt::format("aggregation parameter"))) return nullptr;
  }
  if (!CheckType(*expr->args.back(), ValueType::kVector, "aggregation expression")) return nullptr;
  return expr;
}

bool Parser::Clause(Expr* expr, bool* found) {
  if (!IsWord("by") && !IsWord("without")) return true;
  expr->by = IsWord("by");
  *found = true;
  ++at_;
  return Names(&expr->grouping);
}

}  // namespace opsmesh::kubesim::promql
