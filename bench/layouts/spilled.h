// Spilled: index maps whose tables have room for two values, so that nearly every socket has a
// private value. As layouts for get_bench: what a get costs at the end of the overflow ladder.

#ifndef INLAY_BENCH_SPILLED_H_
#define INLAY_BENCH_SPILLED_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <tuple>
#include <utility>

#include "engine/workload/layouts.h"
#include "inlay/emulated/socket.h"
#include "inlay/index_map.h"
#include "inlay/operation.h"
#include "inlay/status.h"
#include "inlay/store.h"

namespace inlay::bench {

// An index map over the words of sockets that does not use their storage pointers, as an embedder's
// connections have none: private values are in a side table. It has a store of its own, for the
// last of the sockets' words, which the socket table's own store leaves alone.
class SideTableSpillMap {
 public:
  static Status Create(SocketTable& table, const MapOptions& options,
                       std::unique_ptr<SideTableSpillMap>* map) {
    if (table.options().inline_bits > kWordBits * (kWords - 1)) return Status::kNoBits;
    std::unique_ptr<SideTableSpillMap> made(new SideTableSpillMap);
    Status status = Store::Create({.reserved_bits = kWords * kWordBits}, &made->store_);
    for (Filler& filler : made->fillers_) {
      if (status != Status::kOk) return status;
      status = made->store_->Register(&filler, Filler::kBits, &filler.field);
      filler.registered = status == Status::kOk;
    }
    if (status == Status::kOk) status = IndexMap::Create(*made->store_, options, &made->map_);
    if (status != Status::kOk) return status;
    *map = std::move(made);
    return Status::kOk;
  }
  ~SideTableSpillMap() {
    map_.reset();
    for (Filler& filler : fillers_) {
      if (filler.registered) store_->Unregister(&filler);
    }
  }
  SideTableSpillMap(const SideTableSpillMap&) = delete;
  SideTableSpillMap& operator=(const SideTableSpillMap&) = delete;

  IndexMapStats stats() const { return map_->stats(); }
  const std::byte* Get(const Socket& socket) const noexcept {
    return map_->Get(socket.inline_words());
  }
  Status Update(Socket& socket, std::span<const std::byte> value, UpdateFlag flag) noexcept {
    return map_->Update(socket.inline_words(), value, flag);
  }

 private:
  static constexpr uint32_t kWordBits = Socket::Words::kWordBits;
  static constexpr uint32_t kWords = Socket::Words::kWords;

  // Has a part of the words that are not this map's.
  struct Filler final : RegisteredMap {
    static constexpr uint32_t kBits = 16;
    void ReleaseCode(const OwnerRef& /*owner*/, uint32_t /*code*/) noexcept override {}
    Status CloneValue(const OwnerRef& /*parent*/, const OwnerRef& /*child*/) noexcept override {
      return Status::kOk;
    }
    size_t TrimMemory() noexcept override { return 0; }
    uint64_t codes() const noexcept override { return 0; }
    bool CheckCodes(const uint64_t* /*counted*/, std::string* /*reason*/) const override {
      return true;
    }
    InlineField field;
    bool registered = false;
  };

  SideTableSpillMap() = default;

  std::unique_ptr<Store> store_;
  std::array<Filler, (kWords - 1) * kWordBits / Filler::kBits> fillers_;
  std::unique_ptr<IndexMap> map_;
};

template <typename MapType>
struct SpilledOf {
  using Map = MapType;
  static constexpr uint32_t kWidthBits = 2;
  template <typename Use>
  static uint64_t Read(const Map& map, const Socket& socket, Use&& use) {
    return use(map.Get(socket));
  }
};
// Private values in the sockets' storage pointers.
struct SpilledLayout : SpilledOf<IndexMap> {
  static constexpr char kName[] = "index_spilled";
};
// Private values in a side table.
struct SideTableLayout : SpilledOf<SideTableSpillMap> {
  static constexpr char kName[] = "index_side_table";
};
using SpilledLayouts = std::tuple<SpilledLayout, SideTableLayout>;

}  // namespace inlay::bench

#endif  // INLAY_BENCH_SPILLED_H_
