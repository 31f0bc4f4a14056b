// HashSlots: an open-addressing hash table of the places of entries, 8 bytes a slot. It knows
// nothing of the entries: whoever asks says whether the entry at a place is the one he means.
//
// The table is cut into segments by the first bits of the hash, and in a segment slots are in the
// order of the bits behind those. So growing a segment walks it once, needs no entry, and takes
// room for one segment more; and two tables are joined a segment at a time, on several threads,
// without looking at entries whose hashes differ.
//
// Not thread-safe, but for threads that use different segments.

#ifndef INLAY_TOOLS_ANALYSIS_VALUES_HASH_SLOTS_H_
#define INLAY_TOOLS_ANALYSIS_VALUES_HASH_SLOTS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace inlay::analysis {

class HashSlots {
 public:
  static constexpr size_t kSegments = 64;

  static size_t SegmentOf(uint64_t hash) { return hash >> (64 - kSegmentBits); }

  // Where the hash belongs: a slot that has a place, or one that is free.
  class Slot {
   public:
    bool is_free() const { return *slot_ == 0; }
    size_t place() const { return PlaceOf(*slot_); }  // REQUIRES: !is_free()
    // REQUIRES: is_free(), and nothing was added since the slot was found.
    void Fill(size_t place) {
      *slot_ = tag_ | (place + 1);
      ++*used_;
    }

   private:
    friend class HashSlots;
    Slot(uint64_t* slot, uint64_t tag, size_t* used) : slot_(slot), tag_(tag), used_(used) {}

    uint64_t* slot_;
    uint64_t tag_;
    size_t* used_;
  };

  // The slot whose place has is_same(place), asked only of places whose hashes probably are equal;
  // or else the free slot for it, to which there is room.
  template <typename IsSame>
  Slot Find(uint64_t hash, IsSame is_same) {
    Segment& segment = segments_[SegmentOf(hash)];
    if ((segment.used + 1) * 4 > segment.slots.size() * 3) Grow(&segment);
    uint64_t* const slots = segment.slots.data();
    const size_t size = segment.slots.size();
    const uint64_t tag = TagOf(hash);
    size_t at = HomeOf(tag, size);
    while (slots[at] != 0 && (TagIn(slots[at]) != tag || !is_same(PlaceOf(slots[at])))) {
      if (++at == size) at = 0;
    }
    return {&slots[at], tag, &segment.used};
  }

  // Asks for the slot ahead of time.
  void Prefetch(uint64_t hash) const {
    const std::vector<uint64_t>& slots = segments_[SegmentOf(hash)].slots;
    if (!slots.empty()) __builtin_prefetch(&slots[HomeOf(TagOf(hash), slots.size())], 1);
  }

  // A place that may well be that of the hash, so that its entry is worth a prefetch; kNone: none.
  static constexpr size_t kNone = SIZE_MAX;
  size_t Guess(uint64_t hash) const {
    const std::vector<uint64_t>& slots = segments_[SegmentOf(hash)].slots;
    if (slots.empty()) return kNone;
    const uint64_t tag = TagOf(hash);
    size_t at = HomeOf(tag, slots.size());
    // Beyond the cache line the guess would cost what it saves.
    for (size_t i = 0; i < kGuesses && slots[at] != 0; ++i) {
      if (TagIn(slots[at]) == tag) return PlaceOf(slots[at]);
      if (++at == slots.size()) at = 0;
    }
    return kNone;
  }

  // Calls take(hash, place) for all slots of a segment; of the hash only those bits are right that
  // a table looks at. Frees the segment.
  template <typename Take>
  void TakeSegment(size_t number, Take take) {
    const std::vector<uint64_t> slots = std::move(segments_[number].slots);
    segments_[number] = {};
    for (const uint64_t slot : slots) {
      if (slot != 0) {
        take(uint64_t{number} << (64 - kSegmentBits) | TagIn(slot) >> kSegmentBits, PlaceOf(slot));
      }
    }
  }

  void Clear() { segments_ = {}; }

 private:
  static constexpr unsigned kSegmentBits = 6;
  static constexpr unsigned kTagBits = 28;
  static constexpr unsigned kPlaceBits = 64 - kTagBits;
  static constexpr size_t kFirstSlots = 8;
  static constexpr size_t kDoubledSlots = 4096;
  static constexpr size_t kGuesses = 8;

  // At most three quarters full.
  struct Segment {
    std::vector<uint64_t> slots;  // 0: free. Else the tag, then 1 + the place
    size_t used = 0;
  };

  static uint64_t TagOf(uint64_t hash) { return TagIn(hash << kSegmentBits); }
  static uint64_t TagIn(uint64_t slot) { return slot >> kPlaceBits << kPlaceBits; }
  static size_t PlaceOf(uint64_t slot) {
    return static_cast<size_t>(slot & ((uint64_t{1} << kPlaceBits) - 1)) - 1;
  }
  // Any number of slots will do, not only powers of two.
  static size_t HomeOf(uint64_t tag, size_t slots) {
    return (tag >> kPlaceBits) * slots >> kTagBits;
  }

  static void Grow(Segment* segment) {
    const size_t had = segment->slots.size();
    // By half where it matters, so that the table is never emptier than half.
    const size_t size = had == 0 ? kFirstSlots : had < kDoubledSlots ? 2 * had : had + had / 2;
    std::vector<uint64_t> slots(size);
    for (const uint64_t slot : segment->slots) {
      if (slot == 0) continue;
      size_t at = HomeOf(TagIn(slot), size);
      while (slots[at] != 0) {
        if (++at == size) at = 0;
      }
      slots[at] = slot;
    }
    if (had == 0) segment->used = 0;  // its slots may have been moved away
    segment->slots = std::move(slots);
  }

  std::array<Segment, kSegments> segments_;
};

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_VALUES_HASH_SLOTS_H_
