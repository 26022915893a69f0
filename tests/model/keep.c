/* The kept log (kernel/log/keep.h) on the desk: the block is looked at after each character, as a
 * restart at that time would find it. zlib's CRC-32 is the judge. Ends with "N passed, N failed".
 *
 * needs: kernel/log/keep.c tests/test.c -lz
 */
#include "kernel/log/keep.h"
#include "hal/hal.h"
#include "hal/host/host.h"
#include "hal/short.h"
#include "tests/desk_suite.h"
#include "tests/test.h"

#include <stdio.h>
#include <string.h>
#include <zlib.h>

#define AT     (3 * MIB) /* the block, with other pages before and behind it */
#define AROUND 4096u

static struct keep *block(void)
{
    return hal_phys_to_virt(AT);
}

static void dirty(unsigned char junk)
{
    memset((char *)hal_phys_to_virt(AT - AROUND), junk, KEEP_SIZE + 2 * AROUND);
}

/* K3: what lies around the block is as it was. */
static bool around_is(unsigned char junk)
{
    const unsigned char *before = hal_phys_to_virt(AT - AROUND);
    const unsigned char *behind = hal_phys_to_virt(AT + KEEP_SIZE);
    for (size_t i = 0; i < AROUND; i++)
        if (before[i] != junk || behind[i] != junk)
            return false;
    return true;
}

/* A block as the layout in the header says, made here. */
static void make_block(const char *text, size_t length)
{
    dirty(0);
    memcpy(block(), "MORTLOG1", 8);
    uint32_t words[2] = {(uint32_t)length, (uint32_t)crc32(0, (const Bytef *)text, (uInt)length)};
    memcpy((char *)block() + 8, words, 8);
    memcpy((char *)block() + 16, text, length);
}

static bool holds(const char *text, size_t length)
{
    size_t found = SIZE_MAX;
    return keep_look(block(), &found) == KEEP_GOOD && found == length &&
           memcmp((char *)block() + 16, text, length) == 0;
}

static void put_line(const char *line)
{
    while (*line != '\0')
        keep_put(*line++);
    keep_line();
}

TEST("keep.K1 at any time the block holds whole lines, or none")
{
    static const char text[] = "[0.000000] one\r\n[0.000001] two\r\n\r\n[0.1] four\r\n";
    size_t whole = 0, length;
    dirty(0x5a);
    keep_open(AT);
    for (size_t i = 0; text[i] != '\0'; i++) {
        enum keep_found found = keep_look(block(), &length);
        CHECK_EQ(found, whole == 0 ? KEEP_NONE : KEEP_GOOD);
        CHECK(whole == 0 || holds(text, whole));
        keep_put(text[i]);
        if (text[i] != '\n')
            continue;
        keep_line();
        whole = i + 1;
        struct keep found_block = *block();
        make_block(text, whole); /* the block is what another program makes of the header's words */
        CHECK(memcmp(&found_block, block(), 16 + whole) == 0);
        *block() = found_block;
    }
    CHECK(holds(text, sizeof text - 1));
    dirty(0x5a);
    keep_open(AT);
    put_line("new\r\n");
    CHECK(holds("new\r\n", 5));
    CHECK(around_is(0x5a));
    TEST_END;
}

static struct keep memory; /* what the caches have given back so far: all that a reset leaves */

static void written_back(const void *from, size_t size)
{
    uintptr_t offset = (uintptr_t)from - (uintptr_t)block();
    if (offset < sizeof memory && size <= sizeof memory - offset)
        memcpy((char *)&memory + offset, from, size);
}

TEST("keep.K1 a reset, which forgets the caches, leaves what was logged")
{
    static const char text[] = "[0.000000] one\r\n[0.000001] two\r\n\r\n[0.1] four\r\n";
    size_t whole = 0, found;
    dirty(0x5a);
    memset(&memory, 0xa5, sizeof memory);
    host_on_write_back = written_back;
    keep_open(AT);
    for (size_t i = 0; text[i] != '\0'; i++) {
        keep_put(text[i]);
        if (text[i] == '\n') {
            keep_line();
            whole = i + 1;
        }
        found = 0;
        CHECK_EQ(keep_look(&memory, &found), whole == 0 ? KEEP_NONE : KEEP_GOOD);
        CHECK(found == whole && memcmp(memory.text, text, whole) == 0);
    }
    host_on_write_back = NULL;
    TEST_END;
}

#define LONG  21u /* bytes of a line of the long log */
#define LINES (3 * KEEP_SIZE / LONG)

/* What counts after `lines` lines of the long log: whole lines, the last of them the newest. */
static bool ends_whole(unsigned lines)
{
    static char expected[4 * KEEP_SIZE];
    size_t length = 0, found = 0;
    for (unsigned i = 0; i < lines; i++)
        length += (size_t)sprintf(expected + length, "line %06u of many\r\n", i);
    if (keep_look(block(), &found) != KEEP_GOOD || found > length || found % LONG != 0)
        return false;
    return memcmp(block()->text, expected + length - found, found) == 0;
}

TEST("keep.a log that does not fit loses its older half, at a line's border")
{
    char line[32];
    size_t least = SIZE_MAX, found = 0;
    dirty(0xc3);
    keep_open(AT);
    for (unsigned i = 0; i < LINES; i++) {
        snprintf(line, sizeof line, "line %06u of many\r\n", i);
        for (const char *p = line; *p != '\0'; p++) {
            keep_put(*p);
            if (found > sizeof block()->text - 2 * LONG) /* K1, where half is about to go */
                CHECK(keep_look(block(), &found) != KEEP_DAMAGED);
        }
        keep_line();
        CHECK(i % 97 != 0 || ends_whole(i + 1));
        found = (size_t)(block()->state & UINT32_MAX);
        least = i > KEEP_SIZE / LONG && found < least ? found : least;
    }
    CHECK(ends_whole(LINES));
    CHECK(least > KEEP_SIZE / 2 - 64 && least < KEEP_SIZE / 2 + 64);
    CHECK(around_is(0xc3));
    TEST_END;
}

TEST("keep.K3 a line without end stays inside the block")
{
    size_t found = 0;
    dirty(0);
    keep_open(AT);
    for (size_t i = 0; i < 5 * KEEP_SIZE; i++)
        keep_put('x');
    CHECK_EQ(keep_look(block(), &found), KEEP_NONE);
    keep_line();
    CHECK(keep_look(block(), &found) == KEEP_GOOD && found <= sizeof block()->text);
    CHECK(around_is(0));
    TEST_END;
}

/* Every bit of the head and of the text, and the lengths at the borders. */
TEST("keep.K2 a flipped bit anywhere is seen")
{
    static const char text[] = "the log of the boot before\r\n";
    const size_t length = sizeof text - 1;
    for (size_t bit = 0; bit < (16 + length) * 8; bit++) {
        make_block(text, length);
        CHECK(holds(text, length));
        ((unsigned char *)block())[bit / 8] ^= (unsigned char)(1u << bit % 8);
        size_t found = 77;
        CHECK_EQ(keep_look(block(), &found), bit < 64 ? KEEP_NONE : KEEP_DAMAGED);
        CHECK_EQ(found, 77);
    }
    static const uint64_t lengths[] = {KEEP_SIZE - 15, KEEP_SIZE, 0x7fffffff, 0xffffffff};
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        size_t found = 77;
        make_block(text, length);
        block()->state = block()->state >> 32 << 32 | lengths[i];
        CHECK_EQ(keep_look(block(), &found), KEEP_DAMAGED);
    }
    TEST_END;
}

TEST("keep.K2 the longest text is good, none at all is no log")
{
    static char text[KEEP_SIZE - 16];
    size_t found = 77;
    memset(text, 'y', sizeof text);
    make_block(text, sizeof text);
    CHECK(holds(text, sizeof text));
    static char longer[sizeof text + 1];
    make_block(longer, sizeof longer); /* and right by its sum, with a byte from behind the block */
    CHECK_EQ(keep_look(block(), &found), KEEP_DAMAGED);
    make_block(text, 1);
    CHECK(holds(text, 1));
    found = 77;
    make_block(text, 0);
    CHECK_EQ(keep_look(block(), &found), KEEP_NONE);
    dirty(0);
    CHECK_EQ(keep_look(block(), &found), KEEP_NONE);
    dirty(0xff);
    CHECK_EQ(keep_look(block(), &found), KEEP_NONE);
    CHECK_EQ(found, 77);
    TEST_END;
}

TEST("keep.without a block nothing is written")
{
    char *zero = hal_phys_to_virt(0); /* where a block would be that lay at 0 */
    make_block("old\r\n", 5);
    memset(zero, 7, 64);
    keep_open(0);
    put_line("new\r\n");
    CHECK(holds("old\r\n", 5));
    for (size_t i = 0; i < 64; i++)
        CHECK_EQ(zero[i], 7);
    TEST_END;
}

TEST_SUITE(keep);

int main(void)
{
    host_ram_create(16 * MIB);
    return desk_suite_run(&keep_suite);
}
