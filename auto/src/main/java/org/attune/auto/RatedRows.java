package org.attune.auto;

import org.attune.datasets.rows.Row;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Answers with ratings: pairs of the best and the worst where prompts have several answers, else
/// good and bad ones by the scale, its middle left out.
final class RatedRows {
    private static final double GOOD = 0.7;
    private static final double BAD = 0.4;

    private RatedRows() {}

    /// An answer.
    private record Rated(Row row, String prompt, String answer, double rating) {}

    static RowForm.Batch of(List<Row> rows, TableMapping mapping, RowForm form) {
        Optional<String> column = mapping.column(ColumnRole.RATING);
        double sign = column.isPresent() ? 1 : -1; // a rank is better the smaller it is
        String rating = column.or(() -> mapping.column(ColumnRole.RANK)).orElseThrow();
        List<Rated> rated = new ArrayList<>();
        Map<String, List<Rated>> byPrompt = new LinkedHashMap<>();
        for (Row row : rows) {
            Optional<String> prompt = MappedRows.text(row, mapping.column(ColumnRole.PROMPT));
            Optional<String> answer = MappedRows.text(row, mapping.column(ColumnRole.COMPLETION));
            double value = sign * CellKind.number(row.get(rating));
            if (prompt.isPresent() && answer.isPresent() && !Double.isNaN(value)) {
                var one = new Rated(row, prompt.get(), answer.get(), value);
                rated.add(one);
                byPrompt.computeIfAbsent(prompt.get(), _ -> new ArrayList<>()).add(one);
            }
        }
        List<String> notes = new ArrayList<>();
        RowForm.count(notes, "rows without a needed value", rows.size() - rated.size());
        long several =
                byPrompt.values().stream()
                        .filter(g -> g.stream().mapToDouble(Rated::rating).distinct().count() > 1)
                        .mapToLong(List::size)
                        .sum();
        if (several * 2 > rated.size()) {
            return pairs(byPrompt, form, notes);
        }
        if (sign < 0) {
            throw new UnclearTableException(
                    "column \"%s\" ranks answers, and hardly any prompt has several; a rating or a label is needed"
                            .formatted(rating));
        }
        return labels(rated, rating, form, notes);
    }

    private static RowForm.Batch pairs(
            Map<String, List<Rated>> byPrompt, RowForm form, List<String> notes) {
        List<RowForm.Made> made = new ArrayList<>();
        int alone = 0;
        for (List<Rated> group : byPrompt.values()) {
            Rated best = group.stream().max(Comparator.comparingDouble(Rated::rating)).get();
            Rated worst = group.stream().min(Comparator.comparingDouble(Rated::rating)).get();
            if (best.rating() == worst.rating()) {
                alone++;
            } else {
                form.paired(best.row(), Optional.of(best.answer()), Optional.of(worst.answer()))
                        .ifPresent(made::add);
            }
        }
        notes.add("the best and the worst answer of each prompt make a pair");
        RowForm.count(notes, "prompts with nothing to compare", alone);
        return new RowForm.Batch("dpo", made, notes);
    }

    private static RowForm.Batch labels(
            List<Rated> rated, String column, RowForm form, List<String> notes) {
        double[] scale = scale(rated, column);
        List<RowForm.Made> made = new ArrayList<>();
        int middle = 0;
        for (Rated one : rated) {
            double place = (one.rating() - scale[0]) / (scale[1] - scale[0]);
            if (place > BAD && place < GOOD) {
                middle++;
                continue;
            }
            Map<String, Object> answers = new LinkedHashMap<>();
            answers.put("completion", form.answer(one.answer()));
            answers.put("label", place >= GOOD);
            form.asked(one.row(), answers).ifPresent(made::add);
        }
        notes.add(
                "ratings from %s to %s: good from %s on, bad up to %s"
                        .formatted(
                                number(scale[0]),
                                number(scale[1]),
                                number(scale[0] + GOOD * (scale[1] - scale[0])),
                                number(scale[0] + BAD * (scale[1] - scale[0]))));
        RowForm.count(notes, "rows with a rating in between", middle);
        return new RowForm.Batch("kto", made, notes);
    }

    private static String number(double value) {
        return value == Math.rint(value) ? String.valueOf((long) value) : "%.2f".formatted(value);
    }

    private static double[] scale(List<Rated> rated, String column) {
        double min = rated.stream().mapToDouble(Rated::rating).min().orElse(0);
        double max = rated.stream().mapToDouble(Rated::rating).max().orElse(0);
        return scale(min, max)
                .orElseThrow(
                        () ->
                                new UnclearTableException(
                                        "column \"%s\" has ratings from %s to %s, and the scale isn't clear; make it 1 to 5, or a column of good and bad"
                                                .formatted(column, number(min), number(max))));
    }

    /// Whether all ratings of a column are good ones.
    static boolean areGood(ColumnFacts column) {
        return scale(column.min(), column.max())
                .filter(s -> (column.min() - s[0]) / (s[1] - s[0]) >= GOOD)
                .isPresent();
    }

    private static Optional<double[]> scale(double min, double max) {
        if (min >= -1 && min < 0 && max <= 1) {
            return Optional.of(new double[] {-1, 1});
        }
        double bottom = min >= 1 && max > 1 ? 1 : 0;
        for (double top : new double[] {1, 5, 10, 100}) {
            if (min >= 0 && max <= top && max > top * 0.5) {
                return Optional.of(new double[] {top == 1 || top == 100 ? 0 : bottom, top});
            }
        }
        return Optional.empty();
    }
}
