/* SPDX-License-Identifier: ISC */
/* Reference-counted copies of the published settings. */
#include "serve/view.h"

#include <stdlib.h>

static struct view *
read_published(const struct published *published)
{
	struct view *view = malloc(sizeof *view);
	if (view == NULL)
		return NULL;
	view->generation = published_read(published, &view->settings, sizeof view->settings);
	view->references = 1;
	return view;
}

int
view_open(struct view_desk *desk, const struct published *published, view_changed *changed,
	void *context)
{
	*desk = (struct view_desk){.published = published, .changed = changed, .context = context};
	pthread_mutex_init(&desk->lock, NULL);
	desk->current = read_published(published);
	return desk->current == NULL ? -1 : 0;
}

static void
drop(struct view *view)
{
	if (--view->references == 0)
		free(view);
}

void
view_close(struct view_desk *desk)
{
	if (desk->current != NULL)
		drop(desk->current);
	pthread_mutex_destroy(&desk->lock);
}

bool
view_is_stale(const struct view_desk *desk, const struct view *view)
{
	return published_generation(desk->published) != view->generation;
}

static void
renew(struct view_desk *desk)
{
	struct view *fresh = read_published(desk->published);
	if (fresh == NULL)
		return;
	desk->changed(desk->context, &fresh->settings);
	drop(desk->current);
	desk->current = fresh;
}

const struct view *
view_get(struct view_desk *desk)
{
	pthread_mutex_lock(&desk->lock);
	if (view_is_stale(desk, desk->current))
		renew(desk);
	struct view *view = desk->current;
	view->references++;
	pthread_mutex_unlock(&desk->lock);
	return view;
}

void
view_put(struct view_desk *desk, const struct view *view)
{
	pthread_mutex_lock(&desk->lock);
	drop((struct view *)(uintptr_t)view);
	pthread_mutex_unlock(&desk->lock);
}
