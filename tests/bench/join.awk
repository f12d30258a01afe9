# Combines the counts of the plugin (first file) and the output of the benchmark module (second
# file; main.c describes its format) into results.
#
# If both have counted the instructions, the counts must agree, except for a few instructions
# between reading the clock and the mark, whose number varies from loop to loop.
BEGIN {
	FS = OFS = "\t"
	few = 4
}

FILENAME == ARGV[1] {
	instructions[$1] = $2
	locked[$1] = $3
	lines[$1] = $4
	next
}

$1 == "#skip" {
	print "bench: " $2 ": skipped " $3 ": " $4 >"/dev/stderr"
	next
}

$1 == "#region" {
	where = $4 == "" ? "" : "." $4
	counted = $6 in instructions
	if (!counted && !$5)
		next
	n = counted ? instructions[$6] - instructions[$7] : $5
	if (counted && $5 && ($5 > n + few || $5 < n - few)) {
		print "bench: " $2 ": " $3 where ": QEMU counts " $5 ", the plugin " n " instructions" >"/dev/stderr"
		wrong = 1
	}
	result($2, $3, "instructions" where, n, $8, $9)
	if (counted) {
		result($2, $3, "locked" where, locked[$6] - locked[$7], $8, $9)
		result($2, $3, "lines" where, lines[$6] - lines[$7], $8, $9)
	}
	next
}

{ result($1, $2, $3, $4, 1, $5) }

function result(name, subject, metric, value, per, unit) {
	value /= per
	value = sprintf(value < 100 ? "%.2f" : value < 1000 ? "%.1f" : "%.0f", value)
	if (value ~ /\./)
		sub(/\.?0+$/, "", value)
	print name, subject, metric, value, unit
}

END { exit wrong }
