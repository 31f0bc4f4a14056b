// SplitAdvice: which fields of a value to share, which to keep in each socket, and the C structs
// for both.

#ifndef INLAY_TOOLS_ANALYSIS_SPLIT_SPLIT_ADVICE_H_
#define INLAY_TOOLS_ANALYSIS_SPLIT_SPLIT_ADVICE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tools/analysis/fields/field_codes.h"
#include "tools/analysis/split/binary_form.h"
#include "tools/analysis/split/split_search.h"

namespace inlay::analysis {

struct SplitOptions {
  bool search = true;
  bool however_large = false;  // search even if the number of values and fields makes it slow
  double write_cost = kDefaultWriteCost;  // bytes for each shared group
  std::string struct_name = "value";      // a C identifier
};

// Fields by name, in their order.
struct FieldNames {
  std::vector<std::string> fields;
  std::vector<std::string>
      members;  // the same with bytes that follow each other as one, "bytes 4-7"
};

struct SharedGroup {
  FieldNames names;
  uint64_t distinct = 0;
  int index_bits = 0;
  uint64_t struct_bytes = 0;
  uint64_t table_bytes = 0;  // of all sockets together
  std::string struct_name;
};

struct SplitAdvice {
  std::vector<SharedGroup> shared;
  FieldNames private_rest;
  FieldNames constants;         // the same in all records; in neither struct
  uint64_t padding_fields = 0;  // dropped
  uint64_t private_bytes = 0;   // the struct of the private fields
  uint64_t index_bytes = 0;     // reserved in a socket for all indexes
  double write_cost = 0;        // for each shared group
  double bytes_per_socket = 0;
  std::optional<double> all_shared_bytes;  // one group of all; nothing if no index is wide enough
  double all_private_bytes = 0;
  bool exact = false;     // no split costs less
  std::string c_structs;  // C text; empty if there is nothing to store
};

// Searches the cheapest split of the values that `codes` were made of. Nothing if there are fewer
// than two fields. The same with every number of threads. REQUIRES: options.struct_name is an
// identifier. Throws std::bad_alloc when memory runs out.
std::optional<SplitAdvice> AdviseSplit(const RecordSchema& schema, const CountedValues& values,
                                       const FieldCodes& codes, const SplitOptions& options,
                                       size_t threads);

}  // namespace inlay::analysis

#endif  // INLAY_TOOLS_ANALYSIS_SPLIT_SPLIT_ADVICE_H_
