// A program that keeps the policies of its connections from one life to the next. Each life is a
// process of its own:
//
//   1  makes the map, and saves it
//   2  is the same program: loads, changes, saves
//   3  has a larger Policy: migrates each distinct one, and saves
//   4  has a Policy that the old ones say nothing of: is refused, and begins anew
//
// Without arguments it starts the four lives; `four_lives N FILE` is one of them.

#include <inlay/index_map.h>
#include <inlay/map_directory.h>
#include <inlay/snapshot.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace {

using inlay::Status;

constexpr size_t kConnections = 1000;
constexpr uint32_t kPolicies = 10;

struct Policy {  // schema 1
  uint32_t rate_limit, priority;
};
struct PolicyWithBurst {  // schema 2
  uint32_t rate_limit, priority;
  uint64_t burst;
};
struct Quota {  // schema 3
  uint64_t bytes_a_day;
};

struct Connection {
  inlay::InlineWords<16> words;
  auto& inline_words() { return words; }
  auto& inline_words() const { return words; }
};

bool Require(bool holds, const char* what) {
  if (!holds) std::printf("  FAILED: %s\n", what);
  return holds;
}

// The connections of a life, and their map of T.
template <typename T>
class Life {
 public:
  explicit Life(uint64_t schema) : schema_(schema) {
    Status status = inlay::Store::Create({.reserved_bits = 16}, &store_);
    if (status == Status::kOk) status = inlay::MapDirectory::Create(*store_, &directory_);
    inlay::OpenOptions options;
    options.map.name = "policy";
    options.map.width_bits = 10;
    options.schema = schema;
    std::string error;
    if (status == Status::kOk) status = OpenSharedMap(*directory_, options, &map_, &error);
    if (!Require(status == Status::kOk, error.c_str())) std::exit(1);
  }
  ~Life() {
    for (Connection& connection : connections_) store_->Close(connection);
  }
  Life(const Life&) = delete;
  Life& operator=(const Life&) = delete;

  std::vector<Connection>& connections() { return connections_; }
  const inlay::SharedMapHandle<T>& map() const { return map_; }

  bool Save(const std::string& path) {
    std::string error;
    const Status status = SaveSnapshot(
        map_.bytes(), path, {.schema = schema_},
        [this](inlay::SnapshotSaver& save) {
          for (size_t id = 0; id < connections_.size(); ++id) save(id, connections_[id]);
        },
        &error);
    return Require(status == Status::kOk, error.c_str());
  }
  Status Load(const std::string& path, const inlay::MigrateFn& migrate, std::string* error) {
    return LoadSnapshot(
        map_.bytes(), path, {.schema = schema_, .migrate = migrate, .owners_are_new = true},
        [this](inlay::OwnerKey id) {
          return id < connections_.size() ? &connections_[id] : nullptr;
        },
        &result_, error);
  }
  const inlay::LoadResult& result() const { return result_; }

  // Whether holds(id, value) for all connections.
  template <typename Holds>
  bool All(const char* what, const Holds& holds) const {
    const inlay::SharedMapReader<T> reader(map_);
    bool all = true;
    for (size_t id = 0; id < connections_.size(); ++id) {
      const std::optional<T> value = reader.Load(connections_[id]);
      all = all && value.has_value() && holds(static_cast<uint32_t>(id), *value);
    }
    return Require(all, what);
  }

 private:
  const uint64_t schema_;
  std::vector<Connection> connections_{kConnections};
  std::unique_ptr<inlay::Store> store_;
  std::unique_ptr<inlay::MapDirectory> directory_;
  inlay::SharedMapHandle<T> map_;
  inlay::LoadResult result_;
};

bool FirstLife(const std::string& path) {
  Life<Policy> life(1);
  for (uint32_t id = 0; id < kConnections; ++id) {
    const Policy policy{.rate_limit = 100 * (id % kPolicies), .priority = 1};
    if (life.map().Update(life.connections()[id], policy) != Status::kOk) return false;
  }
  std::printf("life 1: made %zu connections with %u policies\n", kConnections, kPolicies);
  return life.Save(path);
}

bool SecondLife(const std::string& path) {
  Life<Policy> life(1);
  std::string error;
  if (!Require(life.Load(path, nullptr, &error) == Status::kOk, error.c_str())) return false;
  std::printf("life 2: loaded %llu connections\n",
              static_cast<unsigned long long>(life.result().owners));
  const bool all = life.All("the values of life 1", [](uint32_t id, const Policy& policy) {
    return policy.rate_limit == 100 * (id % kPolicies) && policy.priority == 1;
  });
  for (Connection& connection : life.connections()) {
    const Status status = life.map().Modify(connection, [](Policy& of) { of.priority = 2; });
    if (status != Status::kOk) return false;
  }
  return all && life.Save(path);
}

bool ThirdLife(const std::string& path) {
  Life<PolicyWithBurst> life(2);
  uint32_t calls = 0;
  const auto add_burst = [&](const inlay::SnapshotHeader& from, std::span<const std::byte> old,
                             std::span<std::byte> value) {
    if (from.schema != 1 || old.size() != sizeof(Policy)) return false;
    ++calls;
    Policy policy;
    std::memcpy(&policy, old.data(), sizeof(policy));
    const PolicyWithBurst grown{policy.rate_limit, policy.priority,
                                uint64_t{2} * policy.rate_limit};
    std::memcpy(value.data(), &grown, sizeof(grown));
    return true;
  };
  std::string error;
  if (!Require(life.Load(path, add_burst, &error) == Status::kOk, error.c_str())) return false;
  std::printf("life 3: migrated %u policies of %llu connections\n", calls,
              static_cast<unsigned long long>(life.result().owners));
  return life.All("the values of life 2, grown", [](uint32_t id, const PolicyWithBurst& policy) {
    return policy.rate_limit == 100 * (id % kPolicies) && policy.priority == 2 &&
           policy.burst == uint64_t{2} * policy.rate_limit;
  }) && life.Save(path);
}

bool FourthLife(const std::string& path) {
  {
    Life<Quota> life(3);
    std::string error;
    if (!Require(life.Load(path, nullptr, &error) == Status::kIncompatible, "is refused")) {
      return false;
    }
    std::printf("life 4: refused: %s\n", error.substr(path.size() + 2).c_str());
    const inlay::SharedMapReader<Quota> reader(life.map());
    if (!Require(!reader.Load(life.connections()[0]).has_value(), "nothing changed")) return false;
    for (Connection& connection : life.connections()) {
      if (life.map().Update(connection, {.bytes_a_day = 5}) != Status::kOk) return false;
    }
    if (!life.Save(path)) return false;
  }
  Life<Quota> again(3);
  std::string error;
  if (!Require(again.Load(path, nullptr, &error) == Status::kOk, error.c_str())) return false;
  std::printf("life 4: began anew with %llu connections\n",
              static_cast<unsigned long long>(again.result().owners));
  return again.All("the quotas", [](uint32_t, const Quota& of) { return of.bytes_a_day == 5; });
}

// Runs a life as a process of its own.
bool Run(const char* number, const std::string& path) {
  std::fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    execl("/proc/self/exe", "four_lives", number, path.c_str(), nullptr);
    _exit(127);
  }
  int status = 0;
  return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) &&
         WEXITSTATUS(status) == 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 3) {
    bool (*const lives[])(const std::string&) = {&FirstLife, &SecondLife, &ThirdLife, &FourthLife};
    const int number = std::atoi(argv[1]);
    return number >= 1 && number <= 4 && lives[number - 1](argv[2]) ? 0 : 1;
  }
  std::string folder = (std::filesystem::temp_directory_path() / "inlay_XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr) return 1;
  bool all = true;
  for (const char* const number : {"1", "2", "3", "4"}) {
    all = all && Run(number, folder + "/policies");
  }
  std::filesystem::remove_all(folder);
  return all ? 0 : 1;
}
