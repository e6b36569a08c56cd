#include "libs/prometheus/series_reader.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>

#include "fmt/format.h"
#include "libs/base/error.h"
#include "libs/prometheus/query.h"
#include "libs/prometheus/selector_chunks.h"

namespace opsmesh::prometheus {
namespace {

// query_range answers no more points a series than this.
constexpr double kMaxPoints = 11000;
// Samples asked for at once; Prometheus itself refuses 50,000,000.
constexpr double kChunkSamples = 4e6;
// Steps after which missing samples are a gap that no rate is taken across.
constexpr double kGapSteps = 5;
// A refused range query is asked again this much coarser, this often.
constexpr double kCoarser = 4;
constexpr int kTries = 3;
constexpr size_t kMaxNotes = 10;
// Share of the time that counting samples may take.
constexpr double kCountingShare = 0.25;
// Seconds between samples where they could not be counted.
constexpr double kUsualScrape = 15;

double MedianStep(const std::vector<double>& times) {
  if (times.size() < 2) return 0;
  std::vector<double> steps;
  for (size_t i = 1; i < std::min<size_t>(times.size(), 2000); ++i)
    steps.push_back(times[i] - times[i - 1]);
  std::nth_element(steps.begin(), steps.begin() + static_cast<std::ptrdiff_t>(steps.size() / 2),
                   steps.end());
  return steps[steps.size() / 2];
}

void ToRate(RangeSeries& series) {
  const double gap = kGapSteps * MedianStep(series.times);
  size_t kept = 0;
  double last_time = 0, last_value = 0;
  bool any = false;
  for (size_t i = 0; i < series.times.size(); ++i) {
    const double time = series.times[i], value = series.values[i];
    if (!std::isfinite(value)) continue;
    const double passed = time - last_time;
    if (any && passed > 0 && passed <= gap) {
      const double grown = value >= last_value ? value - last_value : value;
      series.times[kept] = time;
      series.values[kept++] = grown / passed;
    }
    last_time = time;
    last_value = value;
    any = true;
  }
  series.times.resize(kept);
  series.values.resize(kept);
}

class Reader {
 public:
  Reader(const Client& client, const SeriesQuery& query, const SeriesWindow& window,
         const SeriesSink& sink)
      : client_(client), query_(query), window_(window), sink_(sink) {}

  absl::StatusOr<SeriesRead> Run(const base::Context& ctx) {
    const bool raw = !query_.selector.empty() && window_.step_seconds <= 0;
    absl::Status status = raw ? ReadRaw(ctx) : absl::UnavailableError("");
    if (!status.ok() && read_.found == 0 && !stopped_ && ctx.Check().ok()) status = ReadRange(ctx);
    if (!status.ok() && read_.found == 0) return status;
    read_.total = std::max(read_.total, read_.found);
    read_.ended_early = std::move(status);
    return std::move(read_);
  }

 private:
  double Seconds() const { return absl::ToDoubleSeconds(window_.end - window_.start); }

  absl::Status Take(RangeSeries series) {
    if (read_.found == window_.max_series) {
      stopped_ = true;
      return base::ResourceExhausted(
                 "TOO_MANY_SERIES",
                 fmt::format("at most {} series of one query are taken", window_.max_series))
          .Hint("Name labels in the query, or aggregate: sum by (...).");
    }
    if (rate_) ToRate(series);
    const absl::Status taken = sink_(std::move(series));
    if (!taken.ok()) {
      stopped_ = true;
      return taken;
    }
    ++read_.found;
    return absl::OkStatus();
  }

  // Samples outside the window, which ranges in whole seconds bring along, are cut off.
  absl::Status TakeRaw(RangeSeries series) {
    const double start = absl::ToDoubleSeconds(window_.start - absl::UnixEpoch());
    const auto first = std::lower_bound(series.times.begin(), series.times.end(), start);
    const auto before = first - series.times.begin();
    series.values.erase(series.values.begin(), series.values.begin() + before);
    series.times.erase(series.times.begin(), first);
    return Take(std::move(series));
  }

  // UNAVAILABLE without a series when the server cannot do it or there are too many samples.
  absl::Status ReadRaw(const base::Context& ctx) {
    const auto seconds = std::max<int64_t>(1, static_cast<int64_t>(std::ceil(Seconds())));
    OPSMESH_ASSIGN_OR_RETURN(const QueryResult counts, Counts(ctx, seconds));
    double most = 0;
    for (const RangeSeries& series : counts.series) {
      if (series.values.size() != 1 || !(series.values[0] >= 1))
        return absl::UnavailableError("no counts");
      most = std::max(most, series.values[0]);
    }
    if (most < (query_.counter ? 3 : 2) || most > static_cast<double>(window_.max_raw_samples))
      return absl::UnavailableError("no raw samples");
    read_.total = counts.series.size();
    rate_ = query_.counter;
    for (const std::string& chunk : SelectorChunks(query_.selector, counts.series, kChunkSamples)) {
      // A range [Ns] is open at its begin: one more second takes the first sample in.
      const auto result =
          client_.StreamInstant(ctx, fmt::format("{}[{}s]", chunk, seconds + 1), window_.end,
                                [&](RangeSeries s) { return TakeRaw(std::move(s)); });
      OPSMESH_RETURN_IF_ERROR(result.status());
      Note(*result);
    }
    return absl::OkStatus();
  }

  // How many samples each series has. Counting reads them all: where that takes the server too
  // long, as many are assumed as are scraped by default, so that there is time to read some.
  absl::StatusOr<QueryResult> Counts(const base::Context& ctx, int64_t seconds) {
    const bool endless = ctx.Remaining() == absl::InfiniteDuration();
    const base::Context counting =
        endless ? ctx : ctx.WithTimeout(ctx.Remaining() * kCountingShare);
    auto counts = client_.Query(
        counting, fmt::format("count_over_time({}[{}s])", query_.selector, seconds), window_.end);
    if (counts.ok() || endless || counting.Check().ok() || !ctx.Check().ok()) return counts;
    counts = client_.Query(ctx, query_.selector, window_.end);
    if (!counts.ok()) return counts;
    const double assumed =
        std::clamp(Seconds() / kUsualScrape, 3.0, static_cast<double>(window_.max_raw_samples));
    for (RangeSeries& series : counts->series) series.values.assign(1, assumed);
    return counts;
  }

  absl::Status ReadRange(const base::Context& ctx) {
    rate_ = false;
    double step = window_.step_seconds > 0         ? window_.step_seconds
                  : window_.range_step_seconds > 0 ? window_.range_step_seconds
                                                   : StepFor(Seconds());
    const double least = std::ceil(Seconds() / (kMaxPoints - 1));
    if (step < least) {
      Note(fmt::format("a step of {} s would need more than 11,000 points a series; {} s were used",
                       step, least));
      step = least;
    }
    absl::Status status;
    for (int tried = 0; tried < kTries; ++tried) {
      status = ReadRangeBy(ctx, step);
      if (status.ok() || read_.found > 0 || stopped_) return status;
      // "too many samples", "query timed out": fewer may do.
      const std::string& reason = base::DetailOf(status).reason;
      const bool coarser_helps = reason == "PROMETHEUS_EXECUTION" || reason == "PROMETHEUS_TIMEOUT";
      if (!coarser_helps || step * kCoarser > Seconds() / 30 || !ctx.Check().ok()) return status;
      step *= kCoarser;
      Note(fmt::format("Prometheus refused a finer step; {} s were used", step));
    }
    return status;
  }

  absl::Status ReadRangeBy(const base::Context& ctx, double step) {
    read_.step_seconds = step;
    std::string promql = query_.selector.empty() ? query_.text : query_.selector;
    if (query_.counter) {
      promql = fmt::format("rate({}[{}s])", promql,
                           static_cast<int64_t>(std::max(60.0, std::ceil(4 * step))));
    }
    OPSMESH_ASSIGN_OR_RETURN(
        const QueryResult result,
        client_.StreamRange(ctx, promql, window_.start, window_.end, step,
                            [&](RangeSeries s) { return Take(std::move(s)); }));
    Note(result);
    return absl::OkStatus();
  }

  void Note(std::string sentence) {
    if (read_.notes.size() < kMaxNotes &&
        std::find(read_.notes.begin(), read_.notes.end(), sentence) == read_.notes.end())
      read_.notes.push_back(std::move(sentence));
  }
  void Note(const QueryResult& result) {
    for (const std::string& warning : result.warnings)
      Note("Prometheus warns: " + warning.substr(0, 300));
    for (const std::string& info : result.infos) Note("Prometheus notes: " + info.substr(0, 300));
    for (const std::string& skipped : result.skipped) Note(skipped);
  }

  const Client& client_;
  const SeriesQuery& query_;
  const SeriesWindow& window_;
  const SeriesSink& sink_;
  SeriesRead read_;
  bool rate_ = false;
  bool stopped_ = false;  // by us, not by the server
};

}  // namespace

absl::StatusOr<SeriesRead> ReadSeries(const base::Context& ctx, const Client& client,
                                      const SeriesQuery& query, const SeriesWindow& window,
                                      const SeriesSink& sink) {
  return Reader(client, query, window, sink).Run(ctx);
}

}  // namespace opsmesh::prometheus
