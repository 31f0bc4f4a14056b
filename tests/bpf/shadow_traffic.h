// ShadowTraffic: a thread that opens, connects, accepts, passes and closes TCP and UDP sockets over
// loopback, at random, and changes their values. Now and then it draws new odds for all of these,
// so that it comes through times of many connections, of many changes, and of hardly anything else.

#ifndef INLAY_TESTS_BPF_SHADOW_TRAFFIC_H_
#define INLAY_TESTS_BPF_SHADOW_TRAFFIC_H_

#include <netinet/in.h>
#include <sys/types.h>

#include <array>
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

  // What a step may do.
  enum class Step : uint8_t { kConnect, kClose, kPass, kChange, kExchange, kFork };
  static constexpr size_t kSteps = 6;

  void Run();
  void DrawOdds();
  Step Draw();
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
  void Fork();

  std::mt19937_64 random_;
  // Of each step, and of some of its variants: in 256.
  std::array<uint32_t, kSteps> odds_ = {};
  uint32_t reset_odds_ = 64;
  uint32_t accept_odds_ = 128;
  uint32_t delete_odds_ = 32;
  uint32_t most_bytes_ = 500;
  const volatile uint32_t* const first_number_;
  const volatile uint32_t* const numbers_;
  std::shared_mutex& births_;
  std::vector<Listener> listeners_;
  std::vector<Listener> receivers_;  // UDP
  std::vector<Socket> sockets_;
  std::vector<Channel> channels_;
  pid_t forked_ = 0;  // a child that may still have sockets
  std::atomic<uint64_t> steps_ = 0;
  std::atomic<bool> ending_ = false;
  std::thread thread_;
};

}  // namespace inlay::live_maps

#endif  // INLAY_TESTS_BPF_SHADOW_TRAFFIC_H_
