// Tracing: W3C trace context on the wire, spans in the process, an exporter behind an interface.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "libs/base/context.h"
#include "libs/base/ids.h"

namespace opsmesh::telemetry {

/// Parses a `traceparent` header; nullopt for anything the W3C recommendation calls invalid (then
/// start a new trace).
std::optional<base::TraceContext> ParseTraceparent(std::string_view header);
/// "00-<trace id>-<span id>-01", or "" when there is no trace.
std::string FormatTraceparent(const base::TraceContext& trace);
/// A new trace with one span id.
base::TraceContext NewTrace(base::IdSource& ids);
/// The same trace with a new span id; a new trace when `parent` has none.
base::TraceContext ChildOf(const base::TraceContext& parent, base::IdSource& ids);

/// A finished span.
struct SpanData {
  std::string
      name;  // "opsmesh.k8s.v1.K8sService/CallTool", "chat gpt-4o", "execute_tool list_pods"
  std::string service;
  std::string trace_id;
  std::string span_id;
  std::string parent_span_id;  // "" = root
  absl::Time start;
  absl::Duration duration;
  std::string error;  // "" = OK, else the code's name
  std::vector<std::pair<std::string, std::string>> attributes;
};

/// Takes finished spans. Thread-safe; must not block.
class SpanExporter {
 public:
  virtual ~SpanExporter() = default;
  virtual void Export(SpanData span) = 0;
};

/// Keeps the last `limit` spans: for tests and the status page.
class InMemorySpanExporter final : public SpanExporter {
 public:
  explicit InMemorySpanExporter(size_t limit = 1000) : limit_(limit) {}
  void Export(SpanData span) override;
  std::vector<SpanData> spans() const;

 private:
  const size_t limit_;
  mutable std::mutex mutex_;
  std::vector<SpanData> spans_;
};

class Tracer;

/// A running piece of work; ends when destroyed. Movable; used by one thread at a time.
class Span {
 public:
  Span(Span&& other) noexcept;
  Span& operator=(Span&&) = delete;
  ~Span() { End(); }

  /// The context for the work inside: its trace names this span as the parent.
  const base::Context& context() const { return context_; }
  void SetAttribute(std::string_view key, std::string_view value);
  void SetStatus(const absl::Status& status);
  void End();

 private:
  friend class Tracer;
  Span(const Tracer* tracer, base::Context context, SpanData data, absl::Duration start);

  const Tracer* tracer_;
  base::Context context_;
  SpanData data_;
  absl::Duration steady_start_;
};

/// Starts spans. Thread-safe. Exporter (may be null: spans then only pass the trace on) and ids
/// must outlive it.
class Tracer {
 public:
  Tracer(std::string service, base::IdSource& ids, std::shared_ptr<SpanExporter> exporter)
      : service_(std::move(service)), ids_(ids), exporter_(std::move(exporter)) {}
  Span Start(const base::Context& context, std::string_view name) const;

 private:
  friend class Span;
  const std::string service_;
  base::IdSource& ids_;
  const std::shared_ptr<SpanExporter> exporter_;
};

}  // namespace opsmesh::telemetry
