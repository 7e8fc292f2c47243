/* Linked into the native program where the sanitizers check it: what they must not take for an error.
 *
 * Nothing that it allocates is freed, since it soon is another program; and a library that a test loads
 * before all others, to let calls fail, comes before the sanitizer's own.
 */
const char *__asan_default_options(void);
const char *__asan_default_options(void) { return "detect_leaks=0:verify_asan_link_order=0"; }
