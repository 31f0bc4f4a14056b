#include "bench/kernel/slab_usage.h"

#include <bpf/btf.h>
#include <unistd.h>

#include <fstream>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>

#include "inlay/memory_usage.h"

namespace inlay::bench {
namespace {

struct FreeTypes {
  void operator()(btf* types) const { btf__free(types); }
};

const btf_type& Struct(const btf& types, const char* name) {
  const int id = btf__find_by_name_kind(&types, name, BTF_KIND_STRUCT);
  if (id < 0) throw std::runtime_error(std::string("the kernel has no struct ") + name);
  return *btf__type_by_id(&types, static_cast<uint32_t>(id));
}

size_t OffsetBytes(const btf& types, const char* of_struct, std::string_view member) {
  const btf_type& type = Struct(types, of_struct);
  for (uint32_t i = 0; i < btf_vlen(&type); ++i) {
    if (member == btf__name_by_offset(&types, btf_members(&type)[i].name_off)) {
      return btf_member_bit_offset(&type, i) / 8;
    }
  }
  throw std::runtime_error(std::string(of_struct) + " has no member " + std::string(member));
}

}  // namespace

SlabUsage ReadSlabUsage() {
  std::ifstream slabinfo("/proc/slabinfo");
  if (!slabinfo) throw std::runtime_error("cannot read /proc/slabinfo");
  const auto page_bytes = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  SlabUsage usage;
  for (std::string line; std::getline(slabinfo, line);) {
    if (!line.starts_with("kmalloc-")) continue;
    // name <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab> : tunables <limit>
    // <batchcount> <sharedfactor> : slabdata <active_slabs> <num_slabs> <sharedavail>
    std::istringstream words(line);
    std::string word;
    size_t active_objects = 0, objects = 0, object_bytes = 0, per_slab = 0, pages = 0;
    size_t active_slabs = 0, slabs = 0;
    words >> word >> active_objects >> objects >> object_bytes >> per_slab >> pages;
    while (words >> word && word != "slabdata") {
    }
    words >> active_slabs >> slabs;
    if (!words) throw std::runtime_error("/proc/slabinfo: cannot read \"" + line + "\"");
    usage.page_bytes += slabs * pages * page_bytes;
    usage.object_bytes += active_objects * object_bytes;
  }
  return usage;
}

size_t ExpectedStorageBytes(size_t value_bytes) {
  const std::unique_ptr<btf, FreeTypes> types(btf__load_vmlinux_btf());
  if (types == nullptr) throw std::runtime_error("cannot read the kernel's BTF");
  const size_t element_bytes = OffsetBytes(*types, "bpf_local_storage_elem", "sdata") +
                               OffsetBytes(*types, "bpf_local_storage_data", "data") + value_bytes;
  return KmallocBytes(Struct(*types, "bpf_local_storage").size) + KmallocBytes(element_bytes);
}

}  // namespace inlay::bench
