#include "counters/papi_sde.h"

#if defined(__has_include)
#if __has_include(<sde_lib.h>)
#include <sde_lib.h>
#define HAS_SDE 1
#endif
#endif

#ifdef HAS_SDE

#include <dlfcn.h>

/* What is used of libsde. */
struct functions {
    papi_handle_t (*init)(const char *library);
    int (*add)(papi_handle_t library, const char *name, int mode, int type, papi_sde_fptr_t read,
               void *argument);
    int (*describe)(papi_handle_t library, const char *name, const char *text);
};

/* Global, as PAPI looks for libsde among the process's own symbols. The library stays loaded:
 * PAPI may hold on to it. */
static int load(struct functions *functions, struct fl_error *error)
{
    void *handle = dlopen("libsde.so.1", RTLD_NOW | RTLD_GLOBAL);
    if (!handle)
        return fl_fail(error, "unavailable: libsde cannot be loaded: %s", dlerror());
    const struct {
        const char *name;
        void *place; /* a function's address is stored there, as POSIX's dlsym has it */
    } SYMBOLS[] = {
        {"papi_sde_init", &functions->init},
        {"papi_sde_register_counter_cb", &functions->add},
        {"papi_sde_describe_counter", &functions->describe},
    };
    for (size_t i = 0; i < sizeof SYMBOLS / sizeof *SYMBOLS; i++) {
        *(void **)SYMBOLS[i].place = dlsym(handle, SYMBOLS[i].name);
        if (!*(void **)SYMBOLS[i].place)
            return fl_fail(error, "unavailable: libsde has no %s", SYMBOLS[i].name);
    }
    return FL_OK;
}

int fl_sde_open(struct fl_sde *sde, const char *library, struct fl_error *error)
{
    struct functions functions;
    *sde = (struct fl_sde){0};
    if (load(&functions, error))
        return FL_FAILED;
    sde->library = functions.init(library);
    if (!sde->library)
        return fl_fail(error, "unavailable: libsde is disabled in this process");
    return FL_OK;
}

int fl_sde_add(struct fl_sde *sde, const char *name, const char *description, fl_sde_read_fn read,
               void *argument, struct fl_error *error)
{
    struct functions functions;
    if (load(&functions, error))
        return FL_FAILED;
    int code = functions.add(sde->library, name, PAPI_SDE_RO | PAPI_SDE_DELTA, PAPI_SDE_long_long,
                             read, argument);
    if (code == SDE_OK)
        code = functions.describe(sde->library, name, description);
    if (code != SDE_OK)
        return fl_fail(error, "libsde: cannot register %s (code %d)", name, code);
    return FL_OK;
}

#else

int fl_sde_open(struct fl_sde *sde, const char *library, struct fl_error *error)
{
    (void)library;
    *sde = (struct fl_sde){0};
    return fl_fail(error, "unavailable: built without libsde; install libpapi-dev and run make "
                          "again");
}

int fl_sde_add(struct fl_sde *sde, const char *name, const char *description, fl_sde_read_fn read,
               void *argument, struct fl_error *error)
{
    (void)sde;
    (void)description;
    (void)read;
    (void)argument;
    return fl_fail(error, "unavailable: %s: built without libsde", name);
}

#endif
