#include <pthread.h>

#include <mutex>
#include <thread>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "fmt/format.h"
#include "gateway/serve/backend.h"
#include "gateway/serve/live_calls.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/completion_queue.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/support/byte_buffer.h"
#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "libs/rpc/status_bridge.h"

namespace opsmesh::gateway {
namespace {

// Below this a copy is cheaper than handing over a string.
constexpr size_t kCopyBytes = 4096;

grpc::ByteBuffer ToByteBuffer(std::string wire) {
  if (wire.size() <= kCopyBytes) {
    const grpc::Slice slice(wire.data(), wire.size());
    return grpc::ByteBuffer(&slice, 1);
  }
  auto* owned = new std::string(std::move(wire));
  const grpc::Slice slice(
      owned->data(), owned->size(), [](void* p) { delete static_cast<std::string*>(p); }, owned);
  return grpc::ByteBuffer(&slice, 1);
}

// The bytes of `buffer` in one piece; `slice` keeps them alive.
std::string_view Contiguous(const grpc::ByteBuffer& buffer, grpc::Slice* slice) {
  if (!buffer.Valid()) return {};
  if (!buffer.TrySingleSlice(slice).ok() && !buffer.DumpToSingleSlice(slice).ok()) return {};
  return {reinterpret_cast<const char*>(slice->begin()), slice->size()};
}

// Lives from Start() until Finish(), held by itself and by whoever may cancel it. Unary calls are
// completed by one thread of the backend's own: gRPC's callback interface would have two or more
// threads wait on one queue and wake each other, which with few calls under way costs more than the
// call.
class UnaryCall final : public BackendCall {
 public:
  UnaryCall(LiveCalls& live, UnaryCallback done) : live_(live), done_(std::move(done)) {}

  void Start(grpc::GenericStub& stub, const CallSpec& spec, const rpc::CallIdentity& identity,
             std::string wire, grpc::CompletionQueue* queue, std::shared_ptr<UnaryCall> self) {
    rpc::Prepare(spec.context, identity, spec.options, &context_);
    request_ = ToByteBuffer(std::move(wire));
    self_ = std::move(self);
    reader_ = stub.PrepareUnaryCall(&context_, spec.rpc->path, request_, queue);
    reader_->StartCall();
    reader_->Finish(&response_, &status_, this);
  }

  void Cancel() override { context_.TryCancel(); }

  void Finish() {
    const std::shared_ptr<UnaryCall> self = std::move(self_);
    if (!status_.ok()) {
      done_(rpc::FromGrpc(status_));
    } else {
      grpc::Slice slice;
      done_(Contiguous(response_, &slice));
    }
    done_ = nullptr;  // what it holds may hold this call
  }

 private:
  const LiveCalls::Token live_;  // goes last: see ~GrpcBackend
  UnaryCallback done_;
  grpc::ClientContext context_;
  grpc::ByteBuffer request_;
  grpc::ByteBuffer response_;
  grpc::Status status_;
  std::unique_ptr<grpc::GenericClientAsyncResponseReader> reader_;
  std::shared_ptr<UnaryCall> self_;
};

// The generic API knows only bidirectional streams: the one request is written as the last.
class ServerStream final : public BackendStream,
                           public grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  ServerStream(LiveCalls& live, std::shared_ptr<StreamReader> reader)
      : live_(live), reader_(std::move(reader)) {}

  void Start(grpc::GenericStub& stub, const CallSpec& spec, const rpc::CallIdentity& identity,
             std::string wire, std::shared_ptr<ServerStream> self) {
    rpc::Prepare(spec.context, identity, spec.options, &context_);
    request_ = ToByteBuffer(std::move(wire));
    self_ = std::move(self);
    stub.PrepareBidiStreamingCall(&context_, spec.rpc->path, {}, this);
    AddHold();  // reads also start from outside, in Resume()
    StartWriteLast(&request_, grpc::WriteOptions());
    StartRead(&response_);
    StartCall();
  }

  void Cancel() override { context_.TryCancel(); }
  void Resume() override { StartRead(&response_); }

  void OnWriteDone(bool) override { request_.Clear(); }

  void OnReadDone(bool ok) override {
    if (!ok) return RemoveHold();
    grpc::Slice slice;
    if (reader_->OnMessage(Contiguous(response_, &slice))) StartRead(&response_);
  }

  void OnDone(const grpc::Status& status) override {
    const std::shared_ptr<ServerStream> self = std::move(self_);
    reader_->OnDone(rpc::FromGrpc(status));
    reader_ = nullptr;
  }

 private:
  const LiveCalls::Token live_;  // goes last: see ~GrpcBackend
  std::shared_ptr<StreamReader> reader_;
  grpc::ClientContext context_;
  grpc::ByteBuffer request_;
  grpc::ByteBuffer response_;
  std::shared_ptr<ServerStream> self_;
};

class GrpcBackend final : public Backend {
 public:
  explicit GrpcBackend(const rpc::ChannelSource& channels)
      : channels_(channels), completer_([this] { Complete(); }) {
    pthread_setname_np(completer_.native_handle(), "gw-backend");
  }
  // A call's context holds its channel. The last holder of a channel must not be a callback on
  // gRPC's own thread: that thread would wait for itself. So the channels here outlive every call.
  ~GrpcBackend() override {
    live_.WaitForNone();
    queue_.Shutdown();
    completer_.join();
  }

  std::shared_ptr<BackendCall> Call(const CallSpec& spec, std::string wire,
                                    UnaryCallback done) override {
    const auto target = Find(spec.rpc->service);
    if (!target.ok()) {
      done(target.status());
      return nullptr;
    }
    auto call = std::make_shared<UnaryCall>(live_, std::move(done));
    call->Start((*target)->stub, spec, (*target)->channel.identity(), std::move(wire), &queue_,
                call);
    return call;
  }

  std::shared_ptr<BackendStream> Open(const CallSpec& spec, std::string wire,
                                      std::shared_ptr<StreamReader> reader) override {
    const auto target = Find(spec.rpc->service);
    if (!target.ok()) {
      reader->OnDone(target.status());
      return nullptr;
    }
    auto stream = std::make_shared<ServerStream>(live_, std::move(reader));
    stream->Start((*target)->stub, spec, (*target)->channel.identity(), std::move(wire), stream);
    return stream;
  }

 private:
  struct Target {
    Target(rpc::Channel c, std::shared_ptr<grpc::Channel> connected)
        : channel(std::move(c)), stub(std::move(connected)) {}
    rpc::Channel channel;
    grpc::GenericStub stub;
  };

  void Complete() {
    void* tag = nullptr;
    bool ok = false;
    while (queue_.Next(&tag, &ok)) static_cast<UnaryCall*>(tag)->Finish();
  }

  absl::StatusOr<Target*> Find(const std::string& service) {
    const std::lock_guard lock(mutex_);
    if (const auto it = targets_.find(service); it != targets_.end()) return it->second.get();
    auto channel = channels_.For(service);
    std::shared_ptr<grpc::Channel> connected = channel.ok() ? channel->Get() : nullptr;
    if (connected == nullptr) {
      return base::Unavailable("SERVICE_UNKNOWN",
                               fmt::format("The gateway has no way to {}.", service))
          .Hint("Start the service, or name its address in the mesh section of the configuration.");
    }
    auto& slot = targets_[service];
    slot = std::make_unique<Target>(*std::move(channel), std::move(connected));
    return slot.get();
  }

  const rpc::ChannelSource& channels_;
  LiveCalls live_;
  std::mutex mutex_;
  absl::flat_hash_map<std::string, std::unique_ptr<Target>> targets_;
  grpc::CompletionQueue queue_;
  std::thread completer_;  // last: it uses what stands above
};

}  // namespace

std::unique_ptr<Backend> MakeGrpcBackend(const rpc::ChannelSource& channels) {
  return std::make_unique<GrpcBackend>(channels);
}

}  // namespace opsmesh::gateway
