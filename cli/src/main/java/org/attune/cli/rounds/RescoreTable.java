package org.attune.cli.rounds;

import org.attune.rollout.source.RecordedCompletion;
import org.attune.trainers.opening.Rescoring;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/// Old and new means of rewards, function by function.
final class RescoreTable {
    private RescoreTable() {}

    /// The table with its line ends.
    static String of(Rescoring.Result result) {
        Set<String> names = new LinkedHashSet<>();
        result.before().forEach(line -> names.addAll(line.rewards().keySet()));
        result.after().forEach(line -> names.addAll(line.rewards().keySet()));
        List<String[]> rows = new ArrayList<>();
        rows.add(new String[] {"reward", "before", "after", "changed", "none"});
        for (String name : names) {
            rows.add(row(name, result));
        }
        int width = rows.stream().mapToInt(row -> row[0].length()).max().orElse(0);
        var text = new StringBuilder();
        for (String[] row : rows) {
            text.append(("%-" + width + "s").formatted(row[0]));
            for (int i = 1; i < row.length; i++) {
                text.append("  %10s".formatted(row[i]));
            }
            text.append(System.lineSeparator());
        }
        return text.toString();
    }

    private static String[] row(String name, Rescoring.Result result) {
        int changed = 0;
        int none = 0;
        for (int i = 0; i < result.after().size(); i++) {
            double before = value(result.before().get(i), name);
            double after = value(result.after().get(i), name);
            changed += Double.compare(before, after) == 0 ? 0 : 1;
            none += Double.isNaN(after) ? 1 : 0;
        }
        return new String[] {
            name,
            mean(result.before(), name),
            mean(result.after(), name),
            String.valueOf(changed),
            String.valueOf(none)
        };
    }

    private static double value(RecordedCompletion line, String name) {
        return line.rewards().getOrDefault(name, Double.NaN);
    }

    private static String mean(List<RecordedCompletion> lines, String name) {
        double sum = 0;
        int count = 0;
        for (RecordedCompletion line : lines) {
            double value = value(line, name);
            if (!Double.isNaN(value)) {
                sum += value;
                count++;
            }
        }
        return count == 0 ? "-" : String.format(Locale.ROOT, "%.4f", sum / count);
    }
}
