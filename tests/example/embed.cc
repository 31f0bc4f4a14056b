// Connections that each have a policy; the few different policies are kept once.

#include <inlay/index_map.h>
#include <inlay/rcu.h>

#include <cstdint>
#include <cstdio>
#include <memory>

struct Policy {
  uint32_t rate_limit = 0;
  uint32_t priority = 0;
};

struct Connection {
  int fd = -1;
  inlay::InlineWords<16> words;  // all that a connection pays: two bytes
  auto& inline_words() { return words; }
  auto& inline_words() const { return words; }
};

inlay::Status Run() {
  using inlay::Status;
  std::unique_ptr<inlay::Store> store;
  Status status = inlay::Store::Create({.reserved_bits = 16}, &store);
  if (status != Status::kOk) return status;
  std::unique_ptr<inlay::SharedMap<Policy>> policies;
  inlay::MapOptions options;
  options.width_bits = 10;  // up to 1022 different policies at a time
  status = inlay::SharedMap<Policy>::Create(*store, options, &policies);
  if (status != Status::kOk) return status;

  Connection one, other;
  for (Connection* connection : {&one, &other}) {
    status = policies->Update(*connection, Policy{.rate_limit = 1000, .priority = 1});
    if (status != Status::kOk) return status;
  }
  std::printf("two connections, %u policy\n", policies->bytes().stats().table.live);
  status = policies->Modify(other, [](Policy& policy) { policy.priority = 7; });
  if (status != Status::kOk) return status;
  std::printf("one changed its own, %u policies\n", policies->bytes().stats().table.live);
  {
    inlay::ReadSection section;  // what Get() returns is valid until the section ends
    std::printf("priorities %u and %u\n", policies->Get(one)->priority,
                policies->Get(other)->priority);
  }
  store->Close(one);  // before a connection is freed
  store->Close(other);
  return Status::kOk;
}

int main() {
  const inlay::Status status = Run();
  if (status != inlay::Status::kOk) std::fprintf(stderr, "%s\n", StatusName(status).data());
  return inlay::ToErrno(status);
}
