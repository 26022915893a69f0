// The section .sbat, which shim wants to see in whatever it starts under Secure Boot: who made this
// program, and its security generation. When a fault is found for which signed copies must no longer
// start, the number behind "mortise" is raised, and the older ones are revoked by it. Six fields a
// line, none of them empty, and the last byte is a new line: shim writes its NUL over it.
// Whoever signs a program of their own adds a line of their own ("mortise.NAME,1,...").
    .section .sbat, "dr"
    .ascii "sbat,1,SBAT Version,sbat,1,https://github.com/rhboot/shim/blob/main/SBAT.md\n"
    .ascii "mortise,1,Mortise,mortise,1,README.md\n"
