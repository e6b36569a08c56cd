#include "libs/prometheus/probe.h"

#include <utility>

#include "fmt/core.h"
#include "google/protobuf/util/time_util.h"
#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "libs/config/reader.h"

namespace opsmesh::prometheus {

using type::v1::ComponentStatus;

absl::StatusOr<Settings> LoadSettings(const config::Source& source) {
  Settings settings;
  config::Reader reader(source, "prometheus");
  config::StringOptions names;
  names.env = {"PROMETHEUS_HOST"};
  const absl::StatusOr<std::string> url = BaseUrl(reader.String("url", "", names));
  if (url.ok()) {
    settings.base_url = *url;
  } else {
    reader.Problem("url", base::ToStd(url.status().message()));
  }
  settings.simulated = reader.Bool("simulated", false);
  config::DurationOptions bounds;
  bounds.min = absl::Milliseconds(10);
  bounds.max = absl::Seconds(2);
  settings.status_timeout = reader.Duration("status_timeout", settings.status_timeout, bounds);
  OPSMESH_RETURN_IF_ERROR(reader.Finish());
  return settings;
}

absl::StatusOr<std::string> BaseUrl(std::string_view address) {
  std::string url(base::Trim(address));
  if (url.empty()) return url;
  const auto wrong = [&](std::string_view why) {
    return base::InvalidArgument(
               "prometheus.url", "PROMETHEUS_ADDRESS",
               fmt::format("'{}' is no address of a Prometheus server: {}.", url, why))
        .Hint("Write host:port or an http(s) URL, for instance 127.0.0.1:9090.");
  };
  if (url.find("://") == std::string::npos) url.insert(0, "http://");
  if (url.rfind("http://", 0) != 0 && url.rfind("https://", 0) != 0)
    return wrong("only http and https are spoken");
  while (url.back() == '/') url.pop_back();
  const size_t host = url.find("://");
  if (host == std::string::npos || url[host + 3] == '/' || url[host + 3] == ':')
    return wrong("the host is missing");
  const std::string_view rest = std::string_view(url).substr(host + 3);
  if (rest.find_first_of("?#") != std::string_view::npos) return wrong("it has a query");
  if (rest.find('@') != std::string_view::npos)
    return wrong("credentials do not belong into an address");
  if (rest.find_first_of(" \t\r\n") != std::string_view::npos) return wrong("it has white space");
  return url;
}

absl::Status CheckReady(const base::Context& ctx, http_client::Client& client,
                        const Settings& settings) {
  http_client::Request request;
  request.url = settings.base_url + "/-/ready";
  request.max_response_bytes = 64 << 10;
  const absl::StatusOr<http_client::Response> answer =
      client.Fetch(ctx.WithTimeout(settings.status_timeout), std::move(request));
  const auto unready = [&](std::string_view why) {
    return base::Unavailable("PROMETHEUS", fmt::format("Prometheus at {} is not ready: {}",
                                                       settings.base_url, why))
        .Hint("Check that it runs and that PROMETHEUS_HOST (prometheus.url) is its address.");
  };
  if (!answer.ok()) return unready(base::ToStd(answer.status().message()));
  if (answer->status != 200) return unready(fmt::format("it answers {}.", answer->status));
  return absl::OkStatus();
}

ComponentStatus Component(const base::Context& ctx, http_client::Client& client,
                          const Settings& settings) {
  ComponentStatus component;
  component.set_name("prometheus");
  if (settings.base_url.empty()) {
    component.set_state(ComponentStatus::STATE_DISABLED);
    component.set_message(
        "No Prometheus is configured. Set PROMETHEUS_HOST (prometheus.url) to host:port.");
    return component;
  }
  const absl::Duration start = ctx.clock().Steady();
  const absl::Status ready = CheckReady(ctx, client, settings);
  component.set_latency_ms(absl::ToDoubleMilliseconds(ctx.clock().Steady() - start));
  *component.mutable_checked_time() = google::protobuf::util::TimeUtil::MillisecondsToTimestamp(
      absl::ToUnixMillis(ctx.clock().Now()));
  component.set_state(ready.ok() ? ComponentStatus::STATE_OK : ComponentStatus::STATE_DOWN);
  const std::string demo = settings.simulated ? "Demo metrics of the simulated cluster: " : "";
  component.set_message(ready.ok()
                            ? demo + settings.base_url + " is ready."
                            : std::string(ready.message()) + " " + base::DetailOf(ready).hint);
  return component;
}

}  // namespace opsmesh::prometheus
