#include "tests/capture/test_map.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>

#include <cerrno>
#include <memory>
#include <system_error>

namespace inlay::capture {
namespace {

struct FreeBtf {
  void operator()(btf* types) const { btf__free(types); }
};

[[noreturn]] void Fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

}  // namespace

TestMap MakeTestMap(const TestMapShape& shape) {
  const std::unique_ptr<btf, FreeBtf> types(btf__new_empty());
  const int integer = btf__add_int(types.get(), "int", 4, BTF_INT_SIGNED);
  const int number = btf__add_int(types.get(), "unsigned long long", 8, 0);
  const int byte = btf__add_int(types.get(), "unsigned char", 1, 0);
  const auto bytes = [&](uint32_t count) {
    return btf__add_array(types.get(), integer, byte, count);
  };
  const uint32_t size = shape.value_bytes;
  int value = 0;
  if (shape.lock_offset.has_value()) {
    const uint32_t at = *shape.lock_offset;
    const int lock = btf__add_struct(types.get(), "bpf_spin_lock", 4);
    btf__add_field(types.get(), "val", integer, 0, 0);
    const int before = at == 0 ? 0 : bytes(at);
    const int after = at + 4 == size ? 0 : bytes(size - at - 4);
    value = btf__add_struct(types.get(), "cap_value", size);
    if (before != 0) btf__add_field(types.get(), "before", before, 0, 0);
    btf__add_field(types.get(), "lock", lock, 8 * at, 0);
    if (after != 0) btf__add_field(types.get(), "after", after, 8 * (at + 4), 0);
  } else {
    const uint32_t fill_at = size > 8 ? 8 : 0;
    const int fill = bytes(size - fill_at);
    value = btf__add_struct(types.get(), "cap_value", size);
    if (fill_at != 0) btf__add_field(types.get(), "id", number, 0, 0);
    btf__add_field(types.get(), "fill", fill, 8 * fill_at, 0);
  }
  if (value < 0) Fail("cannot make a type");
  uint32_t raw_bytes = 0;
  const void* const raw = btf__raw_data(types.get(), &raw_bytes);
  const live_kernel::FileDescriptor loaded(bpf_btf_load(raw, raw_bytes, nullptr));
  if (!loaded.ok()) Fail("cannot load BTF");

  const bool is_storage = shape.type == BPF_MAP_TYPE_SK_STORAGE ||
                          shape.type == BPF_MAP_TYPE_TASK_STORAGE ||
                          shape.type == BPF_MAP_TYPE_INODE_STORAGE || shape.type == kCgroupStorage;
  const bool is_array = shape.type == BPF_MAP_TYPE_ARRAY || shape.type == BPF_MAP_TYPE_PERCPU_ARRAY;
  bpf_map_create_opts options = {};
  options.sz = sizeof(options);
  options.btf_fd = static_cast<uint32_t>(loaded.get());
  options.btf_key_type_id = static_cast<uint32_t>(is_storage || is_array ? integer : number);
  options.btf_value_type_id = static_cast<uint32_t>(value);
  options.map_flags = is_storage ? BPF_F_NO_PREALLOC : 0;
  TestMap map;
  map.fd = live_kernel::FileDescriptor(
      bpf_map_create(static_cast<bpf_map_type>(shape.type), shape.name.c_str(),
                     is_storage || is_array ? 4 : 8, size, shape.max_entries, &options));
  if (!map.fd.ok()) Fail("cannot make a map");
  bpf_map_info info = {};
  uint32_t info_bytes = sizeof(info);
  if (bpf_obj_get_info_by_fd(map.fd.get(), &info, &info_bytes) != 0) Fail("cannot read a map's id");
  map.id = info.id;
  return map;
}

}  // namespace inlay::capture
