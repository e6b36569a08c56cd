#include "services/llm/planner/attachment.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <nlohmann/json.hpp>

#include "libs/base/json.h"
#include "libs/base/strings.h"
#include "services/llm/planner/answers.h"

namespace opsmesh::llm {
namespace {

using nlohmann::json;

constexpr size_t kMostLines = 200'000;
constexpr size_t kShown = 10;

struct PodLine {
  std::string name;
  std::string status;
  int64_t restarts = 0;
  double memory_request = 0;  // bytes, containers added up
  bool healthy = true;
};

double Bytes(std::string_view quantity) {
  double value = 0;
  size_t at = 0;
  while (at < quantity.size() &&
         (std::isdigit(static_cast<unsigned char>(quantity[at])) || quantity[at] == '.'))
    ++at;
  value = std::strtod(std::string(quantity.substr(0, at)).c_str(), nullptr);
  const std::string_view unit = quantity.substr(at);
  if (unit == "Ki") return value * 1024;
  if (unit == "Mi") return value * 1024 * 1024;
  if (unit == "Gi") return value * 1024 * 1024 * 1024;
  if (unit == "k" || unit == "K") return value * 1e3;
  if (unit == "M") return value * 1e6;
  if (unit == "G") return value * 1e9;
  return value;
}

std::string ShowBytes(double bytes) {
  if (bytes >= 1024.0 * 1024 * 1024) return fmt::format("{:.1f}Gi", bytes / 1024 / 1024 / 1024);
  return fmt::format("{:.0f}Mi", bytes / 1024 / 1024);
}

const json& At(const json& object, std::initializer_list<const char*> path) {
  static const json kNull;
  const json* here = &object;
  for (const char* key : path) {
    if (!here->is_object() || !here->contains(key)) return kNull;
    here = &(*here)[key];
  }
  return *here;
}

std::string Str(const json& value) {
  return value.is_string() ? value.get<std::string>() : std::string();
}

PodLine ReadPod(const json& pod) {
  PodLine line;
  const std::string ns = Str(At(pod, {"metadata", "namespace"}));
  line.name = (ns.empty() ? "" : ns + "/") + Str(At(pod, {"metadata", "name"}));
  line.status = Str(At(pod, {"status", "phase"}));
  bool ready = true;
  for (const json& container : At(pod, {"status", "containerStatuses"})) {
    if (At(container, {"restartCount"}).is_number_integer())
      line.restarts += container["restartCount"].get<int64_t>();
    ready = ready && At(container, {"ready"}).is_boolean() && container["ready"].get<bool>();
    for (const char* state : {"waiting", "terminated"}) {
      const std::string reason = Str(At(container, {"state", state, "reason"}));
      if (!reason.empty()) line.status = reason;
    }
  }
  for (const json& container : At(pod, {"spec", "containers"})) {
    line.memory_request += Bytes(Str(At(container, {"resources", "requests", "memory"})));
  }
  line.healthy = line.status == "Succeeded" || line.status == "Completed" ||
                 (line.status == "Running" && ready);
  return line;
}

std::vector<std::string_view> Lines(std::string_view data) {
  std::vector<std::string_view> lines;
  for (std::string_view line : base::Split(data, '\n')) {
    if (lines.size() >= kMostLines) break;
    if (!base::Trim(line).empty()) lines.push_back(line);
  }
  return lines;
}

// `kubectl get pods` prints a header with NAME and STATUS or READY.
bool IsPodTable(const std::vector<std::string_view>& lines) {
  return !lines.empty() && lines[0].find("NAME") != std::string_view::npos &&
         lines[0].find("STATUS") != std::string_view::npos;
}

std::vector<PodLine> ReadTable(const std::vector<std::string_view>& lines) {
  const auto header = base::SplitWhitespace(lines[0]);
  const auto column = [&](std::string_view name) {
    return static_cast<size_t>(std::find(header.begin(), header.end(), name) - header.begin());
  };
  std::vector<PodLine> pods;
  for (size_t i = 1; i < lines.size(); ++i) {
    // "3 (2m ago)" is one cell of the table: drop the bracket.
    std::string clean(lines[i]);
    static const RE2* const kAgo = new RE2(R"(\s\([^)]*ago\))");
    RE2::GlobalReplace(&clean, *kAgo, "");
    const auto cells = base::SplitWhitespace(clean);
    const auto cell = [&](std::string_view name) {
      const size_t at = column(name);
      return at < cells.size() && at < header.size() ? std::string(cells[at]) : std::string();
    };
    PodLine pod;
    const std::string ns = cell("NAMESPACE");
    pod.name = (ns.empty() ? "" : ns + "/") + cell("NAME");
    pod.status = cell("STATUS");
    pod.restarts = std::strtoll(cell("RESTARTS").c_str(), nullptr, 10);
    const std::string ready = cell("READY");
    const size_t slash = ready.find('/');
    const bool all =
        slash == std::string::npos || ready.substr(0, slash) == ready.substr(slash + 1);
    pod.healthy = pod.status == "Completed" || pod.status == "Succeeded" || pod.status == "Ready" ||
                  pod.status == "Active" || (pod.status == "Running" && all);
    if (!pod.name.empty()) pods.push_back(std::move(pod));
  }
  return pods;
}

std::string Summary(const std::vector<PodLine>& pods, const Intent& intent, text::Language language,
                    std::string_view noun_zh, std::string_view noun_en) {
  std::map<std::string, int> by_status;
  for (const PodLine& pod : pods) ++by_status[pod.status.empty() ? "-" : pod.status];
  std::vector<std::string> parts;
  for (const auto& [status, count] : by_status)
    parts.push_back(fmt::format("{} {}", count, status));
  const std::string counts = base::Join(parts, ", ");
  std::string text =
      InLanguage(fmt::format("数据中共有 {} 个{}：{}。", pods.size(), noun_zh, counts),
                 fmt::format("The data holds {} {}: {}.", pods.size(), noun_en, counts), language);
  std::vector<PodLine> bad;
  for (const PodLine& pod : pods) {
    if (!pod.healthy || pod.restarts >= 5) bad.push_back(pod);
  }
  std::stable_sort(bad.begin(), bad.end(), [](const PodLine& a, const PodLine& b) {
    return a.healthy != b.healthy ? !a.healthy : a.restarts > b.restarts;
  });
  text += bad.empty() ? InLanguage("没有发现异常。", " None looks unhealthy.", language)
                      : InLanguage(fmt::format("值得注意的有 {} 个：", bad.size()),
                                   fmt::format(" {} need attention:", bad.size()), language);
  for (size_t i = 0; i < bad.size() && i < kShown; ++i) {
    text += InLanguage(
        fmt::format("\n- `{}`：{}，重启 {} 次", bad[i].name, bad[i].status, bad[i].restarts),
        fmt::format("\n- `{}`: {}, {} restarts", bad[i].name, bad[i].status, bad[i].restarts),
        language);
  }
  if (bad.size() > kShown) {
    text += InLanguage(fmt::format("\n（显示 {} / {}）", kShown, bad.size()),
                       fmt::format("\n({} of {} shown)", kShown, bad.size()), language);
  }
  if (intent.metric == "memory" || intent.topic == "usage") {
    std::vector<PodLine> heavy = pods;
    std::erase_if(heavy, [](const PodLine& pod) { return pod.memory_request <= 0; });
    std::stable_sort(heavy.begin(), heavy.end(), [](const PodLine& a, const PodLine& b) {
      return a.memory_request > b.memory_request;
    });
    text +=
        "\n\n" + (heavy.empty()
                      ? InLanguage("数据里没有内存用量，也没有内存请求；要看实际用量请提供 kubectl "
                                   "top pods 的输出。",
                                   "The data has neither memory use nor memory requests; for use, "
                                   "pass the output of kubectl top pods.",
                                   language)
                      : InLanguage("按内存请求（不是实际用量）从高到低：",
                                   "By memory request (not actual use), highest first:", language));
    for (size_t i = 0; i < heavy.size() && i < kShown; ++i) {
      text += fmt::format("\n- `{}`: {}", heavy[i].name, ShowBytes(heavy[i].memory_request));
    }
  }
  return text;
}

// `kubectl top pods`: NAME CPU(cores) MEMORY(bytes).
std::string Top(const std::vector<std::string_view>& lines, const Intent& intent,
                text::Language language) {
  const auto header = base::SplitWhitespace(lines[0]);
  const bool cpu = intent.metric == "cpu";
  const auto find = [&](std::string_view word) {
    for (size_t i = 0; i < header.size(); ++i) {
      if (header[i].starts_with(word)) return i;
    }
    return header.size();
  };
  const size_t value_at = find(cpu ? "CPU" : "MEMORY");
  const size_t name_at = find("NAME");
  std::vector<std::pair<double, std::pair<std::string, std::string>>> rows;
  for (size_t i = 1; i < lines.size(); ++i) {
    const auto cells = base::SplitWhitespace(lines[i]);
    if (cells.size() != header.size()) continue;
    rows.push_back({Bytes(cells[value_at]) * (cells[value_at].ends_with('m') ? 0.001 : 1),
                    {std::string(cells[name_at]), std::string(cells[value_at])}});
  }
  std::stable_sort(rows.begin(), rows.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  std::string text = InLanguage(
      fmt::format("共 {} 行，按{}从高到低：", rows.size(), cpu ? "CPU" : "内存"),
      fmt::format("{} rows, by {} highest first:", rows.size(), cpu ? "CPU" : "memory"), language);
  for (size_t i = 0; i < rows.size() && i < kShown; ++i) {
    text += fmt::format("\n- `{}`: {}", rows[i].second.first, rows[i].second.second);
  }
  return text;
}

// A log line without what differs between repetitions.
std::string Template(std::string_view line) {
  std::string out(line.substr(0, 400));
  static const RE2* const kStamp = new RE2(R"(\d{4}-\d{2}-\d{2}[T ][0-9:.,]+Z?\s*)");
  static const RE2* const kHex = new RE2(R"(\b[0-9a-fA-F]{8,}\b)");
  static const RE2* const kNumber = new RE2(R"(\d+)");
  RE2::GlobalReplace(&out, *kStamp, "");
  RE2::GlobalReplace(&out, *kHex, "#");
  RE2::GlobalReplace(&out, *kNumber, "#");
  return std::string(base::Trim(out));
}

std::string LogSummary(const std::vector<std::string_view>& lines, text::Language language) {
  static const RE2* const kError =
      new RE2(R"((?i)\b(error|err|fatal|panic|exception|fail(ed|ure)?|critical|oom)\b)");
  static const RE2* const kWarn = new RE2(R"((?i)\bwarn(ing)?\b)");
  size_t errors = 0, warnings = 0;
  std::string_view first;
  std::map<std::string, std::pair<size_t, std::string>> templates;  // template -> count, example
  for (std::string_view line : lines) {
    const std::string_view head = line.substr(0, 4096);
    if (RE2::PartialMatch(re2::StringPiece(head.data(), head.size()), *kError)) {
      if (++errors == 1) first = line;
      auto& entry = templates[Template(head)];
      if (entry.first++ == 0) entry.second = std::string(base::Utf8Prefix(base::Trim(line), 300));
    } else if (RE2::PartialMatch(re2::StringPiece(head.data(), head.size()), *kWarn)) {
      ++warnings;
    }
  }
  std::string text = InLanguage(
      fmt::format("共 {} 行，其中 {} 行像错误，{} 行像警告。", lines.size(), errors, warnings),
      fmt::format("{} lines; {} look like errors, {} like warnings.", lines.size(), errors,
                  warnings),
      language);
  if (errors == 0) return text;
  text += InLanguage("\n第一条错误：\n```\n", "\nFirst error:\n```\n", language) +
          std::string(base::Utf8Prefix(base::Trim(first), 300)) + "\n```";
  std::vector<std::pair<size_t, std::string>> ranked;
  for (const auto& [shape, entry] : templates) ranked.push_back(entry);
  std::stable_sort(ranked.begin(), ranked.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  text += InLanguage(fmt::format("\n{} 种不同的错误，最常见的：", ranked.size()),
                     fmt::format("\n{} distinct kinds of errors, most frequent:", ranked.size()),
                     language);
  for (size_t i = 0; i < ranked.size() && i < 5; ++i)
    text += fmt::format("\n- {} × `{}`", ranked[i].first, ranked[i].second);
  return text;
}

}  // namespace

absl::Status AnswerFromAttachment(Turn& turn, std::string_view data, const Intent& intent) {
  type::v1::Ledger ledger;
  auto* entry = ledger.add_checked();
  entry->set_source("attachment");
  entry->set_subject(fmt::format("{} bytes", data.size()));
  turn.Merge(ledger);
  const std::string_view trimmed = base::Trim(data);
  if (trimmed.starts_with('{') || trimmed.starts_with('[')) {
    const auto parsed = base::ParseJson(trimmed);
    if (parsed.ok()) {
      std::vector<PodLine> pods;
      const json& items = At(*parsed, {"items"}).is_array() ? At(*parsed, {"items"}) : *parsed;
      if (items.is_array()) {
        for (const json& item : items) pods.push_back(ReadPod(item));
      } else {
        pods.push_back(ReadPod(items));
      }
      return turn.SayParagraph(Summary(pods, intent, turn.language, "对象", "objects"));
    }
  }
  const std::vector<std::string_view> lines = Lines(data);
  if (lines.empty()) {
    turn.outcome = v1::TurnDone::OUTCOME_FAILED;
    return turn.SayParagraph(
        InLanguage("附带的数据是空的。", "The data handed over is empty.", turn.language));
  }
  if (lines[0].find("CPU(") != std::string_view::npos)
    return turn.SayParagraph(Top(lines, intent, turn.language));
  if (IsPodTable(lines))
    return turn.SayParagraph(Summary(ReadTable(lines), intent, turn.language, "对象", "rows"));
  return turn.SayParagraph(LogSummary(lines, turn.language));
}

}  // namespace opsmesh::llm
