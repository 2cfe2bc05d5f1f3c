package org.attune.datasets;

import org.attune.datasets.formats.Content;
import org.attune.datasets.formats.NearColumns;
import org.attune.datasets.formats.Sample;
import org.attune.datasets.rows.Row;
import org.attune.datasets.rows.RowOrigin;
import org.attune.error.DatasetException;
import org.attune.text.Message;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/// Watches the columns that samples of a source aren't made of. A column is missed if its values
/// are content that the sample doesn't hold already: it has a name of content in a known format,
/// holds messages, or holds long text in more than one of twenty rows. Others (identifiers,
/// sources, scores, categories) are only listed.
final class ColumnWatch {
    private static final int LONG_TEXT = 100;
    private static final int FEW = 20;
    private static final int SHOWN = 60;
    private static final int MOST_WORDS_AROUND = 300;
    private static final Set<String> ABOUT_THE_ROW =
            Set.of("meta", "metadata", "extra_info", "info", "license", "citation", "provenance");
    private static final Set<String> LABELS = Set.of("label", "labels", "kto_tag");

    private final ColumnUse use;
    private final Map<String, Seen> unused = new LinkedHashMap<>();
    private long rows;

    ColumnWatch(ColumnUse use) {
        this.use = use;
    }

    private static final class Seen {
        private long missed;
        private RowOrigin first;
        private String example;
        private boolean byName;
    }

    /// Looks at a row's columns.
    ///
    /// @param row  under the names that `columns` gives
    /// @param used columns that the sample is made of
    void see(Row row, Set<String> used, Sample sample) {
        rows++;
        List<String> held = null;
        for (Map.Entry<String, Object> column : row.columns().entrySet()) {
            if (used.contains(column.getKey())) {
                continue;
            }
            Seen seen = unused.computeIfAbsent(column.getKey(), name -> new Seen());
            if (isSettled(column.getKey())) {
                continue;
            }
            Optional<String> content = content(column.getKey(), column.getValue(), sample);
            if (content.isPresent()) {
                held = held == null ? texts(sample) : held;
                if (NearColumns.isOfPictures(column.getKey())
                        || !repeats(column.getValue(), held)) {
                    seen.missed++;
                    seen.byName |= isNamed(column.getKey()) || isMessages(column.getValue());
                    if (seen.first == null) {
                        seen.first = row.origin();
                        seen.example = content.get();
                    }
                }
            }
        }
    }

    private boolean isSettled(String column) {
        return switch (use) {
            case ColumnUse.PromptsAndRewards(Set<String> read) ->
                    read.contains(column) || !NearColumns.isPartOfPrompt(column);
            case ColumnUse.RowsOnly(Set<String> read) -> read.contains(column);
            case ColumnUse.Ignored _, ColumnUse.Anything _ -> true;
        };
    }

    /// Names of the columns that nothing reads.
    List<String> names() {
        return switch (use) {
            case ColumnUse.PromptsAndRewards(Set<String> read) -> unusedBut(read);
            case ColumnUse.RowsOnly(Set<String> read) -> unusedBut(read);
            case ColumnUse.Ignored _ -> List.copyOf(unused.keySet());
            case ColumnUse.Anything _ -> List.of();
        };
    }

    private List<String> unusedBut(Set<String> read) {
        return unused.keySet().stream().filter(column -> !read.contains(column)).toList();
    }

    /// Refuses a source whose content would be lost.
    ///
    /// @param format how its rows are read, in words
    void check(DatasetSource source, String format) {
        List<String> missed =
                unused.entrySet().stream()
                        .filter(entry -> isMissed(entry.getValue()))
                        .map(Map.Entry::getKey)
                        .toList();
        if (missed.isEmpty()) {
            return;
        }
        String column = missed.getFirst();
        Seen seen = unused.get(column);
        throw new DatasetException(
                "%s: nothing reads %s %s (%s: %s)%s. %s is read as %s. Rename what belongs to the rows with columns: {theirs: ours}, or set unused_columns: ignore to leave it out"
                        .formatted(
                                seen.first.where(),
                                missed.size() == 1 ? "the column" : "the columns",
                                String.join(", ", missed),
                                column,
                                seen.example,
                                loss(column),
                                source,
                                format));
    }

    private static String loss(String column) {
        if (LABELS.contains(column)) {
            return "; it tells good rows from bad, and all would be learnt alike";
        }
        return NearColumns.isOfPictures(column)
                ? "; the model sees no pictures, which would be lost"
                : ", whose content would be lost";
    }

    private boolean isMissed(Seen seen) {
        return seen.missed > 0 && (seen.byName || seen.missed * FEW > rows);
    }

    private static boolean isNamed(String column) {
        return NearColumns.isContent(column) || LABELS.contains(column);
    }

    /// What would be missed of a value, shortened for messages.
    private static Optional<String> content(String column, Object value, Sample sample) {
        if (value instanceof Boolean && LABELS.contains(column) && isLabelled(sample)) {
            return Optional.of(value.toString());
        }
        boolean binary = value instanceof byte[] bytes && bytes.length > 0;
        if (NearColumns.isContent(column) && binary) {
            return Optional.of("binary");
        }
        boolean named = NearColumns.isContent(column);
        boolean aside = ABOUT_THE_ROW.contains(column.toLowerCase(Locale.ROOT));
        if (!named
                && (aside
                        || !(value instanceof String)
                                && !(value instanceof List<?>)
                                && !(value instanceof Map<?, ?>))) {
            return Optional.empty();
        }
        boolean messages = isMessages(value);
        return leaves(value).stream()
                .filter(text -> named || messages || isLong(text))
                .findFirst()
                .map(ColumnWatch::shown);
    }

    /// Whether a label says that the sample may be a bad one.
    private static boolean isLabelled(Sample sample) {
        return switch (sample) {
            case Sample.PromptCompletion _, Sample.LanguageModeling _ -> true;
            case Sample.Triple _,
                    Sample.Preference _,
                    Sample.UnpairedPreference _,
                    Sample.Stepwise _,
                    Sample.Labelled _,
                    Sample.PromptOnly _ ->
                    false;
        };
    }

    private static boolean isLong(String text) {
        return text.length() >= LONG_TEXT
                && text.chars()
                        .anyMatch(
                                c -> Character.isWhitespace(c) || c > 127 && Character.isLetter(c));
    }

    private static boolean isMessages(Object value) {
        return value instanceof List<?> list
                && !list.isEmpty()
                && list.getFirst() instanceof Map<?, ?> map
                && (map.containsKey("role") || map.containsKey("from"));
    }

    private static String shown(String text) {
        String line = text.replaceAll("\\s+", " ");
        int end = Math.min(SHOWN, line.length());
        return "\"" + line.substring(0, end) + (end < line.length() ? "…\"" : "\"");
    }

    /// Whether the sample says the same already, or is part of the value.
    private static boolean repeats(Object value, List<String> held) {
        List<String> leaves = leaves(value);
        if (leaves.isEmpty()) {
            return false;
        }
        boolean within =
                leaves.stream().allMatch(leaf -> held.stream().anyMatch(t -> t.contains(leaf)));
        return within || leaves.size() == 1 && isRendering(leaves.getFirst(), held);
    }

    /// Whether a text is little more than the sample with words around it.
    private static boolean isRendering(String text, List<String> held) {
        int length = held.stream().mapToInt(String::length).sum();
        return text.length() <= 2 * length + MOST_WORDS_AROUND
                && held.stream().allMatch(part -> text.contains(part.strip()));
    }

    /// The texts in a value, without those that say who speaks.
    private static List<String> leaves(Object value) {
        if (value instanceof Number number) {
            return List.of(number.toString());
        }
        var leaves = new ArrayList<String>();
        collect(value, leaves);
        return leaves;
    }

    private static void collect(Object value, List<String> leaves) {
        switch (value) {
            case String text when !text.isBlank() -> leaves.add(text.strip());
            case List<?> list -> list.forEach(element -> collect(element, leaves));
            case Map<?, ?> map ->
                    map.forEach(
                            (key, field) -> {
                                if (!"role".equals(key)
                                        && !"from".equals(key)
                                        && !"type".equals(key)) {
                                    collect(field, leaves);
                                }
                            });
            case null, default -> {} // numbers in lists are vectors and scores
        }
    }

    private static List<String> texts(Sample sample) {
        List<Content> parts =
                switch (sample) {
                    case Sample.LanguageModeling row -> List.of(row.content());
                    case Sample.PromptCompletion row -> List.of(row.prompt(), row.completion());
                    case Sample.Preference row ->
                            List.of(row.prompt(), row.chosen(), row.rejected());
                    case Sample.Triple row ->
                            List.of(
                                    row.pair().prompt(),
                                    row.pair().chosen(),
                                    row.pair().rejected(),
                                    row.reference());
                    case Sample.UnpairedPreference row -> List.of(row.prompt(), row.completion());
                    case Sample.Stepwise row -> List.of(row.prompt());
                    case Sample.PromptOnly row -> List.of(row.prompt());
                    case Sample.Labelled row ->
                            row.sequences().stream().flatMap(List::stream).toList();
                };
        var texts = new ArrayList<String>();
        for (Content part : parts) {
            switch (part) {
                case Content.Text(String text) -> texts.add(text);
                case Content.Turns(List<Message> messages) ->
                        messages.forEach(message -> collect(message.fields(), texts));
            }
        }
        if (sample instanceof Sample.Stepwise row) {
            texts.addAll(row.completions());
            texts.add(String.join("\n", row.completions()));
        }
        return texts.stream().filter(text -> !text.isBlank()).collect(Collectors.toList());
    }
}
