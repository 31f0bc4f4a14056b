#include "tests/kernel/on_kernel/value_type.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <system_error>

#include "inlay/operation.h"

namespace inlay::bpf_script {
namespace {

struct FreeBtf {
  void operator()(btf* types) const { btf__free(types); }
};

// The id of a type that was added.
int Id(int answer) {
  if (answer < 0)
    throw std::system_error(-answer, std::generic_category(), "cannot describe a type");
  return answer;
}

}  // namespace

ValueType LoadValueType(const MapShape& shape) {
  const std::unique_ptr<btf, FreeBtf> types(btf__new_empty());
  if (types == nullptr) throw std::system_error(errno, std::generic_category(), "no BTF");
  btf* const b = types.get();
  const int key = Id(btf__add_int(b, "int", 4, BTF_INT_SIGNED));
  const int number = Id(btf__add_int(b, "unsigned int", 4, 0));
  const int byte = Id(btf__add_int(b, "unsigned char", 1, 0));
  const uint32_t first = shape.lock ? kSpinLockBytes : 0;
  const uint32_t bytes = std::clamp(shape.value_bytes, first, kMaxValueBytes);
  const int array = Id(btf__add_array(b, number, byte, bytes - first));
  int value = array;
  if (shape.lock) {
    const int lock = Id(btf__add_struct(b, "bpf_spin_lock", kSpinLockBytes));
    Id(btf__add_field(b, "val", number, 0, 0));
    value = Id(btf__add_struct(b, "value", bytes));
    Id(btf__add_field(b, "lock", lock, 0, 0));
    Id(btf__add_field(b, "rest", array, 8 * kSpinLockBytes, 0));
  }
  uint32_t size = 0;
  const void* const raw = btf__raw_data(b, &size);
  if (raw == nullptr) throw std::system_error(errno, std::generic_category(), "no BTF");
  ValueType loaded;
  loaded.fd = live_kernel::HiddenFd(bpf_btf_load(raw, size, nullptr), "cannot load BTF");
  loaded.key_id = static_cast<uint32_t>(key);
  loaded.value_id = static_cast<uint32_t>(value);
  return loaded;
}

}  // namespace inlay::bpf_script
