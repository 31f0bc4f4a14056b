// InlineWords<kBits>: the atomic words that an owner embeds, and the fields of 1 to 16 bits in
// them.
//
//   struct Connection {
//     ...
//     inlay::InlineWords<16> words;      // 16, 32 or 64 bits, or several 64-bit words
//     auto& inline_words() { return words; }
//     auto& inline_words() const { return words; }
//   };
//
// Each map of the owner's Store has one field, at the same place in every owner. A field never
// straddles a word. Seven maps of 9 bits in one 64-bit word:
//
//   bit 63 62      54 53      45 44      36 35      27 26      18 17       9 8        0
//      +--+----------+----------+----------+----------+----------+----------+----------+
//      |  |  field 6 |  field 5 |  field 4 |  field 3 |  field 2 |  field 1 |  field 0 |
//      +--+----------+----------+----------+----------+----------+----------+----------+
//
// A field holds a *code*: 0 = absent, all ones = spilled (the owner has a private value elsewhere),
// anything else = the index of a value in the map's table.
//
// W1  A write to one field never disturbs a neighbour: every write is a compare-and-swap of the
// word.
//
// Thread-safety: every member function may run concurrently with every other.
// Ordering: a load acquires and a successful write releases, so a thread that sees a code sees the
// value that it names.
// Reader section: not needed to read a code; required to follow it to the value.

#ifndef INLAY_INLINE_WORDS_H_
#define INLAY_INLINE_WORDS_H_

#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace inlay {

inline constexpr uint32_t kAbsentCode = 0;

// Where a map's code is: bits [shift, shift + width) of word number `word`.
struct InlineField {
  uint16_t word = 0;
  uint8_t shift = 0;
  uint8_t width_bits = 0;

  static constexpr uint32_t kMaxWidthBits = 16;

  constexpr uint32_t mask() const { return (uint32_t{1} << width_bits) - 1; }
  constexpr uint32_t spilled_code() const { return mask(); }
  // The number of indexes that a code of this width can name: all but absent and spilled.
  constexpr uint32_t max_index() const { return mask() - 1; }
  // How many bits an owner embeds at least that has this field: only fields of 64-bit words are
  // beyond the first word. 0 for a map without a field.
  constexpr uint32_t end_bits() const { return uint32_t{word} * 64 + shift + width_bits; }

  friend constexpr bool operator==(const InlineField&, const InlineField&) = default;
};

// Reads and replaces a field's code in a word.
template <std::unsigned_integral Word>
constexpr uint32_t ExtractCode(Word word, InlineField field) {
  return static_cast<uint32_t>(word >> field.shift) & field.mask();
}
template <std::unsigned_integral Word>
constexpr Word ReplaceCode(Word word, InlineField field, uint32_t code) {
  const Word field_bits = static_cast<Word>(static_cast<Word>(field.mask()) << field.shift);
  const Word code_bits = static_cast<Word>(static_cast<Word>(code) << field.shift);
  return static_cast<Word>((word & static_cast<Word>(~field_bits)) | (code_bits & field_bits));
}

namespace inline_words_internal {

// If the field's code is *expected, replaces it by `code`; otherwise stores the code in *expected.
template <std::unsigned_integral Word>
bool CompareExchange(std::atomic<Word>& word, InlineField field, uint32_t* expected,
                     uint32_t code) noexcept {
  Word seen = word.load(std::memory_order_acquire);
  do {
    const uint32_t found = ExtractCode(seen, field);
    if (found != *expected) {
      *expected = found;
      return false;
    }
    // The swap fails if this field or a neighbour changed: look again.
  } while (!word.compare_exchange_weak(seen, ReplaceCode(seen, field, code),
                                       std::memory_order_acq_rel, std::memory_order_acquire));
  return true;
}

}  // namespace inline_words_internal

template <size_t kBits>
class InlineWords {
 public:
  static_assert(kBits == 16 || kBits == 32 || (kBits >= 64 && kBits % 64 == 0),
                "an owner reserves 16, 32 or 64 bits, or several words of 64 bits");
  using Word = std::conditional_t<kBits == 16, uint16_t,
                                  std::conditional_t<kBits == 32, uint32_t, uint64_t>>;
  static constexpr size_t kWordBits = sizeof(Word) * 8;
  static constexpr size_t kWords = kBits / kWordBits;

  InlineWords() = default;                   // every field absent
  InlineWords(const InlineWords&) = delete;  // the table would not count a copied code
  InlineWords& operator=(const InlineWords&) = delete;

  // Whether the words have a field whose end_bits() is this.
  static constexpr bool Reaches(uint32_t end_bits) noexcept { return end_bits <= kBits; }

  // The field's code now. REQUIRES: Reaches(field.end_bits()).
  uint32_t Load(InlineField field) const noexcept {
    if constexpr (kWords == 1) {
      return ExtractCode(words_[0].load(std::memory_order_acquire), field);
    } else {
      return ExtractCode(words_[field.word].load(std::memory_order_acquire), field);
    }
  }

  // The same, for callers that keep field.mask().
  uint32_t Load(InlineField field, uint32_t mask) const noexcept {
    const size_t word = kWords == 1 ? 0 : field.word;
    return static_cast<uint32_t>(words_[word].load(std::memory_order_acquire) >> field.shift) &
           mask;
  }

  // Prefetches the field's word. REQUIRES: as Load().
  void Prefetch(InlineField field) const noexcept { __builtin_prefetch(&words_[field.word]); }

  // Makes an InlineWords an InlineOwner by itself.
  InlineWords& inline_words() { return *this; }
  const InlineWords& inline_words() const { return *this; }

 private:
  friend class InlineWordsRef;
  std::atomic<Word> words_[kWords] = {};
  static_assert(std::atomic<Word>::is_always_lock_free &&
                sizeof(std::atomic<Word>) == sizeof(Word));
};

static_assert(sizeof(InlineWords<16>) == 2 && sizeof(InlineWords<32>) == 4 &&
                  sizeof(InlineWords<64>) == 8 && sizeof(InlineWords<256>) == 32,
              "inline words take their bits and nothing else");

// An object that embeds inline words and says where they are.
template <typename O>
concept InlineOwner = requires(O& owner) {
  owner.inline_words().Load(InlineField{});
};

// A reference to an owner's words that knows the word size at run time, so that the writing
// functions are compiled once, outside headers.
class InlineWordsRef {
 public:
  // Returns f(word), where `word` is the std::atomic that holds the field. Several accesses then
  // need only one switch on the word size.
  template <typename F>
  [[gnu::always_inline]] auto Visit(InlineField field, F&& f) const noexcept {
    switch (word_bits_) {
      case 16:
        return f(static_cast<std::atomic<uint16_t>*>(words_)[field.word]);
      case 32:
        return f(static_cast<std::atomic<uint32_t>*>(words_)[field.word]);
      default:
        return f(static_cast<std::atomic<uint64_t>*>(words_)[field.word]);
    }
  }

  template <size_t kBits>
  explicit InlineWordsRef(InlineWords<kBits>& words) noexcept
      : words_(words.words_),
        word_bits_(InlineWords<kBits>::kWordBits),
        word_count_(InlineWords<kBits>::kWords) {}

  // The words that another reference named by its address() and word_bits(), or of an owner that is
  // no C++ object. word_bits: 16, 32 or 64; of 16 or 32 there is one.
  // REQUIRES: the owner exists while a function is called that reads or writes a field. Without
  // word_count, the other reference's Holds() was true for the field.
  InlineWordsRef(const void* address, uint32_t word_bits, uint32_t word_count = UINT32_MAX) noexcept
      : words_(const_cast<void*>(address)), word_bits_(word_bits), word_count_(word_count) {}

  // Whether the owner embeds words that have this field. If not, no other function may be called
  // with it.
  bool Holds(InlineField field) const noexcept { return Reaches(field.end_bits()); }
  // The same of a field whose end_bits() is this.
  bool Reaches(uint32_t end_bits) const noexcept {
    return end_bits <= (word_bits_ == 64 ? uint64_t{64} * word_count_ : word_bits_);
  }

  // Identifies the owner while it exists.
  const void* address() const noexcept { return words_; }
  uint32_t word_bits() const noexcept { return word_bits_; }

  uint32_t Load(InlineField field) const noexcept {
    return Visit(field, [&](auto& word) {
      return ExtractCode(word.load(std::memory_order_acquire), field);
    });
  }

  // The same; InlineWords has its like.
  uint32_t Load(InlineField field, uint32_t /*mask*/) const noexcept { return Load(field); }

  // If the field's code is *expected, replaces it by `code` and returns true. Otherwise stores the
  // code in *expected and returns false.
  bool CompareExchange(InlineField field, uint32_t* expected, uint32_t code) const noexcept {
    return Visit(field, [&](auto& word) {
      return inline_words_internal::CompareExchange(word, field, expected, code);
    });
  }

  // If the field is absent, stores `code` and returns true; otherwise returns false. Executes no
  // locked instruction for the first code of a word.
  // REQUIRES: the owner is new, and no other thread creates a value in it. The library's thread may
  // bring an earlier, spilled value of it home.
  bool StoreInNewOwner(InlineField field, uint32_t code) const noexcept {
    return Visit(field, [&](auto& word) {
      const auto seen = word.load(std::memory_order_relaxed);
      if (seen != 0) [[unlikely]] {
        uint32_t expected = kAbsentCode;
        return inline_words_internal::CompareExchange(word, field, &expected, code);
      }
      word.store(ReplaceCode(seen, field, code), std::memory_order_release);
      return true;
    });
  }

  // Replaces the field's code by `code` and returns the old code.
  uint32_t Exchange(InlineField field, uint32_t code) const noexcept {
    uint32_t expected = Load(field);
    while (!CompareExchange(field, &expected, code)) {
    }
    return expected;
  }

 private:
  void* words_;
  uint32_t word_bits_;
  uint32_t word_count_;
};

}  // namespace inlay

#endif  // INLAY_INLINE_WORDS_H_
