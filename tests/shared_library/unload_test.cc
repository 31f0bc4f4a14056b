// Plugins that use the library, and are unloaded: their host goes on, and so do threads that were
// in the library.
//
//   unload_test plugin.so           loads it, uses it, unloads it, and all that twice
//   unload_test one.so other.so     each with a copy of the library: unloads one, uses the other

#include <dlfcn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <thread>

namespace {

void Expect(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "not so: %s\n", what);
  std::exit(1);
}
#define EXPECT_THAT_IT_HOLDS(condition) Expect((condition), #condition)

class Plugin {
 public:
  explicit Plugin(const char* path) : handle_(dlopen(path, RTLD_NOW | RTLD_LOCAL)) {
    if (handle_ == nullptr) Expect(false, dlerror());
    Find("plugin_begin", &begin);
    Find("plugin_use", &use);
    Find("plugin_thread_runs", &thread_runs);
    Find("plugin_end", &end);
  }
  void Unload() { EXPECT_THAT_IT_HOLDS(dlclose(handle_) == 0); }

  bool (*begin)(uint64_t number) = nullptr;
  uint64_t (*use)() = nullptr;
  bool (*thread_runs)() = nullptr;
  void (*end)() = nullptr;

 private:
  template <typename Function>
  void Find(const char* name, Function* function) {
    *function = reinterpret_cast<Function>(dlsym(handle_, name));
    Expect(*function != nullptr, name);
  }

  void* const handle_;
};

// A thread that calls `use` and exits when it is told to.
class UserOf {
 public:
  template <typename Use>
  explicit UserOf(Use use)
      : thread_([this, use] {
          use();
          has_used_.set_value();
          may_exit_.get_future().wait();
        }) {
    has_used_.get_future().wait();
  }
  void Exit() {
    may_exit_.set_value();
    thread_.join();
  }

 private:
  std::promise<void> has_used_;
  std::promise<void> may_exit_;
  std::thread thread_;
};

void UnloadTwice(const char* path) {
  for (uint64_t round = 1; round <= 2; ++round) {
    Plugin plugin(path);
    EXPECT_THAT_IT_HOLDS(plugin.begin(round));
    UserOf user([&] { EXPECT_THAT_IT_HOLDS(plugin.use() == round); });
    EXPECT_THAT_IT_HOLDS(plugin.use() == round);
    EXPECT_THAT_IT_HOLDS(plugin.thread_runs());
    plugin.end();
    plugin.Unload();
    user.Exit();
  }
}

// The child goes on with a copy of the library whose sibling was unloaded.
void ForkWith(const Plugin& plugin, uint64_t number) {
  const pid_t child = fork();
  if (child == 0) _exit(plugin.use() == number && plugin.thread_runs() ? 0 : 1);
  int status = -1;
  EXPECT_THAT_IT_HOLDS(waitpid(child, &status, 0) == child);
  EXPECT_THAT_IT_HOLDS(status == 0);
}

// The copy that is loaded first may be kept by accident: by a unique symbol of the C++ library.
void UnloadOneOfTwo(const char* one_path, const char* other_path) {
  Plugin other(other_path);
  Plugin one(one_path);
  EXPECT_THAT_IT_HOLDS(one.begin(11));
  EXPECT_THAT_IT_HOLDS(other.begin(12));
  UserOf one_user([&] { EXPECT_THAT_IT_HOLDS(one.use() == 11); });
  UserOf other_user([&] { EXPECT_THAT_IT_HOLDS(other.use() == 12); });
  UserOf both_user([&] { EXPECT_THAT_IT_HOLDS(one.use() == 11 && other.use() == 12); });
  EXPECT_THAT_IT_HOLDS(one.thread_runs());
  EXPECT_THAT_IT_HOLDS(other.thread_runs());
  one.end();
  one.Unload();
  EXPECT_THAT_IT_HOLDS(other.use() == 12);
  one_user.Exit();
  both_user.Exit();
  EXPECT_THAT_IT_HOLDS(other.use() == 12);
  EXPECT_THAT_IT_HOLDS(other.thread_runs());
  ForkWith(other, 12);
  other.end();
  other.Unload();
  other_user.Exit();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 3) {
    UnloadOneOfTwo(argv[1], argv[2]);
  } else if (argc == 2) {
    UnloadTwice(argv[1]);
  } else {
    return 2;
  }
  return 0;
}
