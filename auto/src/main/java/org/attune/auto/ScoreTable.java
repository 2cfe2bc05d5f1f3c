package org.attune.auto;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;

/// The points that facts give to columns and readings (`scores.tsv`).
///
/// @param forms what rows can be, and the parts that they need
/// @param roles by the name of a part
/// @param rows that give points, by part or by two parts joined with `+`
/// @param limits numbers by name
record ScoreTable(
        List<Form> forms,
        Map<String, ColumnRole> roles,
        Map<String, List<Line>> rows,
        Map<String, Double> limits) {
    private static final ScoreTable TABLE = read();

    /// What rows can be.
    ///
    /// @param needs parts that must be there
    /// @param may parts that may be there; of those joined with `/` one
    /// @param minimum points from which on it is taken
    record Form(
            TableMapping.Kind kind, List<String> needs, List<List<String>> may, double minimum) {}

    /// A line that gives points.
    ///
    /// @param points NaN where it forbids the part
    /// @param conditions which must all hold
    /// @param words the reason, for people
    record Line(double points, List<Condition> conditions, String words) {
        /// The reason and its points.
        String shown() {
            return isVeto() ? words : "%s (%+.1f)".formatted(words, points);
        }

        boolean isVeto() {
            return Double.isNaN(points);
        }

        boolean holds(TableFacts table, Reading reading, ColumnFacts column) {
            return conditions.stream().allMatch(c -> c.holds(table, reading, column));
        }
    }

    /// Points, and the lines that give them.
    record Score(double points, List<Line> lines) {}

    static ScoreTable get() {
        return TABLE;
    }

    private static ScoreTable read() {
        List<Form> forms = new ArrayList<>();
        Map<String, ColumnRole> roles = new LinkedHashMap<>();
        Map<String, List<Line>> rows = new LinkedHashMap<>();
        Map<String, Double> limits = new LinkedHashMap<>();
        for (String[] line : ColumnWords.lines("scores.tsv")) {
            switch (line[0]) {
                case "" -> {}
                case "form" -> forms.add(form(line));
                case "part" -> roles.put(line[1], ColumnRole.named(line[2]).orElseThrow());
                case "limit" -> limits.put(line[1], Double.valueOf(line[2]));
                default -> rows.computeIfAbsent(line[0], _ -> new ArrayList<>()).add(line(line));
            }
        }
        return new ScoreTable(forms, roles, rows, limits);
    }

    private static Form form(String[] line) {
        return new Form(
                TableMapping.Kind.valueOf(line[1]),
                List.of(line[2].split(" ")),
                Arrays.stream(line[3].split(" "))
                        .filter(part -> !part.isEmpty())
                        .map(part -> List.of(part.split("/")))
                        .toList(),
                Double.parseDouble(line[4]));
    }

    private static Line line(String[] line) {
        double points = line[1].equals("no") ? Double.NaN : Double.parseDouble(line[1]);
        return new Line(
                points, Arrays.stream(line[2].split(", ")).map(Condition::of).toList(), line[3]);
    }

    double limit(String name) {
        return Objects.requireNonNull(limits.get(name), name);
    }

    ColumnRole role(String part) {
        return Objects.requireNonNull(roles.get(part), part);
    }

    /// Lines that forbid a part.
    List<Line> vetoes(String part, TableFacts table, Reading reading, ColumnFacts column) {
        return lines(part).filter(l -> l.isVeto() && l.holds(table, reading, column)).toList();
    }

    /// Whether no line forbids a part.
    boolean allows(String part, TableFacts table, Reading reading, ColumnFacts column) {
        return lines(part).noneMatch(l -> l.isVeto() && l.holds(table, reading, column));
    }

    /// What the lines of a part, or of two, give to a column.
    Score score(String part, TableFacts table, Reading reading, ColumnFacts column) {
        List<Line> lines =
                lines(part).filter(l -> !l.isVeto() && l.holds(table, reading, column)).toList();
        return new Score(lines.stream().mapToDouble(Line::points).sum(), lines);
    }

    private Stream<Line> lines(String part) {
        return rows.getOrDefault(part, List.of()).stream();
    }
}
