// A TCP proxy on the loopback interface whose connections have policies: an example of a program
// that embeds Inlay. README.md says how to use it.

#include <arpa/inet.h>
#include <fcntl.h>
#include <inlay/store_report.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <set>

#include "connection.h"
#include "policies.h"
#include "worker.h"

namespace {

using inlay::Status;

constexpr char kSocketsVariable[] = "PROXY_SOCKETS";

sockaddr_in Loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

class Proxy {
 public:
  Proxy(char** arguments, uint16_t upstream_port)
      : arguments_(arguments), upstream_(Loopback(upstream_port)) {}

  bool Start() {
    Policies policies;
    if (!ReadPolicies(arguments_[2], &policies) || !maps_.Create()) return false;
    sigset_t handled;
    sigemptyset(&handled);
    for (const int each : {SIGHUP, SIGUSR1, SIGUSR2, SIGTERM, SIGINT}) sigaddset(&handled, each);
    sigprocmask(SIG_BLOCK, &handled, nullptr);  // before there are threads
    signals_ = signalfd(-1, &handled, SFD_CLOEXEC);
    if (!Watch(signals_, nullptr)) return false;
    const char* const sockets = std::getenv(kSocketsVariable);
    if (sockets != nullptr && !TakeOver(std::atoi(sockets))) return false;
    if (!Apply(std::move(policies))) return false;
    for (std::unique_ptr<Worker>& worker : workers_) worker = std::make_unique<Worker>(&maps_);
    for (auto& [connection, tenant] : taken_over_) {
      // One whose tenant is gone has none, and ends with the first step of its worker.
      static_cast<void>(maps_.tenants->Assign(*connection, tenant));
      static_cast<void>(maps_.shapes->Update(*connection, ShapeOf(tenant)));
      NextWorker().Add(std::move(connection));
    }
    for (const auto& listener : listeners_) {
      sockaddr_in address{};
      socklen_t bytes = sizeof(address);
      getsockname(listener->fd, reinterpret_cast<sockaddr*>(&address), &bytes);
      std::printf("tenant %u port %u\n", listener->tenant, ntohs(address.sin_port));
    }
    std::printf("ready\n");
    return std::fflush(stdout) == 0;
  }

  // Until a signal ends it. Returns the exit code.
  int Run() {
    for (;;) {
      epoll_event event;
      if (epoll_wait(epoll_, &event, 1, -1) != 1) continue;
      if (event.data.ptr != nullptr) {
        Accept(static_cast<Listener*>(event.data.ptr));
        continue;
      }
      signalfd_siginfo info;
      if (read(signals_, &info, sizeof(info)) != sizeof(info)) continue;
      if (info.ssi_signo == SIGHUP) {
        Reload();
      } else if (info.ssi_signo == SIGUSR1) {
        if (!WriteMetrics()) std::perror("proxy: cannot write metrics");
      } else if (info.ssi_signo == SIGUSR2) {
        Restart();
      } else {
        return End();
      }
    }
  }

 private:
  using Left = std::vector<std::pair<std::unique_ptr<Connection>, TenantId>>;

  static int OpenSpare() { return open("/dev/null", O_RDONLY | O_CLOEXEC); }
  bool Watch(int fd, void* what) const {
    epoll_event event{.events = EPOLLIN, .data = {.ptr = what}};
    return fd >= 0 && epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) == 0;
  }
  Worker& NextWorker() { return *workers_[next_worker_++ % 2]; }
  Shape ShapeOf(TenantId tenant) const {
    const auto found = policies_.find(tenant);
    return found != policies_.end() ? found->second.second : Shape{1};
  }

  bool AddListener(int fd, TenantId tenant) {
    auto listener = std::make_unique<Listener>();
    listener->fd = fd;
    listener->tenant = tenant;
    if (!Watch(fd, listener.get())) return false;
    listeners_.push_back(std::move(listener));
    return true;
  }
  // Listens on a port that the kernel chooses.
  bool Open(TenantId tenant) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const sockaddr_in address = Loopback(0);
    return bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 &&
           listen(fd, 4096) == 0 && AddListener(fd, tenant);
  }

  // Gives tenants and listeners what the file says. A tenant that is not in it any more loses its
  // value: all of its connections see that at once.
  bool Apply(Policies policies) {
    // The new shapes are there beside the old ones for a while. If there is no room for so many,
    // some connections have theirs outside of the table until the old ones are gone.
    std::set<uint32_t> shapes;
    for (const auto& [tenant, policy] : policies) shapes.insert(policy.second.chunk_bytes);
    static_cast<void>(maps_.shapes->EnsureRoom(static_cast<uint32_t>(shapes.size())));
    for (const auto& [tenant, old] : std::exchange(policies_, std::move(policies))) {
      if (!policies_.contains(tenant)) static_cast<void>(maps_.tenants->Erase(tenant));
    }
    for (const auto& [tenant, policy] : policies_) {
      if (maps_.tenants->Set(tenant, policy.first) != Status::kOk) return false;
      const bool is_known =
          std::any_of(listeners_.begin(), listeners_.end(),
                      [tenant = tenant](const auto& each) { return each->tenant == tenant; });
      if (!is_known && !Open(tenant)) return false;
    }
    for (const auto& listener : listeners_) {
      if (!policies_.contains(listener->tenant)) continue;
      if (maps_.tenants->Assign(*listener, listener->tenant) != Status::kOk ||
          maps_.shapes->Update(*listener, ShapeOf(listener->tenant)) != Status::kOk) {
        return false;
      }
    }
    return true;
  }

  void Reload() {
    Policies policies;
    if (!ReadPolicies(arguments_[2], &policies)) return;  // goes on with the old ones
    if (!Apply(std::move(policies))) std::fprintf(stderr, "proxy: not all could be applied\n");
    for (const auto& worker : workers_) {
      worker->Do([&] {
        for (const auto& [connection, owned] : worker->all()) {
          if (connection->is_dead) continue;
          // If there is no memory, the connection keeps the shape that it has.
          const Shape shape = ShapeOf(maps_.TenantOf(*connection));
          static_cast<void>(maps_.shapes->Update(*connection, shape));
          if (!maps_.IsOpen(*connection)) worker->End(connection);
        }
      });
    }
    ++reloads_;
  }

  void Accept(Listener* listener) {
    for (;;) {
      const int fd = accept4(listener->fd, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
      if (fd < 0 && errno == EMFILE) {  // or the listener would stay ready, and this loop busy
        close(spare_);
        const int refused = accept4(listener->fd, nullptr, nullptr, SOCK_CLOEXEC);
        if (refused >= 0) close(refused);
        spare_ = OpenSpare();
        if (refused >= 0 && spare_ >= 0) continue;
      }
      if (fd < 0) return;
      auto connection = std::make_unique<Connection>();
      const int upstream = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
      connection->client.fd = fd;
      connection->upstream.fd = upstream;
      // The connection gets the listener's tenant and shape: two indexes, in one word.
      const auto* const address = reinterpret_cast<const sockaddr*>(&upstream_);
      if (maps_.IsOpen(*listener) &&
          (connect(upstream, address, sizeof(upstream_)) == 0 || errno == EINPROGRESS) &&
          maps_.store->Clone(*listener, *connection) == Status::kOk) {
        NextWorker().Add(std::move(connection));
      } else {
        close(fd);
        close(upstream);
      }
    }
  }

  // The store's families, and the proxy's own, in a file that is there as a whole or not at all.
  bool WriteMetrics() {
    inlay::StoreReport report = maps_.store->Report(report_.has_value() ? &*report_ : nullptr);
    std::string text = inlay::ToOpenMetrics(report);
    text.erase(text.rfind("# EOF\n"));
    report_ = std::move(report);
    const auto add = [&](const std::string& name, const char* type, uint64_t value) {
      text += "# TYPE proxy_" + name + " " + type + "\nproxy_" + name;
      text += (*type == 'c' ? "_total " : " ") + std::to_string(value) + "\n";
    };
    add("connections", "gauge", workers_[0]->connections() + workers_[1]->connections());
    add("bytes", "counter", workers_[0]->bytes() + workers_[1]->bytes());
    add("reloads", "counter", reloads_);
    add("reports", "counter", ++reports_);
    text += "# TYPE proxy_tenant_holders gauge\n";
    maps_.tenants->ForEach([&](const TenantId& tenant, const Access*, uint32_t holders) {
      text += "proxy_tenant_holders{tenant=\"" + std::to_string(tenant) + "\"} " +
              std::to_string(holders) + "\n";
    });
    text += "# EOF\n";
    const std::string fresh = std::string(arguments_[3]) + ".new";
    std::ofstream file(fresh);
    file << text;
    file.close();
    return !file.fail() && std::rename(fresh.c_str(), arguments_[3]) == 0;
  }

  // Ends the workers. Nobody has policies any more.
  Left StopAll() {
    Left left;
    for (const auto& worker : workers_) {
      for (auto& [connection, owned] : worker->Stop()) {
        const TenantId tenant = maps_.TenantOf(*connection);
        maps_.store->Close(*connection);
        left.emplace_back(std::move(owned), tenant);
      }
    }
    for (const auto& listener : listeners_) maps_.store->Close(*listener);
    return left;
  }

  // 1 if a policy is still held, which would be a leak.
  int End() {
    StopAll();  // the system closes the sockets
    for (const auto& [tenant, policy] : policies_) static_cast<void>(maps_.tenants->Erase(tenant));
    const bool is_written = WriteMetrics();
    if (!is_written) std::perror("proxy: cannot write metrics");
    uint64_t held = 0;
    for (const inlay::MapReport& map : report_->maps) held += map.live;
    if (held != 0) std::fputs(inlay::ToText(*report_).c_str(), stderr);
    return is_written && held == 0 ? 0 : 1;
  }

  // Starts the program anew in this process, with a list of the sockets that go on: the listeners,
  // and the connections that have no bytes under way. All policies come from the file.
  void Restart() {
    Policies next;
    if (!ReadPolicies(arguments_[2], &next)) return;  // the next program could not start
    std::string list;
    const auto keep = [&](int fd, int upstream, TenantId tenant) {
      for (const int each : {fd, upstream}) fcntl(each, F_SETFD, 0);  // stays open over exec()
      list += std::to_string(fd) + ' ' + std::to_string(upstream) + ' ' + std::to_string(tenant);
      list += '\n';
    };
    for (const auto& [connection, tenant] : StopAll()) {
      const Side& client = connection->client;
      const Side& upstream = connection->upstream;
      const bool is_idle = client.pending.empty() && upstream.pending.empty() &&
                           !client.has_ended && !upstream.has_ended;
      if (is_idle) keep(client.fd, upstream.fd, tenant);
    }
    for (const auto& listener : listeners_) keep(listener->fd, -1, listener->tenant);
    const int fd = memfd_create("sockets", 0);
    if (write(fd, list.data(), list.size()) == static_cast<ssize_t>(list.size())) {
      setenv(kSocketsVariable, std::to_string(fd).c_str(), 1);
      execv("/proc/self/exe", arguments_);
    }
    std::perror("proxy: cannot restart");
    std::exit(1);
  }

  bool TakeOver(int list_fd) {
    std::FILE* const list = fdopen(list_fd, "r");
    if (list == nullptr) return false;
    std::rewind(list);
    int fd = -1;
    int upstream = -1;
    TenantId tenant = 0;
    while (std::fscanf(list, "%d %d %u", &fd, &upstream, &tenant) == 3) {
      for (const int each : {fd, upstream}) fcntl(each, F_SETFD, FD_CLOEXEC);
      if (upstream < 0) {
        if (!AddListener(fd, tenant)) return false;
        continue;
      }
      auto& connection = taken_over_.emplace_back(std::make_unique<Connection>(), tenant).first;
      connection->client.fd = fd;
      connection->upstream.fd = upstream;
    }
    return std::fclose(list) == 0;
  }

  char** const arguments_;
  const sockaddr_in upstream_;
  Maps maps_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  Policies policies_;
  Left taken_over_;
  std::unique_ptr<Worker> workers_[2];
  size_t next_worker_ = 0;
  const int epoll_ = epoll_create1(EPOLL_CLOEXEC);
  int signals_ = -1;
  int spare_ = OpenSpare();  // a descriptor, to refuse a client by when there is no other
  uint64_t reloads_ = 0;
  uint64_t reports_ = 0;
  std::optional<inlay::StoreReport> report_;
};

}  // namespace

int main(int argc, char** argv) {
  const int port = argc == 4 ? std::atoi(argv[1]) : 0;
  if (port <= 0 || port > 65535) {
    std::fprintf(stderr, "usage: %s UPSTREAM_PORT POLICY_FILE METRICS_FILE\n", argv[0]);
    return 2;
  }
  rlimit files{};  // two descriptors for each connection
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  Proxy proxy(argv, static_cast<uint16_t>(port));
  if (proxy.Start()) return proxy.Run();
  std::fprintf(stderr, "proxy: cannot start\n");
  return 1;
}
