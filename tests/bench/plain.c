/* plain.c - libfcgi as its manual shows it: one thread in FCGX_Accept_r, one
 * parameter looked up, one canned answer.  What it spends is libfcgi's own
 * reading and writing of a request.  Usage: plain SOCKET */
#include "config.h"

#include <fcgiapp.h>
#include <stdio.h>
#include <unistd.h>

static const char answer[] =
    "Status: 204 No Content\r\n"
    "Access-Control-Allow-Origin: https://app.example.com\r\n"
    "Access-Control-Allow-Methods: GET, PUT, DELETE\r\n"
    "Access-Control-Allow-Headers: Authorization, Content-Type\r\n"
    "Access-Control-Max-Age: 3600\r\n"
    "Vary: Origin, Access-Control-Request-Method, "
    "Access-Control-Request-Headers\r\n\r\n";

int
main(int argc, char **argv)
{
	FCGX_Request r;
	int fd;

	if (argc != 2 || FCGX_Init() != 0 ||
	    (fd = FCGX_OpenSocket(argv[1], 1024)) < 0 ||
	    FCGX_InitRequest(&r, fd, 0) != 0) {
		fputs("usage: plain SOCKET\n", stderr);
		return 1;
	}
	while (FCGX_Accept_r(&r) == 0) {
		if (FCGX_GetParam("HTTP_ORIGIN", r.envp) != NULL)
			FCGX_PutStr(answer, sizeof answer - 1, r.out);
		FCGX_Finish_r(&r);
	}
	return 0;
}
