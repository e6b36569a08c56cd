#include "libs/telemetry/trace.h"

#include <algorithm>

#include "fmt/format.h"
#include "libs/base/error.h"
#include "libs/base/strings.h"

namespace opsmesh::telemetry {
namespace {

bool IsLowerHex(std::string_view s) {
  return std::all_of(s.begin(), s.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}
bool AllZero(std::string_view s) { return s.find_first_not_of('0') == std::string_view::npos; }

std::string Hex64(base::IdSource& ids) {
  uint64_t bits = 0;
  while (bits == 0) bits = ids.Random();  // all zero means "no id"
  return fmt::format("{:016x}", bits);
}

}  // namespace

std::optional<base::TraceContext> ParseTraceparent(std::string_view header) {
  header = base::Trim(header);
  // version "-" trace-id "-" parent-id "-" flags; later versions may append "-...".
  if (header.size() < 55 || header[2] != '-' || header[35] != '-' || header[52] != '-')
    return std::nullopt;
  const std::string_view version = header.substr(0, 2);
  const std::string_view trace_id = header.substr(3, 32);
  const std::string_view span_id = header.substr(36, 16);
  const std::string_view flags = header.substr(53, 2);
  if (!IsLowerHex(version) || !IsLowerHex(trace_id) || !IsLowerHex(span_id) || !IsLowerHex(flags))
    return std::nullopt;
  if (version == "ff" || AllZero(trace_id) || AllZero(span_id)) return std::nullopt;
  if (version == "00" && header.size() != 55) return std::nullopt;
  if (header.size() > 55 && header[55] != '-') return std::nullopt;
  const int last_digit = flags[1] >= 'a' ? flags[1] - 'a' + 10 : flags[1] - '0';
  return base::TraceContext{std::string(trace_id), std::string(span_id), (last_digit & 1) != 0};
}

std::string FormatTraceparent(const base::TraceContext& trace) {
  if (trace.trace_id.empty() || trace.span_id.empty()) return "";
  return fmt::format("00-{}-{}-{}", trace.trace_id, trace.span_id, trace.sampled ? "01" : "00");
}

base::TraceContext NewTrace(base::IdSource& ids) {
  return {.trace_id = Hex64(ids) + Hex64(ids), .span_id = Hex64(ids), .sampled = true};
}

base::TraceContext ChildOf(const base::TraceContext& parent, base::IdSource& ids) {
  if (parent.trace_id.empty()) return NewTrace(ids);
  return {.trace_id = parent.trace_id, .span_id = Hex64(ids), .sampled = parent.sampled};
}

void InMemorySpanExporter::Export(SpanData span) {
  const std::lock_guard lock(mutex_);
  if (spans_.size() >= limit_) spans_.erase(spans_.begin());
  spans_.push_back(std::move(span));
}

std::vector<SpanData> InMemorySpanExporter::spans() const {
  const std::lock_guard lock(mutex_);
  return spans_;
}

Span::Span(const Tracer* tracer, base::Context context, SpanData data, absl::Duration start)
    : tracer_(tracer), context_(std::move(context)), data_(std::move(data)), steady_start_(start) {}

Span::Span(Span&& other) noexcept
    : tracer_(std::exchange(other.tracer_, nullptr)),
      context_(std::move(other.context_)),
      data_(std::move(other.data_)),
      steady_start_(other.steady_start_) {}

void Span::SetAttribute(std::string_view key, std::string_view value) {
  data_.attributes.emplace_back(key, value);
}

void Span::SetStatus(const absl::Status& status) {
  data_.error = status.ok() ? "" : std::string(base::CodeName(status.code()));
}

void Span::End() {
  const Tracer* tracer = std::exchange(tracer_, nullptr);
  if (tracer == nullptr || tracer->exporter_ == nullptr || !context_.trace().sampled) return;
  data_.duration = context_.clock().Steady() - steady_start_;
  tracer->exporter_->Export(std::move(data_));
}

Span Tracer::Start(const base::Context& context, std::string_view name) const {
  base::TraceContext trace = ChildOf(context.trace(), ids_);
  SpanData data;
  if (exporter_ != nullptr) {
    data.name = name;
    data.service = service_;
    data.trace_id = trace.trace_id;
    data.span_id = trace.span_id;
    data.parent_span_id = context.trace().span_id;
    data.start = context.clock().Now();
  }
  return Span(this, context.WithTrace(std::move(trace)), std::move(data), context.clock().Steady());
}

}  // namespace opsmesh::telemetry
