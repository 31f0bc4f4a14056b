// inlay_replace() and inlay_replace_all() of inlay/inlay.h.

// NOLINTBEGIN: it is C
#include <errno.h>
#include <inlay/inlay.h>

#include "tests/c_api/check.h"

enum { kOwners = 40, kValues = 4 };

typedef struct fixture {
  inlay_store* store;
  inlay_map* map;
  uint16_t words[kOwners];
} fixture;

// Owner i has the value i % kValues + 1.
static fixture SetUp(uint32_t flags, size_t pending_limit_bytes) {
  fixture made;
  inlay_store_options in_store;
  inlay_map_options in_map;
  uint64_t value;
  int i;
  memset(&made, 0, sizeof(made));
  memset(&in_store, 0, sizeof(in_store));
  memset(&in_map, 0, sizeof(in_map));
  in_store.size = sizeof(in_store);
  in_store.pending_limit_bytes = pending_limit_bytes;
  CHECK_EQUAL(inlay_store_create(&in_store, &made.store), 0);
  in_map.size = sizeof(in_map);
  in_map.value_bytes = sizeof(uint64_t);
  in_map.width_bits = 3;
  in_map.flags = flags;
  CHECK_EQUAL(inlay_map_create(made.store, &in_map, &made.map), 0);
  for (i = 0; i < kOwners; ++i) {
    value = (uint64_t)(i % kValues + 1);
    CHECK_EQUAL(
        inlay_update(made.map, inlay_owner16(&made.words[i]), &value, sizeof(value), INLAY_ANY), 0);
  }
  return made;
}

static void TearDown(fixture* made) {
  int i;
  for (i = 0; i < kOwners; ++i) inlay_owner_close(made->store, inlay_owner16(&made->words[i]));
  inlay_map_destroy(made->map);
  inlay_store_destroy(made->store);
}

static uint64_t ValueOf(fixture* in, int owner) {
  uint64_t value;
  const uint64_t* found;
  inlay_read_lock();
  found = (const uint64_t*)inlay_get(in->map, inlay_owner16(&in->words[owner]));
  value = found == NULL ? 0 : *found;
  inlay_read_unlock();
  return value;
}

static int Replace(fixture* in, uint64_t from, uint64_t to) {
  return inlay_replace(in->map, &from, &to, sizeof(from));
}

// All owners of one value, and no others; also where it becomes another one's equal.
static void TestReplace(void) {
  fixture in = SetUp(INLAY_MAP_REPLACEABLE, 0);
  int i;
  CHECK_EQUAL(Replace(&in, 2, 20), 0);
  for (i = 0; i < kOwners; ++i) {
    CHECK_EQUAL(ValueOf(&in, i), i % kValues == 1 ? 20 : i % kValues + 1);
  }
  CHECK_EQUAL(Replace(&in, 2, 30), -ENOENT);
  CHECK_EQUAL(Replace(&in, 20, 1), 0);
  CHECK_EQUAL(ValueOf(&in, 0), 1);
  CHECK_EQUAL(ValueOf(&in, 1), 1);
  CHECK_EQUAL(Replace(&in, 1, 7), 0);
  CHECK_EQUAL(ValueOf(&in, 0), 7);
  CHECK_EQUAL(ValueOf(&in, 1), 7);
  CHECK_EQUAL(ValueOf(&in, 2), 3);
  TearDown(&in);
}

static int AddHundredToOdd(void* bytes, size_t value_bytes, void* calls) {
  uint64_t value;
  CHECK_EQUAL(value_bytes, sizeof(value));
  memcpy(&value, bytes, sizeof(value));
  ++*(int*)calls;
  if (value % 2 == 0) return 0;
  value += 100;
  memcpy(bytes, &value, sizeof(value));
  return 1;
}

static void TestReplaceAll(void) {
  fixture in = SetUp(INLAY_MAP_REPLACEABLE, 0);
  uint32_t replaced = 99;
  int calls = 0;
  int i;
  CHECK_EQUAL(inlay_replace_all(in.map, AddHundredToOdd, &calls, &replaced), 0);
  CHECK_EQUAL(calls, kValues);
  CHECK_EQUAL(replaced, 2);
  for (i = 0; i < kOwners; ++i) {
    CHECK_EQUAL(ValueOf(&in, i), i % 2 == 0 ? i % kValues + 101 : i % kValues + 1);
  }
  CHECK_EQUAL(inlay_replace_all(in.map, AddHundredToOdd, &calls, NULL), 0);
  TearDown(&in);
}

// What other functions do in such a map.
static void TestOthers(void) {
  fixture in = SetUp(INLAY_MAP_REPLACEABLE, 0);
  const inlay_owner owner = inlay_owner16(&in.words[0]);
  uint64_t value;
  int result = 0;
  int i;
  CHECK_EQUAL(Replace(&in, 1, 10), 0);
  inlay_read_lock();
  CHECK_EQUAL(*(const uint64_t*)inlay_get_or_create(in.map, owner, NULL, &result), 10);
  inlay_read_unlock();
  value = 10;
  CHECK_EQUAL(inlay_update(in.map, inlay_owner16(&in.words[1]), &value, sizeof(value), INLAY_EXIST),
              0);
  CHECK_EQUAL(ValueOf(&in, 1), 10);
  CHECK_EQUAL(inlay_delete(in.map, owner), 0);
  CHECK_EQUAL(ValueOf(&in, 0), 0);
  // Six indexes at 3 bits, of which four are taken. Nothing spills.
  for (i = 0; i < 3; ++i) {
    value = (uint64_t)(50 + i);
    result =
        inlay_update(in.map, inlay_owner16(&in.words[8 + i]), &value, sizeof(value), INLAY_ANY);
    CHECK_EQUAL(result, i < 2 ? 0 : -ENOMEM);
  }
  CHECK_EQUAL(inlay_last_limit(), INLAY_LIMIT_INDEXES);
  TearDown(&in);
}

static void TestRefusals(void) {
  fixture in = SetUp(0, 0);
  uint64_t value = 1;
  uint32_t replaced = 99;
  int calls = 0;
  CHECK_EQUAL(Replace(&in, 1, 2), -EOPNOTSUPP);
  CHECK_TEXT(inlay_status_text(-EOPNOTSUPP), "EOPNOTSUPP");
  CHECK_EQUAL(inlay_replace_all(in.map, AddHundredToOdd, &calls, &replaced), -EOPNOTSUPP);
  CHECK_EQUAL(replaced, 0);
  CHECK_EQUAL(calls, 0);
  TearDown(&in);
  in = SetUp(INLAY_MAP_REPLACEABLE, 1);
  CHECK_EQUAL(inlay_replace(in.map, NULL, &value, sizeof(value)), -EINVAL);
  CHECK_EQUAL(inlay_replace(in.map, &value, NULL, sizeof(value)), -EINVAL);
  CHECK_EQUAL(inlay_replace(in.map, &value, &value, sizeof(value) - 1), -EINVAL);
  CHECK_EQUAL(inlay_replace_all(in.map, NULL, NULL, &replaced), -EINVAL);
  // What waits for readers may take one byte. The first bytes of a value lie in the table.
  CHECK_EQUAL(Replace(&in, 1, 10), 0);
  CHECK_EQUAL(Replace(&in, 10, 11), -ENOMEM);
  CHECK_EQUAL(inlay_last_limit(), INLAY_LIMIT_PENDING);
  CHECK_EQUAL(ValueOf(&in, 0), 10);
  TearDown(&in);
}

int main(void) {
  TestReplace();
  TestReplaceAll();
  TestOthers();
  TestRefusals();
  return failures == 0 ? 0 : 1;
}
// NOLINTEND
