// Rules of the source tree and of the objects built from it: who may include whom, and what no
// program of ours may call.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "libs/base/strings.h"
#include "tests/contract/fixture.h"

namespace opsmesh::contract {
namespace {

namespace fs = std::filesystem;

/// The order of libs/ as cmake/OpsmeshRooms.cmake states it: one place for both.
std::vector<std::string> LibOrder() {
  const std::string text =
      ReadFile(fs::path(Env("OPSMESH_SOURCE_DIR")) / "cmake/OpsmeshRooms.cmake");
  const size_t begin = text.find("set(OPSMESH_LIB_ORDER");
  const size_t end = text.find(')', begin);
  EXPECT_NE(begin, std::string::npos);
  std::vector<std::string> order;
  for (const std::string_view word :
       base::SplitWhitespace(std::string_view(text).substr(begin, end - begin))) {
    if (word != "set(OPSMESH_LIB_ORDER") order.emplace_back(word);
  }
  return order;
}

/// "libs/base" of "libs/base/error.h"; "" for files that belong to no room (generated code, outside
/// libraries).
std::string RoomOf(const std::string& path) {
  for (const char* one : {"gateway/", "cli/", "tests/"}) {
    if (path.rfind(one, 0) == 0) return std::string(one, std::string_view(one).size() - 1);
  }
  for (const char* many : {"libs/", "services/"}) {
    if (path.rfind(many, 0) != 0) continue;
    const size_t slash = path.find('/', std::string_view(many).size());
    return slash == std::string::npos ? "" : path.substr(0, slash);
  }
  return "";
}

/// Bigger may use smaller; equal rooms may use themselves only.
int RankOf(const std::string& room, const std::vector<std::string>& order) {
  if (room.rfind("libs/", 0) == 0) {
    const auto it = std::find(order.begin(), order.end(), room.substr(5));
    return it == order.end() ? -1 : 100 + static_cast<int>(it - order.begin());
  }
  if (room.rfind("services/", 0) == 0 || room == "gateway") return 300;
  return room == "cli" ? 400 : 500;
}

/// Why `from` may not include a file of `to`; nothing when it may.
std::optional<std::string> Forbidden(const std::string& from, const std::string& to,
                                     const std::vector<std::string>& order) {
  if (from == to || to.empty()) return std::nullopt;
  const int from_rank = RankOf(from, order);
  const int to_rank = RankOf(to, order);
  if (to_rank < 0) return to + " is not in OPSMESH_LIB_ORDER";
  if (to_rank < from_rank) return std::nullopt;
  return from + " may not use " + to;
}

bool IsTestFile(const std::string& path) {
  return path.find("_test.cc") != std::string::npos || path.rfind("tests/", 0) == 0 ||
         path.find("/testdata/") != std::string::npos;
}

/// Own sources below the tree's rooms, relative paths, sorted; build folders and node_modules are
/// not in them.
std::vector<std::string> Sources() {
  const fs::path top = Env("OPSMESH_SOURCE_DIR");
  std::vector<std::string> found;
  for (const char* room : {"libs", "services", "gateway", "cli", "tests"}) {
    for (auto it = fs::recursive_directory_iterator(top / room);
         it != fs::recursive_directory_iterator(); ++it) {
      if (it->is_directory() && it->path().filename() == "node_modules")
        it.disable_recursion_pending();
      const std::string extension = it->path().extension();
      if (it->is_regular_file() && (extension == ".cc" || extension == ".h")) {
        found.push_back(fs::relative(it->path(), top).string());
      }
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

TEST(TreeRules, IncludesFollowTheOneDependencyRule) {
  const std::vector<std::string> order = LibOrder();
  const std::vector<std::string> sources = Sources();
  ASSERT_GT(sources.size(), 20u) << "the tree was not found";
  for (const std::string& path : sources) {
    if (IsTestFile(path)) continue;
    const std::string text = ReadFile(fs::path(Env("OPSMESH_SOURCE_DIR")) / path);
    for (const std::string_view line : base::Split(text, '\n')) {
      if (line.rfind("#include \"", 0) != 0) continue;
      const std::string included(line.substr(10, line.find('"', 10) - 10));
      const auto why = Forbidden(RoomOf(path), RoomOf(included), order);
      EXPECT_FALSE(why.has_value()) << path << " includes " << included << ": " << *why;
    }
  }
}

TEST(TreeRules, TheRuleItselfRefusesTurnedArrows) {
  const std::vector<std::string> order = LibOrder();
  EXPECT_TRUE(Forbidden("libs/base", "libs/config", order).has_value());
  EXPECT_TRUE(Forbidden("libs/kube", "services/k8s", order).has_value());
  EXPECT_TRUE(Forbidden("services/chat", "services/llm", order).has_value());
  EXPECT_TRUE(Forbidden("gateway", "services/chat", order).has_value());
  EXPECT_TRUE(Forbidden("libs/base", "libs/unheard_of", order).has_value());
  EXPECT_FALSE(Forbidden("cli", "services/chat", order).has_value());
  EXPECT_FALSE(Forbidden("services/k8s", "libs/kube", order).has_value());
}

TEST(TreeRules, HeadersHaveAPragmaOnceAndSayWhatTheyAreFor) {
  for (const std::string& path : Sources()) {
    if (fs::path(path).extension() != ".h") continue;
    const std::string text = ReadFile(fs::path(Env("OPSMESH_SOURCE_DIR")) / path);
    EXPECT_NE(text.find("#pragma once"), std::string::npos) << path;
    EXPECT_EQ(text.rfind("//", 0), 0u)
        << path << " does not open with a comment that says what it is for";
  }
}

/// What `command` prints on stdout.
std::string Output(const std::string& command) {
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  EXPECT_NE(pipe, nullptr) << command;
  std::string out;
  std::array<char, 65536> buffer{};
  while (pipe != nullptr) {
    const size_t count = fread(buffer.data(), 1, buffer.size(), pipe.get());
    if (count == 0) break;
    out.append(buffer.data(), count);
  }
  return out;
}

/// "fork" of "fork@GLIBC_2.2.5" and of "fork".
std::string Unversioned(std::string_view symbol) {
  return std::string(symbol.substr(0, symbol.find('@')));
}

TEST(TreeRules, NoObjectOfOursStartsAProgram) {
  const std::set<std::string> forbidden = {
      "system", "popen",  "fork",   "vfork",   "clone",   "execl",    "execlp",      "execle",
      "execv",  "execvp", "execve", "execvpe", "fexecve", "execveat", "posix_spawn", "posix_spawnp",
  };
  size_t archives = 0;
  for (const auto& entry :
       fs::directory_iterator(fs::path(Env("OPSMESH_BIN_DIR")).parent_path() / "lib")) {
    const std::string name = entry.path().filename();
    if (entry.path().extension() != ".a" || name.rfind("libopsmesh_", 0) != 0) continue;
    if (name == "libopsmesh_libs_testing.a" || name.rfind("libopsmesh_tests_", 0) == 0)
      continue;  // never shipped
    ++archives;
    const std::string symbols =
        Output("nm --undefined-only -A '" + entry.path().string() + "' 2>/dev/null");
    for (const std::string_view line : base::Split(symbols, '\n')) {
      const std::vector<std::string_view> words = base::SplitWhitespace(line);
      if (words.size() < 2) continue;
      EXPECT_EQ(forbidden.count(Unversioned(words.back())), 0u)
          << line << " (T3: only the helper binary may start programs)";
    }
  }
  EXPECT_GE(archives, 1u) << "no archives of ours were found: is OPSMESH_BIN_DIR right?";
}

TEST(TreeRules, NmSeesWhatThisTestItselfCalls) {
  const std::string symbols =
      Output("nm --undefined-only /proc/" + std::to_string(getpid()) + "/exe");
  EXPECT_NE(symbols.find("popen"), std::string::npos)
      << "nm does not show popen in a program that calls it";
}

}  // namespace
}  // namespace opsmesh::contract
