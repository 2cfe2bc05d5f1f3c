package org.attune.reports.page;

import org.attune.trainers.report.WarningsFile;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// What runs warned of, equal warnings once.
final class WarningSection {
    private WarningSection() {}

    static Section of(List<ReportedRun> runs) {
        var body = new Html();
        for (ReportedRun run : runs) {
            Map<String, Integer> counts = new LinkedHashMap<>();
            for (WarningsFile.Warning warning : run.warnings()) {
                counts.merge(warning.level() + ": " + warning.message(), 1, Integer::sum);
            }
            run.unread().forEach(what -> counts.put("not read for this page: " + what, 1));
            if (counts.isEmpty()) {
                continue;
            }
            if (runs.size() > 1) {
                body.element("h3", run.name());
            }
            body.open("ul");
            counts.forEach(
                    (text, count) ->
                            body.element(
                                    "li", count == 1 ? text : text + " (" + count + " times)"));
            body.close("ul");
        }
        if (body.isEmpty()) {
            body.element("p", "None.");
        }
        return new Section("warnings", "Warnings", body);
    }
}
