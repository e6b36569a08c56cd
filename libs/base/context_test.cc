#include "libs/base/context.h"

#include <atomic>
#include <thread>

#include "gtest/gtest.h"
#include "libs/base/error.h"

namespace opsmesh::base {
namespace {

TEST(Context, AChildNeverOutlivesItsParentsDeadline) {
  const Context parent = Context::Background().WithTimeout(absl::Milliseconds(50));
  EXPECT_LE(parent.WithTimeout(absl::Hours(1)).Remaining(), absl::Milliseconds(50));
}

TEST(Context, CancellingTheRootReachesGrandchildrenThroughTemporaries) {
  std::shared_ptr<CancelState> root, middle, leaf;
  const Context top = Context::Background().WithCancel(&root);
  const Context child = top.WithCancel(&middle).WithCancel(&leaf);
  root->Cancel();
  EXPECT_TRUE(child.cancelled());
  EXPECT_EQ(DetailOf(child.Check()).reason, "CALLER_LEFT");
}

TEST(Context, CancellingAChildLeavesTheParentRunning) {
  std::shared_ptr<CancelState> root, child_switch;
  const Context top = Context::Background().WithCancel(&root);
  const Context child = top.WithCancel(&child_switch);
  child_switch->Cancel();
  EXPECT_TRUE(child.cancelled());
  EXPECT_FALSE(top.cancelled());
}

TEST(Context, ARegistrationRunsOnceAndNotAfterItIsDropped) {
  CancelState state;
  std::atomic<int> runs{0};
  auto kept = state.OnCancel([&] { ++runs; });
  {
    auto dropped = state.OnCancel([&] { runs += 100; });
  }
  state.Cancel();
  state.Cancel();
  EXPECT_EQ(runs, 1);
}

TEST(Context, ASleepEndsWhenTheCallerLeaves) {
  std::shared_ptr<CancelState> cancel;
  const Context context = Context::Background().WithCancel(&cancel);
  std::thread leaver([&] { cancel->Cancel(); });
  EXPECT_EQ(context.Sleep(absl::Hours(1)).code(), absl::StatusCode::kCancelled);
  leaver.join();
}

TEST(Context, ADeadlineThatPassedSaysSo) {
  const Context context = Context::Background().WithTimeout(absl::ZeroDuration());
  EXPECT_EQ(context.Check().code(), absl::StatusCode::kDeadlineExceeded);
}

}  // namespace
}  // namespace opsmesh::base
