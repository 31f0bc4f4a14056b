// ExchangeMap: the array map that passes data between the programs and this process, mapped into
// memory.

#ifndef INLAY_TESTS_KERNEL_ON_KERNEL_EXCHANGE_MAP_H_
#define INLAY_TESTS_KERNEL_ON_KERNEL_EXCHANGE_MAP_H_

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstdint>
#include <system_error>

#include "engine/live_kernel/hidden_fd.h"
#include "tests/kernel/on_kernel/storage_program.h"

namespace inlay::bpf_script {

class ExchangeMap {
 public:
  // Throws std::system_error.
  ExchangeMap() {
    bpf_map_create_opts options = {};
    options.sz = sizeof(options);
    options.map_flags = BPF_F_MMAPABLE;
    fd_ = live_kernel::HiddenFd(bpf_map_create(BPF_MAP_TYPE_ARRAY, "exchange", sizeof(uint32_t),
                                               sizeof(HelperExchange), 1, &options),
                                "cannot make an array map");
    void* const mapped =
        mmap(nullptr, sizeof(HelperExchange), PROT_READ | PROT_WRITE, MAP_SHARED, fd_.get(), 0);
    if (mapped == MAP_FAILED) {
      throw std::system_error(errno, std::generic_category(), "cannot map an array map");
    }
    exchange_ = static_cast<HelperExchange*>(mapped);
  }
  ExchangeMap(const ExchangeMap&) = delete;
  ExchangeMap& operator=(const ExchangeMap&) = delete;
  ~ExchangeMap() { munmap(exchange_, sizeof(HelperExchange)); }

  int fd() const { return fd_.get(); }
  HelperExchange& operator*() { return *exchange_; }

 private:
  live_kernel::HiddenFd fd_;
  HelperExchange* exchange_ = nullptr;
};

}  // namespace inlay::bpf_script

#endif  // INLAY_TESTS_KERNEL_ON_KERNEL_EXCHANGE_MAP_H_
