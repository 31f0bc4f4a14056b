// MakeTable(): a ValueTable for a test, and a check of its invariants.

#ifndef INLAY_TESTS_ENGINE_TABLE_MADE_TABLE_H_
#define INLAY_TESTS_ENGINE_TABLE_MADE_TABLE_H_

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "inlay/value_table.h"
#include "tests/print_status.h"

namespace inlay {

inline std::unique_ptr<ValueTable> MakeTable(const ValueTableOptions& options) {
  std::unique_ptr<ValueTable> table;
  EXPECT_EQ(ValueTable::Create(options, &table), Status::kOk);
  return table;
}

inline void ExpectSound(const ValueTable& table) {
  std::string reason;
  EXPECT_TRUE(table.CheckInvariants(&reason)) << reason;
}

}  // namespace inlay

#endif  // INLAY_TESTS_ENGINE_TABLE_MADE_TABLE_H_
