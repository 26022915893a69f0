/* The kernel's readers of outside text and descriptions, on the desk: options and tables.
 *
 * needs: kernel/options.c kernel/machine/rsdp.c tests/test.c
 */
#include "hal/short.h"
#include "kernel/machine/rsdp.h"
#include "kernel/options.h"
#include "tests/desk_suite.h"
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char unknown[4][80];
static size_t unknown_count;

static void note_unknown(const char *word)
{
    if (unknown_count < ARRAY_LEN(unknown))
        snprintf(unknown[unknown_count], sizeof unknown[0], "%s", word);
    unknown_count++;
}

/* Parsed from a block of exactly that size, so that ASan sees a byte read too far. */
static struct options parse(const char *text, size_t size)
{
    struct options o;
    char *copy = malloc(size != 0 ? size : 1);
    memcpy(copy, text, size);
    unknown_count = 0;
    options_parse(copy, size, &o, note_unknown);
    free(copy);
    return o;
}

#define PARSE(text) parse((text), sizeof(text))

TEST("options.nothing gives the defaults")
{
    struct options o = PARSE("");
    CHECK(!o.keepbs && !o.exit && o.selftest && !o.sp_use && o.kaslr && !o.tables &&
          !o.five_levels);
    CHECK_EQ(o.serial, 0x3F8);
    CHECK_EQ(o.plant, PLANT_NONE);
    o = parse("exit=1", 0);
    CHECK(!o.exit);
    CHECK_EQ(unknown_count, 0);
    TEST_END;
}

TEST("options.each word is understood")
{
    struct options o = PARSE("keepbs exit=1\r\nselftest=off\tsp=use serial=0x2F8 plant=hang");
    CHECK(o.keepbs && o.exit && !o.selftest && o.sp_use);
    CHECK_EQ(o.serial, 0x2F8);
    CHECK_EQ(o.plant, PLANT_HANG);
    o = PARSE("kaslr=off tables=log levels=5 plant=stack");
    CHECK(!o.kaslr && o.tables && o.five_levels);
    CHECK_EQ(o.plant, PLANT_STACK);
    o = PARSE("plant=reset");
    CHECK_EQ(o.plant, PLANT_RESET);
    o = PARSE("plant=off");
    CHECK_EQ(o.plant, PLANT_OFF);
    o = PARSE("plant=nmi");
    CHECK_EQ(o.plant, PLANT_NMI);
    CHECK_EQ(o.screen, SCREEN_MAP);
    CHECK_EQ(PARSE("screen=log").screen, SCREEN_LOG);
    CHECK_EQ(PARSE("screen=off").screen, SCREEN_OFF);
    CHECK_EQ(PARSE("screen=off screen=map").screen, SCREEN_MAP);
    CHECK_EQ(PARSE("screen=off screen=none").screen, SCREEN_OFF);
    CHECK_EQ(unknown_count, 1);
    o = PARSE("kaslr=off kaslr=on");
    CHECK(o.kaslr);
    CHECK_EQ(unknown_count, 0);
    TEST_END;
}

TEST("options.dma= is the end of a zone, and told when no zone can end there")
{
    CHECK_EQ(PARSE("").dma, 0x1000000);
    CHECK_EQ(PARSE("dma=0x40000000").dma, 0x40000000);
    CHECK_EQ(PARSE("dma=0x40000000 dma=0x0").dma, 0);
    CHECK_EQ(unknown_count, 0);
    CHECK_EQ(PARSE("dma= dma=0x dma=1G dma=40000000 dma=0x1000- dma=0x10000000000000").dma,
             0x1000000);
    CHECK_EQ(unknown_count, 6);
    CHECK(options_refuse_dma(0) == NULL);
    CHECK(options_refuse_dma(0x1000000) == NULL);
    CHECK(options_refuse_dma(0x100000000) == NULL);
    CHECK_STR(options_refuse_dma(0x100001000), "it lies above 4 GiB, where the zone DMA32 ends");
    CHECK_STR(options_refuse_dma(0xFFF), "it is no multiple of 4 KiB");
    CHECK_STR(options_refuse_dma(0x1000001), "it is no multiple of 4 KiB");
    TEST_END;
}

TEST("options.then= has a restart or an end, and seconds of its own")
{
    struct options o = PARSE("");
    CHECK_EQ(o.then, THEN_HALT);
    o = PARSE("then=reboot");
    CHECK_EQ(o.then, THEN_REBOOT);
    CHECK_EQ(o.then_seconds, 10);
    o = PARSE("then=reboot then=off:0");
    CHECK_EQ(o.then, THEN_OFF);
    CHECK_EQ(o.then_seconds, 0);
    CHECK_EQ(PARSE("then=off").then, THEN_OFF);
    CHECK_EQ(PARSE("then=reboot:3600").then_seconds, 3600);
    CHECK_EQ(unknown_count, 0);
    o = PARSE("then= then=reboot: then=reboot:3601 then=reboots then=off:x then=off:1:2 then=halt");
    CHECK_EQ(o.then, THEN_HALT);
    CHECK_EQ(unknown_count, 7);
    TEST_END;
}

TEST("options.a later word wins")
{
    struct options o = PARSE("exit=1 serial=off exit=0 keepbs keepbs=0");
    CHECK(!o.exit && !o.keepbs);
    CHECK_EQ(o.serial, 0);
    TEST_END;
}

TEST("options.an unknown word is named and ignored")
{
    struct options o = PARSE("exit exit=2 exit=1x Exit=1");
    CHECK(!o.exit);
    CHECK_EQ(unknown_count, 4);
    CHECK_STR(unknown[0], "exit");
    CHECK_STR(unknown[2], "exit=1x");
    TEST_END;
}

TEST("options.a serial port out of range is refused")
{
    static const char *const bad[] = {
        "serial=",       "serial=0x",      "serial=3f8",    "serial=0xff",
        "serial=0xfff9", "serial=0x103f8", "serial=0x3f8g", "serial=0x00000000000000003f8"};
    for (size_t i = 0; i + 1 < ARRAY_LEN(bad); i++) {
        struct options o = parse(bad[i], strlen(bad[i]));
        CHECK_EQ(o.serial, 0x3F8);
        CHECK_EQ(unknown_count, 1);
    }
    CHECK_EQ(parse(bad[7], strlen(bad[7])).serial, 0x3F8);
    CHECK_EQ(unknown_count, 0);
    CHECK_EQ(PARSE("serial=0x100").serial, 0x100);
    CHECK_EQ(PARSE("serial=0xfff8").serial, 0xFFF8);
    TEST_END;
}

TEST("options.a long word is cut and ignored")
{
    char text[5000];
    memset(text, 'k', sizeof text);
    parse(text, sizeof text);
    CHECK_EQ(unknown_count, 1);
    CHECK_EQ(strlen(unknown[0]), 63);
    memset(text, '\xFF', sizeof text);
    parse(text, sizeof text);
    CHECK_EQ(unknown_count, 1);
    TEST_END;
}

/* Bytes 8 and 32 make the sums of the first 20 bytes and of all 36 come out as zero. */
static void make_rsdp(unsigned char bytes[36], unsigned char revision)
{
    unsigned sum = 0;
    memset(bytes, 0, 36);
    memcpy(bytes, "RSD PTR ", 8);
    memcpy(bytes + 9, "DESK  ", 6);
    bytes[15] = revision;
    bytes[16] = 0x77;
    for (unsigned i = 0; i < 20; i++)
        sum += bytes[i];
    bytes[8] = (unsigned char)(0u - sum);
    bytes[20] = 36;
    bytes[24] = 0x99;
    bytes[32] = (unsigned char)(0u - 36u - 0x99u);
}

static const char *judge_rsdp(unsigned at, unsigned char value, uint64_t size)
{
    unsigned char *bytes = malloc(36);
    make_rsdp(bytes, 2);
    bytes[at] = value;
    unsigned char *exact = malloc(size);
    memcpy(exact, bytes, size);
    const char *said = rsdp_refuse(exact, size);
    free(exact);
    free(bytes);
    return said;
}

TEST("firmware.a root pointer is judged by signature, sums and length")
{
    unsigned char old[36];
    make_rsdp(old, 0);
    CHECK(rsdp_refuse(old, 20) == NULL);
    CHECK(judge_rsdp(0, 'R', 36) == NULL);
    CHECK_STR(judge_rsdp(0, 'R', 19), "its memory ends before it does");
    CHECK_STR(judge_rsdp(0, 'R', 35), "its memory ends before it does");
    CHECK_STR(judge_rsdp(0, 'r', 36), "it does not begin with the signature \"RSD PTR \"");
    CHECK_STR(judge_rsdp(16, 0x78, 36), "its checksum is wrong");
    CHECK_STR(judge_rsdp(20, 35, 36), "its length is out of range");
    CHECK_STR(judge_rsdp(20, 37, 36), "its length is out of range");
    CHECK_STR(judge_rsdp(23, 0xFF, 36), "its length is out of range");
    CHECK_STR(judge_rsdp(24, 0x98, 36), "its extended checksum is wrong");
    TEST_END;
}

TEST_SUITE(kernel_text);

int main(void)
{
    return desk_suite_run(&kernel_text_suite);
}
