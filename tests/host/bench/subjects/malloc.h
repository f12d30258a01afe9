/* SPDX-License-Identifier: GPL-2.0 */
/* malloc() and free() of the library that the program is linked with. */

static void subject_setup(unsigned int cpu)
{
	(void)cpu;
}

static void subject_setup_cpu(unsigned int cpu)
{
	(void)cpu;
}

static __always_inline void *subject_get(void)
{
	return malloc(object_bytes);
}

static __always_inline void subject_put(void *obj)
{
	free(obj);
}
