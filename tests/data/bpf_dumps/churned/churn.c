// Fills the maps of record.sh once, or changes them for some time: "churn DIR fill" or
// "churn DIR churn SECONDS".

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { kEntries = 6 };

static int Open(const char* dir, const char* map) {
  char path[256];
  snprintf(path, sizeof(path), "%s/%s", dir, map);
  const int fd = bpf_obj_get(path);
  if (fd < 0) {
    perror(path);
    exit(1);
  }
  return fd;
}

// A value of the map: the same bytes for the same key.
static void Make(unsigned char* value, size_t bytes, unsigned key) {
  memset(value, 0, bytes);
  if (bytes == 8) {  // numbers around 2^53
    const unsigned long long numbers[] = {0, 1ULL << 53, (1ULL << 53) + 1, ~0ULL, 7, 7};
    memcpy(value, &numbers[key % kEntries], 8);
  } else if (bytes == 16) {  // struct failure
    strcpy((char*)value, key % 2 == 0 ? "timeout" : "refused");
  } else if (bytes == 24) {
    for (size_t i = 0; i < bytes; ++i) value[i] = (unsigned char)(key % 3 + i);
  } else {  // struct conf: two limits, two ratios, two tails behind the text
    const float ratio = key % 3 == 0 ? 0.5F : 1.5F;
    value[0] = (unsigned char)(key % 2);
    value[8] = 80;
    memcpy(value + 12, &ratio, sizeof(ratio));
    memcpy(value + 16, "bbr", 4);
    value[22] = key >= 4 ? 'x' : 0;
    value[24] = 1;
  }
}

int main(int argc, char** argv) {
  struct Map {
    const char* name;
    size_t bytes;
    int fd;
  } maps[] = {{"conf_hash", 32, 0},  {"conf_array", 32, 0}, {"num_hash", 8, 0},
              {"error_hash", 16, 0}, {"wide_hash", 24, 0},  {"conf_pcpu", 32, 0},
              {"num_pcpu", 8, 0},    {"plain_hash", 8, 0},  {"plain_wide", 32, 0},
              {"plain_pcpu", 8, 0}};
  const size_t count = sizeof(maps) / sizeof(maps[0]);
  if (argc < 3) return 2;
  const int cpus = libbpf_num_possible_cpus();
  unsigned char* value = malloc(32 * (size_t)cpus);
  for (size_t i = 0; i < count; ++i) maps[i].fd = Open(argv[1], maps[i].name);
  const time_t end = argc > 3 ? time(NULL) + atoi(argv[3]) : 0;
  do {
    for (unsigned key = 0; key < kEntries; ++key) {
      for (size_t i = 0; i < count; ++i) {
        for (int cpu = 0; cpu < cpus; ++cpu) {
          Make(value + (size_t)cpu * maps[i].bytes, maps[i].bytes, key + (unsigned)cpu);
        }
        if (end != 0) bpf_map_delete_elem(maps[i].fd, &key);
        if (bpf_map_update_elem(maps[i].fd, &key, value, 0) != 0) perror(maps[i].name);
      }
    }
  } while (time(NULL) < end);
  free(value);
  return 0;
}
