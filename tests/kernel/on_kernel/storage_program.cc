#include "tests/kernel/on_kernel/storage_program.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <system_error>
#include <vector>

#include "tests/kernel/on_kernel/instructions.h"

namespace inlay::bpf_script {
namespace {

constexpr char kLicence[] = "Dual BSD/GPL";

live_kernel::HiddenFd Load(bpf_prog_type type, const char* name, const Instructions& program,
                           bpf_prog_load_opts options) {
  const std::vector<bpf_insn>& text = program.text();
  const int fd = bpf_prog_load(type, name, kLicence, text.data(), text.size(), &options);
  if (fd >= 0) return {fd, name};
  const int error = errno;
  std::string log(1 << 16, '\0');
  options.log_buf = log.data();
  options.log_size = static_cast<uint32_t>(log.size());
  options.log_level = 1;
  // Load again, with the verifier's log.
  const int again = bpf_prog_load(type, name, kLicence, text.data(), text.size(), &options);
  if (again >= 0) return {again, name};
  throw std::system_error(
      error, std::generic_category(),
      std::string("cannot load program ") + name + ": " + log.substr(0, log.find('\0')));
}

}  // namespace

live_kernel::HiddenFd LoadStorageProgram(int map_fd, const MapShape& shape, int exchange_fd) {
  using X = HelperExchange;
  const auto value_bytes = static_cast<int32_t>(shape.value_bytes);
  const int32_t first = shape.lock ? kSpinLockBytes : 0;
  Instructions p;
  p.Move(kR6, kR1);
  p.Load(BPF_W, kR1, kR6, offsetof(bpf_sockopt, level));
  p.JumpIf(BPF_JNE, kR1, kProgramLevel, "allow");
  p.ArrayOf(kR7, exchange_fd);
  p.StoreNumber(BPF_W, kR7, offsetof(X, has_run), 1);
  p.StoreNumber(BPF_W, kR7, offsetof(X, found), 0);
  p.Load(BPF_DW, kR8, kR6, offsetof(bpf_sockopt, sk));
  p.Load(BPF_W, kR9, kR7, offsetof(X, call));
  p.JumpIf(BPF_JEQ, kR9, static_cast<int32_t>(HelperCall::kDelete), "delete");

  p.MapOf(kR1, map_fd);
  p.Move(kR2, kR8);
  p.Set(kR3, 0);
  p.Load(BPF_W, kR4, kR7, offsetof(X, has_init));
  p.JumpIf(BPF_JEQ, kR4, 0, "no init");
  p.Move(kR3, kR7);
  p.Plus(kR3, offsetof(X, value));
  p.Here("no init");
  p.Load(BPF_DW, kR4, kR7, offsetof(X, flags));
  p.Call(BPF_FUNC_sk_storage_get);
  p.JumpIf(BPF_JEQ, kR0, 0, "done");
  p.StoreNumber(BPF_W, kR7, offsetof(X, found), 1);
  p.JumpIf(BPF_JEQ, kR9, static_cast<int32_t>(HelperCall::kPoke), "poke");

  p.Move(kR1, kR7);
  p.Plus(kR1, offsetof(X, value));
  p.Set(kR2, value_bytes);
  p.Move(kR3, kR0);
  p.Call(BPF_FUNC_probe_read_kernel);
  p.Jump("done");

  p.Here("poke");
  if (first < value_bytes) {
    p.Load(BPF_W, kR1, kR7, offsetof(X, poke_offset));
    p.JumpIf(BPF_JLT, kR1, first, "done");
    p.JumpIf(BPF_JGE, kR1, value_bytes, "done");
    p.Load(BPF_W, kR2, kR7, offsetof(X, poke_byte));
    p.Plus(kR0, kR1);
    p.Store(BPF_B, kR0, 0, kR2);
  }
  p.Jump("done");

  p.Here("delete");
  p.MapOf(kR1, map_fd);
  p.Move(kR2, kR8);
  p.Call(BPF_FUNC_sk_storage_delete);
  p.Store(BPF_DW, kR7, offsetof(X, result), kR0);

  p.Here("done");
  // -1 skips the kernel's handler. From a register: the verifier of Linux 6.1 refuses to store
  // a number into the context.
  p.Set(kR1, -1);
  p.Store(BPF_W, kR6, offsetof(bpf_sockopt, optlen), kR1);
  p.Here("allow");
  p.Set(kR0, 1);
  p.Exit();

  bpf_prog_load_opts options = {};
  options.sz = sizeof(options);
  options.expected_attach_type = BPF_CGROUP_SETSOCKOPT;
  return Load(BPF_PROG_TYPE_CGROUP_SOCKOPT, "storage_helpers", p, options);
}

live_kernel::HiddenFd LoadWalkProgram(uint32_t value_bytes, int target) {
  // struct bpf_iter__bpf_sk_storage_map: meta, map, sk, value; the first of meta is seq.
  constexpr size_t kMeta = 0;
  constexpr size_t kSk = 16;
  constexpr size_t kValue = 24;
  constexpr size_t kSeq = 0;
  Instructions p;
  p.Move(kR6, kR1);
  p.Load(BPF_DW, kR7, kR6, kSk);
  p.JumpIf(BPF_JEQ, kR7, 0, "end");
  p.Load(BPF_DW, kR8, kR6, kValue);
  p.JumpIf(BPF_JEQ, kR8, 0, "end");
  p.Load(BPF_DW, kR9, kR6, kMeta);
  p.Load(BPF_DW, kR9, kR9, kSeq);
  p.Move(kR1, kR7);
  p.Call(BPF_FUNC_get_socket_cookie);
  p.StackAddress(kR2, 8);
  p.Store(BPF_DW, kR2, 0, kR0);
  p.Move(kR1, kR9);
  p.Set(kR3, 8);
  p.Call(BPF_FUNC_seq_write);
  p.Move(kR1, kR9);
  p.Move(kR2, kR8);
  p.Set(kR3, static_cast<int32_t>(value_bytes));
  p.Call(BPF_FUNC_seq_write);
  p.Here("end");
  p.Set(kR0, 0);
  p.Exit();

  bpf_prog_load_opts options = {};
  options.sz = sizeof(options);
  options.expected_attach_type = BPF_TRACE_ITER;
  options.attach_btf_id = static_cast<uint32_t>(target);
  return Load(BPF_PROG_TYPE_TRACING, "storage_walk", p, options);
}

}  // namespace inlay::bpf_script
