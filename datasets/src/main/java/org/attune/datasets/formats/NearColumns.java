package org.attune.datasets.formats;

import org.attune.error.Spelling;

import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// Names that data sets give to TRL's columns: what a set that fits no type may have meant.
public final class NearColumns {
    private static final Map<String, List<String>> SYNONYMS =
            Map.of(
                    "prompt",
                    List.of(
                            "instruction",
                            "question",
                            "query",
                            "problem",
                            "input",
                            "inputs",
                            "user",
                            "human"),
                    "completion",
                    List.of(
                            "response",
                            "answer",
                            "output",
                            "solution",
                            "target",
                            "targets",
                            "assistant",
                            "generation",
                            "reply"),
                    "chosen",
                    List.of(
                            "chosen_response",
                            "response_chosen",
                            "chosen_answer",
                            "accepted",
                            "preferred",
                            "better",
                            "win",
                            "good"),
                    "rejected",
                    List.of(
                            "rejected_response",
                            "response_rejected",
                            "rejected_answer",
                            "dispreferred",
                            "worse",
                            "lose",
                            "bad"),
                    "label",
                    List.of("labels", "kto_tag", "is_good", "desirable", "good"),
                    "messages",
                    List.of("conversation", "conversations", "dialogue", "dialog", "chat", "turns"),
                    "text",
                    List.of("content", "document", "body", "article", "passage"),
                    "completions",
                    List.of("steps", "solution_steps", "completion"),
                    "labels",
                    List.of("step_labels", "ratings", "label"));

    /// What else is text that a model should learn or see.
    private static final List<String> OTHER_CONTENT =
            List.of(
                    "system",
                    "system_prompt",
                    "context",
                    "history",
                    "tools",
                    "thinking",
                    "reasoning",
                    "reasoning_content",
                    "rationale",
                    "explanation",
                    "choices",
                    "options",
                    "summary",
                    "images",
                    "image",
                    "videos",
                    "video",
                    "audio");

    private static final Set<String> CONTENT = content();

    private NearColumns() {}

    private static Set<String> content() {
        var names = new TreeSet<>(OTHER_CONTENT);
        names.addAll(SYNONYMS.keySet());
        SYNONYMS.values().forEach(names::addAll);
        // these tell how good a row is; whether they are text is seen from their values
        names.removeAll(
                List.of("label", "labels", "good", "bad", "better", "worse", "win", "lose"));
        names.removeAll(List.of("ratings", "step_labels", "is_good", "desirable", "kto_tag"));
        return names;
    }

    /// Whether a column of this name holds content in one of the known formats.
    public static boolean isContent(String column) {
        return CONTENT.contains(column.toLowerCase(Locale.ROOT).strip());
    }

    /// Whether a column of this name belongs to what a model is asked.
    public static boolean isPartOfPrompt(String column) {
        String name = column.toLowerCase(Locale.ROOT).strip();
        return SYNONYMS.get("prompt").contains(name)
                || List.of(
                                "system",
                                "system_prompt",
                                "context",
                                "history",
                                "tools",
                                "images",
                                "image")
                        .contains(name)
                || List.of("choices", "options", "messages", "conversations").contains(name);
    }

    /// Whether pictures are read from a column of this name.
    public static boolean isOfPictures(String column) {
        return PictureColumns.NAMES.contains(column);
    }

    /// What to write in `columns:`, for an error's message.
    static String advice(Collection<String> columns, Collection<DatasetType> accepted) {
        return accepted.stream()
                .sorted()
                .flatMap(type -> type.columnSets().stream())
                .flatMap(set -> renames(set, columns).stream())
                .filter(renames -> !renames.isEmpty())
                .min(Comparator.comparingInt(Map::size))
                .map(NearColumns::words)
                .orElseGet(() -> spelling(columns, accepted));
    }

    private static String words(Map<String, String> renames) {
        String plain = "; rename columns with columns: " + braces(renames);
        String answer =
                renames.entrySet().stream()
                        .filter(entry -> entry.getValue().equals("completion"))
                        .map(Map.Entry::getKey)
                        .findFirst()
                        .orElse(null);
        if (answer == null || renames.containsValue("label")) {
            return plain;
        }
        var turns = new LinkedHashMap<String, String>();
        turns.put(
                renames.entrySet().stream()
                        .filter(entry -> entry.getValue().equals("prompt"))
                        .map(Map.Entry::getKey)
                        .findFirst()
                        .orElse("prompt"),
                "instruction");
        turns.put(answer, "output");
        return "; rename columns with columns: %s to ask in the chat template, or with columns: %s to continue plain text"
                .formatted(braces(turns), braces(renames));
    }

    /// Renames that complete a set; empty if a column has no near name.
    private static Optional<Map<String, String>> renames(
            List<String> set, Collection<String> columns) {
        var renames = new LinkedHashMap<String, String>();
        for (String wanted : set) {
            if (columns.contains(wanted)) {
                continue;
            }
            Optional<String> near =
                    Stream.concat(
                                    synonym(wanted, columns).stream(),
                                    Spelling.nearest(wanted, columns).stream())
                            .filter(column -> !set.contains(column))
                            .filter(column -> !renames.containsKey(column))
                            .findFirst();
            if (near.isEmpty()) {
                return Optional.empty();
            }
            renames.put(near.get(), wanted);
        }
        return Optional.of(renames);
    }

    private static Optional<String> synonym(String wanted, Collection<String> columns) {
        return SYNONYMS.getOrDefault(wanted, List.of()).stream()
                .flatMap(
                        name ->
                                columns.stream()
                                        .filter(column -> column.strip().equalsIgnoreCase(name)))
                .findFirst();
    }

    private static String spelling(Collection<String> columns, Collection<DatasetType> accepted) {
        return accepted.stream()
                .sorted()
                .flatMap(type -> type.columnSets().stream())
                .flatMap(List::stream)
                .filter(wanted -> !columns.contains(wanted))
                .flatMap(
                        wanted ->
                                Stream.concat(
                                                synonym(wanted, columns).stream(),
                                                Spelling.nearest(wanted, columns).stream())
                                        .map(c -> c + ": " + wanted))
                .findFirst()
                .map(rename -> "; rename columns with columns: {" + rename + "}")
                .orElse("; rename columns with columns: {theirs: ours}");
    }

    private static String braces(Map<String, String> renames) {
        return renames.entrySet().stream()
                .map(entry -> entry.getKey() + ": " + entry.getValue())
                .collect(Collectors.joining(", ", "{", "}"));
    }
}
