#include <memory>
#include <utility>

#include "libs/http_server/http_server.h"

namespace opsmesh::http_server {

Handler OnPool(base::WorkerPool& pool, absl::Duration timeout, BlockingHandler handler) {
  auto shared = std::make_shared<const BlockingHandler>(std::move(handler));
  return [&pool, timeout, shared](std::shared_ptr<Exchange> exchange) {
    std::shared_ptr<base::CancelState> cancel;
    const base::Context context =
        base::Context::Background().WithTimeout(timeout).WithCancel(&cancel);
    exchange->OnClientGone([cancel] { cancel->Cancel(); });
    if (pool.TrySubmit([context, shared, exchange] { (*shared)(context, *exchange); })) return;
    Response busy;
    busy.status = 503;
    busy.headers.Add("Content-Type", "text/plain; charset=utf-8");
    busy.headers.Add("Retry-After", "1");
    busy.body =
        "POOL_FULL: The server is working on as many requests as it can; try again in a second.\n";
    exchange->Respond(std::move(busy));
  };
}

}  // namespace opsmesh::http_server
