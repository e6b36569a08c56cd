// Reading scripts: the grammar.
#include <cctype>
#include <set>

#include "libs/kubesim/behaviour/kubelet/shell_lexer.h"
#include "libs/kubesim/behaviour/kubelet/shell_program.h"

namespace opsmesh::kubesim {
namespace {

constexpr int kMaxDepth = 24;
constexpr size_t kMaxScript = 64 << 10;

class Parser {
 public:
  explicit Parser(std::string_view text) : lexer_(text) {}

  std::shared_ptr<const ShellProgram> Run() {
    auto program = std::make_shared<ShellProgram>();
    code_ = &program->code;
    if (!List({}, 0) || !At(Kind::kEnd)) return nullptr;
    return program;
  }

 private:
  using Op = ShellInstruction::Op;
  using Kind = ShellToken::Kind;

  void Next() { lexer_.Next(); }
  bool IsOperator(std::string_view text) const { return lexer_.IsOperator(text); }
  bool IsWord(std::string_view text) const { return lexer_.IsWord(text); }
  bool Take(std::string_view word) { return lexer_.Take(word); }
  bool At(Kind kind) const { return lexer_.AtKind(kind); }
  const std::string& Text() const { return lexer_.token().text; }
  bool Broken() const { return bad_ || lexer_.broken(); }
  void Newlines() {
    while (At(Kind::kNewline) || IsOperator(";")) Next();
  }

  size_t Emit(Op op, size_t target = 0) {
    ShellInstruction instruction;
    instruction.op = op;
    instruction.target = target;
    code_->push_back(std::move(instruction));
    return code_->size() - 1;
  }
  void Patch(size_t at) { (*code_)[at].target = code_->size(); }

  bool EndsList(const std::set<std::string>& ends) const {
    return At(Kind::kEnd) || IsOperator(")") || IsOperator(";;") ||
           (At(Kind::kWord) && ends.contains(Text()));
  }

  bool List(const std::set<std::string>& ends, int depth) {
    if (depth > kMaxDepth) return false;
    Newlines();
    while (!EndsList(ends)) {
      if (!AndOr(ends, depth)) return false;
      if (IsOperator("&")) {
        code_->back().background = true;
        Next();
      } else if (!IsOperator(";") && !At(Kind::kNewline) && !EndsList(ends)) {
        return false;
      }
      Newlines();
    }
    return !Broken();
  }

  // A pipeline that does something: `( )` and `{ }` are errors.
  bool Something(int depth) {
    const size_t start = code_->size();
    return Pipeline(depth) && code_->size() > start;
  }

  bool AndOr(const std::set<std::string>& ends, int depth) {
    if (!Something(depth)) return false;
    while (IsOperator("&&") || IsOperator("||")) {
      const bool conjunction = IsOperator("&&");
      Next();
      lexer_.SkipNewlines();
      if (EndsList(ends)) return false;
      code_->back().tested = true;
      const size_t jump = Emit(conjunction ? Op::kJumpIfFalse : Op::kJumpIfTrue);
      if (!Something(depth)) return false;
      Patch(jump);
    }
    return true;
  }

  bool Pipeline(int depth) {
    if (IsWord("!")) {
      Next();
      if (depth > kMaxDepth || !Something(depth + 1)) return false;
      code_->back().tested = true;
      Emit(Op::kNot);
      return true;
    }
    if (At(Kind::kWord) || IsOperator("(")) {
      if (IsWord("if")) return If(depth);
      if (IsWord("while") || IsWord("until")) return While(depth);
      if (IsWord("for")) return For(depth);
      if (IsWord("case")) return Case(depth);
      if (IsWord("{") || IsOperator("(")) {
        const bool brace = IsWord("{");
        Next();
        if (!List({"}"}, depth + 1)) return false;
        return Take(brace ? "}" : ")") && SkipRedirects();
      }
      static const auto* reserved = new std::set<std::string>{
          "then", "do", "done", "fi", "else", "elif", "esac", "}", "function", "select"};
      if (reserved->contains(Text())) return false;
    }
    ShellInstruction run;
    do {
      lexer_.SkipNewlines();
      ShellCommand command;
      if (!Simple(&command)) return false;
      run.stages.push_back(std::move(command));
    } while (Take("|"));
    code_->push_back(std::move(run));
    return true;
  }

  // Redirections of a group are read and not obeyed.
  bool SkipRedirects() {
    ShellCommand nobody;
    while (At(Kind::kOperator) && Redirect(&nobody)) {
    }
    return !Broken();
  }

  bool Redirect(ShellCommand* command) {
    using To = ShellRedirect::Kind;
    const std::string op = Text();
    if (op != ">" && op != ">>" && op != "<" && op != ">&" && op != "&>" && op != "<<")
      return false;
    ShellRedirect redirect;
    if (!command->words.empty() && command->words.back().size() == 1 &&
        std::isdigit(static_cast<unsigned char>(command->words.back()[0])) &&
        lexer_.TouchesDigit()) {
      redirect.fd = command->words.back()[0] - '0';
      command->words.pop_back();
    }
    redirect.kind = op == ">>"   ? To::kAppend
                    : op == "<"  ? To::kRead
                    : op == ">&" ? To::kDuplicate
                    : op == "<<" ? To::kHere
                                 : To::kWrite;
    if (op == "&>") redirect.fd = 3;  // both
    Next();
    if (!At(Kind::kWord)) {
      bad_ = true;
      return false;
    }
    redirect.target = Text();
    if (redirect.kind == To::kHere) {
      for (char quote : {'\'', '"'}) std::erase(redirect.target, quote);
      if (!redirect.target.empty() && redirect.target[0] == '-') redirect.target.erase(0, 1);
      redirect.target = lexer_.TakeHereDocument(redirect.target);
    }
    command->redirects.push_back(std::move(redirect));
    Next();
    return true;
  }

  bool Simple(ShellCommand* command) {
    while (true) {
      if (At(Kind::kOperator)) {
        if (!Redirect(command)) break;
        continue;
      }
      if (!At(Kind::kWord)) break;
      const size_t equals = Text().find('=');
      bool assignment = command->words.empty() && equals != std::string::npos && equals > 0;
      for (size_t i = 0; assignment && i < equals; ++i) {
        const unsigned char c = static_cast<unsigned char>(Text()[i]);
        assignment = std::isalnum(c) || c == '_';
      }
      (assignment ? command->assignments : command->words).push_back(Text());
      Next();
    }
    if (IsOperator("(")) return false;  // a function
    return !Broken() && (!command->words.empty() || !command->assignments.empty() ||
                         !command->redirects.empty());
  }

  bool If(int depth) {
    Next();
    std::vector<size_t> ends;
    while (true) {
      const size_t start = code_->size();
      if (!List({"then"}, depth + 1) || !Take("then")) return false;
      for (size_t i = start; i < code_->size(); ++i) (*code_)[i].tested = true;
      const size_t skip = Emit(Op::kJumpIfFalse);
      if (!List({"elif", "else", "fi"}, depth + 1)) return false;
      ends.push_back(Emit(Op::kJump));
      Patch(skip);
      if (Take("elif")) continue;
      if (Take("else")) {
        if (!List({"fi"}, depth + 1)) return false;
      } else {
        Emit(Op::kSucceed);
      }
      break;
    }
    if (!Take("fi")) return false;
    for (size_t end : ends) Patch(end);
    return SkipRedirects();
  }

  bool While(int depth) {
    const bool until = IsWord("until");
    Next();
    const size_t start = code_->size();
    if (!List({"do"}, depth + 1) || !Take("do")) return false;
    for (size_t i = start; i < code_->size(); ++i) (*code_)[i].tested = true;
    const size_t leave = Emit(until ? Op::kJumpIfTrue : Op::kJumpIfFalse);
    loops_.push_back(start);
    if (!List({"done"}, depth + 1) || !Take("done")) return false;
    Emit(Op::kJump, start);
    Patch(leave);
    FinishLoop();
    Emit(Op::kSucceed);
    return LoopTail();
  }

  bool For(int depth) {
    Next();
    ShellInstruction begin;
    begin.op = Op::kForBegin;
    if (!At(Kind::kWord)) return false;
    begin.name = Text();
    Next();
    Newlines();
    if (!Take("in")) return false;
    while (At(Kind::kWord)) {
      begin.words.push_back(Text());
      Next();
    }
    Newlines();
    if (!Take("do")) return false;
    const std::string name = begin.name;
    code_->push_back(std::move(begin));
    const size_t head = code_->size() - 1;
    const size_t next = Emit(Op::kForNext);
    (*code_)[next].name = name;
    (*code_)[head].target = next;  // the loop's place
    loops_.push_back(next);
    if (!List({"done"}, depth + 1) || !Take("done")) return false;
    Emit(Op::kJump, next);
    Patch(next);
    FinishLoop();
    return LoopTail();
  }

  bool Case(int depth) {
    Next();
    if (!At(Kind::kWord)) return false;
    const std::string subject = Text();
    Next();
    Newlines();
    if (!Take("in")) return false;
    Newlines();
    std::vector<size_t> ends;
    while (!IsWord("esac")) {
      Take("(");
      ShellInstruction test;
      test.op = Op::kCase;
      test.name = subject;
      do {
        if (!At(Kind::kWord)) return false;
        test.words.push_back(Text());
        Next();
      } while (Take("|"));
      if (!Take(")")) return false;
      code_->push_back(std::move(test));
      const size_t skip = code_->size() - 1;
      if (!List({"esac"}, depth + 1)) return false;
      ends.push_back(Emit(Op::kJump));
      Patch(skip);
      if (!Take(";;") && !IsWord("esac")) return false;
      Newlines();
    }
    for (size_t end : ends) Patch(end);
    return Take("esac");
  }

  // `break` and `continue` are jumps.
  void FinishLoop() {
    const size_t start = loops_.back();
    loops_.pop_back();
    for (size_t i = start; i < code_->size(); ++i) {
      ShellInstruction& one = (*code_)[i];
      if (one.op != Op::kRun || one.stages.size() != 1 || one.stages[0].words.empty()) continue;
      const std::string& word = one.stages[0].words[0];
      if (word != "break" && word != "continue") continue;
      one.op = Op::kJump;
      one.target = word == "break" ? code_->size() : start;
    }
  }
  bool LoopTail() {
    while (Take("|")) return false;  // a loop's output piped on: not read
    return SkipRedirects();
  }

  ShellLexer lexer_;
  bool bad_ = false;
  std::vector<size_t> loops_;  // where those that are open go on
  std::vector<ShellInstruction>* code_ = nullptr;
};

}  // namespace

std::shared_ptr<const ShellProgram> CompileShell(std::string_view script) {
  if (script.size() > kMaxScript) return nullptr;
  return Parser(script).Run();
}

}  // namespace opsmesh::kubesim
