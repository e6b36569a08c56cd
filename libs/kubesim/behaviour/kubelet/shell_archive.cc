// tar, as `kubectl cp` uses it: archives of the files that a container has.
// Source of the format: POSIX.1-2017, pax, "ustar Interchange Format" and its extended headers.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "libs/base/strings.h"
#include "libs/kubesim/behaviour/kubelet/shell_tools.h"

namespace opsmesh::kubesim {
namespace {

constexpr size_t kBlock = 512, kNameBytes = 100, kPrefixAt = 345, kPrefixBytes = 155;
constexpr size_t kSizeAt = 124, kSizeBytes = 12, kSumAt = 148, kTypeAt = 156, kMagicAt = 257;

struct Options {
  char action = 0;  // c, x or t
  std::string archive = "-", folder;
  std::vector<std::string> paths;
  bool verbose = false;
};

Options ReadOptions(const Argv& argv) {
  Options options;
  const auto letters = [&](std::string_view word, size_t* i) {
    for (char c : word) {
      if (c == 'c' || c == 'x' || c == 't') options.action = c;
      if (c == 'v') options.verbose = true;
      if (c == 'f' && *i + 1 < argv.size()) options.archive = argv[++*i];
      if (c == 'C' && *i + 1 < argv.size()) options.folder = argv[++*i];
    }
  };
  for (size_t i = 1; i < argv.size(); ++i) {
    const std::string& word = argv[i];
    if (word.starts_with("--") || word.empty()) continue;
    if (i == 1 || (word.starts_with("-") && word.size() > 1)) {
      letters(word, &i);
    } else {
      options.paths.push_back(word);
    }
  }
  return options;
}

std::string Cut(std::string_view field) { return std::string(field.substr(0, field.find('\0'))); }

size_t Octal(std::string_view field) {
  const std::string text(base::Trim(Cut(field)));
  size_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value, 8);
  return value;
}

std::string HeadOf(std::string name, size_t size, bool folder, absl::Time now) {
  std::string head(kBlock, '\0');
  const auto put = [&](size_t at, const std::string& text) {
    std::copy(text.begin(), text.end(), head.begin() + static_cast<ptrdiff_t>(at));
  };
  std::string prefix;
  if (name.size() > kNameBytes) {  // cut at a slash, as far as the format allows
    const size_t slash = name.find('/', name.size() - kNameBytes - 1);
    if (slash != std::string::npos && slash <= kPrefixBytes) {
      prefix = name.substr(0, slash);
      name.erase(0, slash + 1);
    }
  }
  put(0, name.substr(0, kNameBytes));
  put(100, folder ? "0000755" : "0000644");
  put(108, "0000000");
  put(116, "0000000");
  put(kSizeAt, fmt::format("{:011o}", size));
  put(136, fmt::format("{:011o}", std::max<int64_t>(absl::ToUnixSeconds(now), 0)));
  put(kSumAt, "        ");
  head[kTypeAt] = folder ? '5' : '0';
  put(kMagicAt, std::string("ustar\00000", 8));
  put(265, "root");
  put(297, "root");
  put(kPrefixAt, prefix.substr(0, kPrefixBytes));
  unsigned sum = 0;
  for (char c : head) sum += static_cast<unsigned char>(c);
  put(kSumAt, fmt::format("{:06o}", sum) + '\0');
  return head;
}

void AppendFile(const std::string& name, const std::string& text, absl::Time now,
                std::string* out) {
  *out += HeadOf(name, text.size(), false, now) + text;
  out->append((kBlock - text.size() % kBlock) % kBlock, '\0');
}

// Member names have no slash in front and lead nowhere else.
std::string MemberName(std::string path) {
  if (const size_t up = path.rfind("../"); up != std::string::npos) path.erase(0, up + 3);
  while (path.starts_with("/")) path.erase(0, 1);
  return path;
}

int Create(const Options& options, std::string* archive, std::string* err, ShellContext& context) {
  ShellState& state = context.state;
  if (!options.folder.empty()) state.directory = AbsolutePath(state, options.folder);
  int status = 0;
  for (const std::string& path : options.paths) {
    const std::string absolute = AbsolutePath(state, path);
    const std::string name = MemberName(path);
    if (const auto file = FindFile(state, absolute)) {
      AppendFile(name, *file, state.now, archive);
    } else if (IsDirectory(state, absolute)) {
      *archive += HeadOf(name.empty() ? "./" : name + "/", 0, true, state.now);
      const std::string prefix = absolute == "/" ? "/" : absolute + "/";
      for (auto it = state.files.lower_bound(prefix);
           it != state.files.end() && it->first.starts_with(prefix); ++it) {
        const std::string below = it->first.substr(prefix.size());
        const std::string member = name.empty() ? below : name + "/" + below;
        if (below == ".") continue;
        if (below.ends_with("/."))
          *archive += HeadOf(member.substr(0, member.size() - 1), 0, true, state.now);
        else
          AppendFile(member, it->second, state.now, archive);
      }
    } else {
      *err += fmt::format("tar: {}: No such file or directory\n", path);
      status = 2;
    }
  }
  if (!archive->empty()) archive->append(2 * kBlock, '\0');  // of nothing there is no archive
  return status;
}

// The "path" of an extended header: "27 path=some/long/name\n".
std::string PaxPath(std::string_view text) {
  for (std::string_view line : base::Split(text, '\n')) {
    const size_t at = line.find(" path=");
    if (at != std::string_view::npos) return std::string(line.substr(at + 6));
  }
  return "";
}

struct Member {
  std::string name, text;
  bool folder = false;
};

std::vector<Member> Members(std::string_view archive, bool* whole) {
  std::vector<Member> members;
  std::string long_name;
  *whole = false;
  size_t at = 0;
  while (at + kBlock <= archive.size()) {
    const std::string_view head = archive.substr(at, kBlock);
    if (head[0] == '\0') {
      *whole = true;
      return members;
    }
    const size_t size = Octal(head.substr(kSizeAt, kSizeBytes));
    if (size > archive.size() - at - kBlock) return members;
    const std::string_view text = archive.substr(at + kBlock, size);
    at += kBlock + (size + kBlock - 1) / kBlock * kBlock;
    const char type = head[kTypeAt];
    if (type == 'x' || type == 'L') {
      long_name = type == 'x' ? PaxPath(text) : Cut(text);
      continue;
    }
    std::string name = Cut(head.substr(0, kNameBytes));
    const std::string prefix = Cut(head.substr(kPrefixAt, kPrefixBytes));
    if (!prefix.empty()) name = prefix + "/" + name;
    if (!long_name.empty()) name = std::exchange(long_name, {});
    if (type == '5' || type == '0' || type == '\0')
      members.push_back({std::move(name), std::string(text), type == '5'});
  }
  *whole = at > 0 && at >= archive.size();  // some writers leave the end away
  return members;
}

int Extract(const Options& options, const std::string& archive, std::string* out, std::string* err,
            ShellContext& context) {
  ShellState& state = context.state;
  const std::string folder = AbsolutePath(state, options.folder.empty() ? "." : options.folder);
  if (!options.folder.empty() && !IsDirectory(state, folder)) {
    *err += fmt::format("tar: can't change directory to '{}': No such file or directory\n",
                        options.folder);
    return 1;
  }
  bool whole = false;
  for (const Member& member : Members(archive, &whole)) {
    if (options.action == 't') {
      *out += member.name + "\n";
      continue;
    }
    if (options.verbose) *err += member.name + "\n";
    const std::string path = AbsolutePath(state, folder + "/" + MemberName(member.name));
    if (IsReadOnly(state, path)) {
      *err += fmt::format("tar: can't open '{}': Read-only file system\n", member.name);
      return 1;
    }
    if (!KeepFile(state, member.folder ? path + "/." : path, member.text)) {
      *err += fmt::format("tar: can't open '{}': No space left on device\n", member.name);
      return 1;
    }
  }
  if (whole) return 0;
  *err += "tar: short read\n";
  return 1;
}

}  // namespace

std::string AbsolutePath(const ShellState& state, const std::string& path) {
  const std::string full = path.starts_with("/") ? path : state.directory + "/" + path;
  std::vector<std::string> parts;
  for (std::string_view part : base::Split(full, '/')) {
    if (part.empty() || part == ".") continue;
    if (part != "..")
      parts.emplace_back(part);
    else if (!parts.empty())
      parts.pop_back();
  }
  return "/" + base::Join(parts, "/");
}

bool ReadsArchive(const Argv& argv) {
  const Options options = ReadOptions(argv);
  return (options.action == 'x' || options.action == 't') && options.archive == "-";
}

int Tar(const Argv& argv, const std::string& input, std::string* out, std::string* err,
        ShellContext& context) {
  const Options options = ReadOptions(argv);
  ShellState& state = context.state;
  if (options.action == 0) {
    *err += "tar: must specify one of -c, -x or -t\n";
    return 1;
  }
  if (options.action == 'c') {
    std::string archive;
    const int status = Create(options, &archive, err, context);
    if (options.archive == "-") {
      *out += archive;
    } else if (!KeepFile(state, AbsolutePath(state, options.archive), std::move(archive))) {
      *err += fmt::format("tar: can't open '{}': No space left on device\n", options.archive);
      return 1;
    }
    return status;
  }
  if (options.archive == "-") return Extract(options, input, out, err, context);
  const auto file = FindFile(state, AbsolutePath(state, options.archive));
  if (!file) {
    *err += fmt::format("tar: can't open '{}': No such file or directory\n", options.archive);
    return 1;
  }
  return Extract(options, *file, out, err, context);
}

}  // namespace opsmesh::kubesim
