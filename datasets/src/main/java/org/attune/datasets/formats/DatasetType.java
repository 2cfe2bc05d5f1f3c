package org.attune.datasets.formats;

import org.attune.error.DatasetException;

import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/// TRL's dataset types
/// ([dataset formats](https://huggingface.co/docs/trl/main/en/dataset_formats)), each with
/// strings or with lists of messages, and those of models with a head that classifies, ranks or
/// embeds. In the order in which columns are tried: a type stands
/// before those whose columns are a part of its columns.
public enum DatasetType {
    /// Two completions of one prompt, one better, and a third answer that is imitated; without a
    /// `prompt` column all of them hold it.
    TRIPLE_PREFERENCE(
            "triple_preference",
            List.of("prompt", "reference", "chosen", "rejected"),
            List.of("reference", "chosen", "rejected")),
    /// Two completions of one prompt, one better; without a `prompt` column both hold it.
    PREFERENCE(
            "preference", List.of("prompt", "chosen", "rejected"), List.of("chosen", "rejected")),
    /// A completion that is good or not.
    UNPAIRED_PREFERENCE("unpaired_preference", List.of("prompt", "completion", "label")),
    /// A prompt and its completion.
    PROMPT_COMPLETION("prompt_completion", List.of("prompt", "completion")),
    /// A text, a pair of texts or a conversation with its label: a class, several, or a number.
    CLASSIFICATION(
            "classification",
            List.of("sentence1", "sentence2", "label"),
            List.of("premise", "hypothesis", "label"),
            List.of("text", "text_pair", "label"),
            List.of("prompt", "completion", "label"),
            List.of("text", "label"),
            List.of("messages", "label"),
            List.of("prompt", "label"),
            List.of("sentence1", "sentence2", "labels"),
            List.of("text", "labels"),
            List.of("messages", "labels"),
            List.of("prompt", "labels")),
    /// Whole texts or conversations.
    LANGUAGE_MODELING("language_modeling", List.of("messages"), List.of("text")),
    /// A solution step by step, each step right or wrong.
    STEPWISE_SUPERVISION("stepwise_supervision", List.of("prompt", "completions", "labels")),
    /// Prompts to be completed in training.
    PROMPT_ONLY("prompt_only", List.of("prompt")),
    /// Words, each with its label.
    TOKEN_CLASSIFICATION(
            "token_classification",
            List.of("tokens", "ner_tags"),
            List.of("tokens", "tags"),
            List.of("tokens", "labels")),
    /// A query with documents that answer it, better or worse.
    RANKING(
            "ranking",
            List.of("query", "positive"),
            List.of("query", "docs", "labels"),
            List.of("query", "passage", "label")),
    /// Texts that mean the same, perhaps with others that don't, or pairs with their similarity.
    EMBEDDING(
            "embedding",
            List.of("anchor", "positive"),
            List.of("query", "positive"),
            List.of("sentence1", "sentence2", "score"),
            List.of("sentence1", "sentence2", "label"));

    private final String key;
    private final List<List<String>> columnSets;

    @SafeVarargs
    @SuppressWarnings("varargs")
    DatasetType(String key, List<String>... columnSets) {
        this.key = key;
        this.columnSets = List.of(columnSets);
    }

    /// The type's name in configurations.
    public String key() {
        return key;
    }

    /// Column sets that make a row one of this type; each is enough.
    public List<List<String>> columnSets() {
        return columnSets;
    }

    /// The column set of this type that `columns` fulfil.
    public Optional<List<String>> match(Collection<String> columns) {
        return columnSets.stream().filter(columns::containsAll).findFirst();
    }

    /// Whether rows of this type can be read as rows of another, a column being left out.
    public boolean holds(DatasetType other) {
        return this == other || this == TRIPLE_PREFERENCE && other == PREFERENCE;
    }

    /// The type a configuration names.
    public static Optional<DatasetType> named(String key) {
        return Arrays.stream(values()).filter(type -> type.key.equals(key)).findFirst();
    }

    /// The first accepted type that columns fit, if one does.
    public static Optional<DatasetType> of(
            Collection<String> columns, Collection<DatasetType> accepted) {
        return Arrays.stream(values())
                .filter(type -> accepted.contains(type) && type.match(columns).isPresent())
                .findFirst();
    }

    /// The type of rows with these columns.
    ///
    /// @param where    what stands before the message of an error
    /// @param accepted types that the trainer can use
    /// @throws DatasetException if no accepted type fits
    public static DatasetType detect(
            String where, Collection<String> columns, Collection<DatasetType> accepted) {
        Optional<DatasetType> fits = of(columns, accepted);
        if (fits.isPresent()) {
            return fits.get();
        }
        String found =
                columns.isEmpty() ? "there are no columns" : "the columns are " + join(columns);
        Optional<DatasetType> other =
                Arrays.stream(values()).filter(type -> type.match(columns).isPresent()).findFirst();
        throw new DatasetException(
                "%s: %s%s; accepted are %s%s"
                        .formatted(
                                where,
                                found,
                                other.map(
                                                type ->
                                                        " ("
                                                                + type.key
                                                                + "), which this trainer can't use")
                                        .orElse(""),
                                accepted.stream()
                                        .map(DatasetType::shape)
                                        .collect(Collectors.joining(", or ")),
                                NearColumns.advice(columns, accepted)));
    }

    /// `preference (prompt, chosen, rejected | chosen, rejected)`.
    public String shape() {
        return key
                + columnSets.stream()
                        .map(DatasetType::join)
                        .collect(Collectors.joining(" | ", " (", ")"));
    }

    private static String join(Collection<String> columns) {
        return String.join(", ", columns);
    }
}
