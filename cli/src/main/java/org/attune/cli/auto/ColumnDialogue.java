package org.attune.cli.auto;

import org.attune.auto.ColumnRole;
import org.attune.auto.MappingGuess;
import org.attune.auto.SniffedTable;
import org.attune.auto.TableMapping;
import org.attune.auto.UnclearTableException;
import org.attune.cli.terminal.VisibleText;

import java.io.PrintWriter;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.IntStream;

/// Asks somebody at a terminal what a table's columns are, where the table doesn't say.
///
/// @param out where it asks
/// @param lines what is typed; null at the end of the input
public record ColumnDialogue(PrintWriter out, Supplier<String> lines) {
    private static final int LONGEST = 70;

    /// What can be learned from rows, and the columns that it needs.
    private enum Purpose {
        ANSWERS("to answer questions", ColumnRole.PROMPT, ColumnRole.COMPLETION),
        CLASSES("to name the class of a text", ColumnRole.PROMPT, ColumnRole.COMPLETION),
        PAIRS(
                "to prefer the better of two answers",
                ColumnRole.PROMPT,
                ColumnRole.CHOSEN,
                ColumnRole.REJECTED),
        LABELS(
                "to answer as the good answers do, and not as the bad ones",
                ColumnRole.PROMPT,
                ColumnRole.COMPLETION,
                ColumnRole.LABEL),
        CONVERSATIONS("to go on with conversations", ColumnRole.MESSAGES),
        TEXTS("to write such texts", ColumnRole.TEXT);

        private final String words;
        private final List<ColumnRole> roles;

        Purpose(String words, ColumnRole... roles) {
            this.words = words;
            this.roles = List.of(roles);
        }

        private String column(ColumnRole role) {
            return switch (role) {
                case PROMPT -> this == CLASSES ? "the text" : "the question";
                case COMPLETION -> this == CLASSES ? "its class" : "the answer";
                case CHOSEN -> "the better answer";
                case REJECTED -> "the worse answer";
                case LABEL -> "what says whether the answer is good";
                case MESSAGES -> "the conversation";
                default -> "the text";
            };
        }
    }

    /// Asks until the answers make a mapping.
    ///
    /// @param why what isn't clear
    /// @return empty if an empty line or the end of the input says to stop
    public Optional<TableMapping> ask(SniffedTable table, String why) {
        out.println(why.lines().findFirst().orElse(why));
        List<String> columns = table.columns();
        for (int i = 0; i < columns.size(); i++) {
            out.println(
                    "  %d  %-20s %s"
                            .formatted(
                                    i + 1,
                                    VisibleText.of(columns.get(i)),
                                    sample(table, columns.get(i))));
        }
        while (true) {
            Optional<Map<ColumnRole, List<String>>> given = columns(columns);
            if (given.isEmpty()) {
                return Optional.empty();
            }
            try {
                TableMapping mapping = MappingGuess.given(table, given.get());
                out.println("the same by options: " + mapping.options());
                return Optional.of(mapping);
            } catch (UnclearTableException e) {
                out.println("that can't be: " + e.getMessage().lines().findFirst().orElse(""));
            }
        }
    }

    /// The first value of a column.
    private static String sample(SniffedTable table, String column) {
        return table.rows().stream()
                .map(row -> row.get(column))
                .filter(Objects::nonNull)
                .findFirst()
                .map(cell -> VisibleText.fit(VisibleText.of(String.valueOf(cell)), LONGEST))
                .orElse("");
    }

    private Optional<Map<ColumnRole, List<String>>> columns(List<String> columns) {
        List<Purpose> purposes = List.of(Purpose.values());
        out.println("What is the model to learn? (an empty line stops)");
        for (int i = 0; i < purposes.size(); i++) {
            out.println("  %d  %s".formatted(i + 1, purposes.get(i).words));
        }
        Optional<Purpose> purpose =
                number(purposes.stream().map(p -> p.words).toList()).map(purposes::get);
        if (purpose.isEmpty()) {
            return Optional.empty();
        }
        Map<ColumnRole, List<String>> given = new EnumMap<>(ColumnRole.class);
        for (ColumnRole role : purpose.get().roles) {
            out.println("Which column is %s?".formatted(purpose.get().column(role)));
            Optional<Integer> column = number(columns);
            if (column.isEmpty()) {
                return Optional.empty();
            }
            given.put(role, List.of(columns.get(column.get())));
        }
        return Optional.of(given);
    }

    /// The place, from 0, of what is chosen by its number or name; empty if nothing is.
    private Optional<Integer> number(List<String> names) {
        while (true) {
            out.print("> ");
            out.flush();
            String line = lines.get();
            if (line == null || line.isBlank()) {
                return Optional.empty();
            }
            String said = line.strip();
            Optional<Integer> place =
                    IntStream.range(0, names.size())
                            .filter(i -> said.equals(String.valueOf(i + 1)))
                            .boxed()
                            .findFirst()
                            .or(() -> Optional.of(names.indexOf(said)).filter(i -> i >= 0));
            if (place.isPresent()) {
                return place;
            }
            out.println("a number from 1 to %d, or a name, please".formatted(names.size()));
        }
    }
}
