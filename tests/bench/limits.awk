# Compares the results (first file) with the limits (second file), and prints KTAP.
BEGIN { FS = "\t" }

FILENAME == ARGV[1] {
	value[$1, $2, $3] = $4
	unit[$1, $2, $3] = $5
	next
}

/^#/ || NF == 0 { next }

{
	n++
	name = $1 "_" $2 "_" $3
	gsub(/\./, "_", name)
	if (!(($1, $2, $3) in value)) {
		said[n] = "# this result is missing"
		failed[n] = 1
	} else {
		got = value[$1, $2, $3]
		said[n] = "# " got " " unit[$1, $2, $3] ", limit " $4
		if (got > $4)
			failed[n] = 1
		else if (got < $4)
			said[n] = said[n] ": below, so the limit can be lowered"
	}
	names[n] = name
}

END {
	print "KTAP version 1"
	print "1.." n
	for (i = 1; i <= n; i++) {
		print said[i]
		print (failed[i] ? "not ok " : "ok ") i " " names[i]
		if (failed[i])
			status = 1
	}
	exit status
}
