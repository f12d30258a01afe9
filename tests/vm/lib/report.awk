# Finds the reports in a kernel log; called by lib/report.sh. Input: the patterns, the known noise,
# the log. Prints the first HEAD lines of each report. A KCSAN report is printed in full, because
# only its two stacks explain it, but once per pair of functions. In strict mode KCSAN also reports
# races within the kernel itself. A report counts only if a module of pcpool makes one of the
# accesses, directly or through a helper such as memcpy().

BEGIN {
	HEAD = 6
	WHOLE = 100
	HELPER = "^ (_*mem|_*str|_*find_|_*bitmap_|cpumask_|_*sw_hweight|l?list_|hlist_)"
	kernel = ENVIRON["kernel"]
	expected_count = split(ENVIRON["expected"], expected, "\n") - 1
}

FNR == 1 { file++ }

file < 3 && (/^#/ || /^$/) { next }

file == 1 { patterns[++pattern_count] = $0; next }

file == 2 {
	split($0, part, "\t")
	if (part[1] == kernel)
		noise[++noise_count] = "^(" part[2] ")$"
	next
}

{
	sub(/\r$/, "")
	text = $0
	# A log line starts with its time and, on some kernels, the task or CPU that printed it.
	sub(/^\[ *[0-9]+\.[0-9]+\](\[ *[CT][0-9]+\])? /, "", text)

	cut = text ~ /^-+\[ cut here \]-+$/
	telling = 0
	for (i = 1; i <= pattern_count && !telling; i++)
		telling = text ~ patterns[i]

	# WARN() prints its message between the cut and the line that the patterns match.
	if (cut || (telling && !awaited)) {
		finish()
		lines = 0
		is_open = 1
		is_race = text ~ /^BUG: KCSAN: /
		is_ours = is_access = 0
	}
	if (is_open && lines < (is_race ? WHOLE : HEAD))
		head[++lines] = text
	if (is_race && text ~ / by (task|interrupt)/)
		is_access = 1
	else if (is_race && is_access && text !~ HELPER) {
		is_access = 0
		is_ours = is_ours || text ~ / \[pcpool/
	}
	if (is_race && text ~ /^=+$/)
		finish()
	if (cut)
		awaited = 1
	else if (telling || lines == HEAD)
		awaited = 0
}

END {
	finish()
	for (i = 1; i <= expected_count; i++)
		if (!seen[i]) {
			print "expected, but not reported: " expected[i]
			failed = 1
		}
	exit failed
}

function finish(   i, l, covered) {
	if (!is_open)
		return
	is_open = 0
	if (is_race && !is_ours)
		return
	for (l = 1; l <= lines; l++) {
		for (i = 1; i <= expected_count; i++)
			if (head[l] ~ expected[i])
				covered = seen[i] = 1
		for (i = 1; i <= noise_count; i++)
			if (head[l] ~ noise[i])
				covered = 1
	}
	if (covered)
		return
	failed = 1
	if (is_race && known[head[1]]++)
		return
	for (l = 1; l <= lines; l++)
		print head[l]
}
