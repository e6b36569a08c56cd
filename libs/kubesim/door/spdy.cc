// Source: "SPDY Protocol - Draft 3.1", frame layouts of section 2.6 and the dictionary of 2.6.10.1.
#include "libs/kubesim/door/spdy.h"

#include <zlib.h>

#include <algorithm>
#include <utility>

#include "libs/base/strings.h"

namespace opsmesh::kubesim {
namespace {

enum ControlType : uint16_t {
  kSynStream = 1,
  kSynReply = 2,
  kResetStream = 3,
  kPing = 6,
  kGoAway = 7
};
constexpr unsigned char kEnd = 1;  // flag FIN
constexpr size_t kHead = 8, kSynStreamHead = 10, kMaxFrame = 1 << 20, kPiece = 64 << 10;
constexpr size_t kMaxStreams = 4096, kMaxFields = 64, kMaxFieldBytes = 64 << 10;
constexpr uint16_t kVersion = 0x8003;  // of a control frame

void AppendNumber(uint64_t value, int bytes, std::string* out) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8)
    out->push_back(static_cast<char>(value >> shift));
}

uint32_t NumberAt(std::string_view text, size_t at, int bytes) {
  uint32_t value = 0;
  for (int i = 0; i < bytes; ++i)
    value = value << 8 | static_cast<unsigned char>(text[at + static_cast<size_t>(i)]);
  return value;
}

// Words that headers are likely to hold: each of the first has its length before it.
constexpr std::string_view kWords =
    "options,head,post,put,delete,trace,accept,accept-charset,accept-encoding,accept-language,"
    "accept-ranges,age,allow,authorization,cache-control,connection,content-base,content-encoding,"
    "content-language,content-length,content-location,content-md5,content-range,content-type,date,"
    "etag,expect,expires,from,host,if-match,if-modified-since,if-none-match,if-range,"
    "if-unmodified-since,last-modified,location,max-forwards,pragma,proxy-authenticate,"
    "proxy-authorization,range,referer,retry-after,server,te,trailer,transfer-encoding,upgrade,"
    "user-agent,vary,via,warning,www-authenticate,method,get,status,200 OK,version,HTTP/1.1,url,"
    "public,set-cookie,keep-alive,origin";

std::string MakeDictionary() {
  std::string text;
  for (std::string_view word : base::Split(kWords, ',')) {
    AppendNumber(word.size(), 4, &text);
    text += word;
  }
  text +=
      "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505"
      "203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request"
      "401 Unauthorized403 Forbidden404 Not Found500 Internal Server Error501 Not Implemented"
      "503 Service UnavailableJan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00"
      " Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMTchunked,text/html,image/png,image/jpg,image/gif,"
      "application/xml,application/xhtml+xml,text/plain,text/javascript,publicprivatemax-age="
      "gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0.";
  return text;
}

const std::string& Dictionary() {
  static const auto* dictionary = new std::string(MakeDictionary());
  return *dictionary;
}

const Bytef* BytesOf(std::string_view text) { return reinterpret_cast<const Bytef*>(text.data()); }

}  // namespace

// Headers of all frames of one direction are one compressed stream.
struct SpdySession::Inflater {
  Inflater() { inflateInit(&stream); }
  ~Inflater() { inflateEnd(&stream); }
  bool Run(std::string_view block, std::string* text) {
    stream.next_in = const_cast<Bytef*>(BytesOf(block));
    stream.avail_in = static_cast<uInt>(block.size());
    while (stream.avail_in > 0) {
      Bytef room[4096];
      stream.next_out = room;
      stream.avail_out = sizeof(room);
      int result = inflate(&stream, Z_SYNC_FLUSH);
      if (result == Z_NEED_DICT) {
        result = inflateSetDictionary(&stream, BytesOf(Dictionary()),
                                      static_cast<uInt>(Dictionary().size()));
      }
      if (result != Z_OK && result != Z_BUF_ERROR) return false;
      const size_t made = sizeof(room) - stream.avail_out;
      text->append(reinterpret_cast<const char*>(room), made);
      if (text->size() > kMaxFieldBytes) return false;
      if (made == 0 && result == Z_BUF_ERROR) break;
    }
    return true;
  }
  z_stream stream{};
};

struct SpdySession::Deflater {
  Deflater() {
    deflateInit(&stream, Z_DEFAULT_COMPRESSION);
    deflateSetDictionary(&stream, BytesOf(Dictionary()), static_cast<uInt>(Dictionary().size()));
  }
  ~Deflater() { deflateEnd(&stream); }
  std::string Run(std::string_view text) {
    std::string out(deflateBound(&stream, static_cast<uLong>(text.size())) + 64, '\0');
    stream.next_in = const_cast<Bytef*>(BytesOf(text));
    stream.avail_in = static_cast<uInt>(text.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    deflate(&stream, Z_SYNC_FLUSH);
    out.resize(out.size() - stream.avail_out);
    return out;
  }
  z_stream stream{};
};

SpdySession::SpdySession(Events events, std::function<void(std::string)> write)
    : events_(std::move(events)),
      write_(std::move(write)),
      inflater_(std::make_unique<Inflater>()),
      deflater_(std::make_unique<Deflater>()) {}

SpdySession::~SpdySession() = default;

bool SpdySession::Read(std::string_view bytes) {
  pending_.append(bytes);
  while (pending_.size() >= kHead) {
    const size_t size = NumberAt(pending_, 5, 3);
    if (size > kMaxFrame) return false;
    if (pending_.size() < kHead + size) return true;
    if (!ReadFrame(kHead + size)) return false;
  }
  return true;
}

bool SpdySession::ReadFrame(size_t size) {
  const std::string frame = pending_.substr(0, size);
  pending_.erase(0, size);
  if ((static_cast<unsigned char>(frame[0]) & 0x80) != 0) return ReadControl(frame);
  const bool end = (static_cast<unsigned char>(frame[4]) & kEnd) != 0;
  events_.data(NumberAt(frame, 0, 4), std::string_view(frame).substr(kHead), end);
  return true;
}

bool SpdySession::ReadControl(std::string_view frame) {
  if (NumberAt(frame, 0, 2) != kVersion) return false;
  const std::string_view body = frame.substr(kHead);
  switch (NumberAt(frame, 2, 2)) {
    case kSynStream:
      return OpenStream(body, (static_cast<unsigned char>(frame[4]) & kEnd) != 0);
    case kPing:
      // Odd numbers are the client's own: they go back as they are.
      if (body.size() != 4) return false;
      if (NumberAt(body, 0, 4) % 2 == 1) write_(std::string(frame));
      return true;
    case kResetStream:
      if (body.size() != 8) return false;
      open_.erase(NumberAt(body, 0, 4));
      events_.data(NumberAt(body, 0, 4), "", true);
      return true;
    default:
      return true;  // settings, windows, a farewell
  }
}

bool SpdySession::OpenStream(std::string_view body, bool ends) {
  if (body.size() < kSynStreamHead || open_.size() >= kMaxStreams) return false;
  const StreamId id = NumberAt(body, 0, 4) & 0x7fffffff;
  Fields fields;
  if (id % 2 == 0 || !ReadFields(body.substr(kSynStreamHead), &fields) || !open_.insert(id).second)
    return false;
  Reply(id);
  events_.opened(id, fields);
  if (ends) events_.data(id, "", true);
  return true;
}

// A count, then name and value of each, all with their lengths.
bool SpdySession::ReadFields(std::string_view block, Fields* fields) {
  std::string text;
  if (!inflater_->Run(block, &text) || text.size() < 4) return false;
  const uint32_t count = NumberAt(text, 0, 4);
  if (count > kMaxFields) return false;
  size_t at = 4;
  const auto take = [&](std::string* part) {
    if (text.size() - at < 4) return false;
    const size_t size = NumberAt(text, at, 4);
    at += 4;
    if (text.size() - at < size) return false;
    *part = text.substr(at, size);
    at += size;
    return true;
  };
  for (uint32_t i = 0; i < count; ++i) {
    std::string name, value;
    if (!take(&name) || !take(&value)) return false;
    (*fields)[base::AsciiLower(name)] = value;
  }
  return true;
}

void SpdySession::Reply(StreamId id) {
  const std::string block = deflater_->Run(std::string_view("\0\0\0\0", 4));
  std::string frame;
  AppendNumber(kVersion, 2, &frame);
  AppendNumber(kSynReply, 2, &frame);
  AppendNumber(0, 1, &frame);
  AppendNumber(4 + block.size(), 3, &frame);
  AppendNumber(id, 4, &frame);
  write_(frame + block);
}

void SpdySession::Send(StreamId id, std::string_view data, bool end) {
  if (!open_.contains(id)) return;
  do {
    const std::string_view piece = data.substr(0, kPiece);
    data.remove_prefix(piece.size());
    std::string frame;
    AppendNumber(id, 4, &frame);
    AppendNumber(end && data.empty() ? kEnd : 0, 1, &frame);
    AppendNumber(piece.size(), 3, &frame);
    write_(frame.append(piece));
  } while (!data.empty());
  if (end) open_.erase(id);
}

}  // namespace opsmesh::kubesim
