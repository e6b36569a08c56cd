// Streams: written by a handler with back-pressure, or drained from a subscription without a
// thread.
#include <atomic>
#include <thread>

#include "libs/base/error.h"
#include "libs/testing/toy/toy_mesh.h"

namespace opsmesh::toy {
namespace {

v1::CountRequest CountOf(int64_t count, int padding = 0) {
  v1::CountRequest request;
  request.set_count(count);
  request.set_padding_bytes(padding);
  return request;
}

TEST(Streams, ArriveWholeAndInOrder) {
  ToyMesh mesh;
  int64_t expected = 0;
  const absl::Status status = mesh.Toy().Stream<v1::CountRequest, v1::CountResponse>(
      ContextOf(), &v1::ToyService::Stub::Count, CountOf(5000), [&](v1::CountResponse& response) {
        EXPECT_EQ(response.number(), ++expected);
        return absl::OkStatus();
      });
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(expected, 5000);
}

TEST(Streams, MakeTheHandlerWaitForASlowReader) {
  ToyMesh mesh({.grpc_listen = "127.0.0.1:0"});
  int64_t read = 0;
  int64_t written_at_first = 0;
  const absl::Status status = mesh.Toy().Stream<v1::CountRequest, v1::CountResponse>(
      ContextOf(), &v1::ToyService::Stub::Count, CountOf(100000, 10000),
      [&](v1::CountResponse&) -> absl::Status {
        if (++read < 50) return absl::OkStatus();
        written_at_first = mesh.logic->written();
        return base::Cancelled("ENOUGH", "Enough.");
      });
  EXPECT_EQ(base::DetailOf(status).reason, "ENOUGH");
  // Fifty were read; what else was written sits in the queue of 16 and in flow-control windows, not
  // in memory without end.
  EXPECT_LT(written_at_first, 10000);
  EXPECT_TRUE(mesh.logic->AwaitGivenUp(1)) << "the handler is told that the reader left";
}

TEST(Subscriptions, HoldNoThreadOfThePool) {
  ToyMesh mesh({.yaml = "pools: {toy: {threads: 1, queue: 100}}"});
  constexpr int kSubscribers = 40;
  std::atomic<int> received = 0;
  std::vector<std::thread> subscribers;
  for (int i = 0; i < kSubscribers; ++i) {
    subscribers.emplace_back([&] {
      (void)mesh.Toy().Stream<v1::WatchRequest, v1::WatchResponse>(
          ContextOf(), &v1::ToyService::Stub::Watch, v1::WatchRequest(),
          [&](v1::WatchResponse& response) -> absl::Status {
            if (response.text() == "last") return base::Cancelled("SEEN", "Seen.");
            ++received;
            return absl::OkStatus();
          });
    });
  }
  ASSERT_TRUE(mesh.logic->AwaitSubscribers(kSubscribers));
  EXPECT_TRUE(mesh.Toy()
                  .Call(ContextOf(), &v1::ToyService::Stub::Echo, EchoOf("the one thread is free"))
                  .ok());
  mesh.logic->Publish("one");
  mesh.logic->Publish("two");
  mesh.logic->Publish("last");
  for (std::thread& subscriber : subscribers) subscriber.join();
  EXPECT_EQ(received, 2 * kSubscribers);
  EXPECT_TRUE(mesh.logic->AwaitSubscribers(0)) << "who leaves is forgotten";
}

TEST(Subscriptions, EndWhenTheirTimeIsUp) {
  ToyMesh mesh;
  const absl::Status status = mesh.Toy().Stream<v1::WatchRequest, v1::WatchResponse>(
      ContextOf().WithTimeout(absl::Milliseconds(100)), &v1::ToyService::Stub::Watch,
      v1::WatchRequest(), [](v1::WatchResponse&) { return absl::OkStatus(); });
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_TRUE(mesh.logic->AwaitSubscribers(0));
}

TEST(Subscriptions, EndWithASentenceWhenTheServiceStops) {
  ToyMesh mesh;
  absl::Status status;
  std::thread subscriber([&] {
    status = mesh.Toy().Stream<v1::WatchRequest, v1::WatchResponse>(
        ContextOf(), &v1::ToyService::Stub::Watch, v1::WatchRequest(),
        [](v1::WatchResponse&) { return absl::OkStatus(); });
  });
  ASSERT_TRUE(mesh.logic->AwaitSubscribers(1));
  mesh.Stop(absl::Seconds(5));
  subscriber.join();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(base::DetailOf(status).reason, "SHUTTING_DOWN");
}

TEST(EventQueues, CutAConsumerThatFallsTooFarBehind) {
  rpc::EventQueue<v1::WatchResponse> queue(2);
  EXPECT_TRUE(queue.Push({}));
  EXPECT_TRUE(queue.Push({}));
  EXPECT_FALSE(queue.Push({}));
  EXPECT_EQ(queue.Poll().state, rpc::Polled<v1::WatchResponse>::State::kMessage);
  EXPECT_EQ(queue.Poll().state, rpc::Polled<v1::WatchResponse>::State::kMessage);
  const auto end = queue.Poll();
  EXPECT_EQ(end.state, rpc::Polled<v1::WatchResponse>::State::kEnd);
  EXPECT_EQ(base::DetailOf(end.status).reason, "SLOW_CONSUMER");
}

}  // namespace
}  // namespace opsmesh::toy
