#include "libs/base/version.h"

#include <cctype>
#include <cstdlib>
#include <fstream>
#include <string>

#include "gtest/gtest.h"

namespace opsmesh::base {
namespace {

TEST(Version, IsWhatTheVersionFileSays) {
  const char* source = std::getenv("OPSMESH_SOURCE_DIR");
  ASSERT_NE(source, nullptr) << "run this test through ctest";
  std::ifstream in(std::string(source) + "/VERSION");
  std::string line;
  ASSERT_TRUE(std::getline(in, line));
  EXPECT_EQ(Version(), line);
}

TEST(Version, NamesTheRevisionBesideTheRelease) {
  EXPECT_FALSE(Revision().empty());
  EXPECT_EQ(VersionLine(), std::string(Version()) + " (" + std::string(Revision()) + ")");
}

}  // namespace
}  // namespace opsmesh::base
