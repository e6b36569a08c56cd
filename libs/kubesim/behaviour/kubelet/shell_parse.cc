// Reading scripts.
#include <cctype>
#include <set>

#include "libs/kubesim/behaviour/kubelet/shell_program.h"

namespace opsmesh::kubesim {
namespace {

constexpr int kMaxDepth = 24;
constexpr size_t kMaxScript = 64 << 10;

struct Token {
  enum class Kind { kWord, kOperator, kNewline, kEnd } kind = Kind::kEnd;
  std::string text;
};

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) { Next(); }

  std::shared_ptr<const ShellProgram> Run() {
    auto program = std::make_shared<ShellProgram>();
    code_ = &program->code;
    if (!List({}, 0) || token_.kind != Token::Kind::kEnd) return nullptr;
    return program;
  }

 private:
  using Op = ShellInstruction::Op;

  // --- tokens ---

  bool At(char c) const { return pos_ < text_.size() && text_[pos_] == c; }

  // Past a quoted or substituted stretch that begins at pos_; false when it does not end.
  bool SkipQuoted(int depth) {
    const char quote = text_[pos_];
    if (depth > kMaxDepth) return false;
    if (quote == '\\') {
      pos_ = std::min(pos_ + 2, text_.size());
      return true;
    }
    if (quote == '\'' || quote == '`') {
      const size_t end = text_.find(quote, pos_ + 1);
      pos_ = end == std::string_view::npos ? text_.size() : end + 1;
      return end != std::string_view::npos;
    }
    if (quote == '"') {
      for (++pos_; pos_ < text_.size() && text_[pos_] != '"';) {
        if (text_[pos_] == '\\' || text_[pos_] == '`' || Substitution()) {
          if (!SkipQuoted(depth + 1)) return false;
        } else {
          ++pos_;
        }
      }
      if (pos_ >= text_.size()) return false;
      ++pos_;
      return true;
    }
    // $( … ), $(( … )), ${ … }
    const char open = text_[pos_ + 1];
    const char close = open == '(' ? ')' : '}';
    int nested = 0;
    for (++pos_; pos_ < text_.size();) {
      const char c = text_[pos_];
      if (c == '\\' || c == '\'' || c == '"' || c == '`' || Substitution()) {
        if (!SkipQuoted(depth + 1)) return false;
        continue;
      }
      ++pos_;
      nested += c == open;
      if (c == close && --nested == 0) return true;
    }
    return false;
  }
  bool Substitution() const {
    return text_[pos_] == '$' && pos_ + 1 < text_.size() &&
           (text_[pos_ + 1] == '(' || text_[pos_ + 1] == '{');
  }

  void Next() {
    while (pos_ < text_.size()) {
      const char c = text_[pos_];
      if (c == ' ' || c == '\t' || c == '\r')
        ++pos_;
      else if (c == '\\' && pos_ + 1 < text_.size() && text_[pos_ + 1] == '\n')
        pos_ += 2;
      else if (c == '#')
        pos_ = std::min(text_.find('\n', pos_), text_.size());
      else
        break;
    }
    token_ = Token();
    if (pos_ >= text_.size()) return;
    if (text_[pos_] == '\n') {
      ++pos_;
      token_ = {Token::Kind::kNewline, "\n"};
      return;
    }
    for (const char* op :
         {"&&", "||", ";;", ">>", "<<", ">&", "&>", ";", "&", "|", "(", ")", "<", ">"}) {
      const std::string_view text(op);
      if (text_.substr(pos_, text.size()) == text) {
        pos_ += text.size();
        token_ = {Token::Kind::kOperator, std::string(text)};
        return;
      }
    }
    const size_t start = pos_;
    while (pos_ < text_.size() &&
           std::string_view(" \t\r\n;&|<>()").find(text_[pos_]) == std::string_view::npos) {
      const char c = text_[pos_];
      if (c == '\\' || c == '\'' || c == '"' || c == '`' || Substitution()) {
        if (!SkipQuoted(0)) bad_ = true;
      } else {
        ++pos_;
      }
    }
    token_ = {Token::Kind::kWord, std::string(text_.substr(start, pos_ - start))};
  }

  bool IsOperator(std::string_view text) const {
    return token_.kind == Token::Kind::kOperator && token_.text == text;
  }
  bool IsWord(std::string_view text) const {
    return token_.kind == Token::Kind::kWord && token_.text == text;
  }
  bool Take(std::string_view word) {
    if (!IsWord(word) && !IsOperator(word)) return false;
    Next();
    return true;
  }
  void Newlines() {
    while (token_.kind == Token::Kind::kNewline || IsOperator(";")) Next();
  }

  // --- grammar ---

  size_t Emit(Op op, size_t target = 0) {
    ShellInstruction instruction;
    instruction.op = op;
    instruction.target = target;
    code_->push_back(std::move(instruction));
    return code_->size() - 1;
  }
  void Patch(size_t at) { (*code_)[at].target = code_->size(); }

  bool EndsList(const std::set<std::string>& ends) const {
    return token_.kind == Token::Kind::kEnd || IsOperator(")") || IsOperator(";;") ||
           (token_.kind == Token::Kind::kWord && ends.contains(token_.text));
  }

  bool List(const std::set<std::string>& ends, int depth) {
    if (depth > kMaxDepth) return false;
    Newlines();
    while (!EndsList(ends)) {
      if (!AndOr(ends, depth)) return false;
      if (IsOperator("&")) {
        code_->back().background = true;
        Next();
      } else if (!IsOperator(";") && token_.kind != Token::Kind::kNewline && !EndsList(ends)) {
        return false;
      }
      Newlines();
    }
    return !bad_;
  }

  bool AndOr(const std::set<std::string>& ends, int depth) {
    if (!Pipeline(depth)) return false;
    while (IsOperator("&&") || IsOperator("||")) {
      const bool conjunction = IsOperator("&&");
      Next();
      while (token_.kind == Token::Kind::kNewline) Next();
      if (EndsList(ends)) return false;
      if (!code_->empty()) code_->back().tested = true;
      const size_t jump = Emit(conjunction ? Op::kJumpIfFalse : Op::kJumpIfTrue);
      if (!Pipeline(depth)) return false;
      Patch(jump);
    }
    return true;
  }

  bool Pipeline(int depth) {
    if (IsWord("!")) {
      Next();
      if (!Pipeline(depth)) return false;
      code_->back().tested = true;
      Emit(Op::kNot);
      return true;
    }
    if (token_.kind == Token::Kind::kWord || IsOperator("(")) {
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
      if (reserved->contains(token_.text)) return false;
    }
    ShellInstruction run;
    do {
      while (token_.kind == Token::Kind::kNewline) Next();
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
    while (token_.kind == Token::Kind::kOperator && Redirect(&nobody)) {
    }
    return !bad_;
  }

  bool Redirect(ShellCommand* command) {
    using Kind = ShellRedirect::Kind;
    const std::string op = token_.text;
    if (op != ">" && op != ">>" && op != "<" && op != ">&" && op != "&>" && op != "<<")
      return false;
    ShellRedirect redirect;
    if (!command->words.empty() && command->words.back().size() == 1 &&
        std::isdigit(static_cast<unsigned char>(command->words.back()[0])) && Adjacent()) {
      redirect.fd = command->words.back()[0] - '0';
      command->words.pop_back();
    }
    redirect.kind = op == ">>"   ? Kind::kAppend
                    : op == "<"  ? Kind::kRead
                    : op == ">&" ? Kind::kDuplicate
                    : op == "<<" ? Kind::kHere
                                 : Kind::kWrite;
    if (op == "&>") redirect.fd = 3;  // both
    Next();
    if (token_.kind != Token::Kind::kWord) {
      bad_ = true;
      return false;
    }
    redirect.target = token_.text;
    if (redirect.kind == Kind::kHere) {
      for (char quote : {'\'', '"'}) std::erase(redirect.target, quote);
      if (!redirect.target.empty() && redirect.target[0] == '-') redirect.target.erase(0, 1);
      command->redirects.push_back(std::move(redirect));
      HereNow(&command->redirects.back());
      Next();
      return true;
    }
    command->redirects.push_back(std::move(redirect));
    Next();
    return true;
  }

  // The text of a here document follows the line: it is cut out at once.
  void HereNow(ShellRedirect* redirect) {
    const size_t line_end = std::min(text_.find('\n', pos_), text_.size());
    const std::string rest(text_.substr(pos_, line_end - pos_));
    size_t at = std::min(line_end + 1, text_.size());
    std::string body;
    while (at < text_.size()) {
      const size_t newline = std::min(text_.find('\n', at), text_.size());
      const std::string line(text_.substr(at, newline - at));
      at = std::min(newline + 1, text_.size());
      if (line == redirect->target) break;
      body += line + "\n";
    }
    redirect->target = body;
    // What is left to read is the rest of the line and what comes after the document.
    kept_.push_back(std::make_unique<std::string>(rest + "\n" + std::string(text_.substr(at))));
    text_ = *kept_.back();
    pos_ = 0;
  }

  // Whether the digit before the operator touches it ("2>", not "2 >").
  bool Adjacent() const {
    const size_t at = pos_ - token_.text.size();
    return at > 0 && std::isdigit(static_cast<unsigned char>(text_[at - 1]));
  }

  bool Simple(ShellCommand* command) {
    while (true) {
      if (token_.kind == Token::Kind::kOperator) {
        if (!Redirect(command)) break;
        continue;
      }
      if (token_.kind != Token::Kind::kWord) break;
      const size_t equals = token_.text.find('=');
      bool assignment = command->words.empty() && equals != std::string::npos && equals > 0;
      for (size_t i = 0; assignment && i < equals; ++i) {
        const unsigned char c = static_cast<unsigned char>(token_.text[i]);
        assignment = std::isalnum(c) || c == '_';
      }
      (assignment ? command->assignments : command->words).push_back(token_.text);
      Next();
    }
    if (IsOperator("(")) return false;  // a function
    return !bad_ && (!command->words.empty() || !command->assignments.empty() ||
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
    loops_.push_back({start, {}});
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
    if (token_.kind != Token::Kind::kWord) return false;
    begin.name = token_.text;
    Next();
    Newlines();
    if (!Take("in")) return false;
    while (token_.kind == Token::Kind::kWord) {
      begin.words.push_back(token_.text);
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
    loops_.push_back({next, {}});
    if (!List({"done"}, depth + 1) || !Take("done")) return false;
    Emit(Op::kJump, next);
    Patch(next);
    FinishLoop();
    return LoopTail();
  }

  bool Case(int depth) {
    Next();
    if (token_.kind != Token::Kind::kWord) return false;
    const std::string subject = token_.text;
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
        if (token_.kind != Token::Kind::kWord) return false;
        test.words.push_back(token_.text);
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
    const size_t start = loops_.back().start;
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

  struct OpenLoop {
    size_t start;
    std::vector<size_t> breaks;
  };
  std::string_view text_;
  size_t pos_ = 0;
  Token token_;
  bool bad_ = false;
  std::vector<std::unique_ptr<std::string>> kept_;
  std::vector<OpenLoop> loops_;
  std::vector<ShellInstruction>* code_ = nullptr;
};

}  // namespace

std::shared_ptr<const ShellProgram> CompileShell(std::string_view script) {
  if (script.size() > kMaxScript) return nullptr;
  return Parser(script).Run();
}

}  // namespace opsmesh::kubesim
