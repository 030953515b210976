/* SPDX-License-Identifier: ISC */
/*
 * The figures as one JSON object, for programs.  Names are for ever: what is added gets a new one.
 * Pure but for the heap.
 */
#ifndef FIGURES_DOCUMENT_H
#define FIGURES_DOCUMENT_H

#include <json-c/json.h>
#include <stdint.h>

#include "figures/reading.h"
#include "shm/limiter.h"

/*
 * An object of the caller's, to be given back with json_object_put().  NULL when there is no memory for it; what
 * there was none for in it is null.
 */
struct json_object *document_make(const struct reading *reading);

/* Puts a value, of the object from now on, under a name.  NULL makes a null. */
void document_add(struct json_object *object, const char *name, struct json_object *value);

/* A time of the wall clock, in RFC 3339; 0, which is none, makes a null. */
void document_add_time(struct json_object *object, const char *name, int64_t wall_us);

/* A rate per second, written with at most three decimals. */
struct json_object *document_rate(double rate);

/* What the rate limiter knows of an address. */
struct json_object *document_client(const struct limiter_client *client);

/* How often an address was denied access. */
struct json_object *document_denied(const struct limiter_client *client);

/* The object's text, which lives as long as the object is not asked again.  NULL: there is no memory. */
const char *document_text(struct json_object *object);

#endif
