// The demo's Prometheus over the demo cluster at a moment that stands still, so that its answers
// can be compared with those of a real one. Prints its URL and the moment; ends with stdin.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "libs/base/clock.h"
#include "libs/base/ids.h"
#include "libs/kubesim/content/content.h"
#include "libs/kubesim/prometheus/server.h"
#include "libs/kubesim/store/logs.h"
#include "libs/kubesim/store/store.h"

namespace {

class StoppedClock : public opsmesh::base::Clock {
 public:
  explicit StoppedClock(absl::Time at) : at_(at) {}
  absl::Time Now() const override { return at_; }
  absl::Duration Steady() const override { return opsmesh::base::SystemClock().Steady(); }

 private:
  const absl::Time at_;
};

}  // namespace

int main(int argc, char** argv) {
  using namespace opsmesh;
  const StoppedClock clock(argc > 1 ? absl::FromUnixSeconds(std::atoll(argv[1]))
                                    : base::SystemClock().Now());
  base::SeededIds ids(1);
  kubesim::Store store({.clock = &clock, .ids = &ids});
  kubesim::LogStore logs;
  kubesim::ContentTarget target{store, logs, clock};
  absl::Status status = kubesim::LoadSystem(target);
  if (status.ok()) status = kubesim::LoadDemo(target);
  const auto server = kubesim::prometheus::Server::Start(store, {.stale_markers = argc < 3});
  if (!status.ok() || !server.ok()) return 1;
  std::printf("%s %lld\n", (*server)->url().c_str(),
              static_cast<long long>(absl::ToUnixSeconds(clock.Now())));
  std::fflush(stdout);
  std::getchar();
  return 0;
}
