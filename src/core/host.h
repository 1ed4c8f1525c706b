/* host.h - the spelling of hosts: names, IPv4 and IPv6 addresses as browsers
 * serialize them (URL Standard, 3.5 "host serializing"). */
#ifndef PREFLIGHTD_CORE_HOST_H
#define PREFLIGHTD_CORE_HOST_H

#include "base/buf.h"
#include "base/str.h"

enum host_kind { HOST_NAME, HOST_IPV4, HOST_IPV6 };

enum host_fault {
	HOST_OK,
	HOST_EMPTY,
	HOST_NON_ASCII,
	HOST_UPPER_CASE,
	HOST_BAD_BYTE,
	HOST_EMPTY_LABEL,
	HOST_LONG_LABEL,
	HOST_TOO_LONG,
	HOST_BAD_PUNYCODE,
	HOST_BAD_IPV4,
	HOST_BAD_IPV6,
	HOST_ASTERISK,
};

enum { HOST_NAME_MAX_BYTES = 253, HOST_LABEL_MAX_BYTES = 63 };

struct host_check {
	enum host_kind kind;
	enum host_fault fault;
	size_t at;         /* offset of what is wrong */
	bool underscore;   /* worth a warning each */
	bool trailing_dot;
	bool outer_hyphen; /* a label begins or ends with '-' */
};

/* Judges a host, IPv6 in brackets.  numeric says that a name whose last label
 * is a number is an IPv4 address, as in http and https. */
void host_judge(struct str host, bool numeric, struct host_check *out);

/* The same for the host behind "*.": some name must fit before it. */
void host_judge_below(struct str host, bool numeric, struct host_check *out);

/* Adds the spelling that a browser would make of host.  Returns false where
 * there is none; out may then hold a part of it. */
bool host_canonical(struct str host, bool numeric, struct buf *out);

/* Whether every label of a name is valid and it has at most 253 bytes; one
 * trailing dot is a part of the name. */
bool host_labels_valid(struct str host);

/* Whether host is an IPv6 address in brackets, in any spelling. */
bool host_is_ipv6(struct str host);

/* Whether c may stand in a label as compared: a-z 0-9 - _. */
bool host_byte_valid(unsigned char c);

#endif
