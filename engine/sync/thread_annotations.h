// Clang's thread-safety annotations. The `clang` preset checks them.
// Source: https://clang.llvm.org/docs/ThreadSafetyAnalysis.html

#ifndef INLAY_ENGINE_SYNC_THREAD_ANNOTATIONS_H_
#define INLAY_ENGINE_SYNC_THREAD_ANNOTATIONS_H_

#if defined(__clang__)
#define INLAY_THREAD_ANNOTATION(x) __attribute__((x))
#else
#define INLAY_THREAD_ANNOTATION(x)
#endif

#define CAPABILITY(x) INLAY_THREAD_ANNOTATION(capability(x))
#define SCOPED_CAPABILITY INLAY_THREAD_ANNOTATION(scoped_lockable)
#define GUARDED_BY(x) INLAY_THREAD_ANNOTATION(guarded_by(x))
#define PT_GUARDED_BY(x) INLAY_THREAD_ANNOTATION(pt_guarded_by(x))
#define EXCLUSIVE_LOCKS_REQUIRED(...) INLAY_THREAD_ANNOTATION(exclusive_locks_required(__VA_ARGS__))
#define LOCKS_EXCLUDED(...) INLAY_THREAD_ANNOTATION(locks_excluded(__VA_ARGS__))
#define EXCLUSIVE_LOCK_FUNCTION(...) INLAY_THREAD_ANNOTATION(acquire_capability(__VA_ARGS__))
#define NO_THREAD_SAFETY_ANALYSIS INLAY_THREAD_ANNOTATION(no_thread_safety_analysis)
#define TRY_LOCK_FUNCTION(...) INLAY_THREAD_ANNOTATION(try_acquire_capability(__VA_ARGS__))
#define UNLOCK_FUNCTION(...) INLAY_THREAD_ANNOTATION(release_capability(__VA_ARGS__))

#endif  // INLAY_ENGINE_SYNC_THREAD_ANNOTATIONS_H_
