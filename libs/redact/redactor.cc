#include "libs/redact/redactor.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <utility>

#include "libs/base/strings.h"
#include "libs/redact/secret_names.h"
#include "re2/re2.h"
#include "re2/set.h"

namespace opsmesh::redact {
namespace {

// Group 1 of each pattern is the secret. Earlier rules win where two match at the same place.
struct RuleText {
  const char* kind;
  const char* pattern;
};

constexpr RuleText kRules[] = {
    {"private_key",
     R"((-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----(?s:.*?)(?:-----END [A-Z ]{0,30}PRIVATE KEY-----|\z)))"},
    {"kubeconfig",
     R"((?i)\b(?:client-key-data|client-certificate-data|certificate-authority-data|id-token|refresh-token)["']?\s*[:=]\s*["']?([A-Za-z0-9+/=._-]{16,}))"},
    {"authorization", R"((?i)\b(?:bearer|basic|digest)\s+([A-Za-z0-9._~+/-]{8,}=*))"},
    {"authorization",
     R"((?i)\b(?:authorization|proxy-authorization|x-api-key|x-auth-token|cookie|set-cookie)["']?\s*[:=]\s*["']?([^\s"'\\]{6,}))"},
    {"jwt", R"(\b(eyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]{6,}(?:\.[A-Za-z0-9_-]*)?))"},
    {"provider_key",
     R"(\b((?:sk|pk|rk)-[A-Za-z0-9_-]{16,}|sk_(?:live|test)_[A-Za-z0-9]{16,}|AIza[0-9A-Za-z_-]{30,}|tvly-[A-Za-z0-9-]{16,}|hf_[A-Za-z0-9]{20,}|gsk_[A-Za-z0-9]{20,}|ark-[a-z0-9-]{20,}))"},
    {"cloud_key",
     R"(\b((?:AKIA|ASIA|AROA|AIDA)[0-9A-Z]{16}|LTAI[A-Za-z0-9]{12,}|AKID[A-Za-z0-9]{13,}|ya29\.[A-Za-z0-9_-]{16,}))"},
    {"vcs_token",
     R"(\b(gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[A-Za-z0-9_-]{16,}|npm_[A-Za-z0-9]{20,}|pypi-[A-Za-z0-9_-]{20,}|dop_v1_[a-f0-9]{32,}))"},
    {"chat_token", R"(\b(xox[abeoprs]-[A-Za-z0-9-]{8,}|xapp-[A-Za-z0-9-]{10,}|SEC[0-9a-f]{32,}))"},
    {"webhook_url",
     R"((?i)(?:hooks\.slack\.com/(?:services|workflows|triggers)/|/open-apis/bot/v2/hook/|discord(?:app)?\.com/api/webhooks/|webhook\.office\.com/)([A-Za-z0-9_/@-]{8,}))"},
    {"url_password", R"([a-zA-Z][a-zA-Z0-9+.-]*://[^\s/:@"']*:([^\s/@"']+)@)"},
    {"query_parameter",
     R"((?i)[?&](?:access_token|token|api[_-]?key|key|secret|sign|signature|password|code|x-amz-signature|x-amz-security-token|sig)=([^&\s"'<>#]{6,}))"},
    {"quoted_secret", R"((?i)[A-Za-z0-9_.-]*)" OPSMESH_SECRET_NAMES
                      R"(["']?\s*(?:[:=]|:=|=>)\s*"((?:[^"\\\n]|\\[^\n]){3,}))"},
    // The same inside a JSON string, where quotes are escaped.
    {"quoted_secret",
     R"((?i)[A-Za-z0-9_.-]*)" OPSMESH_SECRET_NAMES R"(\\"\s*:\s*\\"([^"\\\n]{3,}))"},
    {"quoted_secret",
     R"((?i)[A-Za-z0-9_.-]*)" OPSMESH_SECRET_NAMES R"(["']?\s*(?:[:=]|:=|=>)\s*'([^'\n]{3,}))"},
    {"secret", R"((?i)[A-Za-z0-9_.-]*)" OPSMESH_SECRET_NAMES
               R"(\\?["']?\s*(?:[:=]|:=|=>)\s*([^\s"'\\,;&<>(){}\[\]]{3,}))"},
    {"secret",
     R"((?i)--?[a-z0-9-]*(?:password|passwd|token|secret|api-?key)\s+([^\s"'-][^\s"']{5,}))"},
    {"secret", R"((?i)\b(?:password|passphrase|passwd)\s+(?:is|was)\s+["']?([^\s"',;]{4,}))"},
    {"secret",
     R"((?:密码|口令|密钥|令牌|密碼|密鑰)\s*(?:[:=]|：|是|为|為)\s*["'“]?([^\s"',;，。；、“”]{4,}))"},
    {"secret", R"((?i)\bidentified\s+by\s+'([^'\n]{3,}))"},
};
constexpr char kLiteralKind[] = "configured_secret";
constexpr char kEntropyKind[] = "high_entropy";
constexpr size_t kMinLiteral = 6;

bool IsWordByte(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' ||
         c == '+' || c == '=' || c == '-';
}

// Random characters mix classes all the time; identifiers in CamelCase, hex digests and object
// names do not.
bool LooksRandom(std::string_view word) {
  while (!word.empty() && word.back() == '=') word.remove_suffix(1);
  if (word.size() < 24 || word.size() > 512) return false;
  std::array<int, 256> counts{};
  bool lower = false, upper = false, digit = false;
  int changes = 0;
  int last = -1;
  for (const char c : word) {
    ++counts[static_cast<unsigned char>(c)];
    const int kind = c >= '0' && c <= '9'   ? 0
                     : c >= 'A' && c <= 'Z' ? 1
                     : c >= 'a' && c <= 'z' ? 2
                                            : 3;
    digit |= kind == 0;
    upper |= kind == 1;
    lower |= kind == 2;
    if (last >= 0 && kind != last) ++changes;
    last = kind;
  }
  if (!lower || !upper || !digit) return false;
  double entropy = 0;
  const double size = static_cast<double>(word.size());
  for (const int count : counts) {
    if (count > 0) entropy -= count / size * std::log2(count / size);
  }
  return entropy >= 3.7 && changes >= size * 0.3;
}

// What stands where a secret may, and is none.
bool IsHarmless(std::string_view kind, std::string_view value, std::string_view mask) {
  if (value.substr(0, mask.size()) == mask) return true;
  if (kind != "secret" && kind != "quoted_secret" && kind != "query_parameter") return false;
  const std::string lower = base::AsciiLower(value);
  static const std::set<std::string, std::less<>> words = {
      "null",     "nil",     "none",    "true",    "false",    "undefined",
      "required", "empty",   "unset",   "(unset)", "string",   "optional",
      "missing",  "invalid", "expired", "<nil>",   "redacted", "[redacted]"};
  if (words.contains(lower)) return true;
  if (value.find_first_not_of('*') == std::string_view::npos) return true;
  // A reference, not a value: $VAR, ${VAR}, $(VAR), {{ .Values.x }}, /run/secrets/x, projects/... .
  if (value.starts_with("$") || value.starts_with("{{") || value.starts_with("/var/") ||
      value.starts_with("/run/") || value.starts_with("/etc/")) {
    return true;
  }
  // "tokens=512", "token: 12": a count.
  return kind != "query_parameter" && value.size() < 6 &&
         value.find_first_not_of("0123456789.") == std::string_view::npos;
}

}  // namespace

struct Redactor::Impl {
  struct Rule {
    std::string kind;
    std::unique_ptr<RE2> regex;
  };
  Options options;
  std::vector<Rule> rules;
  std::unique_ptr<RE2::Set> any;  // one pass tells which rules are worth running

  void FindByRules(std::string_view text, std::vector<Finding>& found) const;
  void FindLiterals(std::string_view text, std::vector<Finding>& found) const;
  void FindRandom(std::string_view text, std::vector<Finding>& found) const;
};

void Redactor::Impl::FindByRules(std::string_view text, std::vector<Finding>& found) const {
  std::vector<int> matching;
  const re2::StringPiece all(text.data(), text.size());
  RE2::Set::ErrorInfo error{};
  if (!any->Match(all, &matching, &error)) {
    if (error.kind == RE2::Set::kNoError) return;
    matching.resize(rules.size());  // out of its memory budget: run them all
    for (size_t i = 0; i < rules.size(); ++i) matching[i] = static_cast<int>(i);
  }
  std::sort(matching.begin(), matching.end());
  for (const int index : matching) {
    const Rule& rule = rules[static_cast<size_t>(index)];
    re2::StringPiece groups[2];
    size_t from = 0;
    while (from < text.size() &&
           rule.regex->Match(all, from, all.size(), RE2::UNANCHORED, groups, 2)) {
      const size_t offset = static_cast<size_t>(groups[1].data() - text.data());
      const std::string_view value(groups[1].data(), groups[1].size());
      if (value.empty()) break;
      if (!IsHarmless(rule.kind, value, options.mask))
        found.push_back({rule.kind, offset, value.size()});
      from = offset + value.size();
    }
  }
}

void Redactor::Impl::FindLiterals(std::string_view text, std::vector<Finding>& found) const {
  for (const std::string& literal : options.literals) {
    for (size_t at = text.find(literal); at != std::string_view::npos;
         at = text.find(literal, at + literal.size())) {
      found.push_back({kLiteralKind, at, literal.size()});
    }
  }
}

void Redactor::Impl::FindRandom(std::string_view text, std::vector<Finding>& found) const {
  size_t begin = 0;
  while (begin < text.size()) {
    if (!IsWordByte(text[begin])) {
      ++begin;
      continue;
    }
    size_t end = begin;
    while (end < text.size() && IsWordByte(text[end])) ++end;
    if (LooksRandom(text.substr(begin, end - begin))) {
      // Base64 breaks at "/": take what hangs on to the random piece.
      while (end < text.size() && (IsWordByte(text[end]) || text[end] == '/')) ++end;
      found.push_back({kEntropyKind, begin, end - begin});
    }
    begin = end;
  }
}

Redactor::Redactor(Options options) {
  auto impl = std::make_unique<Impl>();
  std::erase_if(options.literals,
                [](const std::string& literal) { return literal.size() < kMinLiteral; });
  // Longer first: a literal that contains another is masked whole.
  std::sort(options.literals.begin(), options.literals.end(), [](const auto& a, const auto& b) {
    return a.size() != b.size() ? a.size() > b.size() : a < b;
  });
  impl->options = std::move(options);
  RE2::Options re2_options;
  re2_options.set_log_errors(false);
  re2_options.set_max_mem(16 << 20);
  impl->any = std::make_unique<RE2::Set>(re2_options, RE2::UNANCHORED);
  for (const RuleText& rule : kRules) {
    impl->rules.push_back({rule.kind, std::make_unique<RE2>(rule.pattern, re2_options)});
    impl->any->Add(rule.pattern, nullptr);
  }
  impl->any->Compile();
  impl_ = std::move(impl);
}

Redactor::~Redactor() = default;

std::vector<Finding> Redactor::Find(std::string_view text) const {
  std::vector<Finding> found;
  if (text.size() < 5) return found;
  impl_->FindLiterals(text, found);
  impl_->FindByRules(text, found);
  if (impl_->options.entropy) impl_->FindRandom(text, found);
  std::stable_sort(found.begin(), found.end(),
                   [](const Finding& a, const Finding& b) { return a.offset < b.offset; });
  // Overlapping ones become one, of the kind that begins first.
  std::vector<Finding> merged;
  for (Finding& finding : found) {
    if (!merged.empty() && finding.offset < merged.back().offset + merged.back().length) {
      Finding& last = merged.back();
      last.length = std::max(last.length, finding.offset + finding.length - last.offset);
    } else {
      merged.push_back(std::move(finding));
    }
  }
  return merged;
}

Redacted Redactor::RedactAndCount(std::string_view text) const {
  Redacted result;
  size_t from = 0;
  for (const Finding& finding : Find(text)) {
    result.text.append(text.substr(from, finding.offset - from));
    result.text += impl_->options.mask;
    from = finding.offset + finding.length;
    ++result.counts[finding.kind];
  }
  result.text.append(text.substr(from));
  return result;
}

std::string Redactor::Redact(std::string_view text) const { return RedactAndCount(text).text; }

const std::string& Redactor::mask() const { return impl_->options.mask; }

std::vector<std::string> Redactor::Kinds() {
  std::set<std::string> kinds = {kLiteralKind, kEntropyKind};
  for (const RuleText& rule : kRules) kinds.insert(rule.kind);
  return {kinds.begin(), kinds.end()};
}

}  // namespace opsmesh::redact
