#include "gateway/config.h"

#include "fmt/format.h"
#include "gateway/transcode/scalar_text.h"
#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "libs/base/version.h"
#include "libs/config/reader.h"

namespace opsmesh::gateway {
namespace {

config::IntOptions Between(int64_t min, int64_t max) {
  config::IntOptions options;
  options.min = min;
  options.max = max;
  return options;
}

config::DoubleOptions AtLeast(double min) {
  config::DoubleOptions options;
  options.min = min;
  return options;
}

}  // namespace

absl::StatusOr<Listener> ParseListener(std::string_view text) {
  const size_t colon = text.rfind(':');
  const bool bare_ipv6 = text.find(':') != colon && !text.starts_with('[');
  const auto port =
      IntegerFromText<uint16_t>(colon == std::string_view::npos ? text : text.substr(colon + 1));
  if (!port || bare_ipv6) {
    return base::InvalidArgument("", "LISTEN",
                                 fmt::format("'{}' is no address to listen at.", text))
        .Hint("Write address:port, for instance 127.0.0.1:8080 or [::1]:8080.");
  }
  std::string_view address = colon == std::string_view::npos ? "127.0.0.1" : text.substr(0, colon);
  if (address.empty()) address = "0.0.0.0";
  if (address == "localhost") address = "127.0.0.1";
  if (address.starts_with('[') && address.ends_with(']'))
    address = address.substr(1, address.size() - 2);
  return Listener{std::string(address), *port};
}

absl::StatusOr<Options> LoadOptions(const config::Source& source) {
  config::Reader reader(source, "gateway");
  Options options;
  options.version = base::VersionLine();
  config::StringOptions port_names;
  port_names.env = {"PORT"};
  port_names.aliases = {"port"};
  const std::string port = reader.String("port", "8080", port_names);
  config::Names listen_names;
  listen_names.aliases = {"ui_listen_address"};
  const auto listen = reader.Strings("listen", {"127.0.0.1:" + port}, listen_names);
  options.listeners.clear();
  for (const std::string& text : listen) {
    const auto listener = ParseListener(text);
    if (listener.ok()) {
      options.listeners.push_back(*listener);
    } else {
      reader.Problem("listen", base::ToStd(listener.status().message()));
    }
  }
  options.threads = static_cast<int>(reader.Int("threads", options.threads, Between(1, 64)));
  options.allowed_origins = reader.Strings("allowed_origins", {});
  options.trusted_proxies = reader.Strings("trusted_proxies", {});
  options.max_in_flight = static_cast<size_t>(reader.Int("max_in_flight", 64, Between(1, 10000)));
  options.max_queued = static_cast<size_t>(reader.Int("max_queued", 512, Between(0, 100000)));
  options.requests_per_second =
      reader.Double("requests_per_second", options.requests_per_second, AtLeast(0));
  options.request_burst = reader.Double("request_burst", options.request_burst, AtLeast(1));
  config::DurationOptions ping_range;
  ping_range.min = absl::Seconds(1);
  ping_range.max = absl::Minutes(5);
  options.ping_interval = reader.Duration("ping_interval", options.ping_interval, ping_range);
  OPSMESH_RETURN_IF_ERROR(reader.Finish());
  return options;
}

}  // namespace opsmesh::gateway
