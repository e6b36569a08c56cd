#include <fmt/format.h>

#include <algorithm>

#include "libs/base/strings.h"
#include "libs/kubesim/demo/builder.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

constexpr absl::Duration kFirstBackOff = absl::Seconds(10);
constexpr absl::Duration kMaxBackOff = absl::Minutes(5);
constexpr int kMaxRepeats = 1500;  // lines kept of a long run

std::string Expand(const std::string& line, absl::Time time, const std::string& image) {
  if (line.find('{') == std::string::npos) return line;
  std::string text = base::ReplaceAll(line, "{rfc3339}", base::Rfc3339(time));
  text = base::ReplaceAll(text, "{tag}", image.substr(image.rfind(':') + 1));
  text = base::ReplaceAll(text, "{time}",
                          absl::FormatTime("%Y/%m/%d %H:%M:%S", time, absl::UTCTimeZone()));
  return base::ReplaceAll(text, "{clf}",
                          absl::FormatTime("%d/%b/%Y:%H:%M:%S +0000", time, absl::UTCTimeZone()));
}

}  // namespace

// As a kubelet does it: the first restart at once, then after 10 s, 20 s ... 5 min; a run of ten
// minutes clears the back-off.
DemoBuilder::Lives DemoBuilder::LivesOf(const ImageBehaviour& behaviour, absl::Time started,
                                        bool restart) const {
  Lives lives;
  lives.last.started = started;
  if (!behaviour.exit) return lives;
  absl::Duration back_off = absl::ZeroDuration();
  while (true) {
    lives.last.finished = lives.last.started + behaviour.exit->after;
    if (lives.last.finished > now_) return lives;
    lives.last.over = true;
    if (!restart) return lives;
    if (behaviour.exit->after >= absl::Minutes(10)) back_off = absl::ZeroDuration();
    const absl::Time next = lives.last.finished + back_off + absl::Seconds(1);
    if (next > now_) {
      lives.back_off = std::max(back_off, kFirstBackOff);
      return lives;
    }
    back_off = std::clamp(back_off * 2, kFirstBackOff, kMaxBackOff);
    lives.before = lives.last;
    lives.last = Run{next, absl::InfiniteFuture(), false};
    ++lives.restarts;
  }
}

void DemoBuilder::WriteLogs(const std::string& uid, const std::string& container,
                            const std::string& image, const ImageBehaviour& behaviour,
                            const Run& run) {
  target_.logs.StartRun(uid, container);
  auto write = [&](absl::Time time, const std::string& line) {
    target_.logs.Append(uid, container, {time, Expand(line, time, image)});
  };
  absl::Time time = run.started + absl::Milliseconds(180);
  for (const std::string& line : behaviour.starts) {
    write(time, line);
    time += absl::Milliseconds(35);
  }
  const absl::Time end = run.over ? run.finished : now_;
  if (!behaviour.repeats.empty()) {
    const int64_t total = std::max<int64_t>(0, (end - time) / behaviour.repeat_every);
    for (int64_t i = std::max<int64_t>(0, total - kMaxRepeats); i < total; ++i) {
      write(time + behaviour.repeat_every * (i + 1),
            behaviour.repeats[static_cast<size_t>(i) % behaviour.repeats.size()]);
    }
  }
  if (run.over) {
    absl::Time last =
        run.finished - absl::Milliseconds(40) * static_cast<int64_t>(behaviour.ends.size());
    for (const std::string& line : behaviour.ends) {
      write(last, line);
      last += absl::Milliseconds(40);
    }
  }
}

}  // namespace opsmesh::kubesim
