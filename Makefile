# Mortise: one Makefile. `make help` lists the targets; every result goes below $(BUILD).
#
# Two kinds of program come out of one source: a UEFI image for each architecture (clang and lld-link,
# target x86_64-unknown-windows and its like, which is LLP64) and the desk tools (a Linux process, LP64).
# Sources are found, not listed; a desk program says itself what it needs (see The desk).

BUILD   ?= build
CC      := $(if $(filter default undefined,$(origin CC)),clang,$(CC))
EFI_CC  ?= clang
EFI_LD  ?= lld-link
STRIP   ?= llvm-objcopy
PYTHON  ?= python3
COMMIT  := $(shell git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
GCC_WARN := -Wall -Wextra -Wconversion -Wshadow -Wmissing-prototypes -Wvla -Wundef -Werror
WARN    := $(GCC_WARN) -Wunreachable-code

MM_SRC   := $(sort $(wildcard mm/*.c))
HOST_SRC := $(sort $(wildcard hal/host/*.c))
# Those that know the format of page tables.
PAGED    := mm/aspace.c mm/page_%.c mm/tlb_gather.c
EFI_ANY  := $(sort $(wildcard efi/*.c $(foreach d,base machine memory talk,efi/$(d)/*.c)))
EFI_SRC  := $(sort $(EFI_ANY) $(wildcard efi/x86_64/*.c))
KERN_SRC := $(sort $(wildcard kernel/*.c kernel/*/*.c kernel/*/*/*.c tests/kernel/*.c))
UNIT_SRC := $(sort $(filter-out tests/unit/main.c,$(wildcard tests/unit/*.c)))

##@ The image
# x86_64 or aarch64: what `image` builds. Each has its own name, its DWARF for gdb, and its objects.
ARCH ?= x86_64
BOOT_x86_64    := BOOTX64.EFI
BOOT_aarch64   := BOOTAA64.EFI
DWARF_x86_64   := mortise.efi
DWARF_aarch64  := mortise-aarch64.efi
OBJECTS_x86_64 := efi
OBJECTS_aarch64 := aarch64

.PHONY: all image
all: image ## build the image (default): BOOTX64.EFI, and mortise.efi with DWARF for gdb; ARCH=aarch64: BOOTAA64.EFI
image: $(BUILD)/$(or $(BOOT_$(ARCH)),$(error ARCH is x86_64 or aarch64)) ## build the UEFI image and lint it

EFI_DIRS ?= /usr/include/efi /usr/local/include/efi
EFI_INC  := $(firstword $(foreach d,$(EFI_DIRS),$(wildcard $(d)/efi.h)))
EFI_HDR   = $(dir $(or $(EFI_INC),$(error gnu-efi headers are missing; on Debian: apt install gnu-efi)))
gnu_efi   = -isystem $(EFI_HDR) -isystem $(EFI_HDR)$(1) -DGNU_EFI_USE_MS_ABI
# No jump tables: they would lie in .text, where the lint takes them for instructions.
FREE     := -std=c11 -O2 -ffreestanding -fshort-wchar -mgeneral-regs-only -mno-stack-arg-probe \
            -fno-stack-protector -fno-jump-tables -fno-ident -I. -MMD -MP $(WARN)
X86_64   := --target=x86_64-unknown-windows -mno-red-zone $(FREE)
IMAGE    := -gdwarf-4 -ffunction-sections -fdata-sections '-ffile-prefix-map=$(CURDIR)=.'
IMAGE_x86_64  := $(X86_64) -Ihal/x86_64 $(IMAGE) -fomit-frame-pointer
# The backtrace follows the chain of frame pointers here.
IMAGE_aarch64 := --target=aarch64-unknown-windows $(FREE) -Ihal/aarch64 $(IMAGE) -fno-omit-frame-pointer -mno-omit-leaf-frame-pointer
# gnu-efi for one architecture has nothing of another: efi/aarch64/efibind.h is our own.
UEFI_x86_64   := $(call gnu_efi,x86_64)
UEFI_aarch64   = -isystem efi -isystem $(EFI_HDR)
LINK     := $(EFI_LD) /subsystem:efi_application /entry:efi_main /nodefaultlib /opt:ref /Brepro
objects   = $(patsubst %,$(BUILD)/$(or $(OBJECTS_$(2)),efi)/%.obj,$(1))

# $(call image,ARCH). FLAGS: what makes a kind of object; MORE: what a folder or a file needs beside. The
# kernel's backtrace on x86-64 unwinds with .pdata, for the Microsoft ABI has no chain of frame pointers.
# The self-tests are half of the code and run once: they are built to be small.
# /section: shim does not load what may be discarded, and the kernel moves itself by .reloc.
define image
$(foreach d,kernel hal mm,$(BUILD)/$(OBJECTS_$(1))/$(d)/%.obj): MORE = -funwind-tables
$(BUILD)/$(OBJECTS_$(1))/tests/%.obj: MORE = -funwind-tables -Oz
$(foreach d,efi tests/boot/shim,$(BUILD)/$(OBJECTS_$(1))/$(d)/%.obj): MORE = $$(UEFI_$(1))
$(call objects,kernel/version.c,$(1)): MORE = -DMORTISE_COMMIT=\"$(COMMIT)\"
$(call objects,kernel/version.c,$(1)): $(BUILD)/commit

$(BUILD)/$(OBJECTS_$(1))/%: FLAGS = $$(EFI_CC) $$(IMAGE_$(1))
$(BUILD)/$(OBJECTS_$(1))/%.obj: % $(BUILD)/$(OBJECTS_$(1))/flags
	@mkdir -p $$(@D)
	$$(FLAGS) $$(MORE) -c $$< -o $$@

$(BUILD)/$(DWARF_$(1)): $(call objects,$(EFI_ANY) $(sort $(wildcard efi/$(1)/*.c)) efi/sbat.S \
    $(KERN_SRC) $(sort $(wildcard tests/kernel/$(1)/*.c hal/any/*.c hal/$(1)/*.[cS] hal/$(1)/*/*.[cS])) $(MM_SRC) $(UNIT_SRC) tests/test.c gen/font_data.c,$(1))
	$(LINK) /section:.reloc,R /debug:dwarf /opt:icf /out:$$@ $$^

$(BUILD)/$(BOOT_$(1)): $(BUILD)/$(DWARF_$(1)) tests/lint/pe_lint.py
	$(STRIP) --strip-all $$< $$@.tmp
	$(PYTHON) tests/lint/pe_lint.py --sbat mortise --machine $(1) $$@.tmp
	mv $$@.tmp $$@
endef
$(foreach a,x86_64 aarch64,$(eval $(call image,$(a))))

# A file with a text, new when the text is: so the version on the screen is true, and an object is
# made anew when the flags of its kind change.
text = @mkdir -p $(@D); echo '$(subst ',,$(1))' | cmp -s - $@ || echo '$(subst ',,$(1))' >$@
$(BUILD)/commit: FORCE
	$(call text,$(COMMIT))
$(BUILD)/%/flags: FORCE
	$(call text,$(FLAGS))
.PRECIOUS: $(BUILD)/%/flags
.PHONY: FORCE
FORCE:

# The fonts, out of the package fonts-spleen.
vpath gen/%.c $(BUILD)
$(BUILD)/gen/font_data.c: kernel/screen/font.py
	@mkdir -p $(@D)
	$(PYTHON) $< $@.tmp
	mv $@.tmp $@

# What 32-bit firmware starts: it says that 64-bit firmware is needed.
$(BUILD)/ia32/%: FLAGS = $(EFI_CC) --target=i686-unknown-windows $(FREE) -Oz
$(BUILD)/ia32/%.obj: % $(BUILD)/ia32/flags
	@mkdir -p $(@D)
	$(FLAGS) $(call gnu_efi,ia32) -c $< -o $@
$(BUILD)/BOOTIA32.EFI: $(BUILD)/ia32/efi/ia32/main.c.obj
	$(LINK) /machine:x86 /safeseh:no /merge:.rdata=.text /out:$@ $^

# A firmware that plays tricks, for the tests; see tests/boot/shim/shim.h.
define shim
shim: $(BUILD)/shim-$(1).efi
$(BUILD)/shim-$(1).efi: $(call objects,$(sort $(wildcard tests/boot/shim/*.c tests/boot/shim/$(1)/*.[cS])) hal/$(1)/memory.S,$(1))
	$(LINK) /out:$$@ $$^
endef
.PHONY: shim
shim: ## build the firmware that plays tricks, for each architecture; tests/boot/shim/shim_test.py boots with it
$(foreach a,x86_64 aarch64,$(eval $(call shim,$(a))))

# memory.html: memsim's reader and mm/ as WebAssembly, in one file with the page around it. What 32 bits cannot
# count is refused at its start (tests/sim/desk.c), so shortening says nothing new.
WASM_LD  ?= wasm-ld
PAGE_MM  := $(filter-out $(PAGED),$(MM_SRC))
PAGE_SRC := $(patsubst %,tests/page/%.c,page libc) $(wildcard tests/sim/reader*.c) $(patsubst %,tests/sim/%.c,read map desk nodes ram util) \
            $(patsubst %,kernel/%.c,ram/smbios ram/slots ram/ram ram/ram_tell machine/nodes log/format)
$(BUILD)/page/%: FLAGS = $(EFI_CC) --target=wasm32 -std=c11 -O2 -ffreestanding -fno-builtin -I. -Itests/page -Itests/page/libc \
    -DHAL_NARROW '-D__builtin_return_address(level)=((void *)0)' -MMD -MP $(WARN) \
    -Wno-shorten-64-to-32 -Wno-tautological-constant-out-of-range-compare
$(BUILD)/page/%.o: %.c $(BUILD)/page/flags
	@mkdir -p $(@D)
	$(FLAGS) $(MORE) -c $< -o $@
$(BUILD)/page/tests/sim/desk.o: MORE = -I$(BUILD)/page
$(BUILD)/page/tests/sim/desk.o: $(BUILD)/page/wide.h
$(BUILD)/page/wide.h: tests/page/wide.c $(wildcard mm/*.h)
	@mkdir -p $(@D)
	$(EFI_CC) --target=x86_64-linux -std=c11 -ffreestanding -I. -Itests/page -S -emit-llvm -o $@.tmp $<
	sed -n 's/^@wide_\([a-z]*\) = .*\[\([0-9]*\) x i8\].*/#define WIDE_\1 \2u/p' $@.tmp >$@
$(BUILD)/page/memory.wasm: $(patsubst %.c,$(BUILD)/page/%.o,$(PAGE_MM) $(PAGE_SRC))
	$(WASM_LD) --no-entry --strip-all -z stack-size=1048576 $(patsubst %,--export=page_%,text map said said_bytes) $^ -o $@
$(BUILD)/memory.html: $(BUILD)/page/memory.wasm $(addprefix tests/page/,make.py page.html page.css page.js) $(BUILD)/commit
	$(PYTHON) tests/page/make.py $@ $< $(COMMIT)
.PHONY: page
page: $(BUILD)/memory.html ## build memory.html, the page that opens a report in any browser

##@ For others
# Signed ones, if there is a key to sign with.
DIST_EFI := $(BUILD)$(if $(KEY),/signed)
.PHONY: dist sign
DIST := BOOTX64.EFI BOOTAA64.EFI BOOTIA32.EFI
dist: $(addprefix $(DIST_EFI)/,$(DIST)) $(BUILD)/memory.html ## make the zip, the stick image, the ISO and memory.html: build/dist (KEY= CERT=: signed)
	SOURCE_DATE_EPOCH=$${SOURCE_DATE_EPOCH:-$$(git log -1 --format=%ct 2>/dev/null || echo 0)} \
	    $(PYTHON) efi/dist/dist.py $(BUILD)/dist $(COMMIT) $(BUILD)/memory.html $(filter %.EFI,$^)
sign: $(addprefix $(BUILD)/signed/,$(DIST)) ## sign for Secure Boot: make sign KEY=my.key CERT=my.pem
$(BUILD)/signed/%.EFI: $(BUILD)/%.EFI FORCE
	@test -n "$(KEY)" -a -n "$(CERT)" || { echo "make: name your key and its certificate: make sign KEY=my.key CERT=my.pem" >&2; exit 1; }
	@command -v sbsign >/dev/null || { echo "make: sbsign is missing; on Debian: apt install sbsigntool" >&2; exit 1; }
	@mkdir -p $(@D)
	sbsign --key "$(KEY)" --cert "$(CERT)" --output $@ $<
	sbverify --cert "$(CERT)" $@

# mm/ in another kernel (mm/README.md): a Linux process, and an EFI image of its own.
.PHONY: embed
embed: $(BUILD)/host/embed $(BUILD)/host/embed-embed_tsan $(BUILD)/embed.efi ## the worked example of mm/ in another kernel: build it, and run it on the desk
	$(BUILD)/host/embed-embed_tsan
	$(BUILD)/host/embed
$(BUILD)/embed/%: FLAGS = $(EFI_CC) $(X86_64) -Itests/embed/one_cpu
$(BUILD)/embed/%.obj: % $(BUILD)/embed/flags
	@mkdir -p $(@D)
	$(FLAGS) $(call gnu_efi,x86_64) -c $< -o $@
$(BUILD)/embed.efi: $(patsubst %,$(BUILD)/embed/%.obj,$(MM_SRC) $(patsubst %,tests/embed/%.c,embed port pc))
	$(LINK) /out:$@ $^
	$(PYTHON) tests/lint/pe_lint.py $@

##@ The desk
# A desk program is one file with a main(), linked with mm/ and its port to the desk. A line of its
# first comment says what else it needs: sources (a folder: all of it), libraries, and flags for that
# file alone; another one how it is built, where that is not the kind of its folder:
#
#     needs: kernel/log/ tests/test.c -lz
#     kinds: san fast
#     takes: 20 s               what ./run.sh quick leaves out
#     brief: 6                  what ./run.sh test gives it, for all of it takes longer (./run.sh matrix)
#
# `loader` stands for efi/ as it is, in a process: see tests/model/fake_firmware.h.
#
# A kind is a compiler with its flags. Programs lie in $(BUILD)/host, objects in $(BUILD)/desk/KIND,
# compiled once for all programs of the kind.
H         := $(BUILD)/host
O         := $(BUILD)/desk
SAN_FLAGS := -O1 -fsanitize=address,undefined -fno-sanitize-recover=all
KIND_san   = $(CC) -Ihal/host $(SAN_FLAGS)
KIND_tsan  = $(CC) -Ihal/host -O1 -fsanitize=thread
# The models of address spaces once more, for the page tables of another machine: what does not know
# them is taken from the kind without.
AARCH64    = -DMM_PAGE_FORMAT=\"format_aarch64.h\" -DMODEL_MMU=\"tests/model/mmu_aarch64.h\"
KIND_aarch64      = $(KIND_san) $(AARCH64)
KIND_aarch64_tsan = $(KIND_tsan) $(AARCH64)
KIND_embed      = $(CC) -Itests/embed/threads $(SAN_FLAGS)
KIND_embed_tsan = $(CC) -Itests/embed/threads -O1 -fsanitize=thread
# Each branch that runs calls __sanitizer_cov_trace_pc(), which the program has.
KIND_steps = $(CC) -Ihal/host -O1 -fsanitize-coverage=trace-pc -DHOST_INTERRUPTS
# Link-time optimization where it can be had, for all allocators of the bench alike. Without frame pointers,
# as the image is.
KIND_fast  = $(CC) -Ihal/host -O2 -fno-plt $(if $(CLANG),-flto -fuse-ld=lld -Wno-unused-command-line-argument)
# As another kernel would build mm/, without frame pointers: here instructions are counted. Debian 12's
# valgrind does not read DWARF 5.
KIND_plain = $(CC) -Ihal/host -O2
# libFuzzer comes with clang only.
KIND_fuzz  = $(or $(CLANG),clang) -Ihal/host -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all
CLANG     := $(if $(findstring clang,$(CC)),$(CC))
LINK_DESK := $(if $(CLANG),-fuse-ld=lld)
# Tests themselves are compiled without optimization, in a sixth of the time. One that searches needs -O1.
TEST_FLAGS := -O0
# Of the debug information the lines, which is what the sanitizers' reports name; for gdb: make DEBUG=-g.
DEBUG     := -g1
HOST_FLAGS := -std=c11 $(DEBUG) -I. -D_GNU_SOURCE -fno-omit-frame-pointer -pthread -DMORTISE_COMMIT=\"desk\"
# In the image wchar_t has 16 bits, and so has the CHAR16 of newer headers.
UEFI       = -fshort-wchar $(call gnu_efi,x86_64)
LOADER    := $(filter-out %/refuse.c,$(EFI_SRC)) $(patsubst %,kernel/%.c,log/format log/keep early/pe memory/bad monitor/bad_words options ram/smbios ram/slots ram/ram ram/ram_tell version) hal/any/caching_run.c $$(UEFI)

# $(call kind,KIND): how its objects are made.
define kind
$(O)/$(1)/%: FLAGS = $$(KIND_$(1)) $(HOST_FLAGS)$(if $(filter plain,$(1)), -gdwarf-4)$(if $(filter plain fast,$(1)), -fomit-frame-pointer) $(if $(CLANG),$(WARN),$(GCC_WARN)) -MMD -MP
$(O)/$(1)/%.o: %.c $(O)/$(1)/flags
	@mkdir -p $$(@D)
	$$(FLAGS) $$(QUICKLY) $$(MORE) -c $$< -o $$@
$(O)/$(1)/efi/%.o: MORE = $$(UEFI)
$(O)/$(1)/tests/sim/draw.o: MORE = $$(or $$(shell pkg-config --cflags cairo),$$(error cairo is missing; on Debian: apt install pkg-config libcairo2-dev))
endef
$(foreach k,san tsan aarch64 aarch64_tsan embed embed_tsan steps fast plain fuzz,$(eval $(call kind,$(k))))
$(foreach k,san aarch64,$(foreach d,boot model unit,$(O)/$(k)/tests/$(d)/%.o)): QUICKLY = $(TEST_FLAGS)

# What FILE's comment says behind a word: $(call says,WORD,FILE); and the sources that it means.
says  = $(patsubst loader,$(LOADER),$(filter-out */,$(shell sed -n 's|^[/ ]\* $(1): ||p' $(2))))
found = $(foreach f,$(1),$(or $(wildcard $(f)$(if $(filter %/,$(f)),*.c)),$(f)))
# $(call desk_objects,KIND,SOURCES)
shared       = $(if $(filter aarch64%,$(1)),$(filter-out $(PAGED),$(filter mm/% hal/%,$(2))))
kind_without = $(if $(filter %_tsan,$(1)),tsan,san)
desk_objects = $(patsubst %.c,$(O)/$(1)/%.o,$(filter-out $(shared),$(2))) $(patsubst %.c,$(O)/$(kind_without)/%.o,$(shared))
# $(call program,NAME,FILE,KIND,NEEDS)
define program
PROGRAMS += $(1)
$(H)/$(1): $(call desk_objects,$(3),$(sort $(2) $(MM_SRC) $(if $(filter-out embed%,$(3)),$(HOST_SRC)) $(call found,$(filter %.c %/,$(4)))))
	@mkdir -p $$(@D)
	$$(KIND_$(3)) $(HOST_FLAGS) $(LINK_DESK) $$^ $(filter -l%,$(4)) -o $$@
$(O)/$(3)/$(2:.c=.o): private MORE = $(filter-out %.c %/ -l%,$(4))
endef
# $(call programs,NAME,FILE,KIND): one of each kind that FILE asks for; a kind that is not KIND is
# added to the name.
programs = $(foreach k,$(or $(call says,kinds,$(2)),$(3)),$(eval $(call program,$(1)$(if $(filter-out $(3),$(k)),-$(k)),$(2),$(k),$(call says,needs,$(2)))))
stem     = $(basename $(notdir $(1)))

$(foreach f,$(wildcard tests/model/*.c),$(call programs,model-$(call stem,$(f)),$(f),$(if $(findstring _threads,$(f)),tsan,san)))
$(foreach f,$(wildcard tests/fuzz/*.c),$(call programs,fuzz-$(call stem,$(f)),$(f),fuzz))
$(foreach f,$(wildcard tests/boot/*_test.c),$(call programs,$(call stem,$(f)),$(f),san))
$(call programs,unit,tests/unit/main.c,san)
$(call programs,soak,tests/soak/soak.c,san)
$(call programs,embed,tests/embed/desk.c,embed)
$(call programs,bench,tests/bench/bench.c,fast)
$(call programs,count,tests/count/count.c,plain)
$(call programs,memsim,tests/sim/main.c,plain)

.PHONY: desk programs unit model sim bench count soak soak-desk
desk: $(addprefix $(H)/,$(PROGRAMS)) ## build every desk program: unit tests, models, fuzz targets, bench, memsim
programs:
	@printf '%s\n' $(PROGRAMS)
unit: $(H)/unit ## run the unit tests of mm/ on the desk, under ASan and UBSan
	$(H)/unit
MODELS := $(addprefix $(H)/,$(filter model-%,$(PROGRAMS)))
model: $(MODELS) ## run the model and thread tests on the desk
	@set -e; for t in $(MODELS); do echo "$$t"; $$t; done
sim: $(H)/memsim ## build the desk tool: build/host/memsim map|draw|replay
bench: $(H)/bench ## measure the allocator side by side with the baselines: table, CSV and plot
	@mkdir -p $(BUILD)/bench
	$(H)/bench --csv $(BUILD)/bench/bench.csv $(BENCH_ARGS)
	$(PYTHON) tests/bench/plot.py $(BUILD)/bench/bench.csv $(BUILD)/bench/bench.png
count: $(H)/count ## count the allocator's instructions, which repeat to the digit; ROW=mixed-90: where they are, line by line
	$(PYTHON) tests/count/count.py $(H)/count $(if $(ROW),--lines $(ROW))

T       ?= memmap
TIME    ?= 60
FUZZERS := $(patsubst fuzz-%,%,$(filter fuzz-%,$(PROGRAMS)))
soak-desk: $(H)/soak
	$(H)/soak $(TIME)
SMP     ?= 4
soak: soak-desk image ## every operation by 8 CPUs for TIME seconds on the desk, then TIME rounds of the exerciser on SMP CPUs in QEMU
	./run.sh --image $(BUILD)/BOOTX64.EFI --memory 256M --smp $(SMP) --timeout $$((40 * $(TIME) + 180)) \
	    --options "exercise=$(TIME)" >$(BUILD)/soak.log
	@grep -a -c 'exercise: .* free pages left out' $(BUILD)/soak.log | sed 's/$$/ rounds of the exerciser passed in QEMU/'

.PHONY: fuzz fuzz-all fuzz-plants
fuzz: $(H)/fuzz-$(T) ## fuzz one target (tests/fuzz/README.md): make fuzz T=memmap TIME=60
	BUILD='$(BUILD)' bash tests/fuzz/run.sh run $(T) $(TIME)
fuzz-all: $(addprefix $(H)/fuzz-,$(FUZZERS)) ## fuzz every target for TIME seconds
	@set -e; for t in $(FUZZERS); do BUILD='$(BUILD)' bash tests/fuzz/run.sh run $$t $(TIME) >$(BUILD)/fuzz-$$t.log 2>&1 || \
	    { tail -n 30 $(BUILD)/fuzz-$$t.log; exit 1; }; tail -n 1 $(BUILD)/fuzz-$$t.log; done
fuzz-plants: ## plant an error for each fuzz target, and see it found
	$(PYTHON) tests/fuzz/plant.py

##@ Checks
.PHONY: quick test layers tidy portability cover matrix mutate prove
quick: ## what to run after every edit, a minute once it is built: unit tests, fast models, layers, two boots
	./run.sh quick
test: ## everything: ./run.sh test
	./run.sh test
layers: ## prove who may include whom, and the house rules that need no compiler
	$(PYTHON) tests/lint/layers.py
	$(PYTHON) tests/lint/log_formats.py $(KERN_SRC) $(wildcard tests/kernel/*/*.c)
# DEPTH: how many states of a function the analyzer looks at, 225000 by itself.
tidy: ## clang-tidy and cppcheck over mm/ and hal/host; bench, which no test runs, compiles without a warning
	$(KIND_fast) $(HOST_FLAGS) $(if $(CLANG),$(WARN),$(GCC_WARN)) -fsyntax-only $(wildcard tests/bench/*.c)
	clang-tidy --quiet $(MM_SRC) $(HOST_SRC) -- $(HOST_FLAGS) -Ihal/host $(if $(DEPTH),-Xclang -analyzer-config -Xclang max-nodes=$(DEPTH))
	cppcheck --quiet --std=c11 --error-exitcode=1 --enable=warning,portability --inline-suppr -UMM_PAGE_FORMAT -I. -Ihal/host $(MM_SRC) $(HOST_SRC)
portability: ## build and test with gcc, clang-14, clang-19: make portability C="gcc clang-19" GNU_EFI=/other/include/efi
	BUILD='$(BUILD)' GNU_EFI='$(GNU_EFI)' bash tests/boot/portable.sh $(C)
cover: ## branch coverage of the allocator and the map by the desk tests (gcovr): all, or argued for
	sh tests/lint/cover.sh $(BUILD)/cover
matrix: ## boot every machine of tests/boot/matrix (./run.sh matrix NAME... boots some)
	./run.sh matrix
mutate: ## do the desk tests notice small changes of mm/? make mutate FILES=mm/zone.c SAMPLE=400 JOBS=2 AGAIN=1 FOR=AARCH64
	$(PYTHON) tests/mutate/mutate.py --build $(BUILD)/mutate $(if $(FOR),--flags='$($(FOR))') --jobs $(or $(JOBS),2) $(if $(SAMPLE),--sample $(SAMPLE)) \
	    $(if $(SEED),--seed $(SEED)) $(if $(AGAIN),--again) $(FILES)
prove: ## prove the word operations (Frama-C) and check the models of the protocols (SPIN): make prove N=word_mask
	$(PYTHON) tests/prove/prove.py --build $(BUILD)/prove $(N)

##@ Running
.PHONY: run gdb figures screenshot
run: image ## build and boot in QEMU
	./run.sh
gdb: image ## boot in QEMU and wait for gdb on port 1234
	./run.sh --gdb
screenshot: image ## the picture of a boot in QEMU: tests/figures/screenshot.png
	$(PYTHON) tests/boot/screen.py --png tests/figures/screenshot.png 1280x800 --image $(BUILD)/BOOTX64.EFI --memory 3G
figures: ## capture the figures of tests/figures again: make figures F="boot sizes bench"
	$(PYTHON) tests/figures/figures.py $(F)

##@ Housekeeping
.PHONY: compile_commands.json clean help
compile_commands.json: ## for clangd and friends
	$(PYTHON) tests/lint/compile_commands.py '$(HOST_FLAGS) -Ihal/host' $(MM_SRC) $(HOST_SRC) > $@
clean: ## remove everything that was built
	rm -rf $(BUILD)
help: ## this list
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z_.-]+:.*## / {printf "  %-24s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

# Which headers an object was made of, as the compiler found them.
-include $(shell find $(BUILD)/efi $(BUILD)/aarch64 $(BUILD)/ia32 $(BUILD)/embed $(BUILD)/desk $(BUILD)/page -name '*.d' 2>/dev/null)
