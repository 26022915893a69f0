# Mortise: one Makefile. `make help` lists the targets; every result goes below $(BUILD).
#
# Two programs come out of one source: the UEFI image (clang and lld-link, target
# x86_64-unknown-windows, which is LLP64) and the desk tools (a Linux process, LP64).

BUILD   ?= build
CC      := $(if $(filter default undefined,$(origin CC)),clang,$(CC))
EFI_CC  ?= clang
EFI_LD  ?= lld-link
STRIP   ?= llvm-objcopy
PYTHON  ?= python3
COMMIT  := $(shell git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)

WARN := -Wall -Wextra -Wconversion -Wshadow -Wmissing-prototypes -Wvla -Wundef -Werror
ifneq (,$(findstring clang,$(CC)))
WARN_HOST := $(WARN) -Wunreachable-code
else
WARN_HOST := $(WARN)
endif

MM_SRC   := $(sort $(wildcard mm/*.c))
UNIT_SRC := $(sort $(filter-out tests/unit/main.c,$(wildcard tests/unit/*.c)))
HOST_SRC := $(sort $(wildcard hal/host/*.c))

##@ The image
.PHONY: all
all: image ## build the image (default): BOOTX64.EFI, and mortise.efi with DWARF for gdb

EFI_DIRS ?= /usr/include/efi /usr/local/include/efi
EFI_INC  := $(firstword $(foreach d,$(EFI_DIRS),$(wildcard $(d)/efi.h)))
EFI_SRC  := $(sort $(wildcard efi/*.c) $(foreach d,base talk memory machine x86_64,$(wildcard efi/$(d)/*.c)))
KERN_SRC := $(sort $(wildcard kernel/*.c) $(wildcard kernel/*/*.c) $(wildcard tests/kernel/*.c) $(wildcard tests/kernel/x86_64/*.c) \
            $(wildcard hal/x86_64/*.c hal/x86_64/*.S hal/x86_64/pc/*.c)) \
            $(MM_SRC) tests/test.c $(UNIT_SRC)
# No jump tables: they would lie in .text, where the lint takes them for instructions.
EFI_FLAGS := --target=x86_64-unknown-windows -std=c11 -O2 -gdwarf-4 -ffreestanding -fshort-wchar \
             -mgeneral-regs-only -mno-red-zone -mno-stack-arg-probe -fno-stack-protector \
             -fomit-frame-pointer -fno-jump-tables -fno-ident -ffunction-sections -fdata-sections \
             '-ffile-prefix-map=$(CURDIR)=.' -I. -Ihal/x86_64 \
             -DMORTISE_COMMIT='"$(COMMIT)"'
EFI_OBJ  := $(patsubst %,$(BUILD)/efi/%.obj,$(EFI_SRC) efi/sbat.S $(KERN_SRC) gen/font_data.c)

# The kernel's backtrace unwinds with .pdata: the Microsoft ABI has no chain of frame pointers.
$(foreach d,kernel hal mm tests,$(BUILD)/efi/$(d)/%.obj): EFI_FLAGS += -funwind-tables

.PHONY: image
image: $(BUILD)/BOOTX64.EFI ## build the UEFI image and lint it

# Rebuilt when the commit changes, so that the version on the screen is true.
$(BUILD)/commit: FORCE
	@mkdir -p $(@D); echo '$(COMMIT)' | cmp -s - $@ || echo '$(COMMIT)' > $@
.PHONY: FORCE
FORCE:

$(BUILD)/efi/efi/%.c.obj: efi/%.c Makefile
	@mkdir -p $(@D)
	@test -n "$(EFI_INC)" || { echo "make: gnu-efi headers are missing; on Debian: apt install gnu-efi" >&2; exit 1; }
	$(EFI_CC) $(EFI_FLAGS) $(WARN) -Wunreachable-code -isystem $(dir $(EFI_INC)) -isystem $(dir $(EFI_INC))x86_64 \
	    -DGNU_EFI_USE_MS_ABI -MMD -MP -c $< -o $@

$(BUILD)/efi/%.c.obj: %.c Makefile
	@mkdir -p $(@D)
	$(EFI_CC) $(EFI_FLAGS) $(WARN) -Wunreachable-code -MMD -MP -c $< -o $@

$(BUILD)/efi/%.S.obj: %.S Makefile
	@mkdir -p $(@D)
	$(EFI_CC) $(EFI_FLAGS) -MMD -MP -c $< -o $@

# The fonts, out of the package fonts-spleen.
$(BUILD)/gen/font_data.c: kernel/screen/font.py
	@mkdir -p $(@D)
	$(PYTHON) kernel/screen/font.py $@.tmp
	mv $@.tmp $@

$(BUILD)/efi/gen/font_data.c.obj: $(BUILD)/gen/font_data.c
	@mkdir -p $(@D)
	$(EFI_CC) $(EFI_FLAGS) $(WARN) -MMD -MP -c $< -o $@

$(BUILD)/efi/kernel/version.c.obj: $(BUILD)/commit

# /section: shim does not load what may be discarded, and the kernel moves itself by .reloc.
$(BUILD)/mortise.efi: $(EFI_OBJ)
	$(EFI_LD) /subsystem:efi_application /entry:efi_main /nodefaultlib /section:.reloc,R /debug:dwarf /Brepro /opt:ref /opt:icf \
	    /out:$@ $^

$(BUILD)/BOOTX64.EFI: $(BUILD)/mortise.efi tests/lint/pe_lint.py
	$(STRIP) --strip-all $< $@.tmp
	$(PYTHON) tests/lint/pe_lint.py --sbat mortise $@.tmp
	mv $@.tmp $@

##@ For others
# mm/ in another kernel (mm/README.md): a Linux process, and an EFI image of its own.
EMBED_SRC := $(MM_SRC) tests/embed/embed.c tests/embed/port.c
EMBED_OBJ := $(patsubst %,$(BUILD)/embed/%.obj,$(EMBED_SRC) tests/embed/pc.c)

.PHONY: embed
embed: $(BUILD)/host/embed $(BUILD)/embed.efi ## the worked example of mm/ in another kernel: build it, and run it on the desk
	$(BUILD)/host/embed

$(BUILD)/host/embed: $(EMBED_SRC) tests/embed/desk.c $(wildcard mm/*.h hal/*.h tests/embed/*.h)
	@mkdir -p $(@D)
	$(CC) -std=c11 -g -I. -Itests/embed $(SAN_FLAGS) $(WARN_HOST) $(filter %.c,$^) -o $@

$(BUILD)/embed/%.c.obj: %.c efi/base/uefi.h $(wildcard mm/*.h hal/*.h tests/embed/*.h) Makefile
	@mkdir -p $(@D)
	@test -n "$(EFI_INC)" || { echo "make: gnu-efi headers are missing; on Debian: apt install gnu-efi" >&2; exit 1; }
	$(EFI_CC) --target=x86_64-unknown-windows -std=c11 -O2 -ffreestanding -fshort-wchar -mgeneral-regs-only \
	    -mno-red-zone -mno-stack-arg-probe -fno-stack-protector -fno-jump-tables $(WARN) -Wunreachable-code \
	    -I. -Itests/embed -isystem $(dir $(EFI_INC)) -isystem $(dir $(EFI_INC))x86_64 -DGNU_EFI_USE_MS_ABI -c $< -o $@

$(BUILD)/embed.efi: $(EMBED_OBJ)
	$(EFI_LD) /subsystem:efi_application /entry:efi_main /nodefaultlib /Brepro /opt:ref /out:$@ $^
	$(PYTHON) tests/lint/pe_lint.py $@

# What 32-bit firmware starts: it says that 64-bit firmware is needed.
$(BUILD)/BOOTIA32.EFI: efi/ia32/main.c efi/base/uefi.h Makefile
	@mkdir -p $(BUILD)/efi/efi/ia32
	@test -n "$(EFI_INC)" || { echo "make: gnu-efi headers are missing; on Debian: apt install gnu-efi" >&2; exit 1; }
	$(EFI_CC) --target=i686-unknown-windows -std=c11 -Oz -ffreestanding -fshort-wchar -mgeneral-regs-only \
	    -mno-stack-arg-probe -fno-stack-protector -fno-jump-tables -fno-ident $(WARN) -Wunreachable-code \
	    -I. -isystem $(dir $(EFI_INC)) -isystem $(dir $(EFI_INC))ia32 -c $< -o $(BUILD)/efi/efi/ia32/main.c.obj
	$(EFI_LD) /subsystem:efi_application /machine:x86 /entry:efi_main /nodefaultlib /safeseh:no /merge:.rdata=.text \
	    /Brepro /out:$@ $(BUILD)/efi/efi/ia32/main.c.obj

# A firmware that plays tricks, for the tests; see tests/boot/shim/shim.h.
SHIM_OBJ := $(patsubst %,$(BUILD)/efi/%.obj,$(sort $(wildcard tests/boot/shim/*.c)) tests/boot/shim/strict.S hal/x86_64/memory.S)
$(BUILD)/efi/tests/boot/shim/%.c.obj: EFI_FLAGS += -Os -isystem $(dir $(EFI_INC)) -isystem $(dir $(EFI_INC))x86_64 -DGNU_EFI_USE_MS_ABI
.PHONY: shim
shim: $(BUILD)/shim.efi ## build the firmware that plays tricks; tests/boot/shim/shim_test.py boots with it
$(BUILD)/shim.efi: $(SHIM_OBJ)
	$(EFI_LD) /subsystem:efi_application /entry:efi_main /nodefaultlib /opt:ref /Brepro /out:$@ $^

# Signed ones, if there is a key to sign with.
DIST_EFI := $(BUILD)$(if $(KEY),/signed)

.PHONY: dist
dist: $(DIST_EFI)/BOOTX64.EFI $(DIST_EFI)/BOOTIA32.EFI ## make the zip, the stick image and the ISO: build/dist (KEY= CERT=: signed)
	SOURCE_DATE_EPOCH=$${SOURCE_DATE_EPOCH:-$$(git log -1 --format=%ct 2>/dev/null || echo 0)} \
	    $(PYTHON) efi/dist/dist.py $(BUILD)/dist $^ $(COMMIT)

.PHONY: sign
sign: $(BUILD)/signed/BOOTX64.EFI $(BUILD)/signed/BOOTIA32.EFI ## sign for Secure Boot: make sign KEY=my.key CERT=my.pem
$(BUILD)/signed/%.EFI: $(BUILD)/%.EFI FORCE
	@test -n "$(KEY)" -a -n "$(CERT)" || { echo "make: name your key and its certificate: make sign KEY=my.key CERT=my.pem" >&2; exit 1; }
	@command -v sbsign >/dev/null || { echo "make: sbsign is missing; on Debian: apt install sbsigntool" >&2; exit 1; }
	@mkdir -p $(@D)
	sbsign --key "$(KEY)" --cert "$(CERT)" --output $@ $<
	sbverify --cert "$(CERT)" $@

##@ The desk
HOST_FLAGS := -std=c11 -g -I. -Ihal/host -D_GNU_SOURCE -fno-omit-frame-pointer -pthread
SAN_FLAGS  := -O1 -fsanitize=address,undefined -fno-sanitize-recover=all
# Link-time optimization where it can be had, for all allocators of the bench alike.
FAST_FLAGS := -O2 -fno-plt $(if $(findstring clang,$(CC)),-flto -fuse-ld=lld)
# libFuzzer comes with clang only.
FUZZ_CC    := $(if $(findstring clang,$(CC)),$(CC),clang)
FUZZ_FLAGS := -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all
TSAN_FLAGS := -O1 -fsanitize=thread
DESK_HDR   := $(wildcard mm/*.h hal/*.h hal/host/*.h kernel/*.h kernel/*/*.h tests/*.h tests/*/*.h)
H := $(BUILD)/host

# mm/ and its port to the desk, compiled once for each kind of program.
LIB_SRC := $(MM_SRC) $(HOST_SRC)
LIB_HDR := $(wildcard mm/*.h hal/*.h hal/host/*.h)
SAN_LIB  := $(patsubst %.c,$(H)/san/%.o,$(LIB_SRC))
TSAN_LIB := $(patsubst %.c,$(H)/tsan/%.o,$(LIB_SRC))
FUZZ_LIB := $(patsubst %.c,$(H)/fuzz/%.o,$(LIB_SRC))

$(SAN_LIB): $(H)/san/%.o: %.c $(LIB_HDR)
	@mkdir -p $(@D)
	$(CC) $(HOST_FLAGS) $(SAN_FLAGS) $(WARN_HOST) -c $< -o $@

$(TSAN_LIB): $(H)/tsan/%.o: %.c $(LIB_HDR)
	@mkdir -p $(@D)
	$(CC) $(HOST_FLAGS) $(TSAN_FLAGS) $(WARN_HOST) -c $< -o $@

$(FUZZ_LIB): $(H)/fuzz/%.o: %.c $(LIB_HDR)
	@mkdir -p $(@D)
	$(FUZZ_CC) $(HOST_FLAGS) $(FUZZ_FLAGS) $(WARN_HOST) -c $< -o $@

.PHONY: unit
unit: $(H)/unit ## run the unit tests of mm/ on the desk, under ASan and UBSan
	$(H)/unit

$(H)/unit: $(SAN_LIB) tests/test.c $(UNIT_SRC) tests/unit/main.c $(DESK_HDR)
	$(CC) $(HOST_FLAGS) $(SAN_FLAGS) $(WARN_HOST) $(filter %.c %.o,$^) -o $@

# One program a file: tests/model/NAME.c -> $(H)/model-NAME, and the same for fuzz targets.
# A model whose name ends in _threads is built with TSan, the others with ASan and UBSan.
MODEL_BIN := $(patsubst tests/model/%.c,$(H)/model-%,$(wildcard tests/model/*.c))
FUZZ_BIN  := $(patsubst tests/fuzz/%.c,$(H)/fuzz-%,$(wildcard tests/fuzz/*.c))

.PHONY: model
model: $(MODEL_BIN) ## run the model and thread tests on the desk
	@set -e; for t in $(MODEL_BIN); do echo "$$t"; $$t; done

$(H)/model-%_threads: tests/model/%_threads.c $(TSAN_LIB) $(DESK_HDR)
	$(CC) $(HOST_FLAGS) $(TSAN_FLAGS) $(WARN_HOST) $(filter %.c %.o,$^) -o $@

$(H)/model-%: tests/model/%.c $(SAN_LIB) $(DESK_HDR)
	$(CC) $(HOST_FLAGS) $(SAN_FLAGS) $(WARN_HOST) $(filter %.c %.o,$^) $(HOST_LIBS) -o $@

# What the kernel reads from outside.
$(H)/model-cpu_calls_threads: kernel/cpus/calls.c
$(H)/model-kernel_text: kernel/options.c kernel/machine/rsdp.c tests/test.c

# The screen, without the machine.
$(H)/model-screen: $(patsubst %,kernel/screen/%.c,canvas font picture rows screen) kernel/log/format.c \
    $(BUILD)/gen/font_data.c

# zlib judges the checksums of the kept log.
$(H)/model-keep: kernel/log/keep.c tests/test.c
$(H)/model-keep: private HOST_LIBS := -lz

# What a person types.
DIALOGUE := $(patsubst %,kernel/monitor/%.c,line command keyboard) kernel/log/format.c
$(H)/model-dialogue $(H)/fuzz-monitor: $(DIALOGUE)

# It includes that file, with memory of its own below.
$(H)/model-exercise: $(BUILD)/exercise.stamp
$(BUILD)/exercise.stamp: kernel/monitor/exercise.c
	@mkdir -p $(@D); touch $@

$(H)/model-pe: kernel/early/pe.c tests/test.c
$(H)/model-first_tables: kernel/early/first_tables.c tests/kernel/x86_64/walk.c kernel/early/pe.c tests/test.c

# zlib judges the sum of the kept log.
$(H)/fuzz-options: efi/base/words.c kernel/options.c
$(H)/fuzz-format: $(patsubst %,kernel/log/%.c,format keep log)
$(H)/fuzz-format: private HOST_LIBS := -lz

# The loader, as it is, against a fake firmware.
LOADER_BIN := $(H)/model-loader $(H)/model-report $(H)/fuzz-report
$(LOADER_BIN): $(EFI_SRC) $(wildcard efi/*.h efi/*/*.h) $(patsubst %,kernel/%.c,log/format log/keep options version)
$(H)/model-loader $(H)/model-report: tests/test.c
$(H)/model-report: private HOST_LIBS := -lz
$(H)/fuzz-reader $(H)/fuzz-report: $(wildcard tests/sim/reader*.c)
# In the image wchar_t has 16 bits, and so has the CHAR16 of newer headers.
$(LOADER_BIN): private HOST_FLAGS += -fshort-wchar -isystem $(dir $(EFI_INC)) -isystem $(dir $(EFI_INC))x86_64 \
    -DGNU_EFI_USE_MS_ABI -DMORTISE_COMMIT='"desk"'

TIME ?= 60
T    ?= memmap
FUZZERS := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/*.c))
.PHONY: fuzz
fuzz: $(H)/fuzz-$(T) ## fuzz one target (tests/fuzz/README.md): make fuzz T=memmap TIME=60
	BUILD='$(BUILD)' bash tests/fuzz/run.sh run $(T) $(TIME)

.PHONY: fuzz-all fuzz-plants
fuzz-all: $(FUZZ_BIN) ## fuzz every target for TIME seconds
	@set -e; for t in $(FUZZERS); do BUILD='$(BUILD)' bash tests/fuzz/run.sh run $$t $(TIME) >$(BUILD)/fuzz-$$t.log 2>&1 || \
	    { tail -n 30 $(BUILD)/fuzz-$$t.log; exit 1; }; tail -n 1 $(BUILD)/fuzz-$$t.log; done
fuzz-plants: ## plant an error for each fuzz target, and see it found
	$(PYTHON) tests/fuzz/plant.py

$(H)/fuzz-%: tests/fuzz/%.c $(FUZZ_LIB) $(DESK_HDR)
	$(FUZZ_CC) $(HOST_FLAGS) $(FUZZ_FLAGS) $(WARN_HOST) $(filter %.c %.o,$^) $(HOST_LIBS) -o $@

.PHONY: soak soak-desk
soak-desk: $(H)/soak
	$(H)/soak $(TIME)
soak: soak-desk image ## every operation by 8 CPUs for TIME seconds on the desk, then TIME rounds of the exerciser in QEMU
	./run.sh --image $(BUILD)/BOOTX64.EFI --memory 128M --timeout $$((20 * $(TIME) + 180)) \
	    --options "exercise=$(TIME)" >$(BUILD)/soak.log
	@grep -a -c 'exercise: .* free pages left out' $(BUILD)/soak.log | sed 's/$$/ rounds of the exerciser passed in QEMU/'

$(H)/soak: tests/soak/soak.c $(SAN_LIB) $(DESK_HDR)
	$(CC) $(HOST_FLAGS) $(SAN_FLAGS) $(WARN_HOST) $(filter %.c %.o,$^) -o $@

.PHONY: bench
bench: $(H)/bench ## measure the allocator side by side with the baselines: table, CSV and plot
	@mkdir -p $(BUILD)/bench
	$(H)/bench --csv $(BUILD)/bench/bench.csv $(BENCH_ARGS)
	$(PYTHON) tests/bench/plot.py $(BUILD)/bench/bench.csv $(BUILD)/bench/bench.png

$(H)/bench: $(sort $(wildcard tests/bench/*.c)) tests/sim/trace.c $(MM_SRC) $(HOST_SRC) $(DESK_HDR)
	@mkdir -p $(@D)
	$(CC) $(HOST_FLAGS) $(FAST_FLAGS) $(WARN_HOST) $(filter %.c,$^) -lz -lm -o $@

.PHONY: sim
sim: $(H)/memsim ## build the desk tool: build/host/memsim map|draw|replay
$(H)/memsim: $(sort $(wildcard tests/sim/*.c)) $(MM_SRC) $(HOST_SRC) $(DESK_HDR)
	@mkdir -p $(@D)
	@pkg-config --exists cairo || { echo "make: cairo is missing; on Debian: apt install pkg-config libcairo2-dev" >&2; exit 1; }
	$(CC) $(HOST_FLAGS) $(FAST_FLAGS) $(WARN_HOST) $$(pkg-config --cflags cairo) $(filter %.c,$^) $$(pkg-config --libs cairo) -lz -lm -o $@

##@ Documentation
.PHONY: figures
figures: ## capture the figures of tests/figures again: make figures F="boot sizes bench"
	$(PYTHON) tests/figures/figures.py $(F)

##@ Checks
.PHONY: layers
layers: ## prove the layer rule: who may include whom
	sh tests/lint/layers.sh
	$(PYTHON) tests/lint/log_formats.py $(wildcard kernel/*.c kernel/*/*.c tests/kernel/*.c)

.PHONY: tidy
tidy: ## clang-tidy and cppcheck over mm/ and hal/host
	clang-tidy --quiet $(MM_SRC) $(HOST_SRC) -- $(HOST_FLAGS)
	cppcheck --quiet --std=c11 --error-exitcode=1 --enable=warning,portability --inline-suppr -I. -Ihal/host $(MM_SRC) $(HOST_SRC)

.PHONY: portability
portability: ## build and test with gcc, clang-14, clang-19: make portability C="gcc clang-19" GNU_EFI=/other/include/efi
	BUILD='$(BUILD)' GNU_EFI='$(GNU_EFI)' bash tests/boot/portable.sh $(C)

.PHONY: cover
cover: ## branch coverage of the allocator and the map by the desk tests (gcovr): all, or argued for
	sh tests/lint/cover.sh $(BUILD)/cover

.PHONY: matrix
matrix: ## boot every machine of tests/boot/matrix (./run.sh matrix NAME... boots some)
	./run.sh matrix

.PHONY: mutate
mutate: ## do the desk tests notice small changes of mm/? make mutate FILES=mm/zone.c SAMPLE=400 JOBS=2 AGAIN=1
	$(PYTHON) tests/mutate/mutate.py --build $(BUILD)/mutate --jobs $(or $(JOBS),2) $(if $(SAMPLE),--sample $(SAMPLE)) \
	    $(if $(SEED),--seed $(SEED)) $(if $(AGAIN),--again) $(FILES)

.PHONY: prove
prove: ## prove the word operations (Frama-C) and check the models of the protocols (SPIN): make prove N=word_mask
	$(PYTHON) tests/prove/prove.py --build $(BUILD)/prove $(N)

.PHONY: test
test: ## everything ./run.sh test runs
	./run.sh test

##@ Running
.PHONY: screenshot
screenshot: image ## the picture of a boot in QEMU: tests/figures/screenshot.png
	$(PYTHON) tests/boot/screen.py --png tests/figures/screenshot.png 1280x800 --image $(BUILD)/BOOTX64.EFI --memory 3G

.PHONY: run gdb
run: image ## build and boot in QEMU
	./run.sh
gdb: image ## boot in QEMU and wait for gdb on port 1234
	./run.sh --gdb

##@ Housekeeping
.PHONY: compile_commands.json
compile_commands.json: ## for clangd and friends
	$(PYTHON) tests/lint/compile_commands.py '$(HOST_FLAGS)' $(MM_SRC) $(HOST_SRC) > $@

.PHONY: clean
clean: ## remove everything that was built
	rm -rf $(BUILD)

.PHONY: help
help: ## this list
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z_.-]+:.*## / {printf "  %-24s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

-include $(EFI_OBJ:.obj=.d) $(SHIM_OBJ:.obj=.d)
