# Converts results.tsv into a gnuplot script: bars that compare the subjects, and lines that show how
# they scale. Only subjects with objects of the same size are compared. The variable svg names the
# output file.
BEGIN { FS = "\t" }

FNR == 1 || $2 ~ /(_(4|64|256)k|:[0-9]+)$/ { next }

{
	value[$1, $2, $3] = $4
	if (!($2 in seen)) {
		seen[$2] = 1
		subjects[++nr_subjects] = $2
	}
}

END {
	panels = 0
	side_by_side("instructions", "In the kernel: instructions, get and put")
	side_by_side("time", "Natively: nanoseconds, get and put")
	scaling("scale", "lines.", "", "pair on each CPU: foreign cache lines in 1000")
	scaling("scale", "time on ", " CPU", "pair on each CPU, natively: nanoseconds")
	scaling("handoff", "lines.", "", "handoff: foreign cache lines in 1000 objects")
	scaling("starvation", "lines.", "", "starvation: foreign cache lines in 1000 objects")
	if (!panels)
		exit
	rows = int((panels + 1) / 2)
	printf "set terminal svg size 1500,%d font 'sans,13' background 'white'\n", rows * 480
	printf "set output '%s'\n", svg
	print "set key outside right noenhanced; set grid ytics; set style fill solid 0.8"
	printf "set multiplot layout %d,2\n", rows
	printf "%s", script
}

# data(): adds a gnuplot data block with these lines, and returns its name
function data(lines) {
	panels++
	script = script "$data" panels " << EOD\n" lines "EOD\n"
	return "$data" panels
}

# Bars: a group per case, a bar per subject.
function side_by_side(metric, title,    n, names, c, s, lines, any, row, block, used) {
	n = split("pair depth8 depth100 depth1000", names, " ")
	used = 0
	lines = "case"
	for (s = 1; s <= nr_subjects; s++) {
		any = 0
		for (c = 1; c <= n; c++)
			any = any || (names[c], subjects[s], metric) in value
		if (any) {
			bars[++used] = subjects[s]
			lines = lines " " subjects[s]
		}
	}
	if (!used)
		return
	lines = lines "\n"
	for (c = 1; c <= n; c++) {
		row = names[c]
		for (s = 1; s <= used; s++)
			row = row " " ((names[c], bars[s], metric) in value ? value[names[c], bars[s], metric] : "?")
		lines = lines row "\n"
	}
	block = data(lines)
	script = script "set title \"" title "\"; set style data histograms; set logscale y\n" \
		"set datafile missing '?'; unset xlabel; set xtics autofreq; unset logscale x; set autoscale; set yrange [1:*]\n" \
		"plot for [i=2:" used + 1 "] " block " using i:xtic(1) title columnheader(i)\n" \
		"unset logscale y\n"
}

# Lines: one per subject, over the number of CPUs.
function scaling(name, before, after, title,    s, cpus, lines, plots, metric, block) {
	for (s = 1; s <= nr_subjects; s++) {
		lines = ""
		for (cpus = 1; cpus <= 1024; cpus++) {
			metric = before cpus after
			if ((name, subjects[s], metric) in value)
				lines = lines cpus " " value[name, subjects[s], metric] "\n"
		}
		if (lines != "") {
			blocks++
			script = script "$line" blocks " << EOD\n" lines "EOD\n"
			plots = plots (plots == "" ? "" : ", ") "$line" blocks " using 1:2 with linespoints lw 2 title '" subjects[s] "'"
		}
	}
	if (plots == "")
		return
	panels++
	script = script "set title \"" title "\"; set style data lines; set xlabel 'CPUs'\n" \
		"set logscale x 2; set xtics autofreq; set autoscale; set yrange [0:*]\n" \
		"plot " plots "\nunset logscale x\n"
}
