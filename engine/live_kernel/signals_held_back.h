// Signals that wait while something is half done.

#ifndef INLAY_ENGINE_LIVE_KERNEL_SIGNALS_HELD_BACK_H_
#define INLAY_ENGINE_LIVE_KERNEL_SIGNALS_HELD_BACK_H_

#include <csignal>

namespace inlay::live_kernel {

// Blocks all signals for this thread while it lives. What came meanwhile is delivered at its end.
class SignalsHeldBack {
 public:
  SignalsHeldBack() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &earlier_);
  }
  SignalsHeldBack(const SignalsHeldBack&) = delete;
  SignalsHeldBack& operator=(const SignalsHeldBack&) = delete;
  ~SignalsHeldBack() { pthread_sigmask(SIG_SETMASK, &earlier_, nullptr); }

 private:
  sigset_t earlier_;
};

}  // namespace inlay::live_kernel

#endif  // INLAY_ENGINE_LIVE_KERNEL_SIGNALS_HELD_BACK_H_
