// The rendered contract equals the golden file in the tree: a change of the API is a visible diff
// in review.
#include <algorithm>
#include <string>
#include <vector>

#include "libs/base/strings.h"
#include "tests/contract/fixture.h"

namespace opsmesh::contract {
namespace {

/// Lines only one side has, in order, each with the last unindented line above it, at most `limit`
/// of them.
std::string Difference(const std::string& golden, const std::string& actual, size_t limit) {
  const std::vector<std::string_view> a = base::Split(golden, '\n');
  const std::vector<std::string_view> b = base::Split(actual, '\n');
  // Longest common subsequence after trimming what is equal at both ends: the changed middle is
  // small.
  size_t begin = 0;
  while (begin < a.size() && begin < b.size() && a[begin] == b[begin]) ++begin;
  size_t a_end = a.size();
  size_t b_end = b.size();
  while (a_end > begin && b_end > begin && a[a_end - 1] == b[b_end - 1]) --a_end, --b_end;
  const size_t rows = a_end - begin;
  const size_t columns = b_end - begin;
  std::vector<std::vector<size_t>> common(rows + 1, std::vector<size_t>(columns + 1, 0));
  for (size_t i = rows; i-- > 0;) {
    for (size_t j = columns; j-- > 0;) {
      common[i][j] = a[begin + i] == b[begin + j] ? common[i + 1][j + 1] + 1
                                                  : std::max(common[i + 1][j], common[i][j + 1]);
    }
  }
  std::string out;
  size_t shown = 0;
  size_t i = 0;
  size_t j = 0;
  while ((i < rows || j < columns) && shown < limit) {
    if (i < rows && j < columns && a[begin + i] == b[begin + j]) {
      ++i, ++j;
      continue;
    }
    const bool removed = j == columns || (i < rows && common[i + 1][j] >= common[i][j + 1]);
    out += removed ? "- " : "+ ";
    out += removed ? a[begin + i++] : b[begin + j++];
    out += '\n';
    ++shown;
  }
  if (i < rows || j < columns) out += "  ... and more\n";
  return out;
}

TEST(Golden, TheContractIsAsTheGoldenFileSays) {
  const std::filesystem::path path =
      std::filesystem::path(Env("OPSMESH_SOURCE_DIR")) / "tests/contract/api.golden.txt";
  const std::string golden = ReadFile(path);
  const std::string actual = Render(TheContract());
  EXPECT_TRUE(golden == actual)
      << "The contract has changed:\n"
      << Difference(golden, actual, 60)
      << "If that is meant, run `./dev fix`, look at the diff and commit it.";
}

TEST(Golden, TheDifferenceShowsOnlyWhatChanged) {
  EXPECT_EQ(Difference("a\nb\nc\nd\n", "a\nB\nc\nd\n", 10), "- b\n+ B\n");
  EXPECT_EQ(Difference("a\nb\n", "a\nb\nc\n", 10), "+ c\n");
  EXPECT_EQ(Difference("a\nb\nc\n", "a\nc\n", 10), "- b\n");
  EXPECT_EQ(Difference("", "x\ny\nz\n", 1), "+ x\n  ... and more\n");
}

}  // namespace
}  // namespace opsmesh::contract
