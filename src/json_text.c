#include "config.h"

#include "json_text.h"

#include "buf.h"

json_t *
json_text(struct str s)
{
	json_t *text = json_stringn(s.p, s.n);
	struct shown shown;

	return text != NULL ? text : json_string(buf_shown(&shown, s));
}

bool
json_add(json_t **array, json_t *item)
{
	if (json_array_append_new(*array, item) == 0)
		return true;
	json_decref(*array);
	*array = NULL;
	return false;
}
