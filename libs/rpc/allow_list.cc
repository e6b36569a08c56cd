#include <utility>

#include "libs/rpc/authenticator.h"

namespace opsmesh::rpc {

AllowList::AllowList(std::map<std::string, std::vector<std::string>> rules) : restricted_(true) {
  for (auto& [caller, methods] : rules) {
    auto& set = rules_[caller];
    for (std::string& method : methods) set.insert(std::move(method));
  }
}

bool AllowList::Allows(std::string_view caller, std::string_view method) const {
  if (!restricted_ || caller.empty()) return true;
  const auto it = rules_.find(caller);
  if (it == rules_.end()) return false;
  const auto& methods = it->second;
  if (methods.contains(std::string_view("*")) || methods.contains(method)) return true;
  const size_t slash = method.find('/');
  return slash != std::string_view::npos &&
         methods.contains(std::string(method.substr(0, slash)) + "/*");
}

AllowList DefaultAllowList() {
  const std::string k8s = "opsmesh.k8s.v1.K8sService/";
  const std::string rca = "opsmesh.rca.v1.RcaService/*";
  const std::string predict = "opsmesh.predict.v1.PredictService/*";
  const std::string notify = "opsmesh.notify.v1.NotifyService/*";
  const std::string llm = "opsmesh.llm.v1.LlmService/*";
  const std::string chat = "opsmesh.chat.v1.ChatService/*";
  const std::vector<std::string> reads_of_cluster = {
      k8s + "ListTools",     k8s + "ResolveObjects", k8s + "ListObjects", k8s + "GetObject",
      k8s + "StreamPodLogs", k8s + "ListClusters",   k8s + "Diagnose",    k8s + "ListChanges",
      k8s + "GetK8sStatus",  k8s + "ListProposals",  k8s + "GetProposal"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.end(), reads_of_cluster.begin(), reads_of_cluster.end());
    return more;
  };
  return AllowList({
      {"gateway", {"*"}},
      {"cli", {"*"}},
      // Approvals of people arrive by chat; the service passes on the person's principal, which the
      // gate judges.
      {"chat", {k8s + "*", llm, rca, predict, notify}},
      // A model reads and proposes. It can neither approve, reject, roll back nor lift a freeze,
      // whoever it speaks for.
      {"llm", with({k8s + "CallTool", k8s + "TestTool", k8s + "CreateProposal", rca, predict, chat,
                    notify})},
      {"rca", with({k8s + "CallTool", notify, llm})},
      {"predict", with({k8s + "CallTool", k8s + "CreateProposal", rca, notify})},
      {"k8s", {notify, rca}},
      // Approval buttons come in by chat, never from here.
      {"notify", {}},
  });
}

}  // namespace opsmesh::rpc
