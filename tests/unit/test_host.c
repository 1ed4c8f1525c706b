#include "config.h"

#include "core/host.h"

#include "unit.h"

#define L63 "abcdefghijklmnopqrstuvwxyz0123456789-abcdefghijklmnopqrstuvwxyz"

/* ---- what a browser makes of a host (URL Standard, 3.5) ---------------- */

/* out is NULL where there is none; a name is no address where not numeric. */
static const struct {
	const char *about, *host, *out;
	bool name; /* not numeric */
} canonical[] = {
	{"lower case", "EXAMPLE.com", "example.com", false},
	{"punycode", "b\xc3\xbc" "cher.example", "xn--bcher-kva.example", false},
	{"no UTF-8", "b\xfc.example", NULL, false},
	{"dotted quad", "127.0.0.1", "127.0.0.1", false},
	{"trailing dot", "127.0.0.1.", "127.0.0.1", false},
	{"one number", "2130706433", "127.0.0.1", false},
	{"the last one", "4294967295", "255.255.255.255", false},
	{"one too many", "4294967296", NULL, false},
	{"far too many", "99999999999999999999", NULL, false},
	{"two parts", "1.2", "1.0.0.2", false},
	{"three parts", "1.2.772", "1.2.3.4", false},
	{"hexadecimal", "0x7f.1", "127.0.0.1", false},
	{"hexadecimal in upper case", "0XC0.0XA8.1", "192.168.0.1", false},
	{"octal", "0177.0.0.01", "127.0.0.1", false},
	{"0x alone is none", "0x", "0.0.0.0", false},
	{"octal with a nine", "1.2.3.09", NULL, false},
	{"no hexadecimal", "1.0xg", "1.0xg", false},
	{"part over 255", "256.1.1.1", NULL, false},
	{"last part over 255", "1.1.1.256", NULL, false},
	{"last of two over 24 bits", "1.16777216", NULL, false},
	{"five parts", "1.2.3.4.5", NULL, false},
	{"empty part", "1..2", NULL, false},
	{"a name that ends in a number", "a.1", NULL, false},
	{"likewise, hexadecimal", "a.0xff", NULL, false},
	{"a name of another scheme", "a.1", "a.1", true},
	{"a number of another scheme", "2130706433", "2130706433", true},

	{"unspecified", "[0:0:0:0:0:0:0:0]", "[::]", false},
	{"loopback", "[0::0:1]", "[::1]", false},
	{"upper case", "[2001:DB8::AbCd]", "[2001:db8::abcd]", false},
	{"leading zeros", "[0001:0020::0300]", "[1:20::300]", false},
	{"whole", "[1:2:3:4:5:6:7:8]", "[1:2:3:4:5:6:7:8]", false},
	{"one zero group is written", "[1:2:3:4:5:6:7::]", "[1:2:3:4:5:6:7:0]",
	    false},
	{"the first of two runs", "[1:0:0:2:3:0:0:4]", "[1::2:3:0:0:4]", false},
	{"the longer of two runs", "[1:0:0:2:0:0:0:3]", "[1:0:0:2::3]", false},
	{"at the end", "[1::]", "[1::]", false},
	{"quad", "[::ffff:1.2.3.4]", "[::ffff:102:304]", false},
	{"quad behind six", "[1:2:3:4:5:6:1.2.3.4]", "[1:2:3:4:5:6:102:304]",
	    false},
	{"quad behind seven", "[1:2:3:4:5:6:7:1.2.3.4]", NULL, false},
	{"quad in front", "[1.2.3.4::]", NULL, false},
	{"quad of three", "[::1.2.3]", NULL, false},
	{"quad of five", "[::1.2.3.4.5]", NULL, false},
	{"quad with a leading zero", "[::01.2.3.4]", NULL, false},
	{"quad over 255", "[::1.2.3.256]", NULL, false},
	{"quad of four digits", "[::1.2.3.1000]", NULL, false},
	{"quad with a letter", "[::1.2.3.a]", NULL, false},
	{"quad with an empty part", "[::1..2.3]", NULL, false},
	{"nothing", "[]", NULL, false},
	{"a colon", "[:]", NULL, false},
	{"two groups", "[1:2]", NULL, false},
	{"nine groups", "[1:2:3:4:5:6:7:8:9]", NULL, false},
	{"eight groups and ::", "[1:2:3:4::5:6:7:8]", NULL, false},
	{"eight groups in front of ::", "[1:2:3:4:5:6:7:8::]", NULL, false},
	{"eight groups behind ::", "[::1:2:3:4:5:6:7:8]", NULL, false},
	{":: twice", "[::1::2]", NULL, false},
	{"colon at the end", "[1:2:3:4:5:6:7:]", NULL, false},
	{"colon in front", "[:1:2:3:4:5:6:7]", NULL, false},
	{"five digits", "[12345::]", NULL, false},
	{"a letter", "[::g]", NULL, false},
	{"a zone", "[fe80::1%25eth0]", NULL, false},
};

Test(host, canonical)
{
	for (size_t i = 0; i < COUNT(canonical); i++) {
		char text[64];
		struct buf b = BUF(text);
		bool good = host_canonical(str_of(canonical[i].host),
		    !canonical[i].name, &b);

		cr_expect(good == (canonical[i].out != NULL), "%s",
		    canonical[i].about);
		if (good && canonical[i].out != NULL)
			cr_expect(str_eq(buf_str(&b),
			    str_of(canonical[i].out)), "%s: '%.*s'",
			    canonical[i].about, STR_ARG(buf_str(&b)));
	}
}

Test(host, canonical_without_room)
{
	static const char *const hosts[] = {"example.com", "[1:2:3:4::]",
	    "127.0.0.1"};

	for (size_t i = 0; i < COUNT(hosts); i++) {
		char text[6];
		struct buf b = BUF(text);

		cr_expect(!host_canonical(str_of(hosts[i]), true, &b), "%s",
		    hosts[i]);
	}
}

/* ---- names ------------------------------------------------------------- */

static const struct {
	const char *host;
	bool good;
} labels[] = {
	{"a", true}, {"a.b-c.d_e.0", true}, {"a.b.", true}, {L63, true},
	{L63 "." L63 "." L63 "." "a", true}, {"", false}, {".", false},
	{".a", false}, {"a..b", false}, {"a..", false}, {"-a", false},
	{"a-", false}, {"a.-", false}, {"A", false}, {"a b", false},
	{"a\xc3\xbc", false}, {"a*", false}, {L63 "x", false},
	{L63 "." L63 "." L63 "." L63, false},
};

Test(host, labels)
{
	for (size_t i = 0; i < COUNT(labels); i++)
		cr_expect(host_labels_valid(str_of(labels[i].host)) ==
		    labels[i].good, "'%s'", labels[i].host);
}
