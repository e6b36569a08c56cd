// List and the parts of watches that are shared with the cache.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "libs/base/error.h"
#include "libs/kube/client.h"
#include "libs/kube/transport.h"
#include "libs/kube/wire.h"

namespace opsmesh::kube {
namespace {

constexpr int kMaxRestarts = 2;
constexpr int kMaxPages = 20000;     // of 500: ten million objects
constexpr int kMaxEmptyPages = 100;  // in a row

absl::Status AddSelectors(const LabelSelector& labels, const std::vector<FieldTerm>& fields,
                          ApiCall* call) {
  OPSMESH_RETURN_IF_ERROR(labels.Check());
  if (!labels.empty()) call->query.emplace_back("labelSelector", labels.ToQuery());
  if (!fields.empty()) {
    OPSMESH_ASSIGN_OR_RETURN(std::string query, FieldQuery(fields));
    call->query.emplace_back("fieldSelector", std::move(query));
  }
  return absl::OkStatus();
}

bool IsExpired(const absl::Status& status) { return base::DetailOf(status).reason == "EXPIRED"; }

/// Follows `continue` from page to page.
class Lister {
 public:
  Lister(Transport& transport, const Impersonation& who, ApiCall base, const ResourceType& type,
         const ListOptions& options)
      : transport_(transport),
        who_(who),
        base_(std::move(base)),
        options_(options),
        page_size_(options.page_size) {
    result_.type = type;
  }

  absl::StatusOr<ListResult> Run(const base::Context& ctx) {
    while (true) {
      ListPage page;
      const absl::Status status = Fetch(ctx, &page);
      if (IsExpired(status) && !token_.empty()) {
        OPSMESH_RETURN_IF_ERROR(GoOnAfterExpiry(status));
        continue;
      }
      OPSMESH_RETURN_IF_ERROR(status);
      empty_pages_ = page.items.empty() ? empty_pages_ + 1 : 0;
      if (!Take(std::move(page))) return std::move(result_);
      if (!seen_.insert(token_).second || seen_.size() > kMaxPages ||
          empty_pages_ > kMaxEmptyPages) {
        return NameCall(base::Unavailable("CONTINUE_LOOP",
                                          fmt::format("Cannot list {}: the API server goes on "
                                                      "handing out continue tokens without an end.",
                                                      base_.what()))
                            .Hint("The list would never end; look for a proxy that caches answers "
                                  "of the API server."),
                        base_, transport_.cluster());
      }
    }
  }

 private:
  absl::Status Fetch(const base::Context& ctx, ListPage* page) {
    ApiCall call = base_;
    int limit = page_size_;
    if (options_.max_objects != 0) {
      const size_t left = options_.max_objects - result_.items.size();
      limit = static_cast<int>(
          std::min<size_t>(left, limit == 0 ? SIZE_MAX : static_cast<size_t>(limit)));
    }
    if (limit > 0) call.query.emplace_back("limit", std::to_string(limit));
    if (!token_.empty()) {
      call.query.emplace_back("continue", token_);
    } else if (!options_.resource_version.empty()) {
      call.query.emplace_back("resourceVersion", options_.resource_version);
    }
    OPSMESH_ASSIGN_OR_RETURN(const auto response, transport_.Do(ctx, call, who_));
    const absl::Status parsed = ParseList(response.body, result_.type, page, options_.packer);
    if (parsed.ok()) return parsed;
    if (page->kind == "Status") return ErrorFromResponse(call, transport_.cluster(), response);
    return NotKubernetes(call, transport_.cluster(), response.status, response.Get("Content-Type"),
                         response.body);
  }

  /// The server's Status may carry a token for going on with what is there now; else the list
  /// starts anew, at last in one piece.
  absl::Status GoOnAfterExpiry(const absl::Status& expired) {
    const std::string token = ContinueOfStatus(expired);
    if (!token.empty() && seen_.insert(token).second) {
      token_ = token;
      result_.inconsistent = true;
      return absl::OkStatus();
    }
    if (++restarts_ > kMaxRestarts) return expired;
    if (restarts_ == kMaxRestarts) page_size_ = 0;
    const ResourceType type = result_.type;
    result_ = {};
    result_.type = type;
    token_.clear();
    seen_.clear();
    return absl::OkStatus();
  }

  /// True when there is another page to fetch.
  bool Take(ListPage page) {
    if (result_.items.empty()) {
      result_.items = std::move(page.items);
    } else {
      result_.items.insert(result_.items.end(), std::make_move_iterator(page.items.begin()),
                           std::make_move_iterator(page.items.end()));
    }
    result_.unparseable.insert(result_.unparseable.end(), page.unparseable.begin(),
                               page.unparseable.end());
    result_.resource_version = page.resource_version;
    result_.remaining = page.remaining;
    token_ = page.continue_token;
    if (options_.max_objects != 0 && result_.items.size() >= options_.max_objects) {
      result_.truncated = !token_.empty() || result_.items.size() > options_.max_objects;
      result_.items.resize(std::min(result_.items.size(), options_.max_objects));
      return false;
    }
    return !token_.empty();
  }

  Transport& transport_;
  const Impersonation& who_;
  const ApiCall base_;
  const ListOptions& options_;
  int page_size_;
  ListResult result_;
  std::string token_;
  std::set<std::string> seen_;
  int restarts_ = 0;
  int empty_pages_ = 0;  // in a row
};

}  // namespace

absl::StatusOr<ListResult> Client::List(const base::Context& ctx, const ResourceType& type,
                                        std::string_view ns, const ListOptions& options) {
  if (type.namespaced && !ns.empty()) OPSMESH_RETURN_IF_ERROR(CheckNamespace("namespace", ns));
  ApiCall call = CallOn("list", "GET", type, ns, "");
  OPSMESH_RETURN_IF_ERROR(AddSelectors(options.labels, options.fields, &call));
  call.patient = options.patient;
  return Lister(*transport_, who_, std::move(call), type, options).Run(ctx);
}

absl::StatusOr<ApiCall> WatchCall(const ResourceType& type, std::string_view ns,
                                  const WatchOptions& options) {
  if (type.namespaced && !ns.empty()) OPSMESH_RETURN_IF_ERROR(CheckNamespace("namespace", ns));
  ApiCall call = CallOn("watch", "GET", type, ns, "");
  call.retry = false;
  OPSMESH_RETURN_IF_ERROR(AddSelectors(options.labels, options.fields, &call));
  call.query.emplace_back("watch", "true");
  call.query.emplace_back("allowWatchBookmarks", "true");
  if (!options.resource_version.empty())
    call.query.emplace_back("resourceVersion", options.resource_version);
  const int64_t seconds =
      absl::ToInt64Seconds(absl::Ceil(options.server_timeout, absl::Seconds(1)));
  call.query.emplace_back("timeoutSeconds", std::to_string(std::max<int64_t>(1, seconds)));
  return call;
}

}  // namespace opsmesh::kube
