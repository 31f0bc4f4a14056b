// The policies of the proxy, and the file that holds them: a line for each tenant,
//
//   tenant 7 chunk 4096 open 1
//
// where # begins a comment, and a chunk is 1 byte to 1 MiB.

#ifndef PROXY_POLICIES_H_
#define PROXY_POLICIES_H_

#include <cstdint>
#include <cstdio>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <utility>

using TenantId = uint32_t;

// Of a tenant: one change for all of its connections.
struct Access {
  uint32_t open;  // 0: its connections end
};

// Of a connection. A new one has that of its listener.
struct Shape {
  uint32_t chunk_bytes;  // the most that is read at a time
};

inline constexpr uint32_t kMostChunkBytes = 1 << 20;

using Policies = std::map<TenantId, std::pair<Access, Shape>>;

// False, with a message on stderr, if the file cannot be read or a line has another form.
inline bool ReadPolicies(const char* path, Policies* policies) {
  std::ifstream file(path);
  Policies read;
  std::string text;
  for (int number = 1; std::getline(file, text); ++number) {
    std::istringstream words(text.substr(0, text.find('#')));
    std::string tenant, chunk, open, more;
    TenantId id = 0;
    std::pair<Access, Shape> line{};
    if (!(words >> tenant)) continue;
    words >> id >> chunk >> line.second.chunk_bytes >> open >> line.first.open;
    if (!words || words >> more || tenant != "tenant" || chunk != "chunk" || open != "open" ||
        line.second.chunk_bytes - 1 >= kMostChunkBytes || line.first.open > 1 ||
        !read.emplace(id, line).second) {
      std::fprintf(stderr, "proxy: %s:%d: expected 'tenant ID chunk BYTES open 0|1', an ID once\n",
                   path, number);
      return false;
    }
  }
  if (read.empty()) {
    std::fprintf(stderr, "proxy: %s: no tenants\n", path);
    return false;
  }
  *policies = std::move(read);
  return true;
}

#endif  // PROXY_POLICIES_H_
