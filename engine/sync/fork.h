// What the library does around fork(), so that its child can go on with the stores and maps of its
// parent, as a program does after daemon(3) and a server that forks its workers.
//
// The child has one thread, the one that forked. Before the fork that thread waits until the
// library's thread holds no lock and no grace period is under way: liburcu keeps its locks while it
// waits for readers. In the child, liburcu forgets the other threads, whose reader sections would
// never end, and the library's thread starts again when it has work.
//
// A thread that forks inside a reader section, or inside a function of Retire(), cannot wait; and a
// reader that stays in its section may itself wait for the thread that forks, so that one waits
// five seconds at most. In these cases the child may only call exec() or _exit().

#ifndef INLAY_ENGINE_SYNC_FORK_H_
#define INLAY_ENGINE_SYNC_FORK_H_

namespace inlay::rcu_internal {

// Installs the handlers; later calls do nothing. Thread-safe.
void HandleForks() noexcept;

// Handlers for state of rooms below: as those of pthread_atfork(), while the library's thread holds
// no lock. One set for the process.
struct ForkHandlers {
  void (*before)();
  void (*in_parent)();
  void (*in_child)();
};
void SetForkHandlers(const ForkHandlers* handlers) noexcept;

}  // namespace inlay::rcu_internal

#endif  // INLAY_ENGINE_SYNC_FORK_H_
