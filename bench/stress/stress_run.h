// StressRun<Map>: threads that do everything to the values of one layout at once.
//
// Sockets come in three kinds:
//   - tracked: one thread writes each, so that every status is known beforehand and every reader
//     knows which values it may see. The sockets of a group get equal values. One of them listens.
//   - contended: all threads write them; readers can check what the bytes prove.
//   - passing: accepted, written and closed again by one thread while others find them.

#ifndef INLAY_BENCH_STRESS_STRESS_RUN_H_
#define INLAY_BENCH_STRESS_STRESS_RUN_H_

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "bench/stress/findings.h"
#include "bench/stress/proving_value.h"
#include "bench/stress/stress_options.h"
#include "bench/stress/track.h"
#include "inlay/emulated/value_map.h"
#include "inlay/rcu.h"

namespace inlay {

template <typename Map>
class StressRun {
 public:
  StressRun(const StressOptions& options, uint32_t width_bits, Findings* findings)
      : options_(options), width_bits_(width_bits), findings_(*findings) {}

  // Runs to the end, and checks then that nothing is left.
  void Run() {
    if (!SetUp()) return;
    const auto end =
        std::chrono::steady_clock::now() + std::chrono::duration<double>(options_.seconds);
    std::vector<std::thread> threads;
    for (unsigned t = 0; t < options_.threads; ++t) {
      threads.emplace_back([this, t, end] {
        Worker worker{.number = t, .random = std::mt19937_64(options_.seed * 1000 + t)};
        for (uint64_t n = 0;
             options_.steps != 0 ? n < options_.steps : std::chrono::steady_clock::now() < end;
             ++n) {
          findings_.CountOperations(Act(worker));
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    TearDown();
  }

 private:
  static constexpr size_t kMaps = 2;
  static constexpr size_t kGroupsPerThread = 3;
  static constexpr size_t kSocketsPerGroup = 3;
  static constexpr size_t kContended = 4;
  static constexpr uint64_t kContendedGroup = ~uint64_t{0};
  static constexpr uint64_t kContendedGenerations = 600;
  static constexpr size_t kSlowReads = 256;
  static constexpr size_t kReadAtOnce = 40;  // more than GetMany() prefetches together

  struct Tracked {
    int fd = -1;
    Socket* socket = nullptr;
    uint64_t group = 0;
    std::array<Track, kMaps> tracks;
  };
  struct Worker {
    unsigned number;
    std::mt19937_64 random;
    std::array<std::array<Track::State, kMaps>, kGroupsPerThread> states = {};
    std::array<uint64_t, kGroupsPerThread> generations = {};
    uint64_t Below(uint64_t n) { return random() % n; }
  };

  size_t groups() const { return options_.threads * kGroupsPerThread; }
  Tracked& tracked(size_t group, size_t member) {
    return *tracked_[group * kSocketsPerGroup + member];
  }

  // --- before and after

  bool CreateMap(std::unique_ptr<Map>* map) {
    MapOptions options;
    options.name = "stress";
    options.value_bytes = sizeof(ProvingValue);
    options.width_bits = width_bits_;
    options.clone = true;
    const Status status = Map::Create(*table_, options, map);
    findings_.Require(status == Status::kOk, "a map cannot be made");
    return status == Status::kOk;
  }

  Socket* OpenSocket(int* fd) {
    Socket* socket = nullptr;
    if (table_->Open(SocketFamily::kTcp, fd) == Status::kOk) {
      const ReadSection section;
      if (table_->Find(*fd, &socket) != Status::kOk) socket = nullptr;
    }
    findings_.Require(socket != nullptr, "a socket cannot be opened");
    return socket;
  }

  bool SetUp() {
    SocketTableOptions options;
    options.inline_bits = 256;
    options.tail_bytes = 512;
    if (SocketTable::Create(options, &table_) != Status::kOk) {
      findings_.Wrong("no memory for a socket table");
      return false;
    }
    for (auto& map : maps_) {
      if (!CreateMap(&map)) return false;
    }
    for (size_t group = 0; group < groups(); ++group) {
      for (size_t member = 0; member < kSocketsPerGroup; ++member) {
        auto made = std::make_unique<Tracked>();
        made->socket = OpenSocket(&made->fd);
        made->group = group;
        if (made->socket == nullptr) return false;
        tracked_.push_back(std::move(made));
      }
      findings_.Require(table_->Listen(tracked(group, 0).fd) == Status::kOk, "listen fails");
    }
    for (Socket*& socket : contended_) {
      int fd = -1;
      socket = OpenSocket(&fd);
      if (socket == nullptr) return false;
    }
    return true;
  }

  void TearDown() {
    std::string reason;
    if (!table_->store().CheckInvariants(&reason)) findings_.Wrong("invariants: " + reason);
    for (auto& map : maps_) {
      if (!map->CheckInvariants(&reason)) findings_.Wrong("invariants: " + reason);
    }
    // The last value of each tracked socket, exactly.
    for (const auto& one : tracked_) {
      for (size_t m = 0; m < kMaps; ++m) {
        const ReadSection section;
        const Track& track = one->tracks[m];
        CheckFound(*one, m, maps_[m]->Get(*one->socket), track.completed(), track.started());
      }
    }
    for (auto& map : maps_) map.reset();
    if (!table_->store().CheckInvariants(&reason)) findings_.Wrong("invariants: " + reason);
    // Twice: work after the first grace period may retire more objects.
    RetireBarrier();
    RetireBarrier();
    findings_.Require(table_->private_usage().private_bytes == 0, "L1: private memory is left");
    findings_.Require(table_->store().account().used_bytes() == 0, "L1: a table's charge is left");
    const int32_t reserved = table_->reserved_bytes();
    table_->ForEach([&](Socket& socket) {
      findings_.Require(socket.sk_omem_alloc.load() == reserved, "L1: a socket's charge is left");
    });
    findings_.Require(table_->sockets() == tracked_.size() + contended_.size(),
                      "a passing socket is left");
    table_.reset();
  }

  // --- what is right

  void CheckFound(const Tracked& one, size_t m, const std::byte* found, Track::State before,
                  uint64_t last) {
    if (found == nullptr) {
      findings_.Require(Track::MayBeAbsent(before, last), "a value is missing");
      return;
    }
    CheckValue(ProvingValue::At(found), one.group, m, before, last);
  }
  void CheckValue(const ProvingValue& value, uint64_t group, size_t m, Track::State before,
                  uint64_t last) {
    if (!value.Proves(m, group)) {
      findings_.Wrong("bytes of map " + std::to_string(value.map_id) + ", group " +
                      std::to_string(value.group) + ", generation " +
                      std::to_string(value.generation) + " are found in map " + std::to_string(m) +
                      ", group " + std::to_string(group));
    } else if (!Track::MayBe(value.generation, before, last)) {
      findings_.Wrong("generation " + std::to_string(value.generation) +
                      " is found, not one from " + std::to_string(before.generation) + " to " +
                      std::to_string(last));
    }
  }
  void CheckAge(const Tracked& one, size_t m, uint64_t generation) {
    const Age age = one.tracks[m].AgeOf(generation);
    findings_.CountAge(age);
    findings_.Require(age != Age::kTooOld, "a grace period passes beside a reader of an old value");
  }

  // --- what threads do

  // One step. Returns how many operations of maps it was: calls of their functions.
  uint64_t Act(Worker& worker) {
    const uint64_t choice = worker.Below(1000);
    if (choice < 380) return Read(worker);
    if (choice < 400) return ReadManyAtOnce(worker);
    if (choice < 700) return ChangeGroup(worker);
    if (choice < 850) return WriteContended(worker);
    if (choice < 900) return ReadContended(worker);
    if (choice < 980) return AcceptAndClose(worker);
    if (choice < 990) return ReadSlowly(worker);
    if (choice < 995) return FreeAndReopenMap(worker);
    if (choice < 996 && options_.forks) return Fork(worker);
    return MakeRoom(worker);
  }

  // What a layout offers to those that look after its table.
  uint64_t MakeRoom(Worker& worker) {
    Map& map = *maps_[worker.Below(kMaps)];
    const uint64_t choice = worker.Below(3);
    if constexpr (requires { map.Reclaim(); }) {
      if (choice == 0) map.Reclaim();
    }
    if constexpr (requires { map.BringHome(1); }) {
      if (choice == 1) map.BringHome(1 + worker.Below(100));
    }
    if constexpr (requires { map.EnsureRoom(1); }) {
      if (choice == 2) {
        const Status status = map.EnsureRoom(static_cast<uint32_t>(1 + worker.Below(100)));
        findings_.Require(status == Status::kOk || IsNoMemory(status), "EnsureRoom() fails");
      }
    }
    return 1;
  }

  uint64_t Read(Worker& worker) {
    const size_t m = worker.Below(kMaps);
    const Tracked& one = *tracked_[worker.Below(tracked_.size())];
    const Track& track = one.tracks[m];
    const ReadSection section;
    const Track::State before = track.completed();
    const std::byte* const found = maps_[m]->Get(*one.socket);
    CheckFound(one, m, found, before, track.started());
    if (found == nullptr) return 1;
    const ProvingValue first = ProvingValue::At(found);
    if (worker.Below(8) == 0) std::this_thread::yield();
    findings_.Require(std::memcmp(&first, found, sizeof(first)) == 0, "V2: bytes have changed");
    CheckAge(one, m, first.generation);
    return 1;
  }

  // Some sockets twice and some not at all, as a program's packets come.
  uint64_t ReadManyAtOnce(Worker& worker) {
    using Many = std::array<const std::byte*, kReadAtOnce>;
    if constexpr (requires(Map & map, std::span<Socket* const> of, Many found) {
                    map.GetMany(of, std::span<const std::byte*>(found));
                  }) {
      const size_t m = worker.Below(kMaps);
      std::array<const Tracked*, kReadAtOnce> some;
      std::array<Socket*, kReadAtOnce> sockets;
      std::array<Track::State, kReadAtOnce> before;
      Many found;
      const ReadSection section;
      for (size_t i = 0; i < kReadAtOnce; ++i) {
        some[i] = tracked_[worker.Below(tracked_.size())].get();
        sockets[i] = some[i]->socket;
        before[i] = some[i]->tracks[m].completed();
      }
      maps_[m]->GetMany(std::span<Socket* const>(sockets), std::span<const std::byte*>(found));
      for (size_t i = 0; i < kReadAtOnce; ++i) {
        CheckFound(*some[i], m, found[i], before[i], some[i]->tracks[m].started());
        if (found[i] != nullptr) CheckAge(*some[i], m, ProvingValue::At(found[i]).generation);
      }
      return kReadAtOnce;
    } else {
      return Read(worker);
    }
  }

  // Holds one section over many gets, and checks all found values once more at the end.
  uint64_t ReadSlowly(Worker& worker) {
    struct Seen {
      const Tracked* one;
      size_t m;
      const std::byte* found;
      ProvingValue value;
    };
    std::vector<Seen> seen;
    const ReadSection section;
    for (size_t i = 0; i < kSlowReads; ++i) {
      const size_t m = worker.Below(kMaps);
      const Tracked& one = *tracked_[worker.Below(tracked_.size())];
      const Track::State before = one.tracks[m].completed();
      const std::byte* const found = maps_[m]->Get(*one.socket);
      CheckFound(one, m, found, before, one.tracks[m].started());
      if (found != nullptr) seen.push_back({&one, m, found, ProvingValue::At(found)});
      if (i % 16 == 0) std::this_thread::yield();
    }
    for (const Seen& each : seen) {
      findings_.Require(std::memcmp(&each.value, each.found, sizeof(each.value)) == 0,
                        "V2: bytes have changed under a slow reader");
      CheckAge(*each.one, each.m, each.value.generation);
    }
    return kSlowReads;
  }

  // One change of all sockets of a group that this thread writes alone.
  uint64_t ChangeGroup(Worker& worker) {
    const size_t own = worker.Below(kGroupsPerThread);
    const uint64_t group = worker.number * kGroupsPerThread + own;
    const size_t m = worker.Below(kMaps);
    Map& map = *maps_[m];
    Track::State& state = worker.states[own][m];
    const uint64_t choice = worker.Below(12);
    const UpdateFlag refused = state.present ? UpdateFlag::kNoExist : UpdateFlag::kExist;
    if (choice == 0) {
      for (size_t i = 0; i < kSocketsPerGroup; ++i) RefuseChange(map, group, i, m, state, refused);
      return kSocketsPerGroup;
    }
    const uint64_t generation = ++worker.generations[own];
    const Track::State next{generation, !state.present || choice > 2};
    for (size_t i = 0; i < kSocketsPerGroup; ++i) {
      Tracked& one = tracked(group, i);
      one.tracks[m].Begin(generation);
      const Status status = Change(map, *one.socket, m, group, state, next, choice);
      if (status != Status::kOk) {
        findings_.Wrong("a change answers " + std::string(StatusName(status)));
      }
      one.tracks[m].End(next);
      if (state.present && worker.Below(4) == 0) one.tracks[m].NoteReplaced(state.generation);
    }
    state = next;
    return kSocketsPerGroup;
  }

  Status Change(Map& map, Socket& socket, size_t m, uint64_t group, Track::State state,
                Track::State next, uint64_t choice) {
    if (!next.present) return map.Delete(socket);
    const ProvingValue value = ProvingValue::Make(m, group, next.generation);
    if (state.present && choice < 6) {
      return map.Modify(socket, [&](std::span<std::byte> bytes) {
        const ProvingValue before = ProvingValue::At(bytes.data());
        findings_.Require(before.Proves(m, group) && before.generation == state.generation,
                          "Modify() copies another value than the last one");
        std::memcpy(bytes.data(), &value, sizeof(value));
      });
    }
    if (!state.present && choice < 6) {
      const ReadSection section;
      Status status = Status::kOk;
      const std::byte* const made = map.GetOrCreate(socket, value.bytes(), &status);
      findings_.Require(made != nullptr && std::memcmp(made, &value, sizeof(value)) == 0,
                        "GetOrCreate() gives another value than it was told to make");
      return status;
    }
    const UpdateFlag exact = state.present ? UpdateFlag::kExist : UpdateFlag::kNoExist;
    return map.Update(socket, value.bytes(), choice < 9 ? UpdateFlag::kAny : exact);
  }

  void RefuseChange(Map& map, uint64_t group, size_t member, size_t m, Track::State state,
                    UpdateFlag flag) {
    const ProvingValue value = ProvingValue::Make(m, group, 0);
    const Status expected = state.present ? Status::kExists : Status::kNotFound;
    Socket& socket = *tracked(group, member).socket;
    findings_.Require(map.Update(socket, value.bytes(), flag) == expected,
                      "an update that must be refused is not");
    if (state.present) return;
    findings_.Require(map.Delete(socket) == Status::kNotFound, "an absent value is deleted");
    findings_.Require(map.Modify(socket, [](std::span<std::byte>) {}) == Status::kNotFound,
                      "an absent value is modified");
  }

  uint64_t WriteContended(Worker& worker) {
    const size_t m = worker.Below(kMaps);
    Map& map = *maps_[m];
    Socket& socket = *contended_[worker.Below(kContended)];
    const ProvingValue value =
        ProvingValue::Make(m, kContendedGroup, 1 + worker.Below(kContendedGenerations));
    Status status = Status::kOk;
    switch (worker.Below(6)) {
      case 0:
        status = map.Update(socket, value.bytes(), UpdateFlag::kAny);
        findings_.Require(status == Status::kOk, "a contended update fails");
        return 1;
      case 1:
        status = map.Update(socket, value.bytes(), UpdateFlag::kNoExist);
        findings_.Require(status == Status::kOk || status == Status::kExists,
                          "a contended update with kNoExist fails");
        return 1;
      case 2:
        status = map.Update(socket, value.bytes(), UpdateFlag::kExist);
        break;
      case 3:
        status = map.Delete(socket);
        break;
      case 4: {
        const ReadSection section;
        const std::byte* const made = map.GetOrCreate(socket, value.bytes(), nullptr);
        findings_.Require(made != nullptr && ProvingValue::At(made).Proves(m, kContendedGroup),
                          "a contended GetOrCreate() gives a wrong value");
        return 1;
      }
      default:
        status = map.Modify(socket, [&](std::span<std::byte> bytes) {
          findings_.Require(ProvingValue::At(bytes.data()).Proves(m, kContendedGroup),
                            "Modify() copies a wrong value");
          std::memcpy(bytes.data(), &value, sizeof(value));
        });
    }
    findings_.Require(status == Status::kOk || status == Status::kNotFound,
                      "a contended write fails");
    return 1;
  }

  uint64_t ReadContended(Worker& worker) {
    const size_t m = worker.Below(kMaps);
    const ReadSection section;
    const std::byte* const found = maps_[m]->Get(*contended_[worker.Below(kContended)]);
    if (found == nullptr) return 1;
    const ProvingValue first = ProvingValue::At(found);
    findings_.Require(first.Proves(m, kContendedGroup), "a contended get finds a wrong value");
    if (worker.Below(8) == 0) std::this_thread::yield();
    findings_.Require(std::memcmp(&first, found, sizeof(first)) == 0, "V2: bytes have changed");
    return 1;
  }

  // A child inherits what its listener held while it was accepted, in every map.
  uint64_t AcceptAndClose(Worker& worker) {
    const uint64_t group = worker.Below(groups());
    const Tracked& listener = tracked(group, 0);
    std::array<Track::State, kMaps> before;
    for (size_t m = 0; m < kMaps; ++m) before[m] = listener.tracks[m].completed();
    int fd = -1;
    if (table_->Accept(listener.fd, &fd) != Status::kOk) {
      findings_.Wrong("accept fails");
      return 1;
    }
    std::array<uint64_t, kMaps> last;
    for (size_t m = 0; m < kMaps; ++m) last[m] = listener.tracks[m].started();
    for (size_t m = 0; m < kMaps; ++m) {
      const ReadSection section;
      Socket* child = nullptr;
      findings_.Require(table_->Find(fd, &child) == Status::kOk, "an accepted socket is gone");
      if (child == nullptr) return 1;
      CheckFound(listener, m, maps_[m]->Get(*child), before[m], last[m]);
      const ProvingValue value = ProvingValue::Make(m, group, 1 + worker.Below(100));
      findings_.Require(maps_[m]->Update(*child, value.bytes(), UpdateFlag::kAny) == Status::kOk,
                        "an update of a child fails");
      const std::byte* const found = maps_[m]->Get(*child);
      findings_.Require(found != nullptr && std::memcmp(found, &value, sizeof(value)) == 0,
                        "a child has another value than it was given");
    }
    findings_.Require(table_->Close(fd) == Status::kOk, "close fails");
    return 2 + 3 * kMaps;  // accept and close, and of each map two gets and an update
  }

  // A map of this thread's own, over sockets that the others write, accept and close meanwhile. Its
  // bits or places may be those of a map that was just freed; if none are free, it falls back.
  uint64_t FreeAndReopenMap(Worker& worker) {
    constexpr uint64_t kOwnMap = 77;
    constexpr size_t kSocketsOfNewMap = 8;
    std::unique_ptr<Map> map;
    if (!CreateMap(&map)) return 1;
    for (size_t i = 0; i < kSocketsOfNewMap; ++i) {
      Socket& socket = *tracked_[(worker.number * kSocketsOfNewMap + i) % tracked_.size()]->socket;
      {
        const ReadSection section;
        findings_.Require(map->Get(socket) == nullptr, "a new map has an old value");
      }
      const ProvingValue value = ProvingValue::Make(kOwnMap, worker.number, 1 + worker.Below(5));
      findings_.Require(map->Update(socket, value.bytes(), UpdateFlag::kAny) == Status::kOk,
                        "an update of a new map fails");
      const ReadSection section;
      const std::byte* const found = map->Get(socket);
      findings_.Require(found != nullptr && std::memcmp(found, &value, sizeof(value)) == 0,
                        "a new map has another value than it was given");
    }
    map.reset();
    return 2 + 3 * kSocketsOfNewMap;  // made and freed, and of each socket two gets and an update
  }

  // The child of a fork sees what its parent held. It reads only: other threads' locks may be held
  // in it, and nobody ends their sections.
  uint64_t Fork(Worker& worker) {
    std::array<Track::State, kMaps> before;
    const Tracked& one = *tracked_[worker.number * kGroupsPerThread * kSocketsPerGroup];
    for (size_t m = 0; m < kMaps; ++m) before[m] = one.tracks[m].completed();
    const pid_t child = fork();
    if (child < 0) {
      findings_.Wrong("fork fails");
      return 0;
    }
    if (child == 0) {
      const uint64_t wrong_before = findings_.wrong();
      for (size_t m = 0; m < kMaps; ++m) {
        // This thread writes the socket, so it stands still.
        const ReadSection section;
        CheckFound(one, m, maps_[m]->Get(*one.socket), before[m], one.tracks[m].started());
      }
      _exit(findings_.wrong() == wrong_before ? 0 : 1);
    }
    int status = 0;
    findings_.Require(waitpid(child, &status, 0) == child && status == 0,
                      "a fork's child finds a wrong value");
    return kMaps;
  }

  const StressOptions options_;
  const uint32_t width_bits_;
  Findings& findings_;
  std::unique_ptr<SocketTable> table_;
  std::array<std::unique_ptr<Map>, kMaps> maps_;
  std::vector<std::unique_ptr<Tracked>> tracked_;
  std::array<Socket*, kContended> contended_ = {};
};

}  // namespace inlay

#endif  // INLAY_BENCH_STRESS_STRESS_RUN_H_
