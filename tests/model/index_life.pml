/* The life of an index, and of a private value, as the engine moves them: every order in which two
 * writers, the children that they clone, and a reader can take their steps.
 *
 * A step is one access to shared memory, with the computation that follows it. Memory is sequentially
 * consistent here: what weaker orders do is for ThreadSanitizer and the tests with threads to find.
 *
 * What is abstract:
 *   - A reader section is a bit in `sections`. A grace period is the set of sections that were open
 *     when it began; each leaves the set as it ends. To enter is one step with the first access of a
 *     section, to leave one with the last: a longer section only forbids more.
 *   - Any unreferenced value may be retired whenever a writer holds the table's mutex, whatever the
 *     policy of reclamation is.
 *   - A new value may fail to get an index at any time, as it does for want of memory.
 *
 * README.md lists the properties, the scenarios and the mutations that -D switches on. */

#ifndef INDEXES
#define INDEXES 1 /* or 2 */
#endif
#ifndef VALUES
#define VALUES 2
#endif
#ifndef NODES
#define NODES 3
#endif
#ifndef FIRST_WRITES
#define FIRST_WRITES 2
#endif
#ifndef SECOND_WRITES
#define SECOND_WRITES 1
#endif

#define FREE 0
#define LIVE 1
#define RETIRED 2

#define OK 0
#define AGAIN 1
#define NOT_FOUND 2
#define NO_MEMORY 3

#define ABSENT 0
#define SPILLED 7

/* Owner 0 is shared. Owner 1 + w is the child that writer w makes by cloning owner 0. */
#define SHARED 0
#define OWNERS 3
#define READER 2 /* processes 0 and 1 are the writers */

/* --- the table */
byte state[INDEXES + 1]; /* of the index: with `count`, the reference word */
byte count[INDEXES + 1];
byte bytes[INDEXES + 1];    /* which value lies there */
bool findable[INDEXES + 1]; /* the hash index leads to it */
byte grace[INDEXES + 1];    /* retired: the sections that it still waits for */
bool waits[INDEXES + 1];    /* retired, and its grace period has begun */
byte unreferenced;          /* the tally of live values without a reference */
bool table_mutex;

/* --- owners and private values */
byte code[OWNERS];
byte node[OWNERS]; /* where the private value is; 0 = none */
bool owner_lock;   /* of the shared owner; a child has one writer */
byte node_state[NODES + 1];
byte node_bytes[NODES + 1];
byte node_grace[NODES + 1];

byte sections; /* bit p: process p is in a reader section */

/* --- what the properties are stated in: no part of the protocol */
byte holds[OWNERS];  /* the value that the owner has; 0 = none */
byte held_since[3];  /* bit v: the shared owner had value v since process p began to look */
byte writers_done;
bool gone; /* the shared owner is closed, and its memory freed */

/* What owner `o` holds becomes `v`: the instant at which a write takes effect. */
inline TakesEffect(o, v) {
  assert(!unchanged || holds[o] == made_from); /* Modify() replaces what it has read */
  holds[o] = v;
  if
  :: o == SHARED ->
    held_since[0] = held_since[0] | (1 << (v));
    held_since[1] = held_since[1] | (1 << (v));
    held_since[READER] = held_since[READER] | (1 << (v))
  :: else
  fi
}

/* --- reader sections and grace periods. All inlines down to "writing" are parts of a step. */

inline Enter() { sections = sections | (1 << me) }

inline Leave() {
  sections = sections & ~(1 << me);
  for (at : 1 .. INDEXES) { grace[at] = grace[at] & ~(1 << me) }
  for (at : 1 .. NODES) {
    node_grace[at] = node_grace[at] & ~(1 << me);
    if
    :: node_state[at] == RETIRED && node_grace[at] == 0 ->
      node_state[at] = FREE;
      node_bytes[at] = 0
    :: else
    fi
  }
  at = 0
}

/* Intern() has a section of its own, inside the caller's if there is one. */
inline EnterIntern() {
#ifndef INTERN_OUTSIDE_SECTION
  if
  :: !in_section -> Enter()
  :: else
  fi
#else
  skip
#endif
}
inline LeaveIntern() {
#ifndef INTERN_OUTSIDE_SECTION
  if
  :: !in_section -> Leave()
  :: else
  fi
#else
  skip
#endif
}

/* --- references. The tally is changed after the word in the engine; here in the same step, since
 * nobody reads it before all writers have finished. */

/* taken = whether one more reference to index i was taken. */
inline TryRef(i) {
#if defined(TRY_REF_IGNORES_RETIRED)
  taken = true;
#else
  taken = (state[i] == LIVE);
#endif
  if
  :: taken ->
    if
    :: count[i] == 0 -> unreferenced--
    :: else
    fi;
    count[i]++
  :: else
#ifdef FETCH_ADD
    -> count[i]++ /* and UndoRef() in a step of its own */
#endif
  fi
}

#ifdef FETCH_ADD
#define UNDO_REF(i) \
  if \
  :: !taken -> atomic { assert(count[i] > 0 && state[i] == RETIRED); count[i]-- } \
  :: else \
  fi;
#else
#define UNDO_REF(i)
#endif

inline Release(i) {
  assert(count[i] > 0 && state[i] == LIVE); /* else nobody holds it */
  count[i]--;
#ifndef RELEASE_DOES_NOT_TALLY
  if
  :: count[i] == 0 -> unreferenced++
  :: else
  fi
#endif
}

/* --- the table, under its mutex */

/* Indexes whose grace period is over are free. */
inline CollectRetired() {
  for (at : 1 .. INDEXES) {
    if
    :: state[at] == RETIRED && waits[at] && grace[at] == 0 ->
      assert(count[at] == 0); /* nobody's speculative reference is lost */
      state[at] = FREE;
      waits[at] = false
    :: else
    fi
  }
  at = 0
}

inline StartGrace(i) {
#ifndef REUSE_WITHOUT_GRACE
  grace[i] = sections;
#endif
  waits[i] = true
}

/* --- private values, under the owner's lock */

/* place = a new private value with v in it; 0 = no memory. */
inline NewNode(v) {
  place = 0;
  for (at : 1 .. NODES) {
    if
    :: place == 0 && node_state[at] == FREE -> place = at
    :: else
    fi
  }
  at = 0;
  if
  :: place != 0 -> node_state[place] = LIVE; node_bytes[place] = v
  :: else
  fi
}

/* Freed after a grace period, as liburcu does it: at once if no section is open. */
inline RetireNode(n) {
  assert(n != 0 && node_state[n] == LIVE);
  if
  :: sections == 0 -> node_state[n] = FREE; node_bytes[n] = 0
  :: else -> node_state[n] = RETIRED; node_grace[n] = sections
  fi
}

inline RemovePrivate(o) {
  assert(code[o] != SPILLED);
  old = node[o];
  node[o] = 0;
  RetireNode(old);
  old = 0
}

#define CAN_LOCK(o) (o != SHARED || !owner_lock)
inline LockOwner(o) { owner_lock = (o == SHARED -> true : owner_lock) }
inline UnlockOwner(o) { owner_lock = (o == SHARED -> false : owner_lock) }

/* status = what an owner that holds code `c` says of this write. */
inline Check(c) {
  status = (unchanged && c != expected_code -> AGAIN :
            (must_exist && c == ABSENT -> NOT_FOUND : OK))
}

#ifdef MODIFY_IGNORES_PRIVATE
#define PRIVATE_IS_EXPECTED(o) true
#else
#define PRIVATE_IS_EXPECTED(o) (!unchanged || node[o] == expected_node)
#endif

/* swapped = whether the owner's code was `seen`; then it is `now`, and the owner holds v. Otherwise
 * seen = the code. */
inline CompareExchange(o, now, v) {
  swapped = (code[o] == seen);
  if
  :: swapped ->
    assert(now != SPILLED || node[o] != 0); /* who sees the code waits for nobody */
    code[o] = now;
    TakesEffect(o, v)
  :: else -> seen = code[o]
  fi
}

/* --- writing */

/* index = where value v is interned now, with one reference; 0 = no index is to be had. */
inline Intern(v) {
  atomic {
    taken = false;
    index = 0;
    EnterIntern();
    if
    :: findable[1] -> index = 1
#if INDEXES > 1
    :: findable[2] -> index = 2
#endif
    :: else -> LeaveIntern()
    fi
  };
  if
  :: index != 0 ->
    atomic {
      if
      :: bytes[index] == v
      :: else -> index = 0; LeaveIntern()
      fi
    };
    if
    :: index != 0 ->
      atomic {
        TryRef(index);
#ifndef FETCH_ADD
        LeaveIntern()
#endif
      };
#ifdef FETCH_ADD
      UNDO_REF(index)
      atomic { true; LeaveIntern() }
#endif
    :: else
    fi
  :: else
  fi;
  if
  :: taken
  :: else ->
    atomic {
      !table_mutex -> table_mutex = true;
      /* Nothing is added or retired now, so that this search is the true answer. */
      index = 0;
      for (at : 1 .. INDEXES) {
#ifndef NO_SEARCH_UNDER_MUTEX
        if
        :: findable[at] && bytes[at] == v -> index = at
        :: else
        fi
#else
        skip
#endif
      }
      at = 0;
      CollectRetired()
    };
    if
    :: index != 0 -> atomic { TryRef(index); assert(taken); table_mutex = false }
    :: else ->
      /* The clock hand passes over an index, or none. */
      atomic {
        if
        :: index = 1
#if INDEXES > 1
        :: index = 2
#endif
        :: skip
        fi;
        /* A failed compare-and-swap leaves the value alone. */
        taken = (index != 0 && state[index] == LIVE && count[index] == 0);
#ifndef RETIRE_WITHOUT_SWAP
        if
        :: taken -> state[index] = RETIRED; unreferenced--
        :: else
        fi
#endif
      };
#ifdef RETIRE_WITHOUT_SWAP
      if
      :: taken -> atomic { state[index] = RETIRED; unreferenced-- }
      :: else
      fi;
#endif
      if
      :: taken ->
#ifdef GRACE_BEFORE_ERASE
        atomic { StartGrace(index) };
        atomic { findable[index] = false; CollectRetired() }
#else
        findable[index] = false;
        atomic { StartGrace(index); CollectRetired() }
#endif
      :: else
      fi;
      atomic {
        taken = false;
        if
        :: state[1] == FREE -> index = 1
#if INDEXES > 1
        :: state[2] == FREE -> index = 2
#endif
        :: index = 0; table_mutex = false
        fi;
        if
        :: index != 0 -> bytes[index] = v
        :: else
        fi
      };
      if
      :: index != 0 ->
        atomic { assert(count[index] == 0); state[index] = LIVE; count[index] = 1 };
        atomic {
          for (at : 1 .. INDEXES) { assert(!(findable[at] && bytes[at] == v)) } /* V1 */
          at = 0;
          findable[index] = true;
          table_mutex = false
        }
      :: else
      fi
    fi
  fi;
  atomic {
    taken = false;
    assert(index == 0 || (bytes[index] == v && state[index] == LIVE && count[index] > 0))
  }
}

/* Puts `index`, to which we hold a reference, into the owner. */
inline PublishIndex(o, v) {
  atomic { seen = code[o]; Check(seen) };
  do
  :: status == OK && seen == SPILLED ->
    atomic {
      CAN_LOCK(o) -> LockOwner(o);
      if
      :: !PRIVATE_IS_EXPECTED(o) -> status = AGAIN; UnlockOwner(o)
      :: else
      fi
    };
    if
    :: status == OK ->
      atomic {
        CompareExchange(o, index, v);
        if
        :: !swapped -> UnlockOwner(o); Check(seen)
        :: else
        fi
      };
      if
      :: swapped -> atomic { RemovePrivate(o); UnlockOwner(o); break }
      :: else
      fi
    :: else
    fi
  :: status != OK || seen == index ->
    atomic { Release(index); break } /* not as expected, or it has this value already */
  :: status == OK && seen != SPILLED && seen != index ->
#ifdef RELEASE_BEFORE_SWAP
    atomic {
      if
      :: seen != ABSENT && code[o] == seen -> Release(seen)
      :: else
      fi
    };
    atomic { CompareExchange(o, index, v); if :: swapped -> break :: else -> Check(seen) fi }
#else
    atomic { CompareExchange(o, index, v); if :: !swapped -> Check(seen) :: else fi };
    if
    :: swapped ->
      atomic {
        if
        :: seen != ABSENT -> Release(seen)
        :: else
        fi;
        break
      }
    :: else
    fi
#endif
  od
}

/* Gives the owner a private value. */
inline PublishPrivate(o, v) {
  atomic {
    CAN_LOCK(o) -> LockOwner(o);
    seen = code[o];
    Check(seen);
    if
    :: status == OK && seen == SPILLED && !PRIVATE_IS_EXPECTED(o) -> status = AGAIN
    :: else
    fi;
    place = 0;
    if
    :: status == OK -> NewNode(v); status = (place == 0 -> NO_MEMORY : OK)
    :: else
    fi;
    if
    :: status != OK -> UnlockOwner(o)
    :: else
    fi
  };
  if
  :: status == OK && seen == SPILLED ->
    /* One private value takes another's place. */
    atomic {
      old = node[o];
      assert(old != 0);
      node[o] = place;
      TakesEffect(o, v);
      RetireNode(old);
      old = 0;
      UnlockOwner(o)
    }
  :: status == OK && seen != SPILLED ->
#ifndef CODE_BEFORE_PRIVATE
    atomic { assert(node[o] == 0); node[o] = place };
#endif
    do
    :: atomic {
        CompareExchange(o, SPILLED, v);
        if
        :: swapped -> break
        :: else ->
          assert(seen != SPILLED); /* the lock keeps others from spilling this owner */
          Check(seen);
          if
          :: status != OK -> break
          :: else
          fi
        fi
      }
    od;
#ifdef CODE_BEFORE_PRIVATE
    node[o] = place;
#endif
    atomic {
      if
      :: !swapped -> RemovePrivate(o)
      :: swapped && seen != ABSENT -> Release(seen)
      :: else
      fi;
      UnlockOwner(o)
    }
  :: else
  fi
}

inline Publish(o, v) {
  Intern(v);
  if
  :: index != 0 -> PublishIndex(o, v)
  :: else -> PublishPrivate(o, v)
  fi
}

inline Delete(o) {
  seen = code[o];
  do
  :: seen == ABSENT -> break
  :: seen == SPILLED ->
#ifdef DELETE_WITHOUT_LOCK
    CompareExchange(o, ABSENT, 0);
    if
    :: swapped -> atomic { RemovePrivate(o); break }
    :: else
    fi
#else
    atomic {
      CAN_LOCK(o) -> LockOwner(o);
      CompareExchange(o, ABSENT, 0);
      if
      :: !swapped -> UnlockOwner(o)
      :: else
      fi
    };
    if
    :: swapped -> atomic { RemovePrivate(o); UnlockOwner(o); break }
    :: else
    fi
#endif
  :: else ->
    atomic { CompareExchange(o, ABSENT, 0) };
    if
    :: swapped -> atomic { Release(seen); break }
    :: else
    fi
  od
}

/* Makes the next value of the one that is there. */
inline Modify(o) {
  unchanged = true;
  do
  :: true ->
    atomic {
#ifndef MODIFY_OUTSIDE_SECTION
      Enter();
      in_section = true;
#endif
      expected_node = 0;
      made_from = 0;
      expected_code = code[o];
      status = (expected_code == ABSENT -> NOT_FOUND : OK)
    };
    if
    :: expected_code == SPILLED ->
      atomic { expected_node = node[o]; status = (expected_node == 0 -> AGAIN : OK) }
    :: else
    fi;
    if
    :: status == OK ->
      atomic {
        made_from = (expected_code == SPILLED -> node_bytes[expected_node] : bytes[expected_code])
      };
      Publish(o, 1 + made_from % VALUES)
    :: else
    fi;
    atomic {
#ifndef MODIFY_OUTSIDE_SECTION
      Leave();
      in_section = false;
#endif
      if
      :: status != AGAIN -> break
      :: else
      fi
    }
  od;
  atomic { made_from = 0; expected_code = 0; expected_node = 0 }
}

/* Brings the owner home: gives it an index for its private value. Knows its address alone. */
inline BringHome(o) {
  atomic {
#ifndef HOME_WITHOUT_LOCK
    CAN_LOCK(o) -> LockOwner(o);
#endif
    Enter();
    in_section = true;
    expected_node = node[o];
    made_from = (expected_node != 0 -> node_bytes[expected_node] : 0)
  };
  if
  :: expected_node != 0 ->
    atomic {
      assert(!gone);
      status = (code[o] == SPILLED -> OK : AGAIN) /* else a close or a delete waits for the lock */
    };
    index = 0;
    if
    :: status == OK -> Intern(made_from)
    :: else
    fi;
    if
    :: index != 0 ->
      atomic {
        assert(!gone);
        seen = SPILLED;
        unchanged = true;
#ifdef HOME_WITHOUT_SWAP
        seen = code[o];
#endif
        CompareExchange(o, index, made_from);
        unchanged = false
      };
      if
      :: swapped -> atomic { RemovePrivate(o) }
      :: else -> atomic { Release(index) }
      fi
    :: else
    fi
  :: else
  fi;
  atomic {
#ifndef HOME_WITHOUT_LOCK
    UnlockOwner(o);
#endif
    Leave();
    in_section = false;
    made_from = 0;
    expected_node = 0
  }
}

/* Releases what the owner has. Its memory is free when this is done; no other thread writes to it. */
inline Close(o) {
  atomic { seen = code[o]; code[o] = ABSENT; TakesEffect(o, 0) };
  if
  :: seen == ABSENT
  :: seen == SPILLED -> atomic { CAN_LOCK(o) -> LockOwner(o); RemovePrivate(o); UnlockOwner(o) }
  :: else -> atomic { Release(seen) }
  fi;
  gone = true
}

/* --- reading */

/* Where the shared owner's value lies: private in `place` if seen == SPILLED, else under index `seen`;
 * ABSENT if there is none. */
inline FindValueOfShared(recheck) {
  do
  :: seen != SPILLED -> break
  :: else ->
    place = node[SHARED];
    if
    :: recheck ->
      seen = code[SHARED];
      if
      :: seen == SPILLED -> atomic { if :: place != 0 && node[SHARED] == place -> break :: else fi }
      :: else
      fi
    :: !recheck && place != 0 -> break
    :: !recheck && place == 0 -> seen = code[SHARED]
    fi
  od
}

#ifdef NO_RECHECK_IN_GET
#define GET_RECHECKS false
#else
#define GET_RECHECKS true
#endif
#ifdef NO_RECHECK_IN_CLONE
#define CLONE_RECHECKS false
#else
#define CLONE_RECHECKS true
#endif

/* The writer's child, which nobody else sees, gets the shared owner's value. */
inline Clone(child) {
  atomic {
#ifndef CLONE_OUTSIDE_SECTION
    Enter();
    in_section = true;
#endif
    held_since[me] = 1 << holds[SHARED];
    seen = code[SHARED]
  };
  FindValueOfShared(CLONE_RECHECKS);
  taken = false;
  if
  :: seen == ABSENT -> assert(held_since[me] & 1)
  :: seen == SPILLED -> atomic { value = node_bytes[place]; assert((held_since[me] >> value) & 1) }
  :: else ->
    atomic { TryRef(seen) };
    UNDO_REF(seen)
    atomic {
      /* If not taken, the parent has moved on; the bytes are still there in this section. */
      value = bytes[seen];
      assert((held_since[me] >> value) & 1);
#ifdef CLONE_USES_FAILED_CODE
      taken = true;
#endif
      if
      :: taken -> code[child] = seen; TakesEffect(child, value)
      :: else
      fi
    }
  fi;
  if
  :: !taken && value != 0 -> Publish(child, value)
  :: else
  fi;
  atomic {
#ifndef CLONE_OUTSIDE_SECTION
    Leave();
    in_section = false;
#endif
    held_since[me] = 0;
    cloned = true
  }
}

proctype Writer(byte me; byte left) {
  byte index, seen, place, old, at, status, value, expected_code, expected_node, made_from;
  bool taken, swapped, unchanged, must_exist, in_section, cloned;

  do
  :: left == 0 -> break
  :: else ->
    left--;
    if
    :: value = 1; Publish(SHARED, value)
    :: value = 2; Publish(SHARED, value)
#if VALUES > 2
    :: value = 3; Publish(SHARED, value)
#endif
#ifdef WITH_UPDATE_OF_PRESENT
    :: value = 1; must_exist = true; Publish(SHARED, value)
#endif
    :: Delete(SHARED)
#ifdef WITH_MODIFY
    :: Modify(SHARED)
#endif
#ifdef WITH_CLONE
    :: !cloned -> Clone(1 + me)
#endif
#ifdef WITH_HOMECOMING
    :: BringHome(SHARED)
#endif
    fi;
    /* A finished operation leaves nothing behind that tells two states apart. */
    atomic {
      index = 0; seen = 0; place = 0; status = 0; value = 0;
      taken = false; swapped = false; unchanged = false; must_exist = false
    }
  od;
#ifdef WITH_CLOSE
  Close(SHARED);
#endif
  writers_done++
}

#ifdef WITH_CLOSE
/* The library's thread, while the other thread writes to the owner and closes it. */
proctype Homecomer(byte me; byte left) {
  byte index, seen, old, at, status, expected_code, expected_node, made_from;
  bool taken, swapped, unchanged, in_section;

  do
  :: left == 0 -> break
  :: else ->
    left--;
    BringHome(SHARED);
    atomic { index = 0; seen = 0; status = 0; taken = false; swapped = false }
  od;
  writers_done++
}
#endif

/* Looks twice at what it finds, with everything that may happen in between. */
proctype Reader(byte me) {
  byte seen, place, first, at;
  if
  :: atomic { Enter(); held_since[me] = 1 << holds[SHARED]; seen = code[SHARED] };
    FindValueOfShared(GET_RECHECKS);
    atomic {
      first = (seen == ABSENT -> 0 : (seen == SPILLED -> node_bytes[place] : bytes[seen]));
      /* What the owner had at some moment since we began to look. */
      assert((held_since[me] >> first) & 1);
      held_since[me] = 0
    }
#ifdef WITH_FIND
  :: atomic {
      Enter();
      if
      :: findable[1] -> seen = 1
#if INDEXES > 1
      :: findable[2] -> seen = 2
#endif
      :: else -> seen = ABSENT
      fi
    };
    first = bytes[seen]
#endif
  fi;
  atomic {
    /* V2: the bytes are the same to the end of the section. */
    if
    :: seen == ABSENT
    :: seen == SPILLED -> assert(node_bytes[place] == first)
    :: else -> assert(bytes[seen] == first)
    fi;
    Leave()
  }
}

/* When all writers have finished: V3, V4 and L1, as CheckInvariants() and CheckCodes() see them. */
proctype Auditor() {
  byte at, named, o, idle;
  atomic {
    writers_done == 2;
    for (at : 1 .. INDEXES) {
      named = 0;
      for (o : 0 .. OWNERS - 1) { named = named + (code[o] == at -> 1 : 0) }
      if
      :: state[at] == LIVE ->
        assert(count[at] == named);
        assert(findable[at]);
        idle = idle + (count[at] == 0 -> 1 : 0)
      :: else ->
        assert(named == 0 && count[at] == 0 && !findable[at])
      fi
    }
    assert(unreferenced == idle);
    for (o : 0 .. OWNERS - 1) {
      if
      :: code[o] == SPILLED ->
        assert(node[o] != 0 && node_state[node[o]] == LIVE && node_bytes[node[o]] == holds[o])
      :: code[o] == ABSENT -> assert(node[o] == 0 && holds[o] == 0)
      :: else -> assert(node[o] == 0 && bytes[code[o]] == holds[o])
      fi
    }
    for (at : 1 .. NODES) {
      named = 0;
      for (o : 0 .. OWNERS - 1) { named = named + (node[o] == at -> 1 : 0) }
      assert(named == (node_state[at] == LIVE -> 1 : 0))
    }
    assert(!table_mutex && !owner_lock)
  }
}

init {
  atomic {
    if
    :: skip /* the owner is absent, the table empty */
    :: code[SHARED] = 1; state[1] = LIVE; count[1] = 1; bytes[1] = 1; findable[1] = true;
      holds[SHARED] = 1 /* the owner names index 1, which has value 1 */
    :: state[1] = LIVE; bytes[1] = 2; findable[1] = true;
      unreferenced = 1 /* nobody names value 2, which has index 1 */
    :: code[SHARED] = SPILLED; node[SHARED] = 1; node_state[1] = LIVE; node_bytes[1] = 1;
      holds[SHARED] = 1 /* the owner has spilled, with value 1 */
    fi;
    run Writer(0, FIRST_WRITES);
#ifdef WITH_CLOSE
    run Homecomer(1, SECOND_WRITES);
#else
    run Writer(1, SECOND_WRITES);
#endif
#ifndef WITHOUT_READER
    run Reader(READER);
#endif
    run Auditor()
  }
}
