#include "engine/live_maps/census.h"

#include <bpf/bpf.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <map>
#include <set>
#include <thread>
#include <utility>

#include "engine/live_maps/census_counts.h"
#include "engine/live_maps/census_programs.h"
#include "engine/live_maps/explained_count.h"
#include "engine/live_maps/map_objects.h"
#include "engine/live_maps/network_namespaces.h"

namespace inlay {
namespace {

using live_kernel::FileDescriptor;

constexpr uint32_t kFewestSockets = 1 << 16;
constexpr int kMostRounds = 8;

std::string CannotEnter(const std::vector<CensusNamespace>& missing) {
  std::string reason = std::to_string(missing.size()) + " network namespaces cannot be entered";
  if (missing[0].id == 0) {
    reason +=
        ": they have no process and no name, no descriptor of a socket leads there, and this "
        "kernel opens none by its id";
  }
  return reason;
}

std::string Unwatched(CensusWatch watch) {
  switch (watch) {
    case CensusWatch::kNothing:
      return "; this kernel does not show when sockets come and go";
    case CensusWatch::kConnections:
      return "; this kernel shows only of TCP sockets when they come and go";
    case CensusWatch::kSockets:
      return "";
  }
  return "";
}

}  // namespace

Census::Census(const std::vector<MarkField>& fields, const std::vector<int>& only_namespaces,
               const CollectorMutation* mutation)
    : fields_(fields), only_namespaces_(only_namespaces), mutation_(mutation) {
  for (const MarkField& field : fields_) {
    first_.push_back(codes_);
    codes_ += field.most_code() + 1;
  }
}

Census::~Census() = default;

Status Census::Load(const std::vector<MarkField>& fields, const std::vector<int>& only_namespaces,
                    const CollectorMutation* mutation, std::unique_ptr<Census>* loaded) {
  if (fields.empty() || fields.size() > kMostCensusMaps) return Status::kInvalid;
  std::unique_ptr<Census> census(new Census(fields, only_namespaces, mutation));
  const Status status = census->LoadPrograms(kFewestSockets);
  if (status == Status::kOk) *loaded = std::move(census);
  return status;
}

Status Census::LoadPrograms(uint32_t most_sockets) {
  CensusPrograms::Shape shape = {.codes = codes_, .most_sockets = most_sockets};
  shape.settings.fields = static_cast<uint32_t>(fields_.size());
  if (mutation_ != nullptr) {
    shape.settings.skip_time_wait = mutation_->no_time_wait;
    shape.settings.skip_requests = mutation_->no_requests;
    if (mutation_->only_connections) shape.most_watch = CensusWatch::kConnections;
    if (mutation_->no_watch) shape.most_watch = CensusWatch::kNothing;
    shape.other_version = mutation_->other_version;
  }
  for (size_t i = 0; i < fields_.size(); ++i) {
    shape.settings.field[i] = {fields_[i].shift, fields_[i].most_code(), first_[i], 0};
  }
  std::unique_ptr<CensusPrograms> loaded;
  if (const Status status = CensusPrograms::Load(shape, &loaded); status != Status::kOk) {
    return status;
  }
  // Without a gap between the old watch and the new one.
  if (is_watching_) {
    loaded->Watch();
    programs_->EndWatch();
    for (size_t i = 0; i < codes_; ++i) loaded->seen()[i] |= programs_->seen()[i];
  }
  most_sockets_ = most_sockets;
  programs_ = std::move(loaded);
  return Status::kOk;
}

void Census::StartPass() { number_in_pass_ = 0; }

void Census::Watch() {
  is_watching_ = true;
  std::ranges::fill(programs_->seen(), 0);
  ForgetLives([](const Life&) { return true; });
  programs_->Watch();
}

void Census::EndWatch() {
  programs_->EndWatch();
  is_watching_ = false;
}

bool Census::HasSeenSockets() const {
  return std::ranges::any_of(Lives(),
                             [&](const Life& life) { return walked_.contains(life.seen.net); });
}

bool Census::WasSeen(size_t field, uint32_t code) const {
  return programs_->seen()[first_[field] + code] != 0;
}

uint32_t Census::UsersOf(size_t field, uint32_t code) const {
  return static_cast<uint32_t>(programs_->users()[first_[field] + code]);
}

Status Census::Walk(const char* program) {
  const FileDescriptor walk(bpf_iter_create(programs_->link(program)));
  if (!walk.ok()) return StatusOfErrno(errno);
  char printed[64];
  for (;;) {
    const ssize_t size = read(walk.get(), printed, sizeof(printed));
    if (size == 0) return Status::kOk;
    // EAGAIN: the kernel pauses after a million objects (Linux 6.12, kernel/bpf/bpf_iter.c).
    if (size < 0 && errno != EAGAIN && errno != EINTR) return StatusOfErrno(errno);
  }
}

Status Census::ListNamespaces(std::vector<CensusNamespace>* listed) {
  programs_->counts().namespaces = 0;
  if (const Status status = Walk("census_list_namespaces"); status != Status::kOk) return status;
  listed->resize(programs_->counts().namespaces);
  for (uint32_t i = 0; i < listed->size(); ++i) {
    CensusNamespace& each = (*listed)[i];
    if (bpf_map_lookup_elem(programs_->MapFd("census_list"), &i, &each) != 0) {
      return StatusOfErrno(errno);
    }
    if (mutation_ != nullptr && mutation_->no_namespace_ids) each.id = 0;
  }
  return Status::kOk;
}

Status Census::FindNamespaces(std::vector<FileDescriptor>* opened, std::vector<Namespace>* found,
                              std::vector<CensusNamespace>* missing) {
  missing->clear();
  walked_.clear();
  std::vector<int> fds = only_namespaces_;
  if (fds.empty()) {
    if (const Status status = ListNamespaces(&listed_); status != Status::kOk) return status;
    *missing = OpenNamespaces(listed_, opened);
    if (!missing->empty()) {
      const Status status = OpenBySockets(missing, opened);
      if (status != Status::kOk) return status;
    }
    for (const FileDescriptor& fd : *opened) fds.push_back(fd.get());
  }
  for (const int fd : fds) {
    Namespace each = {fd, 0, 0, {}};
    if (setns(fd, CLONE_NEWNET) != 0) return StatusOfErrno(errno);
    if (!ReadNamespaceCookie(&each.cookie)) return Status::kUnsupported;
    found->push_back(each);
    walked_.insert(each.cookie);
  }
  return Status::kOk;
}

// On kernels that open no namespace by its id: a socket leads to its own.
Status Census::OpenBySockets(std::vector<CensusNamespace>* missing,
                             std::vector<FileDescriptor>* opened) {
  const int holders = programs_->MapFd("census_holders");
  for (uint32_t inum = 0; bpf_map_get_next_key(holders, nullptr, &inum) == 0;) {
    bpf_map_delete_elem(holders, &inum);
  }
  if (const Status status = Walk("census_find_holders"); status != Status::kOk) return status;
  const auto open = [&](const CensusNamespace& each) {
    CensusHolder holder = {};
    if (bpf_map_lookup_elem(holders, &each.inum, &holder) != 0) return false;
    FileDescriptor fd = OpenNamespaceOfSocket(holder, each.inum);
    if (!fd.ok()) return false;
    opened->push_back(std::move(fd));
    return true;
  };
  missing->erase(std::remove_if(missing->begin(), missing->end(), open), missing->end());
  return Status::kOk;
}

// Both enter namespaces, and so need a thread of their own.
Status Census::Take(Result* result) {
  Status status = Status::kOk;
  std::thread([&] { status = TakeHere(result); }).join();
  return status;
}

Status Census::TakeAfterCount(Result* result) {
  Status status = Status::kOk;
  std::thread([&] { status = TakeAfterCountHere(result); }).join();
  return status;
}

Status Census::InEveryNamespace(const std::function<Status()>& visit) {
  Status status = Status::kOk;
  std::thread([&] {
    std::vector<FileDescriptor> opened;
    std::vector<Namespace> namespaces;
    std::vector<CensusNamespace> missing;
    status = FindNamespaces(&opened, &namespaces, &missing);
    for (size_t i = 0; i < namespaces.size() && status == Status::kOk; ++i) {
      status = setns(namespaces[i].fd, CLONE_NEWNET) == 0 ? visit() : StatusOfErrno(errno);
    }
  }).join();
  return status;
}

void Census::StartCounting() {
  CensusCounts& counts = programs_->counts();
  ++counts.number;
  counts.not_counted = counts.beyond = counts.placeholders = counts.rings = 0;
  std::ranges::fill(programs_->users(), 0);
  const int by_namespace = programs_->MapFd("census_namespaces");
  for (uint64_t cookie = 0; bpf_map_get_next_key(by_namespace, nullptr, &cookie) == 0;) {
    bpf_map_delete_elem(by_namespace, &cookie);
  }
}

// What every census begins with: more room if the last one had too little, and the namespaces.
Status Census::Begin(std::vector<FileDescriptor>* opened, std::vector<Namespace>* found,
                     std::vector<CensusNamespace>* missing) {
  ++number_in_pass_;
  if (programs_->counts().not_counted != 0) {
    const Status status = LoadPrograms(2 * most_sockets_);
    if (status != Status::kOk) return status;
  }
  return FindNamespaces(opened, found, missing);
}

Status Census::TakeHere(Result* result) {
  *result = {};
  std::vector<FileDescriptor> opened;
  std::vector<Namespace> namespaces;
  std::vector<CensusNamespace> missing;
  Status status = Begin(&opened, &namespaces, &missing);
  if (status != Status::kOk) return status;

  StartCounting();
  for (Namespace& each : namespaces) {
    if (setns(each.fd, CLONE_NEWNET) != 0) return StatusOfErrno(errno);
    if (!ReadSocketsUsed(&each.used_before)) return Status::kUnsupported;
  }
  if (mutation_ != nullptr && mutation_->before_walks) mutation_->before_walks(number_in_pass_);
  // A socket that travels while the census walks is met by another round.
  for (int round = 0; round < kMostRounds; ++round) {
    status = WalkAll(namespaces, round == 0);
    if (status != Status::kOk) return status;
    bool has_changed = false;
    status = Check(namespaces, result, &has_changed);
    if (status != Status::kOk || result->reason.empty() || has_changed || !missing.empty()) break;
  }
  if (status != Status::kOk) return status;
  if (!missing.empty()) result->reason = CannotEnter(missing);
  if (!result->reason.empty()) result->reason += RingsWithFiles();
  result->complete = result->reason.empty();
  return Status::kOk;
}

Status Census::WalkAll(const std::vector<Namespace>& namespaces, bool is_first) {
  // In this order: a socket that moves from one table to another does so in this direction. A
  // descriptor becomes a bound, then a connected socket.
  const uint64_t begin = MonotonicNs();
  Status status = Walk("census_files");
  if (status != Status::kOk) return status;
  const uint64_t clock = programs_->counts().clock;
  is_same_clock_ = begin <= clock && clock <= MonotonicNs();
  programs_->counts().clock = 0;
  if (is_first && mutation_ != nullptr && mutation_->after_files)
    mutation_->after_files(number_in_pass_);
  for (const char* const walk : {"census_unix", "census_udp", "census_tcp"}) {
    for (const Namespace& each : namespaces) {
      if (setns(each.fd, CLONE_NEWNET) != 0) return StatusOfErrno(errno);
      status = Walk(walk);
      if (status != Status::kOk) return status;
    }
  }
  return Status::kOk;
}

std::string Census::Overflow() const {
  const CensusCounts& counts = programs_->counts();
  if (counts.not_counted != 0) return "there are more sockets than the census had room for";
  if (counts.beyond != 0) return "a queue of messages is too long to look through";
  return "";
}

std::string Census::RingsWithFiles() const {
  std::set<std::pair<uint32_t, uint32_t>> rings;
  const uint64_t met = std::min<uint64_t>(programs_->counts().rings, kMostRings);
  for (uint32_t i = 0; i < met; ++i) {
    CensusHolder ring = {};
    if (bpf_map_lookup_elem(programs_->MapFd("census_rings"), &i, &ring) != 0) continue;
    std::ifstream info("/proc/" + std::to_string(ring.process) + "/fdinfo/" +
                       std::to_string(ring.fd));
    for (std::string word; info >> word;) {
      uint64_t files = 0;
      if (word == "UserFiles:" && info >> files && files != 0)
        rings.insert({ring.process, ring.fd});
    }
  }
  std::string text;
  for (const auto& [process, fd] : rings) {
    text += "; process " + std::to_string(process) + " has files registered with its io_uring, " +
            "descriptor " + std::to_string(fd) + ", where no census meets sockets";
  }
  return text;
}

std::map<uint64_t, CensusSockets> Census::MetByNamespace() const {
  const int by_namespace = programs_->MapFd("census_namespaces");
  std::map<uint64_t, CensusSockets> met;
  uint64_t cookie = 0;
  for (const void* at = nullptr; bpf_map_get_next_key(by_namespace, at, &cookie) == 0;
       at = &cookie) {
    bpf_map_lookup_elem(by_namespace, &cookie, &met[cookie]);
  }
  return met;
}

Status Census::Check(const std::vector<Namespace>& namespaces, Result* result, bool* has_changed) {
  *result = {};
  const auto incomplete = [&](const std::string& reason) {
    if (result->reason.empty()) result->reason = reason;
  };
  incomplete(Overflow());
  std::map<uint64_t, CensusSockets> met = MetByNamespace();
  for (const Namespace& each : namespaces) {
    uint64_t used = 0;
    if (setns(each.fd, CLONE_NEWNET) != 0) return StatusOfErrno(errno);
    if (!ReadSocketsUsed(&used)) return Status::kUnsupported;
    const auto found = met.find(each.cookie);
    const uint64_t sockets = found == met.end() ? 0 : found->second.met;
    if (found != met.end()) met.erase(found);
    result->sockets += sockets;
    if (used != each.used_before) *has_changed = true;
    if (sockets != used || used != each.used_before) {
      incomplete("met " + std::to_string(sockets) + " sockets of a network namespace that had " +
                 std::to_string(each.used_before) + " before and " + std::to_string(used) +
                 " after");
    }
  }
  if (only_namespaces_.empty() && !met.empty()) {
    incomplete("met sockets of a network namespace that was not found");
  }
  return Status::kOk;
}

Status Census::TakeAfterCountHere(Result* result) {
  *result = {};
  std::vector<FileDescriptor> opened;
  std::vector<Namespace> namespaces;
  std::vector<CensusNamespace> missing;
  Status status = Begin(&opened, &namespaces, &missing);
  if (status != Status::kOk) return status;
  for (Namespace& each : namespaces) {
    if (setns(each.fd, CLONE_NEWNET) != 0) return StatusOfErrno(errno);
    if (!ReadSocketsUsedOften(&each.readings)) return Status::kUnsupported;
    each.used_before = each.readings.back().sockets;
  }
  // One that is made after this has no socket that was there at the moment that counts.
  std::vector<CensusNamespace> after;
  if (only_namespaces_.empty()) status = ListNamespaces(&after);
  if (status != Status::kOk) return status;
  StartCounting();
  if (mutation_ != nullptr && mutation_->before_walks) mutation_->before_walks(number_in_pass_);
  // A socket that travels while the census walks is met by another round.
  uint64_t stayed = 0;
  for (int round = 0; round < kMostRounds; ++round) {
    status = WalkAll(namespaces, round == 0);
    if (status != Status::kOk) return status;
    const uint64_t now = CheckStayed(namespaces, result);
    // While others come and go, a round that has met no more of those that stay is the last one.
    if (result->reason.empty() ||
        (round > 0 && now == stayed && (HasSeenSockets() || HasChanged(namespaces)))) {
      break;
    }
    stayed = now;
  }
  // The next census knows those that this one has met.
  ForgetLives([](const Life& life) { return life.seen.ended != 0 || life.met_now; });
  if (!missing.empty()) {
    result->reason = CannotEnter(missing);
  } else if (!std::equal(listed_.begin(), listed_.end(), after.begin(), after.end(),
                         [](const CensusNamespace& a, const CensusNamespace& b) {
                           return a.id == b.id && a.inum == b.inum;
                         })) {
    result->reason = "a network namespace came or went";
  }
  if (!result->reason.empty()) result->reason += RingsWithFiles();
  result->complete = result->reason.empty();
  return Status::kOk;
}

bool Census::HasChanged(const std::vector<Namespace>& namespaces) {
  return std::any_of(namespaces.begin(), namespaces.end(), [](const Namespace& each) {
    uint64_t used = 0;
    return setns(each.fd, CLONE_NEWNET) != 0 || !ReadSocketsUsed(&used) || used != each.used_before;
  });
}

uint64_t Census::CheckStayed(const std::vector<Namespace>& namespaces, Result* result) {
  *result = {};
  result->reason = Overflow();
  uint64_t stayed = 0;
  const std::map<uint64_t, CensusSockets> met = MetByNamespace();
  std::map<uint64_t, std::vector<KnownLife>> lives;
  for (const Life& life : Lives()) {
    if (life.stayed) continue;  // counted already
    lives[life.seen.net].push_back({life.met_before ? KnownLife::kBefore : life.seen.first,
                                    life.met_now ? KnownLife::kAfter : life.seen.last});
  }
  for (const Namespace& each : namespaces) {
    const auto found = met.find(each.cookie);
    const CensusSockets sockets = found == met.end() ? CensusSockets{} : found->second;
    result->sockets += sockets.met;
    stayed += sockets.stayed;
    const Explanation count = ExplainCount(each.readings, sockets.stayed, lives[each.cookie]);
    if (count.is_complete || !result->reason.empty()) continue;
    result->reason = "two censuses met " + std::to_string(sockets.stayed) +
                     " sockets of a network namespace that had at least " +
                     std::to_string(sockets.stayed + count.fewest_others) + " between them" +
                     Unwatched(programs_->watch());
  }
  return stayed;
}

std::vector<Census::Life> Census::Lives() const {
  std::vector<Life> lives;
  // Programs know the machine's clock, and a time namespace may have another one.
  if (!is_watching_ || !is_same_clock_) return lives;
  const int by_cookie = programs_->MapFd("census_lives");
  const int by_address = programs_->MapFd("census_met");
  const uint64_t census = programs_->counts().number;
  std::set<uint64_t> cookies;
  uint64_t cookie = 0;
  for (const void* at = nullptr; bpf_map_get_next_key(by_cookie, at, &cookie) == 0; at = &cookie) {
    // A walk over a map that changes may come to an element again, which would count twice.
    Life life = {.cookie = cookie};
    if (bpf_map_lookup_elem(by_cookie, &cookie, &life.seen) != 0) continue;
    if (!cookies.insert(cookie).second) continue;
    // Its address may have been another socket's before it, or may be one's by now.
    CensusMet met = {};
    if (bpf_map_lookup_elem(by_address, &life.seen.address, &met) == 0) {
      const bool is_now = met.census == census;
      const uint64_t before = is_now ? met.former : met.census + 1 == census ? met.identity : 0;
      life.met_before = before == cookie;
      life.met_now = is_now && met.identity == cookie;
      life.stayed = life.met_before && is_now && met.stayed != 0;
    }
    lives.push_back(life);
  }
  return lives;
}

void Census::ForgetLives(const std::function<bool(const Life&)>& is_over) {
  const int by_cookie = programs_->MapFd("census_lives");
  for (const Life& life : Lives()) {
    if (is_over(life)) bpf_map_delete_elem(by_cookie, &life.cookie);
  }
}

}  // namespace inlay
