// The lowest height: logic without a server.
#include "libs/testing/toy/toy_logic.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/testing/fake_clock.h"

namespace opsmesh::toy {
namespace {

TEST(ToyLogic, EchoesWithWhatTheContextCarries) {
  testing::FakeClock clock;
  ToyLogic logic;
  const auto context = base::Context::Background(clock)
                           .WithTimeout(absl::Seconds(3))
                           .WithPrincipal({"ann", base::Role::kViewer});
  v1::EchoRequest request;
  request.set_text("hello");
  const auto echo = logic.Echo(context, request);
  ASSERT_TRUE(echo.ok());
  EXPECT_EQ(echo->principal(), "ann");
  EXPECT_EQ(echo->remaining_ms(), 3000);
}

TEST(ToyLogic, DoesNotWaitForACallerWhoLeft) {
  ToyLogic logic;
  std::shared_ptr<base::CancelState> leave;
  const auto context = base::Context::Background().WithCancel(&leave);
  leave->Cancel();
  EXPECT_EQ(logic.Wait(context).status().code(), absl::StatusCode::kCancelled);
}

}  // namespace
}  // namespace opsmesh::toy
