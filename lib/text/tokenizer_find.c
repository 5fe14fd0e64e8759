/* tokenizer_find.c - which file holds a model's tokenizer. */
#include "base/file.h"
#include "model/gguf.h"
#include "model/presets.h"
#include "text/tokenizer_internal.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

bool fl_tokenizer_ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

/* tokenizer.bin in the directory, or else its only tok*.bin. */
static int find_beside(char *path, size_t size, const char *directory, const char *model_spec,
                       struct fl_error *error)
{
    if (fl_path_join(path, size, directory, "tokenizer.bin", error) != FL_OK)
        return FL_FAILED;
    if (fl_file_exists(path))
        return FL_OK;
    int n = 0;
    char found[256] = "";
    DIR *listing = opendir(directory);
    for (struct dirent *entry; listing && (entry = readdir(listing));)
        if (strncmp(entry->d_name, "tok", 3) == 0 &&
            fl_tokenizer_ends_with(entry->d_name, ".bin") && strlen(entry->d_name) < sizeof found) {
            memcpy(found, entry->d_name, strlen(entry->d_name) + 1);
            n++;
        }
    if (listing)
        closedir(listing);
    if (n != 1)
        return fl_fail(error,
                       "%s: expected tokenizer.bin or one tok*.bin beside it, found %d; give one "
                       "with --tokenizer, or token ids",
                       model_spec, n);
    return fl_path_join(path, size, directory, found, error);
}

int fl_tokenizer_find(char *path, size_t size, const char *model_spec, struct fl_error *error)
{
    path[0] = '\0';
    if (fl_preset_find(model_spec) && !fl_file_exists(model_spec))
        return FL_OK;
    if (fl_gguf_is(model_spec) || fl_tokenizer_ends_with(model_spec, ".json") ||
        fl_tokenizer_ends_with(model_spec, ".model")) {
        int n = snprintf(path, size, "%s", model_spec);
        return n >= 0 && (size_t)n < size ? FL_OK
                                          : fl_fail(error, "%.200s: path too long", model_spec);
    }
    if (fl_tokenizer_ends_with(model_spec, ".bin")) {
        char directory[4096];
        int n = snprintf(directory, sizeof directory, "%s", model_spec);
        if (n < 0 || (size_t)n >= sizeof directory)
            return fl_fail(error, "%.200s: path too long", model_spec);
        char *slash = strrchr(directory, '/');
        if (slash)
            slash[slash == directory ? 1 : 0] = '\0';
        return find_beside(path, size, slash ? directory : ".", model_spec, error);
    }
    static const char *const NAMES[] = {"tokenizer.json", "vocab.json", "tokenizer.model",
                                        "spiece.model"};
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
        if (fl_path_join(path, size, model_spec, NAMES[i], error) == FL_OK && fl_file_exists(path))
            return FL_OK;
    path[0] = '\0';
    if (!fl_file_exists(model_spec))
        return fl_fail(error, "%s: no such file, and no preset of that name", model_spec);
    return fl_fail(error,
                   "%s: no tokenizer comes with it; expected tokenizer.json, vocab.json or a "
                   "sentencepiece model there, or --tokenizer with one of these, a GGUF file, a "
                   "llama2.c tokenizer.bin or 'bytes', or token ids",
                   model_spec);
}
