// LoadedObject: a BPF object that the executable carries, loaded into the kernel. Nothing is
// pinned: the kernel drops all of it when the process ends.

#ifndef INLAY_BENCH_KERNEL_LOADED_OBJECT_H_
#define INLAY_BENCH_KERNEL_LOADED_OBJECT_H_

#include <bpf/libbpf.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <system_error>

namespace inlay::bench {

class LoadedObject {
 public:
  // All functions throw std::system_error that says what failed.
  LoadedObject(std::span<const std::byte> embedded, const char* name) {
    libbpf_set_print(nullptr);
    bpf_object_open_opts options = {};
    options.sz = sizeof(options);
    options.object_name = name;
    object_.reset(bpf_object__open_mem(embedded.data(), embedded.size(), &options));
    if (object_ == nullptr) Fail("cannot read the BPF object", errno);
    const int error = bpf_object__load(object_.get());
    if (error != 0) Fail("the kernel does not load the BPF programs", -error);
  }

  using Link = std::unique_ptr<bpf_link, decltype(&bpf_link__destroy)>;
  Link Attach(const std::string& program, int cgroup_fd) const {
    bpf_program* const found = bpf_object__find_program_by_name(object_.get(), program.c_str());
    Link link(found == nullptr ? nullptr : bpf_program__attach_cgroup(found, cgroup_fd),
              &bpf_link__destroy);
    if (link == nullptr) Fail("cannot attach " + program, errno);
    return link;
  }

  // The memory of the programs' variables, of type T; it ends with the process.
  template <typename T>
  volatile T& Variables() const {
    void* const memory = mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED,
                              bpf_object__find_map_fd_by_name(object_.get(), ".bss"), 0);
    if (memory == MAP_FAILED) Fail("cannot map the programs' variables", errno);
    return *static_cast<volatile T*>(memory);
  }

  const bpf_object* get() const { return object_.get(); }

 private:
  struct CloseObject {
    void operator()(bpf_object* object) const { bpf_object__close(object); }
  };
  [[noreturn]] static void Fail(const std::string& what, int error) {
    throw std::system_error(error, std::generic_category(), what);
  }

  std::unique_ptr<bpf_object, CloseObject> object_;
};

}  // namespace inlay::bench

#endif  // INLAY_BENCH_KERNEL_LOADED_OBJECT_H_
