/* replay.c - the main of a fuzz target without an engine: it takes the files
 * that are its arguments as inputs, one after another. */
#include "config.h"

#include "fuzz.h"

enum { INPUT_MAX = 1 << 20 };

static void
replay(const char *path)
{
	FILE *from = fopen(path, "rb");
	uint8_t *data = malloc(INPUT_MAX);
	uint8_t *copy;
	size_t n;

	if (from == NULL || data == NULL) {
		perror(path);
		exit(2);
	}
	n = fread(data, 1, INPUT_MAX, from);
	fclose(from);
	/* Of its own size, so that a sanitizer sees a byte too many. */
	copy = malloc(n > 0 ? n : 1);
	if (copy == NULL) {
		perror(path);
		exit(2);
	}
	memcpy(copy, data, n);
	free(data);
	fprintf(stderr, "%s\n", path);
	(void)LLVMFuzzerTestOneInput(copy, n);
	free(copy);
}

int
main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		replay(argv[i]);
	return argc > 1 ? 0 : 2;
}
