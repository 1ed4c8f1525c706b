/* listen.h - the listening sockets: opened here, or inherited from whoever
 * started the program. */
#ifndef PREFLIGHTD_SERVE_LISTEN_H
#define PREFLIGHTD_SERVE_LISTEN_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>

enum { LISTEN_MAX = 64, LISTEN_PEERS_MAX = 64 };

struct listener {
	int fd;
	bool inherited;    /* closed at the end, never shut down */
	bool tcp;
	const char *name;  /* of a socket file that we made, else NULL */
	int folder;        /* where it is, else -1 */
	dev_t dev;         /* which file it is */
	ino_t ino;
};

struct listen_set {
	size_t n;
	struct listener at[LISTEN_MAX];
	bool restricted;      /* FCGI_WEB_SERVER_ADDRS is set: */
	size_t npeers;
	struct in6_addr peers[LISTEN_PEERS_MAX]; /* who may connect over TCP */
};

/* How Unix sockets are made. */
struct listen_options {
	const char *const *specs; /* unix:PATH, HOST:PORT, [v6]:PORT */
	size_t nspecs;
	mode_t mode;
	const char *owner, *group; /* NULL: as the process has them */
};

/* Opens the sockets that specs name, else takes those of LISTEN_FDS, else file
 * descriptor 0 where it listens.  All are non-blocking and close-on-exec.
 * Returns 0, or -1 after a message on stderr; then nothing is left open. */
int listen_open(struct listen_set *set, const struct listen_options *o);

/* Whether the descriptor is a socket that listens. */
bool listen_is_listening(int fd);

/* Whether a web server with that address may connect (FastCGI 1.0, 3.2); any
 * may over a Unix socket. */
bool listen_allows(const struct listen_set *set,
    const struct sockaddr_storage *peer);

/* Removes the socket files that are still ours, so that no more clients come.
 */
void listen_unlink(struct listen_set *set);

void listen_close(struct listen_set *set);

#endif
