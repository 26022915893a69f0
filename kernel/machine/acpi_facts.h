/* kernel/machine/acpi_facts.h: what kernel/machine/acpi.h finds out, and how it is told: the types
 * that its parts share. */
#ifndef KERNEL_MACHINE_ACPI_FACTS_H
#define KERNEL_MACHINE_ACPI_FACTS_H

#include "hal/base.h"

/* read() gives the `size` bytes (1 to 16 MiB) at physical `at`, of any alignment, which then stay as
 * they are until acpi_read() returns. It gives NULL when not all of them can be read, and sets `*why` to
 * a constant sentence whose subject is "it". take() gives `size` bytes (1 or more), aligned to 8, for a
 * list, or NULL; it is called once at most for each table that has one (MADT, SRAT, SLIT, HMAT), and must not
 * give memory in which tables lie. */
struct acpi_view {
    const unsigned char *(*read)(const void *ctx, hal_paddr_t at, uint64_t size, const char **why);
    void *(*take)(const void *ctx, uint64_t size);
    const void *ctx;
};

/* The listener. It is called once for each table (the lists and the DSDT too), and once more for each
 * kind of thing that is wrong in a table that is used all the same. `header` is the table's first 36
 * bytes, which may be anything, or NULL when they cannot be read. `wrong` is NULL for a sound table,
 * else a constant sentence, and `times` (1 or more) says how often that was met. */
typedef void acpi_note_fn(void *ctx, const unsigned char *header, hal_paddr_t at, const char *wrong,
                          uint32_t times);

enum acpi_space { ACPI_MEMORY = 0, ACPI_PORT = 1, ACPI_PCI = 2 };

/* A generic address (ACPI 6.5, 5.2.3.2). `address` is a byte address, a port, or a place in PCI
 * configuration space; 0 means that there is none. */
struct acpi_address {
    uint64_t address;
    uint32_t space; /* enum acpi_space, or any other number */
};

struct acpi_cpu {
    uint32_t id;               /* local APIC or x2APIC id */
    uint32_t node;             /* by the SRAT; ACPI_NO_NODE where it does not say */
    uint32_t uid;              /* of a GICC: the number that the SRAT has for it */
    hal_paddr_t redistributor; /* of a GICC: where that of this CPU lies; 0: it does not say */
};
#define ACPI_NO_NODE 0xFFFFFFFFu

/* Where the redistributors of a GICv3 lie. */
struct acpi_gicr {
    hal_paddr_t base;
    uint32_t size;
};

struct acpi_range {
    hal_paddr_t base;
    uint64_t size; /* not 0; base + size does not wrap */
    uint32_t node;
    bool hot_plug; /* a window for memory that may be plugged in later */
};

/* What is told of two places, which are numbers of nodes as the SRAT has them. */
struct acpi_pair {
    uint32_t from, to;
    uint32_t value;
};

/* In the order in which they were told; of two that tell of one pair the first counts. */
struct acpi_pairs {
    uint32_t count;
    struct acpi_pair *pair;
};

#define ACPI_IO_APICS_MAX       128u
#define ACPI_SPARE_MAX          16u
#define ACPI_REDISTRIBUTORS_MAX 64u

struct acpi {
    uint32_t tables;  /* how many are sound, the DSDT included */
    uint32_t refused; /* how many are not, a damaged list or DSDT included */
    bool xsdt;        /* the list came from the XSDT (tables that only the RSDT knows are added) */

    /* MADT. An enabled CPU that is listed twice, by an APIC and an x2APIC entry, counts once. */
    bool has_madt;
    uint32_t cpus;       /* enabled; without memory for `cpu` their entries */
    uint32_t cpus_x2;    /* of them, by an x2APIC entry alone */
    uint32_t cpus_spare; /* listed, and not enabled */
    uint32_t cpus_later; /* of them, those that can be enabled later (ACPI 6.5, 5.2.12.2) */
    uint32_t spare[ACPI_SPARE_MAX]; /* the ids of the first of them */
    hal_paddr_t mailbox; /* where CPUs wait to be told where to begin (5.2.12.19); 0: none */
    uint32_t io_apics;   /* also those beyond ACPI_IO_APICS_MAX */
    hal_paddr_t io_apic[ACPI_IO_APICS_MAX]; /* where their registers lie */
    uint64_t apic_base;  /* physical address of the local APICs; 0: the table is too short */
    uint8_t gic_version; /* 0: there is none */
    hal_paddr_t gic_distributor;
    hal_paddr_t gic_cpu_interface; /* of a GICv2; the last one listed counts for all */
    uint32_t redistributors;       /* ranges, also those beyond ACPI_REDISTRIBUTORS_MAX */
    struct acpi_gicr redistributor[ACPI_REDISTRIBUTORS_MAX];
    uint32_t cpu_count;   /* `cpus`, or 0 when there was no memory for the list */
    struct acpi_cpu *cpu; /* in the order of their ids; in memory of take() */

    /* SRAT: memory that is enabled, in the table's order. kernel/machine/nodes.h makes sense of it. */
    bool has_srat;
    bool srat_cut;            /* an entry of no sound length ends it: what follows is not known */
    uint32_t range_count;     /* 0, too, when there was no memory for the list */
    struct acpi_range *range; /* in memory of take() */

    /* SLIT: how far it is from one place to another, 10 to 255. HMAT, as far as its flags say that a number is
     * valid: how long CPUs of one place wait for memory of another, in picoseconds, not 0; and the place whose
     * memory (`from`) is attached to the CPUs of a place (`to`). All in memory of take(). */
    struct acpi_pairs distance, latency, attached;

    /* FADT. */
    bool hardware_reduced;
    struct acpi_address reset; /* none where the flags do not offer it */
    uint8_t reset_value;
    struct acpi_address pm1a, pm1b, sleep_control;
    bool psci,
        psci_by_hvc;   /* the firmware goes on running beneath (PSCI); called by HVC, else SMC */
    uint32_t smi_port; /* 0: none */
    uint8_t acpi_enable;
    struct acpi_address pm_timer;
    bool pm_timer_32; /* 32 bits, else 24 */
    bool has_s5;      /* a DSDT or SSDT tells how to switch off */
    uint8_t s5[2];    /* sleep types for PM1a and PM1b, below 8 */

    struct acpi_address hpet;

    /* SPCR, or else a PL011 or SBSA UART of the DBG2. kernel/serial/spcr.h makes sense of it. */
    struct acpi_address serial;
    uint8_t serial_kind; /* its interface type */
    uint8_t
        serial_access;   /* size of an access to its registers: 0 not told, 1 8 bits, 2 16, 3 32 */
    uint8_t serial_baud; /* the table's code: 0 as it is, 3 9600, 4 19200, 6 57600, 7 115200 */
};

#endif
