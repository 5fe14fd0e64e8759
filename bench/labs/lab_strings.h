/* lab_strings.h - all rows of the table of the labs' words, in files by subject. Included with
 * FL_LAB_STRING(id, english, chinese) defined; lab_text.h says what for. Operators, formats,
 * kernels and symbols are the same in every language and are no rows. */
#include "bench/labs/lab_strings_words.h"

#include "bench/labs/lab_strings_1_4.h"
#include "bench/labs/lab_strings_5_8.h"
#include "bench/labs/lab_strings_slips.h"
