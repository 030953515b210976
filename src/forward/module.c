/* SPDX-License-Identifier: ISC */
/* dlopen() and what must be looked at before anything of a module is called. */
#include "forward/module.h"

#include <dlfcn.h>
#include <errno.h>

#include "base/modules.h"

static const struct forward_driver *
check(const struct forward_driver *driver, const char *path, const char *scheme,
	char why[FORWARD_WHY_MAX])
{
	if (driver == NULL)
		snprintf(why, FORWARD_WHY_MAX, "%.256s is no driver", path);
	else if (driver->version != FORWARD_DRIVER_VERSION ||
		 driver->size != sizeof(struct forward_driver))
		snprintf(why, FORWARD_WHY_MAX,
			"%.256s is of another version of logcollectd than %s, install both from "
			"one",
			path, LOGCOLLECTD_VERSION);
	else if (strcmp(driver->scheme, scheme) != 0)
		snprintf(why, FORWARD_WHY_MAX, "%.256s is the driver of %.32s", path,
			driver->scheme);
	else
		return driver;
	return NULL;
}

const struct forward_driver *
module_load(const char *scheme, char why[FORWARD_WHY_MAX])
{
	char path[MODULES_PATH_MAX];
	if (modules_path(scheme, path) == NULL) {
		snprintf(why, FORWARD_WHY_MAX, "cannot find modules: %s", strerror(errno));
		return NULL;
	}
	void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	if (module == NULL) {
		snprintf(why, FORWARD_WHY_MAX, "cannot load it: %s", dlerror());
		return NULL;
	}
	return check(dlsym(module, FORWARD_DRIVER_SYMBOL), path, scheme, why);
}
