// Instructions: writes a BPF program, one instruction per call, so that no compiler for BPF is
// needed.

#ifndef INLAY_TESTS_KERNEL_ON_KERNEL_INSTRUCTIONS_H_
#define INLAY_TESTS_KERNEL_ON_KERNEL_INSTRUCTIONS_H_

#include <linux/bpf.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace inlay::bpf_script {

// The registers: kR0 is the result of a call, kR1 to kR5 are its arguments, which it clobbers; kR6
// to kR9 survive a call; kR10 points to the end of the stack.
enum Register : uint8_t { kR0, kR1, kR2, kR3, kR4, kR5, kR6, kR7, kR8, kR9, kR10 };

// NOLINTBEGIN(misc-redundant-expression): some of the names that are joined here are 0.
class Instructions {
 public:
  // to = from; to += from or a number; to = a number
  void Move(Register to, Register from) { Add(BPF_ALU64 | BPF_MOV | BPF_X, to, from, 0, 0); }
  void Set(Register to, int32_t number) { Add(BPF_ALU64 | BPF_MOV | BPF_K, to, kR0, 0, number); }
  void Plus(Register to, Register from) { Add(BPF_ALU64 | BPF_ADD | BPF_X, to, from, 0, 0); }
  void Plus(Register to, int32_t number) { Add(BPF_ALU64 | BPF_ADD | BPF_K, to, kR0, 0, number); }

  // to = *(size*)(from + offset) and the other way round. `size`: BPF_B, BPF_W or BPF_DW.
  void Load(int size, Register to, Register from, size_t offset) {
    Add(BPF_LDX | BPF_MEM | size, to, from, offset, 0);
  }
  void Store(int size, Register to, size_t offset, Register from) {
    Add(BPF_STX | BPF_MEM | size, to, from, offset, 0);
  }
  void StoreNumber(int size, Register to, size_t offset, int32_t number) {
    Add(BPF_ST | BPF_MEM | size, to, kR0, offset, number);
  }
  // to = the address behind the frame's end, minus `bytes`
  void StackAddress(Register to, int32_t bytes) {
    Move(to, kR10);
    Plus(to, -bytes);
  }
  // to = a map, or the address of the first value of an array map
  void MapOf(Register to, int map_fd) { Wide(to, BPF_PSEUDO_MAP_FD, map_fd); }
  void ArrayOf(Register to, int map_fd) { Wide(to, BPF_PSEUDO_MAP_VALUE, map_fd); }

  void Call(int32_t helper) { Add(BPF_JMP | BPF_CALL, kR0, kR0, 0, helper); }
  void Exit() { Add(BPF_JMP | BPF_EXIT, kR0, kR0, 0, 0); }

  // Jumps ahead to where Here() is called with the same label. `condition`: BPF_JEQ and the like.
  void JumpIf(int condition, Register left, int32_t right, const char* label) {
    jumps_.emplace(label, text_.size());
    Add(BPF_JMP | BPF_K | condition, left, kR0, 0, right);
  }
  void Jump(const char* label) {
    jumps_.emplace(label, text_.size());
    Add(BPF_JMP | BPF_JA, kR0, kR0, 0, 0);
  }
  void Here(const char* label) {
    const auto [begin, end] = jumps_.equal_range(label);
    for (auto jump = begin; jump != end; ++jump) {
      text_[jump->second].off = static_cast<int16_t>(text_.size() - jump->second - 1);
    }
  }

  const std::vector<bpf_insn>& text() const { return text_; }

 private:
  void Add(int code, Register to, Register from, size_t offset, int32_t number) {
    bpf_insn instruction = {};
    instruction.code = static_cast<uint8_t>(code);
    instruction.dst_reg = to & 0xf;
    instruction.src_reg = from & 0xf;
    instruction.off = static_cast<int16_t>(offset);
    instruction.imm = number;
    text_.push_back(instruction);
  }
  void Wide(Register to, int kind, int32_t number) {
    Add(BPF_LD | BPF_DW | BPF_IMM, to, static_cast<Register>(kind), 0, number);
    Add(0, kR0, kR0, 0, 0);
  }

  std::vector<bpf_insn> text_;
  std::multimap<std::string, size_t> jumps_;
};
// NOLINTEND(misc-redundant-expression)

}  // namespace inlay::bpf_script

#endif  // INLAY_TESTS_KERNEL_ON_KERNEL_INSTRUCTIONS_H_
