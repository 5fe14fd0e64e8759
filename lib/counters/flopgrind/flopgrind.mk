# flopgrind, the Valgrind tool: built beside the program when Valgrind's development files are there.
# It is a program of its own, linked with Valgrind's core (GPL-2.0-or-later, see COPYING), with
# flags of its own: it has no C library and must not start with anything a compiler adds.
FG_SRC   := lib/counters/flopgrind
FG_OUT   := $(BUILD)/flopgrind
FG_LIB   := $(shell pkg-config --variable=libdir valgrind 2>/dev/null)/valgrind
FG_LOAD  := $(shell pkg-config --variable=valt_load_address valgrind 2>/dev/null)
FG_CORE  := $(wildcard $(FG_LIB)/libcoregrind-amd64-linux.a)
FG_TOOL  := $(if $(and $(FG_CORE),$(FG_LOAD),$(filter x86_64%,$(shell $(CC) -dumpmachine))),\
              $(FG_OUT)/flopgrind-amd64-linux)
FG_EXEC  := $(patsubst %/,%,$(firstword $(wildcard /usr/libexec/valgrind/ /usr/lib/valgrind/ \
              $(FG_LIB)/../../libexec/valgrind/)))

FG_OBJ    := $(patsubst $(FG_SRC)/%.c,$(FG_OUT)/obj/%.o,$(wildcard $(FG_SRC)/*.c))
FG_CFLAGS := -std=gnu11 -O2 -g $(filter-out -Wpedantic -Wconversion -Wstrict-prototypes,$(WARN)) \
             -Ilib -isystem /usr/include/valgrind -DVGA_amd64=1 -DVGO_linux=1 -DVGP_amd64_linux=1 \
             -DVGPV_amd64_linux_vanilla=1 -fno-stack-protector -fno-builtin -fno-pie \
             -fcf-protection=none -fno-strict-aliasing -mno-avx
FG_LDFLAGS := -static -nodefaultlibs -nostartfiles -no-pie -u _start \
              -Wl,-Ttext-segment=$(FG_LOAD) -Wl,--build-id=none

flopgrind: $(FG_TOOL)
ifeq ($(strip $(FG_TOOL)),)
	@echo "flopgrind is not built: no development files of Valgrind for x86-64 (Debian: valgrind)"
endif

$(FG_OUT)/obj/%.o: $(FG_SRC)/%.c
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(FG_CFLAGS) -MMD -MP -c -o $@ $<

# Valgrind's own FMA in software, under other names. That it is there under the names we know is
# what makes fg_fma.c take its place.
$(FG_OUT)/obj/software_fma.o: $(FG_CORE)
	@mkdir -p $(@D)
	$(call say,AR,$@)set -e; cd $(@D); \
	    member=$$(ar t $(FG_LIB)/libvex-amd64-linux.a | grep host_generic_maddf) || \
	        { echo "flopgrind: libvex has no host_generic_maddf" >&2; exit 1; }; \
	    ar x $(FG_LIB)/libvex-amd64-linux.a $$member; \
	    objcopy --redefine-sym h_generic_calc_MAddF32=fg_software_MAddF32 \
	            --redefine-sym h_generic_calc_MAddF64=fg_software_MAddF64 $$member $(@F); \
	    rm -f $$member

# The build fails when the FMA functions that Valgrind calls are not those of fg_fma.c: when its own
# were linked under their own name.
$(FG_OUT)/flopgrind-amd64-linux: $(FG_OBJ) $(FG_OUT)/obj/software_fma.o
	$(call say,LINK,$@)$(CC) $(FG_LDFLAGS) -o $@ $^ -L$(FG_LIB) -lcoregrind-amd64-linux \
	    -lvex-amd64-linux -lgcc-sup-amd64-linux -lgcc -Wl,-Map=$@.map
	@nm $(FG_OUT)/obj/fg_fma.o | grep -q ' T h_generic_calc_MAddF32' && \
	    nm $(FG_OUT)/obj/fg_fma.o | grep -q ' T h_generic_calc_MAddF64' && \
	    nm $@ | grep -q ' T fg_software_MAddF32' && \
	    ! grep -q 'libvex.*host_generic_maddf' $@.map || \
	    { echo "flopgrind: the override of h_generic_calc_MAddF32 did not link" >&2; rm -f $@; exit 1; }
	@rm -f $@.map
	@for file in vgpreload_core-amd64-linux.so default.supp; do \
	    if [ -e $(FG_EXEC)/$$file ]; then ln -sf $(FG_EXEC)/$$file $(FG_OUT)/$$file; fi; done

-include $(FG_OBJ:.o=.d)
