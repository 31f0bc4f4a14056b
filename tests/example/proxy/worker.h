// Worker: a thread that copies bytes for its connections.

#ifndef PROXY_WORKER_H_
#define PROXY_WORKER_H_

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <functional>
#include <memory>
#include <mutex>
#include <semaphore>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "connection.h"

class Worker {
 public:
  using Connections = std::unordered_map<Connection*, std::unique_ptr<Connection>>;

  explicit Worker(Maps* maps) : maps_(*maps) {
    epoll_event event{.events = EPOLLIN, .data = {.ptr = nullptr}};
    epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_, &event);
    thread_ = std::thread([this] { Run(); });
  }

  // From another thread. Do() waits until the worker has called `order`.
  void Add(std::unique_ptr<Connection> connection) {
    Post([this, added = connection.release()] { TakeIn(added); });
  }
  void Do(const std::function<void()>& order) {
    std::binary_semaphore done{0};
    Post([&] {
      order();
      done.release();
    });
    done.acquire();
  }
  // Ends the thread and returns the connections that are left.
  Connections Stop() {
    Do([this] { stops_ = true; });
    thread_.join();
    close(epoll_);
    close(wake_);
    count_.store(0);
    return std::move(connections_);
  }

  uint64_t connections() const { return count_.load(); }
  uint64_t bytes() const { return bytes_.load(); }

  // In Do().
  const Connections& all() const { return connections_; }
  void End(Connection* connection) {
    if (std::exchange(connection->is_dead, true)) return;
    close(connection->client.fd);
    close(connection->upstream.fd);
    maps_.store->Close(*connection);  // gives its policies back
    dead_.push_back(connection);
  }

 private:
  void Post(std::function<void()> order) {
    {
      const std::lock_guard lock(mutex_);
      orders_.push_back(std::move(order));
    }
    eventfd_write(wake_, 1);
  }

  void Run() {
    std::array<epoll_event, 256> events;
    while (!stops_) {
      const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
      for (size_t i = 0; static_cast<int>(i) < count; ++i) {
        auto* const connection = static_cast<Connection*>(events[i].data.ptr);
        if (connection == nullptr) {
          Obey();
        } else {
          Serve(connection);
        }
      }
      // Not earlier: another event of the same wait may name it.
      for (Connection* const connection : std::exchange(dead_, {})) connections_.erase(connection);
      count_.store(connections_.size());
    }
  }

  void Obey() {
    eventfd_t ignored = 0;
    eventfd_read(wake_, &ignored);
    std::vector<std::function<void()>> orders;
    {
      const std::lock_guard lock(mutex_);
      orders = std::exchange(orders_, {});
    }
    for (const std::function<void()>& order : orders) order();
  }

  // Epoll tells of each change, and Serve() goes on until there is nothing more to do.
  void TakeIn(Connection* connection) {
    connections_.emplace(connection, connection);
    for (const int fd : {connection->client.fd, connection->upstream.fd}) {
      epoll_event event{.events = EPOLLIN | EPOLLOUT | EPOLLET, .data = {.ptr = connection}};
      epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
    }
  }

  void Serve(Connection* connection) {
    Side& client = connection->client;
    Side& upstream = connection->upstream;
    if (connection->is_dead) return;
    if (!maps_.IsOpen(*connection) || !Copy(*connection, &client, &upstream) ||
        !Copy(*connection, &upstream, &client) || (client.was_told && upstream.was_told)) {
      End(connection);
    }
  }

  // Until `from` has no more, or `to` takes no more. False if one of them is broken.
  bool Copy(const Connection& connection, Side* from, Side* to) {
    std::array<char, 65536> buffer;
    for (;;) {
      while (!to->pending.empty()) {
        const ssize_t sent = send(to->fd, to->pending.data(), to->pending.size(), MSG_NOSIGNAL);
        if (sent < 0) return errno == EAGAIN;
        to->pending.erase(0, static_cast<size_t>(sent));
      }
      if (from->has_ended) {
        if (!std::exchange(to->was_told, true)) shutdown(to->fd, SHUT_WR);
        return true;
      }
      // The shape as it is now: a reload may have changed it.
      const size_t chunk_bytes = std::min(maps_.ChunkBytes(connection), buffer.size());
      const ssize_t bytes = recv(from->fd, buffer.data(), chunk_bytes, 0);
      if (bytes < 0) return errno == EAGAIN || errno == ENOTCONN;
      from->has_ended = bytes == 0;
      to->pending.assign(buffer.data(), static_cast<size_t>(bytes));
      bytes_.fetch_add(static_cast<uint64_t>(bytes), std::memory_order_relaxed);
    }
  }

  Maps& maps_;
  const int epoll_ = epoll_create1(EPOLL_CLOEXEC);
  const int wake_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  std::mutex mutex_;
  std::vector<std::function<void()>> orders_;  // guarded by mutex_
  bool stops_ = false;
  Connections connections_;
  std::vector<Connection*> dead_;
  std::atomic<uint64_t> count_{0};
  std::atomic<uint64_t> bytes_{0};
  std::thread thread_;
};

#endif  // PROXY_WORKER_H_
