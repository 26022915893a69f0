#include "efi/memory/map.h"
#include "hal/hal.h"
#include "hal/short.h"

/* The layout that efi/base/rawmap.h reads, and the stride until the firmware gives another. */
_Static_assert(sizeof(EFI_MEMORY_DESCRIPTOR) == RAWMAP_DESCRIPTOR &&
                   offsetof(EFI_MEMORY_DESCRIPTOR, PhysicalStart) == 8 &&
                   offsetof(EFI_MEMORY_DESCRIPTOR, NumberOfPages) == 24 &&
                   offsetof(EFI_MEMORY_DESCRIPTOR, Attribute) == 32,
               "UEFI 2.10 section 7.2.3");

#define EXIT_ATTEMPTS 64u

/* So many descriptors may be added between the first reading and the last attempt to exit, when nothing can
 * be allocated any more. Firmware was seen to add six for each attempt that failed. */
#define SLACK 512u

uint64_t map_take_pages(const struct loader *l, uint64_t pages, uint64_t limit)
{
    EFI_PHYSICAL_ADDRESS at = limit;
    EFI_ALLOCATE_TYPE how = limit == 0 ? AllocateAnyPages : AllocateMaxAddress;
    if (!efi_ok(l->boot->AllocatePages(how, EfiLoaderData, (UINTN)pages, &at)))
        return 0;
    uint64_t last = at + pages * HAL_PAGE_SIZE - 1;
    return at % HAL_PAGE_SIZE == 0 && last > at && (limit == 0 || last <= limit) ? at : 0;
}

bool map_take_at(const struct loader *l, uint64_t address, uint64_t pages)
{
    EFI_PHYSICAL_ADDRESS at = address;
    return efi_ok(l->boot->AllocatePages(AllocateAddress, EfiLoaderData, (UINTN)pages, &at)) &&
           at == address;
}

/* Read the map once. The size is set to the whole buffer before every call, for the firmware overwrites it
 * with the size that it used. The stride is set too, for not every firmware does it. */
static EFI_STATUS read_map(struct loader *l, UINTN *key)
{
    UINTN bytes = l->map_capacity;
    UINTN stride = sizeof(EFI_MEMORY_DESCRIPTOR);
    UINT32 version = 0;
    EFI_STATUS status = l->boot->GetMemoryMap(
        &bytes, (EFI_MEMORY_DESCRIPTOR *)(void *)l->map_buffer, key, &stride, &version);
    if (!efi_ok(status))
        return status;
    if (!rawmap_stride_ok(stride) || bytes > l->map_capacity || bytes < stride)
        return EFI_COMPROMISED_DATA;
    l->map = (struct rawmap){.at = l->map_buffer, .bytes = bytes, .stride = stride};
    return EFI_SUCCESS;
}

void map_refresh(struct loader *l)
{
    UINTN key = 0;
    (void)read_map(l, &key);
}

/* Ask how many bytes the map has now. */
static EFI_STATUS measure(const struct loader *l, UINTN *bytes)
{
    UINTN key = 0, stride = 0;
    UINT32 version = 0;
    *bytes = 0;
    EFI_STATUS status = l->boot->GetMemoryMap(bytes, NULL, &key, &stride, &version);
    if (status != EFI_BUFFER_TOO_SMALL)
        return efi_ok(status) ? EFI_COMPROMISED_DATA : status;
    return *bytes > 16 * MIB ? EFI_COMPROMISED_DATA : EFI_SUCCESS;
}

static uint64_t pages_for(uint64_t bytes)
{
    return hal_align_up(bytes, HAL_PAGE_SIZE) >> HAL_PAGE_SHIFT;
}

/* The second buffer has an entry for each of the smallest descriptors that fit in the first, so whatever
 * fits in the first fits in the second. No firmware uses more than 64 bytes for a descriptor. */
EFI_STATUS map_prepare(struct loader *l)
{
    UINTN bytes = 0, key = 0;
    EFI_STATUS status = measure(l, &bytes);
    if (!efi_ok(status))
        return status;
    uint64_t pages = pages_for(bytes + SLACK * 64);
    l->map_capacity = (size_t)(pages * HAL_PAGE_SIZE);
    l->map_buffer = (uint8_t *)(uintptr_t)map_take_pages(l, pages, 0);
    uint64_t entries = l->map_capacity / RAWMAP_DESCRIPTOR;
    l->info->map_bytes = pages_for(entries * sizeof(struct boot_mem)) * HAL_PAGE_SIZE;
    l->info->map =
        (struct boot_mem *)(uintptr_t)map_take_pages(l, l->info->map_bytes / HAL_PAGE_SIZE, 0);
    if (l->map_buffer == NULL || l->info->map == NULL)
        return EFI_OUT_OF_RESOURCES;
    return read_map(l, &key);
}

/* The key of a reading is good only until something allocates memory, and the first ExitBootServices can
 * itself make the firmware allocate. So the map is read again before each attempt. */
bool map_exit(struct loader *l, bool *touched)
{
    *touched = false;
    for (uint32_t attempt = 1; attempt <= EXIT_ATTEMPTS; attempt++) {
        UINTN key = 0;
        if (!efi_ok(read_map(l, &key)))
            continue;
        *touched = true;
        if (!efi_ok(l->boot->ExitBootServices(l->image, key)))
            continue;
        (void)hal_irq_save();
        l->info->exit_tsc = hal_cycles();
        l->info->exit_attempts = attempt;
        return true;
    }
    return false;
}

void map_convert(const struct loader *l)
{
    size_t count = rawmap_count(&l->map);
    for (size_t i = 0; i < count; i++)
        l->info->map[i] = rawmap_get(&l->map, i);
    l->info->map_count = count;
    l->info->descriptor_size = l->map.stride;
}
