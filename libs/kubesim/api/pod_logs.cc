#include "libs/kubesim/api/pod_logs.h"

#include <fmt/format.h>

#include <utility>

#include "libs/base/strings.h"
#include "libs/kubesim/api/pod_containers.h"
#include "libs/kubesim/api/reads.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

struct Options {
  std::string container;
  bool follow = false;
  bool timestamps = false;
  size_t limit_bytes = 0;
  LogStore::Selection selection;
};

// The least value that an option may have; what is below is a cause.
void AtLeast(std::optional<int64_t> number, const char* name, int64_t least,
             std::vector<Cause>* causes) {
  if (!number || *number >= least) return;
  causes->push_back({"FieldValueInvalid",
                     fmt::format("Invalid value: {}: must be {}", *number,
                                 least == 0 ? "greater than or equal to 0" : "greater than 0"),
                     name});
}

Outcome<Options> OptionsOf(const Cluster& cluster, const Call& call) {
  Options options;
  options.container = call.query.Get("container");
  options.follow = call.query.Flag("follow");
  options.timestamps = call.query.Flag("timestamps");
  options.selection.previous = call.query.Flag("previous");
  std::optional<int64_t> tail, limit, seconds;
  for (auto [name, number] : {std::pair{"tailLines", &tail}, std::pair{"limitBytes", &limit},
                              std::pair{"sinceSeconds", &seconds}}) {
    auto read = NumberOf(call.query, name);
    if (!read.ok()) return read.status();
    *number = *read;
  }
  absl::Time since = absl::InfinitePast();
  const std::string& since_text = call.query.Get("sinceTime");
  if (!since_text.empty() && !base::ParseRfc3339(since_text, &since)) {
    return BadRequestStatus(fmt::format(
        "parsing time \"{0}\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"{0}\" as \"2006\"",
        since_text));
  }
  std::vector<Cause> causes;
  AtLeast(tail, "tailLines", 0, &causes);
  AtLeast(limit, "limitBytes", 1, &causes);
  if (seconds && !since_text.empty()) {
    causes.push_back({"FieldValueForbidden",
                      "Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified",
                      "[]"});
  } else {
    AtLeast(seconds, "sinceSeconds", 1, &causes);
  }
  // One of the two streams alone: not before servers serve it without being told to.
  if (call.query.Has("stream"))
    causes.push_back({"FieldValueForbidden", "Forbidden: may not be specified", "stream"});
  if (!causes.empty()) return InvalidStatus("", "PodLogOptions", call.info.name, std::move(causes));
  if (tail) options.selection.tail_lines = static_cast<size_t>(*tail);
  if (limit) options.limit_bytes = static_cast<size_t>(*limit);
  if (seconds) options.selection.since = cluster.clock.Now() - absl::Seconds(*seconds);
  if (!since_text.empty()) options.selection.since = since;
  return options;
}

const Json& StatusOf(const Json& pod, const std::string& container) {
  for (const char* list :
       {"containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"}) {
    for (const Json& status : ListAt(pod, {"status", list})) {
      if (TextAt(status, "name") == container) return status;
    }
  }
  return At(pod, "no such container");
}

// As a kubelet answers before it opens the file. `run_is_over` = the last run is the dead one shown
// in lastState.
MaybeStatus CheckState(const Json& status, const std::string& pod, const std::string& container,
                       bool previous, bool* run_is_over) {
  const Json& waiting = At(status, {"state", "waiting"});
  const bool died_before = At(status, {"lastState", "terminated"}).is_object();
  if (previous && !died_before) {
    return BadRequestStatus(fmt::format(
        "previous terminated container \"{}\" in pod \"{}\" not found", container, pod));
  }
  *run_is_over = waiting.is_object() && died_before;
  if (!waiting.is_object() || died_before) return std::nullopt;
  const std::string reason = TextAt(waiting, "reason");
  const std::string why = reason == "ErrImagePull"       ? "image can't be pulled"
                          : reason == "ImagePullBackOff" ? "trying and failing to pull image"
                                                         : reason;
  return BadRequestStatus(
      fmt::format("container \"{}\" in pod \"{}\" is waiting to start: {}", container, pod, why));
}

// A node whose kubelet does not answer cannot give logs.
MaybeStatus CheckNode(const Cluster& cluster, const Json& pod, const std::string& ns,
                      const std::string& name, const std::string& container) {
  const auto address = SilentNode(cluster, pod);
  if (!address) return std::nullopt;
  return InternalStatus(fmt::format(
      "Get \"https://{0}:10250/containerLogs/{1}/{2}/{3}\": dial tcp {0}:10250: connect: "
      "connection refused",
      *address, ns, name, container));
}

}  // namespace

std::optional<Reply> HandlePodLog(const Cluster& cluster, const Call& call, Streams& streams,
                                  const std::shared_ptr<http_server::Exchange>& exchange,
                                  const http_server::Headers& common_headers) {
  const std::string& name = call.info.name;
  auto options = OptionsOf(cluster, call);
  if (!options.ok()) return StatusReply(options.status());
  const ObjectPtr object = cluster.store.Get(*call.type, call.info.ns, name);
  if (!object) return StatusReply(NotFoundStatus(*call.type, name));
  const Json pod = object->Parse();
  std::string container = options->container;
  if (auto refused = ChooseContainer(pod, name, &container)) return StatusReply(*refused);
  if (TextAt(pod, {"spec", "nodeName"}).empty()) return Reply{204, "", "", {}};
  if (auto refused = CheckNode(cluster, pod, call.info.ns, name, container))
    return StatusReply(*refused);
  const Json& status = StatusOf(pod, container);
  bool run_is_over = false;
  if (!status.is_object() && TextAt(pod, {"status", "phase"}) == "Failed") {  // it was refused
    return StatusReply(BadRequestStatus(
        fmt::format("container \"{}\" in pod \"{}\" is not available", container, name)));
  }
  if (auto refused =
          CheckState(status, name, container, options->selection.previous, &run_is_over)) {
    return StatusReply(*refused);
  }
  if (run_is_over) options->selection.previous = false;  // the dead run is the last one there is

  if (options->follow && At(status, {"state", "running"}).is_object() &&
      !options->selection.previous) {
    streams.ServeLogs({call.info.ns, name, object->uid, container, options->timestamps,
                       options->limit_bytes, options->selection},
                      exchange, common_headers);
    return std::nullopt;
  }
  std::vector<LogLine> lines;
  cluster.logs.Read(object->uid, container, options->selection, &lines);
  std::string text;
  for (const LogLine& line : lines) {
    text += FormatLogLine(line, options->timestamps);
    if (options->limit_bytes > 0 && text.size() >= options->limit_bytes) {
      text.resize(options->limit_bytes);
      break;
    }
  }
  return Reply{200, "text/plain", std::move(text), {}};
}

}  // namespace opsmesh::kubesim
