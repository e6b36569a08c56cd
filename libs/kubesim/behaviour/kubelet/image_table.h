// What images do when they run: a table of the ordinary ones (images.yaml), the demo's scenario,
// and a rule for the rest.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace opsmesh::kubesim {

struct Scenario;

/// "registry.example.com:5000/shop/cart:1.2@sha256:…" taken apart.
struct ImageName {
  std::string registry;    // "docker.io" when none is given
  std::string repository;  // "library/nginx" on Docker Hub
  std::string tag;         // "latest" when none is given and there is no digest
  std::string digest;
  /// "docker.io/library/nginx:1.27"
  std::string Full() const;
  /// Nothing when it is malformed (InvalidImageName); `why` then gets the parser's sentence.
  static std::optional<ImageName> Parse(std::string_view text, std::string* why = nullptr);
};

/// What listens on a port.
struct Listener {
  enum class Protocol { kTcp, kHttp, kGrpc };
  int port = 0;
  Protocol protocol = Protocol::kTcp;
  std::map<std::string, int> paths;  // HTTP status by path; a path ending with '*' is a prefix
  int otherwise = 404;               // status of other paths

  int StatusOf(std::string_view path) const;
};

/// How containers of an image behave unless their command says otherwise.
struct ImageProfile {
  std::string family;   // "nginx"; "" for the rest
  std::string current;  // release that "latest" is
  std::vector<Listener> listeners;
  bool listens_as_declared = false;  // serves whatever ports the container declares (applications)
  absl::Duration startup = absl::Seconds(1);
  int64_t size = 60 << 20;                          // bytes to pull
  absl::Duration pull_time = absl::ZeroDuration();  // > 0: instead of the size's
  std::string cpu = "5m", memory = "16Mi";          // while it runs
  std::vector<std::string> starts, ends,
      repeats;  // log lines; {time} {clf} {rfc3339} are filled in
  absl::Duration repeat_every = absl::Seconds(30);
  struct Exit {
    absl::Duration after;
    int code = 0;
    std::string reason;  // "OOMKilled"; "" by the code
  };
  std::optional<Exit> exit;  // nothing: runs until stopped
  std::string pull_error;    // not empty: cannot be pulled
  std::string not_ready;     // not empty: readiness probes fail with this
  bool shell = true, bash = true;
  bool no_server = false;               // without a command it starts a shell, which ends at once
  bool bare_language = false;           // python, node …: runs what the user brings
  bool any_command = false;             // an application: commands nobody knows run it
  bool root = true;                     // runs as root unless told otherwise
  std::vector<std::string> binaries;    // commands that run the server itself, and its tools
  std::vector<std::string> one_of_env;  // needs one of these variables
  std::string without_env;              // what it writes before it exits with 1 without them
  absl::Duration term_after = absl::Milliseconds(120);  // from SIGTERM to its end
  int term_code = 0;
};
using ImageProfilePtr = std::shared_ptr<const ImageProfile>;

/// Why an image cannot be had: empty when it can.
struct PullVerdict {
  std::string error;  // "rpc error: code = NotFound desc = failed to pull and unpack image …"
  bool needs_secret = false;
};

/// Immutable after it is made, except for Learn(). Engine thread only.
class ImageTable {
 public:
  /// The built-in table, with a scenario's images on top (may be null).
  static ImageTable Make(const Scenario* scenario);

  ImageProfilePtr Find(const std::string& image) const;
  /// What a registry would answer. `has_secret`: the pod brings pull secrets that exist.
  PullVerdict Pull(const std::string& image, bool has_secret) const;

  /// An image that was seen running, or failing to be pulled (`error` as kubelets word it), in the
  /// loaded cluster.
  void Learn(const std::string& image, const std::string& error);

  /// Whether a word in a name says that the thing is not there ("does-not-exist").
  bool SaysAbsent(std::string_view text) const;

 private:
  struct Known {
    std::string repository;  // "nginx", "prom/prometheus"
    std::vector<std::string> registries;
    int newest_major = 0;
    ImageProfilePtr profile;
  };
  /// The image itself.
  const Known* FindExact(const ImageName& name) const;
  /// The image, or the same software out of another registry.
  const Known* FindKnown(const ImageName& name) const;
  bool OnDockerHub(const ImageName& name) const;

  std::vector<Known> known_;
  std::map<std::string, ImageProfilePtr> exact_;
  std::map<std::string, std::string> learned_;  // image -> error or ""
  std::vector<std::string> absent_words_, tag_words_, private_hosts_, organisations_, official_;
  ImageProfilePtr application_;
};

}  // namespace opsmesh::kubesim
