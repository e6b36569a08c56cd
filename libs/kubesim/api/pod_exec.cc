#include "libs/kubesim/api/pod_exec.h"

#include <fmt/format.h>

#include <utility>

#include "libs/base/json.h"
#include "libs/base/strings.h"
#include "libs/http_server/websocket.h"
#include "libs/kubesim/api/pod_containers.h"
#include "libs/kubesim/api/reads.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

// The first byte of a message: whose it is.
constexpr char kStdout = 1, kStatus = 3;
constexpr uint16_t kNormalClosure = 1000;

Json Failed(std::string_view reason, std::string message) {
  return {{"metadata", Json::object()},
          {"status", "Failure"},
          {"reason", reason},
          {"message", std::move(message)}};
}

// How a command ended, as a kubelet tells it.
Json StatusOf(const PodCommand& command, const CommandResult& result) {
  using End = CommandResult::End;
  const std::string words = base::Join(command.argv, " ");
  switch (result.end) {
    case End::kExited:
      break;
    case End::kNotRunning:
      return Failed("InternalError",
                    fmt::format("container not found (\"{}\")", command.container));
    case End::kCannotStart:
      return Failed(
          "InternalError",
          "Internal error occurred: error executing command in container: " + result.output);
    case End::kInteractive:
      return Failed("NotImplemented",
                    fmt::format("the simulator reads no input: give \"{0}\" its script, "
                                "as in: kubectl exec POD -- {0} -c 'ls /etc; env'",
                                words));
    case End::kNeverEnds:
      return Failed("NotImplemented",
                    fmt::format("the simulator runs commands that end; \"{}\" would go on", words));
  }
  if (result.code == 0) return {{"metadata", Json::object()}, {"status", "Success"}};
  Json status = Failed(
      "NonZeroExitCode",
      fmt::format("command terminated with non-zero exit code: exit status {}", result.code));
  status["details"] = {{"causes", Json::array({{{"reason", "ExitCode"},
                                                {"message", std::to_string(result.code)}}})}};
  return status;
}

ApiStatus NotSupported(std::string message) {
  return {.code = 501, .reason = "NotImplemented", .message = std::move(message)};
}

}  // namespace

std::optional<Reply> HandlePodExec(const Cluster& cluster, const Call& call, const RunInPod& run,
                                   const std::shared_ptr<http_server::Exchange>& exchange) {
  const std::string& name = call.info.name;
  const ObjectPtr object = cluster.store.Get(*call.type, call.info.ns, name);
  if (!object) return StatusReply(NotFoundStatus(*call.type, name));
  const Json pod = object->Parse();
  PodCommand command{call.info.ns, name, call.query.Get("container"), call.query.All("command")};
  if (auto refused = ChooseContainer(pod, name, &command.container)) return StatusReply(*refused);
  if (TextAt(pod, {"spec", "nodeName"}).empty())
    return StatusReply(BadRequestStatus(fmt::format("pod {} does not have a host assigned", name)));
  if (call.http.headers.Get("Upgrade").empty())
    return StatusReply(BadRequestStatus("Upgrade request required"));
  if (!run) return StatusReply(NotSupported("the simulator has no processes unless it is live"));
  if (const auto address = SilentNode(cluster, pod)) {
    return StatusReply(InternalStatus(fmt::format(
        "error dialing backend: dial tcp {}:10250: connect: connection refused", *address)));
  }
  if (!http_server::AsksForWebSocket(call.http)) {
    return StatusReply(NotSupported(
        "the simulator speaks WebSocket on pods/exec and not SPDY: use kubectl 1.31 or later"));
  }
  if (command.argv.empty())
    return StatusReply(BadRequestStatus("you must specify at least 1 command for the container"));
  auto head = http_server::WebSocketHead(call.http, {"v5.channel.k8s.io", "v4.channel.k8s.io"});
  if (!head) {
    return StatusReply(
        BadRequestStatus("not a WebSocket handshake for v5.channel.k8s.io or v4.channel.k8s.io"));
  }
  const CommandResult result = run(command);
  exchange->Start(*std::move(head));
  const auto send = [&](char channel, std::string_view text) {
    exchange->Write(http_server::WebSocketMessage(std::string(1, channel).append(text)));
  };
  if (result.end == CommandResult::End::kExited && !result.output.empty())
    send(kStdout, result.output);
  send(kStatus, base::DumpJson(StatusOf(command, result)));
  exchange->Write(http_server::WebSocketClose(kNormalClosure));
  exchange->Finish();
  return std::nullopt;
}

}  // namespace opsmesh::kubesim
