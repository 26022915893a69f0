#include "efi/menu.h"
#include "efi/base/text.h"
#include "efi/memory/map.h"
#include "efi/report.h"
#include "efi/talk/badlist.h"
#include "efi/talk/console.h"
#include "efi/talk/options.h"
#include "efi/talk/volume.h"
#include "hal/short.h"

#define ANSWER    600u /* tenths: whoever has pressed a key is given a minute for the next */
#define HELP_TIME 300u
#define ASKED_MAX 100u /* a key that is stuck does not hold the boot up */
#define LINES     20u  /* of the map at a time */
#define TYPED_MAX 256u

static const char keys[] = "\nb boot   o boot with options   m the firmware's memory map\n"
                           "w write the report   h help   r restart\n";

static bool show_page(const struct loader *l, size_t *next)
{
    for (unsigned line = 0; line < LINES && *next < rawmap_count(&l->map); line++)
        console_say(l, report_map_line(l, (*next)++));
    return *next < rawmap_count(&l->map);
}

static void show_map(struct loader *l)
{
    size_t next = 0;
    char key = 'm';
    map_refresh(l);
    console_write(l, "\nType, start, end, attributes:\n");
    while (show_page(l, &next) && key != 0 && key != 'q') {
        unsigned tenths = ANSWER;
        console_write(l, "-- a key: more, q: enough --\n");
        key = console_key(l, &tenths);
    }
}

/* Read a line of words, and show what is typed. */
static void type_options(struct loader *l)
{
    char line[TYPED_MAX];
    size_t length = 0;
    console_write(l, "\nOptions: ");
    for (unsigned tenths = ANSWER; tenths > 0;) {
        char key[2] = {console_key(l, &tenths)};
        if (key[0] == 0 || key[0] == '\r' || key[0] == '\n')
            break;
        bool back = key[0] == 8 || key[0] == 0x7f;
        if (back && length > 0) {
            length--;
            console_write(l, "\b \b");
        } else if (!back && length < sizeof(line)) {
            line[length++] = key[0];
            console_write(l, key);
        }
    }
    console_write(l, "\n");
    options_add(l, line, length);
}

/* What the last run found, and what an earlier one left on the disk. */
static void show_bad_pages(const struct loader *l)
{
    if (badlist_found()[0] != '\0') {
        console_write(l, "\nThe last run found bad memory: ");
        console_write(l, badlist_found());
        console_write(l, "\nk keeps it from use from now on; it is written to " BADLIST_NAME "\n");
    }
    if (badlist_kept()[0] != '\0') {
        console_write(l, "\nKept from use by " BADLIST_NAME ": ");
        console_write(l, badlist_kept());
        console_write(l, "\nf forgets it: press it when the module has been changed\n");
    }
}

static void restart(struct loader *l)
{
    EFI_RUNTIME_SERVICES *runtime = l->system->RuntimeServices;
    if (runtime != NULL && runtime->ResetSystem != NULL)
        runtime->ResetSystem(EfiResetCold, EFI_SUCCESS, 0, NULL);
    console_write(l, "This firmware cannot restart.\n");
}

static void show_help(struct loader *l)
{
    console_write(l, options_help);
}

static const struct {
    char key;
    void (*run)(struct loader *);
} commands[] = {
    {'o', type_options}, {'m', show_map},       {'w', report_write}, {'h', show_help},
    {'k', badlist_keep}, {'f', badlist_forget}, {'r', restart},
};

/* The number of the command; that of all commands when the key is none. */
static size_t command_of(char key)
{
    size_t i = 0;
    while (i < ARRAY_LEN(commands) && commands[i].key != key)
        i++;
    return i;
}

/* Do what the key asks for. True: it is time to boot. */
static bool obey(struct loader *l, char key)
{
    size_t i = command_of(key);
    if (i < ARRAY_LEN(commands))
        commands[i].run(l);
    return key == 'o' || key == 'b' || key == '\r' || key == '\n' || key == 0;
}

/* Show the seconds that are left, and wait for the next key; 0: the time is over. */
static char ask(const struct loader *l, unsigned *tenths)
{
    char key = 0;
    while (*tenths >= 10 && key == 0) {
        unsigned second = 10;
        console_write(l, "\r");
        console_write(l, TEXT("Boots by itself in %u s. ", U(*tenths / 10)));
        key = console_key(l, &second);
        *tenths -= key != 0 ? 10 - second : 10;
    }
    console_write(l, "\n");
    return key;
}

/* Does the menu come again after this key, with time for another? */
static bool is_command(char key)
{
    return key != 'o' && command_of(key) < ARRAY_LEN(commands);
}

void menu_show(struct loader *l)
{
    unsigned tenths = l->options.menu * 10u;
    if (l->options.help) {
        console_write(l, options_help);
        tenths = tenths != 0 && tenths < HELP_TIME ? HELP_TIME : tenths;
    }
    if (tenths == 0 || l->system->ConIn == NULL)
        return;
    console_write(l, "\nOptions: ");
    console_write(l, l->info->options);
    for (unsigned asked = 0; asked < ASKED_MAX; asked++) {
        show_bad_pages(l);
        console_write(l, keys);
        char key = ask(l, &tenths);
        if (obey(l, key))
            return;
        tenths = is_command(key) ? ANSWER : tenths;
    }
}
