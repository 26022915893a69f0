#ifndef TESTS_PAGE_ERRNO_H
#define TESTS_PAGE_ERRNO_H
extern int errno;
#endif
