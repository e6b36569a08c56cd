#include "libs/kube/exec_helper/answer_server.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <thread>

#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "libs/kube/config.h"

namespace opsmesh::kube {
namespace {

constexpr int kAtATime = 16;
constexpr int kRequestSeconds = 5;

std::string RealPath(const std::string& path) {
  char* found = realpath(path.c_str(), nullptr);
  const std::string real = found == nullptr ? "" : found;
  std::free(found);
  return real;
}

std::string Why() { return base::AsciiLower(std::strerror(errno)); }

absl::StatusOr<sockaddr_un> Address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    return base::InvalidArgument(
               "socket", "SOCKET_PATH",
               fmt::format("A socket's path has 1 to {} bytes.", sizeof address.sun_path - 1))
        .Hint("Choose a shorter --socket.");
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

/// A socket that a helper before us left behind may go; one that answers may not.
absl::Status RemoveStale(const std::string& path, const sockaddr_un& address) {
  struct stat info {};
  if (lstat(path.c_str(), &info) != 0) return absl::OkStatus();
  const int probe = S_ISSOCK(info.st_mode) ? socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) : -1;
  const bool answers = probe >= 0 && connect(probe, reinterpret_cast<const sockaddr*>(&address),
                                             sizeof address) == 0;
  if (probe >= 0) close(probe);
  if (probe < 0 || answers) {
    return base::FailedPrecondition("SOCKET_IN_USE",
                                    fmt::format("{} is there already{}.", path,
                                                answers ? " and answers" : " and is no socket"))
        .Hint("Choose another --socket, or end the other helper.");
  }
  unlink(path.c_str());
  return absl::OkStatus();
}

bool SameUser(int connection) {
  ucred peer{};
  socklen_t size = sizeof peer;
  return getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
         (peer.uid == geteuid() || peer.uid == 0);
}

void SendAll(int connection, std::string_view text) {
  while (!text.empty()) {
    const ssize_t sent = send(connection, text.data(), text.size(), MSG_NOSIGNAL);
    if (sent > 0) text.remove_prefix(static_cast<size_t>(sent));
    if (sent <= 0 && errno != EINTR) return;
  }
}

absl::Status Refused(std::string_view why) {
  return base::FailedPrecondition("EXEC_PLUGIN_REFUSED",
                                  fmt::format("The credential helper refuses: {}.", why))
      .Hint("Give the helper the same kubeconfig: opsmesh-exec-credential --kubeconfig FILE.");
}

}  // namespace

absl::StatusOr<std::unique_ptr<AnswerServer>> AnswerServer::Listen(
    const std::string& path, const std::vector<std::string>& kubeconfigs, PluginRules rules) {
  OPSMESH_ASSIGN_OR_RETURN(const sockaddr_un address, Address(path));
  OPSMESH_RETURN_IF_ERROR(RemoveStale(path, address));
  const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const mode_t mask = umask(0177);
  const bool bound = listener >= 0 && bind(listener, reinterpret_cast<const sockaddr*>(&address),
                                           sizeof address) == 0;
  umask(mask);
  if (!bound || listen(listener, 128) != 0) {
    const std::string why = Why();
    if (listener >= 0) close(listener);
    return base::FailedPrecondition("SOCKET_FAILED",
                                    fmt::format("Cannot listen on {}: {}.", path, why))
        .Hint("Choose another --socket.");
  }
  std::unique_ptr<AnswerServer> server(new AnswerServer(path, listener, std::move(rules)));
  server->rules_.stop = &server->stopping_;
  for (const std::string& file : kubeconfigs) {
    if (const std::string real = RealPath(file); !real.empty()) server->kubeconfigs_.insert(real);
  }
  return server;
}

AnswerServer::~AnswerServer() {
  close(listener_);
  unlink(path_.c_str());
}

absl::StatusOr<ExecCredential> AnswerServer::Answer(std::string_view line) const {
  OPSMESH_ASSIGN_OR_RETURN(const ExecRequest request, ParseExecRequest(line));
  if (request.files.empty()) return Refused("no kubeconfig is named");
  std::string list;
  for (const std::string& file : request.files) {
    if (kubeconfigs_.count(RealPath(file)) == 0)
      return Refused(fmt::format("{} is not one of its kubeconfigs",
                                 base::Utf8Prefix(base::SanitizeUtf8(file), 200)));
    if (file.find(':') != std::string::npos)
      return Refused("a kubeconfig with a colon in its path");
    list += (list.empty() ? "" : ":") + file;
  }
  Environment files = Environment::System();
  files.variable = [list](const std::string& name) {
    return name == "KUBECONFIG" ? list : std::string();
  };
  OPSMESH_ASSIGN_OR_RETURN(const ClusterConfig config, LoadCluster({.context = request.context,
                                                                    .allow_exec_plugins = true,
                                                                    .exec_socket = "this process"},
                                                                   files));
  if (!config.exec)
    return Refused(fmt::format("context '{}' has no exec plugin",
                               base::Utf8Prefix(base::SanitizeUtf8(request.context), 200)));
  return RunPlugin(*config.exec, rules_);
}

void AnswerServer::Converse(int connection) {
  const timeval limit{kRequestSeconds, 0};
  setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  setsockopt(connection, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  std::string text;
  char buffer[16 << 10];
  while (text.size() <= kExecMessageBytes && text.find('\n') == std::string::npos) {
    const ssize_t got = recv(connection, buffer, sizeof buffer, 0);
    if (got <= 0) break;
    text.append(buffer, static_cast<size_t>(got));
  }
  const size_t end = text.find('\n');
  if (end == std::string::npos || !SameUser(connection)) return;
  const absl::StatusOr<ExecCredential> answer = Answer(std::string_view(text).substr(0, end));
  if (!answer.ok())
    std::cerr << fmt::format("opsmesh-exec-credential: {}: {}\n",
                             base::DetailOf(answer.status()).reason,
                             base::ToStd(answer.status().message()));
  SendAll(connection, FormatExecAnswer(answer));
}

void AnswerServer::Serve(int stop) {
  while (true) {
    pollfd ends[2] = {{stop, POLLIN, 0}, {conversations_ < kAtATime ? listener_ : -1, POLLIN, 0}};
    poll(ends, 2, conversations_ < kAtATime ? -1 : 50);
    if (ends[0].revents != 0) break;
    if (ends[1].revents == 0) continue;
    const int connection = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0) continue;
    ++conversations_;
    std::thread([this, connection] {
      Converse(connection);
      close(connection);
      --conversations_;
    }).detach();
  }
  stopping_ = true;
  while (conversations_ > 0) poll(nullptr, 0, 10);
}

}  // namespace opsmesh::kube
