// A plug-in: plugin_run() stores a value and gets it. 0 if that is what it got.

#include <inlay/inlay.h>

int plugin_run(void);

int plugin_run(void) {
  inlay_store* store = NULL;
  inlay_map* map = NULL;
  uint16_t word = 0;
  const uint64_t written = 42;
  uint64_t read = 0;
  const inlay_owner owner = inlay_owner16(&word);
  const inlay_store_options in_store = {.size = sizeof(in_store)};
  const inlay_map_options in_map = {.size = sizeof(in_map), .value_bytes = sizeof(written)};
  if (inlay_store_create(&in_store, &store) != 0) return 1;
  if (inlay_map_create(store, &in_map, &map) != 0) return 2;
  if (inlay_update(map, owner, &written, sizeof(written), INLAY_NOEXIST) != 0) return 3;
  inlay_read_lock();
  const uint64_t* const found = inlay_get(map, owner);
  if (found != NULL) read = *found;
  inlay_read_unlock();
  inlay_synchronize();
  inlay_owner_close(store, owner);
  inlay_map_destroy(map);
  inlay_store_destroy(store);
  return read == written ? 0 : 4;
}
