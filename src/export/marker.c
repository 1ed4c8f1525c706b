#include "config.h"

#include "export/marker.h"

#include <sha2.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/color.h"
#include "base/lines.h"
#include "conf/lex.h"

/* The marks, behind what begins a comment:
 *   preflightd export SERVER PART: begin
 *   policy digest DIGEST, text HASH
 *   preflightd export SERVER PART: end */
#define MARK "preflightd export "
#define BEGIN ": begin"
#define END ": end"
#define DIGEST "policy digest "
#define TEXT ", text "

enum { DIGEST_LENGTH = 64, HASH_LENGTH = 16 };

/* ---- the text ---------------------------------------------------------- */

/* Hashes line by line, without indentation and empty lines, as an operator or
 * an editor may change these. */
static void
hash_line(SHA2_CTX *c, struct str line)
{
	line = str_trim(line);
	if (line.n == 0)
		return;
	SHA256Update(c, (const uint8_t *)line.p, line.n);
	SHA256Update(c, (const uint8_t *)"\n", 1);
}

/* Writes the first digits of the hash: nobody is kept from changing a text and
 * its mark. */
static void
hash_end(SHA2_CTX *c, char digits[HASH_LENGTH + 1])
{
	uint8_t bytes[SHA256_DIGEST_LENGTH];
	struct buf b = {digits, 0, HASH_LENGTH + 1, false};

	SHA256Final(bytes, c);
	buf_hex(&b, bytes, HASH_LENGTH / 2);
	buf_cstr(&b);
}

static void
hash_text(struct str text, char digits[HASH_LENGTH + 1])
{
	SHA2_CTX c;

	SHA256Init(&c);
	while (text.n > 0) {
		const char *end = memchr(text.p, '\n', text.n);
		size_t n = end == NULL ? text.n : (size_t)(end - text.p);

		hash_line(&c, (struct str){text.p, n});
		text = str_from(text, n < text.n ? n + 1 : n);
	}
	hash_end(&c, digits);
}

void
export_mark_write(const char *comment, const char *server, const char *part,
    const char *digest, struct str text, FILE *to)
{
	char hash[HASH_LENGTH + 1];

	hash_text(text, hash);
	fprintf(to, "%s " MARK "%s %s" BEGIN "\n", comment, server, part);
	fprintf(to, "%s " DIGEST "%s" TEXT "%s\n", comment, digest, hash);
	(void)fwrite(text.p, 1, text.n, to);
	fprintf(to, "%s " MARK "%s %s" END "\n", comment, server, part);
}

/* ---- the check --------------------------------------------------------- */

/* The part that is being read. */
struct reader {
	const char *file, *digest;
	FILE *to;
	bool colour;
	struct export_marks *marks;
	char name[64];     /* "nginx http"; "" outside of a part */
	unsigned begin;    /* its first line */
	bool has_digest, is_good;
	char text[HASH_LENGTH + 1];
	SHA2_CTX hash;
};

static void
report(struct reader *r, unsigned line, const char *what, const char *hint)
{
	fprintf(r->to, "%s%s:%u:%s %serror:%s the part '%s' %s\n  %s\n",
	    color(r->colour, COLOR_BOLD), r->file, line,
	    color(r->colour, COLOR_OFF), color(r->colour, COLOR_ERROR),
	    color(r->colour, COLOR_OFF), r->name, what, hint);
	r->is_good = false;
}

/* What stands behind the comment sign and the word in a line; p is NULL where
 * the word is not there. */
static struct str
behind(struct str line, struct str word)
{
	line = str_trim(line);
	while (line.n > 0 && (line.p[0] == '#' || line.p[0] == '-'))
		line = str_from(line, 1);
	line = str_trim(line);
	return str_starts(line, word) ? str_from(line, word.n) :
	    (struct str){NULL, 0};
}

static void
begin(struct reader *r, struct str name, unsigned line)
{
	if (r->name[0] != '\0')
		report(r, r->begin, "has no end", "export it again");
	if (name.n >= sizeof r->name)
		name.n = sizeof r->name - 1;
	memcpy(r->name, name.p, name.n);
	r->name[name.n] = '\0';
	r->begin = line;
	r->has_digest = false;
	r->is_good = true;
	SHA256Init(&r->hash);
	r->marks->found++;
}

static void
take_digest(struct reader *r, struct str digest, unsigned line)
{
	const size_t all = DIGEST_LENGTH + STR(TEXT).n + HASH_LENGTH;

	r->has_digest = true;
	if (digest.n != all) {
		report(r, line, "has no digest", "export it again");
		return;
	}
	memcpy(r->text, digest.p + all - HASH_LENGTH, HASH_LENGTH);
	r->text[HASH_LENGTH] = '\0';
	if (memcmp(digest.p, r->digest, DIGEST_LENGTH) != 0)
		report(r, line, "is of another policy", "export it again");
}

static void
end(struct reader *r, struct str name, unsigned line)
{
	char text[HASH_LENGTH + 1];

	hash_end(&r->hash, text);
	if (!str_eq(name, str_of(r->name)))
		report(r, line, "has the end of another", "export it again");
	else if (!r->has_digest)
		report(r, r->begin, "has no digest", "export it again");
	else if (r->is_good && strcmp(text, r->text) != 0)
		report(r, r->begin, "was changed since it was exported",
		    "put the change into the policy, and export it again");
	if (r->is_good)
		r->marks->good++;
	r->name[0] = '\0';
}

static void
take_line(struct reader *r, struct str line, unsigned number)
{
	struct str mark = behind(line, STR(MARK)), digest;

	if (mark.p != NULL && str_ends(mark, STR(BEGIN))) {
		mark.n -= STR(BEGIN).n;
		begin(r, mark, number);
		return;
	}
	if (r->name[0] == '\0')
		return;
	if (mark.p != NULL && str_ends(mark, STR(END))) {
		mark.n -= STR(END).n;
		end(r, mark, number);
		return;
	}
	digest = behind(line, STR(DIGEST));
	if (digest.p != NULL && !r->has_digest)
		take_digest(r, digest, number);
	else
		hash_line(&r->hash, line);
}

int
export_mark_check(const char *file, const char *digest, FILE *to,
    bool colour, struct export_marks *out, const char **why)
{
	struct reader r = {.file = file, .digest = digest, .to = to,
	    .colour = colour, .marks = out};
	enum lines_next next;
	struct lines in;
	struct str line;
	int ret = -1;

	*out = (struct export_marks){0, 0};
	if (lines_open(&in, file, why) != 0)
		return -1;
	while ((next = lines_next(&in, &line)) != LINES_END) {
		if (next == LINES_ERROR) {
			*why = in.why;
			goto out;
		}
		/* No exported line is that long: it changes the hash. */
		take_line(&r, next == LINES_LONG ? STR("too long") : line,
		    in.number);
	}
	if (r.name[0] != '\0')
		report(&r, r.begin, "has no end", "export it again");
	ret = 0;
out:
	lines_close(&in);
	return ret;
}
