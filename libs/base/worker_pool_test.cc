#include "libs/base/worker_pool.h"

#include <atomic>
#include <future>

#include "gtest/gtest.h"

namespace opsmesh::base {
namespace {

TEST(WorkerPool, AFullQueueRefusesInsteadOfGrowing) {
  std::promise<void> gate;
  std::promise<void> started;
  std::atomic<int> ran{0};
  {
    WorkerPool pool({.name = "t", .threads = 1, .queue_limit = 1});
    ASSERT_TRUE(pool.TrySubmit([&] {
      started.set_value();
      gate.get_future().wait();
      ++ran;
    }));
    started.get_future().wait();
    EXPECT_TRUE(pool.TrySubmit([&] { ++ran; }));
    EXPECT_FALSE(pool.TrySubmit([&] { ran += 100; }));
    EXPECT_EQ(pool.depth().queued, 1u);
    gate.set_value();
  }
  EXPECT_EQ(ran, 2);
}

}  // namespace
}  // namespace opsmesh::base
