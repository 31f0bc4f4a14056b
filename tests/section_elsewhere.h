// SectionElsewhere: a reader section that another thread holds open.

#ifndef INLAY_TESTS_SECTION_ELSEWHERE_H_
#define INLAY_TESTS_SECTION_ELSEWHERE_H_

#include <semaphore>
#include <thread>

#include "inlay/rcu.h"

namespace inlay {

// A reader section on another thread, from the constructor to End().
class SectionElsewhere {
 public:
  SectionElsewhere() : thread_([this] { Run(); }) { entered_.acquire(); }
  ~SectionElsewhere() { End(); }
  void End() {
    if (!thread_.joinable()) return;
    leave_.release();
    thread_.join();
  }

 private:
  void Run() {
    ReadSection section;
    entered_.release();
    leave_.acquire();
  }
  std::binary_semaphore entered_{0};
  std::binary_semaphore leave_{0};
  std::thread thread_;
};

}  // namespace inlay

#endif  // INLAY_TESTS_SECTION_ELSEWHERE_H_
