#include "libs/testing/tcp_fault_proxy.h"

#include <memory>
#include <string>
#include <utility>

#include "gtest/gtest.h"
#include "libs/base/clock.h"
#include "libs/http_server/http_server.h"
#include "libs/http_server/raw_client.h"

namespace opsmesh::testing {
namespace {

using http_server::RawClient;

const std::string kRequest = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello";

/// A server that answers with the body it got, behind a proxy.
struct FaultProxyWorld {
  FaultProxyWorld() {
    server = std::move(http_server::Server::Start({}, [](std::shared_ptr<http_server::Exchange>
                                                             exchange) {
               exchange->Respond({.status = 200, .headers = {}, .body = exchange->request().body});
             })).value();
    proxy = std::move(TcpFaultProxy::Start(server->port())).value();
  }
  std::unique_ptr<http_server::Server> server;
  std::unique_ptr<TcpFaultProxy> proxy;
};

TEST(TcpFaultProxy, WithoutFaultsItIsInvisible) {
  const FaultProxyWorld world;
  RawClient client(world.proxy->port());
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(client.Send(kRequest));
    EXPECT_EQ(client.ReadAnswer()->body, "hello");
  }
  EXPECT_EQ(world.proxy->open_connections(), 1u);
  client.ShutdownWrite();
  EXPECT_TRUE(client.ReadToEnd());  // the end is handed on, and comes back
}

TEST(TcpFaultProxy, ADelayHoldsBothDirections) {
  const FaultProxyWorld world;
  world.proxy->SetFaults({.delay = absl::Milliseconds(30)});
  RawClient client(world.proxy->port());
  const absl::Duration before = base::SystemClock().Steady();
  ASSERT_TRUE(client.Send(kRequest));
  EXPECT_EQ(client.ReadAnswer()->body, "hello");
  EXPECT_GE(base::SystemClock().Steady() - before, absl::Milliseconds(60));
}

TEST(TcpFaultProxy, SlicesArriveWhole) {
  const FaultProxyWorld world;
  world.proxy->SetFaults({.slice_bytes = 1});
  RawClient client(world.proxy->port());
  ASSERT_TRUE(client.Send(kRequest));
  EXPECT_EQ(client.ReadAnswer()->body, "hello");
}

TEST(TcpFaultProxy, ACutLetsNoMoreThanSoManyBytesThrough) {
  const FaultProxyWorld world;
  world.proxy->SetFaults({.cut_after_bytes = 20});
  RawClient client(world.proxy->port());
  ASSERT_TRUE(client.Send(kRequest));
  std::string rest;
  EXPECT_TRUE(client.ReadToEnd(&rest));
  EXPECT_LE(rest.size(), 20u);  // a reset may overtake bytes that were on their way
}

TEST(TcpFaultProxy, ABlackHoleSwallowsAndSaysNothing) {
  const FaultProxyWorld world;
  world.proxy->SetFaults({.blackhole = true});
  RawClient client(world.proxy->port());
  ASSERT_TRUE(client.Send(kRequest));
  client.ShutdownWrite();
  while (world.proxy->open_connections() == 0) std::this_thread::yield();
  EXPECT_EQ(world.server->counters().requests_total, 0u);
  world.proxy->CutAll();
  EXPECT_TRUE(client.ReadToEnd());
  EXPECT_EQ(world.proxy->open_connections(), 0u);
}

TEST(TcpFaultProxy, ATargetThatIsDownIsAClosedConnection) {
  FaultProxyWorld world;
  world.server->Stop(absl::ZeroDuration());
  RawClient client(world.proxy->port());
  EXPECT_TRUE(client.ReadToEnd());
}

}  // namespace
}  // namespace opsmesh::testing
