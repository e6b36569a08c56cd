#include "libs/clients/retry.h"

#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "opsmesh/k8s/v1/k8s_service.pb.h"
#include "opsmesh/k8s/v1/tool.pb.h"

namespace opsmesh::clients {
namespace {

absl::Status Down() { return base::Unavailable("SERVICE_UNAVAILABLE", "Nobody answers."); }

RetryOptions Quick() {
  RetryOptions options;
  options.first_backoff = absl::Microseconds(10);
  options.max_backoff = absl::Microseconds(100);
  return options;
}

TEST(RetryPolicy, TriesAgainOnlyWhenUnavailable) {
  base::SeededIds ids(1);
  RetryPolicy policy(Quick(), ids);
  const auto context = base::Context::Background();
  EXPECT_TRUE(policy.Again(context, 1, Down()));
  for (const absl::StatusCode code :
       {absl::StatusCode::kInternal, absl::StatusCode::kDeadlineExceeded,
        absl::StatusCode::kAborted, absl::StatusCode::kResourceExhausted,
        absl::StatusCode::kUnknown}) {
    EXPECT_FALSE(policy.Again(context, 1, absl::Status(code, "x"))) << static_cast<int>(code);
  }
}

TEST(RetryPolicy, GivesUpAfterItsTries) {
  base::SeededIds ids(1);
  RetryPolicy policy(Quick(), ids);
  EXPECT_TRUE(policy.Again(base::Context::Background(), 2, Down()));
  EXPECT_FALSE(policy.Again(base::Context::Background(), 3, Down()));
}

TEST(RetryPolicy, DoesNotWaitBeyondTheDeadline) {
  base::SeededIds ids(1);
  RetryPolicy policy({}, ids);
  const auto context = base::Context::Background().WithTimeout(absl::Seconds(4));
  const absl::Status later =
      base::Unavailable("STARTING", "Starting.").RetryAfter(absl::Seconds(5));
  EXPECT_FALSE(policy.Again(context, 1, later));
  EXPECT_GT(context.Remaining(), absl::ZeroDuration()) << "it did not sleep either";
}

TEST(RetryPolicy, StopsWhenTheCallerLeaves) {
  base::SeededIds ids(1);
  RetryPolicy policy({}, ids);
  std::shared_ptr<base::CancelState> leave;
  const auto context = base::Context::Background().WithCancel(&leave);
  leave->Cancel();
  EXPECT_FALSE(policy.Again(
      context, 1, base::Unavailable("STARTING", "Starting.").RetryAfter(absl::Seconds(60))));
}

TEST(RetryPolicy, KeepsRetriesBelowAFifthOfTheCallsInAnOutage) {
  base::SeededIds ids(1);
  RetryPolicy policy(Quick(), ids);
  int retries = 0;
  for (int call = 0; call < 1000; ++call) {
    if (policy.Again(base::Context::Background(), 1, Down())) ++retries;
  }
  EXPECT_EQ(retries, 10) << "the saved budget, and nothing earned while nothing works";
  for (int call = 0; call < 100; ++call) policy.Earn();
  retries = 0;
  while (policy.Again(base::Context::Background(), 1, Down())) ++retries;
  EXPECT_EQ(retries, 10);
}

TEST(IsReadOnly, FollowsTheContract) {
  namespace k8s = opsmesh::k8s::v1;
  const char* service = "opsmesh.k8s.v1.K8sService";
  EXPECT_TRUE(IsReadOnly(service, *k8s::ListToolsRequest::descriptor(),
                         *k8s::ListToolsResponse::descriptor()));
  EXPECT_FALSE(IsReadOnly(service, *k8s::CallToolRequest::descriptor(),
                          *k8s::CallToolResponse::descriptor()));
  EXPECT_FALSE(IsReadOnly("opsmesh.none.v1.NoService", *k8s::ListToolsRequest::descriptor(),
                          *k8s::ListToolsResponse::descriptor()));
}

}  // namespace
}  // namespace opsmesh::clients
