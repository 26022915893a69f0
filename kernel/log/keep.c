#include "kernel/log/keep.h"
#include "hal/cpu.h"

static hal_paddr_t block;
static size_t length;  /* bytes of text in the block */
static size_t counted; /* how many of them the state covers */
static uint32_t sum;   /* CRC register after the covered ones */

static uint32_t add_sum(uint32_t crc, const char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        crc ^= (uint8_t)bytes[i];
        for (unsigned bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (0xEDB88320u & (0 - (crc & 1u)));
    }
    return crc;
}

enum keep_found keep_look(const struct keep *k, size_t *found)
{
    uint64_t bytes = k->state & UINT32_MAX;
    if (k->magic != KEEP_MAGIC || bytes == 0)
        return KEEP_NONE;
    if (bytes > sizeof k->text ||
        ~add_sum(UINT32_MAX, k->text, bytes) != (uint32_t)(k->state >> 32))
        return KEEP_DAMAGED;
    *found = bytes;
    return KEEP_GOOD;
}

static struct keep *keep(void)
{
    return hal_phys_to_virt(block);
}

static void set_state(uint64_t state)
{
    *(volatile uint64_t *)&keep()->state = state;
    cpu_write_back(&keep()->state, 8);
}

void keep_open(hal_paddr_t at)
{
    block = at;
    length = counted = 0;
    sum = UINT32_MAX;
    if (at == 0)
        return;
    set_state(0);
    keep()->magic = KEEP_MAGIC;
    cpu_write_back(keep(), 8);
}

/* Move the newer half to the front, from the begin of a line on. */
static void drop_half(struct keep *k)
{
    size_t from = sizeof k->text / 2;
    while (from < length && k->text[from - 1] != '\n')
        from++;
    set_state(0);
    for (size_t i = from; i < length; i++)
        k->text[i - from] = k->text[i];
    length -= from;
    counted = 0;
    sum = UINT32_MAX;
}

void keep_put(char c)
{
    if (block == 0)
        return;
    if (length == sizeof keep()->text)
        drop_half(keep());
    keep()->text[length++] = c;
}

void keep_line(void)
{
    if (block == 0)
        return;
    const char *from = keep()->text + counted;
    cpu_write_back(from, length - counted);
    sum = add_sum(sum, from, length - counted);
    counted = length;
    set_state(length | (uint64_t)~sum << 32);
}
