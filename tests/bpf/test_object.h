// TestObject: a BPF object of a test, loaded from memory, with its maps and the programs that it
// has attached. Nothing of it is left when it ends, or when the process does.

#ifndef INLAY_TESTS_BPF_TEST_OBJECT_H_
#define INLAY_TESTS_BPF_TEST_OBJECT_H_

#include <bpf/libbpf.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace inlay::live_maps {

class TestObject {
 public:
  // Not loaded yet. All functions throw std::system_error that says what failed.
  explicit TestObject(std::span<const std::byte> object);
  ~TestObject();
  TestObject(const TestObject&) = delete;
  TestObject& operator=(const TestObject&) = delete;

  bpf_object* get() const { return object_.get(); }
  // Returns the error.
  int Load() { return bpf_object__load(object_.get()); }
  void Attach(const std::string& program, int cgroup_fd);
  void Detach() { links_.clear(); }
  // Runs the program of an iterator for all its objects, in this thread's network namespace.
  void Walk(const std::string& program) const;
  // The length of a program after the verifier has translated it.
  uint32_t TranslatedInstructions(const std::string& program) const;
  // The memory of a section's map.
  void* Section(const char* name);

 private:
  struct CloseObject {
    void operator()(bpf_object* object) const { bpf_object__close(object); }
  };
  struct CloseLink {
    void operator()(bpf_link* link) const { bpf_link__destroy(link); }
  };
  struct Memory {
    void* address;
    size_t bytes;
  };

  bpf_program* Find(const std::string& program) const;

  std::unique_ptr<bpf_object, CloseObject> object_;
  std::vector<std::unique_ptr<bpf_link, CloseLink>> links_;
  std::vector<Memory> sections_;
};

}  // namespace inlay::live_maps

#endif  // INLAY_TESTS_BPF_TEST_OBJECT_H_
