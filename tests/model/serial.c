/* The driver of the 16550 (hal/any/ns16550.c) with its registers in memory, 8, 16 or 32 bits
 * apart: memory that keeps what is written passes for a UART whose transmitter always has room, or
 * never. And which of the SPCR's consoles are used (kernel/serial/spcr.c), and what becomes of the log. */
#include "hal/short.h"
#include "hal/any/ns16550.c"
#include "hal/any/serial.c"
#include "hal/x86_64/pc/ports.c"

#include "kernel/serial/spcr.c"

#include "tests/model/expect.h"

#include <string.h>

#define LSR_AT 5u

static _Alignas(4) uint8_t registers[64];

/* A register as the wires see it, whatever lies between. */
static uint32_t reg(unsigned which, unsigned bits)
{
    uint32_t value = 0;
    memcpy(&value, registers + (size_t)which * bits / 8, bits / 8);
    return value;
}

static struct serial_port in_memory(unsigned bits, uint8_t rate)
{
    return (struct serial_port){{.at = registers}, (uint8_t)bits, rate, SERIAL_16550};
}

static void set_status(unsigned bits, uint8_t value)
{
    registers[LSR_AT * bits / 8] = value;
}

static void registers_of_every_width(void)
{
    for (unsigned bits = 8; bits <= 32; bits *= 2) {
        memset(registers, 0, sizeof registers);
        set_status(bits, 0x60);
        EXPECT(!serial_works());
        EXPECT(serial_init(in_memory(bits, 3)) && serial_works());
        EXPECT(reg(0, bits) == 3 &&
               reg(1, bits) == 0); /* the rate, the latch being the last thing open */
        EXPECT(reg(2, bits) == 7 && reg(3, bits) == 3 && reg(4, bits) == 3 && reg(7, bits) == 0xA5);
        EXPECT(reg(5, bits) == 0x60 && reg(6, bits) == 0);
        serial_put('m');
        EXPECT(reg(0, bits) == 'm' && serial_works());
        for (size_t i = bits; i < sizeof registers; i++) /* eight registers end there */
            EXPECT(registers[i] == 0);
        set_status(bits, 0x61); /* a byte has come in; it stands where ours went out */
        EXPECT(serial_get() == 'm');
        set_status(bits, 0x60);
        while (serial_get() >= 0)
            continue;
        set_status(bits, 0); /* never any room: given up, and not for good */
        serial_put('n');
        EXPECT(!serial_works() && reg(0, bits) == 'm');
        set_status(bits, 0x61);
        EXPECT(serial_get() == 'm' && serial_works());
        set_status(bits, 0x60);
        EXPECT(!serial_init((struct serial_port){.bits = 8}) && !serial_works());
    }
}

static void registers_may_move(void)
{
    static _Alignas(4) uint8_t before[64];
    EXPECT(!serial_init((struct serial_port){.bits = 8}) && serial_registers() == NULL);
    memset(registers, 0, sizeof registers);
    set_status(32, 0x60);
    EXPECT(serial_init(in_memory(32, 1)) && serial_registers() == registers);
    memcpy(before, registers, sizeof before);
    serial_move(before);
    EXPECT(serial_works() && serial_registers() == before);
    serial_put('q');
    EXPECT(before[0] == 'q' && registers[0] == 1);
    serial_move(NULL);
    EXPECT(!serial_works() && serial_registers() == NULL);
    serial_put('r');
    EXPECT(before[0] == 'q');
}

static void a_rate_may_stay(void)
{
    memset(registers, 0, sizeof registers);
    registers[0] = 77;
    set_status(8, 0x60);
    EXPECT(serial_init(in_memory(8, 0)) && registers[0] == 77 && registers[3] == 3);
    EXPECT(serial_init(in_memory(8, 12)) && registers[0] == 12);
    while (serial_get() >= 0)
        continue;
}

/* ---- the SPCR ---- */

static char log_text[1000];
static bool answers; /* does a UART answer where the table says? */

void log_line(const char *topic, const char *format, const union log_arg *args, size_t count)
{
    UNUSED(topic);
    UNUSED(args);
    UNUSED(count);
    strcat(strcat(log_text, format), args[count - 1].s != NULL && count == 1 ? args[0].s : "");
}

/* Every port here is a 16550. */
bool pl011_open(struct serial_port p)
{
    UNUSED(p);
    return false;
}

void pl011_move(volatile void *at)
{
    UNUSED(at);
}

struct uart_line pl011_look(void)
{
    return (struct uart_line){false, -1};
}

void pl011_send(uint8_t byte)
{
    UNUSED(byte);
}

static struct serial_port opened;

void log_open_serial(struct serial_port p)
{
    opened = p;
    memset(registers, 0, sizeof registers);
    set_status(p.bits, answers ? 0x60 : 0);
    if (serial_init(p))
        serial_put('x');
}

static uint64_t reached_bytes;

struct machine_register device_reach(struct acpi_address a, uint64_t bytes)
{
    reached_bytes = bytes;
    return (struct machine_register){.at = a.address == 0xBAD ? NULL : registers};
}

static struct acpi acpi;

static bool refused(unsigned kind, unsigned space, uint64_t address, const char *why)
{
    struct serial_port port;
    acpi.serial_kind = (uint8_t)kind;
    acpi.serial = (struct acpi_address){address, space};
    const char *wrong = spcr_refuse(&acpi, &port);
    return why == NULL ? wrong == NULL : wrong != NULL && strstr(wrong, why) != NULL;
}

static void which_consoles_are_used(void)
{
    for (unsigned kind = 0; kind < 256; kind++) {
        bool is_16550 = kind == 0 || kind == 1 || kind == 18;
        bool is_pl011 = kind == 3 || kind == 13 || kind == 14;
        EXPECT(refused(kind, ACPI_PORT, 0x2F8,
                       is_16550   ? NULL
                       : is_pl011 ? "in memory only"
                                  : "neither a 16550 nor a PL011"));
        EXPECT(refused(kind, ACPI_MEMORY, 0x1,
                       is_16550 || is_pl011 ? NULL : "neither a 16550 nor a PL011"));
    }
    EXPECT(refused(0, ACPI_PORT, 0x100, NULL) && refused(18, ACPI_PORT, 0xFFF8, NULL));
    EXPECT(refused(0, ACPI_PORT, 0xFF, "no serial port can"));
    EXPECT(refused(0, ACPI_PORT, 0xFFF9, "no serial port can"));
    EXPECT(refused(0, ACPI_PORT, (uint64_t)1 << 32 | 0x2F8, "no serial port can"));
    EXPECT(refused(0, ACPI_PCI, 0x2F8, "neither in memory nor"));
    EXPECT(refused(0, 0x7F, 0x2F8, "neither in memory nor"));
}

static void how_they_are_driven(void)
{
    static const uint8_t bits[6] = {8, 8, 16, 32, 8, 8},
                         rates[10] = {0, 0, 0, 12, 6, 0, 2, 1, 0, 0};
    struct serial_port port;
    for (unsigned access = 0; access < ARRAY_LEN(bits); access++) {
        acpi = (struct acpi){.serial = {0x1000, ACPI_MEMORY}, .serial_access = (uint8_t)access};
        EXPECT(spcr_refuse(&acpi, &port) == NULL && port.bits == bits[access]);
        acpi.serial = (struct acpi_address){0x2F8, ACPI_PORT};
        EXPECT(spcr_refuse(&acpi, &port) == NULL && port.bits == 8);
    }
    static const uint8_t kinds[] = {0, 1, 18, 3, 13, 14};
    for (unsigned i = 0; i < ARRAY_LEN(kinds); i++) {
        acpi = (struct acpi){.serial = {0x1000, ACPI_MEMORY}, .serial_kind = kinds[i]};
        EXPECT(spcr_refuse(&acpi, &port) == NULL);
        EXPECT(port.kind == (i < 3 ? SERIAL_16550 : i == 3 ? SERIAL_PL011 : SERIAL_SBSA));
    }
    for (unsigned baud = 0; baud < ARRAY_LEN(rates); baud++) {
        acpi = (struct acpi){.serial = {0x2F8, ACPI_PORT}, .serial_baud = (uint8_t)baud};
        EXPECT(spcr_refuse(&acpi, &port) == NULL && port.divisor == rates[baud]);
    }
}

static bool uses(uint64_t address, uint16_t option, bool answering, const char *said)
{
    const struct options o = {.serial = option};
    acpi = (struct acpi){.serial = {address, ACPI_MEMORY}, .serial_kind = 18, .serial_access = 3};
    acpi.serial_baud = 7;
    opened = (struct serial_port){.bits = 0};
    answers = answering;
    log_text[0] = '\0';
    spcr_use(&acpi, &o);
    return said[0] == '\0' ? log_text[0] == '\0' : strstr(log_text, said) != NULL;
}

static void where_the_log_goes(void)
{
    serial_init((struct serial_port){.bits = 8}); /* there was none */
    EXPECT(uses(0, 0x3F8, true, "") && opened.bits == 0);
    EXPECT(uses(0x1000, 0x3F8, true, "goes on there") && serial_works() && reached_bytes == 32);
    EXPECT(opened.bits == 32 && opened.divisor == 1 && strstr(log_text, "answers") == NULL);
    serial_init((struct serial_port){.bits = 8});
    EXPECT(uses(0x1000, 0x3F8, false, "stays where it was") && !serial_works());
    spcr_early = 0x1000;
    EXPECT(uses(0x1000, 0x3F8, true, "goes on there")); /* it was found, and has been given up */
    EXPECT(uses(0x1000, 0x3F8, true, "serial console of type") && opened.bits == 0);
    EXPECT(uses(0x2000, 0x3F8, true, "goes on there") && opened.bits == 32);
    spcr_early = 0;
    EXPECT(uses(0xBAD, 0x3F8, true, "cannot be reached") && opened.bits == 0);
    EXPECT(uses(0x1000, 0x2F8, true, "the option serial=") && opened.bits == 0);
    EXPECT(uses(0x1000, 0, true, "the option serial=") && opened.bits == 0);
}

int main(void)
{
    expect_run("a UART in memory, its registers 8, 16 or 32 bits apart", registers_of_every_width);
    expect_run("a UART is followed to where its registers are mapped", registers_may_move);
    expect_run("a rate of 0 leaves it alone", a_rate_may_stay);
    expect_run("the SPCR's 16550s are used, whatever their type is called",
               which_consoles_are_used);
    expect_run("their width and rate are the table's", how_they_are_driven);
    expect_run("the log goes there if something answers, and else stays", where_the_log_goes);
    return expect_total();
}
