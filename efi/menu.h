/* efi/menu.h: the menu before the boot. */
#ifndef EFI_MENU_H
#define EFI_MENU_H

#include "efi/base/loader.h"

/* Show options and menu for as long as the options say. When that time is over it returns by itself: a
 * minute after the last command, and after 100 keys at the latest. Without a ConIn nothing is shown. */
void menu_show(struct loader *);

#endif
