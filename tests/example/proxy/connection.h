// What the proxy knows of its listeners and connections, and the maps that hold their policies.

#ifndef PROXY_CONNECTION_H_
#define PROXY_CONNECTION_H_

#include <inlay/inline_words.h>
#include <inlay/keyed_map.h>
#include <inlay/rcu.h>
#include <inlay/shared_map.h>
#include <inlay/store.h>

#include <memory>
#include <string>

#include "policies.h"

// All that a listener or a connection pays for its policies: four bytes.
struct Owner {
  inlay::InlineWords<32> words;
  auto& inline_words() { return words; }
  auto& inline_words() const { return words; }
};

struct Listener : Owner {
  int fd = -1;
  TenantId tenant = 0;
};

// One of the two sockets of a connection.
struct Side {
  int fd = -1;
  std::string pending;     // bytes of the other side, to be written here
  bool has_ended = false;  // has sent all that it will send
  bool was_told = false;   // that the other side has ended
};

struct Connection : Owner {
  Side client, upstream;
  bool is_dead = false;
};

struct Maps {
  std::unique_ptr<inlay::Store> store;
  std::unique_ptr<inlay::SharedMap<Shape>> shapes;
  std::unique_ptr<inlay::KeyedMap<TenantId, Access>> tenants;

  // Both maps have the clone flag: a connection gets the policies of its listener.
  bool Create() {
    using inlay::Status;
    return inlay::Store::Create({.reserved_bits = 32}, &store) == Status::kOk &&
           inlay::SharedMap<Shape>::Create(*store,
                                           {.name = "shape", .width_bits = 10, .clone = true},
                                           &shapes) == Status::kOk &&
           inlay::KeyedMap<TenantId, Access>::Create(
               *store, {.name = "tenant", .width_bits = 12, .clone = true}, &tenants) ==
               Status::kOk;
  }

  bool IsOpen(const Owner& owner) const {
    const inlay::ReadSection section;  // what Get() returns is valid until the section ends
    const Access* const access = tenants->Get(owner);
    return access != nullptr && access->open != 0;
  }
  size_t ChunkBytes(const Owner& owner) const {
    const auto shape = shapes->Load(owner);
    return shape.has_value() ? shape->chunk_bytes : 1;
  }
  // 0: the owner has no tenant.
  TenantId TenantOf(const Owner& owner) const {
    const inlay::ReadSection section;
    const TenantId* const tenant = tenants->KeyOf(owner);
    return tenant != nullptr ? *tenant : 0;
  }
};

#endif  // PROXY_CONNECTION_H_
