// Loads a plug-in at run time, and calls its plugin_run().

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

int main(int count, char** words) {
  int (*run)(void) = NULL;
  void* const plugin = count == 2 ? dlopen(words[1], RTLD_NOW | RTLD_LOCAL) : NULL;
  void* const found = plugin != NULL ? dlsym(plugin, "plugin_run") : NULL;
  if (found == NULL) {
    printf("%s\n", count == 2 ? dlerror() : "usage: plugin_host PLUGIN");
    return 10;
  }
  memcpy(&run, &found, sizeof(run));  // C has no cast from the one to the other
  const int result = run();
  printf("plugin_run() = %d\n", result);
  return result;
}
