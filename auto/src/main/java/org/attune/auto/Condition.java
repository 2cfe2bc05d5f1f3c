package org.attune.auto;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// A term of the table of scores, as `marks >= 0.5`, `not kind text` or `prompt: has title`.
///
/// @param not whether it must not hold
/// @param part of the reading whose column is looked at; empty for the row's own
/// @param fact that is measured
/// @param argument of the fact; empty if it has none
/// @param operator by which it is compared; empty if it must be above 0
/// @param number with which it is compared
record Condition(
        boolean not,
        String part,
        KnownFacts.Fact fact,
        String argument,
        String operator,
        double number) {
    private static final Pattern TERM =
            Pattern.compile("(not )?(?:([a-z]+): )?([a-zA-Z +-]+?)(?: (<=|>=|<|>|=) (-?[\\d.]+))?");

    /// Reads a term.
    ///
    /// @throws IllegalArgumentException if it is none
    static Condition of(String term) {
        Matcher read = TERM.matcher(term.strip());
        if (!read.matches()) {
            throw new IllegalArgumentException("no condition: " + term);
        }
        String words = read.group(3);
        String fact =
                KnownFacts.names().stream()
                        .filter(name -> words.equals(name) || words.startsWith(name + " "))
                        .reduce((a, b) -> a.length() > b.length() ? a : b)
                        .orElseThrow(() -> new IllegalArgumentException("no fact: " + term));
        boolean compared = read.group(4) != null;
        return new Condition(
                read.group(1) != null,
                read.group(2) == null ? "" : read.group(2),
                KnownFacts.of(fact),
                words.substring(fact.length()).strip(),
                compared ? read.group(4) : "",
                compared ? Double.parseDouble(read.group(5)) : 0);
    }

    /// Whether the condition holds for a reading of the table.
    ///
    /// @param own the row's column
    boolean holds(TableFacts table, Reading reading, ColumnFacts own) {
        ColumnFacts column = own;
        if (!part.isEmpty()) {
            var columns = reading.parts().get(part);
            if (columns == null) {
                return not;
            }
            column = table.column(columns.getFirst());
        }
        double value = fact.value(table, reading, column, argument);
        boolean holds =
                switch (operator) {
                    case "<" -> value < number;
                    case "<=" -> value <= number;
                    case ">=" -> value >= number;
                    case "=" -> value == number;
                    default -> value > number;
                };
        return holds != not;
    }
}
