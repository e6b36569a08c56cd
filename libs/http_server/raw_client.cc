#include "libs/http_server/raw_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>
#include <cstdlib>

#include "libs/base/strings.h"

namespace opsmesh::http_server {

std::string RawAnswer::Header(std::string_view lower_name) const {
  for (const auto& [name, value] : headers) {
    if (name == lower_name) return value;
  }
  return {};
}

RawClient::RawClient(uint16_t port, int receive_buffer) {
  fd_ = UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (receive_buffer > 0) {
    setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof(receive_buffer));
  }
  const timeval limit{10, 0};
  setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  setsockopt(fd_.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_port = htons(port);
  where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd_.get(), reinterpret_cast<sockaddr*>(&where), sizeof(where)) != 0) fd_.Reset();
}

bool RawClient::Send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

void RawClient::ShutdownWrite() { ::shutdown(fd_.get(), SHUT_WR); }

void RawClient::Close(bool reset) {
  const linger now{1, 0};
  if (reset) setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof(now));
  fd_.Reset();
}

bool RawClient::Fill() {
  char bytes[16384];
  const ssize_t n = ::recv(fd_.get(), bytes, sizeof(bytes), 0);
  if (n <= 0) {
    ended_ = n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
    return false;
  }
  buffer_.append(bytes, static_cast<size_t>(n));
  return true;
}

std::optional<std::string> RawClient::ReadLine() {
  size_t end = 0;
  while ((end = buffer_.find("\r\n")) == std::string::npos) {
    if (!Fill()) return std::nullopt;
  }
  std::string line = buffer_.substr(0, end);
  buffer_.erase(0, end + 2);
  return line;
}

std::optional<std::string> RawClient::ReadBytes(size_t count) {
  while (buffer_.size() < count) {
    if (!Fill()) return std::nullopt;
  }
  std::string bytes = buffer_.substr(0, count);
  buffer_.erase(0, count);
  return bytes;
}

std::optional<RawAnswer> RawClient::ReadHead() {
  RawAnswer answer;
  const auto status_line = ReadLine();
  if (!status_line || !status_line->starts_with("HTTP/1.1 ")) return std::nullopt;
  answer.status = std::atoi(status_line->c_str() + 9);
  while (true) {
    const auto line = ReadLine();
    if (!line) return std::nullopt;
    if (line->empty()) return answer;
    const size_t colon = line->find(": ");
    if (colon == std::string::npos) return std::nullopt;
    answer.headers.emplace_back(base::AsciiLower(line->substr(0, colon)), line->substr(colon + 2));
  }
}

std::optional<std::string> RawClient::ReadChunk() {
  const auto size_line = ReadLine();
  if (!size_line) return std::nullopt;
  auto chunk = ReadBytes(std::strtoul(size_line->c_str(), nullptr, 16));
  if (!chunk || ReadBytes(2) != "\r\n") return std::nullopt;
  return chunk;
}

std::optional<RawAnswer> RawClient::ReadAnswer(bool head_request) {
  auto answer = ReadHead();
  if (!answer || head_request || answer->status < 200 || answer->status == 204 ||
      answer->status == 304)
    return answer;
  if (answer->Header("transfer-encoding") == "chunked") {
    while (true) {
      const auto chunk = ReadChunk();
      if (!chunk) return std::nullopt;
      if (chunk->empty()) return answer;
      answer->body += *chunk;
    }
  }
  const auto body = ReadBytes(std::strtoul(answer->Header("content-length").c_str(), nullptr, 10));
  if (!body) return std::nullopt;
  answer->body = *body;
  return answer;
}

bool RawClient::ReadToEnd(std::string* rest) {
  while (Fill()) {
  }
  if (rest != nullptr) *rest = buffer_;
  return ended_;
}

}  // namespace opsmesh::http_server
