// One request and the way its answer takes from any thread to the socket.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "libs/http_server/event_loop.h"
#include "libs/http_server/http_server.h"
#include "libs/http_server/server_core.h"
#include "libs/http_server/transport.h"

namespace opsmesh::http_server {

class Connection;

/// Shared by the connection (loop thread) and the handler (any thread). While attached, output goes
/// to the transport directly from the calling thread when the socket is plain and nothing waits;
/// what the socket does not take is kept here and flushed by the loop. After Detach() every call is
/// harmless and does nothing.
class ExchangeState final : public Exchange,
                            public EventLoop::Task,
                            public std::enable_shared_from_this<ExchangeState> {
 public:
  enum class Progress {
    kWaiting,  // nothing to write, the answer is not over
    kBlocked,  // the socket takes no more for now
    kDone,     // the answer is over and handed to the kernel
    kBroken,   // aborted, cut, or the socket failed: close now
  };

  ExchangeState(Connection& connection, Transport& transport, EventLoop& loop, ServerCore& core)
      : connection_(&connection), transport_(&transport), loop_(&loop), core_(&core) {}

  // For handlers.
  const Request& request() const override { return request_; }
  void Respond(Response response) override;
  void Start(Response head) override;
  bool Write(std::string chunk) override;
  void Finish() override;
  void Abort() override;
  void OnClientGone(std::function<void()> callback) override;
  void OnBytes(std::function<void(std::string_view)> callback) override;
  size_t BufferedBytes() const override;

  // For the connection, on the loop's thread.
  Request& mutable_request() { return request_; }
  /// What handlers hold: when the last copy goes, an answer that is not over is ended (500, or a
  /// cut).
  static std::shared_ptr<Exchange> MakeHandle(const std::shared_ptr<ExchangeState>& state);
  /// From here to EndDispatch() answers given on this thread are not announced: the connection
  /// looks by itself.
  void BeginDispatch(bool keep_alive, bool http_1_0);
  Progress EndDispatch();
  Progress Flush();
  void RespondError(int status, std::string_view reason, std::string_view message);
  bool streaming() const;
  /// Whether the handler reads on (OnBytes()), and what it is given then.
  bool reads_on() const;
  void Deliver(std::string_view bytes);
  /// Bytes handed to the kernel so far; a stall is when this stands still.
  uint64_t written() const;
  /// True when the connection must be closed after this answer.
  bool closes() const;
  /// The peer has sent its FIN, but may still read a whole answer.
  void ClientLeft();
  /// The connection is over, or (with `done`) this exchange is.
  void Detach(bool done);
  void RunOnLoop() override;

 private:
  enum class Answer : uint8_t { kNone, kWhole, kStream };

  // All *Locked: with mutex_ held.
  void RespondLocked(Response response);
  void AppendHeadLocked(const Response& response, bool stream);
  void PushLocked();
  void FlushLocked();
  bool WriteChunkLocked(std::string_view chunk);
  bool SentLocked(std::string_view chunk, size_t total, ssize_t n);
  void AppendChunkLocked(std::string_view chunk, size_t skip);
  bool MayWriteHereLocked() const;
  void ScheduleLocked();
  size_t PendingLocked() const { return out_.size() + body_.size() - offset_; }
  Progress ProgressLocked() const;
  void Dropped();

  Request request_;

  mutable std::mutex mutex_;
  Connection* connection_;  // null when detached; then the next three are not to be used either
  Transport* transport_;
  EventLoop* loop_;
  ServerCore* core_;
  std::string out_;    // head, and what follows it in a stream
  std::string body_;   // large body of a whole answer, not copied behind the head
  size_t offset_ = 0;  // written bytes of out_ + body_
  uint64_t written_ = 0;
  std::vector<std::function<void()>> gone_callbacks_;
  std::shared_ptr<const std::function<void(std::string_view)>> on_bytes_;
  Answer answer_ = Answer::kNone;
  bool keep_alive_ = false;
  bool http_1_0_ = false;
  bool dispatching_ = false;
  bool chunked_ = false;
  bool bodiless_ = false;
  bool ended_ = false;  // nothing will be added to the output
  bool blocked_ = false;
  bool broken_ = false;    // socket failed, aborted or cut
  bool left_ = false;      // the client has gone, or will not send more
  bool finished_ = false;  // the whole answer went out
  bool scheduled_ = false;
};

}  // namespace opsmesh::http_server
