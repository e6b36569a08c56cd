// What an answer, an idle stream and an event cost in libs/http_server, beside nginx (a static file
// of the same size) and, where it was built, a minimal Beast server. All in one run on one machine:
// only the ratios mean something.
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "fmt/format.h"
#include "libs/http_server/http_server.h"
#include "tests/bench/http_server/load.h"
#include "tests/bench/http_server/process.h"

namespace opsmesh::bench {
namespace {

constexpr int kConnections = 64;
constexpr int kRequests = 100'000;
constexpr int kRounds = 5;
constexpr int kStreams = 2000;
constexpr int kEvents = 20;
constexpr size_t kBodyBytes = 1024;
constexpr std::string_view kEvent = "{\"type\":\"text\",\"text\":\"the pod was restarted\"}";

/// The server under test, in a process of its own: /fixed, /stream, and /emit, which writes events
/// to all streams from another thread, as the gateway's backend does.
class Subject {
 public:
  void Handle(std::shared_ptr<http_server::Exchange> exchange) {
    const std::string& path = exchange->request().path;
    if (path == "/stream") {
      http_server::Response head;
      head.headers.Add("Content-Type", "text/event-stream");
      exchange->Start(std::move(head));
      const std::lock_guard lock(mutex_);
      streams_.push_back(std::move(exchange));
    } else if (path == "/emit") {
      std::thread([this, exchange] { Emit(*exchange); }).detach();
    } else {
      http_server::Response response;
      response.headers.Add("Content-Type", "application/json");
      response.body = body_;
      exchange->Respond(std::move(response));
    }
  }

 private:
  void Emit(http_server::Exchange& exchange) {
    const std::lock_guard lock(mutex_);
    const std::string event = http_server::FormatSse(kEvent);
    for (int i = 0; i < kEvents; ++i) {
      for (const auto& stream : streams_) stream->Write(event);
    }
    exchange.Respond({});
  }

  const std::string body_ = std::string(kBodyBytes, 'x');
  std::mutex mutex_;
  std::vector<std::shared_ptr<http_server::Exchange>> streams_;
};

int Serve() {
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &stop, nullptr);
  Subject subject;
  auto server =
      http_server::Server::Start({}, [&](auto exchange) { subject.Handle(std::move(exchange)); });
  if (!server.ok()) return 1;
  std::printf("%d\n", (*server)->port());
  std::fflush(stdout);
  int signal = 0;
  sigwait(&stop, &signal);
  (*server)->Stop(absl::ZeroDuration());
  return 0;
}

struct Contestant {
  std::string name;
  std::string path;
  std::unique_ptr<Process> process;
  uint16_t port = 0;
  std::vector<double> cpu_us = {};
  std::vector<double> per_second = {};
};

double Median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

/// nginx with one worker on a free port, serving a file of kBodyBytes.
std::optional<Contestant> StartNginx(const std::filesystem::path& folder) {
  std::ofstream(folder / "fixed.json") << std::string(kBodyBytes, 'x');
  // A port that was free a moment ago: nginx cannot choose one itself.
  const auto probe = http_server::Server::Start({}, [](auto) {});
  if (!probe.ok()) return std::nullopt;
  const uint16_t port = (*probe)->port();
  (*probe)->Stop(absl::ZeroDuration());
  std::ofstream(folder / "nginx.conf") << fmt::format(
      "daemon off; worker_processes 1; error_log {0}/error.log crit; pid {0}/nginx.pid;\n"
      "events {{ worker_connections 4096; }}\n"
      "http {{ access_log off; keepalive_requests 100000000; tcp_nodelay on; open_file_cache "
      "max=10;\n"
      "  client_body_temp_path {0}/b; proxy_temp_path {0}/p; fastcgi_temp_path {0}/f; "
      "uwsgi_temp_path {0}/u;\n"
      "  scgi_temp_path {0}/s; server {{ listen 127.0.0.1:{1}; root {0}; }} }}\n",
      folder.string(), port);
  Contestant nginx{
      .name = "nginx, static file",
      .path = "/fixed.json",
      .process = std::make_unique<Process>(
          std::vector<std::string>{"nginx", "-c", folder / "nginx.conf", "-p", folder.string()},
          false),
      .port = port};
  for (int i = 0; i < 100; ++i) {
    if (RunClosedLoop(port, nginx.path, 1, 1) >= 0) return nginx;
    usleep(20'000);
  }
  std::puts("NOT RUN: nginx does not start here; there is nothing to compare with.");
  return std::nullopt;
}

std::vector<Contestant> StartAll(const std::string& self, const std::filesystem::path& folder) {
  std::vector<Contestant> all;
  if (auto nginx = StartNginx(folder)) all.push_back(std::move(*nginx));
  all.push_back(
      {.name = "libs/http_server",
       .path = "/fixed",
       .process = std::make_unique<Process>(std::vector<std::string>{self, "--serve"}, true)});
  const auto baseline =
      std::filesystem::path(self).parent_path() / "../bench-baseline/http_beast_baseline";
  if (std::filesystem::exists(baseline)) {
    all.push_back(
        {.name = "Beast, minimal",
         .path = "/fixed",
         .process = std::make_unique<Process>(std::vector<std::string>{baseline.string()}, true)});
  } else {
    std::puts("(No Beast in this run: build http_beast_baseline to have it.)");
  }
  for (Contestant& contestant : all) {
    if (contestant.port == 0) contestant.port = contestant.process->port();
  }
  return all;
}

bool MeasureAnswers(std::vector<Contestant>& all) {
  for (int round = 0; round < kRounds; ++round) {
    for (Contestant& contestant : all) {
      const double before = CpuMicroseconds(contestant.process->pid());
      const double seconds =
          RunClosedLoop(contestant.port, contestant.path, kConnections, kRequests);
      if (seconds < 0) {
        fmt::print("{} gave a wrong answer\n", contestant.name);
        return false;
      }
      contestant.cpu_us.push_back((CpuMicroseconds(contestant.process->pid()) - before) /
                                  kRequests);
      contestant.per_second.push_back(kRequests / seconds);
    }
  }
  fmt::print("\nA fixed answer of {} bytes, {} connections, {} rounds of {} requests, median:\n",
             kBodyBytes, kConnections, kRounds, kRequests);
  for (const Contestant& contestant : all) {
    fmt::print("  {:<22} {:6.2f} us CPU   {:8.0f} req/s   CPU x nginx {:5.2f}\n", contestant.name,
               Median(contestant.cpu_us), Median(contestant.per_second),
               Median(contestant.cpu_us) / Median(all.front().cpu_us));
  }
  return true;
}

bool MeasureStreams(const Contestant& contestant, bool emits) {
  const pid_t pid = contestant.process->pid();
  Streams warm_up;
  Streams streams;
  if (!warm_up.Open(contestant.port, "/stream", 200)) return false;
  const double before = AnonymousKib(pid);
  if (!streams.Open(contestant.port, "/stream", kStreams)) return false;
  fmt::print("  {:<22} {:6.2f} KiB a stream\n", contestant.name,
             (AnonymousKib(pid) - before) / kStreams);
  if (!emits) return true;
  const size_t frame =
      std::string_view("35\r\n\r\n").size() + std::string_view("data: \n\n").size() + kEvent.size();
  std::vector<double> costs;
  for (int round = 0; round < kRounds; ++round) {
    const double cpu = CpuMicroseconds(pid);
    std::thread emit([&] { RunClosedLoop(contestant.port, "/emit", 1, 1); });
    const bool all_came = streams.Drain(frame * kEvents * kStreams);
    emit.join();
    if (!all_came) return false;
    // RunClosedLoop asks twice (once to warm up), so the warm-up streams' events are part of the
    // work as well.
    costs.push_back((CpuMicroseconds(pid) - cpu) / (2.0 * kEvents * (kStreams + 200)));
    if (!streams.Drain(frame * kEvents * kStreams)) return false;
  }
  fmt::print("  {:<22} {:6.2f} us CPU an event of {} bytes, written from another thread\n", "",
             Median(costs), kEvent.size());
  return true;
}

int Run(const std::string& self) {
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  std::string pattern =
      (std::filesystem::temp_directory_path() / "http_server_bench.XXXXXX").string();
  const std::filesystem::path folder = mkdtemp(pattern.data());
  // nginx started by root reads as an unprivileged user.
  std::filesystem::permissions(folder, std::filesystem::perms(0755));
  bool good = false;
  {
    std::vector<Contestant> all = StartAll(self, folder);
    good = MeasureAnswers(all);
    fmt::print("\n{} idle streams (anonymous resident memory), then {} events on each:\n", kStreams,
               kEvents);
    for (const Contestant& contestant : all) {
      if (contestant.path == "/fixed")
        good = MeasureStreams(contestant, contestant.name[0] == 'l') && good;
    }
  }
  std::filesystem::remove_all(folder);
  return good ? 0 : 1;
}

}  // namespace
}  // namespace opsmesh::bench

int main(int argc, char** argv) {
  if (argc > 1 && std::string(argv[1]) == "--serve") return opsmesh::bench::Serve();
  return opsmesh::bench::Run(std::filesystem::canonical("/proc/self/exe"));
}
