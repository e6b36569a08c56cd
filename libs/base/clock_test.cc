#include "libs/base/clock.h"

#include "gtest/gtest.h"

namespace opsmesh::base {
namespace {

TEST(Clock, TimesAreReadAsRfc3339WritesThem) {
  absl::Time time;
  for (const char* text : {"2025-01-21T10:30:00Z", "2025-01-21T11:30:00+01:00",
                           "2025-01-21T10:30:00.000000Z", "2025-01-21T07:00:00.0-03:30"}) {
    ASSERT_TRUE(ParseRfc3339(text, &time)) << text;
    EXPECT_EQ(Rfc3339(time), "2025-01-21T10:30:00Z") << text;
  }
}

TEST(Clock, WhatIsNoTimeOfRfc3339IsRefused) {
  absl::Time time;
  for (const char* text :
       {"", "Z", "infinite-future", "infinite-past", "infinite-future-and-more-Z",
        " 2025-01-21T10:30:00Z", "2025-01-21T10:30:00Z ", "2025-01-21T10:30:00",
        "-2025-01-21T10:30:00Z", "2025-1-2T3:4:5Z", "2025-01-21 10:30:00Z"})
    EXPECT_FALSE(ParseRfc3339(text, &time)) << text;
}

}  // namespace
}  // namespace opsmesh::base
