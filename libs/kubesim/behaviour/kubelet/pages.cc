// The part of Kubelet that answers requests to ports of pods: pages as short as a page can be that
// still shows who answered.
#include <fmt/format.h>

#include <utility>

#include "libs/base/json_string.h"
#include "libs/kubesim/behaviour/kubelet/kubelet.h"

namespace opsmesh::kubesim {
namespace {

bool IsHealthPath(std::string_view path) {
  for (std::string_view word : {"health", "ready", "live", "ping", "status"}) {
    if (path.find(word) != std::string_view::npos) return true;
  }
  return false;
}

std::string TitleOf(const std::string& family, int status) {
  if (status == 404) return "404 Not Found";
  if (status >= 400) return fmt::format("{} Error", status);
  if (family == "nginx") return "Welcome to nginx!";
  if (family == "httpd") return "It works!";
  return family;
}

World::Page PageOf(const ImageProfile& profile, const std::string& path, int status,
                   const std::string& pod) {
  const std::string& family = profile.family;
  if (family == "nginx" || family == "httpd") {
    const std::string title = TitleOf(family, status);
    return {fmt::format("<html><head><title>{0}</title></head><body><h1>{0}</h1></body></html>\n",
                        title),
            "text/html"};
  }
  if (status >= 400)
    return {fmt::format("{{\"status\":{},\"path\":{}}}\n", status, base::JsonString(path)),
            "application/json"};
  if (IsHealthPath(path)) return {"ok\n", "text/plain; charset=utf-8"};
  return {fmt::format("{} {}\n", pod, path), "text/plain; charset=utf-8"};
}

}  // namespace

World::Page Kubelet::ReadFrom(const PodRuntime& pod, int port, const std::string& path) const {
  int status = 0;
  if (ConnectTo(pod, port, path, &status) != Reach::kOpen || status == 0) return {};
  for (const ContainerRuntime& container : pod.main) {
    if (container.process && container.process->ListenerOn(port, engine_.Now()))
      return PageOf(container.process->profile(), path, status, pod.name);
  }
  return {};
}

PodPage Kubelet::Ask(const PodRequest& request) const {
  PodPage page;
  const ObjectPtr object = pods_.Get(request.ns, request.pod);
  const auto it = object ? state_.pods.find(object->uid) : state_.pods.end();
  if (it == state_.pods.end()) return page;
  const std::string path = request.path.substr(0, request.path.find('?'));
  page.listens = ConnectTo(it->second, request.port, path, &page.status) == Reach::kOpen;
  page.http = page.status != 0;
  Page text = ReadFrom(it->second, request.port, path);
  page.body = std::move(text.text);
  page.content_type = std::move(text.type);
  return page;
}

}  // namespace opsmesh::kubesim
