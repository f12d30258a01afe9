# SPDX-License-Identifier: GPL-2.0
# A test as herd7 is to see it. A line may end in
#	// without WHAT: INSTEAD
# once or more often: in the twin named WHAT it is INSTEAD, which may be nothing. With no twin
# named, all lines stay as they are.
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
