// The server's half of SPDY/3.1 as Kubernetes' clients speak it on exec, attach and port-forward:
// streams that the client opens, data in both directions, pings. No flow control, no pushed
// streams: neither kubectl nor an apiserver uses them there.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>

namespace opsmesh::kubesim {

/// One connection. Not thread-safe: the owner serialises Read() and Send().
class SpdySession {
 public:
  using StreamId = uint32_t;
  using Fields = std::map<std::string, std::string>;  // names in lower case
  struct Events {
    std::function<void(StreamId id, const Fields& headers)> opened;
    /// `end`: the client sends no more on this stream; the last piece may be empty.
    std::function<void(StreamId id, std::string_view data, bool end)> data;
  };
  /// `write` takes what goes to the client.
  SpdySession(Events events, std::function<void(std::string bytes)> write);
  ~SpdySession();

  /// False when the client breaks the protocol, opens too many streams or sends a frame beyond
  /// 1 MiB: the connection is of no more use.
  bool Read(std::string_view bytes);
  /// Data of an open stream; with `end` nothing more follows. Unknown streams are ignored.
  void Send(StreamId id, std::string_view data, bool end);

 private:
  struct Inflater;
  struct Deflater;
  bool ReadFrame(size_t size);
  bool ReadControl(std::string_view frame);
  bool OpenStream(std::string_view body, bool ends);
  bool ReadFields(std::string_view block, Fields* fields);
  void Reply(StreamId id);

  const Events events_;
  const std::function<void(std::string)> write_;
  const std::unique_ptr<Inflater> inflater_;
  const std::unique_ptr<Deflater> deflater_;
  std::string pending_;
  std::set<StreamId> open_;  // towards the client
};

}  // namespace opsmesh::kubesim
