#include "base/file.h"
#include "base/interrupt.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int fl_file_map(struct fl_mapping *mapping, const char *path, struct fl_error *error)
{
    *mapping = (struct fl_mapping){0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fl_fail(error, "%s: cannot open: %s", path, strerror(errno));
    struct stat info;
    int status = FL_OK;
    if (fstat(fd, &info) != 0)
        status = fl_fail(error, "%s: cannot read its size: %s", path, strerror(errno));
    else if (!S_ISREG(info.st_mode))
        status = fl_fail(error, "%s: expected a regular file", path);
    else if (info.st_size > 0) {
        void *data = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (data == MAP_FAILED)
            status = fl_fail(error, "%s: cannot map %lld bytes: %s", path, (long long)info.st_size,
                             strerror(errno));
        else
            *mapping = (struct fl_mapping){data, (size_t)info.st_size};
    }
    close(fd);
    return status;
}

void fl_file_unmap(struct fl_mapping *mapping)
{
    if (mapping->data)
        munmap((void *)(uintptr_t)mapping->data, mapping->size);
    *mapping = (struct fl_mapping){0};
}

int fl_file_read(char **text, size_t *size, const char *path, size_t max_bytes,
                 struct fl_error *error)
{
    bool from_stdin = strcmp(path, "-") == 0;
    FILE *stream = from_stdin ? stdin : fopen(path, "rbe");
    if (!stream)
        return fl_fail(error, "%s: cannot open: %s", path, strerror(errno));
    char *buffer = NULL;
    size_t used = 0, capacity = 0;
    int status = FL_OK;
    for (;;) {
        if (used + 1 >= capacity) {
            capacity = capacity ? capacity * 2 : 4096;
            char *larger = realloc(buffer, capacity);
            if (!larger) {
                status = fl_fail(error, "%s: cannot hold %zu bytes in memory", path, capacity);
                break;
            }
            buffer = larger;
        }
        size_t got = fread(buffer + used, 1, capacity - used - 1, stream);
        used += got;
        if (used > max_bytes) {
            status = fl_fail(error, "%s: expected at most %zu bytes", path, max_bytes);
            break;
        }
        if (got == 0) {
            if (ferror(stream))
                status = fl_fail(error, "%s: cannot read: %s", path, strerror(errno));
            break;
        }
    }
    if (!from_stdin)
        fclose(stream);
    if (status != FL_OK) {
        free(buffer);
        return status;
    }
    buffer[used] = '\0';
    *text = buffer;
    if (size)
        *size = used;
    return FL_OK;
}

/* Devices, pipes and sockets are written to as they are: a file in their place would be their end,
 * for everyone. */
static bool is_special(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode);
}

/* Where a link leads, so that the link stays; else the path itself. */
static int find_target(struct fl_output *output, const char *path, struct fl_error *error)
{
    char *target = realpath(path, NULL);
    const char *name = target ? target : path;
    const int n = snprintf(output->path, sizeof output->path, "%s", name);
    const int m = snprintf(output->partial, sizeof output->partial, "%s.partial", name);
    free(target);
    if (n < 0 || m < 0 || (size_t)m >= sizeof output->partial)
        return fl_fail(error, "%.200s...: the path is too long", path);
    return FL_OK;
}

int fl_output_open(struct fl_output *output, const char *path, struct fl_error *error)
{
    *output = (struct fl_output){0};
    if (strcmp(path, "-") == 0) {
        output->stream = stdout;
        return FL_OK;
    }
    if (find_target(output, path, error) != FL_OK)
        return FL_FAILED;
    if (is_special(path))
        output->partial[0] = '\0';
    const char *name = output->partial[0] ? output->partial : output->path;
    output->stream = fopen(name, "wbe");
    if (!output->stream)
        return fl_fail(error, "%s: cannot create: %s", name, strerror(errno));
    if (output->partial[0])
        fl_interrupt_remove(output->partial);
    return FL_OK;
}

static int finish(const struct fl_output *output, FILE *stream, struct fl_error *error)
{
    if (!output->path[0]) {
        if (fflush(stream) != 0 || ferror(stream))
            return fl_fail(error, "standard output: cannot write: %s", strerror(errno));
        return FL_OK;
    }
    int bad = ferror(stream);
    if (fflush(stream) != 0)
        bad = 1;
    int cause = errno;
    if (fclose(stream) != 0 && !bad) {
        bad = 1;
        cause = errno;
    }
    if (!bad && (!output->partial[0] || rename(output->partial, output->path) == 0))
        return FL_OK;
    if (!bad)
        cause = errno;
    if (output->partial[0])
        unlink(output->partial);
    return fl_fail(error, "%s: cannot write: %s", output->path, strerror(cause));
}

int fl_output_commit(struct fl_output *output, struct fl_error *error)
{
    const int status = finish(output, output->stream, error);
    output->stream = NULL;
    fl_interrupt_keep(output->partial);
    return status;
}

void fl_output_abandon(struct fl_output *output)
{
    if (output->stream && output->path[0]) {
        fclose(output->stream);
        if (output->partial[0])
            unlink(output->partial);
        fl_interrupt_keep(output->partial);
    }
    output->stream = NULL;
}

bool fl_file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

bool fl_file_is_directory(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

int fl_directory_make(const char *path, struct fl_error *error)
{
    char partial[4096];
    size_t length = strlen(path);
    if (length == 0 || length >= sizeof partial)
        return fl_fail(error, "%.200s: expected a directory name of 1 to %zu bytes", path,
                       sizeof partial - 1);
    for (size_t i = 1; i <= length; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        memcpy(partial, path, i);
        partial[i] = '\0';
        if (mkdir(partial, 0777) != 0 && errno != EEXIST)
            return fl_fail(error, "%s: cannot create the directory: %s", partial, strerror(errno));
    }
    if (!fl_file_is_directory(path))
        return fl_fail(error, "%s: expected a directory", path);
    return FL_OK;
}

int fl_path_join(char *out, size_t size, const char *directory, const char *name,
                 struct fl_error *error)
{
    int n = snprintf(out, size, "%s/%s", directory, name);
    if (n < 0 || (size_t)n >= size)
        return fl_fail(error, "%.200s/%.100s: the path is too long", directory, name);
    return FL_OK;
}
