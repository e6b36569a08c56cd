#include "libs/http_server/verdict.h"

#include "fmt/format.h"
#include "libs/http_server/raw_client.h"

namespace opsmesh::http_server {

JudgingServer::JudgingServer() {
  Options options;
  options.header_timeout = options.idle_timeout = options.body_grace = absl::Hours(1);
  server_ = std::move(Server::Start(std::move(options), [this](std::shared_ptr<Exchange> exchange) {
              ++handled_;
              exchange->Respond({});
            })).value();
}

std::string JudgingServer::JudgeOnce(std::string_view bytes, bool half_close) {
  handled_ = 0;
  RawClient client(server_->port());
  client.Send(bytes);  // may fail half way when the server refuses early
  if (half_close) client.ShutdownWrite();
  std::string end = "keep";
  while (const auto answer = client.ReadAnswer()) {
    if (answer->status < 200) continue;
    if (answer->Header("connection") == "close") end = "close";
    if (answer->status == 200) continue;
    end = fmt::format("{} {}", answer->status, answer->body.substr(0, answer->body.find(':')));
    if (end == "400 TRUNCATED_REQUEST") end = "incomplete";
    if (answer->Header("connection") != "close") end += " but kept";
  }
  if (!client.ReadToEnd()) end += " silent";
  return fmt::format("{} {}", handled_.load(), end);
}

std::string JudgingServer::Judge(std::string_view bytes) {
  const std::string verdict = JudgeOnce(bytes, true);
  const bool refused = verdict.find(" 4") != std::string::npos;
  if (!refused) return verdict;
  const std::string again = JudgeOnce(bytes, false);
  return again == verdict ? verdict
                          : fmt::format("{}, but {} when the client keeps sending", verdict, again);
}

}  // namespace opsmesh::http_server
