#include "libs/telemetry/trace.h"

#include "gtest/gtest.h"
#include "libs/testing/fake_clock.h"

namespace opsmesh::telemetry {
namespace {

constexpr char kValid[] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

TEST(Traceparent, IsReadAndWritten) {
  const auto trace = ParseTraceparent(kValid);
  ASSERT_TRUE(trace);
  EXPECT_EQ(trace->trace_id, "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_EQ(trace->span_id, "00f067aa0ba902b7");
  EXPECT_TRUE(trace->sampled);
  EXPECT_EQ(FormatTraceparent(*trace), kValid);
}

TEST(Traceparent, OfALaterVersionMayBeLonger) {
  EXPECT_TRUE(ParseTraceparent("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more"));
  EXPECT_FALSE(ParseTraceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more"));
}

TEST(Traceparent, ThatIsInvalidStartsANewTrace) {
  for (const char* bad : {"", "00", "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
                          "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
                          "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
                          "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
                          "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}) {
    EXPECT_FALSE(ParseTraceparent(bad)) << bad;
  }
}

TEST(Spans, HangTogetherAndMeasureTime) {
  testing::FakeClock clock;
  base::SeededIds ids(1);
  auto exporter = std::make_shared<InMemorySpanExporter>();
  const Tracer tracer("k8s", ids, exporter);
  {
    Span outer = tracer.Start(base::Context::Background(clock), "outer");
    Span inner = tracer.Start(outer.context(), "inner");
    inner.SetAttribute("tool", "list_pods");
    clock.Advance(absl::Milliseconds(5));
    inner.SetStatus(absl::NotFoundError("no"));
  }
  const auto spans = exporter->spans();
  ASSERT_EQ(spans.size(), 2u);
  EXPECT_EQ(spans[0].name, "inner");
  EXPECT_EQ(spans[0].parent_span_id, spans[1].span_id);
  EXPECT_EQ(spans[0].trace_id, spans[1].trace_id);
  EXPECT_EQ(spans[0].duration, absl::Milliseconds(5));
  EXPECT_EQ(spans[0].error, "NOT_FOUND");
  EXPECT_EQ(spans[1].parent_span_id, "");
  EXPECT_EQ(spans[1].error, "");
}

TEST(Spans, ThatAreNotSampledAreNotExported) {
  base::SeededIds ids(1);
  auto exporter = std::make_shared<InMemorySpanExporter>();
  const Tracer tracer("k8s", ids, exporter);
  {
    Span span = tracer.Start(base::Context::Background().WithTrace(
                                 {"4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", false}),
                             "x");
  }
  EXPECT_TRUE(exporter->spans().empty());
}

TEST(Spans, AreKeptUpToALimit) {
  InMemorySpanExporter exporter(2);
  for (const char* name : {"a", "b", "c"}) {
    SpanData span;
    span.name = name;
    exporter.Export(std::move(span));
  }
  ASSERT_EQ(exporter.spans().size(), 2u);
  EXPECT_EQ(exporter.spans()[0].name, "b");
}

}  // namespace
}  // namespace opsmesh::telemetry
