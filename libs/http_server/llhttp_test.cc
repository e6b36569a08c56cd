// The request pages of llhttp's tests, judged by RFC 9112 read strictly and by our own policy.
//
// Rule: as many requests must be served as the page's log completes messages; an error in the log
// means that the bytes must then be refused (4xx and close); a message begun and not completed
// means that we must wait for more. Cases for a lenient mode, which we do not have, must be
// refused. Two habits of those pages that our policy refuses are repaired first, so that the rest
// is judged at all: a missing Host is added to each request line's fields, and a fragment is cut
// from the target. What is judged otherwise stands in testdata/llhttp_differences.tsv, each with
// its reason.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/strings.h"
#include "libs/http_server/verdict.h"

namespace opsmesh::http_server {
namespace {

struct PageCase {
  std::string name;  // "uri: Quotes in URI", with " (2)" when a page has the title twice
  bool lenient = false;
  std::string bytes;
  std::string log;
};

// The pages' own notation: a line end is CRLF, a backslash before one joins the lines, \r \n \t \f
// are those bytes.
std::string Unescape(const std::string& text) {
  std::string joined = base::ReplaceAll(text, "\\\n", "");
  joined = base::ReplaceAll(joined, "\n", "\r\n");
  for (const auto& [from, to] :
       {std::pair("\\r", "\r"), {"\\n", "\n"}, {"\\t", "\t"}, {"\\f", "\f"}}) {
    joined = base::ReplaceAll(joined, from, to);
  }
  return joined;
}

std::string WithHostAndWithoutFragment(const std::string& bytes) {
  std::string out;
  size_t line_start = 0;
  const bool has_host = base::AsciiLower(bytes).find("\nhost") != std::string::npos;
  while (line_start < bytes.size()) {
    size_t line_end = bytes.find("\r\n", line_start);
    if (line_end == std::string::npos) line_end = bytes.size();
    std::string line = bytes.substr(line_start, line_end - line_start);
    const bool request_line = line.ends_with(" HTTP/1.1") || line.ends_with(" HTTP/1.0");
    if (const size_t hash = line.find('#'); request_line && hash != std::string::npos) {
      line.erase(hash, line.rfind(' ') - hash);
    }
    out += line;
    if (line_end < bytes.size()) out += "\r\n";
    if (request_line && !has_host && line_end < bytes.size()) out += "Host: added\r\n";
    line_start = line_end + 2;
  }
  return out;
}

std::vector<PageCase> ReadPage(const std::filesystem::path& path) {
  std::vector<PageCase> cases;
  std::map<std::string, int> seen;
  std::ifstream in(path);
  std::string title;
  std::string* block = nullptr;
  PageCase current;
  for (std::string line; std::getline(in, line);) {
    if (block != nullptr) {
      if (line == "```") {
        if (!block->empty())
          block->pop_back();  // the line end before the fence is not part of the text
        if (block == &current.log) cases.push_back(current);
        block = nullptr;
      } else {
        *block += line + "\n";
      }
    } else if (line.starts_with("#")) {
      title = line.substr(line.find_first_not_of("# "));
    } else if (line.starts_with("<!-- meta=")) {
      current = {};
      const int count = ++seen[title];
      current.name = fmt::format("{}: {}{}", path.stem().string(), title,
                                 count > 1 ? fmt::format(" ({})", count) : "");
      current.lenient = line.find("lenient") != std::string::npos;
    } else if (line == "```http") {
      block = &current.bytes;
    } else if (line == "```log") {
      block = &current.log;
    }
  }
  return cases;
}

size_t Count(const std::string& text, std::string_view word) {
  size_t count = 0;
  for (size_t at = 0; (at = text.find(word, at)) != std::string::npos; ++at) ++count;
  return count;
}

// "2 served", "0 served, then refused", "1 served, then incomplete"; for a lenient case only
// "refused".
std::string Expected(const PageCase& page_case) {
  if (page_case.lenient) return "refused";
  const size_t complete = Count(page_case.log, "message complete");
  std::string end;
  if (Count(page_case.log, " error ") > 0) {
    end = ", then refused";
  } else if (Count(page_case.log, "message begin") > complete) {
    end = ", then incomplete";
  }
  return fmt::format("{} served{}", complete, end);
}

// The same words for a verdict; which reason it gave is not the pages' concern.
std::string Summary(const std::string& verdict, bool lenient) {
  const size_t space = verdict.find(' ');
  const std::string served = verdict.substr(0, space) + " served";
  const std::string end = verdict.substr(space + 1);
  if (end == "keep" || end == "close") return served;
  if (end == "incomplete") return served + ", then incomplete";
  if (!testing::Matches(testing::MatchesRegex("4[0-9][0-9] [A-Z_]+"))(end)) return verdict;
  return lenient ? "refused" : served + ", then refused";
}

std::map<std::string, std::string> ReadDifferences(const std::filesystem::path& path) {
  std::map<std::string, std::string> differences;
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) {
    if (line.empty() || line.starts_with("#")) continue;
    const auto columns = base::Split(line, '\t');
    EXPECT_EQ(columns.size(), 3u) << line;
    differences.emplace(columns[0], columns[1]);
  }
  return differences;
}

TEST(LlhttpPages, EveryRequestIsJudgedByTheRfcOrTheDifferenceIsListedWithItsReason) {
  const char* variable = std::getenv("OPSMESH_SOURCE_DIR");
  const std::filesystem::path source = variable == nullptr ? "." : variable;
  const auto folder = source / "../shared/badinputs/llhttp/test/request";
  if (!std::filesystem::exists(folder)) {
    std::cout << "NOT RUN: there is no " << folder << "; only our own corpus was judged.\n";
    GTEST_SKIP();
  }
  const auto differences =
      ReadDifferences(source / "libs/http_server/testdata/llhttp_differences.tsv");
  std::set<std::string> used;
  JudgingServer server;
  int judged = 0;
  std::vector<std::filesystem::path> pages(std::filesystem::directory_iterator(folder), {});
  std::sort(pages.begin(), pages.end());
  for (const auto& page : pages) {
    for (const PageCase& page_case : ReadPage(page)) {
      const std::string bytes = WithHostAndWithoutFragment(Unescape(page_case.bytes));
      const std::string verdict = server.Judge(bytes);
      const auto difference = differences.find(page_case.name);
      if (difference != differences.end()) used.insert(page_case.name);
      const std::string expected =
          difference != differences.end() ? difference->second : Expected(page_case);
      EXPECT_EQ(Summary(verdict, page_case.lenient), expected)
          << page_case.name << "\nverdict: " << verdict << "\n"
          << bytes;
      if (difference != differences.end()) {
        EXPECT_NE(difference->second, Expected(page_case))
            << page_case.name << " is no difference any more";
      }
      ++judged;
    }
  }
  EXPECT_GT(judged, 100);
  for (const auto& [name, verdict] : differences)
    EXPECT_TRUE(used.contains(name)) << "no such case: " << name;
}

}  // namespace
}  // namespace opsmesh::http_server
