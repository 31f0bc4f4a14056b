#include "tools/capture/table_reader.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tools/capture/system/capabilities.h"

namespace inlay::capture {
namespace {

// ENOTSUPP is internal to the kernel: errno.h does not define it.
constexpr int kNotSupported = 524;

// Limits of a batch, in bytes and in entries.
constexpr size_t kBatchBytes = size_t{4} << 20;
constexpr size_t kMostInBatch = 4096;

const std::vector<Capability> kToRead = {Capability::kBpf};

bool HasNoBatches(int error) {
  return error == kNotSupported || error == EOPNOTSUPP || error == EINVAL;
}

class Reader {
 public:
  Reader(const KernelMap& map, bool locked, const OnTableValue& on_value,
         const std::function<bool()>& stop)
      : map_(map),
        flags_(locked ? BPF_F_LOCK : 0),
        cpus_(map.is_per_cpu() ? static_cast<size_t>(std::max(libbpf_num_possible_cpus(), 1)) : 1),
        // Per-CPU values are aligned to 8 bytes.
        stride_bytes_(map.is_per_cpu() ? (map.value_bytes + 7) / 8 * 8 : map.value_bytes),
        on_value_(on_value),
        stop_(stop) {}

  absl::StatusOr<TableRead> Read() {
    const absl::Status status = ReadInBatches();
    if (absl::IsUnimplemented(status)) {
      read_.in_batches = false;
      const absl::Status single = ReadByKey();
      if (!single.ok()) return single;
    } else if (!status.ok()) {
      return status;
    }
    return read_;
  }

 private:
  std::string What() const { return absl::StrCat("reading map ", map_.id, " '", map_.name, "'"); }

  absl::Status Give(const uint8_t* key, uint8_t* entry) {
    ++read_.entries;
    for (size_t cpu = 0; cpu < cpus_; ++cpu) {
      const absl::Status status =
          on_value_({key, map_.key_bytes}, {entry + cpu * stride_bytes_, map_.value_bytes});
      if (!status.ok()) return status;
    }
    return absl::OkStatus();
  }

  absl::Status CheckStop() const {
    return stop_ && stop_() ? absl::CancelledError("interrupted") : absl::OkStatus();
  }

  // kUnimplemented if this kernel has no batch lookups for maps of this type.
  absl::Status ReadInBatches() {
    const size_t entry_bytes = stride_bytes_ * cpus_;
    // A batch holds at least one bucket; the kernel answers ENOSPC if it does not fit.
    auto room = static_cast<uint32_t>(
        std::clamp<size_t>(kBatchBytes / (map_.key_bytes + entry_bytes), 1, kMostInBatch));
    // The batch cursor is a bucket number of 4 bytes in a hash, a key in an array.
    std::vector<uint8_t> place(std::max<size_t>(map_.key_bytes, 8));
    std::vector<uint8_t> keys;
    std::vector<uint8_t> values;
    bpf_map_batch_opts options = {};
    options.sz = sizeof(options);
    options.elem_flags = flags_;
    for (bool first = true;;) {
      room = std::min(room, std::max<uint32_t>(map_.max_entries, 1));
      keys.resize(size_t{room} * map_.key_bytes);
      values.resize(room * entry_bytes);
      uint32_t count = room;
      std::vector<uint8_t> next(place.size());
      const int failed =
          bpf_map_lookup_batch(map_.fd.get(), first ? nullptr : place.data(), next.data(),
                               keys.data(), values.data(), &count, &options);
      const int error = failed == 0 ? 0 : errno;
      if (error == ENOSPC && room < map_.max_entries) {
        room *= 2;
        continue;
      }
      if (first && HasNoBatches(error)) return absl::UnimplementedError("no batches");
      if (error != 0 && error != ENOENT) return CallFailed(What(), error, kToRead);
      for (uint32_t i = 0; i < count; ++i) {
        const absl::Status status =
            Give(keys.data() + size_t{i} * map_.key_bytes, values.data() + i * entry_bytes);
        if (!status.ok()) return status;
      }
      if (error == ENOENT) return absl::OkStatus();  // the last batch
      const absl::Status stopped = CheckStop();
      if (!stopped.ok()) return stopped;
      place = std::move(next);
      first = false;
    }
  }

  absl::Status ReadByKey() {
    std::vector<uint8_t> key(map_.key_bytes);
    std::vector<uint8_t> next(map_.key_bytes);
    std::vector<uint8_t> value(stride_bytes_ * cpus_);
    // If the key was deleted, the kernel starts again at the first key.
    std::set<std::vector<uint8_t>> seen;
    for (bool first = true;; first = false) {
      if (bpf_map_get_next_key(map_.fd.get(), first ? nullptr : key.data(), next.data()) != 0) {
        return errno == ENOENT ? absl::OkStatus() : CallFailed(What(), errno, kToRead);
      }
      key.swap(next);
      const absl::Status stopped = CheckStop();
      if (!stopped.ok()) return stopped;
      if (!seen.insert(key).second) continue;
      if (bpf_map_lookup_elem_flags(map_.fd.get(), key.data(), value.data(), flags_) != 0) {
        if (errno != ENOENT) return CallFailed(What(), errno, kToRead);
        ++read_.vanished;
        continue;
      }
      const absl::Status status = Give(key.data(), value.data());
      if (!status.ok()) return status;
    }
  }

  const KernelMap& map_;
  const uint64_t flags_;
  const size_t cpus_;
  const size_t stride_bytes_;
  const OnTableValue& on_value_;
  const std::function<bool()>& stop_;
  TableRead read_;
};

}  // namespace

absl::StatusOr<TableRead> ReadTable(const KernelMap& map, bool locked, const OnTableValue& on_value,
                                    const std::function<bool()>& stop) {
  return Reader(map, locked, on_value, stop).Read();
}

absl::StatusOr<uint64_t> CountTableEntries(const KernelMap& map) {
  if (map.type == BPF_MAP_TYPE_ARRAY || map.type == BPF_MAP_TYPE_PERCPU_ARRAY) {
    return map.max_entries;
  }
  const absl::StatusOr<TableRead> read =
      ReadTable(map, false,
                [](std::span<const uint8_t>, std::span<uint8_t>) { return absl::OkStatus(); }, {});
  if (!read.ok()) return read.status();
  return read->entries;
}

}  // namespace inlay::capture
