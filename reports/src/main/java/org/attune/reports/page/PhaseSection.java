package org.attune.reports.page;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Time and memory by phase, of one run or of several.
final class PhaseSection {
    private PhaseSection() {}

    static Section of(List<ReportedRun> runs) {
        var body = new Html();
        Map<String, double[]> seconds = new LinkedHashMap<>();
        double[] totals = new double[runs.size()];
        for (int r = 0; r < runs.size(); r++) {
            int run = r;
            runs.get(r)
                    .seconds()
                    .forEach(
                            (phase, time) -> {
                                seconds.computeIfAbsent(phase, _ -> new double[runs.size()])[run] =
                                        time;
                                totals[run] += time;
                            });
        }
        if (seconds.isEmpty()) {
            return new Section("phases", "Time and memory", body);
        }
        totals(body, runs, totals);
        List<String> heads = new ArrayList<>(List.of("phase"));
        for (ReportedRun run : runs) {
            String of = runs.size() == 1 ? "" : " · " + run.name();
            heads.add("time" + of);
            heads.add("share" + of);
            heads.add("largest memory" + of);
        }
        body.table("Time and memory by phase", heads.toArray(String[]::new));
        seconds.forEach((phase, times) -> phase(body, runs, phase, times, totals));
        body.endTable();
        body.element(
                "p",
                "Times are of phases alone, without those inside them; train is what steps do"
                    + " beside their phases. Memory is the process's resident memory, native memory"
                    + " included: the peak where it rose in the phase, else what was seen at its"
                    + " beginning and end.",
                "class",
                "hint");
        return new Section("phases", "Time and memory", body);
    }

    private static void totals(Html body, List<ReportedRun> runs, double[] totals) {
        body.open("dl", "class", "facts");
        for (int r = 0; r < runs.size(); r++) {
            String of = runs.size() == 1 ? "" : runs.get(r).name() + ": ";
            body.element("dt", of + "whole time").element("dd", Figures.duration(totals[r]));
            var summary = runs.get(r).summary();
            body.element("dt", of + "tokens a second");
            body.element(
                    "dd",
                    Figures.grouped(Math.round(summary.path("tokens_per_second").asDouble())));
            double peak = summary.path("peak_memory_bytes").asDouble();
            body.element("dt", of + "largest memory");
            body.element("dd", peak > 0 ? Figures.bytes(peak) : "unknown");
        }
        body.close("dl");
    }

    private static void phase(
            Html body, List<ReportedRun> runs, String phase, double[] times, double[] totals) {
        List<String> cells = new ArrayList<>(List.of(phase));
        for (int r = 0; r < runs.size(); r++) {
            Double bytes = runs.get(r).phases().bytes().get(phase);
            cells.add(Figures.duration(times[r]));
            cells.add(totals[r] > 0 ? Figures.percent(times[r] / totals[r]) : "–");
            cells.add(bytes == null || bytes == 0 ? "–" : Figures.bytes(bytes));
        }
        body.row(cells.toArray(String[]::new));
    }
}
