#include "libs/kubesim/behaviour/kubelet/client_tools.h"

#include <fmt/format.h>

namespace opsmesh::kubesim {
namespace {

// The value of an option written as "-h host", "-hhost" or "--host=host".
std::string Option(const std::vector<std::string>& argv, const std::string& letter,
                   const std::string& word) {
  for (size_t i = 1; i < argv.size(); ++i) {
    if ((argv[i] == letter || argv[i] == word) && i + 1 < argv.size()) return argv[i + 1];
    if (argv[i].starts_with(word + "=")) return argv[i].substr(word.size() + 1);
    if (!argv[i].starts_with("--") && argv[i].starts_with(letter) && argv[i].size() > letter.size())
      return argv[i].substr(letter.size());
  }
  return "";
}

ExecResult Said(int code, std::string text) {
  return {code, std::move(text), absl::ZeroDuration()};
}

}  // namespace

ExecResult RefusedClient(const std::vector<std::string>& argv) {
  const std::string tool = argv[0].substr(argv[0].rfind('/') + 1);
  const std::string host = Option(argv, "-h", "--host");
  const bool local = host.empty() || host == "localhost";
  if (tool == "mysqladmin" || tool == "mariadb-admin") {
    return Said(
        1, local ? fmt::format("{0}: connect to server at 'localhost' failed\n"
                               "error: 'Can't connect to local MySQL server through socket "
                               "'/var/run/mysqld/mysqld.sock' (2)'\n"
                               "Check that mysqld is running and that the socket: "
                               "'/var/run/mysqld/mysqld.sock' exists!\n",
                               tool)
                 : fmt::format("{0}: connect to server at '{1}' failed\n"
                               "error: 'Can't connect to MySQL server on '{1}:3306' (111)'\n"
                               "Check that mysqld is running on {1} and that the port is 3306.\n",
                               tool, host));
  }
  if (tool == "mysql" || tool == "mariadb") {
    return Said(
        1, local ? "ERROR 2002 (HY000): Can't connect to local MySQL server through socket "
                   "'/var/run/mysqld/mysqld.sock' (2)\n"
                 : fmt::format(
                       "ERROR 2003 (HY000): Can't connect to MySQL server on '{}:3306' (111)\n",
                       host));
  }
  if (tool == "pg_isready")
    return Said(
        2, fmt::format("{}:5432 - no response\n", host.empty() ? "/var/run/postgresql" : host));
  if (tool == "psql") {
    return Said(
        2, host.empty()
               ? "psql: error: connection to server on socket "
                 "\"/var/run/postgresql/.s.PGSQL.5432\" failed: No "
                 "such file or directory\n\tIs the server running locally and accepting "
                 "connections on that "
                 "socket?\n"
               : fmt::format(
                     "psql: error: connection to server at \"{}\", port 5432 failed: Connection "
                     "refused\n\tIs the server running on that host and accepting TCP/IP "
                     "connections?\n",
                     host));
  }
  if (tool == "redis-cli" || tool == "valkey-cli") {
    return Said(1, fmt::format("Could not connect to Redis at {}:6379: Connection refused\n",
                               host.empty() ? "127.0.0.1" : host));
  }
  if (tool == "mongosh" || tool == "mongo")
    return Said(1, "MongoNetworkError: connect ECONNREFUSED 127.0.0.1:27017\n");
  if (tool == "rabbitmq-diagnostics" || tool == "rabbitmqctl")
    return Said(69,
                "Error: unable to perform an operation on node. Please see diagnostics information "
                "and suggestions below.\n");
  return Said(1, "connection refused\n");
}

}  // namespace opsmesh::kubesim
