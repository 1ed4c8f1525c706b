#include "config.h"

#include "metrics/counters.h"

static const char *const names[COUNT_REASONS] = {
	[COUNT_REQUESTS] = "requests",
	[COUNT_ACCEPTED] = "accepted",
	[COUNT_CLOSED] = "closed",
	[COUNT_TIMEOUT_FIRST] = "timeout-first",
	[COUNT_TIMEOUT_REQUEST] = "timeout-request",
	[COUNT_TIMEOUT_ANSWER] = "timeout-answer",
	[COUNT_TIMEOUT_IDLE] = "timeout-idle",
	[COUNT_EVICTED_CONNECTIONS] = "evicted-connections",
	[COUNT_EVICTED_MEMORY] = "evicted-memory",
	[COUNT_PROTOCOL_ERRORS] = "protocol-errors",
	[COUNT_PEER_ERRORS] = "peer-errors",
	[COUNT_CUT_SHORT] = "cut-short",
	[COUNT_ABORTED] = "aborted",
	[COUNT_MANAGEMENT] = "management",
	[COUNT_REFUSED_BEGIN] = "refused-begin",
	[COUNT_REFUSED_PEERS] = "refused-peers",
	[COUNT_REFUSED_MEMORY] = "refused-memory",
	[COUNT_ACCEPT_PAUSES] = "accept-pauses",
	[COUNT_SHADOW_JUDGED] = "shadow-judged",
	[COUNT_SHADOW_DIFFERENCES] = "shadow-differences",
	[COUNT_STATUS] = "status-requests",
};

const char *
counter_name(size_t i)
{
	if (i >= COUNT_REASONS)
		return reason_name((enum reason)(i - COUNT_REASONS));
	return names[i];
}
