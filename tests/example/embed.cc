// Connections that each have a policy; the few different policies are kept once.
#include <inlay/rcu.h>
#include <inlay/shared_map.h>

#include <cstdio>

struct Policy {
  uint32_t rate_limit, priority;
};

struct Connection {
  inlay::InlineWords<16> words;  // all that a connection pays: two bytes
  auto& inline_words() { return words; }
  auto& inline_words() const { return words; }
};

int main() {
  using inlay::Status;
  std::unique_ptr<inlay::Store> store;
  std::unique_ptr<inlay::SharedMap<Policy>> policies;
  Status status = inlay::Store::Create({.reserved_bits = 16}, &store);
  if (status == Status::kOk) {  // 10 bits: up to 1022 different policies at a time
    status = inlay::SharedMap<Policy>::Create(*store, {.width_bits = 10}, &policies);
  }
  if (status != Status::kOk) return inlay::ToErrno(status);

  Connection one, other;
  status = policies->Update(one, {.rate_limit = 1000, .priority = 1});
  if (status == Status::kOk) status = policies->Update(other, {.rate_limit = 1000, .priority = 1});
  std::printf("2 connections, %u policy\n", policies->bytes().stats().table.live);
  if (status == Status::kOk) status = policies->Modify(other, [](Policy& p) { p.priority = 7; });
  if (status == Status::kOk) {
    inlay::ReadSection section;  // what Get() returns is valid until the section ends
    std::printf("priorities %u and %u\n", policies->Get(section, one)->priority,
                policies->Get(section, other)->priority);
  }
  store->Close(one);  // before a connection is freed
  store->Close(other);
  return inlay::ToErrno(status);
}
