/* hal/x86_64/mtrr/mtrr_type.c on the desk: any registers, against the manual's rule asked page by page; and
 * registers as they are found on machines. */
#include "hal/short.h"
#include "hal/x86_64/mtrr/mtrr_type.c"

#include "tests/model/expect.h"

#include <stdlib.h>

static struct mtrr mtrr;

/* The rule in the manual's words, for one page: which types the ranges have that hold it. */
static uint32_t naive(hal_paddr_t at)
{
    uint32_t met[256] = {0}, kinds = 0, last = 0;
    if ((mtrr.type >> 11 & 1) == 0)
        return 0;
    for (uint32_t i = 0; i < mtrr.variables; i += 2) {
        uint64_t mask = mtrr.variable[i + 1] >> 12 << 12;
        if ((mtrr.variable[i + 1] >> 11 & 1) == 0 || (at & mask) != (mtrr.variable[i] & mask))
            continue;
        last = mtrr.variable[i] & 0xFF;
        kinds += met[last]++ == 0;
    }
    if (kinds == 0)
        return at >= 4 * GIB && at < mtrr.write_back_end ? 6 : mtrr.type & 0xFF;
    if (met[0] > 0)
        return 0;
    if (kinds == 1)
        return last;
    return kinds == 2 && met[4] > 0 && met[6] > 0 ? 4 : 0x100;
}

/* Every page of [from, to), and every answer's reach: constant to its end. */
static bool right(hal_paddr_t from, hal_paddr_t to)
{
    hal_paddr_t end = from, until;
    uint32_t type = 0;
    bool good = true;
    for (hal_paddr_t at = from; at < to; at += HAL_PAGE_SIZE) {
        uint32_t now = mtrr_type(&mtrr, at, &until);
        good &= now == naive(at) && until > at;
        if (at < end)
            good &= now == type;
        type = now;
        end = until;
    }
    return good;
}

static void any_registers(void)
{
    static const uint32_t types[] = {0, 1, 4, 5, 6, 6, 6, 4, 0, 3};
    srand(13);
    for (unsigned round = 0; round < 3000; round++) {
        mtrr = (struct mtrr){.variables = 2 * (1 + (uint32_t)rand() % 6)};
        mtrr.type = (rand() % 8 != 0 ? MTRR_ON : 0) | types[rand() % 10];
        for (uint32_t i = 0; i < mtrr.variables; i += 2) {
            uint64_t mask = ~(uint64_t)0 << (12 + rand() % 6);
            if (rand() % 3 == 0) /* with holes */
                mask = (uint64_t)rand() << 12;
            mtrr.variable[i] = ((uint64_t)rand() % 64 << 12) | types[rand() % 10];
            mtrr.variable[i + 1] = (mask & 0xFFFFFF000u) | (rand() % 5 != 0 ? MTRR_VALID : 0);
        }
        expect_case(right(0, 70 * HAL_PAGE_SIZE));
    }
}

/* How far an answer reaches, exactly: the smallest page with another, for one register. */
static void one_register_reaches_as_far_as_it_must(void)
{
    for (uint64_t mask = 0; mask < 32; mask++) {
        for (uint64_t base = 0; base < 32; base++) {
            mtrr = (struct mtrr){.type = MTRR_ON | 6, .variables = 2};
            mtrr.variable[0] = base << 12;
            mtrr.variable[1] = mask << 12 | MTRR_VALID;
            for (hal_paddr_t at = 0; at < 32 * HAL_PAGE_SIZE; at += HAL_PAGE_SIZE) {
                hal_paddr_t until, next = at;
                uint32_t type = mtrr_type(&mtrr, at, &until);
                while (next < 40 * HAL_PAGE_SIZE && naive(next) == type)
                    next += HAL_PAGE_SIZE;
                if (next < 40 * HAL_PAGE_SIZE)
                    expect_case(until == next);
                else /* bits above those of the mask are free: it comes again, or never */
                    expect_case(until >= 32 * HAL_PAGE_SIZE);
            }
        }
    }
}

static void set(unsigned i, uint64_t base, uint64_t size, uint32_t type)
{
    mtrr.variable[2 * i] = base | type;
    mtrr.variable[2 * i + 1] = ((~(size - 1) & 0xFFFFFFFFFu) & ~(uint64_t)0xFFF) | MTRR_VALID;
    mtrr.variables = 2 * (i + 1);
}

static void expect_type(hal_paddr_t at, uint32_t type, hal_paddr_t until)
{
    hal_paddr_t found;
    EXPECT(mtrr_type(&mtrr, at, &found) == type && found == until);
}

/* 8 GiB, the tail above 8.5 GiB forgotten by the firmware; stolen memory cut out below 4 GiB. */
static void an_intel_machine(void)
{
    mtrr = (struct mtrr){.type = MTRR_ON | MTRR_UC};
    set(0, 0, 8 * GIB, MTRR_WB);
    set(1, 8 * GIB, 512 * MIB, MTRR_WB);
    set(2, 3 * GIB + 512 * MIB, 512 * MIB, MTRR_UC);
    expect_type(MIB, MTRR_WB, 3 * GIB + 512 * MIB);
    expect_type(3 * GIB + 512 * MIB, MTRR_UC, 4 * GIB);
    expect_type(4 * GIB, MTRR_WB, 8 * GIB);
    expect_type(8 * GIB, MTRR_WB, 8 * GIB + 512 * MIB);
    expect_type(8 * GIB + 512 * MIB, MTRR_UC, 64 * GIB); /* 36 bits are compared: it comes again */
}

/* OVMF: all is write-back but what lies above RAM below 4 GiB. */
static void all_but_a_hole(void)
{
    mtrr = (struct mtrr){.type = MTRR_ON | MTRR_WB};
    set(0, 2 * GIB, 2 * GIB, MTRR_UC);
    expect_type(MIB, MTRR_WB, 2 * GIB);
    expect_type(3 * GIB, MTRR_UC, 4 * GIB);
    expect_type(5 * GIB, MTRR_WB, 66 * GIB);
}

/* AMD: above 4 GiB write-back is the default up to the top of memory. */
static void an_amd_machine(void)
{
    mtrr = (struct mtrr){.type = MTRR_ON | MTRR_UC, .write_back_end = 18 * GIB};
    set(0, 0, 2 * GIB, MTRR_WB);
    expect_type(MIB, MTRR_WB, 2 * GIB);
    expect_type(2 * GIB, MTRR_UC, 4 * GIB);
    expect_type(4 * GIB, MTRR_WB, 18 * GIB);
    expect_type(18 * GIB, MTRR_UC, 64 * GIB);
    set(1, 6 * GIB, 2 * GIB, MTRR_WC);
    expect_type(4 * GIB, MTRR_WB, 6 * GIB);
    expect_type(6 * GIB, MTRR_WC, 8 * GIB);
    mtrr.type = MTRR_WB; /* off */
    expect_type(6 * GIB, MTRR_UC, UINT64_MAX);
    mtrr = (struct mtrr){.type = 0}; /* none */
    expect_type(MIB, MTRR_UC, UINT64_MAX);
}

int main(void)
{
    expect_run("any registers give each page the type that the manual gives it", any_registers);
    expect_run("an answer reaches as far as it holds", one_register_reaches_as_far_as_it_must);
    expect_run("the registers of an Intel machine", an_intel_machine);
    expect_run("the registers of OVMF", all_but_a_hole);
    expect_run("the registers of an AMD machine", an_amd_machine);
    return expect_total();
}
