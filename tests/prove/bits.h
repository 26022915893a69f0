/* What the provers know of words. `bit(w, k)` is bit k of an integer in two's complement, without end;
 * the axioms are the C operators, bit by bit. tests/prove/prove.py tries each on many numbers.
 *
 * The compiler's builtins carry contracts. Atomic moves are taken for plain ones: the proofs are of one
 * CPU's view, the protocols between CPUs are the models' part (*.pml). */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*@ axiomatic Bits {
  predicate bit(integer w, integer k);
  logic integer one_of(integer a);
  logic integer hole_of(integer a);
  logic integer where(integer a, integer b);
  axiom and: \forall integer a, b, k; 0 <= k ==> (bit(a & b, k) <==> bit(a, k) && bit(b, k));
  axiom or: \forall integer a, b, k; 0 <= k ==> (bit(a | b, k) <==> bit(a, k) || bit(b, k));
  axiom xor: \forall integer a, b, k; 0 <= k ==> (bit(a ^ b, k) <==> (bit(a, k) <==> !bit(b, k)));
  axiom not: \forall integer a, k; 0 <= k ==> (bit(~a, k) <==> !bit(a, k));
  axiom cast: \forall integer a, k; 0 <= k < 64 ==> (bit((uint64_t)a, k) <==> bit(a, k));
  axiom shl: \forall integer a, n, k; 0 <= n && 0 <= k ==> (bit(a << n, k) <==> k >= n && bit(a, k - n));
  axiom shr: \forall integer a, n, k; 0 <= n && 0 <= k ==> (bit(a >> n, k) <==> bit(a, k + n));
  axiom high: \forall integer a, k; 0 <= a <= 0xFFFFFFFFFFFFFFFF && 64 <= k ==> !bit(a, k);
  axiom ones: \forall integer k; 0 <= k < 64 ==> bit(0xFFFFFFFFFFFFFFFF, k);
  axiom zero: \forall integer k; 0 <= k ==> !bit(0, k);
  axiom one: \forall integer k; 0 <= k ==> (bit(1, k) <==> k == 0);
} */

/* These stand only where they are needed, for each makes the search longer. */
#if defined PROVE_block_state || defined PROVE_word_has_run
/*@ axiomatic Low {
  axiom low: \forall integer a; 0 <= (a & 1) <= 1 && ((a & 1) == 1 <==> bit(a, 0));
  axiom pair: \forall integer a, b; 0 <= a <= 1 && 0 <= b <= 1 ==> (a << 1 | b) == 2 * a + b;
} */
#endif
#if defined PROVE_block_set || defined PROVE_block_fill || defined PROVE_block_count
/*@ axiomatic Two {
  axiom two: \forall integer a; 0 <= a <= 3 ==> ((a & 2) != 0 <==> a >= 2) && ((a & 1) != 0 <==> a % 2 == 1);
} */
#endif
#if defined PROVE_extents_bin
/*@ axiomatic Three {
  axiom three: \forall integer a; 0 <= a ==> (a & 3) == a % 4;
} */
#endif
#if defined PROVE_hal_align_up || defined PROVE_hal_align_down
/*@ axiomatic Remainders {
  axiom positive: \forall integer n; 0 <= n ==> 1 <= (1 << n);
  axiom remainder: \forall integer a, m, n; 0 <= a && 0 <= n < 64 && m == (1 << n) - 1 ==> (a & m) == a % (1 << n);
  axiom remainder_too: \forall integer m, a, n; 0 <= a && 0 <= n < 64 && m == (1 << n) - 1 ==> (m & a) == a % (1 << n);
  axiom without: \forall integer a, m; 0 <= a <= 0xFFFFFFFFFFFFFFFF && 0 <= m ==> (a & (uint64_t)(~m)) == a - (a & m);
  axiom without_too: \forall integer m, a; 0 <= a <= 0xFFFFFFFFFFFFFFFF && 0 <= m ==> ((uint64_t)(~m) & a) == a - (m & a);
  axiom swap: \forall integer a, b, c, d; a == d && b == c ==> (a & b) == (c & d);
} */
#endif
#if defined PROVE_hal_is_power_of_two || defined PROVE_shift_and || defined PROVE_block_words || defined PROVE_block_take
/*@ axiomatic Lowest {
  axiom some: \forall integer a; 0 < a <= 0xFFFFFFFFFFFFFFFF ==> 0 <= one_of(a) < 64 && bit(a, one_of(a)) &&
      \forall integer j; 0 <= j < one_of(a) ==> !bit(a, j);
} */
#endif
#if defined PROVE_block_words || defined PROVE_block_take || defined PROVE_block_next_free
/*@ axiomatic Casts {
  axiom cast8: \forall integer a, k; 0 <= k ==> (bit((uint8_t)a, k) <==> k < 8 && bit(a, k));
  axiom cast32: \forall integer a, k; 0 <= k ==> (bit((uint32_t)a, k) <==> k < 32 && bit(a, k));
} */
#endif
#if defined PROVE_block_next_free
/*@ axiomatic Tails {
  axiom all_but_lowest: \forall integer k; 0 <= k < 64 ==> (bit(0xFFFFFFFFFFFFFFFE, k) <==> k >= 1);
  axiom words_behind: \forall integer k; 0 <= k ==> (bit(0xFE, k) <==> 1 <= k < 8);
} */
#endif
#if defined PROVE_block_take
/*@ axiomatic Between {
  axiom between: \forall integer a, b, n, k; 0 <= b < a <= 8 && n == (1 << a) - (2 << b) && 0 <= k ==> (bit(n, k) <==> b < k < a);
} */
#endif
#if defined PROVE_hal_is_power_of_two
/*@ axiomatic Within {
  axiom within: \forall integer a, b; 0 <= a && 0 <= b ==> 0 <= (a & b) <= a;
} */
#endif
#if defined PROVE_hal_is_power_of_two
/*@ axiomatic Before {
  axiom pred: \forall integer a, n, k; 0 < a && 0 <= n && bit(a, n) && (\forall integer j; 0 <= j < n ==> !bit(a, j)) && 0 <= k ==>
      (bit(a - 1, k) <==> k < n || (k > n && bit(a, k)));
} */
#endif
#if defined PROVE_longest_run
/*@ axiomatic Complement {
  axiom complement: \forall integer a; 0 <= a <= 0xFFFFFFFFFFFFFFFF ==> (uint64_t)(~a) == 0xFFFFFFFFFFFFFFFF - a;
} */
#endif
#if defined PROVE_word_has_run || defined PROVE_block_give_run
/*@ axiomatic Mask {
  axiom mask: \forall integer a, n, k; 0 <= n < 64 && 0 <= k < 64 && a == (uint64_t)(1 << n) - 1 ==> (bit(a, k) <==> k < n);
} */
#endif
#if defined PROVE_word_has_run
/*@ axiomatic Equal {
  axiom equal: \forall integer a, b, c; 0 <= a <= 0xFFFFFFFFFFFFFFFF && 0 <= b <= 0xFFFFFFFFFFFFFFFF && 0 <= c <= 0xFFFFFFFFFFFFFFFF &&
      a != (b | c) ==> 0 <= where(a, b | c) < 64 && (bit(a, where(a, b | c)) <==> !bit(b | c, where(a, b | c)));
} */
#endif
#if defined PROVE_block_has_interior || defined PROVE_block_has_others
/*@ axiomatic Hole {
  axiom every: \forall integer a; 0 <= a < 0xFFFFFFFFFFFFFFFF ==> 0 <= hole_of(a) < 64 && !bit(a, hole_of(a));
} */
#endif

/*@ requires x != 0; assigns \nothing;
    ensures 0 <= \result < 64 && bit(x, \result);
    ensures \forall integer k; 0 <= k < \result ==> !bit(x, k); */
static inline unsigned bits_ctz(uint64_t x);

/*@ requires x != 0; assigns \nothing;
    ensures 0 <= \result < 64 && bit(x, 63 - \result);
    ensures \forall integer k; 63 - \result < k < 64 ==> !bit(x, k); */
static inline unsigned bits_clz(uint64_t x);

/*@ requires x != 0; assigns \nothing;
    ensures 0 <= \result < 32;
    ensures \result == 31 <==> 1 <= x < 2;
    ensures \result == 30 <==> 2 <= x < 4;
    ensures \result == 29 <==> 4 <= x < 8;
    ensures \result == 28 <==> 8 <= x < 16;
    ensures \result == 27 <==> 16 <= x < 32;
    ensures \result == 26 <==> 32 <= x < 64;
    ensures \result == 25 <==> 64 <= x < 128;
    ensures \result == 24 <==> 128 <= x < 256;
    ensures \result == 23 <==> 256 <= x < 512;
    ensures \result == 22 <==> 512 <= x < 1024;
    ensures \result == 21 <==> 1024 <= x < 2048;
    ensures \result == 20 <==> 2048 <= x < 4096;
    ensures \result == 19 <==> 4096 <= x < 8192;
    ensures \result == 18 <==> 8192 <= x < 16384;
    ensures \result == 17 <==> 16384 <= x < 32768;
    ensures \result == 16 <==> 32768 <= x < 65536;
    ensures \result == 15 <==> 65536 <= x < 131072;
    ensures \result == 14 <==> 131072 <= x < 262144;
    ensures \result == 13 <==> 262144 <= x < 524288;
    ensures \result == 12 <==> 524288 <= x < 1048576;
    ensures \result == 11 <==> 1048576 <= x < 2097152;
    ensures \result == 10 <==> 2097152 <= x < 4194304;
    ensures \result == 9 <==> 4194304 <= x < 8388608;
    ensures \result == 8 <==> 8388608 <= x < 16777216;
    ensures \result == 7 <==> 16777216 <= x < 33554432;
    ensures \result == 6 <==> 33554432 <= x < 67108864;
    ensures \result == 5 <==> 67108864 <= x < 134217728;
    ensures \result == 4 <==> 134217728 <= x < 268435456;
    ensures \result == 3 <==> 268435456 <= x < 536870912;
    ensures \result == 2 <==> 536870912 <= x < 1073741824;
    ensures \result == 1 <==> 1073741824 <= x < 2147483648;
    ensures \result == 0 <==> 2147483648 <= x < 4294967296; */
static inline unsigned bits_clz32(uint32_t x);

#if defined PROVE_block_count
/* ones(w, n): how many of the lowest n bits are set. */
/*@ axiomatic Ones {
  logic integer ones(integer w, integer n);
  axiom ones_none: \forall integer w; ones(w, 0) == 0;
  axiom ones_set: \forall integer w, n; 0 <= n && bit(w, n) ==> ones(w, n + 1) == ones(w, n) + 1;
  axiom ones_clear: \forall integer w, n; 0 <= n && !bit(w, n) ==> ones(w, n + 1) == ones(w, n);
} */
/*@ assigns \nothing; ensures 0 <= \result <= 64 && \result == ones(x, 64); */
#else
/*@ assigns \nothing; ensures 0 <= \result <= 64; */
#endif
static inline unsigned bits_count(uint64_t x);

#define __atomic_load_n(p, order) (*(p))
#define __atomic_store_n(p, v, order) (*(p) = (v))
