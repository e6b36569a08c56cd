// Rules every RPC and every message of the contract follows. buf judges style; these are ours.
#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "google/api/field_behavior.pb.h"
#include "google/protobuf/descriptor.pb.h"
#include "opsmesh/type/v1/options.pb.h"
#include "tests/contract/fixture.h"

namespace opsmesh::contract {
namespace {

namespace pb = google::protobuf;
using opsmesh::type::v1::RpcPolicy;

RpcPolicy PolicyOf(const pb::MethodDescriptor& method) {
  return method.options().GetExtension(opsmesh::type::v1::rpc);
}

bool HasBehavior(const pb::FieldDescriptor& field, google::api::FieldBehavior behavior) {
  const int count = field.options().ExtensionSize(google::api::field_behavior);
  for (int i = 0; i < count; ++i) {
    if (field.options().GetExtension(google::api::field_behavior, i) == behavior) return true;
  }
  return false;
}

/// Messages that people send: inputs of RPCs, less the raw bodies of signed webhooks.
std::vector<const pb::Descriptor*> RequestMessages() {
  std::set<const pb::Descriptor*> seen;
  std::vector<const pb::Descriptor*> requests;
  for (const pb::MethodDescriptor* method : TheContract().Methods()) {
    if (method->input_type()->full_name() == "google.api.HttpBody") continue;
    if (seen.insert(method->input_type()).second) requests.push_back(method->input_type());
  }
  return requests;
}

TEST(RpcRules, EveryRpcHasARoute) {
  for (const pb::MethodDescriptor* method : TheContract().Methods()) {
    const std::vector<Binding> bindings = BindingsOf(*method);
    EXPECT_FALSE(bindings.empty()) << method->full_name() << " has no google.api.http rule";
    for (const Binding& binding : bindings) {
      EXPECT_FALSE(binding.http_method.empty()) << method->full_name();
      EXPECT_EQ(binding.path_template.substr(0, 1), "/") << method->full_name();
      const bool may_have_body = binding.http_method != "GET" && binding.http_method != "DELETE";
      EXPECT_TRUE(may_have_body || binding.body.empty())
          << method->full_name() << ": a GET or DELETE has no body";
    }
  }
}

TEST(RpcRules, NoTwoRpcsShareARoute) {
  std::map<std::string, std::string> owner;
  for (const pb::MethodDescriptor* method : TheContract().Methods()) {
    for (const Binding& binding : BindingsOf(*method)) {
      const std::string route = binding.http_method + " " + binding.path_template;
      const auto [it, inserted] = owner.emplace(route, method->full_name());
      EXPECT_TRUE(inserted) << route << " belongs to " << it->second << " and to "
                            << method->full_name();
    }
  }
}

TEST(RpcRules, EveryPathVariableIsAFieldOfTheRequest) {
  for (const pb::MethodDescriptor* method : TheContract().Methods()) {
    for (const Binding& binding : BindingsOf(*method)) {
      size_t open = 0;
      while ((open = binding.path_template.find('{', open)) != std::string::npos) {
        const size_t close = binding.path_template.find('}', open);
        ASSERT_NE(close, std::string::npos) << binding.path_template;
        std::string name = binding.path_template.substr(open + 1, close - open - 1);
        name = name.substr(0, name.find('='));
        EXPECT_NE(method->input_type()->FindFieldByName(name), nullptr)
            << method->full_name() << " has no field '" << name << "' for "
            << binding.path_template;
        open = close;
      }
    }
  }
}

TEST(RpcRules, EveryRpcSaysWhoMayCallItAndWhatItChanges) {
  for (const pb::MethodDescriptor* method : TheContract().Methods()) {
    ASSERT_TRUE(method->options().HasExtension(opsmesh::type::v1::rpc))
        << method->full_name() << " has no policy";
    const RpcPolicy policy = PolicyOf(*method);
    EXPECT_NE(policy.role(), opsmesh::type::v1::ROLE_UNSPECIFIED) << method->full_name();
    EXPECT_NE(policy.effect(), opsmesh::type::v1::EFFECT_UNSPECIFIED) << method->full_name();
    EXPECT_FALSE(policy.tag().empty()) << method->full_name() << " has no group for the documents";
    EXPECT_LE(policy.max_request_bytes(), 32 << 20) << method->full_name();
    EXPECT_LE(policy.timeout_seconds(), 600) << method->full_name();
  }
}

TEST(RpcRules, AGetChangesNothing) {
  for (const pb::MethodDescriptor* method : TheContract().Methods()) {
    for (const Binding& binding : BindingsOf(*method)) {
      if (binding.http_method != "GET") continue;
      EXPECT_EQ(PolicyOf(*method).effect(), opsmesh::type::v1::EFFECT_READ) << method->full_name();
    }
  }
}

TEST(RpcRules, EveryElementHasAComment) {
  for (const pb::FileDescriptor* file : TheContract().files()) {
    for (int i = 0; i < file->service_count(); ++i) {
      EXPECT_NE(CommentOf(*file->service(i)), "") << file->service(i)->full_name();
      for (int j = 0; j < file->service(i)->method_count(); ++j) {
        EXPECT_NE(CommentOf(*file->service(i)->method(j)), "")
            << file->service(i)->method(j)->full_name();
      }
    }
    std::vector<const pb::Descriptor*> messages;
    for (int i = 0; i < file->message_type_count(); ++i) messages.push_back(file->message_type(i));
    while (!messages.empty()) {
      const pb::Descriptor* message = messages.back();
      messages.pop_back();
      if (message->options().map_entry()) continue;
      EXPECT_NE(CommentOf(*message), "") << message->full_name();
      for (int i = 0; i < message->field_count(); ++i) {
        EXPECT_NE(CommentOf(*message->field(i)), "") << message->field(i)->full_name();
      }
      for (int i = 0; i < message->nested_type_count(); ++i)
        messages.push_back(message->nested_type(i));
    }
  }
}

TEST(RpcRules, EveryFieldOfARequestSaysWhetherItMustBeGiven) {
  for (const pb::Descriptor* request : RequestMessages()) {
    for (int i = 0; i < request->field_count(); ++i) {
      const pb::FieldDescriptor& field = *request->field(i);
      EXPECT_TRUE(HasBehavior(field, google::api::REQUIRED) ||
                  HasBehavior(field, google::api::OPTIONAL))
          << field.full_name() << " has neither REQUIRED nor OPTIONAL";
    }
  }
}

TEST(RpcRules, ARequiredScalarHasPresenceSoThatZeroIsAValue) {
  for (const pb::FileDescriptor* file : TheContract().files()) {
    for (int i = 0; i < file->message_type_count(); ++i) {
      const pb::Descriptor& message = *file->message_type(i);
      for (int j = 0; j < message.field_count(); ++j) {
        const pb::FieldDescriptor& field = *message.field(j);
        if (!HasBehavior(field, google::api::REQUIRED) || field.is_repeated()) continue;
        EXPECT_TRUE(field.has_presence()) << field.full_name() << " must be `optional`";
      }
    }
  }
}

TEST(RpcRules, ListsArePagedFromTheStart) {
  // Lists whose length the configuration bounds.
  const std::set<std::string> bounded = {
      "ListTools",       "ListClusters", "ListShortcuts", "ListApps",
      "ListAdkSessions", "ListModels",   "ListChannels",
  };
  for (const pb::MethodDescriptor* method : TheContract().Methods()) {
    if (method->name().rfind("List", 0) != 0 || bounded.count(method->name()) != 0) continue;
    EXPECT_NE(method->input_type()->FindFieldByName("page_size"), nullptr) << method->full_name();
    EXPECT_NE(method->input_type()->FindFieldByName("page_token"), nullptr) << method->full_name();
    EXPECT_NE(method->output_type()->FindFieldByName("next_page_token"), nullptr)
        << method->full_name();
  }
}

TEST(RpcRules, AChangeCanBeRepeatedSafely) {
  // Changes that are idempotent by nature, or whose documented body has no key; the reason stands
  // beside each.
  const std::map<std::string, std::string> exceptions = {
      {"opsmesh.chat.v1.ChatService.SendMessage",
       "documented body; a question asked twice is two questions"},
      {"opsmesh.chat.v1.ChatService.TestMessage", "documented body; a test"},
      {"opsmesh.chat.v1.ChatService.DeleteSession", "idempotent by nature"},
      {"opsmesh.chat.v1.ChatService.UpdateConfig", "idempotent by nature"},
      {"opsmesh.chat.v1.ChatService.CreateAdkSession", "create or confirm: idempotent by nature"},
      {"opsmesh.chat.v1.ChatService.CreateAdkSessionAuto", "documented body"},
      {"opsmesh.chat.v1.ChatService.DeleteAdkSession", "idempotent by nature"},
      {"opsmesh.chat.v1.ChatService.RunAdk", "documented body"},
      {"opsmesh.chat.v1.ChatService.RunAdkSse", "documented body"},
      {"opsmesh.k8s.v1.K8sService.TestTool", "documented body; a test"},
      {"opsmesh.llm.v1.LlmService.RunTurn",
       "the session's owner dedupes; the service stores nothing"},
      {"opsmesh.llm.v1.LlmService.CreateAssistantSession", "documented without a body"},
      {"opsmesh.llm.v1.LlmService.QueryAssistant", "documented body"},
      {"opsmesh.llm.v1.LlmService.RefreshAssistant", "idempotent by nature"},
      {"opsmesh.rca.v1.RcaService.ReceiveAlerts", "deduped by fingerprint and start"},
  };
  std::set<std::string> used;
  for (const pb::MethodDescriptor* method : TheContract().Methods()) {
    const RpcPolicy policy = PolicyOf(*method);
    if (policy.effect() == opsmesh::type::v1::EFFECT_READ || policy.signed_webhook()) continue;
    if (exceptions.count(method->full_name()) != 0) {
      used.insert(method->full_name());
      continue;
    }
    EXPECT_NE(method->input_type()->FindFieldByName("request_id"), nullptr)
        << method->full_name() << " changes something and has no idempotency key";
  }
  for (const auto& [name, reason] : exceptions) {
    EXPECT_EQ(used.count(name), 1u)
        << name << " is excepted (" << reason << ") and is no change any more";
  }
}

TEST(RpcRules, EveryServiceSaysHowItIs) {
  for (const pb::ServiceDescriptor* service : TheContract().Services()) {
    const auto is_status = [&](int i) {
      return service->method(i)->name().find("Status") != std::string::npos;
    };
    bool found = false;
    for (int i = 0; i < service->method_count(); ++i) found = found || is_status(i);
    EXPECT_TRUE(found) << service->full_name() << " has no Get...Status";
  }
}

}  // namespace
}  // namespace opsmesh::contract
