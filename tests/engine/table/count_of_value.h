// SetCountOfValue(): gives a value of a ValueTable a count that no test has the time to reach.

#ifndef INLAY_TESTS_ENGINE_TABLE_COUNT_OF_VALUE_H_
#define INLAY_TESTS_ENGINE_TABLE_COUNT_OF_VALUE_H_

#include <atomic>
#include <cstdint>

#include "engine/table/ref_word.h"
#include "engine/table/value_table_state.h"
#include "inlay/value_table.h"

namespace inlay {

// An explicit instantiation may name private members.
template <typename State>
void StoreBits(const State& state, ValueIndex index, uint32_t bits) {
  state.entry(index).ref_word.store(bits, std::memory_order_relaxed);
}
template <auto kState>
struct CountOfValue {
  friend void SetCountOfValue(ValueTable& table, ValueIndex index, uint32_t count) {
    StoreBits(*(table.*kState), index, RefWord::LiveOnce().bits() - 1 + count);
  }
};
template struct CountOfValue<&ValueTable::state_>;
// REQUIRES: no concurrent use of the table.
void SetCountOfValue(ValueTable& table, ValueIndex index, uint32_t count);

}  // namespace inlay

#endif  // INLAY_TESTS_ENGINE_TABLE_COUNT_OF_VALUE_H_
