# SPDX-License-Identifier: GPL-2.0
# Distributors backport interfaces, so what a kernel has is found out by compiling
# and not from its version. $(call probe,X,headers,statements) gives -DX if the
# statements compile. Warnings are no failure but the one that says that a function
# is unknown; -w would silence that one too.
probe = $(shell echo 'void probe(void); void probe(void) { $(3) }' | \
	$(CC) $(NOSTDINC_FLAGS) $(LINUXINCLUDE) $(KBUILD_CPPFLAGS) $(KBUILD_CFLAGS) \
	-DMODULE -DKBUILD_MODNAME=\"probe\" -DKBUILD_BASENAME=\"probe\" \
	-Wno-error -Werror=implicit-function-declaration \
	$(addprefix -include ,linux/compiler_types.h linux/types.h linux/list.h $(2)) \
	-x c -c -o /dev/null - 2>/dev/null && echo -D$(1))
