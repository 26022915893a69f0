#include "kernel/serial/spcr.h"
#include "kernel/log/log.h"
#include "kernel/machine/device.h"
#include "hal/short.h"

#define PORT_LEAST 0x100u /* what lies below belongs to the chip set */
#define PORT_MOST  0xFFF8u

hal_paddr_t spcr_early;

/* By the table's code for the rate; 0: as the firmware has set it. */
static const uint8_t divisors[8] = {0, 0, 0, 12, 6, 0, 2, 1};

static const char *refuse_port(const struct acpi_address *a)
{
    if (a->space != ACPI_PORT)
        return "it lies neither in memory nor at an I/O port";
    if (a->address < PORT_LEAST || a->address > PORT_MOST)
        return "no serial port can lie there";
    return NULL;
}

/* By the table's code for the kind of port. */
static bool find_kind(uint8_t code, enum serial_kind *kind)
{
    static const struct {
        uint8_t code;
        enum serial_kind kind;
    } kinds[] = {{0x00, SERIAL_16550}, {0x01, SERIAL_16550}, {0x12, SERIAL_16550},
                 {0x03, SERIAL_PL011}, {0x0D, SERIAL_SBSA},  {0x0E, SERIAL_SBSA}};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (kinds[i].code == code) {
            *kind = kinds[i].kind;
            return true;
        }
    }
    return false;
}

const char *spcr_refuse(const struct acpi *a, struct serial_port *port)
{
    bool in_memory = a->serial.space == ACPI_MEMORY;
    *port = (struct serial_port){.bits = 8, .divisor = divisors[a->serial_baud & 7u]};
    if (!find_kind(a->serial_kind, &port->kind))
        return "it is neither a 16550 nor a PL011";
    if (in_memory && (a->serial_access == 2 || a->serial_access == 3))
        port->bits = (uint8_t)(4u << a->serial_access);
    if (!in_memory && port->kind != SERIAL_16550)
        return "a PL011 lies in memory only";
    return in_memory ? NULL : refuse_port(&a->serial);
}

static void go_to(struct serial_port port, const struct options *o)
{
    bool had = serial_works();
    SAY("acpi", "the log goes on there, whole");
    log_open_serial(port);
    if (serial_works())
        return;
    if (had)
        serial_init((struct serial_port){.first.port = o->serial, .bits = 8, .divisor = 1});
    SAY("acpi", "no UART answers there; the log stays where it was");
}

static void log_console(const struct acpi *a, const char *wrong)
{
    LOG("acpi", "serial console of type %u at %s %x%s%s", U(a->serial_kind),
        S(a->serial.space == ACPI_PORT     ? "port"
          : a->serial.space == ACPI_MEMORY ? "memory"
                                           : "?"),
        U(a->serial.address), S(wrong != NULL ? ": " : ""), S(wrong != NULL ? wrong : ""));
}

/* A 16550 has eight registers of bits / 8 bytes. */
uint64_t spcr_bytes(const struct serial_port *port)
{
    return port->kind == SERIAL_16550 ? port->bits : SERIAL_PL011_SIZE;
}

static bool is_in_use(const struct acpi *a)
{
    return serial_works() &&
           a->serial.address == (a->serial.space == ACPI_PORT ? OPTIONS_SERIAL : spcr_early);
}

void spcr_use(const struct acpi *a, const struct options *o)
{
    struct serial_port port;
    if (a->serial.address == 0)
        return;
    const char *wrong = spcr_refuse(a, &port);
    log_console(a, wrong);
    if (wrong != NULL)
        return;
    if (o->serial != OPTIONS_SERIAL) {
        SAY("acpi", "it is not used: the option serial= names another or none");
        return;
    }
    if (is_in_use(a))
        return;
    port.first = device_reach(a->serial, spcr_bytes(&port));
    if (machine_reached(port.first))
        go_to(port, o);
    else
        SAY("acpi", "it cannot be reached: other memory lies there");
}
