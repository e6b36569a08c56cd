#include "libs/text/duration.h"

#include "gtest/gtest.h"

namespace opsmesh::text {
namespace {

absl::Duration Find(std::string_view sentence) {
  const auto window = FindTimeWindow(NormalizeForMatching(sentence));
  return window ? window->length : absl::ZeroDuration();
}

TEST(FindTimeWindow, ReadsChinese) {
  EXPECT_EQ(Find("最近一小时的事件"), absl::Hours(1));
  EXPECT_EQ(Find("过去30分钟有什么告警"), absl::Minutes(30));
  EXPECT_EQ(Find("最近半小时的日志"), absl::Minutes(30));
  EXPECT_EQ(Find("近两天"), absl::Hours(48));
  EXPECT_EQ(Find("最近１０分钟"), absl::Minutes(10));
  EXPECT_EQ(Find("過去三小時"), absl::Hours(3));
  EXPECT_EQ(Find("5分钟内的错误"), absl::Minutes(5));
  EXPECT_EQ(Find("最近一个半小时"), absl::Minutes(90));
}

TEST(FindTimeWindow, ReadsEnglish) {
  EXPECT_EQ(Find("logs of the last 30 min"), absl::Minutes(30));
  EXPECT_EQ(Find("events in the past two hours"), absl::Hours(2));
  EXPECT_EQ(Find("in the last hour"), absl::Hours(1));
  EXPECT_EQ(Find("past 15m"), absl::Minutes(15));
  EXPECT_EQ(Find("the last half an hour"), absl::Minutes(30));
  EXPECT_EQ(Find("what changed 3 days ago"), absl::Hours(72));
}

TEST(FindTimeWindow, NamesDays) {
  EXPECT_EQ(FindTimeWindow("events today")->kind, TimeWindow::Kind::kToday);
  EXPECT_EQ(FindTimeWindow("昨天发生了什么")->kind, TimeWindow::Kind::kYesterday);
}

TEST(FindTimeWindow, TakesNoLogForADay) {
  for (const char* sentence : {"cart重启前的日志", "最近的日志", "前日志"})
    EXPECT_FALSE(FindTimeWindow(sentence).has_value()) << sentence;
  EXPECT_EQ(FindTimeWindow("最近3天的日志")->length, absl::Hours(72));
}

TEST(FindTimeWindow, LeavesOtherNumbersAlone) {
  EXPECT_EQ(Find("scale web to 5"), absl::ZeroDuration());
  EXPECT_EQ(Find("最近的事件"), absl::ZeroDuration());
  EXPECT_EQ(Find("last 20 lines of web"), absl::ZeroDuration());
  EXPECT_EQ(Find("前5个pod"), absl::ZeroDuration());
}

}  // namespace
}  // namespace opsmesh::text
