#include "libs/telemetry/metrics.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "fmt/format.h"
#include "gtest/gtest.h"

namespace opsmesh::telemetry {
namespace {

TEST(Registry, WritesFamiliesInOrderOfTheirNames) {
  Registry registry;
  registry.AddGauge({.name = "opsmesh_b", .help = "B."}).Get().Set(2);
  registry.AddCounter({.name = "opsmesh_a_total", .help = "A.", .labels = {"code"}})
      .With({"OK"})
      .Increment(3);
  EXPECT_EQ(
      registry.Text(),
      "# HELP opsmesh_a_total A.\n# TYPE opsmesh_a_total counter\nopsmesh_a_total{code=\"OK\"} 3\n"
      "# HELP opsmesh_b B.\n# TYPE opsmesh_b gauge\nopsmesh_b 2\n");
}

TEST(Registry, GivesTheSameFamilyForTheSameName) {
  Registry registry;
  registry.AddCounter({.name = "opsmesh_a_total", .help = "A."}).Get().Increment();
  registry.AddCounter({.name = "opsmesh_a_total", .help = "A."}).Get().Increment();
  EXPECT_EQ(registry.AddCounter({.name = "opsmesh_a_total", .help = "A."}).Get().Value(), 2);
}

TEST(Registry, BoundsTheSeriesOfAFamilyWhateverTheLabels) {
  Registry registry;
  auto& family = registry.AddCounter(
      {.name = "opsmesh_a_total", .help = "A.", .labels = {"tool"}, .max_series = 5});
  for (int i = 0; i < 1000; ++i) family.With({fmt::format("tool-{}", i)}).Increment();
  EXPECT_EQ(registry.SeriesCount(), 5u);
  EXPECT_EQ(family.With({"other"}).Value(), 996);
}

TEST(Registry, SurvivesAWrongNumberOfLabels) {
  Registry registry;
  auto& family = registry.AddCounter({.name = "opsmesh_a_total", .help = "A.", .labels = {"tool"}});
  family.With({}).Increment();
  family.With({"a", "b"}).Increment();
  EXPECT_EQ(family.With({"other"}).Value(), 2);
}

TEST(Registry, CountsFromManyThreads) {
  Registry registry;
  auto& family = registry.AddCounter({.name = "opsmesh_a_total", .help = "A.", .labels = {"tool"}});
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) family.With({i % 2 == 0 ? "even" : "odd"}).Increment();
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(family.With({"even"}).Value(), 2000);
  EXPECT_EQ(family.With({"odd"}).Value(), 2000);
}

TEST(Registry, EscapesLabelValues) {
  Registry registry;
  registry.AddCounter({.name = "opsmesh_a_total", .help = "A.", .labels = {"x"}})
      .With({"a\"b\\c\nd"})
      .Increment();
  EXPECT_NE(registry.Text().find(R"(x="a\"b\\c\nd")"), std::string::npos) << registry.Text();
}

TEST(Registry, PassesPromtool) {
  if (std::system("command -v promtool > /dev/null 2>&1") != 0) {
    std::puts(
        "NOTE: promtool (Debian package prometheus) is not installed; the text format was not "
        "judged by it");
    GTEST_SKIP();
  }
  Registry registry;
  registry.AddCounter({.name = "opsmesh_a_total", .help = "A.", .labels = {"code"}})
      .With({"O\"K"})
      .Increment();
  registry.AddGauge({.name = "opsmesh_outbox_depth", .help = "B."}).Get().Set(-1.5);
  registry.AddHistogram({.name = "opsmesh_c_seconds", .help = "C.", .labels = {"m"}})
      .With({"x"})
      .Observe(0.2);
  std::string path = (std::filesystem::temp_directory_path() / "opsmesh-metrics-XXXXXX").string();
  close(mkstemp(path.data()));
  std::ofstream(path) << registry.Text();
  EXPECT_EQ(std::system(("promtool check metrics < " + path).c_str()), 0);
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace opsmesh::telemetry
