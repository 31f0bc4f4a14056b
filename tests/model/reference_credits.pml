/* The credits of threads (engine/table/reference_credits.h): every order in which two threads take
 * and release references to a value, a third one drains, and the value's last user goes.
 *
 * A step is one access to memory that others write, with the computation that follows it. Memory is
 * sequentially consistent here.
 *
 * What is abstract:
 *   - A reader section is a bit in `sections`; a grace period is the set of sections that were open
 *     when it began.
 *   - Numbers are small: a thread keeps up to MOST credits and borrows LOAN. FLOOR is more than both
 *     threads together may keep, and threads borrow from LENDS_FROM on.
 *   - The library's thread runs one step of a drain after another, as BackgroundTask does.
 *
 * README.md lists the properties and the mutations that -D switches on. */

#define MOST 2
#define LOAN 1
#define FLOOR 5
#ifndef LENDS_FROM
#define LENDS_FROM 6
#endif
#ifndef HELD
#define HELD 3 /* references that each thread holds in the beginning */
#endif
#ifndef STEPS
#define STEPS 3 /* operations of each thread, before it releases all that it holds */
#endif

byte count = 2 * HELD;
bool lent;
byte epoch = 1;
bool wanted; /* a drain */

byte credits[2];
byte epoch_of[2]; /* of a thread's credits */
bool locked[2];   /* the lock of a thread's credits */
byte holds[2];    /* what the thread's user holds: no part of the protocol */
byte finished;

byte sections;
byte grace;

inline Enter() { sections = sections | (1 << me) }
inline Leave() { d_step { sections = sections & ~(1 << me); grace = grace & ~(1 << me) } }

/* n references leave the count. */
inline ReleaseShared(n) {
  atomic {
    assert(count >= n); /* nobody releases what nobody holds */
    count = count - n;
#ifndef NOBODY_ASKS
    ask = lent && count < FLOOR
#endif
  }
  if
  :: ask -> wanted = true; ask = false
  :: else
  fi
}

inline Borrow() {
  atomic { !locked[me] -> locked[me] = true }
  if
  :: epoch_of[me] != epoch ->
    back = credits[me];
    credits[me] = 0;
    epoch_of[me] = epoch;
    if
    :: back > 0 -> ReleaseShared(back); back = 0
    :: else
    fi
  :: else
  fi;
  atomic {
    if
    :: count >= LENDS_FROM && credits[me] == 0 ->
      count = count + 1 + LOAN;
      lent = true;
      taken = true
    :: else
    fi
  }
  if
  :: taken -> credits[me] = LOAN
  :: else
  fi;
  locked[me] = false
}

inline Ref() {
  taken = false;
#ifndef WITHOUT_SECTION
  Enter();
#endif
  if
  :: credits[me] > 0 && epoch_of[me] == epoch ->
    /* the look at the epoch, and the store, are two steps */
    seen = credits[me];
    credits[me] = seen - 1;
    taken = true
  :: else
  fi;
  Leave();
  if
  :: !taken -> Borrow()
  :: else
  fi;
  if
  :: !taken -> atomic { assert(count > 0); count++ } /* it holds another reference */
  :: else
  fi;
  holds[me]++
}

inline Release() {
  holds[me]--; /* the user's promise is over when the call begins */
  n = 1;
#ifndef WITHOUT_SECTION
  Enter();
#endif
  if
  :: epoch_of[me] == epoch ->
    seen = credits[me];
    if
#ifdef KEEPS_BELOW_FLOOR
    :: lent && seen < MOST -> credits[me] = seen + 1; n = 0
#else
    :: lent && count >= FLOOR && seen < MOST -> credits[me] = seen + 1; n = 0
#endif
    :: lent && count >= FLOOR && seen == MOST -> credits[me] = seen - LOAN; n = 1 + LOAN
    :: else -> credits[me] = 0; n = 1 + seen
    fi
  :: else
  fi;
  Leave();
  if
  :: n > 0 -> ReleaseShared(n)
  :: else
  fi
}

proctype Thread(byte me) {
  byte seen, n, back, step;
  bool taken, ask;
  do
  :: step < STEPS && holds[me] > 0 ->
    step++;
    if
    :: Ref()
    :: Release()
    fi
  :: step < STEPS && holds[me] == 0 -> step = STEPS
  :: step == STEPS && holds[me] > 0 -> Release()
  :: step == STEPS && holds[me] == 0 -> break
  od;
  finished++
}

inline Settle() {
  atomic {
#ifdef SETTLES_ALL
    lent = false
#else
    if
    :: count < FLOOR -> lent = false
    :: else
    fi
#endif
  }
}

/* Takes back what was borrowed before epoch `raised`. */
inline TakeBack() {
  for (at : 0 .. 1) {
    atomic { !locked[at] -> locked[at] = true }
    if
    :: epoch_of[at] < raised ->
      back = credits[at];
      credits[at] = 0;
      epoch_of[at] = raised;
      if
      :: back > 0 -> ReleaseShared(back); back = 0
      :: else
      fi
    :: else
    fi;
    locked[at] = false
  }
  Settle()
}

proctype Drains() {
  byte back, at, raised;
  bool ask;
  do
  :: wanted ->
    wanted = false;
#ifndef EPOCH_NOT_RAISED
    epoch++;
#endif
    raised = epoch;
    d_step { grace = sections }
#ifndef WITHOUT_GRACE
    grace == 0;
#endif
    TakeBack()
  :: finished == 2 && !wanted -> break
  od;
  /* Nobody holds a reference, and nobody's credits hide that. */
  assert(holds[0] == 0 && holds[1] == 0);
  assert(credits[0] == 0 && credits[1] == 0);
  assert(count == 0)
}

/* At every moment the count covers what is held and what is kept. */
proctype Auditor() {
  assert(count >= holds[0] + holds[1] + credits[0] + credits[1])
}

init {
  atomic {
    holds[0] = HELD;
    holds[1] = HELD;
    run Thread(0);
    run Thread(1);
    run Drains();
    run Auditor()
  }
}
