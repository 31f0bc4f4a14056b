// Connections that each have a policy; the few different policies are kept once. In C.
#include <inlay/inlay.h>
#include <stdio.h>

struct policy {
  uint32_t rate_limit, priority;
};

struct connection {
  uint16_t inlay_word;  // all that a connection pays: two bytes, zero at first
};

static void raise_priority(void* value, size_t bytes, void* to) {
  (void)bytes;
  ((struct policy*)value)->priority = *(const uint32_t*)to;
}

int main(void) {
  inlay_store* store = NULL;
  inlay_map* policies = NULL;
  const inlay_store_options in_store = {.size = sizeof(in_store), .reserved_bits = 16};
  const inlay_map_options in_map = {// 10 bits: up to 1022 different policies at a time
                                    .size = sizeof(in_map),
                                    .value_bytes = sizeof(struct policy),
                                    .width_bits = 10};
  int result = inlay_store_create(&in_store, &store);
  if (result == 0) result = inlay_map_create(store, &in_map, &policies);
  if (result != 0) {
    printf("%s\n", inlay_status_text(result));
    return 1;
  }

  struct connection one = {0}, other = {0};
  const inlay_owner owner_one = inlay_owner16(&one.inlay_word);
  const inlay_owner owner_other = inlay_owner16(&other.inlay_word);
  const struct policy usual = {.rate_limit = 1000, .priority = 1};
  result = inlay_update(policies, owner_one, &usual, sizeof(usual), INLAY_ANY);
  if (result == 0) result = inlay_update(policies, owner_other, &usual, sizeof(usual), INLAY_ANY);
  inlay_map_statistics statistics = {.size = sizeof(statistics)};
  inlay_map_get_statistics(policies, &statistics);
  printf("2 connections, %d policy\n", (int)statistics.values);

  uint32_t high = 7;
  if (result == 0) result = inlay_modify(policies, owner_other, raise_priority, &high);
  if (result == 0) {
    inlay_read_lock();  // what inlay_get() returns is valid until inlay_read_unlock()
    const struct policy* of_one = inlay_get(policies, owner_one);
    const struct policy* of_other = inlay_get(policies, owner_other);
    printf("priorities %d and %d\n", (int)of_one->priority, (int)of_other->priority);
    inlay_read_unlock();
  }
  inlay_owner_close(store, owner_one);  // before a connection is freed
  inlay_owner_close(store, owner_other);
  inlay_map_destroy(policies);
  inlay_store_destroy(store);
  return result == 0 ? 0 : 1;
}
