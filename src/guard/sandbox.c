/* SPDX-License-Identifier: ISC */
/*
 * Makes the filter from the tables in calls.c.  libseccomp knows the numbers of each processor, and passes over names that
 * one does not have.
 */
#include "guard/sandbox.h"

#include <errno.h>
#include <seccomp.h>
#include <string.h>
#include <unistd.h>

#include "base/errlog.h"
#include "guard/calls.h"
#include "guard/powers.h"

/* Built with SCMP_ACT_KILL_PROCESS here, the tests show what is missing in the tables. */
#ifndef SANDBOX_OTHERWISE
#define SANDBOX_OTHERWISE SCMP_ACT_ERRNO(EPERM)
#endif

enum { API_KILLS_PROCESSES = 3 };

/*
 * The end of the process.  With an old kernel, or where a service manager's own filter keeps us from seccomp(2), by a
 * signal of which nothing comes but its end either: nobody here handles it.
 */
static uint32_t
death(void)
{
	return seccomp_api_get() >= API_KILLS_PROCESSES ? SCMP_ACT_KILL_PROCESS : SCMP_ACT_TRAP;
}

/* A name that this version of the library does not know, its default action has to do for.  0, or a negative errno. */
static int
add_rule(scmp_filter_ctx filter, uint32_t action, const char *name, unsigned count,
	const struct scmp_arg_cmp *compare)
{
	int number = seccomp_syscall_resolve_name(name);
	return number == __NR_SCMP_ERROR
	               ? 0
	               : seccomp_rule_add_array(filter, action, number, count, compare);
}

static int
add_names(scmp_filter_ctx filter, uint32_t action, const char *const *names)
{
	int error = 0;
	for (; *names != NULL && error == 0; names++)
		error = add_rule(filter, action, *names, 0, NULL);
	return error;
}

static int
add_limited(scmp_filter_ctx filter, const struct limited_call *calls)
{
	int error = 0;
	for (; calls->name != NULL && error == 0; calls++) {
		const struct scmp_arg_cmp compare = SCMP_CMP(
			calls->argument, SCMP_CMP_MASKED_EQ, calls->mask, calls->value);
		error = add_rule(filter, SCMP_ACT_ALLOW, calls->name, 1, &compare);
	}
	return error;
}

/* What depends on who we are: signals for ourselves, files that we give to ourselves. */
static int
add_own(scmp_filter_ctx filter)
{
	const struct scmp_arg_cmp self = SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0);
	const struct scmp_arg_cmp owner[] = {
		SCMP_A2(SCMP_CMP_EQ, geteuid(), 0), SCMP_A3(SCMP_CMP_EQ, getegid(), 0)};
	int error = add_rule(filter, SCMP_ACT_ALLOW, "tgkill", 1, &self);
	return error != 0 ? error : add_rule(filter, SCMP_ACT_ALLOW, "fchownat", 2, owner);
}

/*
 * Attributes that an old library or kernel does not have are no loss.  Those who are confined are not those whom the
 * kernel's brake on speculation, dear for threads, would have to keep from each other.
 */
static void
set_attributes(scmp_filter_ctx filter)
{
	(void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	(void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_SSB, 1);
	(void)seccomp_attr_set(filter, SCMP_FLTATR_API_SYSRAWRC, 1);
	(void)seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, death());
}

/* 0, or a negative errno. */
static int
fill(scmp_filter_ctx filter, enum sandbox_role role)
{
	int error = add_names(filter, death(), calls_deadly);
	if (error != 0 || role == SANDBOX_FORWARDER)
		return error;
	error = add_names(filter, SCMP_ACT_ALLOW, calls_common);
	if (error == 0)
		error = add_limited(filter, calls_common_limited);
	if (error == 0)
		error = add_names(filter, SCMP_ACT_ALLOW,
			role == SANDBOX_WORKER ? calls_worker : calls_monitor);
	if (error == 0 && role == SANDBOX_WORKER)
		error = add_limited(filter, calls_worker_limited);
	if (error == 0)
		error = add_own(filter);
	/* The C library then does as it does with an old kernel: with clone(), whose flags can be looked at. */
	return error != 0 ? error : add_rule(filter, SCMP_ACT_ERRNO(ENOSYS), "clone3", 0, NULL);
}

static int
load(scmp_filter_ctx filter)
{
#ifdef LOGCOLLECTD_SANITIZER
	(void)filter;
	return 0;
#else
	return seccomp_load(filter);
#endif
}

enum sandbox_result
sandbox_load(enum sandbox_role role)
{
	scmp_filter_ctx filter = seccomp_init(
		role == SANDBOX_FORWARDER ? SCMP_ACT_ALLOW : SANDBOX_OTHERWISE);
	if (filter == NULL) {
		errno = ENOSYS;
		return SANDBOX_FAILED;
	}
	set_attributes(filter);
	int error = fill(filter, role);
	if (error == 0)
		error = load(filter);
	seccomp_release(filter);
	if (error != 0) {
		errno = -error;
		return SANDBOX_FAILED;
	}
#ifdef LOGCOLLECTD_SANITIZER
	return SANDBOX_LEFT;
#else
	return SANDBOX_LOADED;
#endif
}

void
sandbox_enter(enum sandbox_role role, bool on, bool tells)
{
	powers_hide(on);
	enum sandbox_result result = on ? sandbox_load(role) : SANDBOX_LOADED;
	if (!tells || result == SANDBOX_LOADED)
		return;
	if (result == SANDBOX_LEFT)
		errlog_debug("Sandbox: not with a sanitizer, all goes on without it");
	else
		errlog_warn("Sandbox: cannot filter system calls, all goes on without it: %s",
			strerror(errno));
}
