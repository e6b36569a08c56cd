// The parser of parser.h's functions: recursive descent by precedence; types are checked on the
// way. For parser*.cc only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/kubesim/promql/ast.h"
#include "libs/kubesim/promql/lexer.h"

namespace opsmesh::kubesim::promql {

struct OpName {
  std::string_view text;
  BinaryOp op;
  int precedence;
};

bool IsAggregator(std::string_view lower);

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}
  absl::StatusOr<Query> Run();
  absl::StatusOr<std::vector<Matcher>> RunSelector();

 private:
  absl::Status Bad(size_t offset, std::string_view what) const;
  std::nullptr_t Fail(size_t offset, std::string_view what);
  std::nullptr_t Unexpected(std::string_view where);
  const Token& Now() const;
  const Token& Next() const;
  bool IsSymbol(std::string_view symbol) const;
  bool IsWord(std::string_view lower) const;
  bool Take(std::string_view symbol);
  bool TakeWord(std::string_view lower);
  bool Expect(std::string_view symbol, std::string_view where);
  ExprPtr New(Expr::Kind kind, ValueType type, size_t offset);
  const OpName* Operator() const;
  ExprPtr Binary(int least);
  ExprPtr Join(ExprPtr left, const OpName& op);
  bool MatchingOf(Expr* expr);
  ExprPtr Typed(ExprPtr expr);
  bool Names(std::vector<std::string>* names);
  ExprPtr Unary();
  ExprPtr Primary();
  ExprPtr Word();
  ExprPtr Selector(std::string name, size_t offset);
  bool Term(Expr* expr, bool named);
  ExprPtr Postfix(ExprPtr expr);
  bool TakeDuration(int64_t* ms, std::string_view where);
  ExprPtr Brackets(ExprPtr inner);
  TimeShift* ShiftOf(Expr* expr);
  ExprPtr Offset(ExprPtr expr);
  ExprPtr At(ExprPtr expr);
  bool Arguments(std::vector<ExprPtr>* args, std::string_view where);
  bool CheckType(const Expr& arg, ValueType wanted, std::string_view where);
  ExprPtr Call(const Token& token);
  ExprPtr Aggregate(const std::string& name);
  bool Clause(Expr* expr, bool* found);

  const std::string_view text_;
  std::vector<Token> tokens_;
  size_t at_ = 0;
  int depth_ = 0;
  int next_id_ = 0;
  bool matching_given_ = false;
  absl::Status error_;
};

}  // namespace opsmesh::kubesim::promql
