// The least a Beast server does: parse, one write of an answer made beforehand, keep-alive; and
// streams that wait for the client to leave. None of libs/http_server's limits and checks. Only for
// comparison, see ADR 0008.
#include <boost/asio.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include <cstdio>
#include <memory>
#include <optional>
#include <string>

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using tcp = asio::ip::tcp;

const std::string kFixed =
    "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nServer: beast\r\nContent-Length: "
    "1024\r\n"
    "Content-Type: application/json\r\n\r\n" +
    std::string(1024, 'x');
const std::string kStreamHead =
    "HTTP/1.1 200 OK\r\nServer: beast\r\nTransfer-Encoding: chunked\r\nContent-Type: "
    "text/event-stream\r\n\r\n";

class Session : public std::enable_shared_from_this<Session> {
 public:
  explicit Session(tcp::socket socket) : socket_(std::move(socket)) {}

  void Read() {
    parser_.emplace();
    parser_->body_limit(1 << 20);
    http::async_read(socket_, buffer_, *parser_,
                     [self = shared_from_this()](beast::error_code error, size_t) {
                       if (!error) self->Answer();
                     });
  }

 private:
  void Answer() {
    const std::string& text = parser_->get().target() == "/stream" ? kStreamHead : kFixed;
    const bool keep_alive = parser_->get().keep_alive();
    asio::async_write(socket_, asio::buffer(text),
                      [self = shared_from_this(), keep_alive](beast::error_code error, size_t) {
                        if (!error && keep_alive) self->Read();
                      });
  }

  tcp::socket socket_;
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
};

void Accept(tcp::acceptor& acceptor) {
  acceptor.async_accept([&](beast::error_code error, tcp::socket socket) {
    if (!error) {
      socket.set_option(tcp::no_delay(true));
      std::make_shared<Session>(std::move(socket))->Read();
    }
    Accept(acceptor);
  });
}

}  // namespace

int main() {
  asio::io_context context(1);
  tcp::acceptor acceptor(context, {asio::ip::make_address("127.0.0.1"), 0});
  std::printf("%d\n", acceptor.local_endpoint().port());
  std::fflush(stdout);
  Accept(acceptor);
  asio::signal_set stop(context, SIGTERM);
  stop.async_wait([&](beast::error_code, int) { context.stop(); });
  context.run();
}
