# Prints results.tsv as tables: a row per subject, with the ratio to pcpool.
#
# A metric may name where it was measured: "lines.8" and "time on 8 CPU" are for eight CPUs,
# "instructions.softirq" for softirq context. Each case with several CPUs has its own table, with a
# column per number of CPUs. All other results are in one table per metric.
BEGIN { FS = "\t" }

FNR == 1 || $3 ~ / (min|max)$/ { next }

{
	place($1, $3)
	if (!(table in unit)) {
		tables[++nr_tables] = table
		unit[table] = $5
	} else if (index(", " unit[table] ", ", ", " $5 ", ") == 0) {
		unit[table] = unit[table] ", " $5
	}
	if (!((table, column) in column_seen)) {
		column_seen[table, column] = 1
		columns[table, ++nr_columns[table]] = column
	}
	if (!((table, $2) in subject_seen)) {
		subject_seen[table, $2] = 1
		subjects[table, ++nr_subjects[table]] = $2
	}
	value[table, $2, column] = $4
}

END {
	for (t = 1; t <= nr_tables; t++)
		print_table(tables[t])
}

# place(): sets table and column for a result of this case and metric.
function place(name, metric,    suffix) {
	if (match(metric, /\.[0-9]+$/)) {
		column = cpus(substr(metric, RSTART + 1))
		table = name ": " substr(metric, 1, RSTART - 1)
	} else if (match(metric, / on [0-9]+ CPU$/)) {
		column = cpus(substr(metric, RSTART + 4) + 0)
		table = name ": " substr(metric, 1, RSTART - 1)
	} else if (match(metric, /\..*$/)) {
		column = name " " substr(metric, RSTART + 1)
		table = substr(metric, 1, RSTART - 1)
	} else {
		column = name
		table = metric
	}
}

function cpus(n) {
	return n (n == 1 ? " CPU" : " CPUs")
}

# reference(): the subject to compare with: the pool with objects of similar size, where the size
# matters.
function reference(table, subject) {
	if (subject ~ /_(64|256)k$/ && (table, "pcpool_256k") in subject_seen)
		return "pcpool_256k"
	return "pcpool"
}

# Prints a table. Columns that do not fit in one line follow below.
function print_table(table,    first, last, c, s, subject) {
	printf "\n%s (%s)\n", table, unit[table]
	for (first = 1; first <= nr_columns[table]; first = last + 1) {
		last = first + 5 < nr_columns[table] ? first + 5 : nr_columns[table]
		printf "  %-17s", ""
		for (c = first; c <= last; c++)
			printf " %17s", columns[table, c]
		print ""
		for (s = 1; s <= nr_subjects[table]; s++) {
			subject = subjects[table, s]
			if (!has_any(table, subject, first, last))
				continue
			printf "  %-17s", subject
			for (c = first; c <= last; c++)
				printf " %17s", cell(table, subject, columns[table, c])
			print ""
		}
	}
}

function has_any(table, subject, first, last,    c) {
	for (c = first; c <= last; c++)
		if ((table, subject, columns[table, c]) in value)
			return 1
	return 0
}

function cell(table, subject, column,    base, v, ratio) {
	if (!((table, subject, column) in value))
		return "-"
	v = value[table, subject, column]
	if (v ~ /\./)
		v = sprintf(v < 100 ? "%.2f" : "%.1f", v)
	base = reference(table, subject)
	if (subject == base || !((table, base, column) in value) || value[table, base, column] + 0 == 0)
		return v "         "
	ratio = v / value[table, base, column]
	return v sprintf(" %8s", sprintf(ratio < 10 ? "%.2fx" : "%.0fx", ratio))
}
