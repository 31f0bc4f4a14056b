#include "tests/bpf/test_object.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "engine/live_kernel/file_descriptor.h"

namespace inlay::live_maps {
namespace {

[[noreturn]] void Fail(const std::string& what, int error = errno) {
  throw std::system_error(error, std::generic_category(), what);
}

}  // namespace

TestObject::TestObject(std::span<const std::byte> object) {
  bpf_object_open_opts options = {};
  options.sz = sizeof(options);
  options.object_name = "inlay_test";
  object_.reset(bpf_object__open_mem(object.data(), object.size(), &options));
  if (object_ == nullptr) Fail("cannot read the BPF object");
}

TestObject::~TestObject() {
  for (const Memory& memory : sections_) munmap(memory.address, memory.bytes);
}

bpf_program* TestObject::Find(const std::string& program) const {
  bpf_program* const found = bpf_object__find_program_by_name(object_.get(), program.c_str());
  if (found == nullptr) Fail("no program " + program, ENOENT);
  return found;
}

void TestObject::Attach(const std::string& program, int cgroup_fd) {
  links_.emplace_back(bpf_program__attach_cgroup(Find(program), cgroup_fd));
  if (links_.back() == nullptr) Fail("cannot attach " + program);
}

void TestObject::Walk(const std::string& program) const {
  using live_kernel::FileDescriptor;
  const FileDescriptor link(
      bpf_link_create(bpf_program__fd(Find(program)), 0, BPF_TRACE_ITER, nullptr));
  if (!link.ok()) Fail("cannot attach " + program);
  const FileDescriptor walk(bpf_iter_create(link.get()));
  if (!walk.ok()) Fail("cannot start " + program);
  char printed[64];
  for (;;) {
    const ssize_t size = read(walk.get(), printed, sizeof(printed));
    if (size == 0) return;
    // EAGAIN: the kernel pauses after a million objects.
    if (size < 0 && errno != EAGAIN && errno != EINTR) Fail("cannot walk with " + program);
  }
}

uint32_t TestObject::TranslatedInstructions(const std::string& program) const {
  bpf_prog_info info = {};
  uint32_t bytes = sizeof(info);
  if (bpf_obj_get_info_by_fd(bpf_program__fd(Find(program)), &info, &bytes) != 0) {
    Fail("cannot measure " + program);
  }
  return static_cast<uint32_t>(info.xlated_prog_len / sizeof(bpf_insn));
}

void* TestObject::Section(const char* name) {
  const bpf_map* const map = bpf_object__find_map_by_name(object_.get(), name);
  if (map == nullptr) Fail(std::string("no section ") + name, ENOENT);
  const size_t bytes = bpf_map__value_size(map);
  void* const address =
      mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);
  if (address == MAP_FAILED) Fail(std::string("cannot map ") + name);
  sections_.push_back({address, bytes});
  return address;
}

}  // namespace inlay::live_maps
