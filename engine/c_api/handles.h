// What the handles of inlay/inlay.h stand for, and the owners of C as the engine's owners.

#ifndef INLAY_ENGINE_C_API_HANDLES_H_
#define INLAY_ENGINE_C_API_HANDLES_H_

#include <cstddef>
#include <memory>

#include "inlay/index_map.h"
#include "inlay/inlay.h"
#include "inlay/inline_words.h"
#include "inlay/store.h"

// NOLINTBEGIN(readability-identifier-naming): C
struct inlay_store {
  std::unique_ptr<inlay::Store> store;
};

struct inlay_map {
  inlay_map_front front;  // first: inlay_get() finds it by the handle
  std::unique_ptr<inlay::IndexMap> map;
};
static_assert(offsetof(inlay_map, front) == 0);
// NOLINTEND(readability-identifier-naming)

namespace inlay::c_api {

// An InlineOwner.
class Owner {
 public:
  explicit Owner(const inlay_owner& owner)
      : words_(owner.words, owner.word_bits, owner.word_count),
        is_valid_(owner.words != nullptr &&
                  (owner.word_bits == 16 || owner.word_bits == 32 || owner.word_bits == 64)) {}

  // If not, nothing may be done with it.
  bool is_valid() const { return is_valid_; }
  InlineWordsRef& inline_words() { return words_; }
  const InlineWordsRef& inline_words() const { return words_; }

 private:
  InlineWordsRef words_;
  bool is_valid_;
};

}  // namespace inlay::c_api

#endif  // INLAY_ENGINE_C_API_HANDLES_H_
