# SPDX-License-Identifier: GPL-2.0
# Prints a test as input for herd7. A line may end in one or more comments of the form
#	// without WHAT: INSTEAD
# In the twin named WHAT, the line is replaced by INSTEAD, which may be empty. The comments are
# removed in any case.
{
	n = split($0, parts, /[ \t]*\/\/ without /)
	line = parts[1]
	indent = line
	sub(/[^ \t].*/, "", indent)
	for (i = 2; i <= n; i++) {
		what = parts[i]
		sub(/:.*/, "", what)
		if (twin != "" && what == twin) {
			line = parts[i]
			sub(/^[^:]*:[ \t]*/, "", line)
			line = indent line
		}
	}
	print line
}
