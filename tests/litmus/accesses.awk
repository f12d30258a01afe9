# SPDX-License-Identifier: GPL-2.0
# Reads sources of kmod/. For each function with an access that concerns other CPUs, including
# one that excludes them, prints the file, the function and the accesses. With -v functions=1,
# prints the file and the function for all functions.
function flush_function(    i, accesses) {
	for (i = 1; i <= words; i++)
		accesses = accesses ", " word_of[i] (times[word_of[i]] > 1 ? " x" times[word_of[i]] : "")
	if (words)
		print file "\t" name "\t" substr(accesses, 3)
	words = 0
	split("", times)
}

BEGIN {
	access = "(smp_(mb|rmb|wmb|load|store)[a-z_]*|READ_ONCE|WRITE_ONCE|(raw_)?(try_)?(cmp)?xchg[a-z_]*|" \
		"atomic(64|_long)?_[a-z_]+|test_and_[a-z_]+|clear_bit_unlock|find_next_zero_bit|" \
		"bitmap_weight|cpumask_(set|clear|test)_cpu|cpumask_empty|" \
		"[a-z_]*rcu[a-z_]*|raw_spin_[a-z_]+|mutex_[a-z_]+|cpus_[a-z_]+|llist_[a-z_]+|" \
		"irq_work_(queue|sync)|queue_(delayed_)?work[a-z_]*|cancel_(delayed_)?work_sync|flush_work|wake_up_process|" \
		"set_current_state|on_each_cpu[a-z_]*)\\("
}

FNR == 1 {
	flush_function()
	file = FILENAME
	sub(/^.*\/kmod\//, "", file)
	comment = 0
}

{
	line = $0
	gsub(/"[^"]*"/, "\"\"", line)
	gsub(/\/\*([^*]|\*[^\/])*\*\//, "", line)
	if (comment) {
		if (line !~ /\*\//)
			next
		sub(/^.*\*\//, "", line)
		comment = 0
	}
	if (line ~ /\/\*/) {
		sub(/\/\*.*/, "", line)
		comment = 1
	}
}

# The definition of a function, or of a macro with arguments; not a declaration
line ~ /^[a-zA-Z_][^=;]*[ *][a-z_0-9]+\(/ && line !~ /;$/ || line ~ /^#[ \t]*define[ \t]+[a-z_0-9]+\(/ {
	flush_function()
	match(line, /[a-zA-Z_0-9]+\(/)
	name = substr(line, RSTART, RLENGTH - 1)
	if (functions)
		print file "\t" name
	line = substr(line, RSTART + RLENGTH)
}

!functions {
	while (match(line, access)) {
		before = RSTART > 1 ? substr(line, RSTART - 1, 1) : " "
		word = substr(line, RSTART, RLENGTH - 1)
		line = substr(line, RSTART + RLENGTH)
		# Skip the end of a longer word, and words without information: each lock is unlocked.
		if (before ~ /[a-zA-Z0-9_]/ || (word ~ /_init$|_depth$|_unlock(_|$)/ && word != "clear_bit_unlock"))
			continue
		if (!times[word]++)
			word_of[++words] = word
	}
}

END {
	if (!functions)
		flush_function()
}
