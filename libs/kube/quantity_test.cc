#include "libs/kube/quantity.h"

#include <gtest/gtest.h>

namespace opsmesh::kube {
namespace {

TEST(Quantity, ReadsEverySuffixAndTellsExaFromAnExponent) {
  EXPECT_EQ(ParseQuantity("250m"), 0.25);
  EXPECT_EQ(ParseQuantity("1.5Gi"), 1.5 * 1024 * 1024 * 1024);
  EXPECT_EQ(ParseQuantity("1E"), 1e18);
  EXPECT_EQ(ParseQuantity("1e3"), 1000);
  EXPECT_EQ(ParseQuantity("1E3"), 1000);
  EXPECT_EQ(ParseQuantity("12Ei"), 12.0 * 1024 * 1024 * 1024 * 1024 * 1024 * 1024);
  EXPECT_EQ(ParseQuantity("-5Gi"), -5.0 * 1024 * 1024 * 1024);
  EXPECT_EQ(ParseQuantity("0"), 0);
  EXPECT_EQ(ParseQuantity(".5"), 0.5);
  for (const char* bad :
       {"", "1e3m", "m", "1 Gi", "Gi", "1gi", "--1", "1e999", "0x10", "1.2.3", "NaN", "inf"}) {
    EXPECT_EQ(ParseQuantity(bad), std::nullopt) << bad;
  }
  EXPECT_EQ(FormatCpu(0.25), "250m");
  EXPECT_EQ(FormatBytes(1.5 * 1024 * 1024 * 1024), "1.5Gi");
}

}  // namespace
}  // namespace opsmesh::kube
