// ShadowTraffic: a thread that opens, connects, accepts, passes and closes TCP and UDP sockets over
// loopback, at random, and changes their values.

#ifndef INLAY_TESTS_BPF_SHADOW_TRAFFIC_H_
#define INLAY_TESTS_BPF_SHADOW_TRAFFIC_H_

#include <netinet/in.h>

#include <atomic>
#include <cstdint>
#include <random>
#include <shared_mutex>
#include <thread>
#include <vector>

#include "engine/live_kernel/file_descriptor.h"

namespace inlay::live_maps {

class ShadowTraffic {
 public:
  // Values get numbers from *first_number on. While `births` is locked, no socket comes or goes;
  // but they still change, send and travel.
  ShadowTraffic(uint64_t seed, const volatile uint32_t* first_number,
                const volatile uint32_t* numbers, std::shared_mutex* births);
  // Ends the thread and closes its sockets.
  ~ShadowTraffic();
  ShadowTraffic(const ShadowTraffic&) = delete;
  ShadowTraffic& operator=(const ShadowTraffic&) = delete;

  uint64_t steps() const { return steps_; }

 private:
  using Socket = live_kernel::FileDescriptor;
  struct Listener {
    Socket socket;
    sockaddr_in6 address;
    socklen_t address_bytes;
  };

  struct Channel {
    Socket in;
    Socket out;
    bool has_socket;
  };

  void Run();
  uint32_t Below(uint32_t bound) { return std::uniform_int_distribution(0u, bound - 1)(random_); }
  uint32_t Number();
  Socket Open(int type, int family);
  Listener Bind(int type, bool set_before);
  void Change(const Socket& socket);
  void Connect();
  void Exchange();
  void OpenChannels();
  void Pass();
  void TakeBack(Channel& channel);
  void CloseOne();

  std::mt19937_64 random_;
  const volatile uint32_t* const first_number_;
  const volatile uint32_t* const numbers_;
  std::shared_mutex& births_;
  std::vector<Listener> listeners_;
  std::vector<Listener> receivers_;  // UDP
  std::vector<Socket> sockets_;
  std::vector<Channel> channels_;
  std::atomic<uint64_t> steps_ = 0;
  std::atomic<bool> ending_ = false;
  std::thread thread_;
};

}  // namespace inlay::live_maps

#endif  // INLAY_TESTS_BPF_SHADOW_TRAFFIC_H_
