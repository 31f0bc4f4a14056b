// The contract of inlay/inlay.h: each state of an owner x each operation, options, and errnos.

// NOLINTBEGIN: it is C, which contract_in_cpp.cc shows to the checks of C++
#include <errno.h>
#include <inlay/inlay.h>

#include "tests/c_api/check.h"

typedef struct value {
  uint64_t number;
  uint32_t more[3];
  uint32_t last;
} value;

// An owner with the words of each kind.
typedef struct words {
  uint16_t word16;
  uint32_t word32;
  uint64_t words64[2];
} words;

enum state { ABSENT, PRESENT, SPILLED };

typedef struct fixture {
  inlay_store* store;
  inlay_map* map;
  words of_owner;
  words of_others[2];  // they hold both indexes of the map, so that further values spill
  inlay_owner owner;
} fixture;

static value Numbered(uint64_t number) {
  value made;
  memset(&made, 0, sizeof(made));
  made.number = number;
  made.last = 7;
  return made;
}

static inlay_owner OwnerOf(words* from, uint32_t bits) {
  if (bits == 16) return inlay_owner16(&from->word16);
  if (bits == 32) return inlay_owner32(&from->word32);
  return inlay_owner64(from->words64, 2);
}

static inlay_store* NewStore(uint32_t bits, uint32_t flags) {
  inlay_store_options options;
  inlay_store* store = NULL;
  memset(&options, 0, sizeof(options));
  options.size = sizeof(options);
  options.reserved_bits = bits;
  options.flags = flags;
  CHECK_EQUAL(inlay_store_create(&options, &store), 0);
  return store;
}

static inlay_map_options MapOptions(uint32_t width_bits, uint32_t flags) {
  inlay_map_options options;
  memset(&options, 0, sizeof(options));
  options.size = sizeof(options);
  options.name = "numbers";
  options.value_bytes = sizeof(value);
  options.width_bits = width_bits;
  options.flags = flags;
  return options;
}

static inlay_map* NewMap(inlay_store* store, uint32_t width_bits, uint32_t flags) {
  const inlay_map_options options = MapOptions(width_bits, flags);
  inlay_map* map = NULL;
  CHECK_EQUAL(inlay_map_create(store, &options, &map), 0);
  return map;
}

static int Update(inlay_map* map, inlay_owner owner, uint64_t number, unsigned flag) {
  const value updated = Numbered(number);
  return inlay_update(map, owner, &updated, sizeof(updated), flag);
}

// The number of an owner's value; 0: absent.
static uint64_t NumberOf(const inlay_map* map, inlay_owner owner) {
  uint64_t number = 0;
  const value* found;
  inlay_read_lock();
  found = (const value*)inlay_get(map, owner);
  if (found != NULL) {
    CHECK_EQUAL(found->last, 7);
    number = found->number;
  }
  inlay_read_unlock();
  return number;
}

static inlay_map_statistics StatisticsOf(const inlay_map* map) {
  inlay_map_statistics statistics;
  statistics.size = sizeof(statistics);
  CHECK_EQUAL(inlay_map_get_statistics(map, &statistics), 0);
  return statistics;
}

static fixture SetUp(uint32_t bits, uint32_t store_flags) {
  fixture made;
  memset(&made, 0, sizeof(made));
  made.store = NewStore(bits, store_flags);
  made.map = NewMap(made.store, 2, INLAY_MAP_NO_BACKGROUND);
  return made;
}

// Brings the owner into this state. Its value, if it has one, is 1.
static void Enter(fixture* made, uint32_t bits, enum state state) {
  made->owner = OwnerOf(&made->of_owner, bits);
  if (state == SPILLED) {
    CHECK_EQUAL(Update(made->map, OwnerOf(&made->of_others[0], bits), 101, INLAY_ANY), 0);
    CHECK_EQUAL(Update(made->map, OwnerOf(&made->of_others[1], bits), 102, INLAY_ANY), 0);
  }
  if (state != ABSENT) CHECK_EQUAL(Update(made->map, made->owner, 1, INLAY_ANY), 0);
  CHECK_EQUAL(StatisticsOf(made->map).spilled_owners, state == SPILLED ? 1 : 0);
}

static void TearDown(fixture* made, uint32_t bits) {
  CHECK_EQUAL(inlay_owner_close(made->store, made->owner), 0);
  CHECK_EQUAL(NumberOf(made->map, made->owner), 0);
  CHECK_EQUAL(inlay_owner_close(made->store, OwnerOf(&made->of_others[0], bits)), 0);
  CHECK_EQUAL(inlay_owner_close(made->store, OwnerOf(&made->of_others[1], bits)), 0);
  CHECK_EQUAL(StatisticsOf(made->map).values, 0);
  CHECK_EQUAL(StatisticsOf(made->map).spilled_owners, 0);
  inlay_map_destroy(made->map);
  inlay_store_destroy(made->store);
}

// --- state x operation

static void TestUpdate(fixture* in, enum state state, unsigned flag) {
  int expected = 0;
  if (state == ABSENT && flag == INLAY_EXIST) expected = -ENOENT;
  if (state != ABSENT && flag == INLAY_NOEXIST) expected = -EEXIST;
  CHECK_EQUAL(Update(in->map, in->owner, 2, flag), expected);
  if (expected == 0) CHECK_EQUAL(NumberOf(in->map, in->owner), 2);
  if (expected != 0) CHECK_EQUAL(NumberOf(in->map, in->owner), state == ABSENT ? 0 : 1);
}
static void TestUpdateAny(fixture* in, enum state state) { TestUpdate(in, state, INLAY_ANY); }
static void TestUpdateNoExist(fixture* in, enum state state) {
  TestUpdate(in, state, INLAY_NOEXIST);
}
static void TestUpdateExist(fixture* in, enum state state) { TestUpdate(in, state, INLAY_EXIST); }

static void TestUpdateInvalid(fixture* in, enum state state) {
  const value given = Numbered(2);
  CHECK_EQUAL(inlay_update(in->map, in->owner, NULL, sizeof(given), INLAY_ANY), -EINVAL);
  CHECK_EQUAL(inlay_update(in->map, in->owner, &given, sizeof(given) - 1, INLAY_ANY), -EINVAL);
  CHECK_EQUAL(inlay_update(in->map, in->owner, &given, sizeof(given), 3), -EINVAL);
  CHECK_EQUAL(NumberOf(in->map, in->owner), state == ABSENT ? 0 : 1);
}

static void TestGetOrCreate(fixture* in, enum state state) {
  const value init = Numbered(2);
  const value* found;
  int result = 1;
  inlay_read_lock();
  found = (const value*)inlay_get_or_create(in->map, in->owner, &init, &result);
  CHECK_EQUAL(result, 0);
  CHECK(found != NULL && found->number == (state == ABSENT ? 2u : 1u) && found->last == 7);
  CHECK(found == inlay_get(in->map, in->owner));
  inlay_read_unlock();
}

static void TestGetOrCreateZeroes(fixture* in, enum state state) {
  value zeroes;
  const value* found;
  memset(&zeroes, 0, sizeof(zeroes));
  inlay_read_lock();
  found = (const value*)inlay_get_or_create(in->map, in->owner, NULL, NULL);
  CHECK(found != NULL);
  if (state == ABSENT) CHECK(memcmp(found, &zeroes, sizeof(zeroes)) == 0);
  if (state != ABSENT) CHECK_EQUAL(found->number, 1);
  inlay_read_unlock();
}

static void AddTen(void* bytes, size_t value_bytes, void* calls) {
  CHECK_EQUAL(value_bytes, sizeof(value));
  ((value*)bytes)->number += 10;
  ++*(int*)calls;
}

static void TestModify(fixture* in, enum state state) {
  int calls = 0;
  const int result = inlay_modify(in->map, in->owner, AddTen, &calls);
  CHECK_EQUAL(result, state == ABSENT ? -ENOENT : 0);
  CHECK_EQUAL(calls, state == ABSENT ? 0 : 1);
  CHECK_EQUAL(NumberOf(in->map, in->owner), state == ABSENT ? 0 : 11);
  CHECK_EQUAL(inlay_modify(in->map, in->owner, NULL, &calls), -EINVAL);
}

static void TestDelete(fixture* in, enum state state) {
  const value* found;
  inlay_read_lock();
  found = (const value*)inlay_get(in->map, in->owner);
  CHECK_EQUAL(inlay_delete(in->map, in->owner), state == ABSENT ? -ENOENT : 0);
  if (found != NULL) CHECK_EQUAL(found->number, 1);  // to the end of the section
  inlay_read_unlock();
  CHECK_EQUAL(NumberOf(in->map, in->owner), 0);
  CHECK_EQUAL(inlay_delete(in->map, in->owner), -ENOENT);
}

static void TestDestroyMap(fixture* in, enum state state) {
  (void)state;
  inlay_map_destroy(in->map);
  // Owners that still have old codes keep the bits; the next map never sees them.
  CHECK_EQUAL(inlay_owner_close(in->store, in->owner), 0);
  in->map = NewMap(in->store, 2, 0);
  CHECK_EQUAL(NumberOf(in->map, in->owner), 0);
}

typedef void test(fixture* in, enum state state);
static test* const kTests[] = {TestUpdateAny,     TestUpdateNoExist, TestUpdateExist,
                               TestUpdateInvalid, TestGetOrCreate,   TestGetOrCreateZeroes,
                               TestModify,        TestDelete,        TestDestroyMap};

static void TestStates(void) {
  static const uint32_t kBits[] = {16, 32, 64, 128};
  size_t at;
  size_t bits;
  int state;
  for (at = 0; at < sizeof(kTests) / sizeof(kTests[0]); ++at) {
    for (bits = 0; bits < sizeof(kBits) / sizeof(kBits[0]); ++bits) {
      for (state = ABSENT; state <= SPILLED; ++state) {
        const int before = failures;
        fixture in = SetUp(kBits[bits], 0);
        Enter(&in, kBits[bits], (enum state)state);
        kTests[at](&in, (enum state)state);
        TearDown(&in, kBits[bits]);
        if (failures != before) {
          printf("  in test %d, %d bits, state %d\n", (int)at, (int)kBits[bits], state);
        }
      }
    }
  }
}

// --- what owners share, and clones

static void TestSharing(void) {
  words first = {0, 0, {0, 0}};
  words second = {0, 0, {0, 0}};
  const inlay_owner one = OwnerOf(&first, 64);
  const inlay_owner other = OwnerOf(&second, 64);
  inlay_store* const store = NewStore(64, 0);
  inlay_map* const cloned = NewMap(store, 4, INLAY_MAP_CLONE);
  inlay_map* const own = NewMap(store, 4, 0);
  CHECK_EQUAL(Update(cloned, one, 5, INLAY_ANY), 0);
  CHECK_EQUAL(Update(own, one, 6, INLAY_ANY), 0);
  CHECK_EQUAL(inlay_owner_clone(store, one, other), 0);
  inlay_read_lock();
  CHECK(inlay_get(cloned, one) != NULL && inlay_get(cloned, one) == inlay_get(cloned, other));
  CHECK(inlay_get(own, other) == NULL);
  inlay_read_unlock();
  CHECK_EQUAL(StatisticsOf(cloned).values, 1);
  inlay_owner_close(store, one);
  CHECK_EQUAL(NumberOf(cloned, other), 5);
  inlay_owner_close(store, other);
  CHECK_EQUAL(StatisticsOf(cloned).values, 0);
  CHECK_EQUAL(StatisticsOf(cloned).unreferenced_values, 1);
  CHECK_EQUAL(inlay_map_reclaim(cloned), 1);
  CHECK_EQUAL(StatisticsOf(cloned).free_indexes, 14);
  CHECK_EQUAL(StatisticsOf(cloned).reclaimed, 1);
  inlay_map_destroy(cloned);
  inlay_map_destroy(own);
  inlay_store_destroy(store);
}

// A map whose field is in the second word, and owners that do not have it.
static void TestWrongOwners(void) {
  words one = {0, 0, {0, 0}};
  uint16_t behind16[2] = {0, 1};
  uint32_t behind32[2] = {0, 1};
  const inlay_owner owner = OwnerOf(&one, 64);
  const inlay_owner too_short = inlay_owner64(one.words64, 1);
  const inlay_owner nowhere = inlay_owner64(NULL, 2);
  inlay_owner odd = owner;
  inlay_owner wrong[3];
  inlay_store* const store = NewStore(128, 0);
  inlay_map* maps[5];
  int result = 0;
  int calls = 0;
  size_t at;
  for (at = 0; at < 5; ++at) maps[at] = NewMap(store, 16, 0);  // four fill the first word
  odd.word_bits = 8;
  wrong[0] = too_short;
  wrong[1] = nowhere;
  wrong[2] = odd;
  CHECK_EQUAL(Update(maps[4], owner, 1, INLAY_ANY), 0);
  CHECK(one.words64[0] == 0 && one.words64[1] != 0);
  for (at = 0; at < 3; ++at) {
    CHECK_EQUAL(Update(maps[4], wrong[at], 1, INLAY_ANY), -EINVAL);
    CHECK_EQUAL(inlay_modify(maps[4], wrong[at], AddTen, &calls), -EINVAL);
    CHECK_EQUAL(inlay_delete(maps[4], wrong[at]), -EINVAL);
    inlay_read_lock();
    CHECK(inlay_get_or_create(maps[4], wrong[at], NULL, &result) == NULL);
    inlay_read_unlock();
    CHECK_EQUAL(result, -EINVAL);
  }
  // A get looks at nothing behind an owner's words.
  inlay_read_lock();
  CHECK(inlay_get(maps[4], owner) != NULL);
  CHECK(inlay_get(maps[4], too_short) == NULL);
  CHECK(inlay_get(maps[4], inlay_owner16(&behind16[0])) == NULL);
  CHECK(inlay_get(maps[4], inlay_owner32(&behind32[0])) == NULL);
  inlay_read_unlock();
  CHECK_EQUAL(inlay_owner_close(store, too_short), 0);  // it has no field of such a map
  CHECK_EQUAL(inlay_owner_close(store, nowhere), -EINVAL);
  CHECK_EQUAL(inlay_owner_close(store, odd), -EINVAL);
  CHECK_EQUAL(inlay_owner_clone(store, owner, odd), -EINVAL);
  CHECK_EQUAL(inlay_owner_clone(store, nowhere, owner), -EINVAL);
  CHECK_EQUAL(NumberOf(maps[4], owner), 1);
  CHECK_EQUAL(calls, 0);
  inlay_owner_close(store, owner);
  for (at = 0; at < 5; ++at) inlay_map_destroy(maps[at]);
  inlay_store_destroy(store);
}

// --- limits and texts

static void TestLimits(void) {
  fixture in = SetUp(16, INLAY_STORE_NO_SPILL);
  inlay_map_options options = MapOptions(15, 0);
  inlay_store_options small;
  inlay_store* store = NULL;
  inlay_map* none = NULL;
  words one = {0, 0, {0, 0}};
  Enter(&in, 16, ABSENT);
  CHECK_EQUAL(Update(in.map, OwnerOf(&in.of_others[0], 16), 101, INLAY_ANY), 0);
  CHECK_EQUAL(Update(in.map, OwnerOf(&in.of_others[1], 16), 102, INLAY_ANY), 0);
  CHECK_EQUAL(Update(in.map, in.owner, 1, INLAY_ANY), -ENOMEM);
  CHECK_EQUAL(inlay_last_limit(), INLAY_LIMIT_SPILL);
  CHECK_TEXT(inlay_limit_text(inlay_last_limit()), "ENOMEM, spill limit");
  CHECK_EQUAL(NumberOf(in.map, in.owner), 0);
  CHECK_EQUAL(StatisticsOf(in.map).no_memory, 1);
  CHECK_EQUAL(StatisticsOf(in.map).no_indexes, 1);

  CHECK_EQUAL(inlay_map_create(in.store, &options, &none), -ENOMEM);
  CHECK(none == NULL);
  CHECK_EQUAL(inlay_last_limit(), INLAY_LIMIT_BITS);
  CHECK_TEXT(inlay_limit_text(inlay_last_limit()), "ENOMEM, no bits");

  CHECK_EQUAL(inlay_map_ensure_room(in.map, 1), -ENOMEM);
  CHECK_EQUAL(inlay_last_limit(), INLAY_LIMIT_INDEXES);
  CHECK_EQUAL(inlay_delete(in.map, OwnerOf(&in.of_others[0], 16)), 0);
  CHECK_EQUAL(inlay_map_ensure_room(in.map, 1), 0);
  CHECK_EQUAL(Update(in.map, in.owner, 1, INLAY_ANY), 0);
  CHECK_EQUAL(inlay_last_limit(), INLAY_LIMIT_INDEXES);  // of the last -ENOMEM
  TearDown(&in, 16);

  memset(&small, 0, sizeof(small));
  small.size = sizeof(small);
  small.table_limit_bytes = 1;
  CHECK_EQUAL(inlay_store_create(&small, &store), 0);
  CHECK_EQUAL(inlay_map_create(store, &options, &none), -ENOMEM);
  CHECK_EQUAL(inlay_last_limit(), INLAY_LIMIT_TABLE);
  CHECK_EQUAL(inlay_owner_close(store, OwnerOf(&one, 16)), 0);
  inlay_store_destroy(store);

  CHECK_TEXT(inlay_status_text(0), "OK");
  CHECK_TEXT(inlay_status_text(-ENOENT), "ENOENT");
  CHECK_TEXT(inlay_status_text(-EEXIST), "EEXIST");
  CHECK_TEXT(inlay_status_text(-EINVAL), "EINVAL");
  CHECK_TEXT(inlay_status_text(-ENOMEM), "ENOMEM");
  CHECK_TEXT(inlay_status_text(ENOENT), "?");
  CHECK_TEXT(inlay_limit_text(INLAY_LIMIT_SYSTEM), "ENOMEM");
  CHECK_TEXT(inlay_limit_text(INLAY_LIMIT_PENDING + 1), "?");
  CHECK_TEXT(inlay_limit_text(-1), "?");
}

static void TestTrim(void) {
  static words many[1000];
  inlay_store* const store = NewStore(16, 0);
  inlay_map* const map = NewMap(store, 16, 0);
  size_t at;
  for (at = 0; at < 1000; ++at) {
    CHECK_EQUAL(Update(map, OwnerOf(&many[at], 16), at + 1, INLAY_ANY), 0);
  }
  CHECK_EQUAL(StatisticsOf(map).values, 1000);
  for (at = 0; at < 1000; ++at) CHECK_EQUAL(inlay_owner_close(store, OwnerOf(&many[at], 16)), 0);
  inlay_synchronize();
  CHECK(inlay_map_trim(map) > 0);
  CHECK_EQUAL(inlay_store_trim(store), 0);
  inlay_map_destroy(map);
  inlay_store_destroy(store);
}

// --- options

// As newer programs have them, with a wish that this library does not know.
typedef struct newer_store_options {
  inlay_store_options known;
  uint64_t wish;
} newer_store_options;
typedef struct newer_map_options {
  inlay_map_options known;
  uint64_t wish;
} newer_map_options;

static void TestStoreOptions(void) {
  newer_store_options options;
  inlay_store* store = NULL;
  memset(&options, 0, sizeof(options));
  CHECK_EQUAL(inlay_store_create(NULL, &store), -EINVAL);
  CHECK_EQUAL(inlay_store_create(&options.known, &store), -EINVAL);  // no size
  options.known.size = sizeof(options.known) - 1;
  CHECK_EQUAL(inlay_store_create(&options.known, &store), -EINVAL);
  options.known.size = sizeof(options.known);
  CHECK_EQUAL(inlay_store_create(&options.known, NULL), -EINVAL);
  options.known.flags = 1u << 31;
  CHECK_EQUAL(inlay_store_create(&options.known, &store), -EINVAL);
  options.known.flags = 0;
  options.known.zero = 1;
  CHECK_EQUAL(inlay_store_create(&options.known, &store), -EINVAL);
  options.known.zero = 0;
  options.known.reserved_bits = 17;
  CHECK_EQUAL(inlay_store_create(&options.known, &store), -EINVAL);
  options.known.reserved_bits = 0;
  options.known.size = sizeof(options);
  options.wish = 1;
  CHECK_EQUAL(inlay_store_create(&options.known, &store), -E2BIG);
  CHECK(store == NULL);
  options.wish = 0;
  CHECK_EQUAL(inlay_store_create(&options.known, &store), 0);
  CHECK(store != NULL);
  inlay_store_destroy(store);
  inlay_store_destroy(NULL);
}

static void TestMapOptions(void) {
  inlay_store* const store = NewStore(0, 0);  // 16 bits
  newer_map_options options;
  inlay_map* map = NULL;
  memset(&options, 0, sizeof(options));
  options.known = MapOptions(0, 0);  // 16 bits
  CHECK_EQUAL(inlay_map_create(store, NULL, &map), -EINVAL);
  CHECK_EQUAL(inlay_map_create(store, &options.known, NULL), -EINVAL);
  options.known.size = sizeof(options.known) - 1;
  CHECK_EQUAL(inlay_map_create(store, &options.known, &map), -EINVAL);
  options.known.size = sizeof(options);
  options.wish = 1;
  CHECK_EQUAL(inlay_map_create(store, &options.known, &map), -E2BIG);
  options.wish = 0;
  options.known.flags = 1u << 31;
  CHECK_EQUAL(inlay_map_create(store, &options.known, &map), -EINVAL);
  options.known.flags = 0;
  options.known.value_bytes = 0;
  CHECK_EQUAL(inlay_map_create(store, &options.known, &map), -EINVAL);
  options.known.value_bytes = 65408;
  CHECK_EQUAL(inlay_map_create(store, &options.known, &map), -E2BIG);
  options.known.value_bytes = sizeof(value);
  options.known.width_bits = 1;
  CHECK_EQUAL(inlay_map_create(store, &options.known, &map), -EINVAL);
  options.known.width_bits = 17;
  CHECK_EQUAL(inlay_map_create(store, &options.known, &map), -EINVAL);
  options.known.width_bits = 0;
  options.known.alignment = 12;
  CHECK_EQUAL(inlay_map_create(store, &options.known, &map), -EINVAL);
  options.known.alignment = 64;
  options.known.name = NULL;
  CHECK(map == NULL);
  CHECK_EQUAL(inlay_map_create(store, &options.known, &map), 0);
  CHECK(map != NULL);
  CHECK_EQUAL(StatisticsOf(map).free_indexes, 65534);
  inlay_map_destroy(map);
  inlay_map_destroy(NULL);
  inlay_store_destroy(store);
}

typedef struct newer_statistics {
  inlay_map_statistics known;
  uint64_t more;
} newer_statistics;

static void TestStatistics(void) {
  fixture in = SetUp(16, 0);
  newer_statistics statistics;
  Enter(&in, 16, SPILLED);
  memset(&statistics, 0xff, sizeof(statistics));
  statistics.known.size = sizeof(statistics);
  CHECK_EQUAL(inlay_map_get_statistics(in.map, &statistics.known), 0);
  CHECK_EQUAL(statistics.known.size, sizeof(statistics));
  CHECK_EQUAL(statistics.known.values, 2);
  CHECK_EQUAL(statistics.known.spilled, 1);
  CHECK(statistics.known.memory_bytes > 2 * sizeof(value));
  CHECK_EQUAL(statistics.more, 0);
  CHECK_EQUAL(inlay_map_get_statistics(in.map, NULL), -EINVAL);
  statistics.known.size = 8;
  CHECK_EQUAL(inlay_map_get_statistics(in.map, &statistics.known), -EINVAL);
  TearDown(&in, 16);
}

int main(void) {
  TestStates();
  TestSharing();
  TestWrongOwners();
  TestLimits();
  TestTrim();
  TestStoreOptions();
  TestMapOptions();
  TestStatistics();
  printf("%d failures\n", failures);
  return failures == 0 ? 0 : 1;
}
// NOLINTEND
