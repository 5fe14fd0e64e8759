#include "tests/fuzz/mutate.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_SEEDS = 1024, MAX_EDITS = 8 };

struct input {
    unsigned char *data;
    size_t size;
};

/* What the death callback needs. */
static struct input current;
static char crash_name[256];

/* Calls back before a sanitizer ends the process; absent in other builds. */
__attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)(void));

static void save_current(void)
{
    int fd = open(crash_name, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (fd < 0 || write(fd, current.data, current.size) < 0)
        return;
    close(fd);
    static const char NOTE[] = "the input is in ";
    ssize_t ignored = write(STDERR_FILENO, NOTE, sizeof NOTE - 1);
    ignored += write(STDERR_FILENO, crash_name, strlen(crash_name));
    ignored += write(STDERR_FILENO, "\n", 1);
    (void)ignored;
}

static void on_signal(int signal_number)
{
    save_current();
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

/* ---- mutations ---- */

/* xorshift64*: repeatable everywhere; quality matters little here. */
static uint64_t random_state;

static uint64_t random_bits(void)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return random_state * 2685821657736338717u;
}

static size_t random_below(size_t n)
{
    return n ? (size_t)((random_bits() >> 11) % n) : 0;
}

/* A place with room for n bytes; every other one near the start, where headers are. */
static size_t random_place(const struct input *input, size_t n)
{
    size_t room = input->size - n + 1;
    return random_below(random_below(2) && room > 64 ? 64 : room);
}

static void flip_bit(struct input *input)
{
    if (input->size)
        input->data[random_place(input, 1)] ^= (unsigned char)(1u << random_below(8));
}

static void set_byte(struct input *input)
{
    if (input->size)
        input->data[random_place(input, 1)] = (unsigned char)random_bits();
}

/* Counts, offsets and sizes are what readers trust too much. */
static void set_number(struct input *input)
{
    static const uint64_t NUMBERS[] = {0,          1,
                                       0x7f,       0xff,
                                       0x7fff,     0xffff,
                                       0x7fffffff, 0x80000000,
                                       0xffffffff, 0x100000000,
                                       INT64_MAX,  (uint64_t)INT64_MIN,
                                       UINT64_MAX, UINT64_MAX - 7,
                                       1ull << 62, 1ull << 40};
    size_t width = (size_t)1 << random_below(4);
    if (input->size < width)
        return;
    uint64_t number = NUMBERS[random_below(sizeof NUMBERS / sizeof *NUMBERS)];
    memcpy(input->data + random_place(input, width), &number, width); /* low bytes */
}

static void cut_end(struct input *input)
{
    input->size = random_below(input->size + 1);
}

static void remove_part(struct input *input)
{
    size_t from = random_below(input->size + 1);
    size_t n = random_below(input->size - from + 1);
    memmove(input->data + from, input->data + from + n, input->size - from - n);
    input->size -= n;
}

static void repeat_part(struct input *input)
{
    size_t from = random_below(input->size + 1);
    size_t n = random_below(input->size - from + 1);
    if (input->size + n > FUZZ_MAX_BYTES)
        return;
    memmove(input->data + from + n, input->data + from, input->size - from);
    input->size += n;
}

static void swap_parts(struct input *input)
{
    size_t n = random_below(input->size / 2 + 1);
    size_t a = random_below(input->size - n + 1), b = random_below(input->size - n + 1);
    for (size_t i = 0; i < n; i++) {
        unsigned char held = input->data[a + i];
        input->data[a + i] = input->data[b + i];
        input->data[b + i] = held;
    }
}

/* Marks that mean something in JSON, numbers and names. */
static void insert_mark(struct input *input)
{
    static const char MARKS[] = "{}[]\",:-+.eE0919\\u\n \t\x01\x7f\xff\xc3\xe2";
    size_t at = random_below(input->size + 1);
    if (input->size + 1 > FUZZ_MAX_BYTES)
        return;
    memmove(input->data + at + 1, input->data + at, input->size - at);
    input->data[at] = (unsigned char)MARKS[random_below(sizeof MARKS - 1)];
    input->size++;
}

/* Puts m bytes of text in place of the n bytes at `from`. */
static void replace(struct input *input, size_t from, size_t n, const char *text, size_t m)
{
    if (input->size - n + m > FUZZ_MAX_BYTES)
        return;
    memmove(input->data + from + m, input->data + from + n, input->size - from - n);
    memcpy(input->data + from, text, m);
    input->size = input->size - n + m;
}

/* Where the run of digits, or the part between commas, that a random place lies in starts and
 * ends. */
static size_t find_run(const struct input *input, bool digits, size_t *n)
{
    size_t at = random_below(input->size), end = input->size;
    for (; digits && at < end && !(input->data[at] >= '0' && input->data[at] <= '9'); at++)
        ;
    size_t from = at;
    for (; from > 0 && (digits ? input->data[from - 1] >= '0' && input->data[from - 1] <= '9'
                               : input->data[from - 1] != ',');
         from--)
        ;
    for (; at < end &&
           (digits ? input->data[at] >= '0' && input->data[at] <= '9' : input->data[at] != ',');
         at++)
        ;
    *n = at - from;
    return from;
}

/* A number in a text. */
static void set_digits(struct input *input)
{
    static const char *const NUMBERS[] = {
        "0",  "1",  "-1",   "2147483647", "2147483648",          "4294967296",
        "16", "64", "1e99", "1e-99",      "9223372036854775807", "0.5"};
    size_t n, from = find_run(input, true, &n);
    const char *number = NUMBERS[random_below(sizeof NUMBERS / sizeof *NUMBERS)];
    if (n)
        replace(input, from, n, number, strlen(number));
}

/* A member of a JSON object or list: twice, or not at all. */
static void repeat_item(struct input *input)
{
    char item[256] = ",";
    size_t n, from = find_run(input, false, &n);
    if (n >= sizeof item)
        return;
    memcpy(item + 1, input->data + from, n);
    replace(input, from + n, 0, item, n + 1);
}

static void remove_item(struct input *input)
{
    size_t n, from = find_run(input, false, &n);
    bool comma = from + n < input->size;
    if (n < 256)
        replace(input, from, n + comma, "", 0);
}

static void (*const MUTATIONS[])(struct input *) = {
    flip_bit,    set_byte,   set_number,  set_number, cut_end,     remove_part,
    repeat_part, swap_parts, insert_mark, set_digits, repeat_item, remove_item};

static void mutate(struct input *input)
{
    /* every other mutant has a single edit: of text, more rarely survives the parser */
    for (size_t n = random_below(2) ? 1 : 1 + random_below(MAX_EDITS); n > 0; n--)
        MUTATIONS[random_below(sizeof MUTATIONS / sizeof *MUTATIONS)](input);
}

/* ---- the loop ---- */

static void read_input(fuzz_reader *reader, const unsigned char *data, size_t size)
{
    current = (struct input){malloc(size ? size : 1), size};
    if (!current.data)
        abort();
    memcpy(current.data, data, size);
    alarm(FUZZ_SECONDS);
    reader(current.data, size);
    alarm(0);
    free(current.data);
}

static bool load(const char *path, struct input *seed)
{
    FILE *stream = fopen(path, "rb");
    *seed = (struct input){malloc(FUZZ_MAX_BYTES), 0};
    if (!stream || !seed->data) {
        fprintf(stderr, "%s: cannot read\n", path);
        if (stream)
            fclose(stream);
        return false;
    }
    seed->size = fread(seed->data, 1, FUZZ_MAX_BYTES, stream);
    bool whole = feof(stream) || fgetc(stream) == EOF;
    fclose(stream);
    if (!whole)
        fprintf(stderr, "%s: expected at most %d bytes\n", path, FUZZ_MAX_BYTES);
    return whole;
}

static void prepare(const char *program)
{
    snprintf(crash_name, sizeof crash_name, "%.240s.crash", program);
    signal(SIGALRM, on_signal);
    if (__sanitizer_set_death_callback)
        __sanitizer_set_death_callback(save_current);
    else
        signal(SIGSEGV, on_signal);
    signal(SIGABRT, on_signal);
}

int fuzz_main(int argc, char **argv, fuzz_reader *reader, const struct fuzz_seed *seeds)
{
    static struct input all[MAX_SEEDS];
    static unsigned char mutant[FUZZ_MAX_BYTES];
    long count = 1000;
    int n_seeds = 0, status = EXIT_FAILURE;
    random_state = 1;
    for (int option; (option = getopt(argc, argv, "n:s:")) != -1;) {
        if (option == 'n')
            count = strtol(optarg, NULL, 10);
        else if (option == 's')
            random_state = strtoull(optarg, NULL, 10);
        else
            return 2;
    }
    random_state = random_state * 0x9e3779b97f4a7c15u + 1; /* spread small seeds; never 0 */
    prepare(argv[0]);
    for (; seeds && seeds->data && n_seeds < MAX_SEEDS; seeds++, n_seeds++) {
        all[n_seeds] = (struct input){malloc(seeds->size ? seeds->size : 1), seeds->size};
        if (!all[n_seeds].data)
            goto done;
        memcpy(all[n_seeds].data, seeds->data, seeds->size);
    }
    for (int i = optind; i < argc && n_seeds < MAX_SEEDS; i++)
        if (!load(argv[i], &all[n_seeds++]))
            goto done;
    if (n_seeds == 0) {
        fprintf(stderr, "%s: expected corpus files\n", argv[0]);
        goto done;
    }
    for (int i = 0; i < n_seeds; i++)
        read_input(reader, all[i].data, all[i].size);
    for (long i = 0; i < count; i++) {
        const struct input *seed = &all[random_below((size_t)n_seeds)];
        struct input input = {mutant, seed->size};
        memcpy(mutant, seed->data, seed->size);
        mutate(&input);
        read_input(reader, mutant, input.size);
    }
    printf("%s: read %d seeds and %ld mutants\n", argv[0], n_seeds, count);
    status = EXIT_SUCCESS;

done:
    for (int i = 0; i < n_seeds; i++)
        free(all[i].data);
    return status;
}

/* ---- files ---- */

static char file_name[128];

static void remove_file(void)
{
    unlink(file_name);
}

const char *fuzz_file(const unsigned char *data, size_t size, const char *suffix)
{
    if (!file_name[0])
        atexit(remove_file);
    else
        unlink(file_name);
    /* in memory where there is such a place */
    const char *directory = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(file_name, sizeof file_name, "%s/fl-fuzz-%ld%.64s", directory, (long)getpid(), suffix);
    FILE *stream = fopen(file_name, "wb");
    if (!stream || fwrite(data, 1, size, stream) != size || fclose(stream) != 0)
        abort();
    return file_name;
}
