#include "libs/http_server/server_core.h"

#include "gtest/gtest.h"

namespace opsmesh::http_server {
namespace {

TEST(ServerCore, OneAddressMayHoldOnlySoManyConnectionsAndGetsThemBack) {
  Options options;
  options.max_connections_per_address = 2;
  options.trusted_proxies = {"10.0.0.9"};
  ServerCore core(options, nullptr, nullptr);
  EXPECT_EQ(core.Admit("10.0.0.1", false), "");
  EXPECT_EQ(core.Admit("10.0.0.1", false), "");
  EXPECT_EQ(core.Admit("10.0.0.1", false), "TOO_MANY_CONNECTIONS_FROM_ADDRESS");
  EXPECT_EQ(core.Admit("10.0.0.2", false), "");
  for (int i = 0; i < 5; ++i) EXPECT_EQ(core.Admit("10.0.0.9", false), "");
  for (int i = 0; i < 5; ++i) EXPECT_EQ(core.Admit("127.0.0.1", true), "");
  EXPECT_EQ(core.counters().connections_open, 13u);
  core.Release("10.0.0.1", false);
  EXPECT_EQ(core.Admit("10.0.0.1", false), "");
}

}  // namespace
}  // namespace opsmesh::http_server
